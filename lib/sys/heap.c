// SPDX-License-Identifier: MIT
// Power-of-two pieces cut from 64 KiB steps of address space at START_HEAP; freed ones wait in a list per size.
#include "lib/sys/heap.h"
#include "lib/c/string.h"
#include "lib/sys/root.h"

#define HEAP_STEP 0x10000ul
#define MIN_SHIFT 5
#define MAX_SHIFT 30

struct piece {
    uint64_t shift; // log2 of the piece's size, this header included
    struct piece *next;
};
_Static_assert(sizeof(struct piece) == 16, "what follows is aligned");

static struct piece *free_pieces[MAX_SHIFT + 1];
static uint64_t heap_at = START_HEAP, heap_end = START_HEAP;

static unsigned shift_for(size_t size)
{
    unsigned shift = MIN_SHIFT;
    while (shift <= MAX_SHIFT && (1ul << shift) < size)
        shift++;
    return shift;
}

static bool heap_grow(uint64_t bytes)
{
    bytes = (bytes + HEAP_STEP - 1) & ~(HEAP_STEP - 1);
    if (root_mem_alloc((void *)heap_end, bytes, 0, NULL) != ROOT_OK)
        return false;
    heap_end += bytes;
    return true;
}

void *heap_alloc(size_t size)
{
    unsigned shift =
        size <= (1ul << MAX_SHIFT) - sizeof(struct piece) ? shift_for(size + sizeof(struct piece)) : MAX_SHIFT + 1;
    if (shift > MAX_SHIFT)
        return NULL;
    struct piece *p = free_pieces[shift];
    if (p) {
        free_pieces[shift] = p->next;
        memset(p + 1, 0, (1ul << shift) - sizeof *p);
    } else {
        uint64_t need = 1ul << shift;
        if (heap_end - heap_at < need && !heap_grow(need - (heap_end - heap_at)))
            return NULL;
        p = (struct piece *)heap_at;
        heap_at += need;
        p->shift = shift;
    }
    p->next = NULL;
    return p + 1;
}

void heap_free(void *memory)
{
    if (!memory)
        return;
    struct piece *p = (struct piece *)memory - 1;
    p->next = free_pieces[p->shift];
    free_pieces[p->shift] = p;
}
