// SPDX-License-Identifier: MIT
#include "vmm-user/disk_pages.h"
#include "abi/layout.h"
#include "lib/sys/root.h"
#include "lib/sys/thread.h"
#include "vmm-user/layout.h"

#define STEP_MIN  (1ul << 20)
#define STEP_PART 8   // a step is that part of what is taken already: root keeps few regions per process
#define OVERHEAD  256 // the index is less than that part of the pages

bool disk_pages_expect(uint64_t size)
{
    // The pages, their index (1/512 and a few more), and the last step, of which not all may be used.
    uint64_t bytes = size + size / OVERHEAD + size / STEP_PART + 2 * STEP_MIN;
    return root_mem_alloc(NULL, (bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1), MEM_LATER, NULL) == ROOT_OK;
}

static bool grow(struct disk_pages *p)
{
    uint64_t step = p->taken / STEP_PART & ~(STEP_MIN - 1);
    union utcb *utcb = utcb_self();
    struct utcb_state kept = utcb->state; // an exit is being handled: its state is where messages are
    step = step < STEP_MIN ? STEP_MIN : step;
    bool done = root_mem_alloc((void *)(VA_DISK_PAGES + p->taken), step, 0, NULL) == ROOT_OK;
    utcb->state = kept;
    p->taken += done ? step : 0;
    return done;
}

void *disk_pages_take(struct disk_pages *p)
{
    if (p->used == p->taken && !grow(p))
        return NULL;
    void *page = (void *)(VA_DISK_PAGES + p->used);
    p->used += PAGE_SIZE;
    return page;
}
