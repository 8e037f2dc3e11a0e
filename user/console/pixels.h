// SPDX-License-Identifier: MIT
// A screen of 320x200 pixels in 256 colours, as a VMM sends it between the text (lib/sys/screen_api.h). Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PIXELS_WIDTH  320
#define PIXELS_HEIGHT 200

struct pixels {
    bool on; // there are pixels to be seen, no text
    uint8_t state, next, run, row;
    uint16_t column, left; // where the row is, and how many of its bytes are to come
    uint8_t part;          // of a colour that is coming
    bool colors_changed;
    uint8_t rows_changed[PIXELS_HEIGHT];
    uint8_t colors[256][3];
    _Alignas(4) uint8_t cells[PIXELS_HEIGHT][PIXELS_WIDTH];
};

void pixels_init(struct pixels *p);
bool pixels_take(struct pixels *p, uint8_t byte); // false: the byte is text
