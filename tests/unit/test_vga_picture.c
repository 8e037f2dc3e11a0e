// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/vga.c vmm-user/devices/vga_memory.c vmm-user/devices/vga_dispi.c
// sources: vmm-user/devices/vga_render_text.c vmm-user/devices/vga_picture.c vmm-user/devices/vga_terminal.c
// sources: vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c
#include "tests/unit/vga_board.h"

static void test_cga_pictures(void **state)
{
    (void)state;
    struct vga_picture p;
    uint8_t rgb[640 * 3];
    vga_set_mode(&v, &mode_04);
    palette_identity();
    assert_int_equal(vga_mode(&v).kind, VGA_CGA);
    assert_int_equal(vga_mode(&v).width, 320);
    assert_int_equal(vga_mode(&v).height, 200);
    vga_write(&v, 0xb8000 + 80 + 1, 1, 0x1b);  // line 2: pixels 4-7: 0 1 2 3
    vga_write(&v, 0xba000 + 80 * 99, 1, 0xe4); // line 199
    vga_picture_begin(&p, &v);
    vga_picture_row(&p, 2, rgb);
    assert_int_equal(pixel(rgb, 4), 0);
    assert_int_equal(pixel(rgb, 5), blue(0x13));
    assert_int_equal(pixel(rgb, 6), blue(0x15));
    assert_int_equal(pixel(rgb, 7), blue(0x17));
    vga_picture_row(&p, 199, rgb);
    assert_int_equal(pixel(rgb, 0), blue(0x17));
    assert_int_equal(pixel(rgb, 3), 0);
    vga_set_mode(&v, &mode_06);
    assert_int_equal(vga_mode(&v).bpp, 1);
    assert_int_equal(vga_mode(&v).width, 640);
    assert_int_equal(vga_mode(&v).height, 200);
    poke(0xba000 + 1, 0x80); // line 1, x = 8
    vga_picture_begin(&p, &v);
    vga_picture_row(&p, 1, rgb);
    assert_int_equal(pixel(rgb, 8), blue(0x17));
    assert_int_equal(pixel(rgb, 9), 0);
}

static void test_planar_picture(void **state)
{
    (void)state;
    struct vga_picture p;
    uint8_t rgb[640 * 3];
    vga_set_mode(&v, &mode_12);
    palette_identity();
    assert_int_equal(vga_mode(&v).kind, VGA_PLANAR);
    assert_int_equal(vga_mode(&v).width, 640);
    assert_int_equal(vga_mode(&v).height, 480);
    v.planes[479 * 80 + 79] = 0x01000101; // colour 11 at the last pixel
    vga_picture_begin(&p, &v);
    vga_picture_row(&p, 479, rgb);
    assert_int_equal(pixel(rgb, 639), blue(0x3b));
    vga_picture_row(&p, 480, rgb);                             // nothing
    in8(&v, 0x3da), out8(&v, 0x3c0, 0x33), out8(&v, 0x3c0, 3); // pan by three pixels
    vga_picture_begin(&p, &v);
    vga_picture_row(&p, 479, rgb);
    assert_int_equal(pixel(rgb, 636), blue(0x3b));
}

static void test_text_picture(void **state)
{
    (void)state;
    struct vga_picture p;
    uint8_t rgb[720 * 3];
    vga_set_mode(&v, &mode_03);
    palette_identity();
    v.planes[0xc4 * 32 + 7] = 0x00ff0000; // a horizontal line
    v.planes['A' * 32 + 7] = 0x00810000;
    vga_write(&v, 0xb8000, 4, 0x4f411ec4);
    crtc(0x0e, 1);
    vga_picture_begin(&p, &v);
    vga_picture_row(&p, 7, rgb);
    assert_int_equal(pixel(rgb, 0), blue(0x3e));
    assert_int_equal(pixel(rgb, 8), blue(0x3e)); // the ninth dot
    assert_int_equal(pixel(rgb, 9), blue(0x3f));
    assert_int_equal(pixel(rgb, 10), blue(4));
    assert_int_equal(pixel(rgb, 17), blue(4));
    crtc(0x0e, 0), crtc(0x0f, 1);
    vga_picture_begin(&p, &v);
    vga_picture_row(&p, 13, rgb); // cursor lines
    assert_int_equal(pixel(rgb, 9), blue(0x3f));
    assert_int_equal(pixel(rgb, 0), blue(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_cga_pictures, setup),
        cmocka_unit_test_setup(test_planar_picture, setup),
        cmocka_unit_test_setup(test_text_picture, setup),
    };
    return cmocka_run_group_tests_name("vga picture", tests, NULL, NULL);
}
