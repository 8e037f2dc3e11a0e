// SPDX-License-Identifier: MIT
// Counts by key, for things of which a guest meets only a few kinds: unknown ports, unknown MSRs.
#pragma once
#include <stdint.h>

#define TALLY_KEYS 32

struct tally {
    struct {
        uint64_t key, count;
    } entries[TALLY_KEYS];
    unsigned used;
    uint64_t others; // what came when all entries were taken
};

static inline void tally_count(struct tally *t, uint64_t key)
{
    for (unsigned i = 0; i < t->used; i++)
        if (t->entries[i].key == key) {
            t->entries[i].count++;
            return;
        }
    if (t->used == TALLY_KEYS) {
        t->others++;
        return;
    }
    t->entries[t->used].key = key;
    t->entries[t->used++].count = 1;
}
