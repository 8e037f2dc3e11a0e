// SPDX-License-Identifier: MIT
// What tests of the APICs stand on: a few local ones on their bus, an I/O APIC, and what they told their CPUs.
#pragma once
#include "tests/unit/cmocka_all.h"
#include "pc/ioapic.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/ioapic.h"
#include "vmm-user/devices/lapic.h"

#define CPUS 3

static struct fake f;
static struct lapic lapic[CPUS];
static struct lapic *cpus[CPUS];
static struct apic_bus bus;
static struct ioapic io;
static uint32_t page[CPUS][1024] __attribute__((aligned(4096)));
static unsigned signals[CPUS][6], sipi_vector;

static inline void signalled(void *ctx, enum lapic_signal signal, uint8_t value)
{
    __atomic_fetch_add(&signals[(struct lapic *)ctx - lapic][signal], 1, __ATOMIC_RELAXED);
    if (signal == LAPIC_SIGNAL_SIPI)
        sipi_vector = value;
}

static inline void eoi_sent(void *ctx, uint8_t vector)
{
    (void)ctx;
    ioapic_eoi(&io, vector);
}

static inline bool deliver(void *ctx, const struct apic_message *m)
{
    return apic_bus_deliver(ctx, m, LAPIC_SHORTHAND_NONE, NULL);
}

static inline uint32_t get(unsigned cpu, uint32_t offset)
{
    return lapic_mmio_read(&lapic[cpu], offset, 4);
}

static inline void set(unsigned cpu, uint32_t offset, uint32_t value)
{
    lapic_mmio_write(&lapic[cpu], offset, 4, value);
}

static inline int setup(void **state)
{
    (void)state;
    fake_init(&f);
    memset(signals, 0, sizeof(signals));
    for (unsigned i = 0; i < CPUS; i++) {
        lapic_init(&lapic[i], &f.clock, i, page[i], &bus, (struct lapic_host){signalled, eoi_sent, &lapic[i]});
        cpus[i] = &lapic[i];
        set(i, LAPIC_SVR, 0x1ff);
        set(i, LAPIC_LDR, 1u << (24 + i));
    }
    bus = (struct apic_bus){.cpus = cpus, .count = CPUS};
    ioapic_init(&io, &f.clock, (struct ioapic_host){deliver, &bus});
    return 0;
}

static inline uint32_t rte_read(unsigned pin, bool high)
{
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_REDTBL + 2 * pin + high);
    return (uint32_t)io.dev.ops->read(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4);
}

static inline void rte_write(unsigned pin, uint32_t high, uint32_t low)
{
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_REDTBL + 2 * pin + 1);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4, high);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_REDTBL + 2 * pin);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4, low);
}

// Takes the pending interrupt as a CPU does: the vector, or -1.
static inline int take(unsigned cpu)
{
    int vector = lapic_pending(&lapic[cpu]);
    if (vector >= 0)
        lapic_ack(&lapic[cpu], (uint8_t)vector);
    return vector;
}

static inline void eoi(unsigned cpu)
{
    set(cpu, LAPIC_EOI, 0);
}

static inline bool msr_write(unsigned cpu, uint32_t msr, uint64_t value)
{
    return lapic_msr_write(&lapic[cpu], msr, value);
}

static inline uint64_t msr_read(unsigned cpu, uint32_t msr)
{
    uint64_t value = 0;
    assert_true(lapic_msr_read(&lapic[cpu], msr, &value));
    return value;
}

static inline void x2apic(unsigned cpu)
{
    assert_true(msr_write(cpu, LAPIC_BASE_MSR, LAPIC_BASE | LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC));
}
