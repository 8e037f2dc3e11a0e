// SPDX-License-Identifier: MIT
#include "user/root/elf.h"
#include <elf.h>
#include "abi/layout.h"
#include "lib/c/string.h"

static const char *header_check(const Elf64_Ehdr *h, size_t size)
{
    if (size < sizeof *h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return "no ELF file";
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64)
        return "not for x86-64";
    if (h->e_type != ET_EXEC)
        return "not a static program";
    if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum || h->e_phoff % 8 || h->e_phoff > size ||
        h->e_phnum > (size - h->e_phoff) / sizeof(Elf64_Phdr))
        return "bad program headers";
    return NULL;
}

static const char *segment_check(const Elf64_Phdr *p, size_t size, uint64_t lowest)
{
    if (p->p_offset > size || p->p_filesz > size - p->p_offset || p->p_filesz > p->p_memsz)
        return "a segment reaches beyond the file";
    if (p->p_vaddr % PAGE_SIZE || p->p_offset % PAGE_SIZE)
        return "a segment is not page aligned";
    if (p->p_vaddr < lowest || p->p_vaddr > PROGRAM_END || p->p_memsz > PROGRAM_END - p->p_vaddr)
        return "segments overlap or lie outside the program's addresses";
    if ((p->p_flags & PF_W) && (p->p_flags & PF_X))
        return "a segment is writable and executable";
    if (!(p->p_flags & PF_W) && p->p_filesz != p->p_memsz)
        return "a constant segment is not all in the file";
    return NULL;
}

const char *elf_read(const void *file, size_t size, struct elf_image *out)
{
    const Elf64_Ehdr *h = file;
    const char *wrong = header_check(h, size);
    if (wrong)
        return wrong;
    *out = (struct elf_image){.entry = h->e_entry};
    const Elf64_Phdr *p = (const Elf64_Phdr *)((const char *)file + h->e_phoff);
    uint64_t lowest = PROGRAM_BASE;
    bool entered = false;
    for (unsigned i = 0; i < h->e_phnum; i++, p++) {
        if (p->p_type != PT_LOAD || !p->p_memsz)
            continue;
        wrong = segment_check(p, size, lowest);
        if (wrong)
            return wrong;
        if (out->count == ELF_SEGMENTS)
            return "too many segments";
        struct elf_segment *s = &out->segments[out->count++];
        *s = (struct elf_segment){.offset = p->p_offset,
                                  .file_size = p->p_filesz,
                                  .va = p->p_vaddr,
                                  .pages = (p->p_memsz + PAGE_SIZE - 1) / PAGE_SIZE,
                                  .write = p->p_flags & PF_W,
                                  .execute = p->p_flags & PF_X};
        lowest = s->va + s->pages * PAGE_SIZE;
        entered |= s->execute && out->entry >= s->va && out->entry < s->va + s->file_size;
    }
    return entered ? NULL : "the entry is not in the program's code";
}
