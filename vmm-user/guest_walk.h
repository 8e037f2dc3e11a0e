// SPDX-License-Identifier: MIT
// Guest-virtual to guest-physical addresses by the guest's own page tables, as its processor does it (SDM 3A chapter
// 4). Pure code: tables are read from guest RAM, which the guest may change at any time.
#pragma once

#include "abi/utcb.h"
#include "vmm-user/guest_mem.h"
#include "x86/regs.h"

// What the access is; GUEST_READ is the absence of the others.
enum guest_access {
    GUEST_READ = 0,
    GUEST_WRITE = 1,
    GUEST_FETCH = 2,
    GUEST_IMPLICIT = 4, // the processor's own supervisor access (descriptor tables, TSS) whatever the CPL
    GUEST_PEEK = 8,     // a debugger looks: no permission is asked, no accessed or dirty bit set
};

struct guest_paging {
    uint64_t cr0, cr3, cr4, efer, rflags; // of rflags only AC counts
    uint32_t pkru;
    uint8_t cpl;
    uint8_t max_phys; // physical address bits, CPUID 80000008.EAX[7:0]; 32-52
    uint64_t gate;    // bits of physical addresses that do not leave the processor: bit 20 while A20 is closed, else 0
};

// As the guest's own code finds it, without protection keys.
static inline struct guest_paging guest_paging_of(const struct utcb_state *s, uint8_t max_phys, uint64_t gate)
{
    uint8_t cpl = s->rflags & RFLAGS_VM ? 3 : s->seg[SEG_SS].ar >> 5 & 3;
    return (struct guest_paging){s->cr0, s->cr3, s->cr4, s->efer, s->rflags, 0, cpl, max_phys, gate};
}

enum guest_walk_result {
    GUEST_WALK_OK,
    GUEST_WALK_FAULT,  // #PF with *pf_error (SDM 3A 4.7)
    GUEST_WALK_NO_RAM, // a paging structure lies outside of RAM
    GUEST_WALK_BUSY,   // the tables changed all the time: let the guest run and try again
};

// Translates one address. It must be canonical for the mode (the caller has that check, since it is #GP or #SS);
// outside of long mode its upper half is ignored. *gpa is written on success, *pf_error on a fault.
int guest_walk(const struct guest_mem *mem, const struct guest_paging *p, uint64_t gva, unsigned access, uint64_t *gpa,
               uint32_t *pf_error);

enum { GUEST_WALK_LEVELS = 5, GUEST_WALK_ENTRIES = 16 };

// A successful walk, with every paging-structure entry it read. It is used again only while all of them read the same,
// so it is never stale, whatever the guest writes. It is bound to its place in memory.
struct guest_walk_entry {
    uint64_t tag;    // page of the address | access
    uint64_t regime; // guest_walk_regime(); 0: nothing here
    uint64_t cr3;
    uint64_t gpa_page;
    const uint64_t *at[GUEST_WALK_LEVELS]; // levels that do not exist point to their own value here
    uint64_t value[GUEST_WALK_LEVELS];
};

// One per vCPU; zeroed is empty.
struct guest_walk_cache {
    struct guest_walk_entry entries[GUEST_WALK_ENTRIES];
};

// Everything but CR3 that decides about a translation, in distinct bits; never 0. Without paging bit 31 is clear.
static inline uint64_t guest_walk_regime(uint64_t cr0, uint64_t cr4, uint64_t efer, uint64_t rflags, unsigned cpl,
                                         uint32_t pkru)
{
    return (cr0 & (CR0_PG | CR0_WP)) | (cr4 & (CR4_PSE | CR4_PAE | CR4_LA57 | CR4_SMEP | CR4_SMAP | CR4_PKE)) |
           (efer & (EFER_LMA | EFER_NXE)) | (rflags & RFLAGS_AC) | cpl | 8 | (uint64_t)pkru << 32;
}

static inline bool guest_walk_lookup(const struct guest_walk_cache *cache, uint64_t regime, uint64_t cr3, uint64_t gva,
                                     unsigned access, uint64_t *gpa)
{
    const struct guest_walk_entry *e = &cache->entries[((gva >> 12) ^ access) % GUEST_WALK_ENTRIES];
    uint64_t offset = gva & 0xfff, changed = 0;
    if (e->tag != ((gva - offset) | access) || e->regime != regime || e->cr3 != cr3) {
        return false;
    }
#pragma GCC unroll 5
    for (unsigned i = 0; i < GUEST_WALK_LEVELS; i++) {
        changed |= *(const volatile uint64_t *)e->at[i] ^ e->value[i];
    }
    *gpa = e->gpa_page | offset;
    return !changed;
}

// The same as guest_walk; a successful walk is put into the cache under `regime`, which must be that of *p.
int guest_walk_remember(const struct guest_mem *mem, const struct guest_paging *p, struct guest_walk_cache *cache,
                        uint64_t regime, uint64_t gva, unsigned access, uint64_t *gpa, uint32_t *pf_error);
