// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/acpi_pm.c
#include "tests/unit/cmocka_all.h"
#include "pc/acpi_pm.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/acpi_pm.h"

#define BASE ACPI_PM_BASE

static struct fake f;
static struct acpi_pm pm;

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    acpi_pm_init(&pm, &f.clock, BASE, fake_line(&f, 9), fake_power(&f));
    return 0;
}

static void test_enable_by_smi(void **state)
{
    (void)state;
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_CNT), 0);
    out16(&pm, BASE + ACPI_PM1_CNT, ACPI_PM1_CNT_SCI_EN); // not by writing it
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_CNT), 0);
    out8(&pm, ACPI_SMI_CMD, ACPI_SMI_ENABLE);
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_CNT), ACPI_PM1_CNT_SCI_EN);
    out8(&pm, ACPI_SMI_CMD, ACPI_SMI_DISABLE);
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_CNT), 0);
    out8(&pm, ACPI_SMI_DATA, 0x42);
    assert_int_equal(in8(&pm, ACPI_SMI_DATA), 0x42);
}

static void test_timer(void **state)
{
    (void)state;
    uint32_t first = in32(&pm, BASE + ACPI_PM_TMR);
    f.now += FAKE_S;
    assert_in_range(in32(&pm, BASE + ACPI_PM_TMR) - first, ACPI_PM_TMR_HZ - 1, ACPI_PM_TMR_HZ + 1);
    uint32_t now = in32(&pm, BASE + ACPI_PM_TMR);
    assert_int_equal(in8(&pm, BASE + ACPI_PM_TMR + 1), now >> 8 & 0xff);
    assert_int_equal(in16(&pm, BASE + ACPI_PM_TMR + 2), now >> 16);
    out32(&pm, BASE + ACPI_PM_TMR, 0); // read-only
    assert_int_equal(in32(&pm, BASE + ACPI_PM_TMR), now);
}

static void test_timer_overflow(void **state) // each 599.9 s bit 31 changes
{
    (void)state;
    out8(&pm, ACPI_SMI_CMD, ACPI_SMI_ENABLE);
    out16(&pm, BASE + ACPI_PM1_EN, ACPI_PM1_TMR);
    fake_run(&f, 598 * FAKE_S);
    assert_false(f.wires[9].level);
    fake_run(&f, FAKE_S);
    assert_true(f.wires[9].level);
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_STS), ACPI_PM1_TMR);
    out16(&pm, BASE + ACPI_PM1_STS, ACPI_PM1_TMR);
    assert_false(f.wires[9].level);
    fake_run(&f, 601 * FAKE_S);
    assert_true(f.wires[9].level);
}

static void test_power_button(void **state)
{
    (void)state;
    acpi_pm_press_button(&pm); // no ACPI: off at once
    assert_int_equal(f.power_off, 1);
    out8(&pm, ACPI_SMI_CMD, ACPI_SMI_ENABLE);
    acpi_pm_press_button(&pm);
    assert_int_equal(f.power_off, 1);
    assert_false(f.wires[9].level);
    out16(&pm, BASE + ACPI_PM1_EN, ACPI_PM1_PWRBTN);
    assert_true(f.wires[9].level);
    out8(&pm, BASE + ACPI_PM1_STS + 1, ACPI_PM1_PWRBTN >> 8); // by bytes
    assert_false(f.wires[9].level);
}

static void test_rtc_alarm(void **state)
{
    (void)state;
    out8(&pm, ACPI_SMI_CMD, ACPI_SMI_ENABLE);
    acpi_pm_rtc_alarm(&pm); // nobody sleeps: only a note
    assert_false(f.wires[9].level);
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_STS), ACPI_PM1_RTC);
    out16(&pm, BASE + ACPI_PM1_STS, ACPI_PM1_RTC);
    out16(&pm, BASE + ACPI_PM1_EN, ACPI_PM1_RTC);
    assert_false(f.wires[9].level);
    acpi_pm_rtc_alarm(&pm);
    assert_true(f.wires[9].level);
}

static void test_power_off(void **state)
{
    (void)state;
    out8(&pm, ACPI_SMI_CMD, ACPI_SMI_ENABLE);
    uint16_t typ = ACPI_SLP_TYP_S5 << ACPI_PM1_CNT_TYP_SHIFT;
    out16(&pm, BASE + ACPI_PM1_CNT, typ | 1); // Linux writes the type first, then with SLP_EN
    assert_int_equal(f.power_off, 0);
    out16(&pm, BASE + ACPI_PM1_CNT, typ | ACPI_PM1_CNT_SLP_EN | 1);
    assert_int_equal(f.power_off, 1);
    assert_string_equal(f.why, "power off");
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_CNT), typ | 1); // SLP_EN reads as 0
    out16(&pm, BASE + ACPI_PM1_CNT, 1 << ACPI_PM1_CNT_TYP_SHIFT | ACPI_PM1_CNT_SLP_EN);
    assert_int_equal(f.power_off, 1); // not S5
    assert_int_equal(f.sleeps, 1);
    assert_false(acpi_pm_wakes(&pm));
    acpi_pm_rtc_alarm(&pm); // not enabled
    assert_false(acpi_pm_wakes(&pm));
    out16(&pm, BASE + ACPI_PM1_EN, ACPI_PM1_RTC);
    assert_true(acpi_pm_wakes(&pm));
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_STS), ACPI_PM1_WAK | ACPI_PM1_RTC);
    out16(&pm, BASE + ACPI_PM1_STS, 0xffff);
    acpi_pm_press_button(&pm);
    assert_true(acpi_pm_wakes(&pm));
}

static void test_gpe(void **state)
{
    (void)state;
    out16(&pm, BASE + ACPI_GPE0_EN, 0x1234);
    assert_int_equal(in32(&pm, BASE + ACPI_GPE0_STS), 0x12340000);
    assert_int_equal(in8(&pm, BASE + ACPI_GPE0_EN + 1), 0x12);
}

static void test_wide_accesses(void **state)
{
    (void)state;
    out32(&pm, BASE + ACPI_PM1_STS, (uint32_t)ACPI_PM1_PWRBTN << 16 | 0xffff);
    assert_int_equal(in32(&pm, BASE + ACPI_PM1_STS), (uint32_t)ACPI_PM1_PWRBTN << 16);
    assert_int_equal(in8(&pm, BASE + ACPI_PM1_EN + 1), ACPI_PM1_PWRBTN >> 8);
}

static void test_state(void **state)
{
    (void)state;
    out8(&pm, ACPI_SMI_CMD, ACPI_SMI_ENABLE);
    out16(&pm, BASE + ACPI_PM1_EN, ACPI_PM1_PWRBTN | ACPI_PM1_TMR);
    acpi_pm_press_button(&pm);
    fake_run(&f, 300 * FAKE_S);
    assert_true(fake_save_load(&pm));
    assert_true(f.wires[9].level);
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_STS), ACPI_PM1_PWRBTN);
    fake_run(&f, 300 * FAKE_S);
    assert_int_equal(in16(&pm, BASE + ACPI_PM1_STS), ACPI_PM1_PWRBTN | ACPI_PM1_TMR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_enable_by_smi, setup),
        cmocka_unit_test_setup(test_timer, setup),
        cmocka_unit_test_setup(test_timer_overflow, setup),
        cmocka_unit_test_setup(test_power_button, setup),
        cmocka_unit_test_setup(test_rtc_alarm, setup),
        cmocka_unit_test_setup(test_power_off, setup),
        cmocka_unit_test_setup(test_gpe, setup),
        cmocka_unit_test_setup(test_wide_accesses, setup),
        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("acpi_pm", tests, NULL, NULL);
}
