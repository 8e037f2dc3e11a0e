// SPDX-License-Identifier: MIT
#include "user/console/screen.h"
#include "lib/c/string.h"
#include "pc/cp437.h"

#define COLOR_NORMAL 0x07
#define TAB          8
#define PARAM_MAX    9999

enum { GROUND, ESCAPE, CSI, OSC, OSC_ESCAPE, SKIP_ONE };

static uint16_t blank(const struct screen *s)
{
    return ' ' | (s->color & 0x70 ? s->color : COLOR_NORMAL) << 8;
}

static void clear(struct screen *s, unsigned row, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to && i < SCREEN_COLUMNS; i++)
        s->cells[row][i] = blank(s);
    s->dirty |= 1u << row;
}

static void clear_rows(struct screen *s, unsigned from, unsigned to)
{
    for (unsigned row = from; row < to; row++)
        clear(s, row, 0, SCREEN_COLUMNS);
}

void screen_init(struct screen *s)
{
    *s = (struct screen){.bottom = SCREEN_ROWS - 1, .color = COLOR_NORMAL, .saved_color = COLOR_NORMAL};
    clear_rows(s, 0, SCREEN_ROWS);
}

// Move the rows [from, to] by n up (or down if n < 0); what opens is blank.
static void scroll(struct screen *s, int from, int to, int n)
{
    int height = to - from + 1, size = n < 0 ? -n : n;
    if (size > height)
        size = height;
    if (n > 0) {
        memmove(s->cells[from], s->cells[from + size], (size_t)(height - size) * sizeof s->cells[0]);
        clear_rows(s, to + 1 - size, to + 1);
    } else {
        memmove(s->cells[from + size], s->cells[from], (size_t)(height - size) * sizeof s->cells[0]);
        clear_rows(s, from, from + size);
    }
    for (int row = from; row <= to; row++)
        s->dirty |= 1u << row;
}

static void line_feed(struct screen *s)
{
    if (s->row == s->bottom)
        scroll(s, s->top, s->bottom, 1);
    else if (s->row < SCREEN_ROWS - 1)
        s->row++;
}

static void reverse_line_feed(struct screen *s)
{
    if (s->row == s->top)
        scroll(s, s->top, s->bottom, -1);
    else if (s->row)
        s->row--;
}

static void print(struct screen *s, uint8_t c)
{
    if (s->outside || (s->clips && s->column >= SCREEN_COLUMNS))
        return;
    if (s->column >= SCREEN_COLUMNS) {
        s->column = 0;
        line_feed(s);
    }
    uint8_t color = s->color | (s->bold ? 8 : 0);
    if (s->reverse)
        color = (uint8_t)(color << 4 & 0x70) | (color >> 4 & 7) | (color & 8);
    s->cells[s->row][s->column++] = c | color << 8;
    s->dirty |= 1u << s->row;
}

// The glyph of a character that code page 437 lacks.
#define GLYPH_NONE 0xfe

static uint8_t glyph_of(const struct screen *s)
{
    uint32_t code = s->utf8[0] & (0x7fu >> s->utf8_length);
    for (unsigned i = 1; i < s->utf8_length; i++)
        code = code << 6 | (s->utf8[i] & 0x3f);
    unsigned glyph = 0;
    while (glyph < 256 && cp437[glyph] != code)
        glyph++;
    return glyph < 256 ? (uint8_t)glyph : GLYPH_NONE;
}

// What was taken for UTF-8 is not.
static void utf8_give_up(struct screen *s)
{
    for (unsigned i = 0; i < s->utf8_count; i++)
        print(s, s->utf8[i]);
    s->utf8_count = 0;
}

// True if the byte is, so far, part of a character.
static bool utf8_take(struct screen *s, uint8_t c)
{
    if (s->utf8_count && (c & 0xc0) != 0x80)
        utf8_give_up(s);
    if (!s->utf8_count) {
        if (c < 0xc2 || c > 0xf4)
            return false;
        s->utf8_length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    }
    s->utf8[s->utf8_count++] = c;
    if (s->utf8_count == s->utf8_length) {
        s->utf8_count = 0;
        print(s, glyph_of(s));
    }
    return true;
}

static void control(struct screen *s, uint8_t c)
{
    switch (c) {
    case '\b':
        if (s->column >= SCREEN_COLUMNS)
            s->column = SCREEN_COLUMNS - 1;
        s->column -= s->column > 0;
        break;
    case '\t':
        s->column = (s->column | (TAB - 1)) + 1 < SCREEN_COLUMNS ? (s->column | (TAB - 1)) + 1 : SCREEN_COLUMNS - 1;
        break;
    case '\n':
    case '\v':
    case '\f':
        line_feed(s);
        break;
    case '\r':
        s->column = 0;
        break;
    case 0x1b:
        s->state = ESCAPE;
        break;
    }
}

static void move(struct screen *s, int row, int column)
{
    s->outside = s->clips && (row >= SCREEN_ROWS || column >= SCREEN_COLUMNS);
    s->row = row < 0 ? 0 : row >= SCREEN_ROWS ? SCREEN_ROWS - 1 : row;
    s->column = column < 0 ? 0 : column >= SCREEN_COLUMNS ? SCREEN_COLUMNS - 1 : column;
}

static void save(struct screen *s)
{
    s->saved_row = s->row;
    s->saved_column = s->column;
    s->saved_color = s->color;
}

static void restore(struct screen *s)
{
    move(s, s->saved_row, s->saved_column);
    s->color = s->saved_color;
}

// Select graphic rendition: ANSI's colours in VGA's order.
static void render(struct screen *s, unsigned p)
{
    static const uint8_t vga[8] = {0, 4, 2, 6, 1, 5, 3, 7};
    if (p == 0) {
        s->color = COLOR_NORMAL;
        s->bold = s->reverse = false;
    } else if (p == 1 || p == 2 || p == 22) {
        s->bold = p == 1;
    } else if (p == 7 || p == 27) {
        s->reverse = p == 7;
    } else if (p >= 30 && p <= 37) {
        s->color = (s->color & 0xf0) | vga[p - 30];
    } else if (p >= 90 && p <= 97) {
        s->color = (s->color & 0xf0) | vga[p - 90] | 8;
    } else if (p == 39) {
        s->color = (s->color & 0xf0) | (COLOR_NORMAL & 0x0f);
    } else if ((p >= 40 && p <= 47) || (p >= 100 && p <= 107)) {
        s->color = (s->color & 0x0f) | (uint8_t)(vga[p % 10] << 4);
    } else if (p == 49) {
        s->color = (s->color & 0x0f) | (COLOR_NORMAL & 0xf0);
    }
}

static void erase_display(struct screen *s, unsigned what)
{
    unsigned column = s->column < SCREEN_COLUMNS ? s->column : SCREEN_COLUMNS - 1;
    if (what == 0) {
        clear(s, s->row, column, SCREEN_COLUMNS);
        clear_rows(s, s->row + 1u, SCREEN_ROWS);
    } else if (what == 1) {
        clear_rows(s, 0, s->row);
        clear(s, s->row, 0, column + 1);
    } else if (what <= 3) {
        clear_rows(s, 0, SCREEN_ROWS);
    }
}

static void erase_line(struct screen *s, unsigned what)
{
    unsigned column = s->column < SCREEN_COLUMNS ? s->column : SCREEN_COLUMNS - 1;
    if (what <= 2)
        clear(s, s->row, what ? 0 : column, what == 1 ? column + 1 : SCREEN_COLUMNS);
}

// Insert (n > 0) or delete characters at the cursor.
static void shift(struct screen *s, int n)
{
    int column = s->column < SCREEN_COLUMNS ? s->column : SCREEN_COLUMNS - 1, room = SCREEN_COLUMNS - column;
    int size = n < 0 ? -n : n;
    uint16_t *cells = s->cells[s->row];
    if (size > room)
        size = room;
    if (n > 0) {
        memmove(cells + column + size, cells + column, (size_t)(room - size) * sizeof *cells);
        clear(s, s->row, column, column + size);
    } else {
        memmove(cells + column, cells + column + size, (size_t)(room - size) * sizeof *cells);
        clear(s, s->row, SCREEN_COLUMNS - size, SCREEN_COLUMNS);
    }
}

static void set_region(struct screen *s, unsigned top, unsigned bottom)
{
    if (!bottom || bottom > SCREEN_ROWS)
        bottom = SCREEN_ROWS;
    if (top < 1)
        top = 1;
    if (top >= bottom)
        return;
    s->top = top - 1;
    s->bottom = bottom - 1;
    move(s, 0, 0);
}

static void csi_final(struct screen *s, uint8_t c)
{
    int first = s->params[0], n = first ? first : 1, second = s->params[1];
    int column = s->column < SCREEN_COLUMNS ? s->column : SCREEN_COLUMNS - 1;
    if (s->private) {
        if ((c == 'h' || c == 'l') && first == 25)
            s->hidden = c == 'l';
        return;
    }
    switch (c) {
    case 'A':
        move(s, s->row - n, column);
        break;
    case 'B':
    case 'e':
        move(s, s->row + n, column);
        break;
    case 'C':
    case 'a':
        move(s, s->row, column + n);
        break;
    case 'D':
        move(s, s->row, column - n);
        break;
    case 'E':
        move(s, s->row + n, 0);
        break;
    case 'F':
        move(s, s->row - n, 0);
        break;
    case 'G':
    case '`':
        move(s, s->row, n - 1);
        break;
    case 'd':
        move(s, n - 1, column);
        break;
    case 'H':
    case 'f':
        move(s, n - 1, second ? second - 1 : 0);
        break;
    case 'J':
        erase_display(s, first);
        break;
    case 'K':
        erase_line(s, first);
        break;
    case 'L':
    case 'M':
        if (s->row >= s->top && s->row <= s->bottom)
            scroll(s, s->row, s->bottom, c == 'M' ? n : -n);
        break;
    case 'S':
    case 'T':
        scroll(s, s->top, s->bottom, c == 'S' ? n : -n);
        break;
    case '@':
        shift(s, n);
        break;
    case 'P':
        shift(s, -n);
        break;
    case 'X':
        clear(s, s->row, column, column + n);
        break;
    case 'm':
        for (unsigned i = 0; i <= s->count && i < SCREEN_PARAMS; i++)
            render(s, s->params[i]);
        break;
    case 'r':
        set_region(s, first, second);
        break;
    case 's':
        save(s);
        break;
    case 'u':
        restore(s);
        break;
    }
}

static void csi(struct screen *s, uint8_t c)
{
    if (c >= '0' && c <= '9') {
        if (s->count < SCREEN_PARAMS && s->params[s->count] <= PARAM_MAX / 10)
            s->params[s->count] = s->params[s->count] * 10 + (c - '0');
    } else if (c == ';') {
        s->count += s->count < SCREEN_PARAMS;
    } else if (c == '?' || c == '>' || c == '=') {
        s->private = true;
    } else if (c >= 0x40) {
        s->state = GROUND;
        csi_final(s, c);
    } else if (c < ' ') {
        s->state = GROUND;
        control(s, c);
    }
}

static void escape(struct screen *s, uint8_t c)
{
    s->state = GROUND;
    switch (c) {
    case '[':
        s->state = CSI;
        s->private = false;
        s->count = 0;
        memset(s->params, 0, sizeof s->params);
        break;
    case ']':
        s->state = OSC;
        break;
    case '(':
    case ')':
    case '#':
        s->state = SKIP_ONE;
        break;
    case '7':
        save(s);
        break;
    case '8':
        restore(s);
        break;
    case 'D':
        line_feed(s);
        break;
    case 'E':
        s->column = 0;
        line_feed(s);
        break;
    case 'M':
        reverse_line_feed(s);
        break;
    case 'c':
        screen_init(s);
        break;
    }
}

void screen_put(struct screen *s, uint8_t c)
{
    switch (s->state) {
    case ESCAPE:
        escape(s, c);
        return;
    case CSI:
        csi(s, c);
        return;
    case OSC: // ends with BEL or ESC backslash
        s->state = c == 0x07 ? GROUND : c == 0x1b ? OSC_ESCAPE : OSC;
        return;
    case OSC_ESCAPE:
    case SKIP_ONE:
        s->state = GROUND;
        return;
    }
    if (utf8_take(s, c))
        return;
    if (c < ' ')
        control(s, c);
    else if (c != 0x7f)
        print(s, c);
}
