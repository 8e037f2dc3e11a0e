// SPDX-License-Identifier: MIT
#include "user/console/vga_graphics.h"
#include <stddef.h>
#include "lib/sys/root.h"
#include "pc/vga.h"
#include "user/console/framebuffer.h"
#include "x86/regs.h"

#define ATTR_WRITE    0x3c0
#define ATTR_READ     0x3c1
#define MISC_WRITE    0x3c2
#define SEQ_INDEX     0x3c4
#define DAC_READ      0x3c7
#define DAC_WRITE     0x3c8
#define DAC_DATA      0x3c9
#define MISC_READ     0x3cc
#define GC_INDEX      0x3ce
#define CRTC_INDEX    0x3d4
#define STATUS        0x3da // reading it makes ATTR_WRITE take an index
#define ATTR_VIDEO    0x20  // the palette belongs to the screen
#define FONT_BYTES    8192
#define MODE_13_WIDTH 320

struct registers {
    uint8_t misc, seq[VGA_SEQ_COUNT], crtc[VGA_CRTC_COUNT], gc[VGA_GC_COUNT], attr[VGA_ATTR_COUNT];
};

static const struct registers mode_13 = {
    .misc = 0x63,
    .seq = {0x03, 0x01, 0x0f, 0x00, 0x0e},
    .crtc = {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
             0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
    .gc = {0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff},
    .attr = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0x00, 0x0f, 0x00, 0x00},
};

// What the text mode had.
static struct {
    bool away; // it is not the text mode
    struct registers registers;
    uint8_t dac[256][3], font[FONT_BYTES];
} text;

static volatile uint8_t *memory(void)
{
    return (volatile uint8_t *)START_VGA_GRAPHICS;
}

static uint8_t get(uint16_t index_port, uint8_t index)
{
    outb(index_port, index);
    return inb(index_port + 1);
}

static void put(uint16_t index_port, uint8_t index, uint8_t value)
{
    outb(index_port, index);
    outb(index_port + 1, value);
}

static void registers_get(struct registers *r)
{
    r->misc = inb(MISC_READ);
    for (unsigned i = 0; i < VGA_SEQ_COUNT; i++)
        r->seq[i] = get(SEQ_INDEX, i);
    for (unsigned i = 0; i < VGA_CRTC_COUNT; i++)
        r->crtc[i] = get(CRTC_INDEX, i);
    for (unsigned i = 0; i < VGA_GC_COUNT; i++)
        r->gc[i] = get(GC_INDEX, i);
    for (unsigned i = 0; i < VGA_ATTR_COUNT; i++) {
        inb(STATUS);
        outb(ATTR_WRITE, i);
        r->attr[i] = inb(ATTR_READ);
    }
    inb(STATUS);
    outb(ATTR_WRITE, ATTR_VIDEO);
}

static void registers_put(const struct registers *r)
{
    put(SEQ_INDEX, 0, 1); // the sequencer stands while its clock changes
    outb(MISC_WRITE, r->misc);
    for (unsigned i = 1; i < VGA_SEQ_COUNT; i++)
        put(SEQ_INDEX, i, r->seq[i]);
    put(SEQ_INDEX, 0, r->seq[0]);
    put(CRTC_INDEX, VGA_CRTC_V_RETRACE_END, r->crtc[VGA_CRTC_V_RETRACE_END] & ~VGA_CRTC_PROTECT);
    for (unsigned i = 0; i < VGA_CRTC_COUNT; i++)
        put(CRTC_INDEX, i, r->crtc[i]);
    for (unsigned i = 0; i < VGA_GC_COUNT; i++)
        put(GC_INDEX, i, r->gc[i]);
    for (unsigned i = 0; i < VGA_ATTR_COUNT; i++) {
        inb(STATUS);
        outb(ATTR_WRITE, i);
        outb(ATTR_WRITE, r->attr[i]);
    }
    inb(STATUS);
    outb(ATTR_WRITE, ATTR_VIDEO);
}

// The font lies in plane 2, which is seen alone at A0000.
static void font_window(void)
{
    put(SEQ_INDEX, 2, 0x04);
    put(SEQ_INDEX, 4, 0x06);
    put(GC_INDEX, 1, 0x00);
    put(GC_INDEX, 3, 0x00);
    put(GC_INDEX, 4, 0x02);
    put(GC_INDEX, 5, 0x00);
    put(GC_INDEX, 6, 0x05);
    put(GC_INDEX, 8, 0xff);
}

static void text_leave(void)
{
    registers_get(&text.registers);
    outb(DAC_READ, 0);
    for (unsigned i = 0; i < sizeof text.dac; i++)
        text.dac[i / 3][i % 3] = inb(DAC_DATA);
    font_window();
    for (unsigned i = 0; i < FONT_BYTES; i++)
        text.font[i] = memory()[i];
    text.away = true;
}

static void colors_put(const struct pixels *p)
{
    outb(DAC_WRITE, 0);
    for (unsigned i = 0; i < sizeof p->colors; i++)
        outb(DAC_DATA, p->colors[i / 3][i % 3] >> 2);
}

// ---- Bochs' display interface

static struct framebuffer dispi;

static void dispi_put(uint16_t reg, uint16_t value)
{
    outw(DISPI_INDEX_PORT, reg);
    outw(DISPI_DATA_PORT, value);
}

static void dispi_begin(const struct pixels *p)
{
    uint32_t width = (p->width + 7u) & ~7u;
    dispi.pixels = (uint8_t *)START_FRAMEBUFFER;
    dispi.mode = (struct start_framebuffer){
        .pitch = 4 * width, .width = width, .height = p->height, .bpp = 32, .colors = {16, 8, 8, 8, 0, 8}};
    dispi_put(DISPI_ENABLE, 0);
    dispi_put(DISPI_XRES, (uint16_t)width);
    dispi_put(DISPI_YRES, p->height);
    dispi_put(DISPI_BPP, 32);
    dispi_put(DISPI_ENABLE, DISPI_ENABLE_ON | DISPI_ENABLE_LFB);
    framebuffer_begin(&dispi, p);
}

// ---- both

void vga_graphics_begin(const struct pixels *p)
{
    if (!text.away)
        text_leave();
    if (start_info()->dispi_bytes)
        dispi_begin(p);
    else
        registers_put(&mode_13);
}

void vga_graphics_part(struct pixels *p)
{
    if (start_info()->dispi_bytes) {
        framebuffer_part(&dispi, p);
        return;
    }
    if (p->colors_changed)
        colors_put(p);
    p->colors_changed = false;
    for (unsigned i = p->first; i < p->column; i++)
        memory()[(size_t)p->row * MODE_13_WIDTH + i] = (uint8_t)(p->line[i] >> 24);
}

bool vga_graphics_end(void)
{
    if (!text.away)
        return false;
    text.away = false;
    if (start_info()->dispi_bytes)
        dispi_put(DISPI_ENABLE, 0);
    registers_put(&text.registers);
    font_window();
    for (unsigned i = 0; i < FONT_BYTES; i++)
        memory()[i] = text.font[i];
    registers_put(&text.registers);
    outb(DAC_WRITE, 0);
    for (unsigned i = 0; i < sizeof text.dac; i++)
        outb(DAC_DATA, text.dac[i / 3][i % 3]);
    return true;
}
