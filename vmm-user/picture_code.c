// SPDX-License-Identifier: MIT
#include "vmm-user/picture_code.h"
#include <stdbool.h>
#include <stddef.h>

#define RUN_MAX  127
#define RUN_MIN  3    // fewer pixels are shorter one by one
#define LITERALS 0x80 // a count of those

void picture_code_init(struct picture_code *p)
{
    *p = (struct picture_code){0};
    for (unsigned i = 0; i < 256; i++)
        p->colors[i] = ~0u;
}

// What an encoded row has so far.
struct row {
    uint8_t *at;       // where it goes on
    uint8_t *literals; // the count of those that it ends with, NULL: it ends with something else
};

// True if the colour has a number.
static bool number_find(struct picture_code *p, uint32_t color, uint8_t *number)
{
    uint8_t *known = &p->known[(color ^ color >> 7 ^ color >> 13) & 0xff];
    for (unsigned i = 0; i < 256 && p->colors[*known] != color; i++)
        if (p->colors[i] == color)
            *known = (uint8_t)i;
    *number = *known;
    return p->colors[*known] == color;
}

// A colour without a number gets the oldest one.
static uint8_t number_of(struct picture_code *p, uint32_t color, struct row *row)
{
    uint8_t number;
    if (number_find(p, color, &number))
        return number;
    const uint8_t bytes[] = {0, (uint8_t)(color >> 16), (uint8_t)(color >> 8), (uint8_t)color};
    for (unsigned i = 0; i < sizeof(bytes); i++)
        *row->at++ = bytes[i];
    row->literals = NULL;
    p->colors[p->next] = color;
    return p->next++;
}

static void run_put(struct row *row, unsigned run, uint8_t number)
{
    if (run >= RUN_MIN) {
        *row->at++ = (uint8_t)run;
        *row->at++ = number;
        row->literals = NULL;
        return;
    }
    for (; run; run--) {
        if (!row->literals || *row->literals == LITERALS + RUN_MAX) {
            row->literals = row->at++;
            *row->literals = LITERALS;
        }
        ++*row->literals;
        *row->at++ = number;
    }
}

static uint32_t color_at(const uint8_t *rgb)
{
    return (uint32_t)rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

unsigned picture_encode(struct picture_code *p, const uint8_t *rgb, unsigned count, uint8_t *out)
{
    struct row row = {out, NULL};
    for (unsigned x = 0, run; x < count; x += run) {
        uint32_t color = color_at(rgb + 3ul * x);
        for (run = 1; run < RUN_MAX && x + run < count && color_at(rgb + 3ul * (x + run)) == color; run++)
            ;
        run_put(&row, run, number_of(p, color, &row));
    }
    return (unsigned)(row.at - out);
}

unsigned base64_encode(const uint8_t *bytes, unsigned count, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = out;
    for (; count; bytes += 3, count -= count < 3 ? count : 3) {
        uint32_t word = bytes[0] << 16 | (count > 1 ? bytes[1] << 8 : 0) | (count > 2 ? bytes[2] : 0);
        *at++ = digits[word >> 18];
        *at++ = digits[word >> 12 & 63];
        *at++ = (char)(count > 1 ? digits[word >> 6 & 63] : '=');
        *at++ = (char)(count > 2 ? digits[word & 63] : '=');
    }
    *at = 0;
    return (unsigned)(at - out);
}
