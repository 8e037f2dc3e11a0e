// SPDX-License-Identifier: MIT
// sources: vmm-user/guest_walk.c
//
// Walks arbitrary page tables in arbitrary modes. The cache must say what a walk says, also after the tables changed.
#include "vmm-user/guest_walk.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "x86/desc.h"
#include "x86/regs.h"

enum { PAGE = 4096, RAM_BYTES = 8 * PAGE, HEADER = 32, ENTRIES_MAX = 64 };

// The input's entries go to the slots that a walk of `gva` visits, in pages 1 to 5 in any order.
static void tables_fill(uint8_t *ram, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 10 <= size && at < 10 * ENTRIES_MAX; at += 10) {
        unsigned where = (data[at] | data[at + 1] << 8) % (RAM_BYTES / 4);
        uint64_t entry;
        memcpy(&entry, data + at + 2, 8);
        if (data[at + 1] & 0x80) { // a plausible one
            entry = (entry & 0x80000000000000ff) | (entry >> 8 & 7) * PAGE | 1;
        }
        memcpy(ram + 4 * (where & ~1u), &entry, 8);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(4096) uint8_t ram[RAM_BYTES];
    static struct guest_walk_cache cache;
    if (size < HEADER) {
        return 0;
    }
    const struct guest_mem mem = {.low = ram, .low_size = RAM_BYTES};
    uint64_t gva;
    uint32_t bits;
    memcpy(&gva, data, 8);
    memcpy(&bits, data + 8, 4);
    if (bits & 0x100) {
        gva &= 0xffffffff;
    }
    const struct guest_paging p = {
        .cr0 = (bits & 1 ? 0 : CR0_PG) | (bits & 2 ? CR0_WP : 0),
        .cr3 = (bits >> 16 & 7) * PAGE,
        .cr4 = (bits & 4 ? CR4_PAE : 0) | (bits & 8 ? CR4_LA57 : 0) | (bits & 16 ? CR4_SMEP : 0) |
               (bits & 32 ? CR4_SMAP : 0) | (bits & 64 ? CR4_PKE : 0) | (bits & 128 ? CR4_PSE : 0),
        .efer = (bits & 4 && bits & 0x100000 ? EFER_LMA : 0) | (bits & 0x200000 ? EFER_NXE : 0),
        .rflags = bits & 0x400000 ? RFLAGS_AC : 0,
        .pkru = data[12] | data[13] << 8,
        .cpl = bits & 0x800000 ? 3 : 0,
        .max_phys = 32 + data[14] % 21};
    unsigned access = data[15] & 15;
    uint64_t regime = guest_walk_regime(p.cr0, p.cr4, p.efer, p.rflags, p.cpl, p.pkru);
    memset(ram, 0, sizeof(ram));
    memset(&cache, 0, sizeof(cache));
    for (unsigned round = 0; round < 3; round++) {
        uint64_t gpa = 0, again = 0, cached = 0;
        uint32_t error = 0;
        tables_fill(ram, data + HEADER + round * 7, size - HEADER > round * 7 ? size - HEADER - round * 7 : 0);
        bool hit = guest_walk_lookup(&cache, regime, p.cr3, gva, access, &cached);
        int result = guest_walk(&mem, &p, gva, access, &gpa, &error);
        if (hit && !(access & GUEST_PEEK) && (result != GUEST_WALK_OK || gpa != cached)) {
            abort();
        }
        if (result == GUEST_WALK_BUSY || (result == GUEST_WALK_FAULT && error & ~63u)) {
            abort();
        }
        uint64_t saved[RAM_BYTES / 8];
        memcpy(saved, ram, sizeof(saved));
        int second = guest_walk_remember(&mem, &p, &cache, regime, gva, access, &again, &error);
        bool same = second == result && again == gpa && !memcmp(saved, ram, sizeof(saved));
        bool pae = p.cr4 & CR4_PAE && !(p.efer & EFER_LMA);
        if (!same && !pae) { // with PAE, an entry that serves as PDPTE too is invalid once it is marked accessed
            abort();
        }
    }
    return 0;
}
