// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/fw_cfg.c vmm-user/devices/test_device.c
#include "pc/fw_cfg.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/fw_cfg.h"
#include "vmm-user/devices/test_device.h"

static struct fake f;
static struct fw_cfg fw;
static struct test_device test;

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    fw_cfg_init(&fw, &f.clock, 0x123456789aull, 3);
    test_device_init(&test, &f.clock, fake_line(&f, 0));
    return 0;
}

static uint64_t value(uint16_t key, unsigned bytes)
{
    uint64_t v = 0;
    out16(&fw, FW_CFG_SELECTOR, key);
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)in8(&fw, FW_CFG_DATA) << 8 * i;
    return v;
}

static void keys(void **state)
{
    (void)state;
    assert_int_equal(value(FW_CFG_KEY_SIGNATURE, 4), 0x554d4551);
    assert_int_equal(value(FW_CFG_KEY_RAM_SIZE, 8), 0x123456789aull);
    assert_int_equal(value(FW_CFG_KEY_CPUS, 4), 3); // behind the end: 0
    assert_int_equal(value(0x4242, 8), 0);
}

static void keys_in_the_middle(void **state)
{
    (void)state;
    uint8_t bytes[16];
    out16(&fw, FW_CFG_SELECTOR, FW_CFG_KEY_RAM_SIZE);
    assert_int_equal(in8(&fw, FW_CFG_DATA), 0x9a);
    struct state s = {.at = bytes, .end = bytes + sizeof(bytes)};
    device_save(&fw.dev, &s);
    setup(NULL);
    s = (struct state){.at = bytes, .end = s.at};
    device_load(&fw.dev, &s);
    assert_false(s.error);
    assert_int_equal(in8(&fw, FW_CFG_DATA), 0x78);
}

static void loopback(void **state)
{
    (void)state;
    out32(&test, TEST_LOOPBACK_PORT, 0x11223344);
    assert_int_equal(in8(&test, TEST_LOOPBACK_PORT + 2), 0x22);
    out8(&test, TEST_LOOPBACK_PORT + 1, 0xee);
    assert_int_equal(in16(&test, TEST_LOOPBACK_PORT), 0xee44);
    out32(&test, TEST_LOOPBACK_PORT + 3, 0xffffff77); // only one byte is there
    assert_int_equal(in32(&test, TEST_LOOPBACK_PORT), 0x7722ee44);
    out32(&test, TEST_FLUSH_PORT, 0x1000);
}

static void lines(void **state)
{
    (void)state;
    out8(&test, TEST_IRQ_PORT + 14, 1);
    assert_true(f.wires[14].level);
    out8(&test, TEST_IRQ_PORT + 14, 0);
    assert_false(f.wires[14].level);
    out32(&test, TEST_IRQ_PORT + 23, 2);
    assert_true(f.wires[23].level);
}

static void window(void **state)
{
    (void)state;
    const struct device_ops *ops = test.dev.ops;
    ops->write(&test.dev, IO_MMIO, TEST_WINDOW_BASE + 8, 8, 0x1122334455667788ull);
    assert_int_equal(ops->read(&test.dev, IO_MMIO, TEST_WINDOW_BASE + 9, 2), 0x6677);
    ops->write(&test.dev, IO_MMIO, TEST_WINDOW_BASE + TEST_WINDOW_SIZE - 2, 8, UINT64_MAX);
    assert_int_equal(ops->read(&test.dev, IO_MMIO, TEST_WINDOW_BASE + TEST_WINDOW_SIZE - 4, 8), 0xffff0000);
    ops->reset(&test.dev);
    assert_int_equal(ops->read(&test.dev, IO_MMIO, TEST_WINDOW_BASE + 8, 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys, setup),     cmocka_unit_test_setup(keys_in_the_middle, setup),
        cmocka_unit_test_setup(loopback, setup), cmocka_unit_test_setup(lines, setup),
        cmocka_unit_test_setup(window, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
