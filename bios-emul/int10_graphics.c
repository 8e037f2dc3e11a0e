// SPDX-License-Identifier: MIT
// Characters, scrolling and pixels in graphics modes. Planar memory is reached through the graphics controller as by
// any program; its registers are left as a mode set leaves them.
#include "bios-emul/video.h"
#include "lib/c/string.h"

#define XOR        0x80
#define WRITE_XOR  0x18
#define ALL_PLANES 0x0f
#define WINDOW     0x10000u

static uint32_t memory_base(const struct video_mode *m)
{
    return (uint32_t)m->segment << 4;
}

static unsigned glyph_height(struct bios *b)
{
    unsigned height = bda16(b, BDA_CHAR_HEIGHT);
    return height < 1 ? 8 : height > 32 ? 32 : height;
}

// The font of graphics modes is where INT 43h points; the CGA's upper half where INT 1Fh points.
static void glyph_get(struct bios *b, const struct video_mode *m, uint8_t character, uint8_t rows[32], unsigned height)
{
    bool upper = character >= 0x80 && height == 8 && (m->kind == VIDEO_CGA4 || m->kind == VIDEO_CGA2);
    uint32_t font = far_linear(mem_get(b, (upper ? 0x1f : 0x43) * 4, 4));
    mem_read(b, font + (upper ? character - 0x80u : character) * height, rows, height);
}

// ---- CGA: two banks of lines

static uint32_t cga_line(const struct video_mode *m, unsigned y)
{
    return memory_base(m) + (y & 1) * 0x2000 + (y >> 1) * 80;
}

static uint16_t cga_spread(uint8_t bits, uint8_t colour)
{
    uint16_t out = 0;
    for (unsigned i = 0; i < 8; i++)
        if (bits >> i & 1)
            out |= (uint16_t)((colour & 3) << 2 * i);
    return out;
}

static void cga_row(struct bios *b, const struct video_mode *m, unsigned y, unsigned column, uint8_t bits,
                    uint8_t colour)
{
    if (m->kind == VIDEO_CGA2) {
        uint32_t at = cga_line(m, y) + column;
        uint8_t byte = colour & 1 ? bits : 0;
        mem_put8(b, at, colour & XOR ? byte ^ mem_get8(b, at) : byte);
        return;
    }
    uint32_t at = cga_line(m, y) + 2 * column;
    uint16_t word = cga_spread(bits, colour);
    word = (uint16_t)(word << 8 | word >> 8);
    mem_put16(b, at, colour & XOR ? word ^ mem_get16(b, at) : word);
}

// ---- planes

static uint32_t planar_at(struct bios *b, const struct video_mode *m, unsigned page, unsigned y, unsigned byte)
{
    uint32_t pitch = m->number < VBE_FIRST ? m->width / 8u : vbe_pitch(b, m);
    return memory_base(m) + ((page * bda16(b, BDA_PAGE_SIZE) + y * pitch + byte) & 0xffff);
}

static void planar_begin(struct bios *b, const struct video_mode *m, uint8_t colour)
{
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_MAP_MASK, m->planes);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_SET_ENABLE, ALL_PLANES);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_ROTATE, colour & XOR ? WRITE_XOR : 0);
}

static void planar_end(struct bios *b)
{
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_MAP_MASK, ALL_PLANES);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_SET_RESET, 0);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_SET_ENABLE, 0);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_ROTATE, 0);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_BIT_MASK, 0xff);
}

static void planar_write(struct bios *b, uint32_t at, uint8_t mask, uint8_t colour)
{
    if (!mask)
        return;
    indexed_write(b, VGA_GC_INDEX, VGA_GC_SET_RESET, colour & ALL_PLANES);
    indexed_write(b, VGA_GC_INDEX, VGA_GC_BIT_MASK, mask);
    mem_get8(b, at); // loads the latches
    mem_put8(b, at, 0xff);
}

static void planar_row(struct bios *b, uint32_t at, uint8_t bits, uint8_t colour)
{
    planar_write(b, at, bits, colour);
    if (!(colour & XOR))
        planar_write(b, at, (uint8_t)~bits, 0);
}

// ---- a pixel in one byte or more: mode 13h, and VBE's modes through the window of 64 KiB

static unsigned pixel_bytes(const struct video_mode *m)
{
    return (m->bits + 7u) / 8;
}

static uint32_t pixel_mask(const struct video_mode *m)
{
    return m->bits == 15 ? 0x7fff : UINT32_MAX >> (32 - 8 * (pixel_bytes(m) < 4 ? pixel_bytes(m) : 3));
}

static uint32_t linear_at(struct bios *b, const struct video_mode *m, unsigned y, unsigned x)
{
    if (m->number < VBE_FIRST)
        return y * m->width + x;
    return vbe_start(b, m) + y * vbe_pitch(b, m) + x * pixel_bytes(m);
}

static void linear_move(struct bios *b, const struct video_mode *m, uint32_t at, void *bytes, uint32_t size, bool write)
{
    for (uint8_t *next = bytes; size;) {
        uint32_t offset = at % WINDOW, n = WINDOW - offset < size ? WINDOW - offset : size;
        if (m->number >= VBE_FIRST)
            vbe_bank_set(b, (uint16_t)(at / WINDOW));
        if (write)
            mem_write(b, memory_base(m) + offset, next, n);
        else
            mem_read(b, memory_base(m) + offset, next, n);
        at += n;
        next += n;
        size -= n;
    }
}

// One of the 16 colours as the bits of a pixel; a number of the palette is itself.
static uint32_t pixel_of(const struct video_mode *m, uint8_t colour)
{
    uint8_t rgb[3];
    if (m->bits == 8)
        return colour;
    unsigned wide = m->bits >= 24 ? 8 : 5, green = m->bits == 16 ? 6 : wide;
    colour_16(colour & 15, rgb);
    const unsigned widths[3] = {wide, green, wide};
    uint32_t pixel = 0;
    for (unsigned i = 0; i < 3; i++)
        pixel = pixel << widths[i] | (rgb[i] * ((1u << widths[i]) - 1) + 31) / 63;
    return pixel;
}

// The colour whose pixel it is; white for those of no colour.
static uint8_t colour_of(const struct video_mode *m, uint32_t pixel)
{
    uint8_t colour = 0;
    if (m->bits == 8)
        return (uint8_t)pixel;
    while (colour < 15 && pixel_of(m, colour) != (pixel & pixel_mask(m)))
        colour++;
    return colour;
}

static void linear_row(struct bios *b, const struct video_mode *m, unsigned y, unsigned column, uint8_t bits,
                       uint8_t colour)
{
    unsigned bytes = pixel_bytes(m);
    uint32_t dot = pixel_of(m, colour), pixel;
    uint8_t pixels[8 * 4];
    for (unsigned i = 0; i < 8; i++) {
        pixel = bits & 0x80 >> i ? dot : 0;
        memcpy(pixels + i * bytes, &pixel, bytes);
    }
    linear_move(b, m, linear_at(b, m, y, column * 8), pixels, 8 * bytes, true);
}

// ---- characters

void graphics_character(struct bios *b, const struct video_mode *m, unsigned page, unsigned row, unsigned column,
                        uint8_t character, uint8_t colour)
{
    uint8_t bits[32] = {0};
    unsigned height = glyph_height(b);
    if ((column + 1) * 8u > m->width || (row + 1) * height > m->height)
        return;
    glyph_get(b, m, character, bits, height);
    if (m->kind == VIDEO_PLANAR)
        planar_begin(b, m, colour);
    for (unsigned i = 0; i < height; i++) {
        unsigned y = row * height + i;
        if (m->kind == VIDEO_PLANAR)
            planar_row(b, planar_at(b, m, page, y, column), bits[i], colour);
        else if (m->kind == VIDEO_LINEAR)
            linear_row(b, m, y, column, bits[i], colour);
        else
            cga_row(b, m, y, column, bits[i], colour);
    }
    if (m->kind == VIDEO_PLANAR)
        planar_end(b);
}

static uint8_t pixel_get(struct bios *b, const struct video_mode *m, unsigned page, unsigned x, unsigned y)
{
    switch (m->kind) {
    case VIDEO_CGA2:
        return mem_get8(b, cga_line(m, y) + x / 8) >> (7 - x % 8) & 1;
    case VIDEO_CGA4:
        return mem_get8(b, cga_line(m, y) + x / 4) >> 2 * (3 - x % 4) & 3;
    case VIDEO_LINEAR: {
        uint32_t pixel = 0;
        linear_move(b, m, linear_at(b, m, y, x), &pixel, pixel_bytes(m), false);
        return colour_of(m, pixel);
    }
    case VIDEO_PLANAR: {
        uint8_t colour = 0;
        for (uint8_t plane = 0; plane < 4; plane++) {
            indexed_write(b, VGA_GC_INDEX, VGA_GC_READ_MAP, plane);
            colour |= (uint8_t)((mem_get8(b, planar_at(b, m, page, y, x / 8)) >> (7 - x % 8) & 1) << plane);
        }
        indexed_write(b, VGA_GC_INDEX, VGA_GC_READ_MAP, 0);
        return colour;
    }
    default:
        return 0;
    }
}

static void pixel_put(struct bios *b, const struct video_mode *m, unsigned page, unsigned x, unsigned y, uint8_t colour)
{
    uint32_t at, pixel;
    uint8_t shift, mask, old;
    switch (m->kind) {
    case VIDEO_CGA2:
    case VIDEO_CGA4:
        shift = m->kind == VIDEO_CGA2 ? 7 - x % 8 : 2 * (3 - x % 4);
        mask = (uint8_t)((m->kind == VIDEO_CGA2 ? 1 : 3) << shift);
        at = cga_line(m, y) + (m->kind == VIDEO_CGA2 ? x / 8 : x / 4);
        old = mem_get8(b, at);
        if (colour & XOR)
            mem_put8(b, at, old ^ (colour << shift & mask));
        else
            mem_put8(b, at, (old & ~mask) | (colour << shift & mask));
        break;
    case VIDEO_LINEAR:
        pixel = pixel_of(m, colour);
        linear_move(b, m, linear_at(b, m, y, x), &pixel, pixel_bytes(m), true);
        break;
    case VIDEO_PLANAR:
        planar_begin(b, m, colour);
        planar_write(b, planar_at(b, m, page, y, x / 8), 0x80 >> x % 8, colour);
        planar_end(b);
        break;
    default:
        break;
    }
}

// AH=0Ch, 0Dh.
enum bios_result video_pixel(struct bios *b, struct bios_regs *r)
{
    const struct video_mode *m = video_mode_now(b);
    if (!m || r->c.x >= m->width || r->d.x >= m->height)
        return BIOS_DONE;
    if (r->a.h == 0x0c)
        pixel_put(b, m, r->b.h & 7, r->c.x, r->d.x, r->a.l);
    else
        r->a.l = pixel_get(b, m, r->b.h & 7, r->c.x, r->d.x);
    return BIOS_DONE;
}

// The character whose glyph is on the screen there, 0 if none is: pixels that are not 0 are its dots.
uint8_t graphics_read_character(struct bios *b, const struct video_mode *m, unsigned page, unsigned row,
                                unsigned column)
{
    uint8_t seen[32] = {0}, glyph[32] = {0};
    unsigned height = glyph_height(b);
    if ((column + 1) * 8u > m->width || (row + 1) * height > m->height)
        return 0;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < 8; x++)
            if (pixel_get(b, m, page, column * 8 + x, row * height + y))
                seen[y] |= (uint8_t)(0x80 >> x);
    for (unsigned c = 0; c < 256; c++) {
        unsigned same = 0;
        glyph_get(b, m, (uint8_t)c, glyph, height);
        while (same < height && glyph[same] == seen[same])
            same++;
        if (same == height)
            return (uint8_t)c;
    }
    return 0;
}

// ---- scrolling, line by line of the screen

static void planar_copy(struct bios *b, const struct video_mode *m, unsigned page, unsigned from, unsigned to,
                        const struct char_box *box)
{
    for (unsigned i = box->left; i <= box->right; i++) { // write mode 1: all planes through the latches
        mem_get8(b, planar_at(b, m, page, from, i));
        mem_put8(b, planar_at(b, m, page, to, i), 0);
    }
}

static void bytes_copy(struct bios *b, const struct video_mode *m, unsigned from, unsigned to,
                       const struct char_box *box)
{
    unsigned cell = m->kind == VIDEO_CGA4 ? 2 : 1;
    unsigned at = box->left * cell, n = (box->right - box->left + 1) * cell;
    mem_read(b, cga_line(m, from) + at, b->sector, n);
    mem_write(b, cga_line(m, to) + at, b->sector, n);
}

static void linear_copy(struct bios *b, const struct video_mode *m, unsigned from, unsigned to,
                        const struct char_box *box)
{
    uint32_t source = linear_at(b, m, from, box->left * 8), target = linear_at(b, m, to, box->left * 8);
    uint32_t left = (box->right - box->left + 1) * 8 * pixel_bytes(m), n;
    for (; left; left -= n, source += n, target += n) {
        n = left < sizeof(b->sector) ? left : sizeof(b->sector);
        linear_move(b, m, source, b->sector, n, false);
        linear_move(b, m, target, b->sector, n, true);
    }
}

static void line_fill(struct bios *b, const struct video_mode *m, unsigned page, unsigned y, const struct char_box *box,
                      uint8_t colour)
{
    for (unsigned i = box->left; i <= box->right; i++) {
        if (m->kind == VIDEO_PLANAR)
            planar_write(b, planar_at(b, m, page, y, i), 0xff, colour);
        else if (m->kind == VIDEO_LINEAR)
            linear_row(b, m, y, i, 0xff, colour);
        else
            cga_row(b, m, y, i, 0xff, colour & ~XOR);
    }
}

void graphics_scroll(struct bios *b, const struct video_mode *m, unsigned page, struct char_box box, unsigned lines,
                     bool down, uint8_t colour)
{
    unsigned height = glyph_height(b), pixels = (box.bottom - box.top + 1) * height, distance = lines * height;
    if ((box.right + 1) * 8u > m->width || (box.bottom + 1) * height > m->height)
        return;
    if (m->kind == VIDEO_PLANAR) {
        indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_MAP_MASK, m->planes);
        indexed_write(b, VGA_GC_INDEX, VGA_GC_MODE, 1);
    }
    for (unsigned i = 0; i + distance < pixels; i++) {
        unsigned to = down ? (box.bottom + 1) * height - 1 - i : box.top * height + i;
        unsigned from = down ? to - distance : to + distance;
        if (m->kind == VIDEO_PLANAR)
            planar_copy(b, m, page, from, to, &box);
        else if (m->kind == VIDEO_LINEAR)
            linear_copy(b, m, from, to, &box);
        else
            bytes_copy(b, m, from, to, &box);
    }
    if (m->kind == VIDEO_PLANAR) {
        indexed_write(b, VGA_GC_INDEX, VGA_GC_MODE, 0);
        planar_begin(b, m, 0);
    }
    for (unsigned i = pixels - distance; i < pixels; i++)
        line_fill(b, m, page, down ? (box.bottom + 1) * height - 1 - i : box.top * height + i, &box, colour);
    if (m->kind == VIDEO_PLANAR)
        planar_end(b);
}
