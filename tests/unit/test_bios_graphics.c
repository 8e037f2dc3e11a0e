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
    assert_int_equal(now.color[0].size, 0);           // a palette
    assert_true(bios_graphics(&m.bios, 0x18f, &now)); // the wide ones are numbered as on QEMU's and Bochs' card
    assert_int_equal(now.width, 1280);
    assert_int_equal(now.height, 720);
    assert_int_equal(now.bits, 32);
    assert_false(bios_graphics(&m.bios, 0x192, &now)); // 1920x1080: not in 4 MiB
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

static struct bios_regs int10(uint16_t ax, uint16_t bx, uint16_t cx, uint16_t dx)
{
    struct bios_regs r = {.a.x = ax, .b.x = bx, .c.x = cx, .d.x = dx, .sp.x = FAKE_STACK};
    bios_call(&m.bios, &r, 0x10);
    return r;
}

// Characters and dots where a pixel is a byte or more; the window is put back.
static void test_text_in_colours(void **state)
{
    (void)state;
    static const struct {
        uint16_t mode;
        uint8_t bytes;
        uint32_t brown, light_red;
    } modes[] = {{0x101, 1, 6, 12},
                 {0x110, 2, 0x5540, 0x7d4a},
                 {0x111, 2, 0xaaa0, 0xfaaa},
                 {0x112, 3, 0xaa5500, 0xff5555},
                 {0x142, 4, 0xaa5500, 0xff5555}};
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        uint32_t bytes = modes[i].bytes, pixel = 0;
        vbe_call(0x4f02, modes[i].mode, 0, 0);
        vbe_call(0x4f05, 0, 0, 1); // as a program that draws itself has it
        memset(m.memory + 0xa0000, 0, 0x10000);
        int10(0x0e00 | 0xdb, 6, 0, 0); // a block, which ends with the cell
        memcpy(&pixel, m.memory + 0xa0000 + 7 * bytes, bytes);
        assert_int_equal(pixel, modes[i].brown);
        pixel = 0;
        memcpy(&pixel, m.memory + 0xa0000 + 8 * bytes, bytes);
        assert_int_equal(pixel, 0);
        assert_int_equal(int10(0x0200, 0, 0, 0).a.h, 2);
        assert_int_equal(int10(0x0800, 0, 0, 0).a.l, 0xdb);
        int10(0x0c0c, 0, 20, 3);
        memcpy(&pixel, m.memory + 0xa0000 + (3 * 640 + 20) * bytes, bytes);
        assert_int_equal(pixel, modes[i].light_red);
        assert_int_equal(int10(0x0d00, 0, 20, 3).a.l, 12);
        int10(0x0c01, 0, 639, 479); // elsewhere in the memory
        assert_int_equal(vbe_call(0x4f05, 0x0100, 0, 0).d.x, 1);
        int10(0x0600, 0x0000, 0, 0x1d4f); // cleared
        memcpy(&pixel, m.memory + 0xa0000 + 7 * bytes, bytes);
        assert_int_equal(pixel, 0);
    }
}

static void test_800x600_in_16_colours(void **state)
{
    (void)state;
    int10(0x006a, 0, 0, 0);
    assert_int_equal(int10(0x0f00, 0, 0, 0).a.x, 100 << 8 | 0x6a);
    assert_int_equal(vbe_call(0x4f03, 0, 0, 0).b.x, 0x102);
    struct bios_regs line = vbe_call(0x4f06, 1, 0, 0);
    assert_int_equal(line.b.x, 100);
    assert_int_equal(line.c.x, 800);
    assert_int_equal(line.d.x, 655);
    vbe_call(0x4f01, 0, 0x102, 0);
    assert_int_equal(m.memory[0x20000] & 0x80, 0); // no framebuffer
    assert_int_equal(m.memory[0x20000 + 0x18], 4); // planes
    assert_int_equal(m.memory[0x20000 + 0x1b], 3);
    struct bios_regs r = {.a.x = 0x4f02, .b.x = 0x4102};
    vbe(&m.bios, &r);
    assert_int_equal(r.a.x, 0x014f);
    int10(0x0003, 0, 0, 0);
    assert_int_equal(m.dispi[ENABLE] & 1, 0);
}

// VESA E-EDID 1.3: header, checksum, and the preferred timing.
static void test_monitor(void **state)
{
    (void)state;
    const uint8_t *edid = m.memory + 0x20000;
    assert_int_equal(vbe_call(0x4f15, 0, 0, 0).b.l & 3, 2); // DDC2
    vbe_call(0x4f15, 1, 0, 0);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 128; i++)
        sum = (uint8_t)(sum + edid[i]);
    assert_int_equal(sum, 0);
    assert_memory_equal(edid, "\0\xff\xff\xff\xff\xff\xff\0", 8);
    assert_int_equal(edid[54] | edid[55] << 8, 6500); // 10 kHz
    assert_int_equal(edid[56] | (edid[58] & 0xf0) << 4, 1024);
    assert_int_equal(edid[59] | (edid[61] & 0xf0) << 4, 768);
    struct bios_regs r = {.a.x = 0x4f15, .b.x = 1, .d.x = 1}; // no second block
    vbe(&m.bios, &r);
    assert_int_equal(r.a.x, 0x014f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_mode, setup),
        cmocka_unit_test_setup(test_no_mode, setup),
        cmocka_unit_test_setup(test_state, setup),
        cmocka_unit_test_setup(test_text_in_colours, setup),
        cmocka_unit_test_setup(test_800x600_in_16_colours, setup),
        cmocka_unit_test_setup(test_monitor, setup),
    };
    return cmocka_run_group_tests_name("bios_graphics", tests, NULL, NULL);
}
