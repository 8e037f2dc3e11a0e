// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/lapic.c vmm-user/devices/lapic_regs.c vmm-user/devices/lapic_timer.c
// sources: vmm-user/devices/apic_bus.c vmm-user/devices/ioapic.c
#include <pthread.h>
#include "tests/unit/apic_machine.h"

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
        cmocka_unit_test_setup(test_accept_from_other_threads, setup),
        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("lapic", tests, NULL, NULL);
}
