// SPDX-License-Identifier: MIT
// A vCPU's state to and from the handler's UTCB, by the groups of the MTD. What common exits need comes first and is
// short; each field of the VMCS is read only if its group was asked for. The UTCB is user memory: whatever is in it is
// made harmless here or fails the entry.
#include "pc/lapic.h"
#include "vmx/vmx.h"

#define MTD_SAVED_FIRST  (MTD_ACDB | MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_QUAL)
#define MTD_LOADED_FIRST (MTD_ACDB | MTD_RIP | MTD_QUAL)

// VMREAD to memory: 64 bits, zero-extended.
static inline void save_to(void *where, enum vmcs_field field)
{
    __asm__ volatile("vmread %1, %0" : "=m"(*(uint64_t *)where) : "r"((uint64_t)field) : "cc", "memory");
}

// ---- segments: the fields of register i of the hardware's order are 2 * i apart. Inlined with constants: an exit that
// needs the instruction decoded reads six of them.
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE unsigned hardware_order(enum seg which) // LDTR comes before TR there
{
    return which == SEG_TR ? 7 : which == SEG_LDTR ? 6 : which;
}

ALWAYS_INLINE void segment_save(struct utcb_seg *s, enum seg which)
{
    unsigned i = 2 * hardware_order(which);
    s += which;
    if (which < SEG_GDTR) {
        save_to(&s->sel, GUEST_ES_SEL + i); // each covers the beginning of what follows
        uint32_t ar = vmread(GUEST_ES_AR + i);
        s->ar = (ar & 0xff) | (ar >> 4 & 0x1f00);
    }
    save_to(&s->limit, GUEST_ES_LIMIT + i);
    save_to(&s->base, GUEST_ES_BASE + i);
}

ALWAYS_INLINE void segment_load(const struct utcb_seg *s, enum seg which)
{
    unsigned i = 2 * hardware_order(which);
    s += which;
    vmwrite(GUEST_ES_LIMIT + i, s->limit);
    vmwrite(GUEST_ES_BASE + i, s->base);
    if (which >= SEG_GDTR)
        return;
    uint64_t ar = s->ar;
    vmwrite(GUEST_ES_SEL + i, s->sel);
    vmwrite(GUEST_ES_AR + i, (ar & 0xff) | (ar & 0x1f00) << 4);
}

#define SEGMENT_GROUPS(GROUP)                                                                                          \
    GROUP(MTD_CSSS, SEG_CS, SEG_SS)                                                                                    \
    GROUP(MTD_ESDS, SEG_ES, SEG_DS)                                                                                    \
    GROUP(MTD_FSGS, SEG_FS, SEG_GS)                                                                                    \
    GROUP(MTD_TRLDTR, SEG_TR, SEG_LDTR)                                                                                \
    GROUP(MTD_TABLES, SEG_GDTR, SEG_IDTR)

static void segments_save(struct utcb_state *s, uint32_t mtd)
{
#define SAVE_GROUP(group, first, second)                                                                               \
    if (mtd & group) {                                                                                                 \
        segment_save(s->seg, first);                                                                                   \
        segment_save(s->seg, second);                                                                                  \
    }
    SEGMENT_GROUPS(SAVE_GROUP)
}

static void segments_load(const struct utcb_state *s, uint32_t mtd)
{
#define LOAD_GROUP(group, first, second)                                                                               \
    if (mtd & group) {                                                                                                 \
        segment_load(s->seg, first);                                                                                   \
        segment_load(s->seg, second);                                                                                  \
    }
    SEGMENT_GROUPS(LOAD_GROUP)
}

// ---- groups, one function each way
static inline void more_gprs_save(const struct vcpu *v, struct utcb_state *s, uint32_t mtd)
{
    vcpu_gprs_save(&v->base, s, mtd);
    if (mtd & MTD_RSP) {
        save_to(&s->gpr[GPR_RSP], GUEST_RSP);
        save_to(&s->dr7, GUEST_DR7);
    }
}

static inline void more_gprs_load(struct vcpu *v, const struct utcb_state *s, uint32_t mtd)
{
    vcpu_gprs_load(&v->base, s, mtd);
    if (mtd & MTD_RSP)
        vmwrite(GUEST_RSP, s->gpr[GPR_RSP]);
}

static void qualification_save(struct vcpu *v, struct utcb_state *s)
{
    if (v->failed) {
        s->qual[0] = v->error;
        s->insn_info = v->rule;
        v->failed = false;
        return;
    }
    if (v->reason == VMX_EXIT_EXCEPTION_NMI) {
        s->exit_intr_info = vmread(EXIT_INTR_INFO);
        s->exit_intr_error = vmread(EXIT_INTR_ERROR);
    }
    save_to(&s->qual[1], GUEST_PHYSICAL);
    save_to(&s->linear, GUEST_LINEAR);
    s->insn_info = vmread(INSN_INFO);
}

// No exit since the last answer (recall, deadline): what was to be injected then has not been, and is reported as if
// interrupted.
static void pending_injection_save(struct utcb_state *s)
{
    uint32_t info = vmread(ENTRY_INTR_INFO);
    s->idt_info = info & INTR_VALID ? info : 0;
    s->idt_error = vmread(ENTRY_INTR_ERROR);
    if (info & INTR_VALID)
        s->insn_len = vmread(ENTRY_INSN_LEN);
    vmwrite(ENTRY_INTR_INFO, 0);
}

static void injection_save(struct vcpu *v, struct utcb_state *s)
{
    s->inj_info = s->inj_error = s->inj_len = 0;
    if (v->reason == REASON_NONE) {
        pending_injection_save(s);
        return;
    }
    s->idt_info = vmread(IDT_INFO);
    if (s->idt_info & INTR_ERROR_CODE)
        s->idt_error = vmread(IDT_ERROR);
}

static void injection_load(struct vcpu *v, const struct utcb_state *s)
{
    uint32_t info = s->inj_info;
    uint32_t proc = v->proc_ctls & ~(PROC_INTERRUPT_WINDOW | PROC_NMI_WINDOW);
    proc |= (info & INJ_INTR_WINDOW ? PROC_INTERRUPT_WINDOW : 0) | (info & INJ_NMI_WINDOW ? PROC_NMI_WINDOW : 0);
    if (proc != v->proc_ctls) {
        v->proc_ctls = proc;
        vmwrite(PROC_CTLS, proc);
    }
    info &= ~(INJ_INTR_WINDOW | INJ_NMI_WINDOW);
    vmwrite(ENTRY_INTR_INFO, info);
    if (!(info & INTR_VALID))
        return;
    v->base.stats->injections++;
    vmwrite(ENTRY_INTR_ERROR, s->inj_error);
    vmwrite(ENTRY_INSN_LEN, s->inj_len);
}

// With TF set and STI or MOV SS blocking, a single step must be pending (SDM 3C 27.3.1.5). Without, it is not: the VMM
// has raised what was due, or the instruction is executed again. Bochs 2.7 leaves one pending at exits that are like
// faults.
static void interruptibility_load(const struct utcb_state *s)
{
    uint32_t blocking = s->intr_state;
    bool held = blocking & (BLOCKING_STI | BLOCKING_MOV_SS);
    vmwrite(GUEST_INTERRUPTIBILITY, blocking);
    vmwrite(GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    if (!held && !(s->rflags & RFLAGS_TF))
        return;
    uint64_t pending = vmread(GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_BS;
    vmwrite(GUEST_PENDING_DEBUG, pending | (held && vmread(GUEST_RFLAGS) & RFLAGS_TF ? PENDING_DEBUG_BS : 0));
}

static bool pae_paging(void)
{
    return (vmread(GUEST_CR0) & CR0_PG) && (vmread(GUEST_CR4) & CR4_PAE) && !(vmread(GUEST_EFER) & EFER_LMA);
}

static void control_registers_save(struct vcpu *v, struct utcb_state *s)
{
    uint64_t cr0 = vmread(GUEST_CR0), cr4 = vmread(GUEST_CR4);
    s->cr0 = cr0 ^ ((cr0 ^ vmread(CR0_SHADOW)) & vmx.cr0_mask);
    s->cr4 = cr4 ^ ((cr4 ^ vmread(CR4_SHADOW)) & vmx.cr4_mask);
    s->cr2 = v->cr2;
    save_to(&s->cr3, GUEST_CR3);
    s->cr8 = vmx.tpr_shadow ? v->base.apic_page[LAPIC_TPR] >> 4 : v->cr8;
    if ((cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(vmread(GUEST_EFER) & EFER_LMA))
        for (unsigned i = 0; i < 4; i++)
            s->pdpte[i] = vmread(GUEST_PDPTE0 + 2 * i);
}

static void control_registers_load(struct vcpu *v, const struct utcb_state *s)
{
    uint64_t cr0 = s->cr0, cr4 = s->cr4;
    vmwrite(CR0_SHADOW, cr0);
    vmwrite(GUEST_CR0, (cr0 & vmx.cr0_allowed) | vmx.cr0_set);
    vmwrite(EXCEPTION_BITMAP, exceptions_of(cr0));
    vmwrite(CR4_SHADOW, cr4);
    vmwrite(GUEST_CR4, (cr4 & vmx.cr4_allowed) | vmx.cr4_set);
    vmwrite(GUEST_CR3, s->cr3);
    v->cr2 = s->cr2;
    v->cr8 = s->cr8 & 15;
    if (vmx.tpr_shadow && v->base.apic_page[LAPIC_TPR] >> 4 != v->cr8)
        v->base.apic_page[LAPIC_TPR] = v->cr8 << 4;
}

// After CR0 or EFER changed: EFER.LMA and the entry control say whether the guest is in IA-32e mode.
static void paging_mode_update(const struct utcb_state *s, bool new_pdptes)
{
    uint64_t efer = vmread(GUEST_EFER) & ~EFER_LMA;
    bool long_mode = (efer & EFER_LME) && (vmread(GUEST_CR0) & CR0_PG);
    vmwrite(GUEST_EFER, efer | (long_mode ? EFER_LMA : 0));
    vmwrite(ENTRY_CTLS, vmx.controls.entry | (long_mode ? ENTRY_IA32E : 0));
    if (new_pdptes && pae_paging())
        for (unsigned i = 0; i < 4; i++)
            vmwrite(GUEST_PDPTE0 + 2 * i, s->pdpte[i]);
}

static void debug_registers_save(struct vcpu *v, struct utcb_state *s)
{
    vcpu_carried_read(&v->base);
    for (unsigned i = 0; i < 4; i++)
        s->dr[i] = v->base.dr[i];
    s->dr6 = v->base.dr6;
    s->dr7 = vmread(GUEST_DR7);
}

static void debug_registers_load(struct vcpu *v, const struct utcb_state *s)
{
    vcpu_debug_set(&v->base, s);
    vmwrite(GUEST_DR7, (uint32_t)s->dr7 | DR7_RESET);
}

static void syscall_save(struct vcpu *v, struct utcb_state *s)
{
    vcpu_carried_read(&v->base);
    s->star = v->base.msr[CARRY_STAR];
    s->lstar = v->base.msr[CARRY_LSTAR];
    s->cstar = v->base.msr[CARRY_CSTAR];
    s->fmask = v->base.msr[CARRY_FMASK];
    s->kernel_gs_base = v->base.msr[CARRY_KERNEL_GS_BASE];
    s->tsc_aux = v->base.msr[CARRY_TSC_AUX];
}

static void syscall_load(struct vcpu *v, const struct utcb_state *s)
{
    vcpu_carried_set(&v->base, CARRY_STAR, s->star);
    vcpu_carried_set(&v->base, CARRY_LSTAR, s->lstar);
    vcpu_carried_set(&v->base, CARRY_CSTAR, s->cstar);
    vcpu_carried_set(&v->base, CARRY_FMASK, s->fmask);
    vcpu_carried_set(&v->base, CARRY_KERNEL_GS_BASE, s->kernel_gs_base);
    vcpu_carried_set(&v->base, CARRY_TSC_AUX, s->tsc_aux);
}

static void apic_load(struct vcpu *v, const struct utcb_state *s)
{
    apic_mode_set(v, s->apic_mode);
    if (!vmx.tpr_shadow)
        return;
    uint32_t threshold = s->tpr_threshold & 15;
    uint32_t tpr = v->base.apic_page[LAPIC_TPR] >> 4;
    if (threshold > tpr && v->apic_mode != APIC_XAPIC)
        threshold = tpr; // a higher one fails the entry there (SDM 3C 27.2.1.1)
    vmwrite(TPR_THRESHOLD, threshold);
}

static void system_save(struct vcpu *v, struct utcb_state *s, uint32_t mtd)
{
    if (mtd & MTD_DR)
        debug_registers_save(v, s);
    if (mtd & MTD_SYSENTER) {
        s->sysenter_cs = vmread(GUEST_SYSENTER_CS);
        s->sysenter_esp = vmread(GUEST_SYSENTER_ESP);
        s->sysenter_eip = vmread(GUEST_SYSENTER_EIP);
    }
    if (mtd & MTD_SYSCALL)
        syscall_save(v, s);
    if (mtd & MTD_XSAVE)
        vcpu_xsave_save(&v->base, s);
    if (mtd & MTD_TSC)
        s->tsc_offset = vmread(TSC_OFFSET);
    if (mtd & MTD_DEADLINE)
        s->deadline = v->base.deadline == UINT64_MAX ? 0 : v->base.deadline;
    if (mtd & MTD_APIC) {
        s->apic_mode = v->apic_mode;
        s->tpr_threshold = vmx.tpr_shadow ? vmread(TPR_THRESHOLD) : 0;
    }
}

static void system_load(struct vcpu *v, const struct utcb_state *s, uint32_t mtd)
{
    if (mtd & MTD_DR)
        debug_registers_load(v, s);
    if (mtd & MTD_EFER) {
        vmwrite(GUEST_EFER, s->efer & vcpu_registers.efer_allowed);
        vmwrite(GUEST_PAT, s->pat);
    }
    if (mtd & (MTD_EFER | MTD_CR))
        paging_mode_update(s, mtd & MTD_CR);
    if (mtd & MTD_SYSENTER) {
        vmwrite(GUEST_SYSENTER_CS, s->sysenter_cs);
        vmwrite(GUEST_SYSENTER_ESP, s->sysenter_esp);
        vmwrite(GUEST_SYSENTER_EIP, s->sysenter_eip);
    }
    if (mtd & MTD_SYSCALL)
        syscall_load(v, s);
    if (mtd & MTD_XSAVE)
        vcpu_xsave_load(&v->base, s);
    if (mtd & MTD_TSC)
        vmwrite(TSC_OFFSET, s->tsc_offset);
    if (mtd & MTD_APIC)
        apic_load(v, s);
}

#define MTD_SYSTEM (MTD_DR | MTD_SYSENTER | MTD_SYSCALL | MTD_XSAVE | MTD_TSC | MTD_DEADLINE | MTD_APIC)

static __attribute__((noinline)) void rest_save(struct vcpu *v, struct utcb_state *s, uint32_t mtd)
{
    if (mtd & (MTD_BSD | MTD_RSP | MTD_R8_R15))
        more_gprs_save(v, s, mtd);
    if (mtd & MTD_INJ)
        injection_save(v, s);
    if (mtd & MTD_SEG)
        segments_save(s, mtd);
    if (mtd & MTD_CR)
        control_registers_save(v, s);
    if (mtd & MTD_EFER) {
        save_to(&s->efer, GUEST_EFER);
        save_to(&s->pat, GUEST_PAT);
    }
    if (mtd & MTD_SYSTEM)
        system_save(v, s, mtd);
    vcpu_time_kernel(&v->base, rdtsc()); // an event without an exit (the first of all, a recall) comes here too
}

static __attribute__((noinline)) void rest_load(struct vcpu *v, const struct utcb_state *s, uint32_t mtd)
{
    if (mtd & MTD_DEADLINE)
        v->base.deadline = s->deadline ? s->deadline : UINT64_MAX;
    if (mtd & (MTD_BSD | MTD_RSP | MTD_R8_R15))
        more_gprs_load(v, s, mtd);
    if (mtd & MTD_RFLAGS)
        vmwrite(GUEST_RFLAGS, s->rflags);
    if (mtd & MTD_INJ)
        injection_load(v, s);
    if (mtd & MTD_STATE)
        interruptibility_load(s);
    if (mtd & MTD_SEG)
        segments_load(s, mtd);
    if (mtd & MTD_CR)
        control_registers_load(v, s);
    if (mtd & ((MTD_SYSTEM | MTD_EFER | MTD_CR) & ~MTD_DEADLINE))
        system_load(v, s, mtd);
}

#define FOLLOWS(a, b) (offsetof(struct utcb_state, b) == offsetof(struct utcb_state, a) + sizeof(uint32_t))
_Static_assert(FOLLOWS(insn_len, insn_info), "reading insn_len sets insn_info, a field of a later group, to 0");
_Static_assert(FOLLOWS(intr_state, activity) && !ACTIVITY_ACTIVE, "reading intr_state sets the activity to active");

static __attribute__((noinline, cold)) void switch_and_save(struct ec *ec, struct utcb_state *s, uint32_t mtd)
{
    vmcs_switch(ec->vcpu);
    state_save(ec, s, mtd);
}

static __attribute__((noinline, cold)) void switch_and_load(struct ec *ec, struct utcb_state *s, uint32_t mtd)
{
    vmcs_switch(ec->vcpu);
    state_load(ec, s, mtd);
}

void state_save(struct ec *ec, struct utcb_state *s, uint32_t mtd)
{
    struct vcpu *v = ec->vcpu;
    if (__builtin_expect(!vmcs_is_current(v), 0)) {
        switch_and_save(ec, s, mtd);
        return;
    }
    if (mtd & MTD_ACDB) {
        s->gpr[GPR_RAX] = v->base.gpr[GPR_RAX];
        s->gpr[GPR_RCX] = v->base.gpr[GPR_RCX];
        s->gpr[GPR_RDX] = v->base.gpr[GPR_RDX];
        s->gpr[GPR_RBX] = v->base.gpr[GPR_RBX];
    }
    if (mtd & MTD_RIP) {
        save_to(&s->rip, GUEST_RIP);
        save_to(&s->insn_len, INSN_LEN);
    }
    if (mtd & MTD_RFLAGS)
        save_to(&s->rflags, GUEST_RFLAGS);
    if (mtd & MTD_STATE)
        save_to(&s->intr_state, GUEST_INTERRUPTIBILITY);
    if (mtd & MTD_QUAL) {
        save_to(&s->qual[0], QUALIFICATION);
        if (v->reason != VMX_EXIT_IO || (s->qual[0] & IO_QUAL_STRING))
            qualification_save(v, s);
    }
    if (mtd & ~MTD_SAVED_FIRST)
        rest_save(v, s, mtd);
    else
        vcpu_time_exit(&v->base, rdtsc());
}

// Time of the exit until this answer was the handler's.
void state_load(struct ec *ec, struct utcb_state *s, uint32_t mtd)
{
    struct vcpu *v = ec->vcpu;
    if (__builtin_expect(!vmcs_is_current(v), 0)) {
        switch_and_load(ec, s, mtd);
        return;
    }
    v->reason = REASON_NONE;
    if (mtd & MTD_ACDB) {
        v->base.gpr[GPR_RAX] = s->gpr[GPR_RAX];
        v->base.gpr[GPR_RCX] = s->gpr[GPR_RCX];
        v->base.gpr[GPR_RDX] = s->gpr[GPR_RDX];
        v->base.gpr[GPR_RBX] = s->gpr[GPR_RBX];
    }
    if (mtd & MTD_RIP)
        vmwrite(GUEST_RIP, s->rip);
    vcpu_time_vmm(&v->base, rdtsc());
    if (mtd & ~MTD_LOADED_FIRST)
        rest_load(v, s, mtd);
}
