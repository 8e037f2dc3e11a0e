// SPDX-License-Identifier: MIT
// Saved device state: a little-endian byte stream. Each device writes a version first; a short or wrong stream sets `error`.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state {
    uint8_t *at, *end;
    bool error;
};

static inline void state_put(struct state *s, uint64_t value, unsigned bytes)
{
    if ((size_t)(s->end - s->at) < bytes) {
        s->error = true;
        return;
    }
    for (unsigned i = 0; i < bytes; i++)
        *s->at++ = (uint8_t)(value >> (8 * i));
}

static inline uint64_t state_get(struct state *s, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(s->end - s->at) < bytes) {
        s->error = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)*s->at++ << (8 * i);
    return value;
}

static inline void state_put_bytes(struct state *s, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        state_put(s, ((const uint8_t *)p)[i], 1);
}

static inline void state_get_bytes(struct state *s, void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)state_get(s, 1);
}
