// SPDX-License-Identifier: MIT
// The modes of the VGA, and how one is set.
#include "bios-emul/video.h"
#include "lib/c/string.h"

// ---- parameters (IBM PS/2 and PC BIOS Interface Technical Reference, "video parameter table")

#define ATTR_TEXT   0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f
#define ATTR_CGA    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17
#define ATTR_MONO   0x00, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x10, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18
#define ATTR_FLAT   0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f
#define REPEAT15(v) v, v, v, v, v, v, v, v, v, v, v, v, v, v, v
#define GC_TEXT                                                                                                        \
    {                                                                                                                  \
        0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff                                                                          \
    }
#define GC_MONO                                                                                                        \
    {                                                                                                                  \
        0, 0, 0, 0, 0, 0x10, 0x0a, 0x0f, 0xff                                                                          \
    }
#define GC_CGA                                                                                                         \
    {                                                                                                                  \
        0, 0, 0, 0, 0, 0x30, 0x0f, 0x0f, 0xff                                                                          \
    }
#define GC_PLANAR                                                                                                      \
    {                                                                                                                  \
        0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff                                                                          \
    }

// CRTC of the screen's formats: columns, then lines. The arguments are what modes of one format differ in.
#define H40(e)                 0x2d, 0x27, 0x28, 0x90, 0x2b, e
#define H80(s, e)              0x5f, 0x4f, 0x50, 0x82, s, e
#define V200(scan, start, end) 0xbf, 0x1f, 0x00, scan, start, end, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f
#define V350(scan, start, end) 0xbf, 0x1f, 0x00, scan, start, end, 0, 0, 0, 0, 0x83, 0x85, 0x5d

#define TEXT40_200                                                                                                     \
    {                                                                                                                  \
        40, 24, 8, {0x00, 0x08}, {0x09, 3, 0, 2}, 0x63,                                                                \
            {H40(0xa0), V200(0xc7, 0x06, 0x07), 0x14, 0x1f, 0x96, 0xb9, 0xa3, 0xff}, {ATTR_CGA, 0x08, 0, 0x0f, 0},     \
            GC_TEXT                                                                                                    \
    }
#define TEXT80_200                                                                                                     \
    {                                                                                                                  \
        80, 24, 8, {0x00, 0x10}, {0x01, 3, 0, 2}, 0x63,                                                                \
            {H80(0x55, 0x81), V200(0xc7, 0x06, 0x07), 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},                             \
            {ATTR_CGA, 0x08, 0, 0x0f, 0}, GC_TEXT                                                                      \
    }
#define TEXT40_350                                                                                                     \
    {                                                                                                                  \
        40, 24, 14, {0x00, 0x08}, {0x09, 3, 0, 2}, 0xa3,                                                               \
            {H40(0xa0), V350(0x4d, 0x0b, 0x0c), 0x14, 0x1f, 0x63, 0xba, 0xa3, 0xff}, {ATTR_TEXT, 0x08, 0, 0x0f, 0},    \
            GC_TEXT                                                                                                    \
    }
#define TEXT80_350                                                                                                     \
    {                                                                                                                  \
        80, 24, 14, {0x00, 0x10}, {0x01, 3, 0, 2}, 0xa3,                                                               \
            {H80(0x55, 0x81), V350(0x4d, 0x0b, 0x0c), 0x28, 0x1f, 0x63, 0xba, 0xa3, 0xff},                             \
            {ATTR_TEXT, 0x08, 0, 0x0f, 0}, GC_TEXT                                                                     \
    }
#define TEXT40_400                                                                                                     \
    {                                                                                                                  \
        40, 24, 16, {0x00, 0x08}, {0x08, 3, 0, 2}, 0x67,                                                               \
            {H40(0xa0), V200(0x4f, 0x0d, 0x0e), 0x14, 0x1f, 0x96, 0xb9, 0xa3, 0xff}, {ATTR_TEXT, 0x0c, 0, 0x0f, 0x08}, \
            GC_TEXT                                                                                                    \
    }
#define TEXT80_400                                                                                                     \
    {                                                                                                                  \
        80, 24, 16, {0x00, 0x10}, {0x00, 3, 0, 2}, 0x67,                                                               \
            {H80(0x55, 0x81), V200(0x4f, 0x0d, 0x0e), 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},                             \
            {ATTR_TEXT, 0x0c, 0, 0x0f, 0x08}, GC_TEXT                                                                  \
    }
#define MONO_350                                                                                                       \
    {                                                                                                                  \
        80, 24, 14, {0x00, 0x10}, {0x00, 3, 0, 3}, 0xa6,                                                               \
            {H80(0x55, 0x81), V350(0x4d, 0x0b, 0x0c), 0x28, 0x0d, 0x63, 0xba, 0xa3, 0xff},                             \
            {ATTR_MONO, 0x0e, 0, 0x0f, 0x08}, GC_MONO                                                                  \
    }
#define MONO_400                                                                                                       \
    {                                                                                                                  \
        80, 24, 16, {0x00, 0x10}, {0x00, 3, 0, 2}, 0x66,                                                               \
            {H80(0x55, 0x81), V200(0x4f, 0x0d, 0x0e), 0x28, 0x0f, 0x96, 0xb9, 0xa3, 0xff},                             \
            {ATTR_MONO, 0x0e, 0, 0x0f, 0x08}, GC_MONO                                                                  \
    }
#define CGA_320                                                                                                        \
    {                                                                                                                  \
        40, 24, 8, {0x00, 0x40}, {0x09, 3, 0, 2}, 0x63,                                                                \
            {H40(0x80), V200(0xc1, 0, 0), 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff},                                         \
            {0x00, 0x13, 0x15, 0x17, 0x02, 0x04, 0x06, 0x07, 0x10, 0x11,                                               \
             0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x01, 0,    0x03, 0},                                                 \
            GC_CGA                                                                                                     \
    }
#define CGA_640                                                                                                        \
    {                                                                                                                  \
        80, 24, 8, {0x00, 0x40}, {0x01, 1, 0, 6}, 0x63,                                                                \
            {H80(0x54, 0x80), V200(0xc1, 0, 0), 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff},                                   \
            {0x00, REPEAT15(0x17), 0x01, 0, 0x01, 0},                                                                  \
        {                                                                                                              \
            0, 0, 0, 0, 0, 0x00, 0x0d, 0x0f, 0xff                                                                      \
        }                                                                                                              \
    }
#define EGA_320                                                                                                        \
    {                                                                                                                  \
        40, 24, 8, {0x00, 0x20}, {0x09, 0x0f, 0, 6}, 0x63,                                                             \
            {H40(0x80), V200(0xc0, 0, 0), 0x14, 0x00, 0x96, 0xb9, 0xe3, 0xff}, {ATTR_CGA, 0x01, 0, 0x0f, 0}, GC_PLANAR \
    }
#define EGA_640                                                                                                        \
    {                                                                                                                  \
        80, 24, 8, {0x00, 0x40}, {0x01, 0x0f, 0, 6}, 0x63,                                                             \
            {H80(0x54, 0x80), V200(0xc0, 0, 0), 0x28, 0x00, 0x96, 0xb9, 0xe3, 0xff}, {ATTR_CGA, 0x01, 0, 0x0f, 0},     \
            GC_PLANAR                                                                                                  \
    }
#define EGA_MONO                                                                                                       \
    {                                                                                                                  \
        80, 24, 14, {0x00, 0x80}, {0x01, 0x0f, 0, 6}, 0xa3,                                                            \
            {H80(0x54, 0x80), V350(0x40, 0, 0), 0x28, 0x0f, 0x63, 0xba, 0xe3, 0xff},                                   \
            {0x00, 0x08, 0, 0, 0x18, 0x18, 0, 0, 0, 0x08, 0, 0, 0, 0x18, 0, 0, 0x0b, 0, 0x05, 0}, GC_PLANAR            \
    }
#define EGA_350                                                                                                        \
    {                                                                                                                  \
        80, 24, 14, {0x00, 0x80}, {0x01, 0x0f, 0, 6}, 0xa3,                                                            \
            {H80(0x54, 0x80), V350(0x40, 0, 0), 0x28, 0x0f, 0x63, 0xba, 0xe3, 0xff}, {ATTR_TEXT, 0x01, 0, 0x0f, 0},    \
            GC_PLANAR                                                                                                  \
    }
#define VGA_480(attr...)                                                                                               \
    {                                                                                                                  \
        80, 29, 16, {0x00, 0xa0}, {0x01, 0x0f, 0, 6}, 0xe3, {H80(0x54, 0x80),                                          \
                                                             0x0b,                                                     \
                                                             0x3e,                                                     \
                                                             0x00,                                                     \
                                                             0x40,                                                     \
                                                             0,                                                        \
                                                             0,                                                        \
                                                             0,                                                        \
                                                             0,                                                        \
                                                             0,                                                        \
                                                             0,                                                        \
                                                             0xea,                                                     \
                                                             0x8c,                                                     \
                                                             0xdf,                                                     \
                                                             0x28,                                                     \
                                                             0x00,                                                     \
                                                             0xe7,                                                     \
                                                             0x04,                                                     \
                                                             0xe3,                                                     \
                                                             0xff},                                                    \
            {attr, 0x01, 0, 0x0f, 0}, GC_PLANAR                                                                        \
    }
#define VGA_256                                                                                                        \
    {                                                                                                                  \
        40, 24, 8, {0x00, 0x20}, {0x01, 0x0f, 0, 0x0e}, 0x63,                                                          \
            {H80(0x54, 0x80), V200(0x41, 0, 0), 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff}, {ATTR_FLAT, 0x41, 0, 0x0f, 0},    \
        {                                                                                                              \
            0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff                                                                      \
        }                                                                                                              \
    }

const struct video_params video_params[VIDEO_PARAMS] = {
    [0x00] = TEXT40_200,
    [0x01] = TEXT40_200,
    [0x02] = TEXT80_200,
    [0x03] = TEXT80_200,
    [0x04] = CGA_320,
    [0x05] = CGA_320,
    [0x06] = CGA_640,
    [0x07] = MONO_350,
    [0x0d] = EGA_320,
    [0x0e] = EGA_640,
    [0x0f] = EGA_MONO,
    [0x10] = EGA_350,
    [0x11] = EGA_MONO,
    [0x12] = EGA_350,
    [0x13] = TEXT40_350,
    [0x14] = TEXT40_350,
    [0x15] = TEXT80_350,
    [0x16] = TEXT80_350,
    [0x17] = TEXT40_400,
    [0x18] = TEXT80_400,
    [0x19] = MONO_400,
    [0x1a] = VGA_480(0, 0x3f, 0, 0x3f, 0, 0x3f, 0, 0x3f, 0, 0x3f, 0, 0x3f, 0, 0x3f, 0, 0x3f), // plane 0 alone shows
    [0x1b] = VGA_480(ATTR_TEXT),
    [0x1c] = VGA_256,
};

static const struct video_mode modes[] = {
    {0x00, VIDEO_TEXT, PALETTE_EGA, 0x17, 0xb800, 0, 0, 0, 0},
    {0x01, VIDEO_TEXT, PALETTE_EGA, 0x17, 0xb800, 0, 0, 0, 0},
    {0x02, VIDEO_TEXT, PALETTE_EGA, 0x18, 0xb800, 0, 0, 0, 0},
    {0x03, VIDEO_TEXT, PALETTE_EGA, 0x18, 0xb800, 0, 0, 0, 0},
    {0x04, VIDEO_CGA4, PALETTE_CGA, 0x04, 0xb800, 320, 200, 0, 0},
    {0x05, VIDEO_CGA4, PALETTE_CGA, 0x05, 0xb800, 320, 200, 0, 0},
    {0x06, VIDEO_CGA2, PALETTE_CGA, 0x06, 0xb800, 640, 200, 0, 0},
    {0x07, VIDEO_TEXT, PALETTE_MONO, 0x19, 0xb000, 0, 0, 0, 0},
    {0x0d, VIDEO_PLANAR, PALETTE_CGA, 0x0d, 0xa000, 320, 200, 0x0f, 0},
    {0x0e, VIDEO_PLANAR, PALETTE_CGA, 0x0e, 0xa000, 640, 200, 0x0f, 0},
    {0x0f, VIDEO_PLANAR, PALETTE_MONO, 0x11, 0xa000, 640, 350, 0x05, 0},
    {0x10, VIDEO_PLANAR, PALETTE_EGA, 0x12, 0xa000, 640, 350, 0x0f, 0},
    {0x11, VIDEO_PLANAR, PALETTE_EGA, 0x1a, 0xa000, 640, 480, 0x0f, 0},
    {0x12, VIDEO_PLANAR, PALETTE_EGA, 0x1b, 0xa000, 640, 480, 0x0f, 0},
    {0x13, VIDEO_LINEAR, PALETTE_VGA, 0x1c, 0xa000, 320, 200, 0, 8},
};

static const struct video_mode *video_mode_find(uint8_t number)
{
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (modes[i].number == number)
            return &modes[i];
    return NULL;
}

const struct video_mode *video_mode_now(struct bios *b)
{
    return b->state.vbe_mode ? vbe_mode_now(b) : video_mode_find(bda8(b, BDA_MODE) & 0x7f);
}

// ---- setting a mode

#define FLAG_GREY       0x02 // 40:89
#define FLAG_NO_PALETTE 0x08
#define FLAG_400_LINES  0x10
#define FLAG_200_LINES  0x80
#define CONTROL_CLEAR   0x60   // 40:87: 256 KiB, an active VGA, cursor emulation
#define SWITCHES        0xf9   // 40:88
#define CURSOR_SHAPE    0x0607 // 40:60, of characters with 8 lines
#define DISPLAY_VGA     0x08

// Text modes come in 200, 350 and 400 lines (INT 10h AH=12h BL=30h chooses).
static unsigned params_choose(struct bios *b, const struct video_mode *m)
{
    uint8_t flags = bda8(b, BDA_VIDEO_FLAGS);
    if (m->kind != VIDEO_TEXT || flags & FLAG_400_LINES)
        return m->params;
    if (m->number == 7)
        return 0x07;
    if (flags & FLAG_200_LINES)
        return m->number;
    return 0x13u + m->number;
}

// The parameters of the mode that is on.
const struct video_params *video_params_now(struct bios *b, const struct video_mode *m)
{
    return &video_params[params_choose(b, m)];
}

static void registers_write(struct bios *b, const struct video_params *p)
{
    uint16_t crtc = p->misc & VGA_MISC_COLOR ? VGA_CRTC_COLOR_INDEX : VGA_CRTC_MONO_INDEX;
    bda_set16(b, BDA_CRTC, crtc);
    port_in(b, crtc + 6);
    port_out(b, VGA_ATTR_INDEX, 0); // the palette is free, the screen dark
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_RESET, 1);
    port_out(b, VGA_STATUS0, p->misc);
    for (uint8_t i = 0; i < 4; i++)
        indexed_write(b, VGA_SEQ_INDEX, i + 1, p->seq[i]);
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_RESET, 3);
    indexed_write(b, crtc, VGA_CRTC_V_RETRACE_END, 0); // unlocks registers 0-7
    for (uint8_t i = 0; i < 25; i++)
        indexed_write(b, crtc, i, p->crtc[i]);
    for (uint8_t i = 0; i < 9; i++)
        indexed_write(b, VGA_GC_INDEX, i, p->gc[i]);
    port_in(b, crtc + 6);
    for (uint8_t i = 0; i < 20; i++) {
        port_out(b, VGA_ATTR_INDEX, i);
        port_out(b, VGA_ATTR_INDEX, p->attr[i]);
    }
    port_out(b, VGA_ATTR_INDEX, 0x14);
    port_out(b, VGA_ATTR_INDEX, 0);
}

static void screen_enable(struct bios *b)
{
    port_in(b, bda16(b, BDA_CRTC) + 6);
    port_out(b, VGA_ATTR_INDEX, 0x20);
}

static void memory_clear(struct bios *b, const struct video_mode *m)
{
    uint32_t size = m->segment == 0xa000 ? 0x10000 : 0x8000;
    uint8_t *block = b->sector;
    for (unsigned i = 0; i < 1024; i += 2) {
        block[i] = m->kind == VIDEO_TEXT ? ' ' : 0;
        block[i + 1] = m->kind == VIDEO_TEXT ? 0x07 : 0;
    }
    for (uint32_t at = 0; at < size; at += 1024)
        mem_write(b, ((uint32_t)m->segment << 4) + at, block, 1024);
}

static void data_area_set(struct bios *b, const struct video_mode *m, const struct video_params *p, bool keep)
{
    static const uint8_t mode_select[] = {0x2c, 0x28, 0x2d, 0x29, 0x2a, 0x2e, 0x1e, 0x29};
    bda_set8(b, BDA_MODE, m->number);
    bda_set16(b, BDA_COLUMNS, p->columns);
    bda_set16(b, BDA_PAGE_SIZE, p->page_size[0] | p->page_size[1] << 8);
    bda_set16(b, BDA_PAGE_START, 0);
    for (unsigned page = 0; page < 8; page++)
        bda_set16(b, BDA_CURSOR + 2 * page, 0);
    bda_set16(b, BDA_CURSOR_SHAPE, CURSOR_SHAPE);
    bda_set8(b, BDA_PAGE, 0);
    bda_set8(b, BDA_ROWS, p->rows);
    bda_set16(b, BDA_CHAR_HEIGHT, p->char_height);
    bda_set8(b, BDA_VIDEO_CONTROL, CONTROL_CLEAR | (keep ? CONTROL_KEEP : 0));
    bda_set8(b, BDA_SWITCHES, SWITCHES);
    bda_set8(b, BDA_DISPLAY_CODE, DISPLAY_VGA);
    if (m->number < sizeof(mode_select))
        bda_set8(b, BDA_MODE_SELECT, mode_select[m->number]);
    bda_set8(b, BDA_CGA_PALETTE, m->number == 6 ? 0x3f : 0x30);
    vector_set(b, 0x43, BIOS_SEGMENT, (uint16_t)(font_rom(p->char_height) - BIOS_ROM_BASE));
}

bool video_mode_set(struct bios *b, uint8_t number, bool keep_memory)
{
    const struct video_mode *m = video_mode_find(number);
    if (!m)
        return false;
    const struct video_params *p = &video_params[params_choose(b, m)];
    uint8_t flags = bda8(b, BDA_VIDEO_FLAGS);
    vbe_off(b);
    registers_write(b, p);
    if (!(flags & FLAG_NO_PALETTE))
        dac_load(b, p->attr[15] == 0x17 && m->kind == VIDEO_TEXT ? PALETTE_CGA : m->palette, flags & FLAG_GREY);
    if (!keep_memory)
        memory_clear(b, m);
    data_area_set(b, m, p, keep_memory);
    if (m->kind == VIDEO_TEXT) {
        font_load(b, font_rom(p->char_height), 0, 256, 0, p->char_height);
    }
    screen_enable(b);
    return true;
}

void video_post(struct bios *b)
{
    bda_set8(b, BDA_VIDEO_FLAGS, FLAG_400_LINES | 0x01); // a VGA is active
    mem_put(b, BDA_BASE + BDA_SAVE_POINTER, 4, (uint32_t)BIOS_SEGMENT << 16 | ROM_SAVE_POINTERS);
    vector_set(b, 0x1f, BIOS_SEGMENT, ROM_FONT8_HIGH);
    mem_write(b, BIOS_ROM_BASE + ROM_VIDEO_PARAMS, video_params, sizeof(video_params));
    video_tables_write(b);
    vbe_post(b);
    port_out(b, VGA_ENABLE, VGA_ENABLE_ON);
    video_mode_set(b, 3, false);
}
