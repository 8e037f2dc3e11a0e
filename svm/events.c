// SPDX-License-Identifier: MIT
// Events into the guest, in the format of the ABI (which is VT-x's) and of SVM (AMD APM 2 15.20); windows; when NMIs
// are blocked.
#include "svm/svm.h"

#define SOFTWARE_TYPES (1u << 4 | 1u << 5 | 1u << 6) // INT n; INT1; INT3 and INTO

static unsigned type_of(uint64_t event)
{
    return event >> 8 & 7;
}

static bool is_software(uint64_t event)
{
    return SOFTWARE_TYPES >> type_of(event) & 1;
}

static void nmi_begin(struct vcpu *v)
{
    v->nmi = NMI_BLOCKED;
    v->vmcb->intercept_1 |= SVM_INTERCEPT_1(SVM_EXIT_IRET);
}

static void nmi_end(struct vcpu *v)
{
    v->nmi = NMI_OPEN;
    v->vmcb->intercept_1 &= ~SVM_INTERCEPT_1(SVM_EXIT_IRET);
}

void nmi_block(struct vcpu *v, bool block)
{
    if (block && v->nmi == NMI_OPEN)
        nmi_begin(v);
    else if (!block && v->nmi != NMI_OPEN)
        nmi_end(v);
}

// The exit comes before the IRET is executed: only when RIP has left it are NMIs open again.
void nmi_iret(struct vcpu *v)
{
    v->nmi = NMI_IRET;
    v->nmi_iret_rip = v->vmcb->rip;
    v->vmcb->intercept_1 &= ~SVM_INTERCEPT_1(SVM_EXIT_IRET);
}

#define IRET_FAULTS (1u << EXC_TS | 1u << EXC_NP | 1u << EXC_SS | 1u << EXC_GP | 1u << EXC_PF)
#define DR6_HITS    0xfu
#define DR6_BS      (1ull << 14)

// Where an NMI waits for the IRET, TF tells its end; its faults exit first. False: something would push that TF, or the
// guest has it itself.
bool nmi_step(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    if (c->rflags & RFLAGS_TF || c->event_inj & INTR_VALID || (c->vintr & SVM_V_IRQ && c->rflags & RFLAGS_IF))
        return false;
    v->nmi = NMI_STEP;
    v->nmi_dr6 = c->dr6;
    c->dr6 &= ~DR6_BS;
    c->rflags |= RFLAGS_TF;
    c->intercept_exceptions |= IRET_FAULTS;
    return true;
}

// True: the exit was for the step alone.
static bool nmi_stepped(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint64_t vector = c->exit_code - (SVM_EXIT_DB - EXC_DB);
    bool step = vector == EXC_DB && c->dr6 & DR6_BS, fault = vector < EXC_COUNT && IRET_FAULTS >> vector & 1;
    c->dr6 = (c->dr6 & ~DR6_BS) | (v->nmi_dr6 & DR6_BS);
    c->intercept_exceptions &= ~IRET_FAULTS;
    v->nmi = step || c->rip != v->nmi_iret_rip ? NMI_OPEN : fault ? NMI_FAULT : NMI_IRET;
    if (v->nmi != NMI_OPEN)
        c->rflags &= ~RFLAGS_TF;
    return fault || (step && !(c->dr6 & ~v->nmi_dr6 & DR6_HITS));
}

// At any exit but that of the IRET itself. True: there is nothing else to it.
bool nmi_settle(struct vcpu *v)
{
    if (v->nmi == NMI_STEP)
        return nmi_stepped(v);
    if (v->nmi != NMI_BLOCKED && v->vmcb->rip != v->nmi_iret_rip)
        v->nmi = NMI_OPEN;
    return false;
}

// A virtual interrupt, whatever the TPR. Intercepted it is an interrupt window; else it is delivered.
static void virtual_interrupt_set(struct vmcb *c, uint64_t vector)
{
    c->vintr |= SVM_V_IRQ | SVM_V_IGN_TPR | SVM_V_INTR_PRIO | vector << SVM_V_INTR_VECTOR_SHIFT;
}

static void virtual_interrupt_clear(struct vmcb *c)
{
    c->vintr &= ~(SVM_V_IRQ | SVM_V_IGN_TPR | SVM_V_INTR_PRIO | SVM_V_INTR_VECTOR);
}

static void window_set(struct vmcb *c)
{
    virtual_interrupt_set(c, 0);
    c->intercept_1 |= SVM_INTERCEPT_1(SVM_EXIT_VINTR);
}

static bool takes_interrupts(const struct vmcb *c)
{
    return c->rflags & RFLAGS_IF && !(c->int_shadow & SVM_INT_SHADOW);
}

// An interrupt that the guest can take at once goes as a virtual interrupt: QEMU 7.2 may deliver one of EVENTINJ a
// second time, with IF=0 (it forgets to end its own note of it).
static bool taken_at_once(const struct vmcb *c, uint32_t event)
{
    return (event & (INTR_VALID | INTR_TYPE)) == (INTR_VALID | INTR_TYPE_EXTERNAL) && takes_interrupts(c);
}

// The virtual interrupt that was to be delivered when something else came first. By QEMU 7.2 the guest may have run on
// since: it notes the interrupt in a word that other threads change without a lock, and can lose it there. So it may be
// that the guest cannot take it now; and who replies may not know of it.
static void virtual_interrupt_hold(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    if (!(c->vintr & SVM_V_IRQ) || c->intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_VINTR))
        return;
    uint32_t event = INTR_VALID | INTR_TYPE_EXTERNAL | (c->vintr & SVM_V_INTR_VECTOR) >> SVM_V_INTR_VECTOR_SHIFT;
    virtual_interrupt_clear(c);
    if ((uint32_t)c->exit_int_info == event)
        return; // its delivery had begun
    v->owed = event;
    v->later |= LATER_EVENT;
}

// Not at an instruction's own exit, which is not one in the delivery of an interrupt.
static uint32_t virtual_interrupt_take(struct vcpu *v)
{
    bool between = v->reason == REASON_NONE || v->reason == SVM_EXIT_INTR || v->reason == SVM_EXIT_NMI ||
                   v->reason == SVM_EXIT_VINTR;
    if (!(v->later & LATER_EVENT) || !between || !takes_interrupts(v->vmcb))
        return 0;
    v->later &= ~LATER_EVENT;
    return v->owed;
}

// A VMCB holds one virtual interrupt, whose like is a window, too: when it is taken the next one's time has come.
void event_later(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    if (!(v->later & (LATER_EVENT | LATER_WINDOW)) || c->vintr & SVM_V_IRQ)
        return;
    if (v->later & LATER_EVENT) {
        v->later &= ~LATER_EVENT;
        virtual_interrupt_set(c, v->owed & INTR_VECTOR);
    } else {
        v->later &= ~LATER_WINDOW;
        window_set(c);
    }
}

// The return address of a software event is behind its instruction: SVM pushes RIP as it is.
static uint64_t software_event(struct vcpu *v, uint64_t event, uint32_t length)
{
    v->soft_length = length & 15;
    v->vmcb->rip += v->soft_length;
    if (type_of(event) != INTR_TYPE_SW_INTERRUPT >> 8)
        event = (event & ~(uint64_t)INTR_TYPE) | INTR_TYPE_HW_EXCEPTION;
    return event;
}

void event_inject(struct vcpu *v, const struct utcb_state *s)
{
    uint32_t info = *(const volatile uint32_t *)&s->inj_info; // read once
    uint64_t event = info & SVM_EVENT_MASK;
    virtual_interrupt_hold(v);
    virtual_interrupt_clear(v->vmcb);
    v->vmcb->intercept_1 &= ~SVM_INTERCEPT_1(SVM_EXIT_VINTR);
    v->later = (v->later & LATER_EVENT) | (info & INJ_NMI_WINDOW ? LATER_NMI_WINDOW : 0) |
               (info & INJ_INTR_WINDOW ? LATER_WINDOW : 0);
    v->vmcb->event_inj = 0;
    v->soft_length = 0;
    bool at_once = taken_at_once(v->vmcb, info);
    if (at_once)
        virtual_interrupt_set(v->vmcb, event & INTR_VECTOR);
    event_later(v);
    if (!(event & INTR_VALID))
        return;
    v->base.stats->injections++;
    if (at_once)
        return;
    if (is_software(event))
        event = software_event(v, event, s->inj_len);
    else if (type_of(event) == INTR_TYPE_NMI >> 8)
        nmi_begin(v);
    v->unchecked |= !svm_event_valid(event);
    v->vmcb->event_inj = event | (uint64_t)s->inj_error << SVM_EVENT_ERROR_SHIFT;
}

// What the guest itself raised by an instruction is raised again when that is executed again: nothing to report.
static bool repeats_itself(uint64_t event)
{
    unsigned vector = event & INTR_VECTOR;
    return is_software(event) ||
           (type_of(event) == INTR_TYPE_HW_EXCEPTION >> 8 && (vector == EXC_BP || vector == EXC_OF));
}

// An event whose delivery the exit interrupted, or that was to be injected when something else (a recall) came first:
// an exit clears EVENTINJ.
static __attribute__((noinline)) uint64_t event_take(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    virtual_interrupt_hold(v);
    uint64_t event = c->exit_int_info & INTR_VALID ? c->exit_int_info
                     : c->event_inj & INTR_VALID   ? c->event_inj
                                                   : virtual_interrupt_take(v);
    c->event_inj = c->exit_int_info = 0;
    if (!(event & INTR_VALID))
        return 0;
    if (v->soft_length)
        c->rip -= v->soft_length;
    else if (repeats_itself(event))
        return 0;
    if (type_of(event) == INTR_TYPE_NMI >> 8)
        nmi_end(v); // not delivered
    return event;
}

// At most exits nothing was to be delivered.
static bool event_waits(const struct vcpu *v)
{
    const struct vmcb *c = v->vmcb;
    return (c->exit_int_info | c->event_inj) & INTR_VALID || c->vintr & SVM_V_IRQ || v->later & LATER_EVENT;
}

void event_interrupted(struct vcpu *v, struct utcb_state *s)
{
    uint64_t event = __builtin_expect(event_waits(v), 0) ? event_take(v) : 0;
    s->inj_info = s->inj_error = s->inj_len = 0;
    s->idt_info = event & SVM_EVENT_MASK;
    s->idt_error = event >> SVM_EVENT_ERROR_SHIFT;
    if (v->soft_length && event)
        s->insn_len = v->soft_length;
    v->soft_length = 0;
}

// The kernel handles this exit alone: what it interrupted is delivered at the next entry.
void event_keep(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    if (!(c->exit_int_info & INTR_VALID))
        return;
    virtual_interrupt_hold(v);
    if (v->soft_length || !repeats_itself(c->exit_int_info))
        c->event_inj = c->exit_int_info;
    c->exit_int_info = 0;
}
