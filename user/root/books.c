// SPDX-License-Identifier: MIT
#include "user/root/books.h"

size_t books_size(uint64_t top)
{
    return (top + LARGE_SIZE - 1) / LARGE_SIZE * sizeof(struct block);
}

void books_init(struct books *b, void *storage, uint64_t top, void *window)
{
    *b = (struct books){.blocks = storage, .count = books_size(top) / sizeof(struct block), .window = window};
    for (size_t i = 0; i < b->count; i++) {
        b->blocks[i] = (struct block){0};
        for (unsigned w = 0; w < BLOCK_WORDS; w++)
            b->blocks[i].used[w] = ~0ul;
    }
}

static bool bit_test(const uint64_t *bits, unsigned i)
{
    return bits[i / 64] >> i % 64 & 1;
}

static void bit_set(uint64_t *bits, unsigned i, bool value)
{
    uint64_t mask = 1ul << i % 64;
    bits[i / 64] = value ? bits[i / 64] | mask : bits[i / 64] & ~mask;
}

static struct block *block_of(const struct books *b, uint64_t page)
{
    return page / BLOCK_PAGES < b->count ? &b->blocks[page / BLOCK_PAGES] : NULL;
}

static bool page_free(const struct books *b, uint64_t page)
{
    const struct block *k = block_of(b, page);
    return k && !bit_test(k->used, page % BLOCK_PAGES);
}

// The callers have looked: the page is in a block of the books.
static void page_set_used(struct books *b, uint64_t page, bool used)
{
    struct block *k = &b->blocks[page / BLOCK_PAGES];
    bit_set(k->used, page % BLOCK_PAGES, used);
    k->free += used ? -1 : 1;
    b->free += used ? -1 : 1;
}

static void page_set_dirty(struct books *b, uint64_t page, bool dirty)
{
    struct block *k = &b->blocks[page / BLOCK_PAGES];
    if (bit_test(k->dirty, page % BLOCK_PAGES) == dirty)
        return;
    bit_set(k->dirty, page % BLOCK_PAGES, dirty);
    b->dirty += dirty ? 1 : -1;
}

static bool block_clean(const struct block *k)
{
    uint64_t dirty = 0;
    for (unsigned w = 0; w < BLOCK_WORDS; w++)
        dirty |= k->dirty[w];
    return !dirty;
}

// A whole block at once: large memory would take long page by page.
static void block_set_used(struct books *b, struct block *k, bool used)
{
    for (unsigned w = 0; w < BLOCK_WORDS; w++)
        k->used[w] = used ? ~0ul : 0;
    k->free = used ? 0 : BLOCK_PAGES;
    b->free += used ? -BLOCK_PAGES : BLOCK_PAGES;
}

static void block_set_dirty(struct books *b, struct block *k)
{
    for (unsigned w = 0; w < BLOCK_WORDS; w++) {
        b->dirty += 64 - (unsigned)__builtin_popcountl(k->dirty[w]);
        k->dirty[w] = ~0ul;
    }
}

static bool whole_block(uint64_t page, uint64_t pages)
{
    return page % BLOCK_PAGES == 0 && pages >= BLOCK_PAGES;
}

void books_add(struct books *b, uint64_t phys, uint64_t pages)
{
    for (uint64_t page = phys / PAGE_SIZE; pages && block_of(b, page); page++, pages--) {
        struct block *k = block_of(b, page);
        if (whole_block(page, pages) && !k->free && block_clean(k)) {
            block_set_used(b, k, false);
            block_set_dirty(b, k);
            b->total += BLOCK_PAGES;
            page += BLOCK_PAGES - 1;
            pages -= BLOCK_PAGES - 1;
            continue;
        }
        if (page_free(b, page))
            continue;
        page_set_used(b, page, false);
        page_set_dirty(b, page, true);
        b->total++;
    }
}

void books_remove(struct books *b, uint64_t phys, uint64_t pages)
{
    for (uint64_t page = phys / PAGE_SIZE; pages && block_of(b, page); page++, pages--) {
        if (!page_free(b, page))
            continue;
        page_set_dirty(b, page, false);
        page_set_used(b, page, true);
        b->total--;
    }
}

// The first page at or after `from` of this block that is free (and clean, if asked), or BLOCK_PAGES.
static unsigned block_find(const struct block *k, unsigned from, bool clean)
{
    for (unsigned w = from / 64; w < BLOCK_WORDS; w++) {
        uint64_t good = ~k->used[w] & (clean ? ~k->dirty[w] : ~0ul);
        if (w == from / 64)
            good &= ~0ul << from % 64;
        if (good)
            return w * 64 + (unsigned)__builtin_ctzl(good);
    }
    return BLOCK_PAGES;
}

static struct run take_from(struct books *b, size_t block, uint64_t pages, bool clean)
{
    struct block *k = &b->blocks[block];
    unsigned first = block_find(k, 0, clean), n = 0;
    while (first < BLOCK_PAGES && n < pages && block_find(k, first + n, clean) == first + n && first + n < BLOCK_PAGES)
        n++;
    struct run run = {(block * BLOCK_PAGES + first) * PAGE_SIZE, n};
    for (unsigned i = 0; i < n; i++)
        page_set_used(b, run.phys / PAGE_SIZE + i, true);
    return run;
}

// Blocks that are broken already are used up before a whole one is broken; clean pages before dirty ones.
struct run books_take_small(struct books *b, uint64_t pages)
{
    for (unsigned pass = 0; pass < 4; pass++)
        for (size_t i = 0; i < b->count; i++) {
            struct block *k = &b->blocks[i];
            bool whole = k->free == BLOCK_PAGES, clean = !(pass & 1);
            if (!k->free || whole != (pass >= 2) || block_find(k, 0, clean) == BLOCK_PAGES)
                continue;
            return take_from(b, i, pages, clean);
        }
    return (struct run){0, 0};
}

struct run books_take_large(struct books *b, uint64_t pages)
{
    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < b->count; i++) {
            size_t n = 0;
            while (n < pages / BLOCK_PAGES && i + n < b->count && b->blocks[i + n].free == BLOCK_PAGES &&
                   (pass || block_clean(&b->blocks[i + n])))
                n++;
            if (!n)
                continue;
            struct run run = {i * LARGE_SIZE, n * BLOCK_PAGES};
            for (size_t k = i; k < i + n; k++)
                block_set_used(b, &b->blocks[k], true);
            return run;
        }
    return (struct run){0, 0};
}

struct run books_take_exact(struct books *b, uint64_t pages, uint64_t align, uint64_t limit)
{
    uint64_t n = 0, end = b->count * BLOCK_PAGES;
    if (end > limit / PAGE_SIZE)
        end = limit / PAGE_SIZE;
    for (uint64_t page = 0; pages && page < end; page++) {
        if (!page_free(b, page)) {
            n = 0;
            continue;
        }
        if (!n && page % align)
            continue;
        if (++n < pages)
            continue;
        struct run run = {(page + 1 - pages) * PAGE_SIZE, pages};
        for (uint64_t p = page + 1 - pages; p <= page; p++)
            page_set_used(b, p, true);
        return run;
    }
    return (struct run){0, 0};
}

void books_give(struct books *b, struct run run)
{
    for (uint64_t page = run.phys / PAGE_SIZE, n = run.pages; n && block_of(b, page); page++, n--) {
        struct block *k = block_of(b, page);
        if (whole_block(page, n) && !k->free) {
            block_set_used(b, k, false);
            block_set_dirty(b, k);
            page += BLOCK_PAGES - 1;
            n -= BLOCK_PAGES - 1;
            continue;
        }
        if (page_free(b, page))
            continue;
        page_set_used(b, page, false);
        page_set_dirty(b, page, true);
    }
}

static void page_zero(struct books *b, uint64_t page)
{
    void *at = b->window + page * PAGE_SIZE;
    uint64_t words = PAGE_SIZE / 8;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0ul) : "memory");
    page_set_dirty(b, page, false);
}

uint64_t books_clean(struct books *b, struct run run, uint64_t budget)
{
    uint64_t done = 0;
    for (uint64_t page = run.phys / PAGE_SIZE, n = run.pages; n && done < budget; page++, n--) {
        const struct block *k = block_of(b, page);
        if (!k)
            break;
        if (whole_block(page, n) && block_clean(k)) {
            page += BLOCK_PAGES - 1;
            n -= BLOCK_PAGES - 1;
        } else if (bit_test(k->dirty, page % BLOCK_PAGES)) {
            page_zero(b, page);
            done++;
        }
    }
    return done;
}

uint64_t books_clean_free(struct books *b, uint64_t budget)
{
    uint64_t done = 0;
    for (size_t tried = 0; tried < b->count && done < budget; tried++) {
        if (b->zero_hint >= b->count)
            b->zero_hint = 0;
        const struct block *k = &b->blocks[b->zero_hint];
        for (unsigned w = 0; w < BLOCK_WORDS; w++)
            for (uint64_t todo; done < budget && (todo = k->dirty[w] & ~k->used[w]); done++)
                page_zero(b, b->zero_hint * BLOCK_PAGES + w * 64ul + (unsigned)__builtin_ctzl(todo));
        if (done < budget)
            b->zero_hint++;
    }
    return done;
}
