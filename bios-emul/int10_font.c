// SPDX-License-Identifier: MIT
// INT 10h AH=11h: the character generator, which lies in plane 2.
#include "bios-emul/video.h"

#define GLYPH_SPACE 32 // bytes from glyph to glyph in plane 2
#define BLOCKS      8

// Opens plane 2 as plain memory at A0000, and makes it text's again.
static void plane2_open(struct bios *b)
{
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_MAP_MASK, 0x04);
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_MEMORY, 0x07);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_READ_MAP, 0x02);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_MODE, 0x00);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_MISC, 0x04);
}

static void plane2_close(struct bios *b)
{
    bool mono = crtc_port(b) == VGA_CRTC_MONO_INDEX;
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_MAP_MASK, 0x03);
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_MEMORY, 0x02);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_READ_MAP, 0x00);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_MODE, 0x10);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_MISC, mono ? 0x0a : 0x0e);
}

// Blocks 4-7 lie between the first four.
static uint32_t block_address(unsigned block)
{
    block &= BLOCKS - 1;
    return 0xa0000 + (block & 3) * 0x4000 + (block >> 2) * 0x2000;
}

uint32_t font_rom(unsigned height)
{
    return BIOS_ROM_BASE + (height == 14 ? ROM_FONT14 : height == 16 ? ROM_FONT16 : ROM_FONT8);
}

void font_load(struct bios *b, uint32_t linear, unsigned first, unsigned count, unsigned block, unsigned height)
{
    uint8_t glyph[GLYPH_SPACE] = {0};
    uint32_t to = block_address(block);
    if (height < 1 || height > GLYPH_SPACE)
        return;
    plane2_open(b);
    for (unsigned i = 0; i < count && first + i < 256; i++) {
        mem_read(b, linear + i * height, glyph, height);
        mem_write(b, to + (first + i) * GLYPH_SPACE, glyph, height);
    }
    plane2_close(b);
}

// The screen gets as many rows as characters of this height fill its lines (AL = 1xh).
static void height_set(struct bios *b, unsigned height)
{
    const struct video_mode *m = video_mode_now(b);
    if (!m || m->kind != VIDEO_TEXT)
        return;
    const uint8_t *set = video_params_now(b, m)->crtc; // as the mode set left the CRTC
    uint16_t crtc = crtc_port(b);
    uint8_t overflow = set[VGA_CRTC_OVERFLOW], scan = indexed_read(b, crtc, VGA_CRTC_MAX_SCAN);
    unsigned lines = set[VGA_CRTC_V_DISPLAY_END] + ((overflow & 0x02) << 7) + ((overflow & 0x40) << 3) + 1u;
    if (height < 1 || height > 32)
        return;
    indexed_write(b, crtc, VGA_CRTC_MAX_SCAN, (uint8_t)((scan & 0xe0) | (height - 1)));
    if (scan & VGA_CRTC_MAX_SCAN_DOUBLE)
        lines /= 2;
    unsigned rows = lines / height;
    rows = rows < 1 ? 1 : rows > 255 ? 255 : rows;
    if (crtc == VGA_CRTC_MONO_INDEX)
        indexed_write(b, crtc, VGA_CRTC_UNDERLINE, (uint8_t)(height - 1));
    indexed_write(b, crtc, VGA_CRTC_CURSOR_START, (uint8_t)(height > 8 ? height - 3 : height - 2));
    indexed_write(b, crtc, VGA_CRTC_CURSOR_END, (uint8_t)(height > 8 ? height - 2 : height - 1));
    bda_set8(b, BDA_ROWS, rows - 1);
    bda_set16(b, BDA_CHAR_HEIGHT, height);
    bda_set16(b, BDA_PAGE_SIZE, rows * bda16(b, BDA_COLUMNS) * 2);
    unsigned end = (unsigned)rows * height * (scan & VGA_CRTC_MAX_SCAN_DOUBLE ? 2 : 1) - 1;
    indexed_write(b, crtc, VGA_CRTC_V_DISPLAY_END, (uint8_t)end);
}

// AL = 20h-24h: fonts of graphics modes. BL: how many rows, DL with BL = 0.
static void graphics_font(struct bios *b, struct bios_regs *r)
{
    static const uint8_t row_codes[] = {0, 14, 25, 43};
    static const uint8_t heights[] = {0, 0, 14, 8, 16};
    unsigned kind = r->a.l & 0x0f;
    if (kind == 0) {
        vector_set(b, 0x1f, r->es, r->bp.x);
        return;
    }
    if (kind == 1)
        vector_set(b, 0x43, r->es, r->bp.x);
    else
        vector_set(b, 0x43, BIOS_SEGMENT, (uint16_t)(font_rom(heights[kind]) - BIOS_ROM_BASE));
    unsigned rows = r->b.l == 0 ? r->d.l : row_codes[r->b.l & 3];
    bda_set16(b, BDA_CHAR_HEIGHT, kind == 1 ? r->c.x : heights[kind]);
    bda_set8(b, BDA_ROWS, rows ? rows - 1 : 0);
}

// AL = 30h: where fonts are.
static enum bios_result font_information(struct bios *b, struct bios_regs *r)
{
    static const uint16_t places[] = {ROM_FONT14, ROM_FONT8, ROM_FONT8_HIGH, ROM_NO_GLYPHS, ROM_FONT16, ROM_NO_GLYPHS};
    uint32_t far;
    if (r->b.h > 7) {
        unknown_count(b, r, 0x10);
        return BIOS_DONE;
    }
    far = r->b.h < 2 ? mem_get(b, (r->b.h ? 0x43 : 0x1f) * 4, 4) : (uint32_t)BIOS_SEGMENT << 16 | places[r->b.h - 2];
    es_set(r, (uint16_t)(far >> 16));
    r->bp.x = (uint16_t)far;
    r->c.x = bda16(b, BDA_CHAR_HEIGHT) & 0xff;
    r->d.l = bda8(b, BDA_ROWS);
    return BIOS_DONE;
}

enum bios_result video_font(struct bios *b, struct bios_regs *r)
{
    static const uint8_t heights[] = {0, 14, 8, 0, 16};
    unsigned kind = r->a.l & 0x0f, height = kind < 5 ? heights[kind] : 0;
    if (r->a.l == 0x30)
        return font_information(b, r);
    if (r->a.l >= 0x20 && r->a.l <= 0x24) {
        graphics_font(b, r);
    } else if (r->a.l == 0x03) {
        indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_FONT, r->b.l);
    } else if (r->a.l == 0x00 || r->a.l == 0x10) {
        font_load(b, r->es_base + r->bp.x, r->d.x, r->c.x, r->b.l, r->b.h);
        if (r->a.l == 0x10)
            height_set(b, r->b.h);
    } else if (r->a.l <= 0x14 && height) {
        font_load(b, font_rom(height), 0, 256, r->b.l, height);
        if (r->a.l >= 0x10)
            height_set(b, height);
    } else {
        unknown_count(b, r, 0x10);
    }
    return BIOS_DONE;
}
