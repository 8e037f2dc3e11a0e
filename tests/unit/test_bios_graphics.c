// SPDX-License-Identifier: MIT
// sources: bios-emul/rom.asm bios-emul/dispatch.c bios-emul/post.c bios-emul/drive.c bios-emul/int10_font.c
// sources: bios-emul/int10_graphics.c bios-emul/int10_palette.c bios-emul/int10_state.c bios-emul/int10_text.c
// sources: bios-emul/int10_video.c bios-emul/int13_disk.c bios-emul/int13_edd.c bios-emul/int13_eltorito.c
// sources: bios-emul/int14_serial.c bios-emul/int15_apm.c bios-emul/int15_mouse.c bios-emul/int15_system.c
// sources: bios-emul/int16_keyboard.c bios-emul/int17_printer.c bios-emul/int19_boot.c bios-emul/int1a_pci.c
// sources: bios-emul/edid.c bios-emul/int1a_time.c bios-emul/keyboard_irq.c bios-emul/smbios.c bios-emul/tables.c
// sources: bios-emul/vbe.c
// sources: bios-emul/video_modes.c
//
// Graphics modes that a kernel's loader asks for, and what happens where the framebuffer has no memory.
#include "tests/unit/cmocka_all.h"
#include "bios-emul/video.h"
#include "tests/unit/bios_machine.h"

enum { ENABLE = 4, MODE_AT = 0x449 };

static struct bios_machine m;
static bool no_memory;

// A display that does not come on without memory, and takes bank, line length and offsets only while it is on.
static void out(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    bool enable = port == 0x1cf && m.dispi_index == ENABLE;
    if (port == 0x1cf && m.dispi_index > ENABLE && !(m.dispi[ENABLE] & 1))
        return;
    fake_out(ctx, port, size, enable && no_memory ? value & ~1u : value);
}

static int setup(void **state)
{
    (void)state;
    machine_create(&m);
    m.bios.host.out = out;
    no_memory = false;
    bios_power_on(&m.bios);
    assert_int_equal(m.memory[MODE_AT], 3);
    return 0;
}

static void test_mode(void **state)
{
    (void)state;
    struct bios_graphics now;
    assert_true(bios_graphics(&m.bios, 0x117, &now));
    assert_int_equal(now.base, 0xe0000000);
    assert_int_equal(now.size, 4 << 20);
    assert_int_equal(now.width, 1024);
    assert_int_equal(now.height, 768);
    assert_int_equal(now.pitch, 2048);
    assert_int_equal(now.bits, 16);
    assert_int_equal(now.color[0].position, 11);
    assert_int_equal(now.color[1].size, 6);
    assert_int_equal(m.dispi[ENABLE] & 0x41, 0x41); // on, linear
    assert_int_equal(m.bios.state.vbe_mode & 0x1ff, 0x117);
    assert_true(bios_graphics(&m.bios, 0x101, &now));
    assert_int_equal(now.color[0].size, 0); // a palette
}

static void test_no_mode(void **state)
{
    (void)state;
    struct bios_graphics now;
    assert_false(bios_graphics(&m.bios, 0x1f0, &now));
    assert_false(bios_graphics(&m.bios, 0x147, &now)); // 1600x1200 in 32 bits: more than there is
    assert_int_equal(m.memory[MODE_AT], 3);
    no_memory = true;
    assert_false(bios_graphics(&m.bios, 0x117, &now));
    assert_int_equal(m.memory[MODE_AT], 3); // text again
    assert_int_equal(m.bios.state.vbe_mode, 0);
    m.bios.config.framebuffer = 0;
    no_memory = false;
    assert_false(bios_graphics(&m.bios, 0x117, &now));
}

static struct bios_regs vbe_call(uint16_t ax, uint16_t bx, uint16_t cx, uint16_t dx)
{
    struct bios_regs r = {.a.x = ax, .b.x = bx, .c.x = cx, .d.x = dx};
    r.es_base = 0x20000;
    vbe(&m.bios, &r);
    assert_int_equal(r.a.x, 0x004f);
    return r;
}

// AX=4F04h brings a VBE mode back, its number, line length and offsets too.
static void test_state(void **state)
{
    (void)state;
    vbe_call(0x4f02, 0x4111, 0, 0);
    vbe_call(0x4f06, 0x0000, 800, 0);
    vbe_call(0x4f07, 0x0000, 96, 37);
    assert_true(vbe_call(0x4f04, 0, 0x0f, 0).b.x > 1); // blocks of 64 bytes
    vbe_call(0x4f04, 0, 0x0f, 1);
    vbe_call(0x4f02, 3, 0, 0);
    assert_int_equal(vbe_call(0x4f03, 0, 0, 0).b.x, 3);
    vbe_call(0x4f04, 0, 0x0f, 2);
    assert_int_equal(vbe_call(0x4f03, 0, 0, 0).b.x, 0x4111);
    assert_int_equal(vbe_call(0x4f06, 0x0001, 0, 0).c.x, 800);
    struct bios_regs start = vbe_call(0x4f07, 0x0001, 0, 0);
    assert_int_equal(start.c.x, 96);
    assert_int_equal(start.d.x, 37);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_mode, setup),
        cmocka_unit_test_setup(test_no_mode, setup),
        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("bios_graphics", tests, NULL, NULL);
}
