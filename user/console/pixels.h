// SPDX-License-Identifier: MIT
// A screen of pixels, as a VMM sends it between the text (lib/sys/screen_api.h): nothing is kept but the row that
// comes. Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PIXELS_WIDTH_MAX 2560

enum pixels_result { PIXELS_TEXT, PIXELS_MORE, PIXELS_BEGIN, PIXELS_PART, PIXELS_END };

struct pixels {
    bool on;                // there are pixels to be seen, no text
    uint16_t width, height; // of the screen
    uint16_t row, first;    // the part that comes; where it begins
    uint16_t column, left;  // where it goes on; how many of its bytes are to come
    uint8_t state, kind, head_length, head[6];
    uint8_t next, run, part; // numbers that were given; of a run, and of a colour that is coming
    bool colors_changed;
    uint8_t colors[256][3];
    uint32_t line[PIXELS_WIDTH_MAX]; // of the part, from `first` to `column`: number of the colour << 24 | red << 16 |
                                     // green << 8 | blue
};

void pixels_init(struct pixels *p);

// PIXELS_TEXT: the byte is not of the pixels. PIXELS_PART: it is complete.
enum pixels_result pixels_take(struct pixels *p, uint8_t byte);
