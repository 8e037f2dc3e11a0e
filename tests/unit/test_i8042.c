// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/i8042.c vmm-user/devices/ps2_keyboard.c vmm-user/devices/ps2_mouse.c
#include "tests/unit/cmocka_all.h"
#include "pc/i8042.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/i8042.h"

static struct fake f;
static struct i8042 kbc;

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    i8042_init(&kbc, &f.clock,
               (struct i8042_wires){fake_line(&f, 1), fake_line(&f, 12), fake_line(&f, 20), fake_power(&f)});
    return 0;
}

static void command(uint8_t byte)
{
    out8(&kbc, 0x64, byte);
}

static void data(uint8_t byte)
{
    out8(&kbc, 0x60, byte);
}

static void aux(uint8_t byte)
{
    command(I8042_WRITE_AUX);
    data(byte);
}

// The next byte, within a few milliseconds, from the keyboard's or the aux side; -1 if none comes.
static int next(bool from_aux)
{
    for (unsigned i = 0; i < 50; i++, fake_run(&f, 100 * FAKE_US)) {
        uint8_t status = in8(&kbc, 0x64);
        if (status & I8042_STATUS_OBF) {
            assert_int_equal(!!(status & I8042_STATUS_AUX), from_aux);
            return in8(&kbc, 0x60);
        }
    }
    return -1;
}

static void expect(bool from_aux, const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(next(from_aux), bytes[i]);
    assert_int_equal(next(from_aux), -1);
}
#define EXPECT_KEYBOARD(...) expect(false, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define EXPECT_AUX(...)      expect(true, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_linux_controller_probe(void **state)
{
    (void)state;
    assert_int_equal(in8(&kbc, 0x64) & (I8042_STATUS_OBF | I8042_STATUS_IBF), 0);
    command(I8042_READ_RAM);
    int ctr = next(false);
    assert_int_equal(ctr & I8042_CTR_TRANSLATE, I8042_CTR_TRANSLATE);
    command(I8042_WRITE_RAM);
    data((uint8_t)((ctr & ~I8042_CTR_KEYBOARD_INT) | I8042_CTR_KEYBOARD_OFF));
    command(I8042_AUX_LOOP);
    data(0x5a);
    assert_int_equal(next(true), 0x5a);
    command(I8042_AUX_DISABLE);
    command(I8042_READ_RAM);
    assert_true(next(false) & I8042_CTR_AUX_OFF);
    command(I8042_AUX_ENABLE);
    command(I8042_READ_RAM);
    assert_false(next(false) & I8042_CTR_AUX_OFF);
    command(I8042_SELF_TEST);
    assert_int_equal(next(false), 0x55);
    command(I8042_AUX_TEST);
    assert_int_equal(next(false), 0);
    command(I8042_KEYBOARD_TEST);
    assert_int_equal(next(false), 0);
}

static void test_linux_keyboard_probe(void **state) // atkbd_probe: reset, identify, LEDs, repeat rate, enable
{
    (void)state;
    data(PS2_RESET);
    EXPECT_KEYBOARD(0xfa, 0xaa);
    data(PS2_IDENTIFY);
    EXPECT_KEYBOARD(0xfa, 0xab, 0x41); // 83h, translated
    data(PS2_SET_LEDS);
    EXPECT_KEYBOARD(0xfa);
    data(7);
    EXPECT_KEYBOARD(0xfa);
    assert_int_equal(kbc.keyboard.leds, 7);
    data(PS2_SET_RATE);
    data(0);
    EXPECT_KEYBOARD(0xfa, 0xfa);
    data(PS2_ECHO);
    EXPECT_KEYBOARD(0xee);
    data(0x12);
    EXPECT_KEYBOARD(0xfe);
    data(PS2_ENABLE);
    EXPECT_KEYBOARD(0xfa);
}

static void test_key_with_interrupts(void **state)
{
    (void)state;
    static const uint8_t make[] = {0x1c}, release[] = {0xf0, 0x1c}, up[] = {0xe0, 0x75}, up_off[] = {0xe0, 0xf0, 0x75};
    assert_true(i8042_key(&kbc, make, 1));
    assert_true(f.wires[1].level);
    assert_int_equal(in8(&kbc, 0x60), 0x1e);
    assert_false(f.wires[1].level);
    i8042_key(&kbc, release, 2);
    EXPECT_KEYBOARD(0x9e);
    i8042_key(&kbc, up, 2);
    EXPECT_KEYBOARD(0xe0, 0x48);
    i8042_key(&kbc, up_off, 3);
    EXPECT_KEYBOARD(0xe0, 0xc8);
    assert_int_equal(f.wires[1].rises, 6);
}

static void test_second_read_sees_the_same_byte(void **state)
{
    (void)state;
    static const uint8_t keys[] = {0x1c, 0x32};
    i8042_key(&kbc, keys, 2);
    assert_int_equal(in8(&kbc, 0x60), 0x1e);
    assert_int_equal(in8(&kbc, 0x60), 0x1e);
    assert_false(in8(&kbc, 0x64) & I8042_STATUS_OBF);
    fake_run(&f, FAKE_MS);
    assert_true(f.wires[1].level);
    assert_int_equal(in8(&kbc, 0x60), 0x30);
}

static void test_untranslated(void **state)
{
    (void)state;
    static const uint8_t release[] = {0xf0, 0x1c};
    command(I8042_WRITE_RAM);
    data(0x05);
    i8042_key(&kbc, release, 2);
    EXPECT_KEYBOARD(0xf0, 0x1c);
    data(PS2_SET_SCAN_CODES);
    data(0);
    EXPECT_KEYBOARD(0xfa, 0xfa, 2);
    data(PS2_SET_SCAN_CODES);
    data(1);
    EXPECT_KEYBOARD(0xfa, 0xfa);
    i8042_key(&kbc, release, 2);
    EXPECT_KEYBOARD(0x9e);
}

static void test_disabled(void **state)
{
    (void)state;
    static const uint8_t make[] = {0x1c};
    data(PS2_DISABLE);
    EXPECT_KEYBOARD(0xfa);
    assert_true(i8042_key(&kbc, make, 1));
    assert_int_equal(next(false), -1);
    data(PS2_ENABLE);
    EXPECT_KEYBOARD(0xfa);
    command(I8042_KEYBOARD_DISABLE);
    i8042_key(&kbc, make, 1);
    assert_int_equal(next(false), -1); // held back at the wire
    command(I8042_KEYBOARD_ENABLE);
    EXPECT_KEYBOARD(0x1e);
}

static void test_full_queue(void **state)
{
    (void)state;
    static const uint8_t make[] = {0x1c};
    unsigned taken = 0;
    while (i8042_key(&kbc, make, 1))
        assert_true(++taken < 100);
    for (unsigned i = 0; i < taken; i++)
        assert_int_equal(next(false), 0x1e);
    assert_int_equal(next(false), -1);
    assert_true(i8042_key(&kbc, make, 1));
}

static void open_aux(void)
{
    command(I8042_WRITE_RAM);
    data(I8042_CTR_KEYBOARD_INT | I8042_CTR_AUX_INT | I8042_CTR_TRANSLATE);
}

static void test_linux_mouse_probe(void **state) // psmouse: reset, identify, the knock of IntelliMouse
{
    (void)state;
    static const uint8_t knock[] = {200, 100, 80};
    open_aux();
    aux(PS2_RESET);
    assert_true(f.wires[12].level);
    EXPECT_AUX(0xfa, 0xaa, 0x00);
    aux(PS2_IDENTIFY);
    EXPECT_AUX(0xfa, 0x00);
    for (unsigned i = 0; i < 3; i++) {
        aux(PS2_SET_RATE);
        EXPECT_AUX(0xfa);
        aux(knock[i]);
        EXPECT_AUX(0xfa);
    }
    aux(PS2_IDENTIFY);
    EXPECT_AUX(0xfa, 0x03);
    aux(PS2_SET_RESOLUTION);
    aux(3);
    EXPECT_AUX(0xfa, 0xfa);
    aux(PS2_ENABLE);
    EXPECT_AUX(0xfa);
    aux(PS2_STATUS);
    EXPECT_AUX(0xfa, 0x20, 3, 80);
    i8042_mouse(&kbc, -5, 300, 1, 1);
    EXPECT_AUX(0x19, 0xfb, 0xff, 0x01, 0x19 & ~0x10, 0, 45, 0);
}

static void test_mouse_keeps_movement(void **state) // while nobody reads, movement adds up
{
    (void)state;
    open_aux();
    aux(PS2_ENABLE);
    EXPECT_AUX(0xfa);
    for (unsigned i = 0; i < 100; i++)
        i8042_mouse(&kbc, 1, -1, 0, 0);
    int dx = 0, dy = 0, status;
    while ((status = next(true)) >= 0) {
        int x = next(true), y = next(true);
        dx += x - (status & 0x10 ? 256 : 0);
        dy += y - (status & 0x20 ? 256 : 0);
    }
    assert_int_equal(dx, 100);
    assert_int_equal(dy, -100);
}

static void test_mouse_wraps(void **state)
{
    (void)state;
    open_aux();
    aux(PS2_WRAP);
    aux(0x55);
    aux(PS2_WRAP_OFF); // what was echoed stays to be read
    EXPECT_AUX(0xfa, 0x55, 0xfa);
}

static void test_a20_and_reset(void **state)
{
    (void)state;
    assert_true(f.wires[20].level);
    command(I8042_READ_OUTPUT);
    uint8_t out = (uint8_t)next(false);
    assert_true(out & I8042_OUTPUT_A20);
    command(I8042_WRITE_OUTPUT);
    data(out & ~I8042_OUTPUT_A20);
    assert_false(f.wires[20].level);
    command(I8042_A20_ON);
    assert_true(f.wires[20].level);
    assert_int_equal(f.power_reset, 0);
    command(I8042_PULSE_RESET);
    assert_int_equal(f.power_reset, 1);
    command(0xff); // pulses nothing
    assert_int_equal(f.power_reset, 1);
}

static void test_state(void **state)
{
    (void)state;
    static const uint8_t keys[] = {0x1c, 0xf0, 0x1c, 0x32};
    open_aux();
    aux(PS2_ENABLE);
    EXPECT_AUX(0xfa);
    i8042_key(&kbc, keys, 4);
    assert_int_equal(next(false), 0x1e);
    command(I8042_WRITE_RAM);
    assert_true(fake_save_load(&kbc));
    data(I8042_CTR_KEYBOARD_INT | I8042_CTR_AUX_INT | I8042_CTR_TRANSLATE);
    EXPECT_KEYBOARD(0x9e, 0x30);
    i8042_mouse(&kbc, 1, 0, 0, 0);
    EXPECT_AUX(0x08, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_linux_controller_probe, setup),
        cmocka_unit_test_setup(test_linux_keyboard_probe, setup),
        cmocka_unit_test_setup(test_key_with_interrupts, setup),
        cmocka_unit_test_setup(test_second_read_sees_the_same_byte, setup),
        cmocka_unit_test_setup(test_untranslated, setup),
        cmocka_unit_test_setup(test_disabled, setup),
        cmocka_unit_test_setup(test_full_queue, setup),
        cmocka_unit_test_setup(test_linux_mouse_probe, setup),
        cmocka_unit_test_setup(test_mouse_keeps_movement, setup),
        cmocka_unit_test_setup(test_mouse_wraps, setup),
        cmocka_unit_test_setup(test_a20_and_reset, setup),
        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("i8042", tests, NULL, NULL);
}
