// SPDX-License-Identifier: MIT
// Memory of processes: regions of their address space and the runs of pages behind them, with limits per process.
#include "lib/c/string.h"
#include "user/root/root.h"

#define REGION_POOL  2048
#define RUN_POOL     8192
#define SMALL_LIMIT  (16ul << 20 >> PAGE_SHIFT) // pages of a process in 4 KiB pages
#define LATER_LIMIT  (1ul << 40 >> PAGE_SHIFT)
#define RESERVE      (8ul << 20 >> PAGE_SHIFT) // pages that no guest gets
#define CLEAN_BUDGET (4ul << 20 >> PAGE_SHIFT) // pages zeroed per request, so that others need not wait long
#define LOW_LIMIT    (1ul << 32)

struct run_node {
    struct run run;
    struct run_node *next;
};

static struct region region_pool[REGION_POOL], *free_regions;
static struct run_node run_pool[RUN_POOL], *free_runs;
static unsigned regions_made, runs_made;

static struct run_node *run_new(struct run run)
{
    struct run_node *n = free_runs;
    if (n)
        free_runs = n->next;
    else if (runs_made < RUN_POOL)
        n = &run_pool[runs_made++];
    if (n)
        *n = (struct run_node){.run = run};
    return n;
}

static void runs_release(struct region *r)
{
    while (r->runs) {
        struct run_node *n = r->runs;
        r->runs = n->next;
        books_give(&root.books, n->run);
        n->next = free_runs;
        free_runs = n;
    }
    sm_up(SEL_ZERO_SM);
}

struct region *region_new(struct process *p, enum region_kind kind, uint64_t va, uint64_t pages)
{
    struct region *r = free_regions;
    if (p->region_count >= MAX_REGIONS)
        return NULL;
    if (r)
        free_regions = r->next;
    else if (regions_made < REGION_POOL)
        r = &region_pool[regions_made++];
    if (!r)
        return NULL;
    *r = (struct region){.next = p->regions, .va = va, .pages = pages, .kind = kind};
    p->regions = r;
    p->region_count++;
    return r;
}

void region_delete(struct process *p, struct region *r)
{
    struct region **at = &p->regions;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    p->region_count--;
    if (r->runs) {
        p->pages -= r->pages;
        p->small_pages -= r->large ? 0 : r->pages;
        runs_release(r);
    }
    r->next = free_regions;
    free_regions = r;
}

struct region *region_find(const struct process *p, uint64_t va)
{
    for (struct region *r = p->regions; r && va; r = r->next)
        if (r->va == va)
            return r;
    return NULL;
}

bool memory_range_free(const struct process *p, uint64_t va, uint64_t bytes)
{
    if (va % PAGE_SIZE || bytes % PAGE_SIZE || !bytes || va < PAGE_SIZE || va >= USER_END || bytes > USER_END - va)
        return false;
    for (const struct region *r = p->regions; r; r = r->next)
        if (r->va && va < r->va + r->pages * PAGE_SIZE && r->va < va + bytes)
            return false;
    return true;
}

static bool vm_starts(const struct process *p)
{
    return p->kind == KIND_VMM && p->vm_state == VM_STARTING;
}

// Guest RAM is asked for while the VM starts, and no more later: so that nobody takes what others will need.
static bool within_limits(const struct process *p, uint64_t pages, bool large)
{
    uint64_t limit = SMALL_LIMIT + p->later_pages;
    if (!large)
        return pages <= limit && p->small_pages + pages <= limit;
    return vm_starts(p);
}

static enum root_error allow_later(struct process *p, uint64_t pages)
{
    if (!vm_starts(p))
        return ROOT_DENIED;
    if (pages > LATER_LIMIT - p->later_pages)
        return ROOT_LIMIT;
    p->later_pages += pages;
    return ROOT_OK;
}

static bool take_runs(struct region *r, bool large)
{
    struct run_node **tail = &r->runs;
    for (uint64_t left = r->pages; left; left -= (*tail)->run.pages, tail = &(*tail)->next) {
        struct run run = large ? books_take_large(&root.books, left) : books_take_small(&root.books, left);
        if (!run.pages)
            return false;
        *tail = run_new(run);
        if (!*tail) {
            books_give(&root.books, run);
            return false;
        }
    }
    return true;
}

enum root_error memory_take(struct process *p, uint64_t va, uint64_t pages, bool large, struct region **out)
{
    if (!within_limits(p, pages, large))
        return ROOT_LIMIT;
    bool reserved = large || p->small_pages + pages > SMALL_LIMIT;
    if (pages > root.books.free || (reserved && root.books.free - pages < RESERVE))
        return ROOT_NO_MEMORY;
    struct region *r = region_new(p, REGION_RAM, va, pages);
    if (!r)
        return ROOT_LIMIT;
    r->large = large;
    r->pending = true;
    p->pages += pages;
    p->small_pages += large ? 0 : pages;
    if (!take_runs(r, large)) {
        if (!r->runs) { // region_delete counts only what has runs
            p->pages -= pages;
            p->small_pages -= large ? 0 : pages;
        }
        region_delete(p, r);
        return ROOT_NO_MEMORY;
    }
    *out = r;
    return ROOT_OK;
}

bool memory_clean(const struct region *r, uint64_t budget_pages)
{
    for (const struct run_node *n = r->runs; n; n = n->next) {
        budget_pages -= books_clean(&root.books, n->run, budget_pages);
        if (!budget_pages)
            return false;
    }
    return true;
}

enum root_error memory_map(struct process *p, struct region *r, uint64_t rights)
{
    uint64_t mapped = 0, done;
    enum status st = ST_OK;
    for (const struct run_node *n = r->runs; n && st == ST_OK; n = n->next) {
        st = kernel_map(PD_MAP_MEM, slot_sel(p, SLOT_PD), r->va + mapped * PAGE_SIZE, SEL_HW, n->run.phys, n->run.pages,
                        rights, &done);
        mapped += done;
    }
    r->pending = false;
    if (st == ST_OK)
        return ROOT_OK;
    kernel_unmap(PD_UNMAP_MEM, slot_sel(p, SLOT_PD), r->va, mapped);
    region_delete(p, r);
    return st == ST_IN_USE ? ROOT_BAD : ROOT_KERNEL;
}

uint8_t *memory_page(const struct region *r, uint64_t index)
{
    for (const struct run_node *n = r->runs; n; n = n->next) {
        if (index < n->run.pages)
            return ram(n->run.phys + index * PAGE_SIZE);
        index -= n->run.pages;
    }
    return NULL;
}

void memory_release_all(struct process *p)
{
    while (p->regions)
        region_delete(p, p->regions);
}

// Contiguous memory for a driver, below 4 GiB. A VMM has no use for physical addresses.
static enum root_error take_low(struct process *p, uint64_t va, uint64_t pages, struct region **out)
{
    if (p->kind == KIND_VMM)
        return ROOT_DENIED;
    if (!within_limits(p, pages, false))
        return ROOT_LIMIT;
    struct run run = books_take_exact(&root.books, pages, 1, LOW_LIMIT);
    struct region *r = run.pages ? region_new(p, REGION_RAM, va, pages) : NULL;
    if (r)
        r->runs = run_new(run);
    if (r && r->runs) {
        r->pending = true;
        p->pages += pages;
        p->small_pages += pages;
        *out = r;
        return ROOT_OK;
    }
    if (run.pages)
        books_give(&root.books, run);
    if (r)
        region_delete(p, r);
    return ROOT_NO_MEMORY;
}

enum root_error serve_mem_alloc(struct process *p, uint64_t *w, unsigned *answer)
{
    uint64_t va = w[1], bytes = w[2], flags = w[3], unit = flags & MEM_LARGE ? LARGE_SIZE : PAGE_SIZE;
    struct region *r = region_find(p, va);
    if (flags == MEM_LATER)
        return allow_later(p, bytes / PAGE_SIZE);
    if (!r || !r->pending || r->pages != bytes / PAGE_SIZE) { // a first call, not one to go on with zeroing
        if (flags & ~(uint64_t)(MEM_LARGE | MEM_LOW) || flags == (MEM_LARGE | MEM_LOW) || va % unit || bytes % unit ||
            !memory_range_free(p, va, bytes))
            return ROOT_BAD;
        uint64_t pages = bytes / PAGE_SIZE;
        enum root_error e =
            flags & MEM_LOW ? take_low(p, va, pages, &r) : memory_take(p, va, pages, flags & MEM_LARGE, &r);
        if (e != ROOT_OK)
            return e;
    }
    if (!memory_clean(r, CLEAN_BUDGET))
        return ROOT_AGAIN;
    w[1] = flags & MEM_LOW && p->kind != KIND_VMM ? r->runs->run.phys : 0;
    *answer = 2;
    return memory_map(p, r, MAP_R | MAP_W);
}

enum root_error serve_mem_free(struct process *p, uint64_t *w, unsigned *answer)
{
    struct region *r = region_find(p, w[1]);
    *answer = 1;
    if (!r || r->kind == REGION_SHARED)
        return ROOT_NOT_FOUND;
    if (!r->pending)
        kernel_unmap(PD_UNMAP_MEM, slot_sel(p, SLOT_PD), r->va, r->pages);
    if (p->kind == KIND_VMM && r->kind == REGION_RAM && !r->pending)
        r->va = 0; // its guest may still see it
    else
        region_delete(p, r);
    return ROOT_OK;
}
