// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/rtc_cmos.c
#include "tests/unit/cmocka_all.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/rtc_cmos.h"

#define NS_PER_S 1000000000ull

static struct fake f;
static struct rtc rtc;

static uint8_t cmos(uint8_t index)
{
    out8(&rtc, 0x70, index);
    return in8(&rtc, 0x71);
}

static void cmos_set(uint8_t index, uint8_t value)
{
    out8(&rtc, 0x70, index);
    out8(&rtc, 0x71, value);
}

// The wall clock says `unix_time` now.
static void start_at(uint64_t unix_time)
{
    fake_init(&f);
    f.wall_base = (unix_time - 1) * NS_PER_S; // the machine runs for a second already
    rtc_init(&rtc, &f.clock, fake_line(&f, 8));
}

static int setup(void **state)
{
    (void)state;
    start_at(1700000000); // Tuesday, 2023-11-14 22:13:20 UTC
    return 0;
}

static void assert_date(unsigned century, unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                        unsigned second)
{
    assert_int_equal(cmos(0x32), century);
    assert_int_equal(cmos(9), year);
    assert_int_equal(cmos(8), month);
    assert_int_equal(cmos(7), day);
    assert_int_equal(cmos(4), hour);
    assert_int_equal(cmos(2), minute);
    assert_int_equal(cmos(0), second);
}

static void test_date(void **state)
{
    (void)state;
    assert_date(0x20, 0x23, 0x11, 0x14, 0x22, 0x13, 0x20);
    assert_int_equal(cmos(6), 3);
    assert_int_equal(cmos(0x0d), 0x80);
    assert_int_equal(in8(&rtc, 0x70), 0xff);
}

static void test_leap_days(void **state)
{
    (void)state;
    start_at(951782400); // 2000-02-29 00:00:00
    assert_date(0x20, 0x00, 0x02, 0x29, 0, 0, 0);
    start_at(1709251199); // 2024-02-29 23:59:59
    assert_date(0x20, 0x24, 0x02, 0x29, 0x23, 0x59, 0x59);
    fake_run(&f, FAKE_S);
    assert_date(0x20, 0x24, 0x03, 0x01, 0, 0, 0);
    start_at(4107542400); // 2100-03-01: 2100 is no leap year
    assert_date(0x21, 0x00, 0x03, 0x01, 0, 0, 0);
}

static void test_formats(void **state)
{
    (void)state;
    cmos_set(0x0b, 0x06); // binary, 24 h
    assert_date(20, 23, 11, 14, 22, 13, 20);
    cmos_set(0x0b, 0x00); // BCD, 12 h
    assert_int_equal(cmos(4), 0x90);
    cmos_set(4, 0x12); // midnight
    cmos_set(0x0b, 0x02);
    assert_int_equal(cmos(4), 0x00);
    cmos_set(0x0b, 0x00);
    cmos_set(4, 0x92); // noon
    cmos_set(0x0b, 0x02);
    assert_int_equal(cmos(4), 0x12);
}

static void test_linux_reads(void **state) // mc146818_get_time: UIP clear before and after, seconds the same
{
    (void)state;
    f.now += FAKE_S - 100 * FAKE_US; // shortly before the update
    assert_true(cmos(0x0a) & 0x80);
    f.now += 200 * FAKE_US;
    assert_false(cmos(0x0a) & 0x80);
    assert_int_equal(cmos(0), 0x21);
}

static void test_linux_sets(void **state) // mc146818_set_time: SET, divider reset, registers, back
{
    (void)state;
    uint8_t b = cmos(0x0b), a = cmos(0x0a);
    cmos_set(0x0b, b | 0x80);
    cmos_set(0x0a, a | 0x70);
    static const uint8_t set[][2] = {{9, 0x99}, {8, 0x12}, {7, 0x31}, {4, 0x23}, {2, 0x59}, {0, 0x58}, {0x32, 0x19}};
    for (unsigned i = 0; i < 7; i++)
        cmos_set(set[i][0], set[i][1]);
    fake_run(&f, 5 * FAKE_S); // time stands still
    assert_date(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x58);
    cmos_set(0x0b, b);
    cmos_set(0x0a, a);
    fake_run(&f, FAKE_S * 6 / 10); // the first second is half a one
    assert_int_equal(cmos(0), 0x59);
    fake_run(&f, FAKE_S);
    assert_date(0x20, 0x00, 0x01, 0x01, 0, 0, 0);
}

static void test_periodic(void **state)
{
    (void)state;
    cmos_set(0x0b, 0x42);
    unsigned count = 0;
    for (unsigned i = 0; i < 2048; i++) {
        fake_run(&f, FAKE_S / 2048);
        if (!f.wires[8].level)
            continue;
        assert_int_equal(cmos(0x0c) & 0xc0, 0xc0);
        assert_false(f.wires[8].level);
        count++;
    }
    assert_in_range(count, 1022, 1025);
}

static void test_no_interrupt_before_c_is_read(void **state)
{
    (void)state;
    cmos_set(0x0b, 0x42);
    fake_run(&f, FAKE_S);
    assert_int_equal(f.wires[8].rises, 1);
    assert_true(f.fired < 5); // and no timer runs for it
    cmos(0x0c);
    fake_run(&f, FAKE_MS);
    assert_int_equal(f.wires[8].rises, 2);
}

static void test_update_interrupt(void **state)
{
    (void)state;
    cmos_set(0x0b, 0x12);
    fake_run(&f, FAKE_S - FAKE_MS);
    assert_false(f.wires[8].level);
    fake_run(&f, 2 * FAKE_MS);
    assert_true(f.wires[8].level);
    assert_int_equal(cmos(0x0c) & 0xb0, 0x90);
    fake_run(&f, FAKE_S);
    assert_int_equal(cmos(0x0c) & 0xb0, 0x90);
}

static void test_alarm(void **state)
{
    (void)state;
    cmos_set(5, 0x22);
    cmos_set(3, 0x14);
    cmos_set(1, 0x05); // 22:14:05, in 45 s
    cmos_set(0x0b, 0x22);
    fake_run(&f, 44 * FAKE_S);
    assert_false(f.wires[8].level);
    fake_run(&f, 2 * FAKE_S);
    assert_true(f.wires[8].level);
    assert_int_equal(cmos(0x0c) & 0xa0, 0xa0);
    fake_run(&f, 86390 * FAKE_S);
    assert_false(f.wires[8].level);
    fake_run(&f, 10 * FAKE_S); // the next day
    assert_true(f.wires[8].level);
}

static void test_alarm_wildcards(void **state)
{
    (void)state;
    cmos_set(5, 0xff);
    cmos_set(3, 0xff);
    cmos_set(1, 0x00); // each full minute
    cmos_set(0x0b, 0x22);
    fake_run(&f, FAKE_MS);
    unsigned count = 0;
    for (unsigned i = 0; i < 600; i++) {
        fake_run(&f, FAKE_S);
        count += f.wires[8].level;
        cmos(0x0c);
    }
    assert_int_equal(count, 10);
}

static void test_alarm_that_never_comes(void **state)
{
    (void)state;
    cmos_set(1, 0x75);
    cmos_set(3, 0xc0);
    cmos_set(5, 0xc0);
    cmos_set(0x0b, 0x22);
    fake_run(&f, 2 * 86400 * FAKE_S);
    assert_false(f.wires[8].level);
}

static void test_flags_without_interrupts(void **state) // pollers see them too
{
    (void)state;
    cmos(0x0c);
    fake_run(&f, 2 * FAKE_S);
    assert_int_equal(cmos(0x0c), 0x50);
    assert_int_equal(cmos(0x0c), 0);
    assert_int_equal(f.wires[8].rises, 0);
}

static void test_starved(void **state) // at most a bounded number of interrupts is made up for
{
    (void)state;
    cmos_set(0x0b, 0x42);
    fake_sleep(&f, 10 * FAKE_S);
    unsigned count = 0;
    for (unsigned i = 0; i < 10240; i++) {
        fake_run(&f, FAKE_S / 10240);
        if (f.wires[8].level)
            count++, cmos(0x0c);
    }
    assert_in_range(count, 1024 + RTC_BACKLOG - 3, 1024 + RTC_BACKLOG + 2);
}

static void test_memory_and_reset(void **state)
{
    (void)state;
    rtc_set_cmos(&rtc, 0x34, 0x12);
    rtc_set_cmos(&rtc, 0x0b, 0xff); // not memory
    rtc_set_cmos(&rtc, 1000, 1);
    cmos_set(0x0f, 0x05);
    cmos_set(0x0b, 0x72);
    rtc.dev.ops->reset(&rtc.dev);
    assert_int_equal(cmos(0x34), 0x12);
    assert_int_equal(cmos(0x0f), 0x05);
    assert_int_equal(cmos(0x0b), 0x02);
    out8(&rtc, 0x70, 0xb4); // the NMI mask is not part of the index
    assert_int_equal(in8(&rtc, 0x71), 0x12);
}

static void test_state(void **state)
{
    (void)state;
    cmos_set(7, 0x24);
    cmos_set(0x0b, 0x12);
    fake_run(&f, FAKE_S / 2);
    assert_true(fake_save_load(&rtc));
    fake_run(&f, FAKE_S);
    assert_true(f.wires[8].level);
    assert_date(0x20, 0x23, 0x11, 0x24, 0x22, 0x13, 0x21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_date, setup),
        cmocka_unit_test_setup(test_leap_days, setup),
        cmocka_unit_test_setup(test_formats, setup),
        cmocka_unit_test_setup(test_linux_reads, setup),
        cmocka_unit_test_setup(test_linux_sets, setup),
        cmocka_unit_test_setup(test_periodic, setup),
        cmocka_unit_test_setup(test_no_interrupt_before_c_is_read, setup),
        cmocka_unit_test_setup(test_update_interrupt, setup),
        cmocka_unit_test_setup(test_alarm, setup),
        cmocka_unit_test_setup(test_alarm_wildcards, setup),
        cmocka_unit_test_setup(test_alarm_that_never_comes, setup),
        cmocka_unit_test_setup(test_flags_without_interrupts, setup),
        cmocka_unit_test_setup(test_starved, setup),
        cmocka_unit_test_setup(test_memory_and_reset, setup),
        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("rtc", tests, NULL, NULL);
}
