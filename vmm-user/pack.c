// SPDX-License-Identifier: MIT
#include "vmm-user/pack.h"
#include "lib/c/string.h"

#define MATCH_MIN    4
#define MATCH_MAX    131
#define LITERALS_MAX 128

void pack_init(struct pack *p)
{
    p->base = PACK_WINDOW; // so that 0 is before everything
    p->used = 0;
    memset(p->heads, 0, sizeof(p->heads));
}

// How long what begins at `at` is the same as what began before, where such bytes were last seen (*from).
static unsigned match(struct pack *p, uint32_t at, uint32_t *from)
{
    uint32_t four, most = p->used - at, length = 0;
    if (most < MATCH_MIN)
        return 0;
    memcpy(&four, p->window + at, sizeof(four));
    uint32_t *head = &p->heads[four * 2654435761u >> 20], seen = *head;
    *head = p->base + at;
    if (seen < p->base)
        return 0;
    *from = seen - p->base;
    while (length < most && length < MATCH_MAX && p->window[*from + length] == p->window[at + length])
        length++;
    return length < MATCH_MIN ? 0 : length;
}

static uint8_t *literals_put(uint8_t *out, const uint8_t *bytes, unsigned count)
{
    for (unsigned n; count; count -= n, bytes += n, out += n) {
        n = count < LITERALS_MAX ? count : LITERALS_MAX;
        *out++ = (uint8_t)(n - 1);
        memcpy(out, bytes, n);
    }
    return out;
}

unsigned pack_bytes(struct pack *p, const uint8_t *bytes, unsigned count, uint8_t *out)
{
    if (p->used + count > sizeof(p->window)) {
        uint32_t gone = p->used - PACK_WINDOW;
        memmove(p->window, p->window + gone, PACK_WINDOW);
        p->base += gone;
        p->used = PACK_WINDOW;
    }
    uint32_t at = p->used, plain = at, from, length;
    uint8_t *to = out;
    memcpy(p->window + at, bytes, count);
    for (p->used += count; at < p->used;) {
        if (!(length = match(p, at, &from))) {
            at++;
            continue;
        }
        to = literals_put(to, p->window + plain, at - plain);
        *to++ = (uint8_t)(128 + length - MATCH_MIN);
        *to++ = (uint8_t)(at - from);
        *to++ = (uint8_t)((at - from) >> 8);
        plain = at += length;
    }
    to = literals_put(to, p->window + plain, at - plain);
    return (unsigned)(to - out);
}
