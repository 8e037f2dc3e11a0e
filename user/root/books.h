// SPDX-License-Identifier: MIT
// The books of all memory: per 2 MiB block, which of its 4 KiB pages are handed out and which hold somebody's old
// bytes. Pure: memory is touched only through `window`, where physical address 0 would be.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/layout.h"

#define BLOCK_PAGES (LARGE_SIZE / PAGE_SIZE)
#define BLOCK_WORDS (BLOCK_PAGES / 64)

struct block {
    uint64_t used[BLOCK_WORDS];  // handed out, or not memory at all
    uint64_t dirty[BLOCK_WORDS]; // not zeroed since its last owner
    uint16_t free;               // pages that are not `used`
};

struct books {
    struct block *blocks; // [physical address / LARGE_SIZE]
    size_t count;
    uint8_t *window;
    uint64_t total, free, dirty; // pages: all, not handed out, and of all of them not zeroed
    size_t zero_hint;
};

struct run {
    uint64_t phys;
    uint64_t pages;
};

size_t books_size(uint64_t top);                                             // bytes of storage for memory below `top`
void books_init(struct books *b, void *storage, uint64_t top, void *window); // storage is zeroed here; no memory yet
void books_add(struct books *b, uint64_t phys, uint64_t pages);              // free, dirty
void books_remove(struct books *b, uint64_t phys, uint64_t pages);           // not for handing out (boot files ...)

// Each hands out at most `pages` pages in one run, zeroed ones first; .pages = 0 when there are none. What is handed
// out may still be dirty: books_clean. `align` in pages, a power of two; `exact` = all or nothing, below `limit`.
struct run books_take_small(struct books *b, uint64_t pages); // 4 KiB pages, within one block
struct run books_take_large(struct books *b, uint64_t pages); // whole blocks; pages is a multiple of BLOCK_PAGES
struct run books_take_exact(struct books *b, uint64_t pages, uint64_t align, uint64_t limit);
void books_give(struct books *b, struct run run); // back, dirty

uint64_t books_clean(struct books *b, struct run run, uint64_t budget); // zero what is dirty; how many pages that were
uint64_t books_clean_free(struct books *b, uint64_t budget);            // the same for any free page
