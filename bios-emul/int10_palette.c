// SPDX-License-Identifier: MIT
// INT 10h AH=0Bh and 10h: the attribute controller's palette and the DAC; default colours.
#include "bios-emul/video.h"

#define ATTR_MODE    0x10
#define ATTR_BORDER  0x11
#define ATTR_SELECT  0x14
#define ATTR_ENABLED 0x20 // the screen shows
#define MODE_BLINK   0x08
#define MODE_PAGES16 0x80 // the palette's bits 4 and 5 come from the colour select register

void attr_write(struct bios *b, uint8_t index, uint8_t value)
{
    port_in(b, crtc_port(b) + 6);
    port_out(b, VGA_ATTR_INDEX, index);
    port_out(b, VGA_ATTR_INDEX, value);
    port_out(b, VGA_ATTR_INDEX, ATTR_ENABLED);
}

uint8_t attr_read(struct bios *b, uint8_t index)
{
    port_in(b, crtc_port(b) + 6);
    port_out(b, VGA_ATTR_INDEX, index);
    uint8_t value = port_in(b, VGA_ATTR_READ);
    port_in(b, crtc_port(b) + 6);
    port_out(b, VGA_ATTR_INDEX, ATTR_ENABLED);
    port_in(b, crtc_port(b) + 6);
    return value;
}

void dac_write(struct bios *b, uint8_t index, const uint8_t rgb[3])
{
    port_out(b, VGA_DAC_WRITE_INDEX, index);
    for (unsigned i = 0; i < 3; i++)
        port_out(b, VGA_DAC_DATA, rgb[i]);
}

static void dac_read(struct bios *b, uint8_t index, uint8_t rgb[3])
{
    port_out(b, VGA_DAC_STATE, index);
    for (unsigned i = 0; i < 3; i++)
        rgb[i] = port_in(b, VGA_DAC_DATA);
}

// ---- default colours

// Six bits r g b R G B as the EGA's monitor mixes them: capitals are the bright thirds.
static void colour_ega(unsigned i, uint8_t rgb[3])
{
    for (unsigned c = 0; c < 3; c++) {
        unsigned bit = 2 - c;
        rgb[c] = (uint8_t)((i >> bit & 1 ? 0x2a : 0) + (i >> (bit + 3) & 1 ? 0x15 : 0));
    }
}

// As a CGA: bit 4 is the intensity of all three, and dark yellow is brown.
static void colour_cga(unsigned i, uint8_t rgb[3])
{
    colour_ega((i & 7) | (i & 0x10 ? 0x38 : 0), rgb);
    if ((i & 0x17) == 6)
        rgb[1] = 0x15;
}

void colour_16(unsigned i, uint8_t rgb[3])
{
    colour_cga((i & 7) | (i & 8 ? 0x10 : 0), rgb);
}

static void colour_mono(unsigned i, uint8_t rgb[3])
{
    static const uint8_t levels[] = {0x00, 0x2a, 0x00, 0x3f};
    rgb[0] = rgb[1] = rgb[2] = levels[i >> 3 & 3];
}

// The 256 colours: 16 of the CGA, 16 greys, then 9 wheels of 24 hues: three intensities in three saturations.
static void colour_vga(unsigned i, uint8_t rgb[3])
{
    static const uint8_t greys[16] = {0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63};
    static const uint8_t levels[9][5] = {
        {0, 16, 31, 47, 63},  {31, 39, 47, 55, 63}, {45, 49, 54, 58, 63}, {0, 7, 14, 21, 28},   {14, 17, 21, 24, 28},
        {20, 22, 24, 26, 28}, {0, 4, 8, 12, 16},    {8, 10, 12, 14, 16},  {11, 12, 13, 15, 16},
    };
    static const uint8_t wave[24] = {0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0}; // of red
    if (i < 16) {
        colour_16(i, rgb);
        return;
    }
    if (i < 32 || i >= 248) {
        rgb[0] = rgb[1] = rgb[2] = i < 32 ? greys[i - 16] : 0;
        return;
    }
    unsigned hue = (i - 32) % 24, ring = (i - 32) / 24;
    rgb[0] = levels[ring][wave[hue]];
    rgb[1] = levels[ring][wave[(hue + 16) % 24]];
    rgb[2] = levels[ring][wave[(hue + 8) % 24]];
}

static void grey_sum(uint8_t rgb[3])
{
    unsigned sum = (77u * rgb[0] + 151u * rgb[1] + 28u * rgb[2] + 128) >> 8; // 30 %, 59 %, 11 %
    rgb[0] = rgb[1] = rgb[2] = (uint8_t)(sum > 63 ? 63 : sum);
}

void dac_load(struct bios *b, enum video_palette palette, bool grey)
{
    static void (*const colours[])(unsigned, uint8_t *) = {colour_mono, colour_cga, colour_ega, colour_vga};
    uint8_t rgb[3];
    port_out(b, VGA_DAC_MASK, 0xff);
    for (unsigned i = 0; i < 256; i++) {
        if (i < 64 || palette == PALETTE_VGA)
            colours[palette](i, rgb);
        else
            rgb[0] = rgb[1] = rgb[2] = 0;
        if (grey)
            grey_sum(rgb);
        dac_write(b, (uint8_t)i, rgb);
    }
}

// ---- AH=10h

static void registers_set(struct bios *b, uint32_t from)
{
    for (uint8_t i = 0; i < 16; i++)
        attr_write(b, i, mem_get8(b, from + i));
    attr_write(b, ATTR_BORDER, mem_get8(b, from + 16));
}

static void registers_get(struct bios *b, uint32_t to)
{
    for (uint8_t i = 0; i < 16; i++)
        mem_put8(b, to + i, attr_read(b, i));
    mem_put8(b, to + 16, attr_read(b, ATTR_BORDER));
}

static void blink_set(struct bios *b, bool blink)
{
    uint8_t mode = attr_read(b, ATTR_MODE) & ~MODE_BLINK;
    attr_write(b, ATTR_MODE, blink ? mode | MODE_BLINK : mode);
}

static void block_set(struct bios *b, struct bios_regs *r)
{
    uint8_t rgb[3];
    for (unsigned i = 0; i < r->c.x && i < 256; i++) {
        mem_read(b, r->es_base + r->d.x + 3 * i, rgb, 3);
        dac_write(b, (uint8_t)(r->b.x + i), rgb);
    }
}

static void block_get(struct bios *b, struct bios_regs *r)
{
    uint8_t rgb[3];
    for (unsigned i = 0; i < r->c.x && i < 256; i++) {
        dac_read(b, (uint8_t)(r->b.x + i), rgb);
        mem_write(b, r->es_base + r->d.x + 3 * i, rgb, 3);
    }
}

// AL=13h: BL=0: 4 pages of 64 or 16 of 16 colours (BH); BL=1: which page.
static void colour_page_set(struct bios *b, const struct bios_regs *r)
{
    uint8_t mode = attr_read(b, ATTR_MODE);
    if (r->b.l == 0)
        attr_write(b, ATTR_MODE, (uint8_t)((mode & ~MODE_PAGES16) | (r->b.h & 1 ? MODE_PAGES16 : 0)));
    else
        attr_write(b, ATTR_SELECT, mode & MODE_PAGES16 ? r->b.h & 0x0f : (r->b.h & 0x03) << 2);
}

static void colour_page_get(struct bios *b, struct bios_regs *r)
{
    uint8_t mode = attr_read(b, ATTR_MODE), select = attr_read(b, ATTR_SELECT) & 0x0f;
    r->b.l = mode & MODE_PAGES16 ? 1 : 0;
    r->b.h = mode & MODE_PAGES16 ? select : select >> 2;
}

static void block_grey(struct bios *b, const struct bios_regs *r)
{
    uint8_t rgb[3];
    for (unsigned i = 0; i < r->c.x && i < 256; i++) {
        dac_read(b, (uint8_t)(r->b.x + i), rgb);
        grey_sum(rgb);
        dac_write(b, (uint8_t)(r->b.x + i), rgb);
    }
}

enum bios_result video_palette(struct bios *b, struct bios_regs *r)
{
    uint8_t rgb[3];
    switch (r->a.l) {
    case 0x00:
        if (r->b.l <= ATTR_SELECT)
            attr_write(b, r->b.l, r->b.h);
        break;
    case 0x01:
        attr_write(b, ATTR_BORDER, r->b.h);
        break;
    case 0x02:
        registers_set(b, r->es_base + r->d.x);
        break;
    case 0x03:
        blink_set(b, r->b.l & 1);
        break;
    case 0x07:
        if (r->b.l <= ATTR_SELECT)
            r->b.h = attr_read(b, r->b.l);
        break;
    case 0x08:
        r->b.h = attr_read(b, ATTR_BORDER);
        break;
    case 0x09:
        registers_get(b, r->es_base + r->d.x);
        break;
    case 0x10:
        rgb[0] = r->d.h;
        rgb[1] = r->c.h;
        rgb[2] = r->c.l;
        dac_write(b, r->b.l, rgb);
        break;
    case 0x12:
        block_set(b, r);
        break;
    case 0x13:
        colour_page_set(b, r);
        break;
    case 0x15:
        dac_read(b, r->b.l, rgb);
        r->d.h = rgb[0];
        r->c.h = rgb[1];
        r->c.l = rgb[2];
        break;
    case 0x17:
        block_get(b, r);
        break;
    case 0x18:
        port_out(b, VGA_DAC_MASK, r->b.l);
        break;
    case 0x19:
        r->b.l = port_in(b, VGA_DAC_MASK);
        break;
    case 0x1a:
        colour_page_get(b, r);
        break;
    case 0x1b:
        block_grey(b, r);
        break;
    default:
        unknown_count(b, r, 0x10);
    }
    return BIOS_DONE;
}

// AH=0Bh: the background and the foregrounds of the CGA's modes.
enum bios_result video_cga_palette(struct bios *b, struct bios_regs *r)
{
    uint8_t shown = bda8(b, BDA_CGA_PALETTE);
    if (r->b.h == 0) {
        uint8_t background = (uint8_t)((r->b.l & 7) | (r->b.l & 8 ? 0x10 : 0)), intense = r->b.l & 0x10;
        bda_set8(b, BDA_CGA_PALETTE, (shown & 0xe0) | (r->b.l & 0x1f));
        attr_write(b, ATTR_BORDER, background);
        if (bda8(b, BDA_MODE) > 3)
            attr_write(b, 0, background);
        for (uint8_t i = 1; i < 4 && bda8(b, BDA_MODE) > 3; i++)
            attr_write(b, i, (attr_read(b, i) & ~0x10) | intense);
    } else if (r->b.h == 1) {
        bda_set8(b, BDA_CGA_PALETTE, (shown & ~0x20) | (r->b.l & 1) << 5);
        for (uint8_t i = 1; i < 4 && bda8(b, BDA_MODE) > 3; i++)
            attr_write(b, i, (attr_read(b, i) & 0xfe) | (r->b.l & 1));
    }
    return BIOS_DONE;
}
