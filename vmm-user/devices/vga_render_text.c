// SPDX-License-Identifier: MIT
// What mode the screen is in, and its text.
#include "vmm-user/devices/vga_parts.h"

// Lines of one row of pixels or characters, double scanning included.
static unsigned scan_factor(const struct vga *v)
{
    return v->crtc[VGA_CRTC_MAX_SCAN] & VGA_CRTC_MAX_SCAN_DOUBLE ? 2 : 1;
}

static bool video_is_off(const struct vga *v)
{
    return !(v->enable & VGA_ENABLE_ON) || !(v->attr_index & VGA_ATTR_INDEX_VIDEO) ||
           v->seq[VGA_SEQ_CLOCK] & VGA_SEQ_CLOCK_OFF || !v->crtc[VGA_CRTC_H_DISPLAY_END];
}

static struct vga_mode dispi_mode(const struct vga *v)
{
    const uint16_t *d = v->dispi;
    return (struct vga_mode){
        .kind = dispi_linear(v) ? VGA_LINEAR : VGA_PLANAR,
        .width = d[DISPI_XRES],
        .height = d[DISPI_YRES],
        .bpp = d[DISPI_BPP],
        .direct = vga_mapping(v),
    };
}

struct vga_mode vga_mode(const struct vga *v)
{
    if (dispi_on(v))
        return dispi_mode(v);
    struct vga_mode mode = {.kind = VGA_BLANK, .direct = vga_mapping(v)};
    unsigned chars = v->crtc[VGA_CRTC_H_DISPLAY_END] + 1u, lines = crtc_lines_shown(v) / scan_factor(v);
    unsigned row_height = crtc_row_height(v);
    uint8_t cga_rows = ~v->crtc[VGA_CRTC_MODE] & (VGA_CRTC_MODE_ROW0 | VGA_CRTC_MODE_ROW1);
    if (video_is_off(v))
        return mode;
    if (!(v->gc[VGA_GC_MISC] & VGA_GC_MISC_GRAPHICS)) {
        mode.kind = VGA_TEXT;
        mode.columns = chars;
        mode.rows = lines / row_height;
        mode.width = chars * (v->seq[VGA_SEQ_CLOCK] & VGA_SEQ_CLOCK_8DOT ? 8 : 9);
        mode.height = mode.rows * row_height;
        mode.bpp = 4;
        return mode;
    }
    mode.height = cga_rows ? lines : lines / row_height;
    if (v->gc[VGA_GC_MODE] & VGA_GC_MODE_256) {
        mode.kind = VGA_256;
        mode.width = chars * 4;
        mode.bpp = 8;
    } else if (v->gc[VGA_GC_MODE] & VGA_GC_MODE_INTERLEAVE) {
        mode.kind = VGA_CGA;
        mode.width = chars * 8;
        mode.bpp = 2;
    } else {
        mode.kind = VGA_PLANAR;
        mode.width = chars * 8;
        mode.bpp = (v->attr[VGA_ATTR_PLANES] & 15) == 1 ? 1 : 4;
    }
    return mode;
}

// ---- text

// Characters from the start of one row to that of the next.
static unsigned text_pitch(const struct vga *v)
{
    return v->crtc[VGA_CRTC_OFFSET] * 2u;
}

// The first row that shows what lies at address 0 (line compare), or a number that no row has.
static unsigned split_row(const struct vga *v)
{
    return (crtc_line_compare(v) + 1) / (crtc_row_height(v) * scan_factor(v));
}

static uint16_t text_cell(const struct vga *v, unsigned address)
{
    const struct vga_plan *p = &v->plan;
    if (p->path == VGA_PATH_DIRECT && p->first && address < p->size && !(address & 1)) {
        const uint8_t *at = v->host.window + p->first + address;
        return (uint16_t)(at[0] | at[1] << 8);
    }
    return (uint16_t)v->planes[address];
}

unsigned vga_text_row(const struct vga *v, unsigned row, uint16_t *cells, unsigned room)
{
    struct vga_mode mode = vga_mode(v);
    if (mode.kind != VGA_TEXT || row >= mode.rows)
        return 0;
    unsigned split = split_row(v), start = crtc_start(v), count = mode.columns < room ? mode.columns : room;
    if (row >= split) {
        row -= split;
        start = 0;
    }
    for (unsigned i = 0; i < count; i++)
        cells[i] = text_cell(v, crtc_address(v, start + row * text_pitch(v) + i));
    return count;
}

bool vga_text_cursor(const struct vga *v, unsigned *row, unsigned *column)
{
    struct vga_mode mode = vga_mode(v);
    uint8_t first = v->crtc[VGA_CRTC_CURSOR_START], last = v->crtc[VGA_CRTC_CURSOR_END];
    unsigned at = v->crtc[VGA_CRTC_CURSOR_HIGH] << 8 | v->crtc[VGA_CRTC_CURSOR_LOW], pitch = text_pitch(v);
    if (mode.kind != VGA_TEXT || !pitch || at < crtc_start(v) || first & VGA_CRTC_CURSOR_OFF ||
        (first & 0x1f) > (last & 0x1f) || (first & 0x1f) >= (int)crtc_row_height(v))
        return false;
    at -= crtc_start(v);
    *row = at / pitch;
    *column = at % pitch;
    return *row < mode.rows && *row < split_row(v) && *column < mode.columns;
}
