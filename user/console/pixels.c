// SPDX-License-Identifier: MIT
#include "user/console/pixels.h"
#include "lib/c/string.h"
#include "lib/sys/screen_api.h"

#define LITERALS 0x80

enum { TEXT, KIND, ROW, LENGTH_LOW, LENGTH_HIGH, COUNT, NUMBER, NUMBERS, COLOR };

void pixels_init(struct pixels *p)
{
    memset(p, 0, sizeof *p);
}

static void kind_take(struct pixels *p, uint8_t kind)
{
    p->state = kind == SCREEN_PIXELS_ROW ? ROW : TEXT;
    if (kind == SCREEN_PIXELS_BEGIN) {
        p->on = true;
        p->next = 0;
    } else if (kind == SCREEN_PIXELS_END) {
        p->on = false;
    }
}

static void run_put(struct pixels *p, uint8_t number)
{
    for (; p->run && p->column < PIXELS_WIDTH && p->row < PIXELS_HEIGHT; p->run--)
        p->cells[p->row][p->column++] = number;
    if (p->row < PIXELS_HEIGHT)
        p->rows_changed[p->row] = 1;
}

// A byte of a row, in picture_code.h's way.
static void code_take(struct pixels *p, uint8_t byte)
{
    if (p->state == COUNT) {
        p->run = byte & ~LITERALS;
        p->part = 0;
        p->state = byte > LITERALS ? NUMBERS : byte && byte < LITERALS ? NUMBER : byte ? COUNT : COLOR;
    } else if (p->state == NUMBER) {
        run_put(p, byte);
        p->state = COUNT;
    } else if (p->state == NUMBERS) {
        unsigned left = p->run - 1u;
        p->run = 1;
        run_put(p, byte);
        p->run = (uint8_t)left;
        p->state = left ? NUMBERS : COUNT;
    } else {
        p->colors[p->next][p->part++] = byte;
        if (p->part < 3)
            return;
        p->next++;
        p->colors_changed = true;
        p->state = COUNT;
    }
}

bool pixels_take(struct pixels *p, uint8_t byte)
{
    switch (p->state) {
    case TEXT:
        p->state = byte == SCREEN_PIXELS ? KIND : TEXT;
        return byte == SCREEN_PIXELS;
    case KIND:
        kind_take(p, byte);
        return true;
    case ROW:
        p->row = byte;
        p->column = 0;
        p->state = LENGTH_LOW;
        return true;
    case LENGTH_LOW:
        p->left = byte;
        p->state = LENGTH_HIGH;
        return true;
    case LENGTH_HIGH:
        p->left |= (uint16_t)(byte << 8);
        p->state = p->left ? COUNT : TEXT;
        return true;
    }
    code_take(p, byte);
    if (!--p->left)
        p->state = TEXT;
    return true;
}
