// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/lapic.c vmm-user/devices/lapic_regs.c vmm-user/devices/lapic_timer.c
// sources: vmm-user/devices/apic_bus.c vmm-user/devices/ioapic.c
#include <pthread.h>
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

static void signalled(void *ctx, enum lapic_signal signal, uint8_t value)
{
    __atomic_fetch_add(&signals[(struct lapic *)ctx - lapic][signal], 1, __ATOMIC_RELAXED);
    if (signal == LAPIC_SIGNAL_SIPI)
        sipi_vector = value;
}

static void eoi_sent(void *ctx, uint8_t vector)
{
    (void)ctx;
    ioapic_eoi(&io, vector);
}

static bool deliver(void *ctx, const struct apic_message *m)
{
    return apic_bus_deliver(ctx, m, LAPIC_SHORTHAND_NONE, NULL);
}

static uint32_t get(unsigned cpu, uint32_t offset)
{
    return lapic_mmio_read(&lapic[cpu], offset, 4);
}

static void set(unsigned cpu, uint32_t offset, uint32_t value)
{
    lapic_mmio_write(&lapic[cpu], offset, 4, value);
}

static int setup(void **state)
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

static uint32_t rte_read(unsigned pin, bool high)
{
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_REDTBL + 2 * pin + high);
    return (uint32_t)io.dev.ops->read(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4);
}

static void rte_write(unsigned pin, uint32_t high, uint32_t low)
{
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_REDTBL + 2 * pin + 1);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4, high);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_REDTBL + 2 * pin);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4, low);
}

// Takes the pending interrupt as a CPU does: the vector, or -1.
static int take(unsigned cpu)
{
    int vector = lapic_pending(&lapic[cpu]);
    if (vector >= 0)
        lapic_ack(&lapic[cpu], (uint8_t)vector);
    return vector;
}

static void eoi(unsigned cpu)
{
    set(cpu, LAPIC_EOI, 0);
}

static bool msr_write(unsigned cpu, uint32_t msr, uint64_t value)
{
    return lapic_msr_write(&lapic[cpu], msr, value);
}

static uint64_t msr_read(unsigned cpu, uint32_t msr)
{
    uint64_t value = 0;
    assert_true(lapic_msr_read(&lapic[cpu], msr, &value));
    return value;
}

static void x2apic(unsigned cpu)
{
    assert_true(msr_write(cpu, LAPIC_BASE_MSR, LAPIC_BASE | LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC));
}

static void test_identity(void **state)
{
    (void)state;
    assert_int_equal(get(2, LAPIC_ID), 2u << 24);
    set(2, LAPIC_ID, 0x55000000);
    assert_int_equal(get(2, LAPIC_ID), 2u << 24);
    assert_int_equal(get(0, LAPIC_VERSION), 0x50014);
    assert_int_equal(lapic_mmio_read(&lapic[0], LAPIC_VERSION + 2, 1), 5);
    assert_int_equal(msr_read(0, LAPIC_BASE_MSR), 0xfee00900);
    assert_int_equal(msr_read(1, LAPIC_BASE_MSR), 0xfee00800);
}

static void test_priorities(void **state)
{
    (void)state;
    lapic_accept(&lapic[0], 0x41, false);
    lapic_accept(&lapic[0], 0x45, false);
    assert_int_equal(take(0), 0x45);
    assert_int_equal(lapic_pending(&lapic[0]), -1); // same class
    lapic_accept(&lapic[0], 0x51, false);
    assert_int_equal(take(0), 0x51);
    assert_int_equal(get(0, LAPIC_PPR), 0x50);
    eoi(0);
    assert_int_equal(get(0, LAPIC_PPR), 0x40);
    eoi(0);
    assert_int_equal(take(0), 0x41);
    eoi(0);
    assert_int_equal(lapic_in_service(&lapic[0]), -1);
    eoi(0); // nothing to end
    assert_int_equal(signals[0][LAPIC_SIGNAL_WAKE], 3);
}

static void test_task_priority(void **state)
{
    (void)state;
    lapic_set_cr8(&lapic[0], 4);
    assert_int_equal(get(0, LAPIC_TPR), 0x40);
    lapic_accept(&lapic[0], 0x4f, false);
    assert_int_equal(lapic_pending(&lapic[0]), -1);
    set(0, LAPIC_TPR, 0x3f);
    assert_int_equal(lapic_cr8(&lapic[0]), 3);
    assert_int_equal(lapic_pending(&lapic[0]), 0x4f);
}

static void test_registers_are_visible(void **state)
{
    (void)state;
    lapic_accept(&lapic[0], 0x83, true);
    assert_int_equal(get(0, LAPIC_IRR + 0x40), 8);
    assert_int_equal(get(0, LAPIC_TMR + 0x40), 8);
    take(0);
    assert_int_equal(get(0, LAPIC_IRR + 0x40), 0);
    assert_int_equal(get(0, LAPIC_ISR + 0x40), 8);
    lapic_accept(&lapic[0], 0x83, false);
    assert_int_equal(get(0, LAPIC_TMR + 0x40), 0);
}

static void test_software_disable(void **state)
{
    (void)state;
    set(0, LAPIC_LVT_TIMER, 0x31);
    set(0, LAPIC_SVR, 0xff);
    assert_int_equal(get(0, LAPIC_LVT_TIMER), 0x10031);
    set(0, LAPIC_LVT_TIMER, 0x32);
    assert_int_equal(get(0, LAPIC_LVT_TIMER), 0x10032);
    assert_false(lapic_accept(&lapic[0], 0x50, false));
    assert_int_equal(lapic_pending(&lapic[0]), -1);
}

static void test_errors(void **state)
{
    (void)state;
    set(0, LAPIC_LVT_ERROR, 0xfe);
    set(0, LAPIC_ICR, LAPIC_SHORTHAND_SELF << 18 | 5);
    assert_int_equal(take(0), 0xfe);
    assert_int_equal(get(0, LAPIC_ESR), 0); // not latched yet
    set(0, LAPIC_ESR, 0);
    assert_int_equal(get(0, LAPIC_ESR), LAPIC_ESR_SEND_VECTOR);
    get(0, 0x3d0);
    set(0, LAPIC_ESR, 0);
    assert_int_equal(get(0, LAPIC_ESR), LAPIC_ESR_REGISTER);
    set(0, LAPIC_ESR, 0);
    assert_int_equal(get(0, LAPIC_ESR), 0);
}

static void test_ipis(void **state)
{
    (void)state;
    set(0, LAPIC_ICR, LAPIC_SHORTHAND_SELF << 18 | 0x40);
    assert_int_equal(take(0), 0x40);
    set(0, LAPIC_ICR_HIGH, 1u << 24);
    set(0, LAPIC_ICR, 0x41);
    assert_int_equal(take(1), 0x41);
    assert_false(get(0, LAPIC_ICR) & LAPIC_ICR_PENDING);
    set(0, LAPIC_ICR, LAPIC_SHORTHAND_OTHERS << 18 | 0x42);
    assert_int_equal(lapic_pending(&lapic[0]), -1);
    eoi(1);
    assert_int_equal(take(1), 0x42);
    assert_int_equal(take(2), 0x42);
    set(1, LAPIC_ICR, LAPIC_SHORTHAND_ALL << 18 | 0x52);
    assert_int_equal(take(0), 0x52);
    assert_int_equal(take(1), 0x52);
    set(0, LAPIC_ICR_HIGH, 0xff000000);
    set(0, LAPIC_ICR, 0x62); // physical broadcast
    assert_int_equal(take(0), 0x62);
    assert_int_equal(take(2), 0x62);
}

static void test_logical_destinations(void **state)
{
    (void)state;
    set(0, LAPIC_ICR_HIGH, 6u << 24);
    set(0, LAPIC_ICR, LAPIC_ICR_LOGICAL | 0x71);
    assert_int_equal(take(0), -1);
    assert_int_equal(take(1), 0x71);
    assert_int_equal(take(2), 0x71);
    for (unsigned i = 0; i < CPUS; i++) { // clusters: 0 and 1 in the first, 2 in the second
        set(i, LAPIC_DFR, LAPIC_DFR_CLUSTER);
        set(i, LAPIC_LDR, (i < 2 ? 0x10u | 1u << i : 0x21u) << 24);
    }
    set(0, LAPIC_ICR_HIGH, 0x13u << 24);
    set(0, LAPIC_ICR, LAPIC_ICR_LOGICAL | 0x81);
    assert_int_equal(take(0), 0x81);
    assert_int_equal(take(1), 0x81);
    assert_int_equal(take(2), -1);
}

static void test_lowest_priority(void **state)
{
    (void)state;
    set(0, LAPIC_TPR, 0x50);
    set(2, LAPIC_TPR, 0x20);
    set(1, LAPIC_SVR, 0xff); // off
    struct apic_message m = {.dest = 0xff, .logical = true, .mode = LAPIC_MODE_LOWEST, .vector = 0x91};
    assert_true(apic_bus_deliver(&bus, &m, LAPIC_SHORTHAND_NONE, NULL));
    assert_int_equal(take(0), -1);
    assert_int_equal(take(2), 0x91);
    m.dest = 0x40;
    assert_false(apic_bus_deliver(&bus, &m, LAPIC_SHORTHAND_NONE, NULL));
}

static void test_start_of_aps(void **state) // INIT, de-assert, SIPI as Linux sends them
{
    (void)state;
    set(0, LAPIC_ICR_HIGH, 1u << 24);
    set(0, LAPIC_ICR, LAPIC_ICR_LEVEL | LAPIC_ICR_ASSERT | LAPIC_MODE_INIT << 8);
    set(0, LAPIC_ICR, LAPIC_ICR_LEVEL | LAPIC_MODE_INIT << 8);
    assert_int_equal(signals[1][LAPIC_SIGNAL_INIT], 1);
    set(0, LAPIC_ICR, LAPIC_MODE_SIPI << 8 | 0x9a);
    assert_int_equal(signals[1][LAPIC_SIGNAL_SIPI], 1);
    assert_int_equal(sipi_vector, 0x9a);
    set(0, LAPIC_ICR, LAPIC_SHORTHAND_OTHERS << 18 | LAPIC_MODE_SIPI << 8); // vector 0, kvm-unit-tests
    assert_int_equal(signals[2][LAPIC_SIGNAL_SIPI], 1);
    assert_int_equal(sipi_vector, 0);
    set(0, LAPIC_ICR, LAPIC_SHORTHAND_SELF << 18 | LAPIC_MODE_NMI << 8);
    assert_int_equal(signals[0][LAPIC_SIGNAL_NMI], 1);
}

static void test_base_transitions(void **state)
{
    (void)state;
    assert_false(msr_write(0, LAPIC_BASE_MSR, LAPIC_BASE | LAPIC_BASE_X2APIC)); // x2 without enable
    assert_false(msr_write(0, LAPIC_BASE_MSR, LAPIC_BASE | LAPIC_BASE_ENABLE | 1));
    set(0, LAPIC_TPR, 0x20);
    x2apic(0);
    assert_int_equal(lapic_cr8(&lapic[0]), 2);
    assert_int_equal(get(0, LAPIC_ID), UINT32_MAX); // no memory-mapped registers
    assert_false(msr_write(0, LAPIC_BASE_MSR, LAPIC_BASE | LAPIC_BASE_ENABLE));
    assert_true(msr_write(0, LAPIC_BASE_MSR, LAPIC_BASE));
    assert_false(lapic_enabled(&lapic[0]));
    assert_int_equal(get(0, LAPIC_ID), UINT32_MAX);
    assert_false(msr_write(0, LAPIC_BASE_MSR, LAPIC_BASE | LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC));
    assert_true(msr_write(0, LAPIC_BASE_MSR, LAPIC_BASE | LAPIC_BASE_ENABLE));
    assert_int_equal(get(0, LAPIC_SVR), 0xff);
    assert_int_equal(get(0, LAPIC_TPR), 0);
    assert_int_equal(signals[0][LAPIC_SIGNAL_ENABLED], 3);
}

static void test_x2apic_registers(void **state)
{
    (void)state;
    uint64_t v;
    assert_false(lapic_msr_read(&lapic[1], 0x802, &v)); // not in xAPIC mode
    x2apic(1);
    assert_int_equal(msr_read(1, 0x802), 1);
    assert_int_equal(msr_read(1, 0x80d), 2);
    assert_int_equal(page[1][LAPIC_ID / 4], 1);
    assert_false(msr_write(1, 0x802, 1));
    assert_false(msr_write(1, 0x80b, 1)); // EOI wants 0
    assert_true(msr_write(1, 0x80b, 0));
    assert_false(lapic_msr_read(&lapic[1], 0x80b, &v));
    assert_false(lapic_msr_read(&lapic[1], 0x80e, &v)); // no DFR
    assert_false(msr_write(1, 0x831, 0));               // no ICR high
    assert_false(msr_write(1, 0x808, 0x100));
    assert_false(msr_write(1, 0x808, 1ull << 32));
    assert_true(msr_write(1, 0x808, 0x30));
    assert_int_equal(lapic_cr8(&lapic[1]), 3);
    assert_true(msr_write(1, 0x83f, 0x77));
    assert_int_equal(take(1), 0x77);
    assert_false(msr_write(1, 0x83f, 0x177));
    assert_true(msr_write(1, 0x830, 0x200000041ull));
    assert_int_equal(msr_read(1, 0x830), 0x200000041ull);
    assert_int_equal(take(2), 0x41);
    assert_true(msr_write(1, 0x830, 0xffffffff00000042ull));
    assert_int_equal(take(0), 0x42);
    assert_false(msr_write(1, 0x830, 1u << 20));
    assert_true(msr_write(1, 0x830, LAPIC_ICR_LOGICAL | 0x0000000200000055ull)); // cluster 0, itself
    assert_int_equal(get(0, LAPIC_IRR + 0x20) >> 0x15 & 1, 0);
    assert_int_equal(page[1][(LAPIC_IRR + 0x20) / 4] >> 0x15 & 1, 1);
    for (uint32_t msr = 0x840; msr < 0x900; msr++)
        assert_false(lapic_msr_read(&lapic[1], msr, &v));
}

static void test_apic_write_exits(void **state) // hardware wrote the page already
{
    (void)state;
    lapic_accept(&lapic[0], 0x60, false);
    take(0);
    page[0][LAPIC_EOI / 4] = 0x1234;
    lapic_write_done(&lapic[0], LAPIC_EOI);
    assert_int_equal(lapic_in_service(&lapic[0]), -1);
    page[0][LAPIC_ICR_HIGH / 4] = 1u << 24;
    lapic_write_done(&lapic[0], LAPIC_ICR_HIGH);
    page[0][LAPIC_ICR / 4] = 0x61;
    lapic_write_done(&lapic[0], LAPIC_ICR);
    assert_int_equal(take(1), 0x61);
    page[0][LAPIC_LVT_LINT0 / 4] = 0xffffffff;
    lapic_write_done(&lapic[0], LAPIC_LVT_LINT0);
    assert_int_equal(get(0, LAPIC_LVT_LINT0), 0x1a7ff);
    page[0][LAPIC_ID / 4] = 0xffffffff;
    lapic_write_done(&lapic[0], LAPIC_ID);
    assert_int_equal(get(0, LAPIC_ID), 0);
}

static void test_lint(void **state)
{
    (void)state;
    lapic[0].dev.ops->reset(&lapic[0].dev);
    assert_true(lapic_extint_open(&lapic[0])); // power-on: the 8259 reaches the boot CPU, and only it
    lapic[1].dev.ops->reset(&lapic[1].dev);
    assert_false(lapic_extint_open(&lapic[1]));
    set(0, LAPIC_SVR, 0x1ff);
    set(0, LAPIC_LVT_LINT0, LAPIC_LVT_MASKED | LAPIC_MODE_EXTINT << 8);
    assert_false(lapic_extint_open(&lapic[0]));
    set(0, LAPIC_LVT_LINT0, 0x48); // fixed, edge
    lapic_set_lint(&lapic[0], 0, true);
    assert_int_equal(take(0), 0x48);
    eoi(0);
    lapic_set_lint(&lapic[0], 0, true); // no edge
    assert_int_equal(take(0), -1);
    set(0, LAPIC_LVT_LINT1, LAPIC_MODE_NMI << 8);
    lapic_set_lint(&lapic[0], 1, true);
    assert_int_equal(signals[0][LAPIC_SIGNAL_NMI], 1);
    msr_write(0, LAPIC_BASE_MSR, LAPIC_BASE | LAPIC_BASE_BSP);
    assert_true(lapic_extint_open(&lapic[0])); // without an APIC, INTR is the CPU's
}

static void test_one_shot(void **state)
{
    (void)state;
    set(0, LAPIC_TIMER_DIVIDE, 3); // by 16
    set(0, LAPIC_LVT_TIMER, 0xec);
    set(0, LAPIC_TIMER_INITIAL, FAKE_MS / 16); // the timer's clock is the TSC's
    fake_run(&f, FAKE_MS / 4);
    assert_in_range(get(0, LAPIC_TIMER_CURRENT), FAKE_MS / 16 * 3 / 4 - 4, FAKE_MS / 16 * 3 / 4 + 2);
    fake_run(&f, FAKE_MS * 3 / 4 - 10);
    assert_int_equal(take(0), -1);
    assert_int_not_equal(get(0, LAPIC_TIMER_CURRENT), 0);
    fake_run(&f, 20);
    assert_int_equal(take(0), 0xec);
    assert_int_equal(get(0, LAPIC_TIMER_CURRENT), 0);
    eoi(0);
    fake_run(&f, FAKE_S);
    assert_int_equal(take(0), -1);
}

static void test_periodic(void **state)
{
    (void)state;
    set(0, LAPIC_TIMER_DIVIDE, 0xb); // by 1
    set(0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_PERIODIC | 0xec);
    set(0, LAPIC_TIMER_INITIAL, FAKE_MS - 41);
    unsigned count = 0;
    for (unsigned i = 0; i < 100000; i++) {
        fake_run(&f, 10 * FAKE_S / 100000);
        if (take(0) == 0xec)
            count++, eoi(0);
    }
    assert_int_equal(count, 10000); // 10,000.17 periods: no drift
    fake_sleep(&f, 5 * FAKE_S);     // what was slept through is one interrupt
    assert_int_equal(take(0), 0xec);
    eoi(0);
    fake_run(&f, 10);
    assert_int_equal(take(0), -1);
    set(0, LAPIC_TIMER_INITIAL, 0);
    fake_run(&f, FAKE_S);
    assert_int_equal(take(0), -1);
}

static void test_absurd_period_is_bounded(void **state)
{
    (void)state;
    set(0, LAPIC_TIMER_DIVIDE, 0xb);
    set(0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_PERIODIC | 0xec);
    set(0, LAPIC_TIMER_INITIAL, 1);
    fake_run(&f, FAKE_S / 10);
    assert_in_range(f.fired, 1000, 6000);
}

static void test_change_of_mode(void **state) // as kvm-unit-tests has it: the count goes on
{
    enum { SLACK = 2400 };
    (void)state;
    const uint32_t initial = 10 * FAKE_MS;
    set(0, LAPIC_TIMER_DIVIDE, 0xb);
    set(0, LAPIC_LVT_TIMER, 0xec);
    set(0, LAPIC_TIMER_INITIAL, initial);
    fake_run(&f, 6 * FAKE_MS);
    set(0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_PERIODIC | 0xec);
    assert_in_range(get(0, LAPIC_TIMER_CURRENT), 4 * FAKE_MS - SLACK, 4 * FAKE_MS + SLACK);
    fake_run(&f, 5 * FAKE_MS);
    assert_int_equal(take(0), 0xec);
    eoi(0);
    assert_in_range(get(0, LAPIC_TIMER_CURRENT), 9 * FAKE_MS - SLACK, 9 * FAKE_MS + SLACK);
    fake_run(&f, 6 * FAKE_MS);
    set(0, LAPIC_LVT_TIMER, 0xec);
    assert_in_range(get(0, LAPIC_TIMER_CURRENT), 3 * FAKE_MS - SLACK, 3 * FAKE_MS + SLACK);
    fake_run(&f, 4 * FAKE_MS);
    assert_int_equal(get(0, LAPIC_TIMER_CURRENT), 0);
    assert_int_equal(take(0), 0xec);
    eoi(0);
    set(0, LAPIC_TIMER_INITIAL, initial);
    set(0, LAPIC_TIMER_DIVIDE, 0); // by 2: what is left takes twice as long
    fake_run(&f, 5 * FAKE_MS);
    assert_in_range(get(0, LAPIC_TIMER_CURRENT), 15 * FAKE_MS / 2 - SLACK, 15 * FAKE_MS / 2 + SLACK);
}

static void test_masked_timer_sleeps(void **state)
{
    (void)state;
    set(0, LAPIC_TIMER_DIVIDE, 0xb);
    set(0, LAPIC_LVT_TIMER, LAPIC_LVT_MASKED | LAPIC_LVT_TIMER_PERIODIC | 0xec);
    set(0, LAPIC_TIMER_INITIAL, 1000000);
    fake_run(&f, FAKE_S);
    assert_int_equal(f.fired, 0);
    assert_int_not_equal(get(0, LAPIC_TIMER_CURRENT), 0);
    set(0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_PERIODIC | 0xec);
    assert_int_equal(take(0), -1);
    fake_run(&f, FAKE_MS + 10);
    assert_int_equal(take(0), 0xec);
}

static void test_tsc_deadline(void **state)
{
    (void)state;
    assert_true(msr_write(0, LAPIC_DEADLINE_MSR, f.now + 100)); // ignored in other modes
    assert_int_equal(msr_read(0, LAPIC_DEADLINE_MSR), 0);
    set(0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_DEADLINE | 0xec);
    uint64_t deadline = f.now + FAKE_MS;
    msr_write(0, LAPIC_DEADLINE_MSR, deadline);
    assert_int_equal(msr_read(0, LAPIC_DEADLINE_MSR), deadline);
    fake_run(&f, FAKE_MS - 1);
    assert_int_equal(take(0), -1);
    fake_run(&f, 1);
    assert_int_equal(take(0), 0xec);
    eoi(0);
    assert_int_equal(msr_read(0, LAPIC_DEADLINE_MSR), 0);
    msr_write(0, LAPIC_DEADLINE_MSR, f.now - 5); // the past: at once
    assert_int_equal(take(0), 0xec);
    eoi(0);
    msr_write(0, LAPIC_DEADLINE_MSR, f.now + 100);
    msr_write(0, LAPIC_DEADLINE_MSR, 0); // disarms
    fake_run(&f, FAKE_S);
    assert_int_equal(take(0), -1);
    msr_write(0, LAPIC_DEADLINE_MSR, UINT64_MAX);
    fake_run(&f, FAKE_S);
    assert_int_equal(take(0), -1);
    msr_write(0, LAPIC_DEADLINE_MSR, f.now + 100);
    set(0, LAPIC_LVT_TIMER, 0xec); // leaving the mode disarms
    fake_run(&f, FAKE_S);
    assert_int_equal(take(0), -1);
}

static void test_deadline_in_a_moved_tsc(void **state)
{
    (void)state;
    set(0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_DEADLINE | 0xec);
    lapic_set_tsc_offset(&lapic[0], -f.now); // the guest wrote 0 to its TSC
    msr_write(0, LAPIC_DEADLINE_MSR, FAKE_MS);
    fake_run(&f, FAKE_MS - 1);
    assert_int_equal(take(0), -1);
    fake_run(&f, 1);
    assert_int_equal(take(0), 0xec);
}

static void test_ioapic_edge(void **state)
{
    (void)state;
    assert_int_equal(rte_read(4, false), 0x10000);
    rte_write(4, 1u << 24, 0x34);
    assert_int_equal(rte_read(4, true), 1u << 24);
    ioapic_set_irq(&io, 4, true);
    assert_int_equal(take(1), 0x34);
    eoi(1);
    assert_int_equal(take(1), -1);
    ioapic_set_irq(&io, 4, false);
    rte_write(4, 1u << 24, 0x10034);
    ioapic_set_irq(&io, 4, true); // lost while masked
    ioapic_set_irq(&io, 4, false);
    rte_write(4, 1u << 24, 0x34);
    assert_int_equal(take(1), -1);
    ioapic_set_irq(&io, 4, true);
    assert_int_equal(take(1), 0x34);
}

static void test_ioapic_level(void **state)
{
    (void)state;
    rte_write(9, 0, IOAPIC_RTE_LEVEL | 0x59);
    ioapic_set_irq(&io, 9, true);
    assert_int_equal(rte_read(9, false), IOAPIC_RTE_REMOTE_IRR | IOAPIC_RTE_LEVEL | 0x59);
    assert_int_equal(take(0), 0x59);
    ioapic_set_irq(&io, 9, false);
    ioapic_set_irq(&io, 9, true);
    assert_int_equal(lapic_pending(&lapic[0]), -1);
    eoi(0); // still asserted: once more
    assert_int_equal(take(0), 0x59);
    ioapic_set_irq(&io, 9, false);
    eoi(0);
    assert_int_equal(rte_read(9, false), IOAPIC_RTE_LEVEL | 0x59);
    assert_int_equal(take(0), -1);
    rte_write(9, 0, IOAPIC_RTE_MASKED | IOAPIC_RTE_LEVEL | 0x59);
    ioapic_set_irq(&io, 9, true); // a level is not lost
    assert_int_equal(take(0), -1);
    rte_write(9, 0, IOAPIC_RTE_LEVEL | 0x59);
    assert_int_equal(take(0), 0x59);
}

static void test_ioapic_eoi_by_register_or_edge(void **state) // Linux' two ways to clear remote IRR by force
{
    (void)state;
    rte_write(9, 0, IOAPIC_RTE_LEVEL | 0x59);
    ioapic_set_irq(&io, 9, true);
    ioapic_set_irq(&io, 9, false);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_EOI, 4, 0x59);
    assert_false(rte_read(9, false) & IOAPIC_RTE_REMOTE_IRR);
    ioapic_set_irq(&io, 9, true);
    ioapic_set_irq(&io, 9, false);
    rte_write(9, 0, IOAPIC_RTE_MASKED | 0x59);
    rte_write(9, 0, IOAPIC_RTE_LEVEL | 0x59);
    assert_false(rte_read(9, false) & IOAPIC_RTE_REMOTE_IRR);
}

static void test_ioapic_registers(void **state)
{
    (void)state;
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_VER);
    assert_int_equal(io.dev.ops->read(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4), 0x170020);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_ID);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4, 0xffffffff);
    assert_int_equal(io.dev.ops->read(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4), 0x0f000000);
    rte_write(23, 0xffffffff, 0xffffffff);
    assert_int_equal(rte_read(23, false), 0x1ffff & ~(IOAPIC_RTE_PENDING | IOAPIC_RTE_REMOTE_IRR));
    assert_int_equal(rte_read(23, true), 0xff000000);
    rte_write(24, 0, 0); // there is none
}

static void test_ioapic_nmi_and_extint(void **state)
{
    (void)state;
    rte_write(1, 0, LAPIC_MODE_NMI << 8);
    ioapic_set_irq(&io, 1, true);
    assert_int_equal(signals[0][LAPIC_SIGNAL_NMI], 1);
    rte_write(0, 0, LAPIC_MODE_EXTINT << 8);
    ioapic_set_irq(&io, 0, true);
    assert_int_equal(signals[0][LAPIC_SIGNAL_WAKE], 1);
    assert_int_equal(lapic_pending(&lapic[0]), -1);
}

static void test_msi(void **state)
{
    (void)state;
    assert_true(apic_bus_msi(&bus, 0xfee01000, 0x4055));
    assert_int_equal(take(1), 0x55);
    assert_true(apic_bus_msi(&bus, 0xfee0600c, 0x4065)); // logical 6, redirection hint: one of 1 and 2
    assert_int_equal((take(1) == 0x65) + (take(2) == 0x65), 1);
    assert_false(apic_bus_msi(&bus, 0xfec00000, 0x55));
}

static void *hammer(void *arg)
{
    for (unsigned i = 0; i < 200000; i++)
        lapic_accept(&lapic[0], (uint8_t)(0x40 + (uintptr_t)arg + 32 * (i & 3)), i & 1);
    return NULL;
}

static void test_accept_from_other_threads(void **state) // nothing is lost, nothing stays behind
{
    (void)state;
    pthread_t threads[2];
    unsigned taken = 0;
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, hammer, (void *)i);
    for (unsigned i = 0; i < 300000; i++)
        if (take(0) >= 0)
            taken++, eoi(0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    while (take(0) >= 0)
        taken++, eoi(0);
    assert_int_equal(taken, signals[0][LAPIC_SIGNAL_WAKE]);
    for (unsigned n = 0; n < 8; n++)
        assert_int_equal(get(0, LAPIC_IRR + 16 * n), 0);
}

static void test_state(void **state)
{
    (void)state;
    set(0, LAPIC_TIMER_DIVIDE, 0xb);
    set(0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_PERIODIC | 0xec);
    set(0, LAPIC_TIMER_INITIAL, 1000000);
    lapic_accept(&lapic[0], 0x45, false);
    lapic_accept(&lapic[0], 0x33, false);
    assert_int_equal(take(0), 0x45);
    fake_run(&f, FAKE_MS / 2);
    assert_true(fake_save_load(&lapic[0]));
    assert_int_equal(lapic_in_service(&lapic[0]), 0x45);
    fake_run(&f, FAKE_MS / 2 + 100);
    assert_int_equal(take(0), 0xec);
    eoi(0);
    eoi(0);
    assert_int_equal(take(0), 0x33);
    x2apic(1);
    msr_write(1, 0x830, 0x200000041ull);
    assert_true(fake_save_load(&lapic[1]));
    assert_int_equal(msr_read(1, 0x830), 0x200000041ull);
    rte_write(9, 0, IOAPIC_RTE_LEVEL | 0x59);
    ioapic_set_irq(&io, 9, true);
    assert_true(fake_save_load(&io));
    assert_true(rte_read(9, false) & IOAPIC_RTE_REMOTE_IRR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_identity, setup),
        cmocka_unit_test_setup(test_priorities, setup),
        cmocka_unit_test_setup(test_task_priority, setup),
        cmocka_unit_test_setup(test_registers_are_visible, setup),
        cmocka_unit_test_setup(test_software_disable, setup),
        cmocka_unit_test_setup(test_errors, setup),
        cmocka_unit_test_setup(test_ipis, setup),
        cmocka_unit_test_setup(test_logical_destinations, setup),
        cmocka_unit_test_setup(test_lowest_priority, setup),
        cmocka_unit_test_setup(test_start_of_aps, setup),
        cmocka_unit_test_setup(test_base_transitions, setup),
        cmocka_unit_test_setup(test_x2apic_registers, setup),
        cmocka_unit_test_setup(test_apic_write_exits, setup),
        cmocka_unit_test_setup(test_lint, setup),
        cmocka_unit_test_setup(test_one_shot, setup),
        cmocka_unit_test_setup(test_periodic, setup),
        cmocka_unit_test_setup(test_absurd_period_is_bounded, setup),
        cmocka_unit_test_setup(test_change_of_mode, setup),
        cmocka_unit_test_setup(test_masked_timer_sleeps, setup),
        cmocka_unit_test_setup(test_tsc_deadline, setup),
        cmocka_unit_test_setup(test_deadline_in_a_moved_tsc, setup),
        cmocka_unit_test_setup(test_ioapic_edge, setup),
        cmocka_unit_test_setup(test_ioapic_level, setup),
        cmocka_unit_test_setup(test_ioapic_eoi_by_register_or_edge, setup),
        cmocka_unit_test_setup(test_ioapic_registers, setup),
        cmocka_unit_test_setup(test_ioapic_nmi_and_extint, setup),
        cmocka_unit_test_setup(test_msi, setup),
        cmocka_unit_test_setup(test_accept_from_other_threads, setup),
        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("lapic", tests, NULL, NULL);
}
