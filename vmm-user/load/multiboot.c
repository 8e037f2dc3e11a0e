// SPDX-License-Identifier: MIT
// Multiboot 1 kernels: ELF, or flat with the addresses in the header.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "vmm-user/load/multiboot_parts.h"

// What the kernel is told, from one address below 640 KiB on.
enum {
    INFO_MODULE = 0x100,
    INFO_MMAP = 0x200,
    INFO_LOADER = 0x400,
    INFO_GDT = 0x800,
    INFO_CMDLINE = 0x1000,
    INFO_MODULE_NAME = 0x5000,
};

// The header's offset in the file, or -1.
static long header_find(const struct load_file *file, struct multiboot_header *header)
{
    for (size_t at = 0; at + 12 <= file->size && at + 12 <= MULTIBOOT_SEARCH; at += 4) {
        memset(header, 0, sizeof(*header));
        size_t size = file->size - at < sizeof(*header) ? 12 : sizeof(*header);
        memcpy(header, file->data + at, size);
        if (header->magic == MULTIBOOT_HEADER_MAGIC && header->magic + header->flags + header->checksum == 0)
            return (long)at;
    }
    return -1;
}

bool load_is_multiboot(const struct load_file *file)
{
    struct multiboot_header header;
    return header_find(file, &header) >= 0;
}

// A flat image: the header says what goes where (specification 3.1.3).
static bool flat_load(const struct guest_mem *mem, const struct load_file *file, const struct multiboot_header *h,
                      long header_at, uint64_t *end, struct load_low *low, char *error)
{
    uint64_t skip = (uint64_t)header_at - (h->header_addr - h->load_addr);
    if (h->header_addr < h->load_addr || skip > file->size) {
        snprintf(error, LOAD_ERROR, "%s: load_addr 0x%x in the Multiboot header does not fit header_addr 0x%x",
                 file->name, h->load_addr, h->header_addr);
        return false;
    }
    uint64_t size = h->load_end_addr ? (uint64_t)h->load_end_addr - h->load_addr : file->size - skip;
    if (size > file->size - skip || (h->load_end_addr && h->load_end_addr < h->load_addr)) {
        snprintf(error, LOAD_ERROR, "%s: load_end_addr 0x%x in the Multiboot header is behind the file's end",
                 file->name, h->load_end_addr);
        return false;
    }
    uint64_t total = h->bss_end_addr > h->load_addr + size ? (uint64_t)h->bss_end_addr - h->load_addr : size;
    uint8_t *to = guest_mem_at(mem, h->load_addr, total);
    if (!to || (h->load_addr < 0x100000 && h->load_addr + total > LOAD_LOW_END)) {
        snprintf(error, LOAD_ERROR, "%s: 0x%llx bytes at 0x%x are not in the VM's memory, which ends at 0x%llx",
                 file->name, (unsigned long long)total, h->load_addr, (unsigned long long)mem->low_size);
        return false;
    }
    memcpy(to, file->data + skip, size);
    memset(to + size, 0, total - size);
    *end = h->load_addr + total;
    load_low_take(low, h->load_addr, total);
    return true;
}

static void memory_info(const struct guest_mem *mem, uint32_t at, struct multiboot_info *info)
{
    struct load_region regions[LOAD_REGIONS];
    struct multiboot_mmap *map = guest_mem_at(mem, at + INFO_MMAP, LOAD_REGIONS * sizeof(*map));
    unsigned count = load_memory_map(mem, regions);
    for (unsigned i = 0; i < count; i++)
        map[i] = (struct multiboot_mmap){sizeof(*map) - 4, regions[i].base, regions[i].size, regions[i].type};
    info->mem_lower = LOAD_EBDA >> 10;
    info->mem_upper = (uint32_t)((mem->low_size - 0x100000) >> 10);
    info->mmap_addr = at + INFO_MMAP;
    info->mmap_length = (uint32_t)(count * sizeof(*map));
    info->flags |= MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_MMAP;
}

// The command line starts with the kernel's name, as boot loaders pass it.
static bool cmdline_info(const struct guest_mem *mem, const struct load_request *request, uint32_t at,
                         struct multiboot_info *info, char *error)
{
    enum { SIZE = INFO_MODULE_NAME - INFO_CMDLINE };
    char *to = guest_mem_at(mem, at + INFO_CMDLINE, SIZE);
    int length = snprintf(to, SIZE, "%s%s%s", request->kernel.name, request->append[0] ? " " : "", request->append);
    if (length >= SIZE) {
        snprintf(error, LOAD_ERROR, "%s: a command line of %d characters is too long", request->kernel.name, length);
        return false;
    }
    info->cmdline = at + INFO_CMDLINE;
    info->flags |= MULTIBOOT_INFO_CMDLINE;
    return true;
}

uint32_t multiboot_module_place(const struct guest_mem *mem, const struct load_file *file, uint64_t *at, char *error)
{
    uint64_t start = ((*at < 0x100000 ? 0x100000 : *at) + 0xfff) & ~0xfffull;
    uint8_t *to = guest_mem_at(mem, start, file->size ? file->size : 1);
    if (!to || start + file->size > UINT32_MAX) {
        snprintf(error, LOAD_ERROR, "%s: its %zu bytes do not fit in the VM's memory at 0x%llx", file->name, file->size,
                 (unsigned long long)start);
        return 0;
    }
    memcpy(to, file->data, file->size);
    *at = start + file->size;
    return (uint32_t)start;
}

// One module, its text at *text_at, which moves behind it.
static bool module_place(const struct guest_mem *mem, const struct load_module *m, uint64_t *at, uint32_t *text_at,
                         uint32_t text_end, struct multiboot_module *out, char *error)
{
    uint32_t start = multiboot_module_place(mem, &m->file, at, error);
    size_t length = strlen(m->text) + 1;
    if (!start)
        return false;
    if (length > text_end - *text_at) {
        snprintf(error, LOAD_ERROR, "%s: the modules' command lines are longer than %u characters in all", m->file.name,
                 MULTIBOOT_INFO_SIZE - INFO_MODULE_NAME);
        return false;
    }
    memcpy(guest_mem_at(mem, *text_at, length), m->text, length);
    *out = (struct multiboot_module){start, (uint32_t)*at, *text_at, 0};
    *text_at += (uint32_t)length;
    return true;
}

static bool module_info(const struct guest_mem *mem, const struct load_request *request, uint64_t at, uint32_t info_at,
                        struct multiboot_info *info, char *error)
{
    _Static_assert(INFO_MODULE + LOAD_MODULES * sizeof(struct multiboot_module) <= INFO_MMAP, "room for the list");
    if (!request->module_count)
        return true;
    struct multiboot_module *list = guest_mem_at(mem, info_at + INFO_MODULE, LOAD_MODULES * sizeof(*list));
    uint32_t text_at = info_at + INFO_MODULE_NAME;
    for (unsigned i = 0; i < request->module_count; i++)
        if (!module_place(mem, &request->modules[i], &at, &text_at, info_at + MULTIBOOT_INFO_SIZE, &list[i], error))
            return false;
    info->mods_count = request->module_count;
    info->mods_addr = info_at + INFO_MODULE;
    info->flags |= MULTIBOOT_INFO_MODULES;
    return true;
}

bool multiboot_image_load(const struct guest_mem *mem, const struct load_file *file,
                          const struct multiboot_header *header, long header_at, struct multiboot_image *image,
                          char *error)
{
    if (!(header->flags & MULTIBOOT_ADDRESSES) && load_is_elf(file))
        return elf_load(mem, file, &image->entry, &image->end, &image->low, error);
    if (header->flags & MULTIBOOT_ADDRESSES) {
        image->entry = header->entry_addr;
        return flat_load(mem, file, header, header_at, &image->end, &image->low, error);
    }
    snprintf(error, LOAD_ERROR, "%s: a Multiboot header without addresses in a file that is not ELF", file->name);
    return false;
}

uint32_t multiboot_info_room(struct multiboot_image *image, const struct load_file *file, char *error)
{
    uint32_t at = (uint32_t)load_low_find(&image->low, MULTIBOOT_INFO_SIZE);
    if (!at)
        snprintf(error, LOAD_ERROR, "%s: it leaves no %u KiB below 640 KiB for its boot information", file->name,
                 MULTIBOOT_INFO_SIZE / 1024);
    return at;
}

struct load_entry multiboot_entry(uint64_t rip, uint32_t magic, uint32_t info)
{
    return (struct load_entry){.mode = LOAD_MODE_32, .rip = rip, .rax = magic, .rbx = info, .cs = 0x10, .ds = 0x18};
}

bool load_multiboot(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry,
                    char *error)
{
    struct multiboot_header header;
    struct multiboot_image image = {0};
    long at = header_find(&request->kernel, &header);
    if (at < 0 ||
        (header.flags & MULTIBOOT_REQUIRED & ~(MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO | MULTIBOOT_VIDEO_MODE))) {
        snprintf(error, LOAD_ERROR, "%s: flags 0x%x in its Multiboot header ask for what is not offered",
                 request->kernel.name, header.flags);
        return false;
    }
    if (!multiboot_image_load(mem, &request->kernel, &header, at, &image, error))
        return false;
    uint32_t info_at = multiboot_info_room(&image, &request->kernel, error);
    if (!info_at)
        return false;
    struct multiboot_info *info = guest_mem_at(mem, info_at, sizeof(*info));
    memset(info, 0, sizeof(*info));
    memory_info(mem, info_at, info);
    memcpy(guest_mem_at(mem, info_at + INFO_LOADER, 5), "Mica", 5);
    info->boot_loader_name = info_at + INFO_LOADER;
    info->flags |= MULTIBOOT_INFO_LOADER;
    if (!cmdline_info(mem, request, info_at, info, error) ||
        !module_info(mem, request, image.end, info_at, info, error))
        return false;
    *entry = multiboot_entry(image.entry, MULTIBOOT_LOADER_MAGIC, info_at);
    load_tables(mem, entry, info_at + INFO_GDT);
    return true;
}
