// SPDX-License-Identifier: MIT
// sources: vmm-user/load/load.c vmm-user/load/linux.c vmm-user/load/multiboot.c vmm-user/load/multiboot2.c
// sources: vmm-user/load/elf.c vmm-user/load/acpi.c
#include "vmm-user/load/load.h"
#include <asm/bootparam.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include "pc/multiboot.h"
#include "tests/unit/cmocka_all.h"

#define RAM (64ull << 20)

struct fixture {
    struct guest_mem mem;
    struct load_request request;
    struct load_entry entry;
    uint8_t file[64 << 10];
    char error[LOAD_ERROR];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->mem = (struct guest_mem){.low = calloc(1, RAM), .low_size = RAM};
    f->request.kernel = (struct load_file){"kernel", f->file, sizeof(f->file)};
    f->request.append = "a=b";
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->mem.low);
    free(f);
    return 0;
}

static void module(struct fixture *f, const char *name, const uint8_t *data, size_t size)
{
    f->request.modules[f->request.module_count++] = (struct load_module){{name, data, size}, name};
}

static bool load(struct fixture *f)
{
    f->error[0] = 0;
    return load_kernel(&f->mem, &f->request, &f->entry, f->error);
}

static struct setup_header *header(struct fixture *f)
{
    return (struct setup_header *)(f->file + 0x1f1);
}

static void make_linux(struct fixture *f)
{
    struct setup_header *h = header(f);
    f->file[0x1fe] = 0x55, f->file[0x1ff] = 0xaa, f->file[0x201] = 0x6a;
    memcpy(f->file + 0x202, "HdrS", 4);
    h->setup_sects = 3;
    h->version = 0x20f;
    h->loadflags = LOADED_HIGH;
    h->syssize = (sizeof(f->file) - 2048) / 16;
    h->initrd_addr_max = 0x7fffffff;
    h->kernel_alignment = 0x200000;
    h->relocatable_kernel = 1;
    h->xloadflags = XLF_KERNEL_64;
    h->cmdline_size = 2047;
    h->pref_address = 0x1000000;
    h->init_size = 0x100000;
    f->file[2048] = 0xc0, f->file[2048 + 0x200] = 0xde;
}

static void linux_64(void **state)
{
    struct fixture *f = *state;
    make_linux(f);
    module(f, "initrd", (const uint8_t *)"initial", 7);
    f->request.rsdp = 0xe0000;
    assert_true(load(f));
    assert_int_equal(f->entry.mode, LOAD_MODE_64);
    assert_int_equal(f->entry.rip, 0x1000200);
    assert_int_equal(f->mem.low[0x1000200], 0xde);
    const struct boot_params *zero = (const void *)(f->mem.low + f->entry.rsi);
    assert_int_equal(zero->hdr.type_of_loader, 0xff);
    assert_int_equal(zero->acpi_rsdp_addr, 0xe0000);
    assert_string_equal((char *)f->mem.low + zero->hdr.cmd_line_ptr, "a=b");
    assert_int_equal(zero->hdr.ramdisk_image, RAM - 4096);
    assert_memory_equal(f->mem.low + zero->hdr.ramdisk_image, "initial", 7);
    assert_int_equal(zero->e820_table[3].addr, 0x100000);
    assert_int_equal(zero->e820_table[3].size, RAM - 0x100000);
    assert_int_equal(zero->e820_entries, 6);
    assert_int_equal(zero->screen_info.orig_video_mode, 0); // nobody said what the screen shows
}

// boot.rst, "Special Command Line Options": where memory ends is the loader's business, too.
static void linux_memory_option(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *append;
        uint64_t top;
    } lines[] = {{"mem=48M", 48 << 20},
                 {"quiet mem=0x2000000", 32 << 20},
                 {"mem=49152k mem=40m", 40 << 20},
                 {"mem=1G", RAM},
                 {"mem=", RAM},
                 {"mem=nopentium", RAM},
                 {"notmem=48M", RAM},
                 {"memmap=48M", RAM},
                 {"mem=99999999999999999999E", RAM}};
    make_linux(f);
    module(f, "initrd", (const uint8_t *)"initial", 7);
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        f->request.append = lines[i].append;
        assert_true(load(f));
        const struct boot_params *zero = (const void *)(f->mem.low + f->entry.rsi);
        assert_int_equal(zero->hdr.ramdisk_image, lines[i].top - 4096);
    }
    f->request.append = "mem=8M";
    assert_false(load(f));
    assert_string_equal(
        f->error, "initrd: its 7 bytes do not fit between the kernel's end 0x1100000 and 0x800000: mem= is too small");
}

static void linux_screen(void **state)
{
    struct fixture *f = *state;
    make_linux(f);
    f->request.screen = (struct load_screen){.mode = 3, .columns = 80, .rows = 25, .points = 16, .row = 2};
    assert_true(load(f));
    const struct boot_params *zero = (const void *)(f->mem.low + f->entry.rsi);
    const struct screen_info *screen = &zero->screen_info;
    assert_int_equal(screen->orig_video_isVGA, 1);
    assert_int_equal(screen->orig_video_cols, 80);
    assert_int_equal(screen->orig_video_lines, 25);
    assert_int_equal(screen->orig_y, 2);
    f->request.screen = (struct load_screen){.mode = 0x40,
                                             .base = 0xe0000000,
                                             .size = 8 << 20,
                                             .width = 1024,
                                             .height = 768,
                                             .pitch = 2048,
                                             .bits = 16,
                                             .color = {{5, 11}, {6, 5}, {5, 0}, {0, 0}}};
    assert_true(load(f));
    assert_int_equal(screen->orig_video_isVGA, 0x23);
    assert_int_equal(screen->lfb_base, 0xe0000000);
    assert_int_equal(screen->lfb_size, 128); // of 64 KiB
    assert_int_equal(screen->lfb_width, 1024);
    assert_int_equal(screen->lfb_linelength, 2048);
    assert_int_equal(screen->green_pos, 5);
}

static void linux_32(void **state)
{
    struct fixture *f = *state;
    make_linux(f);
    header(f)->xloadflags = 0;
    assert_true(load(f));
    assert_int_equal(f->entry.mode, LOAD_MODE_32);
    assert_int_equal(f->entry.rip, 0x1000000);
}

// An old kernel, or a program that looks like one: its setup code starts in real mode, with its data and stack in one
// segment.
static void linux_real_mode(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 3; i++) {
        make_linux(f);
        struct setup_header *h = header(f);
        f->file[0x201] = i ? 0x3a : 0x2e; // ends behind initrd_addr_max, or behind pad1
        h->version = (uint16_t[]){0x202, 0x203, 0x207}[i];
        h->code32_start = i == 2 ? 0 : 0x100000;
        f->file[0x200] = 0xeb, f->file[0x230] = 0x11;
        f->request.append = "a=b vga=0x317";
        f->request.module_count = 0;
        module(f, "initrd", (const uint8_t *)"initial", 7);
        assert_true(load(f));
        assert_int_equal(f->entry.mode, LOAD_MODE_16);
        assert_int_equal((f->entry.cs << 4) + f->entry.rip, (f->entry.ds << 4) + 0x200);
        assert_int_equal(f->entry.rsp, 0xe000);
        const uint8_t *setup = f->mem.low + (f->entry.ds << 4);
        const struct setup_header *out = (const void *)(setup + 0x1f1);
        assert_int_equal(setup[0x200], 0xeb);
        assert_int_equal(setup[0x230], 0x11); // code, not a header any more
        assert_int_equal(out->vid_mode, 0x317);
        assert_int_equal(out->loadflags, LOADED_HIGH | CAN_USE_HEAP);
        assert_int_equal(out->heap_end_ptr, 0xde00);
        assert_string_equal((char *)f->mem.low + out->cmd_line_ptr, "a=b vga=0x317");
        assert_int_equal(out->ramdisk_image, RAM - 4096);
        assert_int_equal(f->mem.low[0x100000], 0xc0);
    }
    header(f)->setup_sects = 64;
    assert_false(load(f));
    assert_string_equal(f->error,
                        "kernel: setup_sects at offset 0x1f1 says 33280 bytes of setup code, 32768 is the most");
}

// A text mode is for the setup code to choose, of today's kernels, too; the kernel goes to where it wants to run.
static void linux_text_mode(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *append;
        unsigned mode;
    } lines[] = {{"vga=ask quiet", 0xfffd}, {"vga=ext", 0xfffe}, {"vga=0xf07", 0xf07}, {"vga=791 vga=1", 1}};
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        make_linux(f);
        f->request.append = lines[i].append;
        assert_true(load(f));
        assert_int_equal(f->entry.mode, LOAD_MODE_16);
        const struct setup_header *out = (const void *)(f->mem.low + (f->entry.ds << 4) + 0x1f1);
        assert_int_equal(out->vid_mode, lines[i].mode);
        assert_int_equal(out->code32_start, 0x1000000);
        assert_int_equal(f->mem.low[0x1000000], 0xc0);
    }
    f->request.append = "vga=normal";
    assert_true(load(f));
    assert_int_equal(f->entry.mode, LOAD_MODE_64);
}

// Where it runs is no memory: loaded lower, it would move itself there all the same.
static void linux_too_large(void **state)
{
    struct fixture *f = *state;
    make_linux(f);
    f->mem.low_size = (17 << 20) - 4096;
    assert_false(load(f));
    assert_string_equal(f->error,
                        "kernel: needs 1024 KiB at 0x1000000, the VM's memory ends at 0x10ff000: give it more");
    f->mem.low_size += 4096;
    assert_true(load(f));
}

static void linux_bad(void **state)
{
    struct fixture *f = *state;
    struct setup_header *h = header(f);
    make_linux(f);
    h->version = 0x201;
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: boot protocol 2.01 at offset 0x206 is too old: 2.02 is needed");
    make_linux(f);
    h->loadflags = 0;
    assert_false(load(f));
    make_linux(f);
    h->setup_sects = 200;
    assert_false(load(f));
    assert_string_equal(f->error,
                        "kernel: cut off: setup_sects at offset 0x1f1 says 102912 bytes of setup, the file has 65536");
    make_linux(f);
    h->syssize = 0x7fffffff;
    assert_false(load(f));
    make_linux(f);
    h->init_size = 0xffffffff;
    assert_false(load(f));
    make_linux(f);
    h->pref_address = UINT64_MAX - 10;
    assert_false(load(f));
    assert_string_equal(
        f->error, "kernel: needs 1024 KiB at 0xfffffffffffffff5, the VM's memory ends at 0x4000000: give it more");
    make_linux(f);
    h->cmdline_size = 2;
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: takes a command line of 2 characters at most, this one has 3");
    make_linux(f);
    static uint8_t big[50 << 20];
    module(f, "initrd", big, sizeof(big));
    assert_false(load(f));
    assert_string_equal(f->error, "initrd: its 52428800 bytes do not fit between the kernel's end 0x1100000 and "
                                  "0x4000000: give the VM more memory");
}

static void make_multiboot(struct fixture *f, uint32_t flags)
{
    struct multiboot_header h = {.magic = MULTIBOOT_HEADER_MAGIC,
                                 .flags = flags,
                                 .checksum = 0u - MULTIBOOT_HEADER_MAGIC - flags,
                                 .header_addr = 0x200010,
                                 .load_addr = 0x200000,
                                 .load_end_addr = 0x200100,
                                 .bss_end_addr = 0x201000,
                                 .entry_addr = 0x200040};
    memcpy(f->file + 0x10, &h, sizeof(h));
    f->file[0] = 0x77;
}

static void multiboot_flat(void **state)
{
    struct fixture *f = *state;
    make_multiboot(f, MULTIBOOT_ADDRESSES | MULTIBOOT_MEMORY_INFO);
    module(f, "environ", (const uint8_t *)"X=1", 3);
    f->mem.low[0x200100] = 0x55; // bss
    assert_true(load(f));
    assert_int_equal(f->entry.rip, 0x200040);
    assert_int_equal(f->entry.rax, MULTIBOOT_LOADER_MAGIC);
    assert_int_equal(f->mem.low[0x200000], 0x77);
    assert_int_equal(f->mem.low[0x200100], 0);
    const struct multiboot_info *info = (const void *)(f->mem.low + f->entry.rbx);
    assert_string_equal((char *)f->mem.low + info->cmdline, "kernel a=b");
    assert_int_equal(info->mem_upper, (RAM - 0x100000) >> 10);
    assert_int_equal(info->mods_count, 1);
    const struct multiboot_module *module = (const void *)(f->mem.low + info->mods_addr);
    assert_int_equal(module->start, 0x201000);
    assert_int_equal(module->end, 0x201003);
    assert_memory_equal(f->mem.low + module->start, "X=1", 3);
    const struct multiboot_mmap *map = (const void *)(f->mem.low + info->mmap_addr);
    assert_int_equal(info->mmap_length, 6 * sizeof(*map));
    assert_int_equal(map[3].base, 0x100000);
}

// Each module begins a page, and has its own words.
static void multiboot_modules(void **state)
{
    struct fixture *f = *state;
    make_multiboot(f, MULTIBOOT_ADDRESSES | MULTIBOOT_PAGE_ALIGN);
    module(f, "a", (const uint8_t *)"first", 5);
    module(f, "b", (const uint8_t *)"second", 6);
    f->request.modules[1].text = "b x=1 y";
    assert_true(load(f));
    const struct multiboot_info *info = (const void *)(f->mem.low + f->entry.rbx);
    const struct multiboot_module *m = (const void *)(f->mem.low + info->mods_addr);
    assert_int_equal(info->mods_count, 2);
    assert_int_equal(m[0].start, 0x201000);
    assert_int_equal(m[1].start, 0x202000);
    assert_int_equal(m[1].end, 0x202006);
    assert_memory_equal(f->mem.low + m[1].start, "second", 6);
    assert_string_equal((char *)f->mem.low + m[0].string, "a");
    assert_string_equal((char *)f->mem.low + m[1].string, "b x=1 y");
    static char text[5000];
    memset(text, 'x', sizeof(text) - 1);
    f->request.modules[1].text = text;
    assert_false(load(f));
    make_linux(f);
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: takes one initrd, not 2 files: only Multiboot kernels take more");
}

static void modules_are_split(void **state)
{
    const char *texts[2];
    unsigned lengths[2];
    char none[] = "", one[] = "initrd", two[] = "a x=1 y, b", many[] = "a,b,c", gaps[] = ",a,,";
    (void)state;
    assert_int_equal(load_modules_split(none, texts, lengths, 2), 0);
    assert_int_equal(load_modules_split(one, texts, lengths, 2), 1);
    assert_int_equal(lengths[0], 6);
    assert_int_equal(load_modules_split(two, texts, lengths, 2), 2);
    assert_string_equal(texts[0], "a x=1 y");
    assert_int_equal(lengths[0], 1);
    assert_string_equal(texts[1], "b");
    assert_int_equal(load_modules_split(many, texts, lengths, 2), 3);
    assert_int_equal(load_modules_split(gaps, texts, lengths, 2), 1);
}

// Version 2: a flat kernel whose header at 16 says where it goes, with an entry of its own and what it asks for.
static void make_multiboot2(struct fixture *f, uint16_t request_flags, uint32_t request)
{
    const uint32_t length = 88, words[] = {
                                    MULTIBOOT2_HEADER_MAGIC,
                                    0,
                                    length,
                                    0u - MULTIBOOT2_HEADER_MAGIC - length,
                                    MULTIBOOT2_HEADER_REQUEST | (uint32_t)request_flags << 16,
                                    16,
                                    MULTIBOOT2_MMAP,
                                    request,
                                    MULTIBOOT2_HEADER_ADDRESS,
                                    24,
                                    0x200010,
                                    0x200000,
                                    0x200100,
                                    0x201000,
                                    MULTIBOOT2_HEADER_ENTRY,
                                    12,
                                    0x200040,
                                    0,
                                    MULTIBOOT2_HEADER_END,
                                    8,
                                };
    memcpy(f->file + 0x10, words, sizeof(words));
    f->file[0] = 0x77;
}

static const void *told(const struct fixture *f, uint32_t type)
{
    const uint8_t *info = f->mem.low + f->entry.rbx, *at = info + 8, *end = info + *(const uint32_t *)info;
    assert_int_equal(f->entry.rbx % 8, 0);
    for (const struct multiboot2_tag_head *tag; at < end; at += (tag->size + 7) & ~7u) {
        tag = (const void *)at;
        if (tag->type == type)
            return tag + 1;
        if (tag->type == MULTIBOOT2_END)
            assert_ptr_equal(at + 8, end);
    }
    return NULL;
}

static void multiboot2(void **state)
{
    struct fixture *f = *state;
    make_multiboot2(f, 0, MULTIBOOT2_RSDP_2);
    module(f, "m", (const uint8_t *)"first", 5);
    f->request.modules[0].text = "m x=1";
    f->request.rsdp = 0xe0000;
    f->request.screen = (struct load_screen){.mode = 3, .columns = 80, .rows = 25};
    memcpy(f->mem.low + 0xe0000, "RSD PTR ", 8);
    assert_true(load(f));
    assert_int_equal(f->entry.rip, 0x200040);
    assert_int_equal(f->entry.rax, MULTIBOOT2_LOADER_MAGIC);
    assert_int_equal(f->mem.low[0x200000], 0x77);
    assert_string_equal(told(f, MULTIBOOT2_CMDLINE), "a=b");
    assert_memory_equal(told(f, MULTIBOOT2_RSDP_2), "RSD PTR ", 8);
    const uint32_t *m = told(f, MULTIBOOT2_MODULE);
    assert_int_equal(m[0], 0x201000);
    assert_int_equal(m[1], 0x201005);
    assert_string_equal((const char *)(m + 2), "m x=1");
    assert_memory_equal(f->mem.low + m[0], "first", 5);
    const uint32_t *map = told(f, MULTIBOOT2_MMAP);
    assert_int_equal(map[0], sizeof(struct multiboot2_mmap));
    assert_int_equal(((const struct multiboot2_mmap *)(map + 2))[3].base, 0x100000);
    const struct multiboot2_framebuffer *screen = told(f, MULTIBOOT2_FRAMEBUFFER);
    assert_int_equal(screen->pitch, 160);
    assert_null(told(f, 9));
}

static void multiboot2_bad(void **state)
{
    struct fixture *f = *state;
    make_multiboot2(f, 0, 7); // VBE: not told
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: tag 1 in its Multiboot 2 header asks for what is not offered");
    make_multiboot2(f, MULTIBOOT2_OPTIONAL, 7);
    assert_true(load(f));
    uint32_t *words = (uint32_t *)(f->file + 0x10);
    words[18] = 10; // relocatable, in the place of the end
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: tag 10 in its Multiboot 2 header asks for what is not offered");
    words[18] = MULTIBOOT2_HEADER_CONSOLE;
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: its Multiboot 2 header of 88 bytes is cut off or has no end");
    make_multiboot2(f, 0, MULTIBOOT2_MMAP);
    words[5] = 4;
    assert_false(load(f));
    make_multiboot2(f, 0, MULTIBOOT2_MMAP);
    words[1] = 4, words[3] -= 4;
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: its Multiboot 2 header is for architecture 4, not for i386 (0)");
    make_multiboot2(f, 0, MULTIBOOT2_MMAP);
    static char text[0x6000];
    memset(text, 'x', sizeof(text) - 1);
    f->request.append = text;
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: the command lines of it and its modules are longer than 24576 characters");
}

// What the kernel is told never lies in the kernel.
static void multiboot_low(void **state)
{
    struct fixture *f = *state;
    make_multiboot(f, MULTIBOOT_ADDRESSES | MULTIBOOT_MEMORY_INFO);
    struct multiboot_header *h = (void *)(f->file + 0x10);
    h->header_addr = 0x1010;
    h->load_addr = 0x1000;
    h->load_end_addr = 0x1400;
    h->bss_end_addr = 0x30000;
    h->entry_addr = 0x1040;
    assert_true(load(f));
    assert_int_equal(f->mem.low[0x1000], 0x77);
    assert_int_equal(f->entry.rbx, 0x30000);
    assert_true(f->entry.gdt > 0x30000 && f->entry.gdt < LOAD_EBDA);
    h->bss_end_addr = 0x9f000;
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: it leaves no 24 KiB below 640 KiB for its boot information");
    h->bss_end_addr = 0xa0004;
    assert_false(load(f));
}

static void multiboot_bad(void **state)
{
    struct fixture *f = *state;
    make_multiboot(f, MULTIBOOT_ADDRESSES | 0x20);
    assert_false(load(f));
    make_multiboot(f, 0);
    assert_false(load(f));
    assert_string_equal(f->error, "kernel: a Multiboot header without addresses in a file that is not ELF");
    make_multiboot(f, MULTIBOOT_ADDRESSES);
    struct multiboot_header *h = (void *)(f->file + 0x10);
    h->load_end_addr = 0x7fffffff;
    assert_false(load(f));
    make_multiboot(f, MULTIBOOT_ADDRESSES);
    h->bss_end_addr = 0xffffffff;
    assert_false(load(f));
    make_multiboot(f, MULTIBOOT_ADDRESSES);
    h->load_addr = 0x200020;
    assert_false(load(f));
    make_multiboot(f, MULTIBOOT_ADDRESSES);
    h->header_addr = 0xf0000010, h->load_addr = 0xf0000000, h->load_end_addr = 0;
    assert_false(load(f));
}

static void make_elf(struct fixture *f)
{
    Elf64_Ehdr e = {
        .e_machine = EM_X86_64, .e_phoff = 64, .e_phnum = 2, .e_phentsize = sizeof(Elf64_Phdr), .e_entry = 0x300000};
    memcpy(e.e_ident, ELFMAG, SELFMAG);
    e.e_ident[EI_CLASS] = ELFCLASS64;
    Elf64_Phdr p[2] = {
        {.p_type = PT_LOAD, .p_offset = 0x1000, .p_paddr = 0x300000, .p_filesz = 0x100, .p_memsz = 0x2000},
        {.p_type = PT_NOTE, .p_offset = 0x2000, .p_filesz = 20, .p_align = 4}};
    const uint32_t note[5] = {4, 4, PVH_NOTE_ENTRY, 0x6e6558, 0x300010};
    memcpy(f->file, &e, sizeof(e));
    memcpy(f->file + 64, p, sizeof(p));
    memcpy(f->file + 0x2000, note, sizeof(note));
    f->file[0x1000] = 0x99;
}

static void pvh(void **state)
{
    struct fixture *f = *state;
    make_elf(f);
    f->mem.low[0x300100] = 1;
    module(f, "initrd", (const uint8_t *)"hello", 5);
    f->request.rsdp = 0xe0000;
    assert_true(load(f));
    assert_int_equal(f->entry.rip, 0x300010);
    assert_int_equal(f->mem.low[0x300000], 0x99);
    assert_int_equal(f->mem.low[0x300100], 0);
    const struct pvh_start_info *info = (const void *)(f->mem.low + f->entry.rbx);
    assert_int_equal(info->magic, PVH_START_MAGIC);
    assert_int_equal(info->memmap_entries, 6);
    assert_int_equal(info->rsdp, 0xe0000);
    const struct pvh_module *module = (const void *)(f->mem.low + info->modules);
    assert_memory_equal(f->mem.low + module->base, "hello", 5);
}

static void elf_bad(void **state)
{
    struct fixture *f = *state;
    Elf64_Ehdr *e = (void *)f->file;
    Elf64_Phdr *p = (void *)(f->file + 64);
    make_elf(f);
    e->e_machine = EM_ARM;
    assert_false(load(f));
    make_elf(f);
    e->e_phoff = UINT64_MAX - 8;
    assert_false(load(f));
    make_elf(f);
    e->e_phnum = 0xffff;
    assert_false(load(f));
    make_elf(f);
    p[0].p_offset = UINT64_MAX;
    assert_false(load(f));
    make_elf(f);
    p[0].p_paddr = UINT64_MAX - 0x100;
    assert_false(load(f));
    make_elf(f);
    p[0].p_memsz = 0x10;
    assert_false(load(f));
    make_elf(f);
    p[0].p_paddr = 0x9f000; // into the hole
    assert_false(load(f));
    make_elf(f);
    p[1].p_filesz = UINT64_MAX - 0x2000;
    assert_false(load(f));
    make_elf(f);
    f->file[0x2000 + 4] = 0xff, f->file[0x2000 + 7] = 0xff; // the note's size
    assert_false(load(f));
    assert_string_equal(f->error,
                        "kernel: an ELF file without a PVH entry (note \"Xen\", type 18) or Multiboot header");
}

static void unknown_file(void **state)
{
    struct fixture *f = *state;
    assert_false(load(f));
    assert_string_equal(f->error,
                        "kernel: not a kernel: neither a Linux bzImage nor Multiboot nor ELF with a PVH entry");
    f->request.kernel.size = 3;
    assert_false(load(f));
}

static uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;
    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

static uint32_t u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

// All checksums, and that the tables are found from one another.
static void acpi(void **state)
{
    struct fixture *f = *state;
    const uint8_t *low = f->mem.low;
    uint64_t rsdp = acpi_build(&f->mem, 1);
    assert_true(rsdp >= 0xe0000 && rsdp < 0x100000 && rsdp % 16 == 0);
    assert_memory_equal(low + rsdp, "RSD PTR ", 8);
    assert_int_equal(sum(low + rsdp, 20), 0);
    assert_int_equal(sum(low + rsdp, 36), 0);
    uint32_t rsdt = u32(low + rsdp + 16), xsdt = u32(low + rsdp + 24);
    assert_memory_equal(low + rsdt, "RSDT", 4);
    assert_memory_equal(low + xsdt, "XSDT", 4);
    const char *const names[] = {"FACP", "APIC"};
    for (unsigned i = 0; i < 2; i++) {
        uint32_t at = u32(low + rsdt + 36 + 4 * i);
        assert_int_equal(at, u32(low + xsdt + 36 + 8 * i));
        assert_memory_equal(low + at, names[i], 4);
        assert_int_equal(sum(low + at, u32(low + at + 4)), 0);
    }
    uint32_t fadt = u32(low + rsdt + 36), dsdt = u32(low + fadt + 40), facs = u32(low + fadt + 36);
    assert_memory_equal(low + dsdt, "DSDT", 4);
    assert_int_equal(sum(low + dsdt, u32(low + dsdt + 4)), 0);
    assert_memory_equal(low + facs, "FACS", 4);
    assert_int_equal(facs % 64, 0);
    assert_int_equal(sum(low + rsdt, u32(low + rsdt + 4)), 0);
    assert_int_equal(sum(low + xsdt, u32(low + xsdt + 4)), 0);
    const uint32_t vectors[][2] = {{0, 0}, {0x9a120, 0x9a120}, {0x100000, 0}};
    for (unsigned i = 0; i < 3; i++) {
        memcpy(f->mem.low + facs + 12, &vectors[i][0], 4);
        assert_int_equal(acpi_waking_vector(&f->mem, rsdp), vectors[i][1]);
    }
    memset(f->mem.low + fadt + 36, 0xff, 4); // whatever the guest made of it
    assert_int_equal(acpi_waking_vector(&f->mem, rsdp), 0);
}

static void graphics_option(void **state)
{
    (void)state;
    static const struct {
        const char *append;
        unsigned mode;
    } lines[] = {{"", 0},
                 {"vga=0x317 quiet", 0x117},
                 {"quiet  vga=791", 0x117},
                 {"novga=0x317", 0},
                 {"vga=normal", 0},
                 {"vga=0x317 vga=0x342", 0x142},
                 {"vga=0xf01", 0},
                 {"vga=ask", 0},
                 {"vga=", 0},
                 {"vga=99999999999999999999", 0},
                 {"vg", 0}};
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_int_equal(load_linux_graphics(lines[i].append), lines[i].mode);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(linux_64),
        TEST(linux_memory_option),
        TEST(linux_screen),
        TEST(graphics_option),
        TEST(linux_32),
        TEST(linux_real_mode),
        TEST(linux_text_mode),
        TEST(linux_too_large),
        TEST(linux_bad),
        TEST(multiboot_flat),
        TEST(multiboot2),
        TEST(multiboot2_bad),
        TEST(multiboot_low),
        TEST(multiboot_modules),
        TEST(modules_are_split),
        TEST(multiboot_bad),
        TEST(pvh),
        TEST(elf_bad),
        TEST(unknown_file),
        TEST(acpi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
