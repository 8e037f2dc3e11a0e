// SPDX-License-Identifier: MIT
// A vCPU's state to and from the handler's UTCB, by the groups of the MTD. The UTCB is user memory: whatever is in it
// is made harmless here or fails the entry.
#include "svm/svm.h"

#define MTD_SAVED_FIRST  (MTD_ACDB | MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_QUAL)
#define MTD_LOADED_FIRST (MTD_ACDB | MTD_RIP | MTD_QUAL)
#define MTD_DECODE       (MTD_CR | MTD_EFER | MTD_CSSS) // what it takes to look at the instruction, which most exits do

// ---- segments: attributes are the ABI's access rights but for the bit that says unusable, which is a segment not
// present here
#define AR_UNUSABLE (1u << 12)
#define AR_MASK     0xfffu
#define AR_DPL      (3u << SVM_SEG_DPL_SHIFT)

#define AT(name) offsetof(struct vmcb, name)
static const uint16_t places[SEG_COUNT] = {
    [SEG_ES] = AT(es), [SEG_CS] = AT(cs), [SEG_SS] = AT(ss),     [SEG_DS] = AT(ds),     [SEG_FS] = AT(fs),
    [SEG_GS] = AT(gs), [SEG_TR] = AT(tr), [SEG_LDTR] = AT(ldtr), [SEG_GDTR] = AT(gdtr), [SEG_IDTR] = AT(idtr),
};

static struct vmcb_seg *place_of(struct vmcb *c, enum seg which)
{
    return (struct vmcb_seg *)((char *)c + places[which]);
}

static inline void segment_copy(struct utcb_seg *to, const struct vmcb_seg *from)
{
    uint32_t ar = (from->attr & AR_MASK) | (from->attr & SVM_SEG_P ? 0 : AR_UNUSABLE);
    *to = (struct utcb_seg){.sel = from->sel, .ar = ar, .limit = from->limit, .base = from->base};
}

// SYSRET and null selectors leave another DPL in SS than the CPL.
static inline void code_and_stack_save(const struct vmcb *c, struct utcb_seg *s)
{
    segment_copy(&s[SEG_CS], &c->cs);
    segment_copy(&s[SEG_SS], &c->ss);
    s[SEG_SS].ar = (s[SEG_SS].ar & ~AR_DPL) | c->cpl << SVM_SEG_DPL_SHIFT;
}

static void segment_load(struct vmcb *c, const struct utcb_seg *s, enum seg which)
{
    uint16_t ar = s[which].ar;
    *place_of(c, which) = (struct vmcb_seg){.sel = s[which].sel,
                                            .attr = ar & AR_UNUSABLE ? 0 : ar & AR_MASK,
                                            .limit = s[which].limit,
                                            .base = canonical_of(s[which].base)};
    if (which == SEG_SS)
        c->cpl = ar >> SVM_SEG_DPL_SHIFT & 3;
}

static const struct {
    uint32_t mtd;
    enum seg first, second;
} segment_groups[] = {
    {MTD_CSSS, SEG_CS, SEG_SS},     {MTD_ESDS, SEG_ES, SEG_DS},       {MTD_FSGS, SEG_FS, SEG_GS},
    {MTD_TRLDTR, SEG_TR, SEG_LDTR}, {MTD_TABLES, SEG_GDTR, SEG_IDTR},
};

static void segments_save(struct vmcb *c, struct utcb_state *s, uint32_t mtd)
{
    for (unsigned i = 0; i < sizeof(segment_groups) / sizeof(*segment_groups); i++) {
        if (mtd & segment_groups[i].mtd) {
            segment_copy(&s->seg[segment_groups[i].first], place_of(c, segment_groups[i].first));
            segment_copy(&s->seg[segment_groups[i].second], place_of(c, segment_groups[i].second));
        }
    }
    if (mtd & MTD_CSSS)
        code_and_stack_save(c, s->seg);
}

static void segments_load(struct vmcb *c, const struct utcb_state *s, uint32_t mtd)
{
    for (unsigned i = 0; i < sizeof(segment_groups) / sizeof(*segment_groups); i++) {
        if (mtd & segment_groups[i].mtd) {
            segment_load(c, s->seg, segment_groups[i].first);
            segment_load(c, s->seg, segment_groups[i].second);
        }
    }
}

// ---- groups, one function each way

// Where the CPU tells it; 0 = the VMM must look at the instruction.
static inline uint32_t instruction_length(const struct vcpu *v, const struct vmcb *c)
{
    uint64_t next = v->reason == SVM_EXIT_IOIO ? c->exit_info2 : svm.nrips ? c->nrip : c->rip;
    uint64_t length = next - c->rip;
    return v->reason != REASON_NONE && length <= 15 ? length : 0;
}

static __attribute__((noinline, cold)) void failure_save(struct vcpu *v, struct utcb_state *s)
{
    s->qual[0] = v->error;
    s->insn_info = v->rule;
    v->failed = false;
}

static inline void control_registers_save(const struct vmcb *c, struct utcb_state *s)
{
    s->cr0 = c->cr0;
    s->cr2 = c->cr2;
    s->cr3 = c->cr3;
    s->cr4 = c->cr4;
    s->cr8 = c->vintr & SVM_V_TPR;
}

static inline void efer_save(const struct vmcb *c, struct utcb_state *s)
{
    s->efer = c->efer & ~EFER_SVME;
    s->pat = c->pat;
}

// CR8 exits, so V_TPR is nothing but where it is kept.
static void control_registers_load(struct vmcb *c, const struct utcb_state *s)
{
    c->cr0 = s->cr0;
    c->cr2 = s->cr2;
    c->cr3 = s->cr3;
    c->cr4 = s->cr4;
    c->vintr = (c->vintr & ~SVM_V_TPR) | (s->cr8 & 15);
}

// After CR0, CR4 or EFER changed. Before paging PAE means nothing yet; but QEMU 7.2 does not get the host's CR0 back
// from a guest that has LME and not PAE.
static void long_mode_update(struct vmcb *c)
{
    bool lme = c->efer & EFER_LME, active = lme && (c->cr0 & CR0_PG);
    c->efer = (c->efer & ~EFER_LMA) | (active ? EFER_LMA : 0);
    c->cr4 |= lme && !active ? CR4_PAE : 0;
}

static void debug_registers_save(struct vcpu *v, struct utcb_state *s)
{
    vcpu_carried_read(&v->base);
    for (unsigned i = 0; i < 4; i++)
        s->dr[i] = v->base.dr[i];
    s->dr6 = v->vmcb->dr6;
    s->dr7 = v->vmcb->dr7;
}

static void debug_registers_load(struct vcpu *v, const struct utcb_state *s)
{
    vcpu_debug_set(&v->base, s);
    v->vmcb->dr6 = (uint32_t)s->dr6;
    v->vmcb->dr7 = (uint32_t)s->dr7 | DR7_RESET;
}

static void syscall_save(struct vcpu *v, struct utcb_state *s)
{
    const struct vmcb *c = v->vmcb;
    vcpu_carried_read(&v->base);
    s->star = c->star;
    s->lstar = c->lstar;
    s->cstar = c->cstar;
    s->fmask = c->fmask;
    s->kernel_gs_base = c->kernel_gs_base;
    s->tsc_aux = v->base.msr[CARRY_TSC_AUX];
}

static void syscall_load(struct vcpu *v, const struct utcb_state *s)
{
    struct vmcb *c = v->vmcb;
    c->star = s->star;
    c->lstar = canonical_of(s->lstar);
    c->cstar = canonical_of(s->cstar);
    c->fmask = (uint32_t)s->fmask;
    c->kernel_gs_base = canonical_of(s->kernel_gs_base);
    vcpu_carried_set(&v->base, CARRY_TSC_AUX, s->tsc_aux);
}

static void system_save(struct vcpu *v, struct utcb_state *s, uint32_t mtd)
{
    const struct vmcb *c = v->vmcb;
    if (mtd & MTD_DR)
        debug_registers_save(v, s);
    if (mtd & MTD_EFER)
        efer_save(c, s);
    if (mtd & MTD_SYSENTER) {
        s->sysenter_cs = c->sysenter_cs;
        s->sysenter_esp = c->sysenter_esp;
        s->sysenter_eip = c->sysenter_eip;
    }
    if (mtd & MTD_SYSCALL)
        syscall_save(v, s);
    if (mtd & MTD_XSAVE)
        vcpu_xsave_save(&v->base, s);
    if (mtd & MTD_TSC)
        s->tsc_offset = c->tsc_offset;
    if (mtd & MTD_DEADLINE)
        s->deadline = v->base.deadline == UINT64_MAX ? 0 : v->base.deadline;
    if (mtd & MTD_APIC)
        s->apic_mode = s->tpr_threshold = 0; // the VMM answers for the local APIC
}

static void system_load(struct vcpu *v, const struct utcb_state *s, uint32_t mtd)
{
    struct vmcb *c = v->vmcb;
    if (mtd & MTD_DR)
        debug_registers_load(v, s);
    if (mtd & MTD_EFER) {
        c->efer = (s->efer & vcpu_registers.efer_allowed) | EFER_SVME;
        c->pat = s->pat;
    }
    if (mtd & (MTD_EFER | MTD_CR))
        long_mode_update(c);
    if (mtd & MTD_SYSENTER) {
        c->sysenter_cs = s->sysenter_cs;
        c->sysenter_esp = canonical_of(s->sysenter_esp);
        c->sysenter_eip = canonical_of(s->sysenter_eip);
    }
    if (mtd & MTD_SYSCALL)
        syscall_load(v, s);
    if (mtd & MTD_XSAVE)
        vcpu_xsave_load(&v->base, s);
    if (mtd & MTD_TSC)
        c->tsc_offset = s->tsc_offset;
    if (mtd & MTD_DEADLINE)
        v->base.deadline = s->deadline ? s->deadline : UINT64_MAX;
}

#define MTD_SYSTEM                                                                                                     \
    (MTD_DR | MTD_EFER | MTD_SYSENTER | MTD_SYSCALL | MTD_XSAVE | MTD_TSC | MTD_DEADLINE | MTD_APIC | MTD_CR)

static inline void place_save(const struct vcpu *v, const struct vmcb *c, struct utcb_state *s, uint32_t mtd)
{
    if (mtd & MTD_RIP)
        s->rip = c->rip;
    if (mtd & MTD_RFLAGS)
        s->rflags = c->rflags;
    if (mtd & MTD_STATE) {
        s->intr_state = (c->int_shadow & SVM_INT_SHADOW ? BLOCKING_STI : 0) | (v->nmi == NMI_OPEN ? 0 : BLOCKING_NMI);
        s->activity = ACTIVITY_ACTIVE;
    }
}

static __attribute__((noinline)) void rest_save(struct vcpu *v, struct utcb_state *s, uint32_t mtd)
{
    struct vmcb *c = v->vmcb;
    if (mtd & MTD_INJ) {
        event_interrupted(v, s); // RIP is back where the event was raised, an NMI perhaps not blocked
        place_save(v, c, s, mtd);
    }
    if ((mtd & MTD_DECODE) == MTD_DECODE) {
        control_registers_save(c, s);
        efer_save(c, s);
        code_and_stack_save(c, s->seg);
        mtd &= ~MTD_DECODE;
    }
    if (mtd & (MTD_BSD | MTD_R8_R15))
        vcpu_gprs_save(&v->base, s, mtd);
    if (mtd & MTD_RSP) {
        s->gpr[GPR_RSP] = c->rsp;
        s->dr7 = c->dr7;
    }
    if (mtd & MTD_SEG)
        segments_save(c, s, mtd);
    if (mtd & MTD_CR)
        control_registers_save(c, s);
    if (mtd & MTD_SYSTEM)
        system_save(v, s, mtd);
    vcpu_time_kernel(&v->base, rdtsc()); // an event without an exit (the first of all, a recall) comes here too
}

static __attribute__((noinline)) void rest_load(struct vcpu *v, const struct utcb_state *s, uint32_t mtd)
{
    struct vmcb *c = v->vmcb;
    if (mtd & MTD_RFLAGS)
        c->rflags = s->rflags | RFLAGS_ONE;
    if (mtd & MTD_STATE) {
        c->int_shadow = s->intr_state & (BLOCKING_STI | BLOCKING_MOV_SS) ? SVM_INT_SHADOW : 0;
        nmi_block(v, s->intr_state & BLOCKING_NMI);
    }
    if (mtd & (MTD_BSD | MTD_R8_R15))
        vcpu_gprs_load(&v->base, s, mtd);
    if (mtd & MTD_RSP)
        c->rsp = s->gpr[GPR_RSP];
    if (mtd & MTD_SEG)
        segments_load(c, s, mtd);
    if (mtd & MTD_CR)
        control_registers_load(c, s);
    if (mtd & MTD_SYSTEM)
        system_load(v, s, mtd);
    if (mtd & (MTD_CR | MTD_EFER | MTD_CSSS))
        v->unchecked = true;
    if ((mtd & MTD_ALL) == MTD_ALL)
        v->later = 0; // it begins anew
    if (mtd & MTD_INJ)
        event_inject(v, s); // moves RIP, and sets V_IRQ beside V_TPR
}

// The last word of the kernel before the handler runs: time from the exit to here is the kernel's.
void svm_state_save(struct ec *ec, struct utcb_state *s, uint32_t mtd)
{
    struct vcpu *v = ec->vcpu;
    const struct vmcb *c = v->vmcb;
    if (mtd & MTD_ACDB) {
        s->gpr[GPR_RAX] = c->rax;
        s->gpr[GPR_RCX] = v->base.gpr[GPR_RCX];
        s->gpr[GPR_RDX] = v->base.gpr[GPR_RDX];
        s->gpr[GPR_RBX] = v->base.gpr[GPR_RBX];
    }
    s->insn_len = instruction_length(v, c);
    place_save(v, c, s, mtd);
    if (mtd & MTD_QUAL) {
        s->qual[0] = c->exit_info1;
        s->qual[1] = c->exit_info2;
        if (__builtin_expect(v->failed, 0))
            failure_save(v, s);
    }
    if (mtd & ~MTD_SAVED_FIRST)
        rest_save(v, s, mtd);
    else
        vcpu_time_exit(&v->base, rdtsc());
}

// The first thing of an answer: time until now was the handler's.
void svm_state_load(struct ec *ec, struct utcb_state *s, uint32_t mtd)
{
    struct vcpu *v = ec->vcpu;
    struct vmcb *c = v->vmcb;
    vcpu_time_vmm(&v->base, rdtsc());
    v->reason = REASON_NONE;
    c->exit_int_info = 0;
    if (mtd & MTD_ACDB) {
        c->rax = s->gpr[GPR_RAX];
        v->base.gpr[GPR_RCX] = s->gpr[GPR_RCX];
        v->base.gpr[GPR_RDX] = s->gpr[GPR_RDX];
        v->base.gpr[GPR_RBX] = s->gpr[GPR_RBX];
    }
    if (mtd & MTD_RIP)
        c->rip = s->rip;
    if (mtd & ~MTD_LOADED_FIRST)
        rest_load(v, s, mtd);
}
