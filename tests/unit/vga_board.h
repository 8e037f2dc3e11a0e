// SPDX-License-Identifier: MIT
// What tests of the VGA stand on: the chip, its window and framebuffer, and what it told the machine.
#pragma once
#include "tests/unit/cmocka_all.h"
#include "tests/unit/vga_modes.h"
#include "vmm-user/devices/vga_terminal.h"

static struct fake f;
static struct vga v;
static struct pci_host pci;
static uint8_t window[VGA_MEMORY_SIZE], framebuffer[4 << 20];
static struct vga_mapping mapped; // what the machine was told last
static unsigned mappings;
static uint32_t lfb_base;
static bool lfb_decoded;

static inline void note_mapping(void *ctx, struct vga_mapping now)
{
    (void)ctx;
    mapped = now;
    mappings++;
}

static inline void note_lfb(void *ctx, uint32_t base, bool decoded)
{
    (void)ctx;
    lfb_base = base;
    lfb_decoded = decoded;
}

static inline int setup(void **state)
{
    (void)state;
    fake_init(&f);
    memset(window, 0xcc, sizeof(window));
    memset(framebuffer, 0xcc, sizeof(framebuffer));
    mapped = (struct vga_mapping){0};
    mappings = 0;
    struct vga_host host = {window, framebuffer, sizeof(framebuffer), note_mapping, note_lfb, NULL, NULL};
    vga_init(&v, &f.clock, &host);
    pci_host_init(&pci, &f.clock, NULL);
    return 0;
}

static inline uint8_t peek(uint32_t addr)
{
    return (uint8_t)vga_read(&v, addr, 1);
}

static inline void poke(uint32_t addr, uint8_t value)
{
    vga_write(&v, addr, 1, value);
}

static inline void gc(uint8_t index, uint8_t value)
{
    vga_set(&v, 0x3ce, index, value);
}

static inline void seq(uint8_t index, uint8_t value)
{
    vga_set(&v, 0x3c4, index, value);
}

static inline void crtc(uint8_t index, uint8_t value)
{
    vga_set(&v, 0x3d4, index, value);
}

static inline unsigned pixel(const uint8_t *rgb, unsigned x)
{
    return rgb[3 * x] << 16 | rgb[3 * x + 1] << 8 | rgb[3 * x + 2];
}

static inline void palette_identity(void)
{
    out8(&v, 0x3c8, 0);
    for (unsigned i = 0; i < 256; i++)
        for (unsigned c = 0; c < 3; c++)
            out8(&v, 0x3c9, c == 2 ? (uint8_t)(i & 63) : 0);
}

static inline unsigned blue(unsigned dac)
{
    return (dac & 63) << 2 | (dac & 1) * 3;
}
