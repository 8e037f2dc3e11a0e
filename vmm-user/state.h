// SPDX-License-Identifier: MIT
// Saved device state: a little-endian byte stream, which a device describes once for both directions. What is short or
// wrong sets `error`, and all that follows loads as 0.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state {
    uint8_t *at, *end;
    bool error, load;
};

static inline void state_bytes(struct state *s, void *p, size_t n)
{
    s->error |= (size_t)(s->end - s->at) < n;
    if (!s->error)
        __builtin_memcpy(s->load ? p : s->at, s->load ? s->at : p, n);
    else if (s->load)
        __builtin_memset(p, 0, n);
    s->at += s->error ? 0 : n;
}

static inline void state_bool(struct state *s, void *p, size_t n)
{
    uint8_t byte = *(bool *)p;
    (void)n;
    state_bytes(s, &byte, sizeof(byte));
    *(bool *)p = byte & 1;
}

// One field: a number, a flag, or an array of numbers.
#define STATE(s, field) _Generic((field), bool : state_bool, default : state_bytes)(s, &(field), sizeof(field))
// All that an array of pointers points to.
#define STATE_EACH(s, pointers)                                                                                        \
    for (size_t i_ = 0; i_ < sizeof(pointers) / sizeof(*(pointers)); i_++)                                             \
    STATE(s, *(pointers)[i_])
