// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/pit8254.c
#include "tests/unit/cmocka_all.h"
#include "pc/pit8254.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/pit8254.h"

static struct fake f;
static struct pit pit;

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    pit_init(&pit, &f.clock, fake_line(&f, 0));
    return 0;
}

static void program(unsigned n, uint8_t control, unsigned count)
{
    out8(&pit, 0x43, (uint8_t)(n << 6 | control));
    out8(&pit, (uint16_t)(0x40 + n), (uint8_t)count);
    out8(&pit, (uint16_t)(0x40 + n), (uint8_t)(count >> 8));
}

static unsigned read_latched(unsigned n)
{
    out8(&pit, 0x43, (uint8_t)(n << 6));
    unsigned low = in8(&pit, (uint16_t)(0x40 + n));
    return low | (unsigned)in8(&pit, (uint16_t)(0x40 + n)) << 8;
}

static uint64_t pit_ticks(uint64_t n)
{
    return n * FAKE_HZ / PIT_HZ + 1;
}

static void test_hz(void **state) // 1000 interrupts a second, none lost, none too many, over a minute
{
    (void)state;
    program(0, 0x34, 1193);
    fake_run(&f, 60 * FAKE_S);
    assert_in_range(f.wires[0].rises, 60ull * PIT_HZ / 1193 - 1, 60ull * PIT_HZ / 1193);
}

static void test_linux_calibration(void **state) // pit_calibrate_tsc: 50 ms on counter 2 by port 61h
{
    (void)state;
    out8(&pit, 0x61, (in8(&pit, 0x61) & ~2) | 1);
    unsigned latch = PIT_HZ / 20;
    uint64_t start = f.now;
    program(2, 0x30, latch);
    assert_false(in8(&pit, 0x61) & 0x20);
    while (!(in8(&pit, 0x61) & 0x20))
        f.now += FAKE_US;
    assert_in_range(f.now - start, 50 * FAKE_MS - 3 * FAKE_US, 50 * FAKE_MS + 3 * FAKE_US);
}

static void test_quick_calibration(void **state) // reads the high byte only and sees it fall by one each 256 ticks
{
    (void)state;
    out8(&pit, 0x61, 1);
    program(2, 0x30, 0xffff);
    f.now += pit_ticks(10);
    in8(&pit, 0x42);
    assert_int_equal(in8(&pit, 0x42), 0xff);
    f.now += pit_ticks(256);
    in8(&pit, 0x42);
    assert_int_equal(in8(&pit, 0x42), 0xfe);
}

static void test_gate_stops(void **state)
{
    (void)state;
    out8(&pit, 0x61, 1);
    program(2, 0x30, 1000);
    f.now += pit_ticks(100);
    out8(&pit, 0x61, 0);
    f.now += pit_ticks(5000);
    assert_in_range(read_latched(2), 899, 900);
    out8(&pit, 0x61, 1);
    f.now += pit_ticks(100);
    assert_in_range(read_latched(2), 798, 801);
}

static void test_one_shot_needs_gate(void **state)
{
    (void)state;
    program(2, 0x32, 500);
    assert_true(in8(&pit, 0x61) & 0x20);
    out8(&pit, 0x61, 1);
    assert_false(in8(&pit, 0x61) & 0x20);
    f.now += pit_ticks(501);
    assert_true(in8(&pit, 0x61) & 0x20);
    out8(&pit, 0x61, 0);
    out8(&pit, 0x61, 1); // triggers again
    assert_false(in8(&pit, 0x61) & 0x20);
}

static void test_square_wave(void **state)
{
    (void)state;
    out8(&pit, 0x61, 3);
    program(2, 0x36, 1000);
    f.now += pit_ticks(250);
    assert_true(in8(&pit, 0x61) & 0x20);
    assert_in_range(read_latched(2), 498, 502); // counts by two
    f.now += pit_ticks(500);
    assert_false(in8(&pit, 0x61) & 0x20);
    assert_in_range(read_latched(2), 496, 502);
}

static void test_linux_one_shot(void **state) // clockevents: mode 4, a new count each time
{
    (void)state;
    out8(&pit, 0x43, 0x38);
    for (unsigned i = 1; i <= 3; i++) {
        out8(&pit, 0x40, 0x10);
        out8(&pit, 0x40, 0x27);
        fake_run(&f, pit_ticks(9990));
        assert_int_equal(f.wires[0].rises, i - 1);
        fake_run(&f, pit_ticks(20));
        assert_int_equal(f.wires[0].rises, i);
        fake_run(&f, FAKE_S);
        assert_int_equal(f.wires[0].rises, i);
    }
}

static void test_terminal_count(void **state)
{
    (void)state;
    program(0, 0x30, 100);
    assert_false(f.wires[0].level);
    fake_run(&f, pit_ticks(101));
    assert_true(f.wires[0].level);
    assert_in_range(read_latched(0), 0xfffd, 0xffff); // wraps and counts on
    program(0, 0x30, 0);
    assert_false(f.wires[0].level);
}

static void test_new_count_waits_for_period(void **state)
{
    (void)state;
    program(0, 0x34, 1000);
    fake_run(&f, pit_ticks(500));
    out8(&pit, 0x40, 0xd0);
    out8(&pit, 0x40, 0x07); // 2000
    assert_in_range(read_latched(0), 495, 501);
    fake_run(&f, pit_ticks(505));
    assert_int_equal(f.wires[0].rises, 1);
    assert_in_range(read_latched(0), 1985, 2000);
    fake_run(&f, pit_ticks(1970));
    assert_int_equal(f.wires[0].rises, 1);
    fake_run(&f, pit_ticks(50));
    assert_int_equal(f.wires[0].rises, 2);
}

static void test_bcd(void **state)
{
    (void)state;
    program(0, 0x35, 0x1000); // a thousand
    f.now += pit_ticks(1);
    assert_int_equal(read_latched(0), 0x999);
    program(0, 0x31, 0); // ten thousand
    f.now += pit_ticks(1);
    assert_int_equal(read_latched(0), 0x9999);
}

static void test_read_back(void **state)
{
    (void)state;
    program(0, 0x34, 1000);
    f.now += pit_ticks(10);
    out8(&pit, 0x43, 0xc2); // count and status of counter 0
    f.now += pit_ticks(100);
    assert_int_equal(in8(&pit, 0x40), 0x80 | 0x34);
    unsigned low = in8(&pit, 0x40), count = low | (unsigned)in8(&pit, 0x40) << 8;
    assert_in_range(count, 988, 991);
    out8(&pit, 0x43, 0x34);
    out8(&pit, 0x43, 0xe2); // status only: no count yet
    assert_true(in8(&pit, 0x40) & 0x40);
}

static void
test_starved(void **state) // ten seconds asleep at 1000 Hz: a bounded backlog, soon over, then the old rhythm
{
    (void)state;
    program(0, 0x34, 1193);
    fake_run(&f, FAKE_S);
    unsigned before = f.wires[0].rises;
    fake_sleep(&f, 10 * FAKE_S);
    fake_run(&f, FAKE_S);
    assert_in_range(f.wires[0].rises - before, 1000 + PIT_BACKLOG - 2, 1000 + PIT_BACKLOG + 1);
    before = f.wires[0].rises;
    fake_run(&f, FAKE_S);
    assert_in_range(f.wires[0].rises - before, 999, 1001);
}

static void test_absurd_rate_is_bounded(void **state)
{
    (void)state;
    program(0, 0x34, 1);
    fake_run(&f, FAKE_S);
    assert_in_range(f.wires[0].rises, 1000, 60000);
}

static void test_refresh_toggles(void **state)
{
    (void)state;
    unsigned changes = 0;
    for (unsigned i = 0, last = in8(&pit, 0x61) & 0x10; i < 1000; i++, f.now += FAKE_US) {
        changes += (in8(&pit, 0x61) & 0x10) != last;
        last = in8(&pit, 0x61) & 0x10;
    }
    assert_in_range(changes, 60, 70); // each 15 us
}

static void test_state(void **state)
{
    (void)state;
    program(0, 0x34, 1193);
    out8(&pit, 0x61, 1);
    program(2, 0x30, 10000);
    fake_run(&f, FAKE_S / 2);
    out8(&pit, 0x43, 0xc0 | 0x02);
    assert_true(fake_save_load(&pit));
    assert_int_equal(in8(&pit, 0x40) & 0x3f, 0x34);
    unsigned before = f.wires[0].rises;
    fake_run(&f, FAKE_S);
    assert_in_range(f.wires[0].rises - before, 999, 1001);
    assert_true(in8(&pit, 0x61) & 0x20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_hz, setup),
        cmocka_unit_test_setup(test_linux_calibration, setup),
        cmocka_unit_test_setup(test_quick_calibration, setup),
        cmocka_unit_test_setup(test_gate_stops, setup),
        cmocka_unit_test_setup(test_one_shot_needs_gate, setup),
        cmocka_unit_test_setup(test_square_wave, setup),
        cmocka_unit_test_setup(test_linux_one_shot, setup),
        cmocka_unit_test_setup(test_terminal_count, setup),
        cmocka_unit_test_setup(test_new_count_waits_for_period, setup),
        cmocka_unit_test_setup(test_bcd, setup),
        cmocka_unit_test_setup(test_read_back, setup),
        cmocka_unit_test_setup(test_starved, setup),
        cmocka_unit_test_setup(test_absurd_rate_is_bounded, setup),
        cmocka_unit_test_setup(test_refresh_toggles, setup),
        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("pit8254", tests, NULL, NULL);
}
