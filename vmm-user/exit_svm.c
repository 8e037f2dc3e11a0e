// SPDX-License-Identifier: MIT
// SVM: what each exit code needs of the state, and which neutral exit it is. AMD APM 2 chapter 15, appendix C. The CPU
// need not say how long the instruction is, nor what it is: then it is decoded.
#include "vmm-user/exit.h"
#include "vmm-user/firmware.h"
#include "vmm-user/vm.h"
#include "x86/desc.h"
#include "x86/regs.h"
#include "x86/svm.h"
#include "x86/vmx.h"

#define DECODE_MTD (MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_CR | MTD_EFER | MTD_CSSS)

// Fetching fails where the guest's tables or code changed since: then the instruction is taken to have no prefixes.
static inline void length_find(struct vcpu *v, struct utcb_state *s, unsigned op, uint32_t plain)
{
    const struct insn *in;
    if (s->insn_len)
        return;
    v->insn.hint.valid = false;
    s->insn_len = insn_fetch(&v->insn, &in) == INSN_DONE && in->op == op ? in->length : plain;
}

#define WITH_LENGTH(name, op, plain)                                                                                   \
    static uint64_t svm_##name(struct vcpu *v, struct utcb_state *s)                                                   \
    {                                                                                                                  \
        length_find(v, s, op, plain);                                                                                  \
        return exit_##name(v, s);                                                                                      \
    }
WITH_LENGTH(hlt, INSN_OP_HLT, 1)
WITH_LENGTH(rdmsr, INSN_OP_RDMSR, 2)
WITH_LENGTH(wrmsr, INSN_OP_WRMSR, 2)
WITH_LENGTH(xsetbv, INSN_OP_XSETBV, 3)

// QEMU 7.2 lets the guest write XCR0 without an exit: leaf 0dh, which depends on it, asks what it is.
static uint64_t svm_cpuid(struct vcpu *v, struct utcb_state *s)
{
    if (__builtin_expect((uint32_t)s->gpr[GPR_RAX] == 0xd, 0)) {
        if (!vcpu_has(v, MTD_XSAVE))
            return vcpu_widen(v, MTD_XSAVE);
        v->widened = VCPU_WIDE_EXITS;
        v->xcr0 = s->xcr0;
    }
    length_find(v, s, INSN_OP_CPUID, 2);
    return exit_cpuid(v, s);
}

static uint64_t svm_invd(struct vcpu *v, struct utcb_state *s)
{
    length_find(v, s, INSN_OP_INVD, 2);
    return exit_skip(v, s);
}

static uint64_t svm_wbinvd(struct vcpu *v, struct utcb_state *s)
{
    length_find(v, s, INSN_OP_WBINVD, 2);
    return exit_skip(v, s);
}

static uint64_t svm_io(struct vcpu *v, struct utcb_state *s)
{
    uint64_t info = s->qual[0];
    if (__builtin_expect(info & SVM_IO_STRING, 0)) {
        s->insn_len = 0; // the executor moves RIP
        return exit_port_string(v, s);
    }
    return exit_port(v, s, (uint16_t)(info >> SVM_IO_PORT_SHIFT), info >> SVM_IO_SIZE_SHIFT & SVM_IO_SIZE,
                     info & SVM_IO_IN);
}

// Emulators' error codes are not to be trusted: what the access is, the instruction says.
static uint64_t svm_npf(struct vcpu *v, struct utcb_state *s)
{
    const struct insn *in;
    uint64_t info = s->qual[0];
    if (__builtin_expect(s->idt_info & INTR_VALID, 0))
        return exit_delivers_nowhere(v, s);
    if (__builtin_expect(info & SVM_NPF_FETCH, 0) && insn_fetch(&v->insn, &in) == INSN_UNSUPPORTED &&
        !v->insn.byte_count)
        return exit_runs_nowhere(v, s);
    v->insn.hint.gpa_only = info & SVM_NPF_FINAL;
    v->insn.hint.gpa = s->qual[1];
    return exit_insn(v, s);
}

// MOV to or from CR8.
static uint64_t svm_cr8(struct vcpu *v, struct utcb_state *s)
{
    const struct insn *in;
    v->insn.hint.valid = false;
    if (insn_fetch(&v->insn, &in) != INSN_DONE || in->op != INSN_OP_MOV)
        return exit_undefined(v, s);
    s->insn_len = in->length;
    if (in->dst == INSN_CR)
        return exit_move_to_cr(v, s, in->dst_reg,
                               exit_is_64(s) ? s->gpr[in->src_reg & 15] : (uint32_t)s->gpr[in->src_reg & 15]);
    return exit_move_from_cr(v, s, in->src_reg, in->dst_reg);
}

// Intercepted for the host's sake (svm/vcpu.c); the guest has them as they are. DR6 is up to date; delivery clears GD,
// which an injection does not do.
static uint64_t svm_db(struct vcpu *v, struct utcb_state *s)
{
    exit_vectoring(v, s);
    s->dr7 &= ~DR7_GD;
    irq_raise(v, EXC_DB, false, 0);
    return exit_settle(v, s, MTD_DR);
}

static uint64_t svm_ac(struct vcpu *v, struct utcb_state *s)
{
    exit_vectoring(v, s);
    return exit_fault(v, s, EXC_AC, true, 0);
}

// clang-format off
#define EVENT_MTD  (MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_INJ)
#define EVENT      {exit_event, EVENT_MTD}
#define DUMP       {exit_unsupported, MTD_ALL}
#define UNDEFINED  {exit_undefined, MTD_RIP | MTD_RFLAGS | MTD_STATE}
#define PROTECTION {exit_protection, MTD_RIP | MTD_RFLAGS | MTD_STATE}
#define CR8        {svm_cr8, DECODE_MTD | MTD_GPR}
// clang-format on

static const struct exit_entry entries[EVENT_COUNT] = {
    [SVM_EXIT_CR8_READ] = CR8,
    [SVM_EXIT_CR8_WRITE] = CR8,
    [SVM_EXIT_DB] = {svm_db, EVENT_MTD | MTD_DR},
    [SVM_EXIT_AC] = {svm_ac, EVENT_MTD},
    [SVM_EXIT_INIT] = DUMP,
    [SVM_EXIT_VINTR] = EVENT,
    [SVM_EXIT_NMI_WINDOW] = EVENT,
    [SVM_EXIT_RDPMC] = PROTECTION,
    [SVM_EXIT_CPUID] = {svm_cpuid, DECODE_MTD | EXIT_MTD_BASE},
    [SVM_EXIT_RSM] = UNDEFINED,
    [SVM_EXIT_INVD] = {svm_invd, DECODE_MTD},
    [SVM_EXIT_HLT] = {svm_hlt, DECODE_MTD},
    [SVM_EXIT_INVLPGA] = UNDEFINED,
    [SVM_EXIT_IOIO] = {svm_io, EXIT_MTD_BASE | MTD_QUAL},
    [SVM_EXIT_RDMSR] = {svm_rdmsr, DECODE_MTD | EXIT_MTD_BASE},
    [SVM_EXIT_WRMSR] = {svm_wrmsr, DECODE_MTD | EXIT_MTD_BASE},
    [SVM_EXIT_SHUTDOWN] = {exit_triple_fault, MTD_ALL},
    [SVM_EXIT_VMRUN] = UNDEFINED,
    [SVM_EXIT_VMMCALL] = {exit_hypercall, EXIT_MTD_INSN},
    [SVM_EXIT_VMLOAD... SVM_EXIT_SKINIT] = UNDEFINED,
    [SVM_EXIT_WBINVD] = {svm_wbinvd, DECODE_MTD},
    [SVM_EXIT_MONITOR... SVM_EXIT_MWAIT_ARMED] = UNDEFINED,
    [SVM_EXIT_XSETBV] = {svm_xsetbv, DECODE_MTD | EXIT_MTD_BASE | MTD_XSAVE},
    [SVM_EXIT_RDPRU] = UNDEFINED,
    [SVM_EXIT_NPF] = {svm_npf, EXIT_MTD_INSN64},
    [SVM_EXIT_UNKNOWN] = DUMP,
};

static const char *const names[EVENT_COUNT] = {
#define SVM_EXIT(event, name, text) [event] = text,
#include "x86/svm_exits.def"
#undef SVM_EXIT
};

const struct exit_backend exit_backend_svm = {entries, names, SVM_EXIT_NPF};
