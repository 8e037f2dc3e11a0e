// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/hpet.c
#include "tests/unit/cmocka_all.h"
#include "pc/hpet.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/hpet.h"

static struct fake f;
static struct hpet hpet;

static uint64_t get(unsigned offset)
{
    return hpet.dev.ops->read(&hpet.dev, IO_MMIO, HPET_BASE + offset, 8);
}

static uint32_t get32(unsigned offset)
{
    return (uint32_t)hpet.dev.ops->read(&hpet.dev, IO_MMIO, HPET_BASE + offset, 4);
}

static void set32(unsigned offset, uint32_t value)
{
    hpet.dev.ops->write(&hpet.dev, IO_MMIO, HPET_BASE + offset, 4, value);
}

static unsigned timer(unsigned n, unsigned reg)
{
    return HPET_TIMER + n * HPET_TIMER_STRIDE + reg;
}

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    hpet_init(&hpet, &f.clock, fake_line(&f, 30), fake_line(&f, 31), fake_line(&f, 0));
    return 0;
}

static void test_capabilities(void **state)
{
    (void)state;
    assert_int_equal(get(HPET_CAP), 10000000ull << 32 | 0x8086a201);
    assert_int_equal(get32(HPET_CAP + 4), 10000000);
    assert_true(get(timer(0, 0)) & HPET_TN_PERIODIC_CAP);
}

static void test_counter(void **state)
{
    (void)state;
    f.now += FAKE_S;
    assert_int_equal(get(HPET_COUNTER), 0); // stopped
    set32(HPET_CONFIG, HPET_CONFIG_ENABLE);
    f.now += FAKE_S;
    assert_in_range(get(HPET_COUNTER), 100000000 - 1, 100000000 + 1);
    set32(HPET_CONFIG, 0);
    uint64_t stopped = get(HPET_COUNTER);
    f.now += FAKE_S;
    assert_int_equal(get(HPET_COUNTER), stopped);
    set32(HPET_COUNTER, 5);
    set32(HPET_COUNTER + 4, 7);
    assert_int_equal(get(HPET_COUNTER), 7ull << 32 | 5);
}

static void test_linux_periodic(void **state) // hpet_clkevt_set_state_periodic, legacy replacement
{
    (void)state;
    set32(HPET_CONFIG, HPET_CONFIG_ENABLE | HPET_CONFIG_LEGACY);
    assert_true(hpet_legacy(&hpet));
    set32(timer(0, 0), HPET_TN_INT_ENABLE | HPET_TN_PERIODIC | HPET_TN_SET_VALUE | HPET_TN_32BIT);
    set32(timer(0, 8), get32(HPET_COUNTER) + 400000);
    set32(timer(0, 8), 400000); // 4 ms
    fake_run(&f, 10 * FAKE_S);
    assert_in_range(f.wires[30].rises, 2499, 2500);
    assert_int_equal(f.wires[0].rises, 0);
}

static void test_one_shot(void **state)
{
    (void)state;
    set32(HPET_CONFIG, HPET_CONFIG_ENABLE);
    set32(timer(2, 0), HPET_TN_INT_ENABLE | HPET_TN_32BIT | 21 << HPET_TN_ROUTE_SHIFT);
    set32(timer(2, 8), 100000); // 1 ms
    fake_run(&f, FAKE_MS - FAKE_US);
    assert_int_equal(f.wires[21].rises, 0);
    fake_run(&f, 2 * FAKE_US);
    assert_int_equal(f.wires[21].rises, 1);
    fake_run(&f, 10 * FAKE_S);
    assert_int_equal(f.wires[21].rises, 1);
}

static void test_level(void **state)
{
    (void)state;
    set32(timer(1, 0), HPET_TN_INT_ENABLE | HPET_TN_LEVEL | 20 << HPET_TN_ROUTE_SHIFT);
    set32(timer(1, 8), 1000);
    set32(timer(1, 12), 0);
    set32(HPET_CONFIG, HPET_CONFIG_ENABLE);
    fake_run(&f, FAKE_MS);
    assert_true(f.wires[20].level);
    assert_int_equal(get32(HPET_STATUS), 2);
    set32(HPET_STATUS, 2);
    assert_false(f.wires[20].level);
    assert_int_equal(get32(HPET_STATUS), 0);
}

static void test_routes(void **state) // one that the timer cannot have reads back as another
{
    (void)state;
    set32(timer(0, 0), 5 << HPET_TN_ROUTE_SHIFT);
    assert_int_equal(get32(timer(0, 0)) & HPET_TN_ROUTE, 0);
    assert_int_equal(get32(timer(3, 0)), 0);
}

static void test_absurd_period_is_bounded(void **state)
{
    (void)state;
    set32(HPET_CONFIG, HPET_CONFIG_ENABLE);
    set32(timer(0, 0), HPET_TN_INT_ENABLE | HPET_TN_PERIODIC | HPET_TN_SET_VALUE | 20 << HPET_TN_ROUTE_SHIFT);
    set32(timer(0, 8), 1);
    fake_run(&f, FAKE_S / 10);
    assert_in_range(f.fired, 0, 6000);
}

static void test_state(void **state)
{
    (void)state;
    set32(HPET_CONFIG, HPET_CONFIG_ENABLE | HPET_CONFIG_LEGACY);
    set32(timer(0, 0), HPET_TN_INT_ENABLE | HPET_TN_PERIODIC | HPET_TN_SET_VALUE | HPET_TN_32BIT);
    set32(timer(0, 8), 100000);
    fake_run(&f, FAKE_S + FAKE_MS / 2);
    unsigned before = f.wires[30].rises;
    assert_true(fake_save_load(&hpet));
    fake_run(&f, FAKE_S);
    assert_in_range(f.wires[30].rises - before, 999, 1001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_capabilities, setup),
        cmocka_unit_test_setup(test_counter, setup),
        cmocka_unit_test_setup(test_linux_periodic, setup),
        cmocka_unit_test_setup(test_one_shot, setup),
        cmocka_unit_test_setup(test_level, setup),
        cmocka_unit_test_setup(test_routes, setup),
        cmocka_unit_test_setup(test_absurd_period_is_bounded, setup),
        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("hpet", tests, NULL, NULL);
}
