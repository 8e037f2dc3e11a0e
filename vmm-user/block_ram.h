// SPDX-License-Identifier: MIT
// A file in memory as a medium. The file is never written: changed pages are kept beside it, copied at their first
// write.
#pragma once
#include "vmm-user/block.h"

#define BLOCK_RAM_PAGE   4096
#define BLOCK_RAM_FANOUT (BLOCK_RAM_PAGE / 8)
#define BLOCK_RAM_MAX    ((uint64_t)BLOCK_RAM_FANOUT * BLOCK_RAM_FANOUT * BLOCK_RAM_FANOUT * BLOCK_RAM_PAGE)

struct block_ram {
    struct block_backend backend;
    const uint8_t *file;
    uint64_t size;                  // bytes of the file; the rest of its last sector reads as zeros
    void *(*page_alloc)(void *ctx); // a zeroed page, or NULL; NULL callback: the medium is read-only
    void *page_ctx;
    void **root;    // a tree of pages, three levels, then the changed page
    uint64_t pages; // allocated, the tree's own included
};

// False: the file is larger than BLOCK_RAM_MAX. An empty file is an absent medium.
bool block_ram_init(struct block_ram *r, enum block_kind kind, const void *file, uint64_t size,
                    void *(*page_alloc)(void *ctx), void *page_ctx);
