// SPDX-License-Identifier: MIT
// The first process: made by the kernel from the first boot module, owner of everything else.
#include <elf.h>
#include "lib/c/string.h"
#include "ukernel/cpu.h"
#include "ukernel/sched.h"

#define ROOT_PRIORITY    100
#define ROOT_QUANTUM_MS  10
#define ROOT_STACK_PAGES 16
#define ROOT_EVENTS      (CAP_SELECTORS - EVENT_COUNT) // where root may put portals for its own exceptions

static void *root_page(struct pd *root, uint64_t va, uint32_t rights)
{
    void *page = account_alloc(&root->account, 0);
    if (!page || pd_map_page(root, va, page, rights) != ST_OK)
        panic("root: page %#lx cannot be mapped", va);
    return page;
}

static void load_segment(struct pd *root, const char *image, const Elf64_Phdr *ph)
{
    uint32_t rights = MAP_R | (ph->p_flags & PF_W ? MAP_W : 0) | (ph->p_flags & PF_X ? MAP_X : 0);
    for (uint64_t at = ph->p_vaddr & ~(PAGE_SIZE - 1); at < ph->p_vaddr + ph->p_memsz; at += PAGE_SIZE) {
        char *page = root_page(root, at, rights);
        uint64_t from = at > ph->p_vaddr ? at : ph->p_vaddr, file_end = ph->p_vaddr + ph->p_filesz;
        uint64_t to = at + PAGE_SIZE < file_end ? at + PAGE_SIZE : file_end;
        if (from < to)
            memcpy(page + (from - at), image + ph->p_offset + (from - ph->p_vaddr), to - from);
    }
}

static uint64_t load(struct pd *root, const struct hip_module *module)
{
    const char *image = phys_to_virt(module->base);
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image;
    if (module->size < sizeof *eh || memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_machine != EM_X86_64 ||
        eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phoff > module->size ||
        eh->e_phnum > (module->size - eh->e_phoff) / sizeof(Elf64_Phdr))
        panic("first boot module: not an ELF program for x86-64");
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(image + eh->e_phoff);
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type != PT_LOAD || !ph[i].p_memsz)
            continue;
        if (ph[i].p_offset > module->size || ph[i].p_filesz > module->size - ph[i].p_offset ||
            ph[i].p_filesz > ph[i].p_memsz || ph[i].p_vaddr >= ROOT_STACK_TOP - LARGE_SIZE ||
            ph[i].p_memsz > ROOT_STACK_TOP - LARGE_SIZE - ph[i].p_vaddr)
            panic("first boot module: segment %u lies outside the file or the address space", i);
        load_segment(root, image, &ph[i]);
    }
    return eh->e_entry;
}

static void must(enum status st, const char *what)
{
    if (st != ST_OK)
        panic("root: %s: status %u", what, st);
}

_Noreturn void root_start(void)
{
    if (!hip->module_count)
        panic("no boot module: the first one is the root process");
    pd_boot();
    enum status st;
    struct pd *root = pd_create(NULL, pool_free_pages(), &st);
    must(st, "protection domain");
    uint64_t entry = load(root, &hip->modules[0]);
    for (unsigned i = 1; i <= ROOT_STACK_PAGES; i++)
        root_page(root, ROOT_STACK_TOP - i * PAGE_SIZE, MAP_R | MAP_W);
    must(pd_map_page(root, ROOT_HIP, hip, MAP_R), "information page");
    struct ec *ec = ec_create(root, EC_GLOBAL, 0, ROOT_UTCB, ROOT_EVENTS, &st);
    must(st, "thread");
    ec->regs.rip = entry;
    ec->regs.rsp = ROOT_STACK_TOP - 8; // as after a call
    must(cap_insert(root, SEL_SELF_EC, &ec->obj, PERM_ALL), "SEL_SELF_EC");
    struct sc *sc = sc_create(root, ec, ROOT_PRIORITY, tsc_hz / 1000 * ROOT_QUANTUM_MS, &st);
    must(st, "scheduling context");
    must(cap_insert(root, SEL_HW, &pd_hw.obj, PERM_ALL), "SEL_HW");
    must(cap_insert(root, SEL_SELF_PD, &root->obj, PERM_ALL), "SEL_SELF_PD");
    must(cap_insert(root, SEL_SELF_SC, &sc->obj, PERM_ALL), "SEL_SELF_SC");
    klog("root: started, %lu KiB of kernel memory", root->account.limit * 4);
    sched_start(sc);
    schedule();
}
