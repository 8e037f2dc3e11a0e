// SPDX-License-Identifier: GPL-2.0-only
#include "vmm-user/picture_code.h"

#define RUN_MAX 255

void picture_code_init(struct picture_code *p)
{
    *p = (struct picture_code){0};
    for (unsigned i = 0; i < 256; i++)
        p->colors[i] = ~0u;
}

// The colour's number; one that is not among the 256 takes the place of the oldest.
static uint8_t number_of(struct picture_code *p, uint32_t color, uint8_t **out)
{
    uint8_t *known = &p->known[(color ^ color >> 7 ^ color >> 13) & 0xff];
    if (p->colors[*known] == color)
        return *known;
    for (unsigned i = 0; i < 256; i++)
        if (p->colors[i] == color) {
            *known = (uint8_t)i;
            return *known;
        }
    const uint8_t bytes[] = {0, (uint8_t)(color >> 16), (uint8_t)(color >> 8), (uint8_t)color};
    for (unsigned i = 0; i < sizeof(bytes); i++)
        *(*out)++ = bytes[i];
    *known = p->next++;
    p->colors[*known] = color;
    return *known;
}

static uint32_t color_at(const uint8_t *rgb)
{
    return (uint32_t)rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

unsigned picture_encode(struct picture_code *p, const uint8_t *rgb, unsigned count, uint8_t *out)
{
    uint8_t *at = out;
    for (unsigned x = 0, run; x < count; x += run) {
        uint32_t color = color_at(rgb + 3ul * x);
        for (run = 1; run < RUN_MAX && x + run < count && color_at(rgb + 3ul * (x + run)) == color; run++)
            ;
        uint8_t number = number_of(p, color, &at);
        *at++ = (uint8_t)run;
        *at++ = number;
    }
    return (unsigned)(at - out);
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
