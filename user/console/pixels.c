// SPDX-License-Identifier: MIT
#include "user/console/pixels.h"
#include "lib/c/string.h"
#include "lib/sys/screen_api.h"

#define LITERALS 0x80

enum { TEXT, KIND, HEAD, COUNT, NUMBER, NUMBERS, COLOR };

void pixels_init(struct pixels *p)
{
    memset(p, 0, sizeof *p);
}

static enum pixels_result kind_take(struct pixels *p, uint8_t kind)
{
    p->kind = kind;
    p->head_length = 0;
    p->state = kind == SCREEN_PIXELS_BEGIN || kind == SCREEN_PIXELS_PART ? HEAD : TEXT;
    if (kind != SCREEN_PIXELS_END || !p->on)
        return PIXELS_MORE;
    p->on = false;
    return PIXELS_END;
}

// Two numbers for a beginning, three for a part.
static enum pixels_result head_take(struct pixels *p, uint8_t byte)
{
    p->head[p->head_length++] = byte;
    if (p->head_length < (p->kind == SCREEN_PIXELS_PART ? 6 : 4))
        return PIXELS_MORE;
    uint16_t n[3];
    for (unsigned i = 0; i < 3; i++)
        n[i] = (uint16_t)(p->head[2 * i] | p->head[2 * i + 1] << 8);
    if (p->kind == SCREEN_PIXELS_PART) {
        p->row = n[0];
        p->column = p->first = n[1];
        p->left = n[2];
        p->state = n[2] ? COUNT : TEXT;
        return PIXELS_MORE;
    }
    p->state = TEXT;
    p->width = n[0];
    p->height = n[1];
    p->on = n[0] && n[1] && n[0] <= PIXELS_WIDTH_MAX;
    p->next = 0;
    return p->on ? PIXELS_BEGIN : PIXELS_MORE;
}

static void run_put(struct pixels *p, uint8_t number)
{
    const uint8_t *c = p->colors[number];
    for (; p->run && p->column < p->width && p->on; p->run--)
        p->line[p->column++] = (uint32_t)number << 24 | c[0] << 16 | c[1] << 8 | c[2];
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

enum pixels_result pixels_take(struct pixels *p, uint8_t byte)
{
    switch (p->state) {
    case TEXT:
        p->state = byte == SCREEN_PIXELS ? KIND : TEXT;
        return byte == SCREEN_PIXELS ? PIXELS_MORE : PIXELS_TEXT;
    case KIND:
        return kind_take(p, byte);
    case HEAD:
        return head_take(p, byte);
    }
    code_take(p, byte);
    if (--p->left)
        return PIXELS_MORE;
    p->state = TEXT;
    return p->on && p->row < p->height && p->first < p->column ? PIXELS_PART : PIXELS_MORE;
}
