// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/pic8259.c
#include "tests/unit/cmocka_all.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/pic8259.h"

static struct fake f;
static struct pic pic;

// As Linux does it (init_8259A), with vectors 30h and 38h and all inputs open.
static void init_like_linux(uint8_t icw4)
{
    static const uint16_t command[] = {0x20, 0xa0};
    out8(&pic, 0x21, 0xff);
    out8(&pic, 0xa1, 0xff);
    for (unsigned n = 0; n < 2; n++) {
        out8(&pic, command[n], 0x11);
        out8(&pic, command[n] + 1, n ? 0x38 : 0x30);
        out8(&pic, command[n] + 1, n ? 2 : 4);
        out8(&pic, command[n] + 1, icw4);
    }
    out8(&pic, 0x21, 0);
    out8(&pic, 0xa1, 0);
}

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    pic_init(&pic, &f.clock, fake_line(&f, 0));
    init_like_linux(1);
    return 0;
}

static void pulse(unsigned irq)
{
    pic_set_irq(&pic, irq, true);
    pic_set_irq(&pic, irq, false);
}

static void test_power_on_is_mute(void **state)
{
    (void)state;
    pic.dev.ops->reset(&pic.dev);
    pulse(1);
    assert_false(pic_pending(&pic));
}

static void test_probe(void **state) // Linux writes a mask and reads it back to know whether there is a PIC
{
    (void)state;
    out8(&pic, 0xa1, 0xff);
    out8(&pic, 0x21, 0xfb);
    assert_int_equal(in8(&pic, 0x21), 0xfb);
}

static void test_cycle(void **state)
{
    (void)state;
    pulse(4);
    assert_true(pic_pending(&pic));
    assert_true(f.wires[0].level);
    assert_int_equal(pic_ack(&pic), 0x34);
    assert_false(f.wires[0].level);
    pulse(4); // again while in service: waits for EOI
    assert_false(pic_pending(&pic));
    out8(&pic, 0x20, 0x64); // specific EOI
    assert_true(pic_pending(&pic));
    assert_int_equal(pic_ack(&pic), 0x34);
    out8(&pic, 0x20, 0x20);
    assert_false(pic_pending(&pic));
}

static void test_priorities_nest(void **state)
{
    (void)state;
    pulse(5);
    assert_int_equal(pic_ack(&pic), 0x35);
    pulse(6);
    assert_false(pic_pending(&pic));
    pulse(1);
    assert_int_equal(pic_ack(&pic), 0x31);
    out8(&pic, 0x20, 0x0b);
    assert_int_equal(in8(&pic, 0x20), 0x22); // ISR
    out8(&pic, 0x20, 0x0a);
    assert_int_equal(in8(&pic, 0x20), 0x40); // IRR
    out8(&pic, 0x20, 0x20);
    assert_false(pic_pending(&pic));
    out8(&pic, 0x20, 0x20);
    assert_int_equal(pic_ack(&pic), 0x36);
}

static void test_slave(void **state)
{
    (void)state;
    pulse(12);
    pulse(8);
    assert_int_equal(pic_ack(&pic), 0x38);
    assert_false(pic_pending(&pic));
    out8(&pic, 0xa0, 0x20);
    assert_false(pic_pending(&pic)); // the master still serves its input 2
    out8(&pic, 0x20, 0x62);
    assert_int_equal(pic_ack(&pic), 0x3c);
    pulse(3); // lower than the cascade
    assert_false(pic_pending(&pic));
    out8(&pic, 0xa0, 0x64);
    out8(&pic, 0x20, 0x62);
    assert_int_equal(pic_ack(&pic), 0x33);
}

static void test_special_fully_nested(void **state) // a better slave input interrupts a worse one
{
    (void)state;
    init_like_linux(0x11);
    pulse(14);
    assert_int_equal(pic_ack(&pic), 0x3e);
    pulse(9);
    assert_int_equal(pic_ack(&pic), 0x39);
}

static void test_spurious(void **state)
{
    (void)state;
    pic_set_irq(&pic, 3, true);
    out8(&pic, 0x21, 0x08); // masked between INTR and INTA
    assert_int_equal(pic_ack(&pic), 0x37);
    out8(&pic, 0x20, 0x0b);
    assert_int_equal(in8(&pic, 0x20), 0); // IR7 is not in service
}

static void test_level(void **state)
{
    (void)state;
    out8(&pic, 0x4d1, 0xff);
    assert_int_equal(in8(&pic, 0x4d1), 0xde);
    out8(&pic, 0x4d0, 0xff);
    assert_int_equal(in8(&pic, 0x4d0), 0xf8);
    pic_set_irq(&pic, 9, true);
    assert_int_equal(pic_ack(&pic), 0x39);
    out8(&pic, 0xa0, 0x61);
    out8(&pic, 0x20, 0x62);
    assert_true(pic_pending(&pic)); // still asserted
    pic_set_irq(&pic, 9, false);
    assert_false(pic_pending(&pic));
}

static void test_auto_eoi_rotates(void **state)
{
    (void)state;
    init_like_linux(3);
    out8(&pic, 0x20, 0x80); // rotate in AEOI mode
    pulse(3);
    pulse(4);
    assert_int_equal(pic_ack(&pic), 0x33); // now 3 is lowest
    pulse(3);
    assert_int_equal(pic_ack(&pic), 0x34);
    assert_int_equal(pic_ack(&pic), 0x33);
}

static void test_set_priority(void **state)
{
    (void)state;
    out8(&pic, 0x20, 0xc4); // 4 lowest, 5 highest
    pulse(0);
    pulse(6);
    assert_int_equal(pic_ack(&pic), 0x36);
    out8(&pic, 0x20, 0xa0); // rotate on EOI: 6 lowest
    pulse(6);
    assert_int_equal(pic_ack(&pic), 0x30);
}

static void test_special_mask(void **state)
{
    (void)state;
    pulse(1);
    assert_int_equal(pic_ack(&pic), 0x31);
    pulse(5);
    assert_false(pic_pending(&pic));
    out8(&pic, 0x21, 0x02);
    out8(&pic, 0x20, 0x68); // special mask mode: 1, masked, blocks nobody
    assert_int_equal(pic_ack(&pic), 0x35);
}

static void test_poll(void **state)
{
    (void)state;
    out8(&pic, 0x20, 0x0c);
    assert_int_equal(in8(&pic, 0x20), 0);
    pulse(6);
    out8(&pic, 0x20, 0x0c);
    assert_int_equal(in8(&pic, 0x20), 0x86);
    assert_false(pic_pending(&pic));
    out8(&pic, 0x20, 0x0b);
    assert_int_equal(in8(&pic, 0x20), 0x40);
}

static void test_mask_keeps_request(void **state)
{
    (void)state;
    out8(&pic, 0x21, 0x10);
    pulse(4);
    assert_false(pic_pending(&pic));
    out8(&pic, 0x21, 0);
    assert_true(pic_pending(&pic));
}

static void test_state(void **state)
{
    (void)state;
    pulse(5);
    pulse(9);
    assert_int_equal(pic_ack(&pic), 0x39);
    assert_true(fake_save_load(&pic));
    assert_false(pic_pending(&pic));
    out8(&pic, 0xa0, 0x20);
    out8(&pic, 0x20, 0x20);
    assert_true(f.wires[0].level);
    assert_int_equal(pic_ack(&pic), 0x35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_power_on_is_mute, setup),
        cmocka_unit_test_setup(test_probe, setup),
        cmocka_unit_test_setup(test_cycle, setup),
        cmocka_unit_test_setup(test_priorities_nest, setup),
        cmocka_unit_test_setup(test_slave, setup),
        cmocka_unit_test_setup(test_special_fully_nested, setup),
        cmocka_unit_test_setup(test_spurious, setup),
        cmocka_unit_test_setup(test_level, setup),
        cmocka_unit_test_setup(test_auto_eoi_rotates, setup),
        cmocka_unit_test_setup(test_set_priority, setup),
        cmocka_unit_test_setup(test_special_mask, setup),
        cmocka_unit_test_setup(test_poll, setup),
        cmocka_unit_test_setup(test_mask_keeps_request, setup),
        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("pic8259", tests, NULL, NULL);
}
