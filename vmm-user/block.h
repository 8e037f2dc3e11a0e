// SPDX-License-Identifier: MIT
// A medium as disk controllers and the firmware see it: numbered sectors. What lies behind it, a file in memory or a
// disk service, is its maker's business.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum block_kind { BLOCK_NONE, BLOCK_FLOPPY, BLOCK_DISK, BLOCK_CD };

enum block_error {
    BLOCK_OK,
    BLOCK_RANGE, // past the end
    BLOCK_READ_ONLY,
    BLOCK_NO_MEMORY, // no room to keep what was written
    BLOCK_IO,        // the medium itself failed
};

struct block_backend {
    enum block_kind kind;
    uint32_t sector_size; // bytes: 512, of a CD 2048
    uint64_t sectors;     // 0: no medium
    bool read_only;
    // Whole sectors, inside of the medium; part of a failed write may have happened.
    enum block_error (*read)(void *ctx, uint64_t lba, uint32_t count, void *to);
    enum block_error (*write)(void *ctx, uint64_t lba, uint32_t count, const void *from);
    enum block_error (*flush)(void *ctx); // what was written is durable; NULL: there is nothing to do
    void *ctx;
};

static inline bool block_present(const struct block_backend *b)
{
    return b && b->kind != BLOCK_NONE && b->sectors;
}

static inline bool block_has(const struct block_backend *b, uint64_t lba, uint64_t count)
{
    return lba <= b->sectors && count <= b->sectors - lba;
}

static inline enum block_error block_read(const struct block_backend *b, uint64_t lba, uint32_t count, void *to)
{
    return block_has(b, lba, count) ? b->read(b->ctx, lba, count, to) : BLOCK_RANGE;
}

static inline enum block_error block_write(const struct block_backend *b, uint64_t lba, uint32_t count,
                                           const void *from)
{
    if (b->read_only || !b->write)
        return BLOCK_READ_ONLY;
    return block_has(b, lba, count) ? b->write(b->ctx, lba, count, from) : BLOCK_RANGE;
}

static inline enum block_error block_flush(const struct block_backend *b)
{
    return b->flush ? b->flush(b->ctx) : BLOCK_OK;
}
