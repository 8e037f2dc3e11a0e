// SPDX-License-Identifier: MIT
#include "user/console/vga.h"
#include <stddef.h>
#include "lib/sys/start.h"
#include "x86/regs.h"

#define CRTC_INDEX 0x3d4
#define CRTC_DATA  0x3d5
#define CRTC_START 0x0a // cursor's first scan line; bit 5 = off
#define CRTC_END   0x0b
#define CRTC_HIGH  0x0e
#define CRTC_LOW   0x0f
#define CURSOR_OFF 0x20

static void crtc(uint8_t reg, uint8_t value)
{
    outb(CRTC_INDEX, reg);
    outb(CRTC_DATA, value);
}

static void show_cursor(const struct screen *s)
{
    static unsigned shown = ~0u;
    unsigned at = s->row * SCREEN_COLUMNS + (s->column < SCREEN_COLUMNS ? s->column : SCREEN_COLUMNS - 1);
    unsigned wanted = at | (s->hidden ? 1u << 16 : 0);
    if (wanted == shown)
        return;
    shown = wanted;
    crtc(CRTC_START, s->hidden ? CURSOR_OFF : 13);
    crtc(CRTC_END, 14);
    crtc(CRTC_HIGH, at >> 8);
    crtc(CRTC_LOW, at & 0xff);
}

void vga_show(struct screen *s, bool all)
{
    volatile uint32_t *memory = (volatile uint32_t *)START_VGA;
    for (unsigned row = 0; row < SCREEN_ROWS; row++) {
        if (!all && !(s->dirty >> row & 1))
            continue;
        volatile uint32_t *to = memory + (size_t)row * (SCREEN_COLUMNS / 2);
        for (unsigned i = 0; i < SCREEN_COLUMNS / 2; i++)
            to[i] = s->cells[row][2ul * i] | (uint32_t)s->cells[row][2ul * i + 1] << 16;
    }
    s->dirty = 0;
    show_cursor(s);
}
