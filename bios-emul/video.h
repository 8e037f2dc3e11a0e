// SPDX-License-Identifier: MIT
// The video services' common ground.
#pragma once
#include "bios-emul/internal.h"
#include "pc/vga.h"

enum video_kind { VIDEO_TEXT, VIDEO_CGA4, VIDEO_CGA2, VIDEO_PLANAR, VIDEO_LINEAR };

enum video_palette { PALETTE_MONO, PALETTE_CGA, PALETTE_EGA, PALETTE_VGA };

#define CONTROL_KEEP 0x80 // 40:87: the mode set left the memory as it was

// A mode as INT 10h AH=00h numbers it, or VBE from VBE_FIRST on.
#define VBE_FIRST   0x100
#define VGA_800x600 0x6a // as VESA named it first
#define VBE_800x600 0x102
struct video_mode {
    uint16_t number;
    enum video_kind kind;
    enum video_palette palette;
    uint8_t params;         // index into the parameter table
    uint16_t segment;       // of its memory
    uint16_t width, height; // pixels, of text modes 0
    uint8_t planes;         // of planar modes: which there are
    uint8_t bits;           // of a pixel, of linear modes
};

// The 64 bytes of the video parameter table that describe a mode (IBM EGA and VGA).
struct video_params {
    uint8_t columns, rows, char_height; // rows minus one
    uint8_t page_size[2];
    uint8_t seq[4], misc, crtc[25], attr[20], gc[9];
};
_Static_assert(sizeof(struct video_params) == 64, "IBM's video parameter table");

#define VIDEO_PARAMS 29
extern const struct video_params video_params[VIDEO_PARAMS];

const struct video_mode *video_mode_now(struct bios *b); // NULL: none of these

const struct video_params *video_params_now(struct bios *b, const struct video_mode *m);

// Returns false if there is no such mode.
bool video_mode_set(struct bios *b, uint8_t number, bool keep_memory);

// Registers behind an index.
static inline uint8_t indexed_read(struct bios *b, uint16_t port, uint8_t index)
{
    port_out(b, port, index);
    return port_in(b, port + 1);
}

static inline void indexed_write(struct bios *b, uint16_t port, uint8_t index, uint8_t value)
{
    port_out(b, port, index);
    port_out(b, port + 1, value);
}

static inline uint16_t crtc_port(struct bios *b)
{
    return bda16(b, BDA_CRTC) == VGA_CRTC_MONO_INDEX ? VGA_CRTC_MONO_INDEX : VGA_CRTC_COLOR_INDEX;
}

// ---- int10_palette.c
void attr_write(struct bios *b, uint8_t index, uint8_t value);
uint8_t attr_read(struct bios *b, uint8_t index);
void dac_write(struct bios *b, uint8_t index, const uint8_t rgb[3]);
void colour_16(unsigned i, uint8_t rgb[3]); // of the 16, components of 6 bits
void dac_load(struct bios *b, enum video_palette palette, bool grey);
enum bios_result video_palette(struct bios *b, struct bios_regs *r);
enum bios_result video_cga_palette(struct bios *b, struct bios_regs *r);

// ---- int10_font.c
void font_load(struct bios *b, uint32_t linear, unsigned first, unsigned count, unsigned block, unsigned height);
uint32_t font_rom(unsigned height); // linear address of the ROM's font; 8, 14 or 16
enum bios_result video_font(struct bios *b, struct bios_regs *r);

// ---- int10_text.c: characters in any mode
void cursor_move(struct bios *b, unsigned page, unsigned row, unsigned column);
void cursor_shape(struct bios *b, uint8_t start, uint8_t end);
void page_show(struct bios *b, unsigned page);
void teletype(struct bios *b, uint8_t character, unsigned page, uint8_t colour);
enum bios_result video_character(struct bios *b, struct bios_regs *r);
enum bios_result video_scroll(struct bios *b, struct bios_regs *r);
enum bios_result video_string(struct bios *b, struct bios_regs *r);

struct char_box {
    unsigned left, top, right, bottom; // inclusive
};
void text_scroll(struct bios *b, unsigned page, struct char_box box, unsigned lines, bool down, uint8_t attribute);

// ---- int10_graphics.c: the same in graphics modes, and pixels
void graphics_character(struct bios *b, const struct video_mode *m, unsigned page, unsigned row, unsigned column,
                        uint8_t character, uint8_t colour);
uint8_t graphics_read_character(struct bios *b, const struct video_mode *m, unsigned page, unsigned row,
                                unsigned column);
void graphics_scroll(struct bios *b, const struct video_mode *m, unsigned page, struct char_box box, unsigned lines,
                     bool down, uint8_t colour);
enum bios_result video_pixel(struct bios *b, struct bios_regs *r);

// ---- int10_state.c
enum bios_result video_configuration(struct bios *b, struct bios_regs *r); // AH=12h
enum bios_result video_display_code(struct bios *b, struct bios_regs *r);  // AH=1Ah
enum bios_result video_functionality(struct bios *b, struct bios_regs *r); // AH=1Bh
enum bios_result video_state(struct bios *b, struct bios_regs *r);         // AH=1Ch
uint32_t video_state_size(uint16_t parts);
void video_state_save(struct bios *b, uint16_t parts, uint32_t to);
void video_state_restore(struct bios *b, uint16_t parts, uint32_t from);
void video_tables_write(struct bios *b);

// ---- edid.c
enum bios_result vbe_ddc(struct bios *b, struct bios_regs *r);

// ---- vbe.c
enum bios_result vbe(struct bios *b, struct bios_regs *r);
const struct video_mode *vbe_mode_now(struct bios *b);              // NULL: none is on
bool vbe_mode_set(struct bios *b, uint16_t number, uint16_t flags); // of BX of AX=4F02h; false: not possible
void vbe_off(struct bios *b);

// The window at A0000 of a VBE mode: which 64 KiB it shows.
uint16_t vbe_bank(struct bios *b);
void vbe_bank_set(struct bios *b, uint16_t bank);

// Bytes of a line (of a plane), and where in the memory the screen begins.
uint32_t vbe_pitch(struct bios *b, const struct video_mode *m);
uint32_t vbe_start(struct bios *b, const struct video_mode *m);

void vbe_post(struct bios *b);
