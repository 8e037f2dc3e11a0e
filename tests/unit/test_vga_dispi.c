// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/vga.c vmm-user/devices/vga_memory.c vmm-user/devices/vga_dispi.c
// sources: vmm-user/devices/vga_render_text.c vmm-user/devices/vga_picture.c vmm-user/devices/vga_terminal.c
// sources: vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c
#include "tests/unit/vga_board.h"

// ---- DISPI

static void dispi(uint16_t index, uint16_t value)
{
    out16(&v, 0x1ce, index);
    out16(&v, 0x1cf, value);
}

static uint16_t dispi_get(uint16_t index)
{
    out16(&v, 0x1ce, index);
    return in16(&v, 0x1cf);
}

static void dispi_mode(unsigned width, unsigned height, unsigned bpp, unsigned flags)
{
    dispi(4, 0);
    dispi(1, (uint16_t)width), dispi(2, (uint16_t)height), dispi(3, (uint16_t)bpp);
    dispi(4, (uint16_t)(1 | flags));
}

static void test_dispi(void **state)
{
    (void)state;
    vga_set_mode(&v, &mode_03);
    assert_int_equal(dispi_get(0), 0xb0c5);
    dispi(0, 0xb0c2);
    assert_int_equal(dispi_get(0), 0xb0c2);
    dispi(0, 0x1234);
    assert_int_equal(dispi_get(0), 0xb0c2);
    assert_int_equal(dispi_get(10), 64);
    dispi(4, 2);
    assert_int_equal(dispi_get(1), 2560);
    assert_int_equal(dispi_get(3), 32);
    dispi_mode(1024, 768, 32, 0x40);
    assert_int_equal(dispi_get(4), 0x41);
    assert_ptr_equal(mapped.memory, framebuffer); // the bank
    assert_int_equal(framebuffer[1000], 0);       // cleared
    assert_int_equal(dispi_get(6), 1024);
    assert_int_equal(dispi_get(7), 1024); // lines in 4 MiB
    vga_write(&v, VGA_MEMORY_BASE + 4, 4, 0x00112233);
    assert_int_equal(framebuffer[6], 0x11);
    dispi(5, 63);
    vga_write(&v, VGA_MEMORY_BASE + 0xfffc, 4, 0xdeadbeef);
    assert_int_equal(framebuffer[sizeof(framebuffer) - 1], 0xde);
    dispi(5, 64); // past the end
    assert_int_equal(dispi_get(5), 63);
    dispi(9, 257);
    assert_int_equal(dispi_get(9), 0);
    dispi(9, 256);
    assert_int_equal(dispi_get(9), 256);
    struct vga_picture p;
    static uint8_t rgb[1024 * 3];
    vga_picture_begin(&p, &v);
    assert_int_equal(p.mode.kind, VGA_LINEAR);
    vga_picture_row(&p, 767, rgb);
    assert_int_equal(pixel(rgb, 1023), 0xadbeef);
    dispi(1, 640); // not while it is on
    assert_int_equal(dispi_get(1), 1024);
    dispi_mode(2560, 1600, 32, 0x40); // does not fit
    assert_int_equal(dispi_get(4) & 1, 0);
    dispi_mode(640, 480, 7, 0x40);
    assert_int_equal(dispi_get(4) & 1, 0);
    assert_int_equal(mapped.base, 0xb8000); // text again
}

static void test_dispi_depths(void **state)
{
    (void)state;
    static const struct {
        unsigned bpp, bytes;
        uint32_t value, rgb;
    } depths[] = {{15, 2, 0x7c1f, 0xf800f8}, {16, 2, 0x07e0, 0x00ff00}, {24, 3, 0x123456, 0x123456}, {8, 1, 7, 0x1f}};
    struct vga_picture p;
    uint8_t rgb[640 * 3];
    vga_set_mode(&v, &mode_12);
    palette_identity();
    for (unsigned i = 0; i < 4; i++) {
        dispi_mode(640, 480, depths[i].bpp, 0x40);
        memcpy(framebuffer + 639 * depths[i].bytes, &depths[i].value, depths[i].bytes);
        vga_picture_begin(&p, &v);
        vga_picture_row(&p, 0, rgb);
        assert_int_equal(pixel(rgb, 639), depths[i].rgb);
    }
    dispi_mode(800, 600, 4, 0); // planes
    assert_int_equal(dispi_get(4), 1);
    poke(0xa0000 + 100 * 599, 0x80);
    vga_picture_begin(&p, &v);
    static uint8_t wide[800 * 3];
    vga_picture_row(&p, 599, wide);
    assert_int_equal(pixel(wide, 0), blue(0x3f));
}

static void test_pci(void **state)
{
    (void)state;
    assert_true(vga_plug(&v, &pci, 2 << 3));
    assert_int_equal(pci_config_read(&pci, 0, 16, 0, 4), 0x11111234);
    assert_int_equal(pci_config_read(&pci, 0, 16, 10, 2), 0x0300);
    pci_config_write(&pci, 0, 16, 0x10, 4, 0xffffffff);
    assert_int_equal(pci_config_read(&pci, 0, 16, 0x10, 4), 0xffc00008); // as large as the framebuffer
    pci_config_write(&pci, 0, 16, 0x10, 4, 0xfd000000);
    assert_int_equal(lfb_base, 0xfd000000);
    assert_true(lfb_decoded);
    pci_config_write(&pci, 0, 16, 4, 2, 0);
    assert_false(lfb_decoded);
    v.dev.ops->write(&v.dev, IO_MMIO, 0xfd000000 + sizeof(framebuffer) - 4, 8, ~0ull); // over the end
    v.dev.ops->write(&v.dev, IO_MMIO, 0xfd000010, 4, 0x12345678);
    assert_int_equal(v.dev.ops->read(&v.dev, IO_MMIO, 0xfd000012, 2), 0x1234);
    v.dev.ops->reset(&v.dev);
    assert_int_equal(lfb_base, VGA_LFB_BASE);
    assert_true(lfb_decoded);
}

static unsigned backings;
static bool has_memory;

static bool back(void *ctx)
{
    (void)ctx;
    backings++;
    return has_memory;
}

// The framebuffer gets its memory with its first use; without any, its modes do not come on.
static void test_framebuffer_on_demand(void **state)
{
    (void)state;
    struct vga_host host = {window, framebuffer, sizeof(framebuffer), note_mapping, note_lfb, NULL, back};
    vga_init(&v, &f.clock, &host);
    backings = 0;
    has_memory = false;
    vga_set_mode(&v, &mode_03);
    assert_int_equal(v.dev.ops->read(&v.dev, IO_MMIO, VGA_LFB_BASE, 4), 0);
    assert_int_equal(backings, 0);
    dispi_mode(640, 480, 8, 0x40);
    assert_int_equal(dispi_get(4) & 1, 0);
    v.dev.ops->write(&v.dev, IO_MMIO, VGA_LFB_BASE, 4, 1);
    assert_int_equal(framebuffer[0], 0xcc);
    assert_int_equal(backings, 2);
    has_memory = true;
    dispi_mode(640, 480, 8, 0x40);
    assert_int_equal(dispi_get(4) & 1, 1);
    dispi_mode(800, 600, 8, 0x40);
    assert_int_equal(backings, 3);
}

// A bank is seen at A0000 without an exit; the VGA's own modes are not.
static void test_banks_are_mapped(void **state)
{
    (void)state;
    vga_set_mode(&v, &mode_13);
    memset(window, 0x77, 0x10000);
    dispi_mode(1024, 768, 8, 0);
    assert_int_equal(mapped.base, 0xa0000);
    assert_int_equal(mapped.size, 0x10000);
    assert_ptr_equal(mapped.memory, framebuffer);
    unsigned before = mappings;
    dispi(5, 3);
    assert_ptr_equal(mapped.memory, framebuffer + 3 * 0x10000);
    assert_int_equal(mappings, before + 2); // closed, and opened again
    dispi(5, 3);
    dispi(5, 64); // there is none
    assert_int_equal(mappings, before + 2);
    mapped.memory[7] = 0x5a;
    assert_int_equal(peek(0xa0007), 0x5a);
    assert_int_equal(vga_mapping(&v).size, 0x10000);
    dispi(4, 0);
    assert_ptr_equal(mapped.memory, window); // mode 13h, as it was
    assert_int_equal(window[5], 0x77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_dispi, setup),
        cmocka_unit_test_setup(test_dispi_depths, setup),
        cmocka_unit_test_setup(test_pci, setup),
        cmocka_unit_test_setup(test_framebuffer_on_demand, setup),
        cmocka_unit_test_setup(test_banks_are_mapped, setup),
    };
    return cmocka_run_group_tests_name("vga dispi", tests, NULL, NULL);
}
