// SPDX-License-Identifier: MIT
// The kernel's memory: its pool of pages, accounts, and page tables of either format.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/layout.h"
#include "abi/status.h"

#define DIRECT_BASE 0xffff800000000000ul // all physical memory, writable, never executable
#define KERNEL_BASE 0xffffffff80000000ul // the image: text RX, rodata R, data RW

static inline void *phys_to_virt(uint64_t phys)
{
    return (void *)(phys + DIRECT_BASE);
}

static inline uint64_t virt_to_phys(const void *virt) // of memory from the pool
{
    return (uint64_t)virt - DIRECT_BASE;
}

// mem/buddy.c: naturally aligned blocks of 2^order pages. The pool is set up once at boot from the memory map;
// internally locked.
void pool_add(uint64_t phys, uint64_t pages);
void *pool_alloc(unsigned order); // not zeroed; NULL when empty
void pool_free(void *block, unsigned order);
uint64_t pool_free_pages(void);

// A process's account of kernel memory, in pages. `limit` moves between parent and child; `used` <= `limit`.
struct account {
    uint64_t used, limit;
    uint32_t lock;
};
// mem/quota.c
void *account_alloc(struct account *a, unsigned order); // zeroed; NULL = out of quota or memory
void account_free(struct account *a, void *block, unsigned order);
bool account_move(struct account *from, struct account *to, uint64_t pages); // limit of `from` that is not used
void account_move_rest(struct account *from, struct account *to);            // all of it

// mem/pagetable.c: 4-level tables; one walker for the host's and the guest's format.
// A format translates MAP_* rights to bits and back, and says which bits mean present / large.
struct pt_format {
    uint64_t present_mask; // any of these bits set = present
    uint64_t table_bits;   // of an entry that points to a table
    uint64_t large_bit;
    uint64_t (*leaf)(uint32_t map_rights, bool large, bool ram); // bits of a leaf; `ram` = write-back memory
    uint32_t (*rights)(uint64_t entry);                          // MAP_* of a leaf (MAP_UC / MAP_WC where so)
    unsigned max_level;                                          // largest leaf: 0 = 4K, 1 = 2M, 2 = 1G
};

struct pagetable {
    uint64_t *root; // kernel address; NULL until first used
    const struct pt_format *format;
    struct account *account; // pays for the tables
};

#define PT_ADDR 0x000ffffffffff000ul

struct pt_leaf {
    uint64_t phys;   // of the address asked for, not of the page's start
    uint32_t rights; // MAP_*
    unsigned level;  // 0 = 4K, 1 = 2M, 2 = 1G
};

bool pt_lookup(const struct pagetable *pt, uint64_t va, struct pt_leaf *leaf);
// Map one page of the level; ST_IN_USE if anything is there, ST_NO_MEM if a table cannot be paid. `phys`, `va` aligned
// to the level.
enum status pt_map(struct pagetable *pt, uint64_t va, uint64_t phys, unsigned level, uint32_t rights, bool ram);
// Remove whatever leaves lie in [va, va + size) (a large page partly covered is split first, or ST_NO_MEM); frees
// tables that become empty onto `*freed` (linked through their first word), to be given to pt_release after the TLBs
// are flushed. At most `budget` entries; returns the address reached.
uint64_t pt_unmap(struct pagetable *pt, uint64_t va, uint64_t size, unsigned budget, uint64_t **freed, enum status *st);
void pt_release(struct pagetable *pt, uint64_t *freed);
// Free the whole tree, at most `budget` tables per call; true when done.
bool pt_destroy(struct pagetable *pt, unsigned budget);

extern const struct pt_format pt_host_format; // x86-64 user mappings: U, W, NX, PCD/PWT/PAT
extern uint64_t kernel_pml4_template; // physical: upper half and slot 255 (stub page) to copy into each new host root
bool host_root_init(struct pagetable *pt); // allocate a root with the kernel's half
void host_map_kernel_page(uint64_t va, void *page,
                          bool writable); // boot: a page into slot 255's shared table (stub page)

// Is [phys, phys + size) memory or device space that SEL_HW may give away (not the kernel's)? `*ram` says whether it is
// RAM in the boot map.
bool phys_grantable(uint64_t phys, uint64_t size, uint32_t rights, bool *ram);
