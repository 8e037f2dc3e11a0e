// SPDX-License-Identifier: MIT
// VT-x: what each exit reason needs of the state, and which neutral exit it is. SDM 3C 28.2 (qualifications), 3D
// appendix C.
#include "lib/c/printf.h"
#include "pc/lapic.h"
#include "vmm-user/exit.h"
#include "vmm-user/firmware.h"
#include "vmm-user/vm.h"
#include "x86/desc.h"
#include "x86/regs.h"
#include "x86/vmx.h"

#define APIC_ACCESS_OFFSET 0xfff
#define CR_ACCESS_NUMBER   15
#define CR_ACCESS_KIND(q)  ((q) >> 4 & 3)
#define CR_ACCESS_GPR(q)   ((q) >> 8 & 15)
#define CR_ACCESS_LMSW(q)  ((q) >> 16 & 0xffff)

static uint64_t vmx_io(struct vcpu *v, struct utcb_state *s)
{
    uint64_t q = s->qual[0];
    if (__builtin_expect(q & IO_QUAL_STRING, 0))
        return exit_port_string(v, s);
    return exit_port(v, s, (uint16_t)(q >> IO_QUAL_PORT_SHIFT), (q & IO_QUAL_SIZE) + 1, q & IO_QUAL_IN);
}

static uint64_t vmx_ept_violation(struct vcpu *v, struct utcb_state *s)
{
    uint64_t q = s->qual[0];
    if (__builtin_expect(s->idt_info & INTR_VALID, 0))
        return exit_delivers_nowhere(v, s);
    if (q & EPT_QUAL_FETCH)
        return exit_runs_nowhere(v, s);
    v->insn.hint.valid =
        (q & (EPT_QUAL_LINEAR_VALID | EPT_QUAL_NOT_WALK)) == (EPT_QUAL_LINEAR_VALID | EPT_QUAL_NOT_WALK);
    v->insn.hint.write = q & EPT_QUAL_WRITE;
    v->insn.hint.gla = s->linear;
    v->insn.hint.gpa = s->qual[1];
    return exit_insn(v, s);
}

static uint64_t vmx_apic_access(struct vcpu *v, struct utcb_state *s)
{
    v->insn.hint.valid = false;
    s->qual[1] = LAPIC_BASE + (s->qual[0] & APIC_ACCESS_OFFSET);
    return __builtin_expect(s->idt_info & INTR_VALID, 0) ? exit_delivers_nowhere(v, s) : exit_insn(v, s);
}

static uint64_t vmx_apic_write(struct vcpu *v, struct utcb_state *s)
{
    return exit_apic_write(v, s, s->qual[0] & APIC_ACCESS_OFFSET);
}

static uint64_t vmx_task_switch(struct vcpu *v, struct utcb_state *s)
{
    return exit_task_switch(v, s, (uint16_t)s->qual[0], s->qual[0] >> 30 & 3);
}

static uint64_t vmx_cr_access(struct vcpu *v, struct utcb_state *s)
{
    enum { TO_CR, FROM_CR, CLTS, LMSW };
    uint64_t q = s->qual[0];
    bool long_mode = exit_is_64(s);
    switch (CR_ACCESS_KIND(q)) {
    case TO_CR: {
        uint64_t value = s->gpr[CR_ACCESS_GPR(q)];
        return exit_move_to_cr(v, s, q & CR_ACCESS_NUMBER, long_mode ? value : value & 0xffffffff);
    }
    case FROM_CR:
        return exit_move_from_cr(v, s, q & CR_ACCESS_NUMBER, CR_ACCESS_GPR(q));
    case CLTS:
        return exit_move_to_cr(v, s, 0, s->cr0 & ~CR0_TS);
    default: // LMSW sets PE, MP, EM, TS and never clears PE
        return exit_move_to_cr(v, s, 0, (s->cr0 & ~0xeull) | (CR_ACCESS_LMSW(q) & 0xf) | (s->cr0 & CR0_PE));
    }
}

// Exceptions that the kernel intercepts go on to the guest, but #MF, which it intercepts while CR0.NE is clear; #DB has
// its DR6 bits in the qualification.
static uint64_t vmx_exception(struct vcpu *v, struct utcb_state *s)
{
    uint32_t info = s->exit_intr_info, vector = info & INTR_VECTOR;
    uint64_t mtd = 0;
    uint32_t type = info & INTR_TYPE;
    if (!(info & INTR_VALID) || type == INTR_TYPE_NMI)
        return exit_event(v, s);
    exit_vectoring(v, s);
    if (vector == EXC_MF)
        return exit_fpu_error(v, s);
    if (vector == EXC_DB) { // its delivery clears GD, which a VM entry does not do; INT1 has no cause and takes the
                            // place of what is pending
        if (type == INTR_TYPE_HW_EXCEPTION)
            s->dr6 = (s->dr6 & ~0xfull) | (s->qual[0] & 0x600f);
        s->dr7 &= ~DR7_GD;
        mtd |= MTD_DR;
    }
    if (type == INTR_TYPE_HW_EXCEPTION) {
        irq_raise(v, vector, info & INTR_ERROR_CODE, s->exit_intr_error);
        return exit_settle(v, s, mtd);
    }
    v->inject_info = info & (INTR_VALID | INTR_ERROR_CODE | INTR_TYPE | INTR_VECTOR);
    v->inject_error = s->exit_intr_error;
    v->inject_length = s->insn_len;
    vcpu_attend(v, ATTENTION_IRQ);
    return exit_settle(v, s, mtd);
}

// clang-format off
#define EVENT_MTD  (MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_INJ)
#define DUMP       {exit_unsupported, MTD_ALL}
#define UNDEFINED  {exit_undefined, MTD_RIP | MTD_RFLAGS | MTD_STATE}
#define PROTECTION {exit_protection, MTD_RIP | MTD_RFLAGS | MTD_STATE}
#define SKIP       {exit_skip, MTD_RIP | MTD_RFLAGS | MTD_STATE}
// clang-format on

static const struct exit_entry entries[EVENT_COUNT] = {
    [VMX_EXIT_EXCEPTION_NMI] = {vmx_exception, EVENT_MTD | MTD_QUAL | MTD_DR},
    [VMX_EXIT_TRIPLE_FAULT] = {exit_triple_fault, MTD_ALL},
    [VMX_EXIT_INIT] = DUMP,
    [VMX_EXIT_SIPI] = DUMP,
    [VMX_EXIT_INTERRUPT_WINDOW] = {exit_event, EVENT_MTD},
    [VMX_EXIT_NMI_WINDOW] = {exit_event, EVENT_MTD},
    [VMX_EXIT_TASK_SWITCH] = {vmx_task_switch, MTD_ALL},
    [VMX_EXIT_CPUID] = {exit_cpuid, EXIT_MTD_BASE},
    [VMX_EXIT_GETSEC] = UNDEFINED,
    [VMX_EXIT_HLT] = {exit_hlt, MTD_RIP | MTD_RFLAGS | MTD_STATE},
    [VMX_EXIT_INVD] = SKIP,
    [VMX_EXIT_INVLPG] = SKIP,
    [VMX_EXIT_RDPMC] = PROTECTION,
    [VMX_EXIT_RSM] = UNDEFINED,
    [VMX_EXIT_VMCALL] = {exit_hypercall, EXIT_MTD_INSN},
    [VMX_EXIT_VMCLEAR... VMX_EXIT_VMXON] = UNDEFINED,
    [VMX_EXIT_CR_ACCESS] = {vmx_cr_access,
                            MTD_GPR | MTD_RIP | MTD_RFLAGS | MTD_QUAL | MTD_STATE | MTD_CR | MTD_EFER | MTD_CSSS},
    [VMX_EXIT_DR_ACCESS] = DUMP,
    [VMX_EXIT_IO] = {vmx_io, EXIT_MTD_BASE | MTD_QUAL},
    [VMX_EXIT_RDMSR] = {exit_rdmsr, EXIT_MTD_BASE},
    [VMX_EXIT_WRMSR] = {exit_wrmsr, EXIT_MTD_BASE},
    [VMX_EXIT_MWAIT] = UNDEFINED,
    [VMX_EXIT_MONITOR] = UNDEFINED,
    [VMX_EXIT_PAUSE] = SKIP,
    [VMX_EXIT_TPR_BELOW_THRESHOLD] = {exit_event, EVENT_MTD},
    [VMX_EXIT_APIC_ACCESS] = {vmx_apic_access, EXIT_MTD_INSN64},
    [VMX_EXIT_EPT_VIOLATION] = {vmx_ept_violation, EXIT_MTD_INSN64},
    [VMX_EXIT_EPT_MISCONFIG] = DUMP,
    [VMX_EXIT_INVEPT] = UNDEFINED,
    [VMX_EXIT_INVVPID] = UNDEFINED,
    [VMX_EXIT_WBINVD] = SKIP,
    [VMX_EXIT_XSETBV] = {exit_xsetbv, EXIT_MTD_BASE | MTD_XSAVE},
    [VMX_EXIT_APIC_WRITE] = {vmx_apic_write, MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_QUAL},
    [VMX_EXIT_INVPCID] = UNDEFINED,
    [VMX_EXIT_VMFUNC] = UNDEFINED,
    [VMX_EXIT_ENCLS] = UNDEFINED,
    [VMX_EXIT_XSAVES] = UNDEFINED,
    [VMX_EXIT_XRSTORS] = UNDEFINED,
    [VMX_EXIT_PCONFIG] = UNDEFINED,
    [VMX_EXIT_UMWAIT] = UNDEFINED,
    [VMX_EXIT_TPAUSE] = UNDEFINED,
    [VMX_EXIT_LOADIWKEY] = UNDEFINED,
};

static const char *const names[EVENT_COUNT] = {
#define VMX_EXIT(number, name, text) [number] = text,
#include "x86/vmx_exits.def"
#undef VMX_EXIT
};

const struct exit_backend exit_backend_vmx = {entries, names, VMX_EXIT_EPT_VIOLATION};
