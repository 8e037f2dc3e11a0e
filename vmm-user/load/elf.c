// SPDX-License-Identifier: MIT
// ELF kernels, 32 and 64 bits: the segments for Multiboot, and kernels with a PVH entry note.
#include <elf.h>
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "pc/multiboot.h"
#include "vmm-user/load/load.h"

// One program header of either class.
struct segment {
    uint32_t type;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct elf_view {
    const struct load_file *file;
    bool is64;
    uint64_t entry, phoff;
    unsigned phnum, phentsize;
};

bool load_is_elf(const struct load_file *file)
{
    return file->size >= sizeof(Elf32_Ehdr) && memcmp(file->data, ELFMAG, SELFMAG) == 0;
}

static bool elf_open(struct elf_view *elf, const struct load_file *file, char *error)
{
    elf->file = file;
    elf->is64 = file->data[EI_CLASS] == ELFCLASS64;
    uint16_t machine;
    if (elf->is64 && file->size >= sizeof(Elf64_Ehdr)) {
        Elf64_Ehdr h;
        memcpy(&h, file->data, sizeof(h));
        elf->entry = h.e_entry, elf->phoff = h.e_phoff, elf->phnum = h.e_phnum, elf->phentsize = h.e_phentsize;
        machine = h.e_machine;
    } else if (!elf->is64) {
        Elf32_Ehdr h;
        memcpy(&h, file->data, sizeof(h));
        elf->entry = h.e_entry, elf->phoff = h.e_phoff, elf->phnum = h.e_phnum, elf->phentsize = h.e_phentsize;
        machine = h.e_machine;
    } else {
        snprintf(error, LOAD_ERROR, "%s: cut off: the ELF header is not all there", file->name);
        return false;
    }
    if (machine != EM_386 && machine != EM_X86_64) {
        snprintf(error, LOAD_ERROR, "%s: ELF for machine %u, not for x86", file->name, machine);
        return false;
    }
    if (elf->phentsize < (elf->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) || elf->phoff > file->size ||
        (uint64_t)elf->phnum * elf->phentsize > file->size - elf->phoff) {
        snprintf(error, LOAD_ERROR, "%s: its %u program headers at offset 0x%llx are not all in the file", file->name,
                 elf->phnum, (unsigned long long)elf->phoff);
        return false;
    }
    return true;
}

static struct segment elf_segment(const struct elf_view *elf, unsigned index)
{
    const uint8_t *at = elf->file->data + elf->phoff + (uint64_t)index * elf->phentsize;
    if (elf->is64) {
        Elf64_Phdr p;
        memcpy(&p, at, sizeof(p));
        return (struct segment){p.p_type, p.p_offset, p.p_vaddr, p.p_paddr, p.p_filesz, p.p_memsz, p.p_align};
    }
    Elf32_Phdr p;
    memcpy(&p, at, sizeof(p));
    return (struct segment){p.p_type, p.p_offset, p.p_vaddr, p.p_paddr, p.p_filesz, p.p_memsz, p.p_align};
}

static bool segment_in_file(const struct elf_view *elf, const struct segment *s)
{
    return s->offset <= elf->file->size && s->filesz <= elf->file->size - s->offset;
}

static bool segments_copy(const struct guest_mem *mem, const struct elf_view *elf, uint64_t *entry, uint64_t *end,
                          struct load_low *low, char *error)
{
    *end = 0;
    *entry = elf->entry;
    for (unsigned i = 0; i < elf->phnum; i++) {
        struct segment s = elf_segment(elf, i);
        if (s.type != PT_LOAD || s.memsz == 0)
            continue;
        uint8_t *to = guest_mem_at(mem, s.paddr, s.memsz);
        if (!segment_in_file(elf, &s) || s.filesz > s.memsz) {
            snprintf(error, LOAD_ERROR, "%s: segment %u (offset 0x%llx, 0x%llx bytes) is not in the file",
                     elf->file->name, i, (unsigned long long)s.offset, (unsigned long long)s.filesz);
            return false;
        }
        if (!to || (s.paddr < 0x100000 && s.paddr + s.memsz > 0xa0000)) {
            snprintf(error, LOAD_ERROR,
                     "%s: segment %u (0x%llx bytes at 0x%llx) is not in the VM's memory, which ends at 0x%llx",
                     elf->file->name, i, (unsigned long long)s.memsz, (unsigned long long)s.paddr,
                     (unsigned long long)mem->low_size);
            return false;
        }
        memcpy(to, elf->file->data + s.offset, s.filesz);
        memset(to + s.filesz, 0, s.memsz - s.filesz);
        load_low_take(low, s.paddr, s.memsz);
        if (elf->entry - s.vaddr < s.memsz)
            *entry = elf->entry - s.vaddr + s.paddr;
        if (s.paddr + s.memsz > *end)
            *end = s.paddr + s.memsz;
    }
    if (*end)
        return true;
    snprintf(error, LOAD_ERROR, "%s: has no segment to load", elf->file->name);
    return false;
}

bool elf_load(const struct guest_mem *mem, const struct load_file *file, uint64_t *entry, uint64_t *end,
              struct load_low *low, char *error)
{
    struct elf_view elf;
    return elf_open(&elf, file, error) && segments_copy(mem, &elf, entry, end, low, error);
}

// The PVH entry among the notes of one segment; 0 = not there.
static uint32_t note_entry(const struct elf_view *elf, const struct segment *s)
{
    uint64_t align = s->align == 8 ? 8 : 4;
    const uint8_t *notes = elf->file->data + s->offset;
    for (uint64_t at = 0; at + sizeof(Elf32_Nhdr) <= s->filesz;) {
        Elf32_Nhdr note;
        memcpy(&note, notes + at, sizeof(note));
        uint64_t name = at + sizeof(note);
        uint64_t desc = (name + note.n_namesz + align - 1) & ~(align - 1);
        uint64_t next = (desc + note.n_descsz + align - 1) & ~(align - 1);
        if (desc + note.n_descsz > s->filesz)
            break;
        if (note.n_type == PVH_NOTE_ENTRY && note.n_namesz == 4 && memcmp(notes + name, "Xen", 4) == 0 &&
            note.n_descsz >= 4) {
            uint32_t entry;
            memcpy(&entry, notes + desc, sizeof(entry));
            return entry;
        }
        at = next;
    }
    return 0;
}

static uint32_t pvh_entry(const struct elf_view *elf)
{
    for (unsigned i = 0; i < elf->phnum; i++) {
        struct segment s = elf_segment(elf, i);
        uint32_t entry = s.type == PT_NOTE && segment_in_file(elf, &s) ? note_entry(elf, &s) : 0;
        if (entry)
            return entry;
    }
    return 0;
}

// Start information, memory map, module list and command line, one after the other.
enum { PVH_MAP = 0x100, PVH_MODULE = 0x400, PVH_CMDLINE = 0x1000, PVH_GDT = 0x9000, PVH_SIZE = 0xa000 };

static bool pvh_info(const struct guest_mem *mem, const struct load_request *request, uint64_t at, uint64_t kernel_end,
                     char *error)
{
    struct pvh_start_info *info = guest_mem_at(mem, at, sizeof(*info));
    struct pvh_memmap *map = guest_mem_at(mem, at + PVH_MAP, LOAD_REGIONS * sizeof(*map));
    struct pvh_module *module = guest_mem_at(mem, at + PVH_MODULE, sizeof(*module));
    struct load_region regions[LOAD_REGIONS];
    unsigned count = load_memory_map(mem, regions);
    size_t length = strlen(request->append);
    *info = (struct pvh_start_info){.magic = PVH_START_MAGIC,
                                    .version = 1,
                                    .cmdline = at + PVH_CMDLINE,
                                    .rsdp = request->rsdp,
                                    .memmap = at + PVH_MAP,
                                    .memmap_entries = count};
    for (unsigned i = 0; i < count; i++)
        map[i] = (struct pvh_memmap){regions[i].base, regions[i].size, regions[i].type, 0};
    if (length >= PVH_GDT - PVH_CMDLINE) {
        snprintf(error, LOAD_ERROR, "%s: a command line of %zu characters is too long", request->kernel.name, length);
        return false;
    }
    memcpy(guest_mem_at(mem, at + PVH_CMDLINE, length + 1), request->append, length + 1);
    const struct load_file *file = load_initrd(request, error);
    if (!file || !file->size)
        return file;
    uint64_t initrd = (mem->low_size - file->size) & ~0xfffull;
    if (file->size > mem->low_size || initrd < kernel_end || initrd < 0x100000) {
        snprintf(error, LOAD_ERROR, "%s: its %zu bytes do not fit above the kernel's end 0x%llx", file->name,
                 file->size, (unsigned long long)kernel_end);
        return false;
    }
    memcpy(guest_mem_at(mem, initrd, file->size), file->data, file->size);
    *module = (struct pvh_module){initrd, file->size, 0, 0};
    info->modules = at + PVH_MODULE;
    info->module_count = 1;
    return true;
}

bool load_pvh(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry, char *error)
{
    struct elf_view elf;
    struct load_low low = {0};
    uint64_t linked, end, at;
    if (!elf_open(&elf, &request->kernel, error))
        return false;
    uint32_t start = pvh_entry(&elf);
    if (!start) {
        snprintf(error, LOAD_ERROR, "%s: an ELF file without a PVH entry (note \"Xen\", type 18) or Multiboot header",
                 request->kernel.name);
        return false;
    }
    if (!segments_copy(mem, &elf, &linked, &end, &low, error))
        return false;
    if (!(at = load_low_find(&low, PVH_SIZE))) {
        snprintf(error, LOAD_ERROR, "%s: its segments leave no %u KiB below 640 KiB for its boot information",
                 request->kernel.name, PVH_SIZE / 1024);
        return false;
    }
    if (!pvh_info(mem, request, at, end, error))
        return false;
    *entry = (struct load_entry){.mode = LOAD_MODE_32, .rip = start, .rbx = at, .cs = 0x10, .ds = 0x18};
    load_tables(mem, entry, at + PVH_GDT);
    return true;
}
