// SPDX-License-Identifier: MIT
#include "vmm-user/guest_walk.h"

#include <stddef.h>

#include "x86/desc.h"
#include "x86/paging.h"
#include "x86/pkeys.h"
#include "x86/regs.h"

enum { WALK_ATTEMPTS = 64, PAGE_OFFSET = 0xfff, PSE36_BITS = 40 };

static const uint64_t ADDRESS_MASK = 0x000ffffffffff000; // bits 51:12 of an entry or of CR3

// The shape of a paging mode (SDM 3A 4.3, 4.4, 4.5).
struct paging_shape {
    uint8_t levels, index_bits, entry_size;
    bool pae; // the three-level form with its own rules for the top level
};

static const struct paging_shape shape_32 = {2, 10, 4, false};
static const struct paging_shape shape_pae = {3, 9, 8, true};
static const struct paging_shape shape_4_level = {4, 9, 8, false};
static const struct paging_shape shape_5_level = {5, 9, 8, false};

struct walk {
    const struct guest_mem *mem;
    const struct guest_paging *p;
    const struct paging_shape *shape;
    unsigned access;
    unsigned depth; // entries read
    void *at[GUEST_WALK_LEVELS];
    uint64_t value[GUEST_WALK_LEVELS];
};

static uint64_t bits_from_to(unsigned low, unsigned high)
{
    return low > high ? 0 : (~0ull >> (63 - high)) & (~0ull << low);
}

static const struct paging_shape *shape_of(const struct guest_paging *p)
{
    if (p->efer & EFER_LMA) {
        return p->cr4 & CR4_LA57 ? &shape_5_level : &shape_4_level;
    }
    return p->cr4 & CR4_PAE ? &shape_pae : &shape_32;
}

static bool is_leaf(const struct walk *w, unsigned level, uint64_t entry)
{
    if (level == 1) {
        return true;
    }
    if (!(entry & PTE_PS)) {
        return false;
    }
    if (w->shape->entry_size == 4) {
        return w->p->cr4 & CR4_PSE;
    }
    return level == 2 || (level == 3 && !w->shape->pae);
}

// SDM 3A tables 4-4 to 4-6, 4-8 to 4-11, 4-14 to 4-20: the bits that must be 0.
static uint64_t reserved_bits(const struct walk *w, unsigned level, bool leaf)
{
    unsigned max_phys = w->p->max_phys;
    if (w->shape->entry_size == 4) {
        unsigned pse36 = max_phys < PSE36_BITS ? max_phys : PSE36_BITS;
        return level == 2 && leaf ? bits_from_to(13 + pse36 - 32, 21) : 0;
    }
    uint64_t reserved = bits_from_to(max_phys, 51);
    if (w->shape->pae) {
        if (level == 3) {
            return 0; // judged when CR3 was loaded (SDM 3A 4.4.1), not again; QEMU sets the accessed bit here
        }
        reserved |= bits_from_to(52, 62);
    }
    if (!(w->p->efer & EFER_NXE)) {
        reserved |= PTE_NX;
    }
    if (level >= 4) {
        reserved |= PTE_PS;
    } else if (level > 1 && leaf) {
        reserved |= bits_from_to(13, 11 + 9 * (level - 1));
    }
    return reserved;
}

static uint64_t leaf_address(const struct walk *w, unsigned level, uint64_t entry, uint64_t gva)
{
    uint64_t offset = bits_from_to(0, 11 + w->shape->index_bits * (level - 1));
    uint64_t base = entry & ADDRESS_MASK & ~offset;
    if (w->shape->entry_size == 4 && level == 2) {
        base |= ((entry >> 13) & 0xff) << 32; // PSE-36
    }
    return base | (gva & offset);
}

static bool user_access(const struct walk *w)
{
    return w->p->cpl == 3 && !(w->access & GUEST_IMPLICIT);
}

// The part of the error code that tells what the access was.
static uint32_t error_of_access(const struct walk *w)
{
    bool fetch_shown = w->p->cr4 & CR4_SMEP || (w->p->cr4 & CR4_PAE && w->p->efer & EFER_NXE);
    return (w->access & GUEST_WRITE ? PF_WRITE : 0) | (user_access(w) ? PF_USER : 0) |
           (w->access & GUEST_FETCH && fetch_shown ? PF_FETCH : 0);
}

// SDM 3A 4.6.2: does the protection key of a user page forbid the data access?
static bool key_forbids(const struct walk *w, uint64_t leaf)
{
    if (!(w->p->cr4 & CR4_PKE) || !(w->p->efer & EFER_LMA) || w->access & GUEST_FETCH) {
        return false;
    }
    unsigned rights = w->p->pkru >> (2 * ((leaf >> PTE_KEY_SHIFT) & 15));
    bool write = w->access & GUEST_WRITE && (user_access(w) || w->p->cr0 & CR0_WP);
    return rights & PKRU_AD || (rights & PKRU_WD && write);
}

// SDM 3A 4.6.1. `rights` is the AND of all entries, `xd` the OR of their XD bits. 0 or the error code.
static uint32_t permission_check(const struct walk *w, uint64_t rights, bool xd, uint64_t leaf)
{
    const struct guest_paging *p = w->p;
    bool user_page = rights & PTE_U, user = user_access(w), fetch = w->access & GUEST_FETCH;
    bool refused = user && !user_page;
    if (!user && user_page) {
        bool overridden = p->rflags & RFLAGS_AC && !(w->access & GUEST_IMPLICIT);
        refused |= fetch ? (p->cr4 & CR4_SMEP) != 0 : p->cr4 & CR4_SMAP && !overridden;
    }
    if (w->access & GUEST_WRITE && !(rights & PTE_W) && (user || p->cr0 & CR0_WP)) {
        refused = true;
    }
    if (fetch && xd) {
        refused = true;
    }
    bool key = user_page && key_forbids(w, leaf);
    return refused || key ? PF_PRESENT | error_of_access(w) | (key ? PF_KEY : 0) : 0;
}

static bool entry_replace(void *at, unsigned size, uint64_t old, uint64_t new)
{
    if (size == 4) {
        uint32_t expected = (uint32_t)old;
        return __atomic_compare_exchange_n((uint32_t *)at, &expected, (uint32_t) new, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    }
    return __atomic_compare_exchange_n((uint64_t *)at, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

// SDM 3A 4.8. False if an entry has changed since it was read.
static bool accessed_dirty_set(struct walk *w)
{
    for (unsigned i = w->shape->pae ? 1 : 0; i < w->depth; i++) {
        bool dirty = i == w->depth - 1 && w->access & GUEST_WRITE;
        uint64_t wanted = w->value[i] | PTE_A | (dirty ? PTE_D : 0);
        if (wanted != w->value[i]) {
            if (!entry_replace(w->at[i], w->shape->entry_size, w->value[i], wanted)) {
                return false;
            }
            w->value[i] = wanted;
        }
    }
    return true;
}

static uint64_t table_root(const struct walk *w)
{
    if (w->shape->pae) {
        return w->p->cr3 & 0xffffffe0;
    }
    return w->shape->entry_size == 4 ? w->p->cr3 & 0xfffff000 : w->p->cr3 & ADDRESS_MASK;
}

static int walk_once(struct walk *w, uint64_t gva, uint64_t *gpa, uint32_t *pf_error)
{
    const struct paging_shape *shape = w->shape;
    uint64_t table = table_root(w), rights = PTE_W | PTE_U, entry = 0;
    bool xd = false;
    unsigned level = shape->levels;
    w->depth = 0;
    for (;; level--) {
        unsigned shift = 12 + shape->index_bits * (level - 1);
        uint64_t index = (gva >> shift) & bits_from_to(0, shape->index_bits - 1);
        void *at = guest_mem_at(w->mem, (table + index * shape->entry_size) & ~w->p->gate, shape->entry_size);
        if (!at) {
            return GUEST_WALK_NO_RAM;
        }
        entry = host_load(at, shape->entry_size);
        w->at[w->depth] = at;
        w->value[w->depth++] = entry;
        if (!(entry & PTE_P)) {
            *pf_error = error_of_access(w);
            return GUEST_WALK_FAULT;
        }
        bool leaf = is_leaf(w, level, entry);
        if (entry & reserved_bits(w, level, leaf)) {
            *pf_error = error_of_access(w) | PF_PRESENT | PF_RESERVED;
            return GUEST_WALK_FAULT;
        }
        if (!(shape->pae && level == 3)) {
            rights &= entry;
            xd |= shape->entry_size == 8 && entry & PTE_NX;
        }
        if (leaf) {
            break;
        }
        table = entry & ADDRESS_MASK;
    }
    if (!(w->access & GUEST_PEEK)) {
        *pf_error = permission_check(w, rights, xd, entry);
        if (*pf_error) {
            return GUEST_WALK_FAULT;
        }
        if (!accessed_dirty_set(w)) {
            return GUEST_WALK_BUSY;
        }
    }
    *gpa = leaf_address(w, level, entry, gva) & ~w->p->gate;
    return GUEST_WALK_OK;
}

static int walk_run(struct walk *w, uint64_t gva, uint64_t *gpa, uint32_t *pf_error)
{
    w->depth = 0;
    if (!(w->p->cr0 & CR0_PG)) {
        *gpa = (uint32_t)gva & ~w->p->gate;
        return GUEST_WALK_OK;
    }
    if (!(w->p->efer & EFER_LMA)) {
        gva = (uint32_t)gva;
    }
    w->shape = shape_of(w->p);
    int result = GUEST_WALK_BUSY;
    for (unsigned i = 0; i < WALK_ATTEMPTS && result == GUEST_WALK_BUSY; i++) {
        result = walk_once(w, gva, gpa, pf_error);
    }
    return result;
}

int guest_walk(const struct guest_mem *mem, const struct guest_paging *p, uint64_t gva, unsigned access, uint64_t *gpa,
               uint32_t *pf_error)
{
    struct walk w = {.mem = mem, .p = p, .access = access};
    return walk_run(&w, gva, gpa, pf_error);
}

// Fills a cache entry. Entries are compared eight bytes at a time: a 4-byte one together with its neighbour.
static void entry_fill(struct guest_walk_entry *e, const struct walk *w)
{
    for (unsigned i = 0; i < GUEST_WALK_LEVELS; i++) {
        e->value[i] = 0;
        e->at[i] = &e->value[i];
        if (i >= w->depth) {
            continue;
        }
        uintptr_t address = (uintptr_t)w->at[i], low = address & 7;
        e->at[i] = (const uint64_t *)(address - low);
        e->value[i] = host_load(e->at[i], 8);
        uint64_t part = w->shape->entry_size == 8 ? e->value[i] : (uint32_t)(e->value[i] >> (8 * low));
        if (part != w->value[i]) {
            e->regime = 0; // the guest was faster
        }
    }
}

int guest_walk_remember(const struct guest_mem *mem, const struct guest_paging *p, struct guest_walk_cache *cache,
                        uint64_t regime, uint64_t gva, unsigned access, uint64_t *gpa, uint32_t *pf_error)
{
    struct walk w = {.mem = mem, .p = p, .access = access};
    int result = walk_run(&w, gva, gpa, pf_error);
    if (result != GUEST_WALK_OK || access & GUEST_PEEK) {
        return result;
    }
    struct guest_walk_entry *e = &cache->entries[((gva >> 12) ^ access) % GUEST_WALK_ENTRIES];
    e->tag = (gva & ~(uint64_t)PAGE_OFFSET) | access;
    e->regime = regime;
    e->cr3 = p->cr3;
    e->gpa_page = *gpa & ~(uint64_t)PAGE_OFFSET;
    entry_fill(e, &w);
    return result;
}
