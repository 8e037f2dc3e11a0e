// SPDX-License-Identifier: MIT
// The Multiboot 2 information structure (specification 2.0, 3.4): copied into a structure of our own, every length
// checked.
#include "lib/c/string.h"
#include "ukernel/platform.h"

enum {
    TAG_END,
    TAG_CMDLINE,
    TAG_MODULE = 3,
    TAG_MMAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_ELF = 9,
    TAG_RSDP_1 = 14,
    TAG_RSDP_2 = 15
};

#define FRAMEBUFFER_RGB  1
#define FRAMEBUFFER_MOST 16384 // pixels in a line, and lines
#define SHT_SYMTAB       2

struct tag {
    uint32_t type, size;
};

struct tag_mmap {
    struct tag tag;
    uint32_t entry_size, entry_version;
};

struct mmap_entry {
    uint64_t base, size;
    uint32_t type, reserved;
};

struct tag_module {
    struct tag tag;
    uint32_t start, end;
    char name[];
};

struct tag_framebuffer {
    struct tag tag;
    uint64_t base;
    uint32_t pitch, width, height;
    uint8_t bpp, type;
    uint16_t reserved;
    uint8_t colors[6]; // of an RGB one: first bit and number of bits of red, green, blue
};

struct tag_elf {
    struct tag tag;
    uint32_t count, entry_size, string_index;
};

struct elf_section {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, info;
    uint64_t align, entry_size;
};

static void string_copy(char *to, size_t room, const char *from, size_t max)
{
    size_t length = strnlen(from, max < room - 1 ? max : room - 1);
    memcpy(to, from, length);
    to[length] = 0;
}

static const char *parse_cmdline(const struct tag *tag, struct boot_info *out)
{
    string_copy(out->cmdline, sizeof(out->cmdline), (const char *)(tag + 1), tag->size - sizeof(*tag));
    return NULL;
}

static const char *parse_module(const struct tag *tag, struct boot_info *out)
{
    const struct tag_module *m = (const void *)tag;
    if (tag->size < sizeof(*m) || m->end < m->start)
        return "a module's tag is malformed";
    if (m->start & (PAGE_SIZE - 1))
        return "a module is not page aligned";
    if (out->module_count == HIP_MODULES)
        return "too many modules";
    struct boot_module *to = &out->modules[out->module_count++];
    to->base = m->start;
    to->size = m->end - m->start;
    string_copy(to->name, sizeof(to->name), m->name, tag->size - sizeof(*m));
    return NULL;
}

static const char *parse_mmap(const struct tag *tag, struct boot_info *out)
{
    const struct tag_mmap *m = (const void *)tag;
    if (tag->size < sizeof(*m) || m->entry_size < sizeof(struct mmap_entry) || m->entry_size % 8)
        return "the memory map is malformed";
    for (uint32_t at = sizeof(*m); tag->size - at >= m->entry_size; at += m->entry_size) {
        const struct mmap_entry *e = (const void *)((const char *)tag + at);
        if (out->region_count == BOOT_REGIONS)
            return "the memory map has too many regions";
        out->regions[out->region_count++] = (struct boot_region){e->base, e->size, e->type};
    }
    return NULL;
}

static bool framebuffer_sane(const struct tag_framebuffer *f)
{
    if (f->bpp < 15 || f->bpp > 32 || !f->width || f->width > FRAMEBUFFER_MOST || !f->height ||
        f->height > FRAMEBUFFER_MOST)
        return false;
    for (unsigned i = 0; i < 6; i += 2)
        if (!f->colors[i + 1] || f->colors[i + 1] > 8 || f->colors[i] + f->colors[i + 1] > f->bpp)
            return false;
    uint32_t bytes = (f->bpp + 7) / 8;
    return !(f->base & (PAGE_SIZE - 1)) && f->base && f->pitch >= f->width * bytes && f->pitch <= FRAMEBUFFER_MOST * 8;
}

static const char *parse_framebuffer(const struct tag *tag, struct boot_info *out)
{
    const struct tag_framebuffer *f = (const void *)tag;
    if (tag->size < offsetof(struct tag_framebuffer, colors))
        return "the framebuffer's tag is malformed";
    if (f->type != FRAMEBUFFER_RGB)
        return NULL; // VGA text, or a palette that nobody has set
    if (tag->size < offsetof(struct tag_framebuffer, colors) + sizeof(f->colors) || !framebuffer_sane(f))
        return NULL; // better no screen than none of the rest
    out->fb_base = f->base;
    memcpy(out->fb_colors, f->colors, sizeof(f->colors));
    out->fb_pitch = f->pitch;
    out->fb_width = f->width;
    out->fb_height = f->height;
    out->fb_bpp = f->bpp;
    return NULL;
}

// A medium without symbols, or with damaged ones, only means plain addresses in back traces: nothing here is an error.
static const char *parse_elf(const struct tag *tag, struct boot_info *out)
{
    const struct tag_elf *t = (const void *)tag;
    if (tag->size < sizeof(*t) || t->entry_size < sizeof(struct elf_section) ||
        t->count > (tag->size - sizeof(*t)) / t->entry_size)
        return NULL;
    for (uint32_t i = 0; i < t->count; i++) {
        struct elf_section s, strings;
        memcpy(&s, (const char *)(t + 1) + (size_t)i * t->entry_size, sizeof(s));
        if (s.type != SHT_SYMTAB || s.link >= t->count)
            continue;
        memcpy(&strings, (const char *)(t + 1) + (size_t)s.link * t->entry_size, sizeof(strings));
        out->symtab = s.address;
        out->symtab_size = s.size;
        out->symtab_entry = s.entry_size;
        out->strtab = strings.address;
        out->strtab_size = strings.size;
    }
    return NULL;
}

static const char *parse_rsdp(const struct tag *tag, struct boot_info *out)
{
    unsigned size = tag->size - sizeof(*tag);
    if (size > sizeof(out->rsdp))
        size = sizeof(out->rsdp);
    if (size >= 20 && size > out->rsdp_size) { // the newer root pointer is the longer one
        memcpy(out->rsdp, tag + 1, size);
        out->rsdp_size = size;
    }
    return NULL;
}

static const char *(*const parsers[])(const struct tag *, struct boot_info *) = {
    [TAG_CMDLINE] = parse_cmdline, [TAG_MODULE] = parse_module,
    [TAG_MMAP] = parse_mmap,       [TAG_FRAMEBUFFER] = parse_framebuffer,
    [TAG_ELF] = parse_elf,         [TAG_RSDP_1] = parse_rsdp,
    [TAG_RSDP_2] = parse_rsdp,
};

const char *multiboot2_parse(const void *info, size_t max, struct boot_info *out)
{
    memset(out, 0, sizeof(*out));
    const uint32_t *header = info;
    if (max < 8 || header[0] < 16 || header[0] > max)
        return "the boot information's size is impossible";
    size_t total = header[0], at = 8;
    while (total - at >= sizeof(struct tag)) {
        const struct tag *tag = (const void *)((const char *)info + at);
        if (tag->size < sizeof(*tag) || tag->size > total - at)
            return "a tag of the boot information is longer than the whole";
        if (tag->type == TAG_END)
            return out->region_count ? NULL : "the boot loader gave no memory map";
        if (tag->type < sizeof(parsers) / sizeof(*parsers) && parsers[tag->type]) {
            const char *wrong = parsers[tag->type](tag, out);
            if (wrong)
                return wrong;
        }
        size_t step = (tag->size + 7ul) & ~7ul;
        if (step > total - at)
            break;
        at += step;
    }
    return "the boot information has no end tag";
}
