// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/vga.c vmm-user/devices/vga_memory.c vmm-user/devices/vga_dispi.c
// sources: vmm-user/devices/vga_render_text.c vmm-user/devices/vga_picture.c vmm-user/devices/vga_terminal.c
// sources: vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c
#include "tests/unit/vga_board.h"

// ---- text

static void test_text_is_mapped(void **state)
{
    (void)state;
    assert_int_equal(vga_mode(&v).kind, VGA_BLANK);
    vga_set_mode(&v, &mode_03);
    assert_int_equal(mapped.base, 0xb8000);
    assert_int_equal(mapped.size, 0x8000);
    struct vga_mode mode = vga_mode(&v);
    assert_int_equal(mode.kind, VGA_TEXT);
    assert_int_equal(mode.columns, 80);
    assert_int_equal(mode.rows, 25);
    assert_int_equal(mode.width, 720);
    assert_int_equal(mode.height, 400);
    assert_int_equal(mode.direct.base, 0xb8000);
    memcpy(window + 0x18000 + 2 * (80 * 24 + 79), "Z\x1f", 2); // the guest, without an exit
    uint16_t cells[80];
    assert_int_equal(vga_text_row(&v, 24, cells, 80), 80);
    assert_int_equal(cells[79], 0x1f5a);
    assert_int_equal(vga_text_row(&v, 25, cells, 80), 0);
    vga_write(&v, 0xb8000, 2, 0x0741); // the VMM, e.g. its firmware
    assert_int_equal(window[0x18000], 'A');
    assert_int_equal(vga_read(&v, 0xb8000, 4) & 0xffff, 0x0741);
    assert_int_equal(vga_read(&v, 0xa0000, 4), 0xffffffff); // not its aperture
    assert_int_equal(vga_read(&v, 0xb7fff, 2), 0x41ff);     // its edge
    vga_write(&v, 0xbffff, 8, 0x1122334455667788);
    assert_int_equal(window[0x1ffff], 0x88);
}

// As vgacon and the BIOS load a font: planar access to plane 2 at A0000, then back to text.
static void test_font_load_keeps_text(void **state)
{
    (void)state;
    vga_set_mode(&v, &mode_03);
    for (unsigned i = 0; i < 0x8000; i++)
        window[0x18000 + i] = (uint8_t)(i * 7);
    seq(0, 1), seq(2, 4), seq(4, 7), seq(0, 3);
    gc(4, 2), gc(5, 0), gc(6, 0);
    assert_int_equal(mapped.size, 0);
    assert_int_equal(vga_mapping(&v).size, 0);
    memset(window + 0x18000, 0xee, 0x8000); // nobody looks there now
    for (unsigned i = 0; i < 256 * 32; i++)
        poke(0xa0000 + i, (uint8_t)(i >> 5));
    assert_int_equal(peek(0xa0000 + 65 * 32), 65);
    seq(0, 1), seq(2, 3), seq(4, 2), seq(0, 3);
    gc(4, 0), gc(5, 0x10), gc(6, 0x0e);
    assert_int_equal(mapped.base, 0xb8000);
    for (unsigned i = 0; i < 0x8000; i++)
        assert_int_equal(window[0x18000 + i], (uint8_t)(i * 7));
    assert_int_equal(v.planes[65 * 32] >> 16 & 0xff, 65);
}

static void test_scroll_and_cursor(void **state)
{
    (void)state;
    unsigned row, column;
    uint16_t cells[80];
    vga_set_mode(&v, &mode_03);
    vga_write(&v, 0xb8000 + 2 * 80, 2, 0x0742);
    crtc(0x0c, 0), crtc(0x0d, 80); // one line up
    vga_text_row(&v, 0, cells, 80);
    assert_int_equal(cells[0], 0x0742);
    crtc(0x0e, 0), crtc(0x0f, 80 + 163);
    assert_true(vga_text_cursor(&v, &row, &column));
    assert_int_equal(row, 2);
    assert_int_equal(column, 3);
    crtc(0x0a, 0x2d);
    assert_false(vga_text_cursor(&v, &row, &column));
    crtc(0x0a, 0x0d), crtc(0x0f, 79); // above the screen
    assert_false(vga_text_cursor(&v, &row, &column));
    crtc(0x18, 15 * 16 - 1), crtc(0x07, 0x0f), crtc(0x09, 0x0f); // rows from the 15th on show address 0
    crtc(0x11, 0x0e), crtc(0x07, 0x0f);
    vga_write(&v, 0xb8000, 2, 0x0753);
    vga_text_row(&v, 15, cells, 80);
    assert_int_equal(cells[0], 0x0753);
    crtc(0x13, 0); // no pitch: no crash
    assert_false(vga_text_cursor(&v, &row, &column));
}

// ---- planes

static void test_write_modes(void **state)
{
    (void)state;
    vga_set_mode(&v, &mode_12);
    assert_int_equal(mapped.size, 0);
    poke(0xa0010, 0xaa); // mode 0: all planes
    assert_int_equal(v.planes[0x10], 0xaaaaaaaa);
    gc(1, 0x0f), gc(0, 0x05), gc(8, 0x3c); // set/reset through a bit mask
    peek(0xa0010);
    poke(0xa0010, 0);
    assert_int_equal(v.planes[0x10], 0x82be82be);
    gc(1, 0), gc(8, 0xff), gc(3, 0x08 | 4); // rotate by 4, AND
    v.planes[0x20] = 0x0f0f0f0f;
    peek(0xa0020);
    poke(0xa0020, 0x5a);
    assert_int_equal(v.planes[0x20], 0x05050505);
    gc(3, 0x18); // XOR
    peek(0xa0020);
    poke(0xa0020, 0xff);
    assert_int_equal(v.planes[0x20], 0xfafafafa);
    gc(3, 0x10); // OR
    poke(0xa0021, 0xf0);
    assert_int_equal(v.planes[0x21], 0xf5f5f5f5);
    gc(3, 0), gc(5, 1); // mode 1: latches
    v.planes[0x30] = 0x12345678;
    peek(0xa0030);
    poke(0xa0031, 0xff);
    assert_int_equal(v.planes[0x31], 0x12345678);
    gc(5, 2), gc(8, 0x80); // mode 2: a colour for one pixel
    peek(0xa0032);
    poke(0xa0032, 0x09);
    assert_int_equal(v.planes[0x32], 0x80000080);
    gc(5, 3), gc(8, 0x0f), gc(0, 0x06); // mode 3: set/reset where data and bit mask are one
    v.planes[0x33] = 0;
    peek(0xa0033);
    poke(0xa0033, 0x3c);
    assert_int_equal(v.planes[0x33], 0x000c0c00);
    gc(5, 0), gc(8, 0xff), seq(2, 0x02); // plane mask
    poke(0xa0034, 0x77);
    assert_int_equal(v.planes[0x34], 0x00007700);
}

static void test_read_modes(void **state)
{
    (void)state;
    vga_set_mode(&v, &mode_12);
    v.planes[5] = 0x44332211;
    for (uint8_t plane = 0; plane < 4; plane++) {
        gc(4, plane);
        assert_int_equal(peek(0xa0005), 0x11 * (plane + 1));
    }
    assert_int_equal(vga_read(&v, 0xa0004, 4), 0x4400);
    gc(5, 8), gc(2, 0x05), gc(7, 0x0f); // where is colour 5?
    v.planes[6] = 0x00ff00f0;           // left half: 5; right half: 4
    assert_int_equal(peek(0xa0006), 0xf0);
    gc(7, 0x0e); // plane 0 does not matter
    assert_int_equal(peek(0xa0006), 0xff);
    gc(7, 0);
    assert_int_equal(peek(0xa0006), 0xff);
}

static void test_bulk(void **state)
{
    (void)state;
    uint8_t from[4096], to[4096];
    vga_set_mode(&v, &mode_12);
    gc(8, 0x0f);
    v.planes[0] = 0xffffffff;
    peek(0xa0000);
    vga_fill(&v, 0xa0100, 1, 300, 0x33);
    vga_write(&v, 0xa0300, 1, 0x33);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(v.planes[0x100 + i], v.planes[0x300]);
    vga_fill(&v, 0xa0100, 2, 3, 0x1122);
    assert_int_equal(v.planes[0x103] & 0xff, 0xf1);
    gc(8, 0xff);
    for (unsigned i = 0; i < sizeof(from); i++)
        from[i] = (uint8_t)(i * 3);
    vga_put(&v, 0xa0200, 4, 1024, from);
    vga_get(&v, 0xa0200, 2, 2048, to);
    assert_memory_equal(from, to, sizeof(from));
    gc(5, 1);
    vga_copy(&v, 0xa8000, 0xa0200, 1, 4096); // latches: four planes at once
    assert_int_equal(v.planes[0x8123], v.planes[0x323]);
    vga_fill(&v, 0xaff00, 1, 4096, 0x55); // leaves the aperture
    vga_put(&v, 0xbfff0, 8, 512, from);
    vga_get(&v, 0xbfff0, 8, 512, to);
    assert_int_equal(to[0], 0xff);
}

static void test_chain4_and_mode_x(void **state)
{
    (void)state;
    vga_set_mode(&v, &mode_13);
    assert_int_equal(mapped.base, 0xa0000);
    assert_int_equal(mapped.size, 0x10000);
    assert_int_equal(vga_mode(&v).kind, VGA_256);
    assert_int_equal(vga_mode(&v).width, 320);
    assert_int_equal(vga_mode(&v).height, 200);
    for (unsigned i = 0; i < 64000; i++)
        window[i] = (uint8_t)(i % 251);
    seq(4, 0x06); // unchained
    assert_int_equal(mapped.size, 0);
    assert_int_equal(v.planes[320], (uint32_t)(323 % 251) << 24 | (322 % 251) << 16 | (321 % 251) << 8 | 320 % 251);
    crtc(0x14, 0), crtc(0x17, 0xe3);
    seq(2, 0x0f);
    vga_fill(&v, 0xa0000, 4, 0x4000, 0);
    seq(2, 0x04);
    poke(0xa0000 + 80 * 10 + 5, 0x2a); // x = 4 * 5 + 2, y = 10
    struct vga_picture p;
    uint8_t rgb[320 * 3];
    out8(&v, 0x3c8, 0x2a), out8(&v, 0x3c9, 63), out8(&v, 0x3c9, 32), out8(&v, 0x3c9, 0);
    vga_picture_begin(&p, &v);
    vga_picture_row(&p, 10, rgb);
    assert_int_equal(rgb[22 * 3], 0xff);
    assert_int_equal(rgb[22 * 3 + 1], 0x80);
    assert_int_equal(rgb[22 * 3 + 2], 0);
    assert_int_equal(rgb[21 * 3], 0);
    crtc(0x0c, 0), crtc(0x0d, 80); // scrolled by a line
    vga_picture_begin(&p, &v);
    vga_picture_row(&p, 9, rgb);
    assert_int_equal(rgb[22 * 3], 0xff);
    seq(2, 0x0f), seq(4, 0x0e); // and back: the window shows the planes
    assert_int_equal(window[80 * 4 * 10], 0);
}

// ---- registers

static void test_dac(void **state)
{
    (void)state;
    out8(&v, 0x3c8, 254);
    assert_int_equal(in8(&v, 0x3c7), 0);
    for (unsigned i = 0; i < 9; i++)
        out8(&v, 0x3c9, (uint8_t)(i + 0x70)); // six bits count
    assert_int_equal(in8(&v, 0x3c8), 1);
    out8(&v, 0x3c7, 255);
    assert_int_equal(in8(&v, 0x3c7), 3);
    assert_int_equal(in8(&v, 0x3c9), 0x33);
    assert_int_equal(in8(&v, 0x3c9), 0x34);
    assert_int_equal(in8(&v, 0x3c9), 0x35);
    assert_int_equal(in8(&v, 0x3c9), 0x36); // of 0
    assert_int_equal(in8(&v, 0x3c6), 0xff);
}

static void test_registers(void **state)
{
    (void)state;
    vga_set_mode(&v, &mode_03);
    in8(&v, 0x3da);
    out8(&v, 0x3c0, 0x10);
    assert_int_equal(in8(&v, 0x3c1), 0x0c);
    in8(&v, 0x3da); // the flip-flop: index again
    out8(&v, 0x3c0, 0x31);
    out8(&v, 0x3c0, 0x2a);
    assert_int_equal(in8(&v, 0x3c0), 0x31);
    assert_int_equal(in8(&v, 0x3c1), 0x2a);
    in8(&v, 0x3da), out8(&v, 0x3c0, 0x21), out8(&v, 0x3c0, 0x3f); // palette while it is shown
    assert_int_equal(v.attr[1], 1);
    out16(&v, 0x3d4, 0x0000); // protected by CR11 bit 7
    out8(&v, 0x3d4, 0);
    assert_int_equal(in8(&v, 0x3d5), 0x5f);
    out16(&v, 0x3d4, 0x0007);
    assert_int_equal(v.crtc[7], 0x0f); // all but the line compare
    assert_int_equal(in8(&v, 0x3b5), 0xff);
    assert_int_equal(in8(&v, 0x3cc), 0x67);
    out8(&v, 0x3c2, 0x66); // monochrome: the CRTC moves
    assert_int_equal(in8(&v, 0x3b5), v.crtc[7]);
    assert_int_equal(in8(&v, 0x3d5), 0xff);
    out8(&v, 0x3c4, 5);
    assert_int_equal(in8(&v, 0x3c5), 0);
    out8(&v, 0x3c5, 0xff);
    out8(&v, 0x3ce, 15), out8(&v, 0x3cf, 0xff);
    assert_int_equal(in8(&v, 0x3cf), 0);
}

// Counts vertical retraces in a second, as programs do that wait for them.
static void test_retrace(void **state)
{
    (void)state;
    const struct vga_registers *modes[] = {&mode_03, &mode_12};
    const unsigned hz[] = {70, 60};
    for (unsigned m = 0; m < 2; m++) {
        vga_set_mode(&v, modes[m]);
        unsigned edges = 0, blank = 0, samples = 0;
        for (bool before = false; samples < 100000; samples++) {
            uint8_t status = in8(&v, 0x3da);
            bool now = status & 8;
            edges += now && !before;
            blank += status & 1;
            assert_true(!now || status & 1);
            before = now;
            f.now += FAKE_S / 100000;
        }
        assert_in_range(edges, hz[m] - 1, hz[m] + 1);
        assert_in_range(blank, samples / 5, samples / 2);
    }
    vga_set_mode(&v, &mode_03);
    for (unsigned i = 0; i < 25; i++) // nonsense
        crtc(0x11, 0), crtc((uint8_t)i, 0);
    in8(&v, 0x3da);
}

// ---- state, terminal

static void test_state(void **state)
{
    (void)state;
    static uint8_t saved[5000000], again[5000000];
    vga_set_mode(&v, &mode_03);
    framebuffer[sizeof(framebuffer) - 1] = 0x42;
    memcpy(window + 0x18000, "h\x07i\x07", 4);
    v.planes[77] |= 0x00420000;
    struct state s = {.at = saved, .end = saved + sizeof(saved)};
    device_save(&v.dev, &s);
    assert_false(s.error);
    size_t size = (size_t)(s.at - saved);
    v.dev.ops->reset(&v.dev);
    assert_int_equal(mapped.size, 0);
    assert_int_equal(v.planes[0], 0);
    memset(window, 0, sizeof(window));
    memset(framebuffer, 0, sizeof(framebuffer));
    struct state l = {.at = saved, .end = saved + size};
    device_load(&v.dev, &l);
    assert_false(l.error);
    assert_int_equal(mapped.base, 0xb8000);
    assert_memory_equal(window + 0x18000, "h\x07i\x07", 4);
    assert_int_equal(framebuffer[sizeof(framebuffer) - 1], 0x42);
    struct state s2 = {.at = again, .end = again + sizeof(again)};
    device_save(&v.dev, &s2);
    assert_memory_equal(saved, again, size);
    struct state cut = {.at = saved, .end = saved + 1000};
    device_load(&v.dev, &cut);
    assert_true(cut.error);
    assert_int_equal(vga_mode(&v).kind, VGA_BLANK);
}

static void test_terminal(void **state)
{
    (void)state;
    static struct vga_terminal t;
    static char out[65536];
    vga_set_mode(&v, &mode_03);
    vga_fill(&v, 0xb8000, 2, 80 * 25, 0x0720);
    vga_write(&v, 0xb8000 + 2 * 81, 4, 0x1ec91ec9); // a corner of a double frame, twice, yellow on blue
    vga_write(&v, 0xb8000 + 2 * 83, 2, 0x8741);     // blinking
    unsigned n = vga_terminal_update(&t, &v, out, sizeof(out));
    out[n] = 0;
    assert_string_equal(out, "\033[0m\033[2J\033[H\033[?25h\033[2;2H\033[0;1;33;44m╔╔\033[0;5;37;40mA\033[1;1H");
    assert_int_equal(vga_terminal_update(&t, &v, out, sizeof(out)), 0);
    vga_write(&v, 0xb8000 + 2 * 1999, 2, 0x0742);
    crtc(0x0a, 0x20);
    n = vga_terminal_update(&t, &v, out, sizeof(out));
    out[n] = 0;
    assert_string_equal(out, "\033[25;80H\033[0;37;40mB\033[?25l");
    char line[400];
    assert_int_equal(vga_terminal_line(&v, 1, line, sizeof(line)), 8);
    assert_string_equal(line, " ╔╔A");
    assert_int_equal(vga_terminal_line(&v, 0, line, sizeof(line)), 0);
    assert_int_equal(vga_terminal_line(&v, 1, line, 5), 4); // a short buffer
    vga_fill(&v, 0xb8000, 2, 80 * 25, 0x2ab0);
    unsigned all = 0;
    while ((n = vga_terminal_update(&t, &v, out, 100))) { // a slow line
        assert_true(n <= 100);
        all += n;
    }
    assert_in_range(all, 6000, 7000);
    vga_set_mode(&v, &mode_13);
    assert_int_equal(vga_terminal_update(&t, &v, out, sizeof(out)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_text_is_mapped, setup),
        cmocka_unit_test_setup(test_font_load_keeps_text, setup),
        cmocka_unit_test_setup(test_scroll_and_cursor, setup),
        cmocka_unit_test_setup(test_write_modes, setup),
        cmocka_unit_test_setup(test_read_modes, setup),
        cmocka_unit_test_setup(test_bulk, setup),
        cmocka_unit_test_setup(test_chain4_and_mode_x, setup),
        cmocka_unit_test_setup(test_dac, setup),
        cmocka_unit_test_setup(test_registers, setup),
        cmocka_unit_test_setup(test_retrace, setup),
        cmocka_unit_test_setup(test_state, setup),
        cmocka_unit_test_setup(test_terminal, setup),
    };
    return cmocka_run_group_tests_name("vga", tests, NULL, NULL);
}
