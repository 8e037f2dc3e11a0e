// SPDX-License-Identifier: MIT
#include "vmm-user/block_ram.h"

enum { LEVELS = 3 };

static unsigned index_at(uint64_t page, unsigned level)
{
    for (; level < LEVELS - 1; level++)
        page /= BLOCK_RAM_FANOUT;
    return (unsigned)(page % BLOCK_RAM_FANOUT);
}

static void *page_new(struct block_ram *r)
{
    void *page = r->page_alloc ? r->page_alloc(r->page_ctx) : NULL;
    r->pages += page != NULL;
    return page;
}

// The changed copy of a page, or NULL.
static uint8_t *page_find(const struct block_ram *r, uint64_t page)
{
    void **node = r->root;
    for (unsigned level = 0; node && level < LEVELS; level++)
        node = (void **)node[index_at(page, level)];
    return (uint8_t *)node;
}

static void page_fill(const struct block_ram *r, uint64_t page, uint8_t *copy)
{
    uint64_t from = page * BLOCK_RAM_PAGE;
    uint64_t there = from < r->size ? r->size - from : 0;
    if (there)
        __builtin_memcpy(copy, r->file + from, there < BLOCK_RAM_PAGE ? there : BLOCK_RAM_PAGE);
}

// The copy of a page to write to, made if there is none yet; NULL without memory.
static uint8_t *page_get(struct block_ram *r, uint64_t page)
{
    void **slot = (void **)&r->root;
    for (unsigned level = 0; level < LEVELS; level++) {
        if (!*slot && !(*slot = page_new(r)))
            return NULL;
        slot = (void **)*slot + index_at(page, level);
    }
    if (!*slot) {
        uint8_t *copy = page_new(r);
        if (!copy)
            return NULL;
        page_fill(r, page, copy);
        *slot = copy;
    }
    return (uint8_t *)*slot;
}

// Bytes of the file itself, zeros behind its end.
static void file_read(const struct block_ram *r, uint64_t at, uint64_t size, uint8_t *to)
{
    uint64_t there = at < r->size ? r->size - at : 0;
    if (there > size)
        there = size;
    if (there)
        __builtin_memcpy(to, r->file + at, there);
    __builtin_memset(to + there, 0, size - there);
}

static uint64_t piece_size(uint64_t at, uint64_t size)
{
    uint64_t in_page = BLOCK_RAM_PAGE - at % BLOCK_RAM_PAGE;
    return size < in_page ? size : in_page;
}

static enum block_error ram_read(void *ctx, uint64_t lba, uint32_t count, void *to)
{
    const struct block_ram *r = ctx;
    uint64_t at = lba * r->backend.sector_size, size = (uint64_t)count * r->backend.sector_size;
    uint8_t *out = to;
    if (!r->root) {
        file_read(r, at, size, out);
        return BLOCK_OK;
    }
    for (uint64_t n; size; at += n, out += n, size -= n) {
        n = piece_size(at, size);
        const uint8_t *copy = page_find(r, at / BLOCK_RAM_PAGE);
        if (copy)
            __builtin_memcpy(out, copy + at % BLOCK_RAM_PAGE, n);
        else
            file_read(r, at, n, out);
    }
    return BLOCK_OK;
}

static enum block_error ram_write(void *ctx, uint64_t lba, uint32_t count, const void *from)
{
    struct block_ram *r = ctx;
    uint64_t at = lba * r->backend.sector_size, size = (uint64_t)count * r->backend.sector_size;
    const uint8_t *in = from;
    for (uint64_t n; size; at += n, in += n, size -= n) {
        n = piece_size(at, size);
        uint8_t *copy = page_get(r, at / BLOCK_RAM_PAGE);
        if (!copy)
            return BLOCK_NO_MEMORY;
        __builtin_memcpy(copy + at % BLOCK_RAM_PAGE, in, n);
    }
    return BLOCK_OK;
}

bool block_ram_init(struct block_ram *r, enum block_kind kind, const void *file, uint64_t size,
                    void *(*page_alloc)(void *ctx), void *page_ctx)
{
    uint32_t sector = kind == BLOCK_CD ? 2048 : 512;
    *r = (struct block_ram){.file = file, .size = size, .page_alloc = page_alloc, .page_ctx = page_ctx};
    if (size > BLOCK_RAM_MAX)
        return false;
    r->backend = (struct block_backend){
        .kind = kind,
        .sector_size = sector,
        .sectors = (size + sector - 1) / sector,
        .read_only = kind == BLOCK_CD || !page_alloc,
        .read = ram_read,
        .write = ram_write,
        .ctx = r,
    };
    return true;
}
