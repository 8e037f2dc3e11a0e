// SPDX-License-Identifier: MIT
// 4-level page tables of the host's and of the guest's format. One walker; a format only knows its bits.
#include "lib/c/string.h"
#include "ukernel/mem.h"
#include "ukernel/platform.h"
#include "x86/paging.h"

#define ENTRIES   512u
#define TOP_LEVEL 3

static unsigned level_shift(unsigned level)
{
    return PAGE_SHIFT + 9 * level;
}

static unsigned level_index(uint64_t va, unsigned level)
{
    return va >> level_shift(level) & (ENTRIES - 1);
}

static bool is_present(const struct pagetable *pt, uint64_t entry)
{
    return entry & pt->format->present_mask;
}

static bool is_leaf(const struct pagetable *pt, uint64_t entry, unsigned level)
{
    return level == 0 || (entry & pt->format->large_bit);
}

static uint64_t *table_of(uint64_t entry)
{
    return phys_to_virt(entry & PT_ADDR);
}

static void entry_set(uint64_t *entry, uint64_t value) // other CPUs may walk the table meanwhile
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

bool pt_lookup(const struct pagetable *pt, uint64_t va, struct pt_leaf *leaf)
{
    uint64_t *table = pt->root;
    if (!table)
        return false;
    for (unsigned level = TOP_LEVEL;; level--) {
        uint64_t entry = table[level_index(va, level)];
        if (!is_present(pt, entry))
            return false;
        if (level < TOP_LEVEL && is_leaf(pt, entry, level)) {
            uint64_t inside = (1ul << level_shift(level)) - 1;
            leaf->phys = (entry & PT_ADDR & ~inside) | (va & inside);
            leaf->rights = pt->format->rights(entry);
            leaf->level = level;
            return true;
        }
        table = table_of(entry);
    }
}

// Tables for the levels [level, from) of one address, linked to each other but not yet to the tree: a CPU may cache a
// path as soon as it is there, so it appears whole or not at all.
static uint64_t *chain_alloc(struct pagetable *pt, uint64_t va, unsigned from, unsigned level)
{
    uint64_t *table[TOP_LEVEL];
    unsigned n = 0, want = from - level;
    while (n < want && (table[n] = account_alloc(pt->account, 0)))
        n++;
    if (n < want) {
        while (n)
            account_free(pt->account, table[--n], 0);
        return NULL;
    }
    for (unsigned i = 1; i < n; i++)
        table[i][level_index(va, level + i)] = virt_to_phys(table[i - 1]) | pt->format->table_bits;
    return table[n - 1];
}

enum status pt_map(struct pagetable *pt, uint64_t va, uint64_t phys, unsigned level, uint32_t rights, bool ram)
{
    if (level > pt->format->max_level)
        return ST_BAD_PAR;
    if (!pt->root && !(pt->root = account_alloc(pt->account, 0)))
        return ST_NO_MEM;
    uint64_t leaf = phys | pt->format->leaf(rights, level > 0, ram) | (level ? pt->format->large_bit : 0);
    uint64_t *table = pt->root;
    for (unsigned at = TOP_LEVEL;; at--) {
        uint64_t *entry = &table[level_index(va, at)];
        if (at == level) {
            if (is_present(pt, *entry))
                return ST_IN_USE;
            entry_set(entry, leaf);
            return ST_OK;
        }
        if (!is_present(pt, *entry)) {
            uint64_t *chain = chain_alloc(pt, va, at, level);
            if (!chain)
                return ST_NO_MEM;
            entry_set(entry, virt_to_phys(chain) | pt->format->table_bits);
        } else if (at < TOP_LEVEL && is_leaf(pt, *entry, at)) {
            return ST_IN_USE;
        }
        table = table_of(*entry);
    }
}

// The index of the first present entry from `i` on, ENTRIES if there is none. Most tables are nearly empty: eight at
// once.
static unsigned first_present(const struct pagetable *pt, const uint64_t *table, unsigned i)
{
    uint64_t mask = pt->format->present_mask;
    while (i < ENTRIES) {
        const uint64_t *t = &table[i];
        if (i % 8 == 0 && !((t[0] | t[1] | t[2] | t[3] | t[4] | t[5] | t[6] | t[7]) & mask))
            i += 8;
        else if (*t & mask)
            return i;
        else
            i++;
    }
    return ENTRIES;
}

// Replace a large leaf by a table of leaves of the next smaller size. All other bits have the same place at every level
// in both formats (the host's never uses the PAT bit, which has not).
static bool entry_split(struct pagetable *pt, uint64_t *entry, unsigned level)
{
    uint64_t *below = account_alloc(pt->account, 0);
    if (!below)
        return false;
    uint64_t step = 1ul << level_shift(level - 1);
    uint64_t value = level > 1 ? *entry : *entry & ~pt->format->large_bit;
    for (unsigned i = 0; i < ENTRIES; i++)
        below[i] = value + i * step;
    entry_set(entry, virt_to_phys(below) | pt->format->table_bits);
    return true;
}

static void table_free_later(uint64_t *table, uint64_t **freed)
{
    table[0] = (uint64_t)*freed; // page aligned: a CPU that still walks here sees an entry that is not present
    *freed = table;
}

struct unmap {
    struct pagetable *pt;
    uint64_t va, end;
    unsigned budget; // entries that may still be touched
    uint64_t **freed;
    enum status st;
};

#define TABLE_COST 32 // of looking whether a table is empty, in entries
#define LEAF_COST  8  // entries of the lowest level that cost as much as one of another

static void unmap_pages(struct unmap *u, uint64_t *table)
{
    unsigned first = level_index(u->va, 0), cost;
    uint64_t count = (u->end - u->va) >> PAGE_SHIFT;
    if (count > ENTRIES - first)
        count = ENTRIES - first;
    for (unsigned i = first; i < first + count; i++)
        entry_set(&table[i], 0);
    u->va += count << PAGE_SHIFT;
    cost = count / LEAF_COST;
    u->budget -= cost < u->budget ? cost : u->budget;
}

// Work on the part of `table` that lies in [u->va, u->end); moves u->va on. Depth is bounded by the levels.
static void unmap_table(struct unmap *u, uint64_t *table, unsigned level)
{
    uint64_t size = 1ul << level_shift(level), table_end = (u->va & ~(size * ENTRIES - 1)) + size * ENTRIES;
    while (u->va < u->end && u->va < table_end && u->st == ST_OK) {
        unsigned at = level_index(u->va, level), present = first_present(u->pt, table, at);
        if (present != at) {
            u->va = (u->va & ~(size - 1)) + (present - at) * size;
            continue;
        }
        uint64_t *entry = &table[at], next = (u->va & ~(size - 1)) + size;
        if (!u->budget) {
            u->st = ST_AGAIN;
            return;
        }
        u->budget--;
        if (level < TOP_LEVEL && is_leaf(u->pt, *entry, level)) {
            if (next - u->va == size && next <= u->end) {
                entry_set(entry, 0);
                u->va = next;
                continue;
            }
            if (!entry_split(u->pt, entry, level)) {
                u->st = ST_NO_MEM;
                return;
            }
        }
        uint64_t *below = table_of(*entry);
        if (level == 1)
            unmap_pages(u, below);
        else
            unmap_table(u, below, level - 1);
        u->budget -= u->budget < TABLE_COST ? u->budget : TABLE_COST;
        if (first_present(u->pt, below, 0) == ENTRIES) {
            entry_set(entry, 0);
            table_free_later(below, u->freed);
        }
    }
}

uint64_t pt_unmap(struct pagetable *pt, uint64_t va, uint64_t size, unsigned budget, uint64_t **freed, enum status *st)
{
    struct unmap u = {pt, va, va + size, budget, freed, ST_OK};
    if (pt->root)
        unmap_table(&u, pt->root, TOP_LEVEL);
    else
        u.va = u.end;
    *st = u.st == ST_AGAIN ? ST_OK : u.st;
    return u.va < u.end ? u.va : u.end;
}

void pt_release(struct pagetable *pt, uint64_t *freed)
{
    while (freed) {
        uint64_t *next = (uint64_t *)freed[0];
        account_free(pt->account, freed, 0);
        freed = next;
    }
}

// The first entry of the table, of those this tree owns, that points to a table; NULL = none.
static uint64_t *first_subtable(const struct pagetable *pt, uint64_t *table, unsigned level)
{
    unsigned owned = level == TOP_LEVEL && pt->format == &pt_host_format ? KERNEL_SLOT : ENTRIES;
    if (level == 0)
        return NULL;
    for (unsigned i = 0; (i = first_present(pt, table, i)) < owned; i++)
        if (level == TOP_LEVEL || !is_leaf(pt, table[i], level))
            return &table[i];
    return NULL;
}

bool pt_destroy(struct pagetable *pt, unsigned budget)
{
    while (pt->root) {
        uint64_t *table = pt->root, *parent = NULL, *entry;
        for (unsigned level = TOP_LEVEL; (entry = first_subtable(pt, table, level)); level--) {
            parent = entry;
            table = table_of(*entry);
        }
        if (!budget)
            return false;
        budget--;
        if (parent)
            entry_set(parent, 0);
        else
            pt->root = NULL;
        account_free(pt->account, table, 0);
    }
    return true;
}

// ---- the host's format. Memory types come from PWT and PCD alone: see PAT_KERNEL in x86/paging.h.
static uint64_t type_bits(uint32_t rights)
{
    return rights & MAP_UC ? PTE_PCD | PTE_PWT : rights & MAP_WC ? PTE_PWT : 0;
}

static uint64_t host_leaf(uint32_t rights, bool large, bool ram)
{
    (void)large, (void)ram;
    return PTE_P | PTE_U | PTE_A | (rights & MAP_W ? PTE_W | PTE_D : 0) | (rights & MAP_X ? 0 : PTE_NX) |
           type_bits(rights);
}

static uint64_t kernel_leaf(uint32_t rights, bool large, bool ram)
{
    return (host_leaf(rights, large, ram) & ~PTE_U) | PTE_G;
}

static uint32_t host_rights(uint64_t entry)
{
    uint64_t type = entry & (PTE_PCD | PTE_PWT);
    return MAP_R | (entry & PTE_W ? MAP_W : 0) | (entry & PTE_NX ? 0 : MAP_X) |
           (type == PTE_PWT ? MAP_WC
            : type          ? MAP_UC
                            : 0);
}

const struct pt_format pt_host_format = {
    .present_mask = PTE_P,
    .table_bits = PTE_P | PTE_W | PTE_U | PTE_A,
    .large_bit = PTE_PS,
    .leaf = host_leaf,
    .rights = host_rights,
    .max_level = 1,
};

const struct pt_format pt_kernel_format = {
    .present_mask = PTE_P,
    .table_bits = PTE_P | PTE_W | PTE_A,
    .large_bit = PTE_PS,
    .leaf = kernel_leaf,
    .rights = host_rights,
    .max_level = 2,
};

uint64_t kernel_pml4_template;

bool host_root_init(struct pagetable *pt)
{
    pt->format = &pt_host_format;
    pt->root = account_alloc(pt->account, 0);
    if (!pt->root)
        return false;
    const uint64_t *template = phys_to_virt(kernel_pml4_template);
    memcpy(pt->root + KERNEL_SLOT, template + KERNEL_SLOT, (ENTRIES - KERNEL_SLOT) * sizeof(*template));
    return true;
}
