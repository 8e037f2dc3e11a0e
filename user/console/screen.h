// SPDX-License-Identifier: MIT
// A VT100-like terminal of 80x25 characters in the cells of VGA text memory (character | attribute << 8). It takes
// UTF-8 of what code page 437 has; bytes that are no UTF-8 are of that code page. Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define SCREEN_COLUMNS 80
#define SCREEN_ROWS    25
#define SCREEN_PARAMS  8

struct screen {
    uint16_t cells[SCREEN_ROWS][SCREEN_COLUMNS];
    uint32_t dirty;      // bit per row: changed since screen_clean
    uint8_t row, column; // column == SCREEN_COLUMNS: the next character wraps
    uint8_t top, bottom; // scrolling region, inclusive
    uint8_t saved_row, saved_column, saved_color;
    uint8_t color;              // VGA attribute
    bool bold, reverse, hidden; // hidden: the cursor
    uint8_t state;              // of the escape-sequence parser
    bool private;
    uint8_t count;
    uint16_t params[SCREEN_PARAMS];
    bool clips;   // a place outside of the screen is outside of it, not at its edge: for what has another size
    bool outside; // the cursor was sent there
    uint8_t utf8_count, utf8_length; // bytes of a character's UTF-8 that have come, and how many there will be
    uint8_t utf8[4];
};

void screen_init(struct screen *s);
void screen_put(struct screen *s, uint8_t byte);
