// SPDX-License-Identifier: MIT
// The screen as a picture, for screenshots: as the display logic would read it, one row at a time.
#include "vmm-user/devices/vga_parts.h"

#define FONT_GLYPH  32   // bytes from one glyph to the next
#define BLOCK_FIRST 0xc0 // characters whose eighth dot fills the ninth
#define BLOCK_LAST  0xdf

static void pixel_put(const struct vga_picture *p, uint8_t **rgb, unsigned color)
{
    const uint8_t *from = p->palette[color & 0xff];
    (*rgb)[0] = from[0];
    (*rgb)[1] = from[1];
    (*rgb)[2] = from[2];
    *rgb += 3;
}

// ---- colours

// Six bits become eight as in QEMU, so that its pictures and ours can be compared: the lowest bit fills what is
// missing.
static uint8_t wide_color(uint8_t six)
{
    return (uint8_t)(six << 2 | (six & 1) * 3);
}

static void dac_color(const struct vga *v, unsigned index, uint8_t rgb[3])
{
    const uint8_t *c = v->dac.colors[index & v->dac.mask];
    bool wide = v->dispi[DISPI_ENABLE] & DISPI_ENABLE_8BITDAC;
    for (unsigned i = 0; i < 3; i++)
        rgb[i] = wide ? c[i] : wide_color(c[i]);
}

// The DAC index that the attribute controller makes of four bits.
static unsigned attr_color(const struct vga *v, unsigned value)
{
    unsigned select = v->attr[VGA_ATTR_COLOR_SELECT], color = v->attr[value & v->attr[VGA_ATTR_PLANES] & 15];
    if (v->attr[VGA_ATTR_MODE] & VGA_ATTR_MODE_P54)
        color = (color & 0x0f) | (select & 3) << 4;
    return color | (select & 0x0c) << 4;
}

void vga_picture_begin(struct vga_picture *p, struct vga *v)
{
    *p = (struct vga_picture){.vga = v, .mode = vga_mode(v), .blink = true};
    vga_planes_update(v);
    bool direct = p->mode.kind == VGA_256 || p->mode.kind == VGA_LINEAR;
    for (unsigned i = 0; i < 256; i++)
        dac_color(v, direct ? i : attr_color(v, i & 15), p->palette[i]);
}

// ---- where a row lies

struct row_place {
    unsigned counter; // of the CRTC, at the row's first character
    unsigned scan;    // row scan counter
    unsigned pan;     // pixels to the left of the screen
};

static unsigned scan_factor(const struct vga *v)
{
    return v->crtc[VGA_CRTC_MAX_SCAN] & VGA_CRTC_MAX_SCAN_DOUBLE ? 2 : 1;
}

// `y` counts the picture's rows, of which each is `lines` lines of the row scan counter.
static struct row_place row_find(const struct vga *v, unsigned y, unsigned lines)
{
    unsigned height = crtc_row_height(v), factor = lines * scan_factor(v), pan = v->attr[VGA_ATTR_PAN];
    unsigned split = (crtc_line_compare(v) + factor) / factor;
    unsigned start = crtc_start(v) + (v->crtc[VGA_CRTC_PRESET_ROW] >> 5 & 3);
    unsigned line = y * lines + (lines == 1 ? v->crtc[VGA_CRTC_PRESET_ROW] & 0x1f : 0);
    if (y >= split) {
        line = (y - split) * lines;
        start = 0;
        pan = v->attr[VGA_ATTR_MODE] & VGA_ATTR_MODE_PAN_SPLIT ? 0 : pan;
    }
    return (struct row_place){start + line / height * v->crtc[VGA_CRTC_OFFSET] * 2u, line % height, pan};
}

static uint32_t fetch(const struct vga *v, const struct row_place *at, unsigned x)
{
    unsigned address = crtc_address(v, at->counter + x);
    if (!(v->crtc[VGA_CRTC_MODE] & VGA_CRTC_MODE_ROW0))
        address = (address & ~0x2000u) | (at->scan & 1) << 13;
    if (!(v->crtc[VGA_CRTC_MODE] & VGA_CRTC_MODE_ROW1))
        address = (address & ~0x4000u) | (at->scan >> 1 & 1) << 14;
    return v->planes[address & 0xffff];
}

// ---- kinds of rows

static unsigned planar_pixel(uint32_t word, unsigned bit)
{
    word >>= bit;
    return (word & 1) | (word >> 7 & 2) | (word >> 14 & 4) | (word >> 21 & 8);
}

// The pixel at dot 0-7 of a fetched word, first plane 0's four (with the bits of plane 2 above them), then plane 1's.
static unsigned cga_pixel(uint32_t word, unsigned dot)
{
    unsigned byte = dot >> 2, shift = 6 - 2 * (dot & 3);
    return (word >> (8 * byte + shift) & 3) | (word >> (16 + 8 * byte + shift) & 3) << 2;
}

static void graphics_row(const struct vga_picture *p, unsigned y, uint8_t *rgb)
{
    const struct vga *v = p->vga;
    bool cga_rows = (v->crtc[VGA_CRTC_MODE] & (VGA_CRTC_MODE_ROW0 | VGA_CRTC_MODE_ROW1)) !=
                    (VGA_CRTC_MODE_ROW0 | VGA_CRTC_MODE_ROW1);
    struct row_place at = row_find(v, y, cga_rows ? 1 : crtc_row_height(v));
    if (p->mode.kind == VGA_256) {
        unsigned pan = at.pan / 2 & 3;
        for (unsigned x = 0; x < p->mode.width; x++)
            pixel_put(p, &rgb, fetch(v, &at, (x + pan) / 4) >> 8 * ((x + pan) & 3) & 0xff);
        return;
    }
    unsigned pan = at.pan & 7;
    for (unsigned x = 0; x < p->mode.width; x++) {
        uint32_t word = fetch(v, &at, (x + pan) / 8);
        unsigned dot = (x + pan) & 7;
        pixel_put(p, &rgb, p->mode.kind == VGA_CGA ? cga_pixel(word, dot) : planar_pixel(word, 7 - dot));
    }
}

// Where plane 2 keeps the two fonts: by attribute bit 3.
static unsigned font_base(const struct vga *v, bool first)
{
    static const uint16_t blocks[8] = {0x0000, 0x4000, 0x8000, 0xc000, 0x2000, 0x6000, 0xa000, 0xe000};
    uint8_t select = v->seq[VGA_SEQ_FONT];
    return first ? blocks[(select >> 2 & 3) | (select >> 3 & 4)] : blocks[(select & 3) | (select >> 2 & 4)];
}

static bool cursor_is_here(const struct vga_picture *p, const struct row_place *at, unsigned column)
{
    const uint8_t *crtc = p->vga->crtc;
    unsigned place = crtc[VGA_CRTC_CURSOR_HIGH] << 8 | crtc[VGA_CRTC_CURSOR_LOW];
    return p->blink && place == at->counter + column && !(crtc[VGA_CRTC_CURSOR_START] & VGA_CRTC_CURSOR_OFF) &&
           at->scan >= (crtc[VGA_CRTC_CURSOR_START] & 0x1fu) && at->scan <= (crtc[VGA_CRTC_CURSOR_END] & 0x1fu);
}

static unsigned glyph_bits(const struct vga_picture *p, const struct row_place *at, uint8_t code, uint8_t attr)
{
    const struct vga *v = p->vga;
    unsigned glyph = font_base(v, attr & 8) + code * FONT_GLYPH + at->scan;
    bool underlined = v->attr[VGA_ATTR_MODE] & VGA_ATTR_MODE_MONO && (attr & 0x77) == 0x01 &&
                      at->scan == (v->crtc[VGA_CRTC_UNDERLINE] & 0x1fu);
    return underlined ? 0xff : v->planes[glyph & 0xffff] >> 16 & 0xff;
}

static void text_row(const struct vga_picture *p, unsigned y, uint8_t *rgb)
{
    const struct vga *v = p->vga;
    struct row_place at = row_find(v, y, 1);
    unsigned dots = p->mode.width / p->mode.columns;
    for (unsigned column = 0; column < p->mode.columns; column++) {
        uint32_t cell = fetch(v, &at, column);
        uint8_t code = (uint8_t)cell, attr = (uint8_t)(cell >> 8);
        unsigned bits = glyph_bits(p, &at, code, attr) << 1, front = attr & 15, back = attr >> 4;
        if (v->attr[VGA_ATTR_MODE] & VGA_ATTR_MODE_LINE9 && code >= BLOCK_FIRST && code <= BLOCK_LAST)
            bits |= bits >> 1 & 1;
        if (v->attr[VGA_ATTR_MODE] & VGA_ATTR_MODE_BLINK) {
            bits = attr & 0x80 && !p->blink ? 0 : bits;
            back &= 7;
        }
        if (cursor_is_here(p, &at, column))
            bits = 0x1ff;
        for (unsigned dot = 0; dot < dots; dot++)
            pixel_put(p, &rgb, bits >> (8 - dot) & 1 ? front : back);
    }
}

// ---- DISPI

// Five or six bits become eight as in QEMU: with 16 bits per pixel the upper ones are repeated, with 15 they are not.
static void true_color_put(uint8_t **rgb, uint32_t value, unsigned bpp)
{
    uint8_t *out = *rgb;
    *rgb += 3;
    if (bpp >= 24) {
        out[0] = (uint8_t)(value >> 16);
        out[1] = (uint8_t)(value >> 8);
        out[2] = (uint8_t)value;
        return;
    }
    if (bpp == 15) {
        out[0] = (uint8_t)(value >> 7 & 0xf8);
        out[1] = (uint8_t)(value >> 2 & 0xf8);
        out[2] = (uint8_t)(value << 3);
        return;
    }
    unsigned red = value >> 11 & 31, green = value >> 5 & 63, blue = value & 31;
    out[0] = (uint8_t)(red << 3 | red >> 2);
    out[1] = (uint8_t)(green << 2 | green >> 4);
    out[2] = (uint8_t)(blue << 3 | blue >> 2);
}

static void linear_row(const struct vga_picture *p, unsigned y, uint8_t *rgb)
{
    const struct vga *v = p->vga;
    unsigned size = dispi_pixel_size(v);
    uint64_t start =
        (uint64_t)(v->dispi[DISPI_Y_OFFSET] + y) * dispi_pitch(v) + (uint64_t)v->dispi[DISPI_X_OFFSET] * size;
    if (!v->lfb_backed ||
        start + (uint64_t)p->mode.width * size > v->host.framebuffer_size) { // of a copy in the making
        __builtin_memset(rgb, 0, 3ul * p->mode.width);
        return;
    }
    const uint8_t *in = v->host.framebuffer + start;
    for (unsigned x = 0; x < p->mode.width; x++, in += size) {
        uint32_t value = 0;
        __builtin_memcpy(&value, in, size);
        if (size == 1)
            pixel_put(p, &rgb, value);
        else
            true_color_put(&rgb, value, p->mode.bpp);
    }
}

static void dispi_planar_row(const struct vga_picture *p, unsigned y, uint8_t *rgb)
{
    const struct vga *v = p->vga;
    unsigned start = (v->dispi[DISPI_Y_OFFSET] + y) * dispi_pitch(v), left = v->dispi[DISPI_X_OFFSET];
    for (unsigned x = left; x < left + p->mode.width; x++)
        pixel_put(p, &rgb, planar_pixel(v->planes[(start + x / 8) & 0xffff], 7 - (x & 7)));
}

void vga_picture_row(struct vga_picture *p, unsigned y, uint8_t *rgb)
{
    if (y >= p->mode.height)
        return;
    if (p->mode.kind == VGA_TEXT)
        text_row(p, y, rgb);
    else if (p->mode.kind == VGA_LINEAR)
        linear_row(p, y, rgb);
    else if (dispi_on(p->vga))
        dispi_planar_row(p, y, rgb);
    else
        graphics_row(p, y, rgb);
}
