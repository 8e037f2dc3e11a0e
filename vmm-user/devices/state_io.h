// SPDX-License-Identifier: MIT
// One description of a device's state for both directions: each helper saves or loads one field.
#pragma once
#include "vmm-user/state.h"

static inline void state_u8(struct state *s, bool load, uint8_t *v)
{
    if (load)
        *v = (uint8_t)state_get(s, 1);
    else
        state_put(s, *v, 1);
}

static inline void state_u16(struct state *s, bool load, uint16_t *v)
{
    if (load)
        *v = (uint16_t)state_get(s, 2);
    else
        state_put(s, *v, 2);
}

static inline void state_u32(struct state *s, bool load, uint32_t *v)
{
    if (load)
        *v = (uint32_t)state_get(s, 4);
    else
        state_put(s, *v, 4);
}

static inline void state_u64(struct state *s, bool load, uint64_t *v)
{
    if (load)
        *v = state_get(s, 8);
    else
        state_put(s, *v, 8);
}

static inline void state_bool(struct state *s, bool load, bool *v)
{
    if (load)
        *v = state_get(s, 1) & 1;
    else
        state_put(s, *v, 1);
}

static inline void state_bytes(struct state *s, bool load, void *p, size_t n)
{
    if (load)
        state_get_bytes(s, p, n);
    else
        state_put_bytes(s, p, n);
}

// The version that starts each device's state; another one is an error.
static inline void state_version(struct state *s, bool load, uint8_t version)
{
    uint8_t v = version;
    state_u8(s, load, &v);
    if (v != version)
        s->error = true;
}
