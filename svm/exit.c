// SPDX-License-Identifier: MIT
// The way into the guest and out of it. Straight lines for what happens at every exit; all else is out of line.
#include "svm/svm.h"
#include "ukernel/sched.h"
#include "ukernel/virt.h"

_Static_assert(offsetof(struct vcpu, vmcb_phys) == 272 && offsetof(struct vcpu, host_phys) == 280, "entry.asm");
_Static_assert(sizeof(((struct vcpu *)0)->base.gpr) == 128, "entry.asm");

#define COLD __attribute__((noinline, cold))

// A host interrupt waits: take it here, in the kernel. It may end with the vCPU destroyed.
static void exit_interrupt(struct vcpu *v)
{
    struct ec *ec = v->base.ec;
    v->base.stats->preemptions++;
    event_keep(v);
    interrupts_let_in();
    vcpu_resume(ec);
}

static void exit_nmi(struct vcpu *v) // it was taken when GIF was set again
{
    v->base.stats->preemptions++;
    event_keep(v);
    vcpu_resume(v->base.ec);
}

static void exit_machine_check(struct vcpu *v)
{
    event_keep(v);
    __asm__ volatile("int %0" : : "i"(EXC_MC) : "memory");
    v->base.stats->preemptions++;
    vcpu_resume(v->base.ec);
}

static void exit_iret(struct vcpu *v)
{
    v->base.stats->preemptions++;
    nmi_iret(v);
    vcpu_resume(v->base.ec);
}

// Say which rule is broken, once per vCPU, and leave it to the VMM.
static COLD _Noreturn void entry_failed(struct vcpu *v, unsigned rule, const char *sentence, uint64_t error)
{
    v->rule = rule;
    v->error = error;
    v->failed = true;
    v->reason = REASON_NONE;
    v->vmcb->vintr |= SVM_V_INTR_MASKING; // an emulator may have cleared it
    if (!v->explained)
        klog("svm: VMRUN of %x:%lx failed: rule %u: %s", v->vmcb->cs.sel, v->vmcb->rip, rule, sentence);
    v->explained = true;
    v->base.stats->exits[EVENT_FAILED]++;
    vcpu_event(v->base.ec, EVENT_FAILED);
}

// A code of no event: that of a VMRUN that failed, or one for the VMM to complain about.
static void exit_unknown(struct vcpu *v)
{
    if ((uint32_t)v->vmcb->exit_code != SVM_EXIT_CODE_INVALID)
        return;
    v->base.stats->exits[SVM_EXIT_UNKNOWN]--;
    entry_failed(v, 0, "none that we know", v->vmcb->exit_code);
}

// Exits that the kernel handles, or looks at first; all others are for the VMM.
static void (*const handlers[EVENT_COUNT])(struct vcpu *v) = {
    [SVM_EXIT_INTR] = exit_interrupt, [SVM_EXIT_NMI] = exit_nmi,         [SVM_EXIT_MC] = exit_machine_check,
    [SVM_EXIT_IRET] = exit_iret,      [SVM_EXIT_UNKNOWN] = exit_unknown,
};

static COLD void entry_check(struct vcpu *v)
{
    const struct svm_entry_view view = {v->vmcb, svm.phys_bits, svm.cr4_allowed};
    const char *sentence;
    unsigned rule = svm_entry_check(&view, &sentence);
    if (rule)
        entry_failed(v, rule, sentence, 0);
    v->unchecked = false;
}

// Codes are their own event where they are below the first reserved one; the others follow (x86/svm_exits.def).
static inline unsigned event_of(const struct vmcb *c)
{
    uint64_t code = c->exit_code;
    if (code == SVM_EXIT_RDMSR && c->exit_info1 & SVM_MSR_WRITE)
        return SVM_EXIT_WRMSR;
    if (code < SVM_EVENT_HIGH)
        return code;
    return code - SVM_EXIT_CODE_HIGH < SVM_EXIT_CODES_HIGH ? SVM_EVENT_HIGH + (code - SVM_EXIT_CODE_HIGH)
                                                           : SVM_EXIT_UNKNOWN;
}

static COLD _Noreturn void exit_rare(struct vcpu *v, unsigned event)
{
    if (v->nmi != NMI_OPEN && nmi_settle(v)) {
        v->base.stats->preemptions++;
        vcpu_resume(v->base.ec);
    }
    if (handlers[event])
        handlers[event](v);
    vcpu_event(v->base.ec, event);
}

_Noreturn void svm_exit(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint64_t now = rdtsc();
    struct vcpu_stats *stats = vcpu_time_guest(&v->base, now);
    vcpu_exit_note(&v->base, now, c->rip, c->exit_code);
    unsigned event = event_of(c);
    c->event_inj = 0;
    v->reason = event;
    stats->exits[event]++;
    if (__builtin_expect(v->nmi != NMI_OPEN || handlers[event] != NULL, 0))
        exit_rare(v, event);
    vcpu_event(v->base.ec, event);
}

// NMIs are open, and the VMM waits for that. Where an IRET is still to be executed and cannot be stepped over, the
// guest is left soon to see.
#define IRET_TICKS 20000

static COLD void nmi_window(struct vcpu *v, uint64_t now)
{
    if (v->nmi == NMI_FAULT || (v->nmi == NMI_IRET && !nmi_step(v)))
        vcpu_timer_bound(v->base.cpu, now + IRET_TICKS);
    if (v->nmi != NMI_OPEN)
        return;
    v->base.stats->exits[SVM_EXIT_NMI_WINDOW]++;
    vcpu_event(v->base.ec, SVM_EXIT_NMI_WINDOW);
}

// Another vCPU was here since.
static COLD _Noreturn void vcpu_prepare(struct vcpu *v)
{
    vcpu_load(&v->base);
    svm_vcpu_run(v->base.ec);
}

// Whatever is not so at most entries.
static COLD _Noreturn void vcpu_enter_rare(struct vcpu *v, uint64_t now)
{
    struct vcpu_base *base = &v->base;
    struct cpu *cpu = base->cpu;
    if (base->deadline <= now)
        vcpu_deadline_passed(base);
    if (cpu->timer_armed <= now)
        sched_arm(); // overdue: QEMU 7.2 can lose an interrupt that comes in the moment of a VMRUN with V_IRQ
    vcpu_timer_bound(cpu, base->deadline);
    event_later(v);
    if (v->later & LATER_NMI_WINDOW)
        nmi_window(v, now);
    if (v->unchecked)
        entry_check(v);
    v->vmcb->tlb_control = SVM_TLB_KEEP;
    v->flushed = false;
    if (asid_is_stale(v))
        asid_take(v);
    if ((cpu->pio_loaded != NULL) != v->local->ports)
        host_state_save(cpu); // with the TR that the exit is to leave
    svm_enter(v);
}

_Noreturn void svm_vcpu_run(struct ec *ec)
{
    struct vcpu *v = ec->vcpu;
    struct cpu *cpu = v->base.cpu;
    if (__builtin_expect(!vcpu_is_loaded(cpu, &v->base, ec), 0))
        vcpu_prepare(v);
    uint64_t now = rdtsc(), until = v->base.deadline;
    vcpu_time_kernel(&v->base, now);
    if (__builtin_expect(until < cpu->timer_armed || cpu->timer_armed <= now, 0))
        vcpu_enter_rare(v, now);
    if (__builtin_expect(v->later | v->unchecked | v->flushed, 0) || asid_is_stale(v))
        vcpu_enter_rare(v, now);
    if (__builtin_expect(cpu->pio_loaded || v->local->ports, 0))
        vcpu_enter_rare(v, now);
    svm_enter(v);
}
