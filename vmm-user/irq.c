// SPDX-License-Identifier: GPL-2.0-only
// Events into the guest: what an exit interrupted is injected again, then exceptions, NMIs, and the interrupts of local APIC
// and 8259. SDM 3C 26.5 (injection), 27.2.4 (IDT vectoring).
#include "vmm-user/vm.h"
#include "x86/regs.h"
#include "x86/vmx.h"

static struct pic *pic_of(struct vcpu *v)
{
    return &v->vm->machine.pic;
}

bool irq_pending(struct vcpu *v)
{
    return lapic_pending(&v->lapic) >= 0 || (pic_pending(pic_of(v)) && lapic_extint_open(&v->lapic));
}

// The vector that is delivered now, taken from its controller; -1 = none.
static int irq_take(struct vcpu *v)
{
    int vector = lapic_pending(&v->lapic);
    if (vector >= 0) {
        lapic_ack(&v->lapic, (uint8_t)vector);
        return vector;
    }
    if (pic_pending(pic_of(v)) && lapic_extint_open(&v->lapic))
        return pic_ack(pic_of(v));
    return -1;
}

void irq_raise(struct vcpu *v, unsigned vector, bool has_error, uint32_t error)
{
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
        vm_ask(VM_REQUEST_RESET); // INIT of the only CPU: what a PC's firmware makes of it is a restart
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
