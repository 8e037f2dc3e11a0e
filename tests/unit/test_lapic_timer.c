// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/lapic.c vmm-user/devices/lapic_regs.c vmm-user/devices/lapic_timer.c
// sources: vmm-user/devices/apic_bus.c vmm-user/devices/ioapic.c
#include "tests/unit/apic_machine.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_shot, setup),
        cmocka_unit_test_setup(test_periodic, setup),
        cmocka_unit_test_setup(test_absurd_period_is_bounded, setup),
        cmocka_unit_test_setup(test_change_of_mode, setup),
        cmocka_unit_test_setup(test_masked_timer_sleeps, setup),
        cmocka_unit_test_setup(test_tsc_deadline, setup),
        cmocka_unit_test_setup(test_deadline_in_a_moved_tsc, setup),
    };
    return cmocka_run_group_tests_name("lapic timer", tests, NULL, NULL);
}
