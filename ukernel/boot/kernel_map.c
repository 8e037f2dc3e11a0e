// SPDX-License-Identifier: MIT
// The kernel's half of every address space: image, direct map of physical memory, CPU blocks, device registers; and the
// stub page that all processes share. No page is both writable and executable, and what is
// executable is writable nowhere else.
#include "lib/c/string.h"
#include "ukernel/platform.h"
#include "x86/cpuid.h"
#include "x86/msr.h"
#include "x86/paging.h"
#include "x86/regs.h"

#define GIANT_SIZE (1ul << 30)
#define LIMIT_4G   (1ul << 32)

extern char text_start[], text_end[], rodata_end[], image_end[];

struct account kernel_account = {.limit = UINT64_MAX};
static struct pagetable kernel_table = {.format = &pt_kernel_format, .account = &kernel_account};
static struct pagetable shared_table = {.format = &pt_host_format,
                                        .account = &kernel_account}; // same root: slot KERNEL_SLOT
static uint64_t *boot_root;
bool cpu_has_pcid;

static void map(uint64_t va, uint64_t phys, unsigned level, uint32_t rights)
{
    enum status st = pt_map(&kernel_table, va, phys, level, rights, true);
    if (st != ST_OK)
        panic("kernel map: %#lx -> %#lx: status %d", va, phys, st);
}

static void map_image(const char *from, const char *to, uint32_t rights)
{
    for (uint64_t va = (uint64_t)from; va < (uint64_t)to; va += PAGE_SIZE)
        map(va, va - KERNEL_BASE, 0, rights);
}

// Cached only where there is memory; what lies between is device registers.
static bool holds_ram(const struct memmap *ram, uint64_t base, uint64_t size, bool *whole)
{
    bool any = false;
    *whole = true;
    for (uint64_t at = base; at < base + size; at += LARGE_SIZE) {
        bool here = at == 0;
        for (unsigned i = 0; i < ram->count && !here; i++) {
            const struct boot_region *r = &ram->regions[i];
            here = r->type != REGION_RESERVED && r->base < at + LARGE_SIZE && at < r->base + r->size;
        }
        any |= here;
        *whole &= here;
    }
    return any;
}

// Code and constants are not writable by their place in the direct map either.
static bool image_constant(uint64_t phys, uint64_t size)
{
    return phys < (uint64_t)rodata_end - KERNEL_BASE && phys + size > (uint64_t)text_start - KERNEL_BASE;
}

static void map_direct_page(uint64_t at, unsigned level, bool ram)
{
    if (level == 1 && image_constant(at, LARGE_SIZE))
        for (uint64_t page = at; page < at + LARGE_SIZE; page += PAGE_SIZE)
            map(DIRECT_BASE + page, page, 0, MAP_R | (image_constant(page, PAGE_SIZE) ? 0 : MAP_W));
    else
        map(DIRECT_BASE + at, at, level, MAP_R | MAP_W | (ram ? 0 : MAP_UC));
}

static void map_direct(const struct memmap *ram)
{
    bool giant = cpuid_has(0x80000001) && cpuid(0x80000001, 0).edx & CPUID_EXT1_EDX_PAGE1G;
    uint64_t end = LIMIT_4G;
    for (unsigned i = 0; i < ram->count; i++)
        if (ram->regions[i].type != REGION_RESERVED && ram->regions[i].base + ram->regions[i].size > end)
            end = ram->regions[i].base + ram->regions[i].size;
    for (uint64_t at = 0; at < end;) {
        bool whole;
        unsigned level = giant && !(at & (GIANT_SIZE - 1)) ? 2 : 1;
        bool any = holds_ram(ram, at, level == 2 ? GIANT_SIZE : LARGE_SIZE, &whole);
        if (level == 2 && ((any && !whole) || image_constant(at, GIANT_SIZE))) {
            level = 1;
            any = holds_ram(ram, at, LARGE_SIZE, &whole);
        }
        if (any || at < LIMIT_4G)
            map_direct_page(at, level, any);
        at += level == 2 ? GIANT_SIZE : LARGE_SIZE;
    }
}

void kernel_map_init(const struct memmap *ram)
{
    map_image(text_start, text_end, MAP_R | MAP_X);
    map_image(text_end, rodata_end, MAP_R);
    map_image(rodata_end, image_end, MAP_R | MAP_W);
    map_direct(ram);
    shared_table.root = kernel_table.root;
    kernel_pml4_template = virt_to_phys(kernel_table.root);
    wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_NXE);
    wrmsr(IA32_PAT, PAT_KERNEL);
    write_cr3(kernel_pml4_template);
}

void *kernel_map_device(uint64_t phys, uint64_t size)
{
    static uint64_t next = DEVICE_AREA;
    uint64_t va = next, first = phys & ~(PAGE_SIZE - 1), end = (phys + size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    for (uint64_t at = first; at < end; at += PAGE_SIZE, next += PAGE_SIZE)
        map(next, at, 0, MAP_R | MAP_W | MAP_UC);
    return (void *)(va + (phys - first));
}

void kernel_map_page(uint64_t va, const void *page, uint32_t rights)
{
    map(va, virt_to_phys(page), 0, rights);
}

void host_map_kernel_page(uint64_t va, void *page, bool writable)
{
    ASSERT(va >= USER_END && va < 1ul << 47);
    enum status st = pt_map(&shared_table, va, virt_to_phys(page), 0, MAP_R | (writable ? MAP_W : MAP_X), true);
    ASSERT(st == ST_OK);
}

// A root of its own, below 4 GiB as the pool is, for CPUs that start; the identity page is not in any other root.
uint64_t kernel_map_boot_root(uint64_t identity)
{
    struct pagetable pt = {.format = &pt_kernel_format, .account = &kernel_account};
    enum status st = pt_map(&pt, identity, identity, 0, MAP_R | MAP_X, true);
    ASSERT(st == ST_OK);
    memcpy(pt.root + KERNEL_SLOT + 1, kernel_table.root + KERNEL_SLOT + 1, (511 - KERNEL_SLOT) * sizeof(*pt.root));
    boot_root = pt.root;
    return virt_to_phys(pt.root);
}

void kernel_map_drop_boot_root(void)
{
    struct pagetable pt = {.root = boot_root, .format = &pt_kernel_format, .account = &kernel_account};
    memset(boot_root + 1, 0, PAGE_SIZE - sizeof(*boot_root)); // the kernel's half stays
    while (!pt_destroy(&pt, 64))
        ;
}
