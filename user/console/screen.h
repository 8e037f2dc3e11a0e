// SPDX-License-Identifier: GPL-2.0-only
// A VT100-like terminal of 80x25 characters in the cells of VGA text memory (character | attribute << 8). Pure.
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
};

void screen_init(struct screen *s);
void screen_put(struct screen *s, uint8_t byte);
