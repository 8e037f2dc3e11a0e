// SPDX-License-Identifier: MIT
// Events into the guest: what an exit interrupted is injected again, then exceptions, NMIs, and the interrupts of local
// APIC and 8259. SDM 3C 26.5 (injection), 27.2.4 (IDT vectoring).
#include "vmm-user/vm.h"
#include "x86/desc.h"
#include "x86/msr.h"
#include "x86/regs.h"
#include "x86/vmx.h"

static struct pic *pic_of(struct vcpu *v)
{
    return &v->vm->machine.pic;
}

bool irq_pending(struct vcpu *v)
{
    return v->held_interrupt || lapic_pending(&v->lapic) >= 0 ||
           (pic_pending(pic_of(v)) && lapic_extint_open(&v->lapic));
}

bool irq_wakes(struct vcpu *v, const struct utcb_state *s)
{
    return (s->rflags & RFLAGS_IF && irq_pending(v)) || (v->nmi_pending && !(s->intr_state & BLOCKING_NMI));
}

// An NMI that is pending, or a line of a controller that makes them: nobody else sends any.
bool irq_can_wake(const struct vcpu *v, const struct utcb_state *s)
{
    if (s->intr_state & BLOCKING_NMI)
        return false;
    return v->nmi_pending || lapic_nmi_open(&v->lapic) || ioapic_nmi_open(&v->vm->machine.ioapic);
}

// The vector that is delivered now, taken from its controller; -1 = none.
static int irq_take(struct vcpu *v)
{
    if (v->held_interrupt) {
        int held = (int)(v->held_interrupt & INTR_VECTOR);
        v->held_interrupt = 0;
        return held;
    }
    int vector = lapic_pending(&v->lapic);
    if (vector >= 0) {
        lapic_ack(&v->lapic, (uint8_t)vector);
        return vector;
    }
    if (pic_pending(pic_of(v)) && lapic_extint_open(&v->lapic))
        return pic_ack(pic_of(v));
    return -1;
}

enum fault_class { FAULT_BENIGN, FAULT_CONTRIBUTORY, FAULT_PAGE, FAULT_DOUBLE };

// SDM 3A table 6-4.
static enum fault_class fault_class(uint32_t vector)
{
    const uint32_t contributory =
        1u << EXC_DE | 1u << EXC_TS | 1u << EXC_NP | 1u << EXC_SS | 1u << EXC_GP | 1u << EXC_CP;
    if (vector == EXC_PF)
        return FAULT_PAGE;
    if (vector == EXC_DF)
        return FAULT_DOUBLE;
    return vector < 32 && contributory >> vector & 1 ? FAULT_CONTRIBUTORY : FAULT_BENIGN;
}

// What waits to be delivered when an exception comes: an interrupt is delivered after it, an instruction's own event
// comes again with the instruction, two faults make a double fault (SDM 3A table 6-5). False: they shut the processor
// down.
static bool event_merge(struct vcpu *v, unsigned *vector, bool *has_error, uint32_t *error)
{
    uint32_t first = v->inject_info, type = first & INTR_TYPE;
    if (!(first & INJ_VALID))
        return true;
    if (type == INTR_TYPE_EXTERNAL)
        v->held_interrupt = first;
    if (type == INTR_TYPE_NMI)
        v->nmi_pending = true;
    if (type != INTR_TYPE_HW_EXCEPTION)
        return true;
    enum fault_class old = fault_class(first & INTR_VECTOR), new = fault_class(*vector);
    if (old == FAULT_DOUBLE && new != FAULT_BENIGN)
        return false;
    if ((old == FAULT_CONTRIBUTORY && new == FAULT_CONTRIBUTORY) ||
        (old == FAULT_PAGE && (new == FAULT_CONTRIBUTORY || new == FAULT_PAGE))) {
        *vector = EXC_DF;
        *has_error = true;
        *error = 0;
    }
    return true;
}

void irq_raise(struct vcpu *v, unsigned vector, bool has_error, uint32_t error)
{
    if (__builtin_expect(v->inject_info & INJ_VALID, 0) && !event_merge(v, &vector, &has_error, &error)) {
        vm_shutdown(v, "triple fault: exception %u in the delivery of a double fault", vector);
        return;
    }
    v->inject_info = INJ_VALID | INTR_TYPE_HW_EXCEPTION | vector | (has_error ? INJ_ERROR : 0);
    v->inject_error = error;
    v->inject_length = 0;
    vcpu_attend(v, ATTENTION_IRQ);
}

void irq_signal(void *ctx, enum lapic_signal signal, uint8_t value)
{
    struct vcpu *v = ctx;
    (void)value;
    if (signal == LAPIC_SIGNAL_NMI)
        v->nmi_pending = true;
    if (signal == LAPIC_SIGNAL_INIT && v->vm->state == VM_RUNNING)
        vm_ask(VM_REQUEST_RESET_CPU); // INIT of the only CPU: what a PC's firmware makes of it is a restart
    if (signal == LAPIC_SIGNAL_ENABLED)
        bus_move(&v->vm->machine.bus, &v->lapic.dev, v->lapic.base & APIC_BASE_ADDR);
    vcpu_attend(v, signal == LAPIC_SIGNAL_ENABLED ? ATTENTION_APIC | ATTENTION_IRQ : ATTENTION_IRQ);
}

// The guest's TPR alone keeps an interrupt back: exit when it falls below that interrupt's class.
static uint64_t threshold_settle(struct vcpu *v, struct utcb_state *s)
{
    uint32_t threshold = 0;
    if (v->apic_mode != APIC_NONE && v->lapic.irr_words && lapic_pending(&v->lapic) < 0 && v->lapic.irr_words) {
        unsigned n = 31 - (unsigned)__builtin_clz(v->lapic.irr_words);
        uint32_t irr = v->lapic.regs[(0x200 + 16 * n) / 4];
        uint32_t class = irr ? (n * 32 + 31 - (unsigned)__builtin_clz(irr)) >> 4 : 0;
        int serving = lapic_in_service(&v->lapic);
        if (serving < 0 || (uint32_t)serving >> 4 < class)
            threshold = class;
    }
    if (threshold == v->tpr_threshold)
        return 0;
    s->tpr_threshold = v->tpr_threshold = threshold;
    s->apic_mode = v->apic_mode;
    return MTD_APIC;
}

uint64_t irq_settle(struct vcpu *v, struct utcb_state *s)
{
    uint32_t info = v->inject_info, windows = 0;
    bool shadow = s->intr_state & (BLOCKING_STI | BLOCKING_MOV_SS);
    uint32_t error = v->inject_error, length = v->inject_length;
    v->inject_info = 0;
    if (v->nmi_pending) {
        if (!info && !shadow && !(s->intr_state & BLOCKING_NMI)) {
            info = INJ_VALID | INTR_TYPE_NMI | 2;
            v->nmi_pending = false;
        } else {
            windows |= INJ_NMI_WINDOW;
        }
    }
    if (irq_pending(v)) {
        int vector = !info && !shadow && s->rflags & RFLAGS_IF ? irq_take(v) : -1;
        if (vector >= 0)
            info = INJ_VALID | INTR_TYPE_EXTERNAL | (uint32_t)vector;
        else
            windows |= INJ_INTR_WINDOW;
    }
    uint64_t mtd = threshold_settle(v, s);
    if (!info && windows == v->windows)
        return mtd;
    v->windows = windows;
    s->inj_info = info | windows;
    s->inj_error = error;
    s->inj_len = length;
    return mtd | MTD_INJ;
}
