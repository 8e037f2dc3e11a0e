// SPDX-License-Identifier: MIT
// The memory that the boot information promises: each page is there, once, and what else tells of it agrees.
#include "guests/check/check.h"
#include "pc/multiboot.h"

#define FIRST    0x100000ul
#define GIB      30
#define FOUR_GIB (1ul << 32)
#define PAGE     4096ul

extern uint8_t image_start[], image_end[];
static const struct multiboot_info *info;
static uint64_t reach; // memory below it is mapped

static const struct multiboot_mmap *next(const struct multiboot_mmap *m)
{
    uintptr_t at = m ? (uintptr_t)m + m->size + 4 : info->mmap_addr;
    return at < info->mmap_addr + info->mmap_length ? (const struct multiboot_mmap *)at : NULL;
}

// Above 4 GiB by pages of 1 GiB, as far as one table goes.
static void map_all(void)
{
    reach = FOUR_GIB;
    if (!(cpuid(0x80000001, 0).edx & 1u << 26))
        return;
    for (uint64_t i = 4; i < 512; i++)
        tables[512 + i] = i << GIB | 0x83;
    reach = 512ul << GIB;
    asm volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax", "memory");
}

// What of a page is the kernel's is left alone.
static bool usable(uint64_t page)
{
    return page >= FIRST && page < reach && (page + PAGE <= (uintptr_t)image_start || page >= (uintptr_t)image_end);
}

// Calls `page` for each page of RAM; stops when it says no.
static bool each_page(bool (*page)(volatile uint64_t *at))
{
    for (const struct multiboot_mmap *m = next(NULL); m; m = next(m)) {
        if (m->type != 1)
            continue;
        for (uint64_t at = (m->base + PAGE - 1) & ~(PAGE - 1); at + PAGE <= m->base + m->length; at += PAGE)
            if (usable(at) && !page((volatile uint64_t *)at))
                return false;
    }
    return true;
}

static bool mark(volatile uint64_t *at)
{
    at[0] = (uintptr_t)at;
    at[511] = ~(uintptr_t)at;
    return true;
}

static bool marked(volatile uint64_t *at)
{
    return at[0] == (uintptr_t)at && at[511] == ~(uintptr_t)at;
}

static uint64_t fw_cfg(uint16_t key)
{
    uint64_t value = 0;
    out16(0x510, key);
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)in8(0x511) << 8 * i;
    return value;
}

static unsigned cmos(uint8_t index)
{
    out8(0x70, index);
    unsigned low = in8(0x71);
    out8(0x70, index + 1);
    return low | (unsigned)in8(0x71) << 8;
}

void memory_info(const struct multiboot_info *boot)
{
    info = boot;
}

void check_memory(void)
{
    uint64_t behind = 0, low_end = 0, above_first = 0;
    bool sorted = true;
    for (const struct multiboot_mmap *m = next(NULL); m; m = next(m)) {
        sorted &= m->base >= behind && m->length && m->base + m->length > m->base;
        behind = m->base + m->length;
        if (m->type == 1 && m->base == FIRST)
            low_end = behind;
        if (m->type == 1 && m->base >= FIRST)
            above_first += m->length;
    }
    check(sorted, "the memory map is sorted and nothing is in it twice");
    check_same(info->mem_upper, (low_end - FIRST) >> 10, "mem_upper is its region at 1 MiB");
    if (low_end >= 16 * FIRST)
        check(cmos(0x34) - ((low_end - 16 * FIRST) >> 16) < 16, "and CMOS 34h, but for what firmware keeps");
    if ((uint32_t)fw_cfg(0) == 0x554d4551) // "QEMU", as in all machines that have it
        check(fw_cfg(3) - FIRST - above_first < FIRST, "and fw_cfg, but for what firmware keeps");
    map_all();
    each_page(mark);
    check(each_page(marked), "each page of it is there, and once");
}
