// SPDX-License-Identifier: MIT
#include "lib/sys/selectors.h"
#include <stdbool.h>

void selectors_init(struct selectors *s, uint64_t base)
{
    *s = (struct selectors){.base = base};
}

static bool is_used(const struct selectors *s, unsigned i)
{
    return s->used[i / 64] >> i % 64 & 1;
}

uint64_t selectors_alloc(struct selectors *s, unsigned count)
{
    unsigned run = 0;
    for (unsigned i = 0; count && i < SELECTORS_MAX; i++) {
        run = is_used(s, i) ? 0 : run + 1;
        if (run == count) {
            unsigned first = i + 1 - count;
            for (unsigned j = first; j <= i; j++)
                s->used[j / 64] |= 1ul << j % 64;
            return s->base + first;
        }
    }
    return SELECTORS_NONE;
}

void selectors_free(struct selectors *s, uint64_t first, unsigned count)
{
    uint64_t at = first - s->base;
    for (unsigned i = 0; first >= s->base && i < count && at + i < SELECTORS_MAX; i++)
        s->used[(at + i) / 64] &= ~(1ul << (at + i) % 64);
}
