// SPDX-License-Identifier: MIT
// A vCPU's local APIC: xAPIC and x2APIC (SDM 3A, chapter 11). It belongs to the thread of its vCPU and needs no lock:
// others only make interrupts pending, by lapic_accept(), which is atomic. The register page may be the virtual-APIC
// page that the hardware reads and writes; what hardware keeps there (TPR) is not cached.
#pragma once
#include "pc/lapic.h"
#include "vmm-user/device.h"
#include "vmm-user/devices/apic_bus.h"

enum lapic_signal {
    LAPIC_SIGNAL_WAKE, // an interrupt became pending
    LAPIC_SIGNAL_NMI,
    LAPIC_SIGNAL_SMI,
    LAPIC_SIGNAL_INIT,
    LAPIC_SIGNAL_SIPI,    // `value` is the start vector
    LAPIC_SIGNAL_ENABLED, // IA32_APIC_BASE changed: CPUID and the mapping of the page follow it
};

// How a local APIC reaches its vCPU and the rest of the machine. `signal` may be called from any thread.
struct lapic_host {
    void (*signal)(void *ctx, enum lapic_signal signal, uint8_t value);
    void (*eoi)(void *ctx, uint8_t vector); // end of a level-triggered interrupt, for the I/O APIC
    void *ctx;
};

struct lapic {
    struct device dev;
    struct dev_timer timer;
    uint32_t *regs; // the 4 KiB register page
    struct apic_bus *bus;
    struct lapic_host host;
    uint32_t irr_words; // atomic: bit n: IRR word n may hold a request
    uint32_t isr_words; // bit n: ISR word n is not 0
    uint32_t id;
    uint32_t esr;          // errors since the last write of ESR, atomic
    uint32_t timer_mode;   // LVT mode the timer runs in
    uint32_t timer_divide; // and its divider, as in the register
    uint64_t base;         // IA32_APIC_BASE
    uint64_t deadline;     // IA32_TSC_DEADLINE, 0 when disarmed
    uint64_t timer_start;  // TSC at which the count began
    uint64_t tsc_offset;   // guest's own TSC - clock, when the guest moved its TSC
    bool timer_running;    // one-shot and periodic
    bool bsp;
    bool lint[2]; // levels of the pins
};

// `regs` is a page that lives as long as the APIC.
void lapic_init(struct lapic *l, struct clock *clock, uint32_t id, uint32_t *regs, struct apic_bus *bus,
                struct lapic_host host);

// What INIT does: all but the ID and IA32_APIC_BASE.
void lapic_init_reset(struct lapic *l);

// The vector that can be delivered now, or -1. Given interrupts on and no shadow, lapic_ack() it and inject it.
static inline int lapic_pending(struct lapic *l);
void lapic_ack(struct lapic *l, uint8_t vector);

// Makes `vector` pending; callable from every thread. False: the APIC is off.
bool lapic_accept(struct lapic *l, uint8_t vector, bool level);

// The same for any message (NMI, INIT, ...) after the destination has been decided.
bool lapic_receive(struct lapic *l, const struct apic_message *m);

// Pin LINT0 (the 8259's INTR) or LINT1 (NMI) changes. In ExtINT mode the vCPU is woken and asks the 8259 itself.
void lapic_set_lint(struct lapic *l, unsigned pin, bool level);

// Whether the 8259's INTR reaches this CPU: LINT0 is ExtINT and open, or the APIC is off.
bool lapic_extint_open(const struct lapic *l);

// Whether LINT0 is open as an NMI; nothing drives LINT1.
bool lapic_nmi_open(const struct lapic *l);

// xAPIC accesses by offset in the page; reads as all ones where there is no APIC.
uint32_t lapic_mmio_read(struct lapic *l, uint32_t offset, unsigned size);
void lapic_mmio_write(struct lapic *l, uint32_t offset, unsigned size, uint32_t value);

// APIC-write exit: the guest's value is in the page already.
void lapic_write_done(struct lapic *l, uint32_t offset);

// IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC registers. False: #GP.
bool lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *value);
bool lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t value);

// The guest's own TSC is now `offset` ahead of the clock: deadlines are in that TSC.
void lapic_set_tsc_offset(struct lapic *l, uint64_t offset);

// Whether `dest` names this APIC; and its processor priority class, for lowest-priority delivery.
bool lapic_is_destination(const struct lapic *l, uint32_t dest, bool logical);
unsigned lapic_priority(const struct lapic *l);

static inline bool lapic_enabled(const struct lapic *l)
{
    return l->base & LAPIC_BASE_ENABLE;
}

static inline bool lapic_x2apic(const struct lapic *l)
{
    return l->base & LAPIC_BASE_X2APIC;
}

static inline uint64_t lapic_cr8(const struct lapic *l)
{
    return l->regs[LAPIC_TPR / 4] >> 4 & 15;
}

static inline void lapic_set_cr8(struct lapic *l, uint64_t cr8)
{
    l->regs[LAPIC_TPR / 4] = (uint32_t)(cr8 & 15) << 4;
}

// The highest vector in service, or -1.
static inline int lapic_in_service(const struct lapic *l)
{
    if (!l->isr_words)
        return -1;
    unsigned n = 31 - (unsigned)__builtin_clz(l->isr_words);
    return (int)(n * 32 + 31 - (unsigned)__builtin_clz(l->regs[LAPIC_ISR / 4 + 4 * n]));
}

int lapic_pending_slow(struct lapic *l);

static inline int lapic_pending(struct lapic *l)
{
    if (!__atomic_load_n(&l->irr_words, __ATOMIC_ACQUIRE))
        return -1;
    return lapic_pending_slow(l);
}
