// SPDX-License-Identifier: MIT
// Hands out unused selectors of a process: runs of neighbours from a bitmap. For one thread at a time.
#pragma once
#include <stdint.h>

#define SELECTORS_MAX  4096
#define SELECTORS_NONE 0 // selector 0 is never handed out

struct selectors {
    uint64_t base; // of the first
    uint64_t used[SELECTORS_MAX / 64];
};

void selectors_init(struct selectors *s, uint64_t base);
uint64_t selectors_alloc(struct selectors *s, unsigned count); // SELECTORS_NONE when there is no such run
void selectors_free(struct selectors *s, uint64_t first, unsigned count);
