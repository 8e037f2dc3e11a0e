// SPDX-License-Identifier: MIT
// What the boot protocols share: the choice among them, the memory map, the descriptor and page tables at entry.
#include "vmm-user/load/load.h"
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "pc/ioapic.h"
#include "pc/lapic.h"
#include "x86/desc.h"
#include "x86/paging.h"

bool load_kernel(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry, char *error)
{
    *entry = (struct load_entry){.cs = 0x10, .ds = 0x18};
    if (load_is_linux(&request->kernel))
        return load_linux(mem, request, entry, error);
    if (load_is_multiboot(&request->kernel))
        return load_multiboot(mem, request, entry, error);
    if (load_is_multiboot2(&request->kernel))
        return load_multiboot2(mem, request, entry, error);
    if (load_is_elf(&request->kernel))
        return load_pvh(mem, request, entry, error);
    snprintf(error, LOAD_ERROR, "%s: not a kernel: neither a Linux bzImage nor Multiboot nor ELF with a PVH entry",
             request->kernel.name);
    return false;
}

unsigned load_memory_map(const struct guest_mem *mem, struct load_region regions[LOAD_REGIONS])
{
    enum { RAM = 1, RESERVED = 2 };
    unsigned n = 0;
    regions[n++] = (struct load_region){0, LOAD_EBDA, RAM};
    regions[n++] = (struct load_region){LOAD_EBDA, 0xa0000 - LOAD_EBDA, RESERVED};
    regions[n++] = (struct load_region){LOAD_BIOS, 0x100000 - LOAD_BIOS, RESERVED};
    regions[n++] = (struct load_region){0x100000, mem->low_size - 0x100000, RAM};
    regions[n++] = (struct load_region){IOAPIC_BASE, IOAPIC_SIZE, RESERVED};
    regions[n++] = (struct load_region){LAPIC_BASE, LAPIC_SIZE, RESERVED};
    if (mem->high_size)
        regions[n++] = (struct load_region){GUEST_MEM_HIGH_BASE, mem->high_size, RAM};
    return n;
}

void load_low_take(struct load_low *low, uint64_t base, uint64_t size)
{
    if (!size || base >= LOAD_LOW_END)
        return;
    uint64_t end = size < LOAD_LOW_END - base ? base + size : LOAD_LOW_END;
    for (uint64_t page = base / 4096; page < (end + 4095) / 4096; page++)
        low->taken[page / 64] |= 1ull << page % 64;
}

uint64_t load_low_find(struct load_low *low, uint64_t size)
{
    uint64_t pages = (size + 4095) / 4096, run = 0;
    for (uint64_t page = 1; page < LOAD_EBDA / 4096; page++) {
        run = low->taken[page / 64] >> page % 64 & 1 ? 0 : run + 1;
        if (run == pages) {
            uint64_t base = (page + 1 - pages) * 4096;
            load_low_take(low, base, size);
            return base;
        }
    }
    return 0;
}

void load_tables(const struct guest_mem *mem, struct load_entry *entry, uint64_t gdt_at)
{
    enum load_mode mode = entry->mode;
    uint64_t code = mode == LOAD_MODE_64 ? DESC_CODE64_KERNEL : 0x00cf9b000000ffffull;
    const uint64_t gdt[] = {0, code, code, DESC_DATA_KERNEL};
    entry->gdt = gdt_at;
    memcpy(guest_mem_at(mem, gdt_at, sizeof(gdt)), gdt, sizeof(gdt));
    if (mode != LOAD_MODE_64)
        return;
    uint64_t *tables = guest_mem_at(mem, LOAD_PAGE_TABLES, 6 * 4096);
    memset(tables, 0, 6 * 4096);
    tables[0] = (LOAD_PAGE_TABLES + 4096) | PTE_P | PTE_W;
    for (unsigned i = 0; i < 4; i++)
        tables[512 + i] = (LOAD_PAGE_TABLES + (2 + i) * 4096) | PTE_P | PTE_W;
    for (uint64_t i = 0; i < 4 * 512; i++)
        tables[1024 + i] = i << 21 | PTE_P | PTE_W | PTE_PS;
}

const struct load_file *load_initrd(const struct load_request *request, char *error)
{
    static const struct load_file none;
    if (request->module_count <= 1)
        return request->module_count ? &request->modules[0].file : &none;
    snprintf(error, LOAD_ERROR, "%s: takes one initrd, not %u files: only Multiboot kernels take more",
             request->kernel.name, request->module_count);
    return NULL;
}

unsigned load_modules_split(char *text, const char *texts[], unsigned lengths[], unsigned max)
{
    unsigned count = 0;
    while (*text) {
        char *end = text;
        while (*end && *end != ',')
            end++;
        bool last = !*end;
        *end = 0;
        while (*text == ' ')
            text++;
        if (*text && count++ < max) {
            unsigned length = 0;
            while (text[length] && text[length] != ' ')
                length++;
            texts[count - 1] = text;
            lengths[count - 1] = length;
        }
        if (last)
            break;
        text = end + 1;
    }
    return count;
}
