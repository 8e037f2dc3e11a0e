// SPDX-License-Identifier: MIT
#include "vmm-user/devices/vga_terminal.h"
#include "lib/c/printf.h"
#include "pc/cp437.h"

#define GAP_MAX    6      // the length of a movement, about
#define CELL_BLANK 0x0720 // grey space on black: what a cleared terminal shows

static unsigned utf8_put(char *out, uint16_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

void vga_terminal_reset(struct vga_terminal *t)
{
    t->columns = t->rows = 0;
}

static unsigned terminal_clear(struct vga_terminal *t, unsigned columns, unsigned rows, char *out, unsigned room)
{
    t->columns = (uint16_t)columns;
    t->rows = (uint16_t)rows;
    t->row = t->column = 0;
    t->attribute = -1;
    t->cursor_hidden = false;
    for (unsigned row = 0; row < rows; row++)
        for (unsigned column = 0; column < columns; column++)
            t->cells[row][column] = CELL_BLANK;
    return (unsigned)snprintf(out, room, "\033[0m\033[2J\033[H\033[?25h");
}

static unsigned attribute_put(struct vga_terminal *t, uint8_t attribute, bool blinks, char *out, unsigned room)
{
    static const uint8_t ansi[8] = {0, 4, 2, 6, 1, 5, 3, 7};
    unsigned back = (blinks || !(attribute & 0x80) ? 40 : 100) + ansi[attribute >> 4 & 7];
    t->attribute = attribute;
    t->blinks = blinks;
    return (unsigned)snprintf(out, room, "\033[0%s%s;%u;%um", attribute & 8 ? ";1" : "",
                              blinks && attribute & 0x80 ? ";5" : "", 30u + ansi[attribute & 7], back);
}

static unsigned move_put(struct vga_terminal *t, unsigned row, unsigned column, char *out, unsigned room)
{
    t->row = (uint16_t)row;
    t->column = (uint16_t)column;
    return (unsigned)snprintf(out, room, "\033[%u;%uH", row + 1, column + 1);
}

// A few characters that stand there already take less than moving over them, and words stay together.
static unsigned gap_put(struct vga_terminal *t, unsigned column, char *out)
{
    unsigned n = 0;
    for (unsigned i = t->column; i < column; i++)
        if (t->cells[t->row][i] >> 8 != t->attribute)
            return 0;
    for (; t->column < column; t->column++)
        n += utf8_put(out + n, cp437[t->cells[t->row][t->column] & 0xff]);
    return n;
}

static unsigned cell_put(struct vga_terminal *t, unsigned row, unsigned column, uint16_t cell, bool blinks, char *out)
{
    unsigned n = 0;
    if (t->row == row && column > t->column && column - t->column <= GAP_MAX)
        n += gap_put(t, column, out);
    if (t->row != row || t->column != column)
        n += move_put(t, row, column, out, VGA_TERMINAL_ROOM);
    if (t->attribute != cell >> 8 || t->blinks != blinks)
        n += attribute_put(t, (uint8_t)(cell >> 8), blinks, out + n, VGA_TERMINAL_ROOM - n);
    n += utf8_put(out + n, cp437[cell & 0xff]);
    t->cells[row][column] = cell;
    t->column++;
    if (t->column == t->columns) // terminals differ in where the cursor is now
        t->row = UINT16_MAX;
    return n;
}

static unsigned cursor_update(struct vga_terminal *t, const struct vga *v, char *out, unsigned room)
{
    unsigned row, column, n = 0;
    bool hidden = !vga_text_cursor(v, &row, &column) || row >= t->rows || column >= t->columns;
    if (hidden != t->cursor_hidden)
        n = (unsigned)snprintf(out, room, hidden ? "\033[?25l" : "\033[?25h");
    t->cursor_hidden = hidden;
    if (!hidden && (row != t->row || column != t->column))
        n += move_put(t, row, column, out + n, room - n);
    return n;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned vga_terminal_update(struct vga_terminal *t, const struct vga *v, char *out, unsigned room)
{
    struct vga_mode mode = vga_mode(v);
    uint16_t cells[VGA_TERMINAL_COLUMNS];
    unsigned n = 0, columns = least(mode.columns, VGA_TERMINAL_COLUMNS), rows = least(mode.rows, VGA_TERMINAL_ROWS);
    bool blinks = v->attr[VGA_ATTR_MODE] & VGA_ATTR_MODE_BLINK;
    if (mode.kind != VGA_TEXT || !columns || !rows || room < VGA_TERMINAL_ROOM)
        return 0;
    if (columns != t->columns || rows != t->rows)
        n = terminal_clear(t, columns, rows, out, room);
    for (unsigned row = 0; row < rows; row++) {
        vga_text_row(v, row, cells, columns);
        for (unsigned column = 0; column < columns; column++) {
            if (cells[column] == t->cells[row][column])
                continue;
            if (room - n < VGA_TERMINAL_ROOM)
                return n;
            n += cell_put(t, row, column, cells[column], blinks, out + n);
        }
    }
    return room - n < VGA_TERMINAL_ROOM ? n : n + cursor_update(t, v, out + n, room - n);
}

unsigned vga_terminal_line(const struct vga *v, unsigned row, char *out, unsigned room)
{
    uint16_t cells[256];
    unsigned count = vga_text_row(v, row, cells, 256), n = 0;
    while (count && cp437[cells[count - 1] & 0xff] == ' ')
        count--;
    for (unsigned i = 0; i < count && room - n > 3; i++)
        n += utf8_put(out + n, cp437[cells[i] & 0xff]);
    if (room)
        out[n] = 0;
    return n;
}
