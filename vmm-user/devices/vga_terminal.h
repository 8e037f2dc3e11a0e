// SPDX-License-Identifier: MIT
// The text screen shown on a terminal (xterm, UTF-8) that keeps what was last sent: only changes are sent.
#pragma once
#include "vmm-user/devices/vga.h"

#define VGA_TERMINAL_COLUMNS 132
#define VGA_TERMINAL_ROWS    60
#define VGA_TERMINAL_ROOM    64 // the least room for which vga_terminal_update gets on

struct vga_terminal {
    uint16_t columns, rows; // as last seen; 0: nothing was shown yet
    uint16_t row, column;   // where the terminal's cursor is
    int attribute;          // that it writes with, -1: unknown
    bool blinks;            // attribute bit 7, when `attribute` was set
    bool cursor_hidden;
    uint16_t cells[VGA_TERMINAL_ROWS][VGA_TERMINAL_COLUMNS];
};

// Begins anew: the terminal is cleared with the next update.
void vga_terminal_reset(struct vga_terminal *t);

// Puts at most `room` bytes into `out` that bring the terminal nearer to the screen; returns how many. 0: it shows the
// screen, or there is no text to show.
unsigned vga_terminal_update(struct vga_terminal *t, const struct vga *v, char *out, unsigned room);

// A row as plain UTF-8 without trailing blanks and without attributes; returns its bytes, without the ending 0.
unsigned vga_terminal_line(const struct vga *v, unsigned row, char *out, unsigned room);
