// SPDX-License-Identifier: MIT
// A screen of 80x25 characters drawn on a linear framebuffer: as large as whole multiples of the font allow, in the
// middle. Pure.
#pragma once
#include <stdbool.h>
#include "lib/sys/start.h"
#include "user/console/pixels.h"
#include "user/console/screen.h"

#define FONT_HEIGHT 16
#define FONT_WIDTH  8

extern const uint8_t console_font[256][FONT_HEIGHT]; // code page 437, a byte per line, its highest bit the left pixel

struct framebuffer {
    uint8_t *pixels;
    struct start_framebuffer mode;
    uint32_t zoom, left, top; // pixels
    uint32_t colors[16];      // VGA's, as pixels
    uint16_t drawn[SCREEN_ROWS][SCREEN_COLUMNS];
    unsigned cursor; // cell where it is drawn, SCREEN_ROWS * SCREEN_COLUMNS: nowhere
    bool cleared;
    uint32_t pixel_zoom; // of pixels in place of the text
};

// False: too small for 80x25 characters, or pixels of a kind that is not known.
bool framebuffer_init(struct framebuffer *f, void *pixels, const struct start_framebuffer *mode);

// What changed since the last time, or all of it.
void framebuffer_show(struct framebuffer *f, struct screen *s, bool all);

// Pixels in place of the text, as large as whole multiples allow; larger than the framebuffer: none of them.
void framebuffer_begin(struct framebuffer *f, const struct pixels *p);
void framebuffer_part(struct framebuffer *f, const struct pixels *p);
