// SPDX-License-Identifier: MIT
// The pool of kernel pages as a binary buddy system. One contiguous range, set up at boot; a byte per page at its start
// says what the page heads. Free blocks are linked through their own first bytes.
#include "lib/ds/list.h"
#include "lib/c/string.h"
#include "ukernel/cpu.h"
#include "ukernel/mem.h"
#include "ukernel/spinlock.h"

#define ORDERS     18   // blocks up to 512 MiB
#define INNER      0x00 // state of a page: inside a block,
#define FREE_HEAD  0x40 // | order: first of a free block,
#define TAKEN_HEAD 0x80 // | order: first of a block in use

static struct {
    uint32_t lock;
    uint8_t *state;      // of page n
    uint64_t base;       // address of page 0: physically aligned as blocks are
    uint64_t first, end; // page numbers that blocks can have
    uint64_t free;
    struct list blocks[ORDERS];
} pool;

static void *page_address(uint64_t page)
{
    return (void *)(pool.base + (page << PAGE_SHIFT));
}

static void block_insert(uint64_t page, unsigned order)
{
    pool.state[page] = FREE_HEAD | order;
    list_push_front(&pool.blocks[order], page_address(page));
}

static void block_remove(uint64_t page)
{
    pool.state[page] = INNER;
    list_remove(page_address(page));
}

// Merge with the buddy as long as that one is free and whole.
static void block_give(uint64_t page, unsigned order)
{
    pool.free += 1ul << order;
    for (; order + 1 < ORDERS; order++) {
        uint64_t buddy = page ^ 1ul << order;
        if (buddy < pool.first || buddy + (1ul << order) > pool.end || pool.state[buddy] != (FREE_HEAD | order))
            break;
        block_remove(buddy);
        page &= ~(1ul << order);
    }
    block_insert(page, order);
}

void pool_add(uint64_t phys, uint64_t pages)
{
    ASSERT(!pool.state && pages && !(phys & (PAGE_SIZE - 1)));
    for (unsigned i = 0; i < ORDERS; i++)
        list_init(&pool.blocks[i]);
    // Page numbers count from the largest block's boundary below, so that alignment in them is alignment in memory.
    uint64_t align = PAGE_SIZE << (ORDERS - 1), start = phys & ~(align - 1);
    pool.base = (uint64_t)phys_to_virt(start);
    uint64_t first = (phys - start) >> PAGE_SHIFT;
    uint64_t state_pages = (pages + PAGE_SIZE - 1) >> PAGE_SHIFT;
    pool.state = (uint8_t *)phys_to_virt(phys) - first;
    memset(pool.state + first, INNER, pages);
    pool.first = first + state_pages;
    pool.end = first + pages;
    for (uint64_t page = pool.first; page < pool.end;) {
        unsigned order = 0;
        while (order + 1 < ORDERS && !(page & ((2ul << order) - 1)) && page + (2ul << order) <= pool.end)
            order++;
        block_give(page, order);
        page += 1ul << order;
    }
}

void *pool_alloc(unsigned order)
{
    spin_lock(&pool.lock);
    unsigned found = order;
    while (found < ORDERS && list_empty(&pool.blocks[found]))
        found++;
    if (found >= ORDERS) {
        spin_unlock(&pool.lock);
        return NULL;
    }
    uint64_t page = ((uint64_t)pool.blocks[found].next - pool.base) >> PAGE_SHIFT;
    block_remove(page);
    while (found > order) {
        found--;
        block_insert(page + (1ul << found), found);
    }
    pool.state[page] = TAKEN_HEAD | order;
    pool.free -= 1ul << order;
    spin_unlock(&pool.lock);
    return page_address(page);
}

void pool_free(void *block, unsigned order)
{
    uint64_t page = ((uint64_t)block - pool.base) >> PAGE_SHIFT;
    spin_lock(&pool.lock);
    ASSERT(page >= pool.first && page < pool.end && pool.state[page] == (TAKEN_HEAD | order));
    block_give(page, order);
    spin_unlock(&pool.lock);
}

uint64_t pool_free_pages(void)
{
    return __atomic_load_n(&pool.free, __ATOMIC_RELAXED);
}
