// SPDX-License-Identifier: MIT
// Multiboot 2 kernels (specification 2.0): ELF, or flat with the addresses in a tag of the header; started on a PC with
// a BIOS.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "vmm-user/load/multiboot_parts.h"

#define INFO_TAGS 0x40 // behind the descriptor table
#define ALIGN     7u

static long header_find(const struct load_file *file, struct multiboot2_header *header)
{
    for (size_t at = 0; at + sizeof(*header) <= file->size && at + sizeof(*header) <= MULTIBOOT2_SEARCH; at += 8) {
        memcpy(header, file->data + at, sizeof(*header));
        if (header->magic == MULTIBOOT2_HEADER_MAGIC &&
            header->magic + header->architecture + header->length + header->checksum == 0)
            return (long)at;
    }
    return -1;
}

bool load_is_multiboot2(const struct load_file *file)
{
    struct multiboot2_header header;
    return header_find(file, &header) >= 0;
}

// May the kernel ask for this tag of the information?
static bool is_told(uint32_t type)
{
    const uint32_t told = 1u << MULTIBOOT2_CMDLINE | 1u << MULTIBOOT2_LOADER | 1u << MULTIBOOT2_MODULE |
                          1u << MULTIBOOT2_MEMORY | 1u << MULTIBOOT2_MMAP | 1u << MULTIBOOT2_FRAMEBUFFER |
                          1u << MULTIBOOT2_RSDP_1 | 1u << MULTIBOOT2_RSDP_2;
    return type < 32 && told >> type & 1;
}

// One tag of the header, in the terms of version 1. False: it asks for what is not offered.
static bool tag_take(const struct multiboot2_header_tag_head *tag, const uint8_t *data, struct multiboot_header *out,
                     uint32_t *entry)
{
    uint32_t values[4] = {0}, size = tag->size - sizeof(*tag);
    memcpy(values, data, size < sizeof(values) ? size : sizeof(values));
    switch (tag->type) {
    case MULTIBOOT2_HEADER_REQUEST:
        for (uint32_t at = 0; at + 4 <= size; at += 4) {
            memcpy(values, data + at, 4);
            if (!is_told(values[0]))
                return false;
        }
        return true;
    case MULTIBOOT2_HEADER_ADDRESS:
        out->flags |= MULTIBOOT_ADDRESSES;
        out->header_addr = values[0], out->load_addr = values[1];
        out->load_end_addr = values[2], out->bss_end_addr = values[3];
        return true;
    case MULTIBOOT2_HEADER_ENTRY:
        *entry = values[0];
        return true;
    case MULTIBOOT2_HEADER_CONSOLE:
    case MULTIBOOT2_HEADER_FRAMEBUFFER: // a wish: what there is is told
    case MULTIBOOT2_HEADER_MODULE_ALIGN:
    case MULTIBOOT2_HEADER_EFI_SERVICES: // for firmware of that kind
    case MULTIBOOT2_HEADER_EFI_ENTRY_32:
    case MULTIBOOT2_HEADER_EFI_ENTRY_64:
        return true;
    default:
        return false;
    }
}

static bool tags_take(const struct load_file *file, long at, const struct multiboot2_header *header,
                      struct multiboot_header *out, uint32_t *entry, char *error)
{
    uint64_t end = (uint64_t)at + header->length, next = (uint64_t)at + sizeof(*header);
    struct multiboot2_header_tag_head tag = {.size = sizeof(tag)};
    if (header->architecture != MULTIBOOT2_I386) {
        snprintf(error, LOAD_ERROR, "%s: its Multiboot 2 header is for architecture %u, not for i386 (0)", file->name,
                 header->architecture);
        return false;
    }
    for (; end <= file->size && next + sizeof(tag) <= end; next += ((uint64_t)tag.size + ALIGN) & ~(uint64_t)ALIGN) {
        memcpy(&tag, file->data + next, sizeof(tag));
        if (tag.size < sizeof(tag) || tag.size > end - next)
            break;
        if (tag.type == MULTIBOOT2_HEADER_END)
            return true;
        if (!tag_take(&tag, file->data + next + sizeof(tag), out, entry) && !(tag.flags & MULTIBOOT2_OPTIONAL)) {
            snprintf(error, LOAD_ERROR, "%s: tag %u in its Multiboot 2 header asks for what is not offered", file->name,
                     tag.type);
            return false;
        }
    }
    snprintf(error, LOAD_ERROR, "%s: its Multiboot 2 header of %u bytes is cut off or has no end", file->name,
             header->length);
    return false;
}

// The information grows from `at`; `end` is 0 when there is no room any more.
struct tags {
    const struct guest_mem *mem;
    uint32_t at, end;
};

// Room for one more tag; a place that does not matter when there is none.
static void *tag_add(struct tags *t, uint32_t type, uint32_t size)
{
    size += sizeof(struct multiboot2_tag_head);
    if (t->end < t->at || size > t->end - t->at) {
        t->end = 0;
        return NULL;
    }
    struct multiboot2_tag_head *tag = guest_mem_at(t->mem, t->at, size);
    *tag = (struct multiboot2_tag_head){type, size};
    t->at += (size + ALIGN) & ~ALIGN;
    return tag + 1;
}

static void tag_copy(struct tags *t, uint32_t type, const void *data, uint32_t size)
{
    void *to = tag_add(t, type, size);
    if (to)
        memcpy(to, data, size);
}

static void memory_tags(struct tags *t)
{
    struct load_region regions[LOAD_REGIONS];
    struct {
        uint32_t entry_size, version;
        struct multiboot2_mmap entries[LOAD_REGIONS];
    } map = {.entry_size = sizeof(map.entries[0])};
    const uint32_t sizes[] = {LOAD_EBDA >> 10, (uint32_t)((t->mem->low_size - 0x100000) >> 10)};
    unsigned count = load_memory_map(t->mem, regions);
    for (unsigned i = 0; i < count; i++)
        map.entries[i] = (struct multiboot2_mmap){regions[i].base, regions[i].size, regions[i].type, 0};
    tag_copy(t, MULTIBOOT2_MEMORY, sizes, sizeof(sizes));
    tag_copy(t, MULTIBOOT2_MMAP, &map, (uint32_t)(8 + count * sizeof(map.entries[0])));
}

static bool module_tags(struct tags *t, const struct load_request *request, uint64_t at, char *error)
{
    for (unsigned i = 0; i < request->module_count; i++) {
        const struct load_module *m = &request->modules[i];
        uint32_t length = (uint32_t)strlen(m->text) + 1, start = multiboot_module_place(t->mem, &m->file, &at, error);
        uint32_t *to = start ? tag_add(t, MULTIBOOT2_MODULE, 8 + length) : NULL;
        if (!start)
            return false;
        if (!to)
            continue; // the caller says that there is no room
        to[0] = start, to[1] = (uint32_t)at;
        memcpy(to + 2, m->text, length);
    }
    return true;
}

// As boot loaders pass it, the kernel's name is not part of the command line.
static bool info_fill(struct tags *t, const struct load_request *request, uint64_t kernel_end, char *error)
{
    const struct load_screen *screen = &request->screen;
    const struct multiboot2_framebuffer text = {0xb8000, screen->columns * 2u, screen->columns, screen->rows, 16, 2, 0};
    uint32_t *head = guest_mem_at(t->mem, t->at, 8), first = t->at;
    t->at += 8;
    tag_copy(t, MULTIBOOT2_CMDLINE, request->append, (uint32_t)strlen(request->append) + 1);
    tag_copy(t, MULTIBOOT2_LOADER, "Mica", 5);
    memory_tags(t);
    if (screen->columns)
        tag_copy(t, MULTIBOOT2_FRAMEBUFFER, &text, sizeof(text));
    const void *rsdp = request->rsdp ? guest_mem_at(t->mem, request->rsdp, LOAD_RSDP_SIZE) : NULL;
    if (rsdp) {
        tag_copy(t, MULTIBOOT2_RSDP_1, rsdp, LOAD_RSDP_1_SIZE);
        tag_copy(t, MULTIBOOT2_RSDP_2, rsdp, LOAD_RSDP_SIZE);
    }
    if (!module_tags(t, request, kernel_end, error))
        return false;
    tag_add(t, MULTIBOOT2_END, 0);
    head[0] = t->at - first, head[1] = 0;
    if (!t->end)
        snprintf(error, LOAD_ERROR, "%s: the command lines of it and its modules are longer than %u characters",
                 request->kernel.name, MULTIBOOT_INFO_SIZE);
    return t->end;
}

bool load_multiboot2(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry,
                     char *error)
{
    struct multiboot2_header header;
    struct multiboot_header addresses = {0};
    struct multiboot_image image = {0};
    uint32_t start = 0;
    long at = header_find(&request->kernel, &header);
    if (at < 0 || !tags_take(&request->kernel, at, &header, &addresses, &start, error) ||
        !multiboot_image_load(mem, &request->kernel, &addresses, at, &image, error))
        return false;
    uint32_t info_at = multiboot_info_room(&image, &request->kernel, error);
    if (!info_at)
        return false;
    struct tags tags = {mem, info_at + INFO_TAGS, info_at + MULTIBOOT_INFO_SIZE};
    if (!info_fill(&tags, request, image.end, error))
        return false;
    *entry = multiboot_entry(start ? start : image.entry, MULTIBOOT2_LOADER_MAGIC, info_at + INFO_TAGS);
    load_tables(mem, entry, info_at);
    return true;
}
