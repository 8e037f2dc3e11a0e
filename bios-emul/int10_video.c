// SPDX-License-Identifier: MIT
// INT 10h: which function does what; the small ones.
#include "bios-emul/video.h"

static enum bios_result mode_set(struct bios *b, struct bios_regs *r)
{
    uint8_t mode = r->a.l & 0x7f;
    bool done = mode == VGA_800x600 ? vbe_mode_set(b, VBE_800x600, (uint16_t)(r->a.l & 0x80) << 8)
                                    : video_mode_set(b, mode, r->a.l & 0x80);
    if (!done) {
        unknown_count(b, r, 0x10);
        return BIOS_DONE;
    }
    r->a.l = mode > 7 ? 0x20 : mode == 6 ? 0x3f : 0x30;
    return BIOS_DONE;
}

static enum bios_result cursor_shape_set(struct bios *b, struct bios_regs *r)
{
    cursor_shape(b, r->c.h, r->c.l);
    return BIOS_DONE;
}

static enum bios_result cursor_set(struct bios *b, struct bios_regs *r)
{
    if (r->b.h < 8)
        cursor_move(b, r->b.h, r->d.h, r->d.l);
    return BIOS_DONE;
}

static enum bios_result cursor_get(struct bios *b, struct bios_regs *r)
{
    if (r->b.h < 8)
        r->d.x = bda16(b, BDA_CURSOR + 2u * r->b.h);
    else
        r->d.x = 0;
    r->c.x = bda16(b, BDA_CURSOR_SHAPE);
    return BIOS_DONE;
}

static enum bios_result light_pen(struct bios *b, struct bios_regs *r)
{
    (void)b;
    r->a.h = 0; // not triggered
    return BIOS_DONE;
}

static enum bios_result page_set(struct bios *b, struct bios_regs *r)
{
    page_show(b, r->a.l);
    return BIOS_DONE;
}

// In the page that is shown, whatever BH says, as the VGA's BIOSes do.
static enum bios_result teletype_put(struct bios *b, struct bios_regs *r)
{
    teletype(b, r->a.l, bda8(b, BDA_PAGE) & 7, r->b.l);
    return BIOS_DONE;
}

static enum bios_result mode_get(struct bios *b, struct bios_regs *r)
{
    r->a.h = (uint8_t)bda16(b, BDA_COLUMNS);
    r->a.l = bda8(b, BDA_MODE) | (bda8(b, BDA_VIDEO_CONTROL) & 0x80);
    r->b.h = bda8(b, BDA_PAGE);
    return BIOS_DONE;
}

enum bios_result int10_video(struct bios *b, struct bios_regs *r)
{
    static const bios_service functions[256] = {
        [0x00] = mode_set,
        [0x01] = cursor_shape_set,
        [0x02] = cursor_set,
        [0x03] = cursor_get,
        [0x04] = light_pen,
        [0x05] = page_set,
        [0x06] = video_scroll,
        [0x07] = video_scroll,
        [0x08] = video_character,
        [0x09] = video_character,
        [0x0a] = video_character,
        [0x0b] = video_cga_palette,
        [0x0c] = video_pixel,
        [0x0d] = video_pixel,
        [0x0e] = teletype_put,
        [0x0f] = mode_get,
        [0x10] = video_palette,
        [0x11] = video_font,
        [0x12] = video_configuration,
        [0x13] = video_string,
        [0x1a] = video_display_code,
        [0x1b] = video_functionality,
        [0x1c] = video_state,
        [0x4f] = vbe,
    };
    bool draws = (r->a.h >= 0x06 && r->a.h <= 0x0e) || r->a.h == 0x13;
    uint16_t bank = draws && b->state.vbe_mode ? vbe_bank(b) : 0;
    if (functions[r->a.h])
        functions[r->a.h](b, r);
    else
        unknown_count(b, r, 0x10);
    if (draws && b->state.vbe_mode)
        vbe_bank_set(b, bank);
    return BIOS_DONE;
}
