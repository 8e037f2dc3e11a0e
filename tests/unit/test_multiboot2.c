// SPDX-License-Identifier: MIT
// sources: ukernel/boot/multiboot2.c
#include <stdlib.h>
#include <string.h>
#include "tests/unit/cmocka_all.h"
#include "ukernel/platform.h"

static struct boot_info out;
static char info[4096] __attribute__((aligned(8)));
static uint32_t used;

static void begin(void)
{
    memset(info, 0xaa, sizeof(info));
    used = 8;
}

static void add(uint32_t type, const void *body, uint32_t size)
{
    uint32_t header[2] = {type, size + 8};
    memcpy(info + used, header, 8);
    memcpy(info + used + 8, body, size);
    used += (size + 8 + 7) & ~7u;
}

static const char *finish(void)
{
    memcpy(info, &used, 4);
    char *exact = malloc(used); // so that the sanitizer sees a read beyond the end
    memcpy(exact, info, used);
    const char *wrong = multiboot2_parse(exact, used, &out);
    free(exact);
    return wrong;
}

static void add_mmap(void)
{
    struct {
        uint32_t entry_size, version;
        struct {
            uint64_t base, size;
            uint32_t type, zero;
        } e[2];
    } mmap = {24, 0, {{0, 0x9fc00, 1, 0}, {0x100000, 0x7f00000, 1, 0}}};
    add(6, &mmap, sizeof(mmap));
}

static void all_tags(void **state)
{
    (void)state;
    begin();
    add(1, "virt=off", 9);
    struct {
        uint32_t start, end;
        char name[8];
    } module = {0x400000, 0x412345, "root"};
    add(3, &module, sizeof(module));
    add_mmap();
    char rsdp[36] = "RSD PTR ";
    add(14, rsdp, 20);
    add(15, rsdp, 36);
    add(77, "unknown", 7);
    add(0, "", 0);
    assert_null(finish());
    assert_string_equal(out.cmdline, "virt=off");
    assert_int_equal(out.module_count, 1);
    assert_int_equal(out.modules[0].base, 0x400000);
    assert_int_equal(out.modules[0].size, 0x12345);
    assert_string_equal(out.modules[0].name, "root");
    assert_int_equal(out.region_count, 2);
    assert_int_equal(out.regions[1].size, 0x7f00000);
    assert_int_equal(out.rsdp_size, 36);
    assert_int_equal(out.fb_base, 0);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    begin();
    add(0, "", 0);
    assert_string_equal(finish(), "the boot loader gave no memory map");
    begin();
    add_mmap();
    assert_string_equal(finish(), "the boot information has no end tag");
    begin();
    uint32_t module[2] = {0x400001, 0x400002};
    add(3, module, 8);
    assert_string_equal(finish(), "a module is not page aligned");
    begin();
    uint32_t backwards[2] = {0x400000, 0x3ff000};
    add(3, backwards, 8);
    assert_string_equal(finish(), "a module's tag is malformed");
    begin();
    add_mmap();
    memcpy(info + 12, &(uint32_t){5000}, 4);
    assert_string_equal(finish(), "a tag of the boot information is longer than the whole");
    begin();
    for (unsigned i = 0; i <= HIP_MODULES; i++)
        add(3, (uint32_t[2]){0x400000, 0x400001}, 8);
    assert_string_equal(finish(), "too many modules");
}

static void framebuffers(void **state)
{
    (void)state;
    struct {
        uint64_t base;
        uint32_t pitch, width, height;
        uint8_t bpp, type;
        uint16_t reserved;
        uint8_t colors[6];
    } __attribute__((packed)) fb, good = {0x80000000, 5120, 1280, 800, 32, 1, 0, {16, 8, 8, 8, 0, 8}};
    for (unsigned wrong = 0; wrong < 9; wrong++) {
        fb = good;
        switch (wrong) {
        case 1:
            fb.type = 2;
            break;
        case 2:
            fb.type = 0;
            break;
        case 3:
            fb.base += 64;
            break;
        case 4:
            fb.pitch = 5119;
            break;
        case 5:
            fb.width = 0;
            break;
        case 6:
            fb.bpp = 8;
            break;
        case 7:
            fb.colors[0] = 25;
            break;
        case 8:
            fb.height = 0x10000;
            break;
        }
        begin();
        add(8, &fb, sizeof(fb));
        add_mmap();
        add(0, "", 0);
        assert_null(finish());
        assert_int_equal(out.fb_base, wrong ? 0 : good.base);
        if (!wrong)
            assert_memory_equal(out.fb_colors, good.colors, 6);
    }
    begin();
    add(8, &good, 20);
    add_mmap();
    assert_string_equal(finish(), "the framebuffer's tag is malformed");
}

static void long_strings_are_cut(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof(text)); // no end
    begin();
    add(1, text, sizeof(text));
    add_mmap();
    add(0, "", 0);
    assert_null(finish());
    assert_int_equal(strlen(out.cmdline), BOOT_CMDLINE - 1);
}

static void symbols_are_found(void **state)
{
    (void)state;
    struct {
        uint32_t count, size, index;
        struct {
            uint32_t name, type;
            uint64_t flags, address, offset, size;
            uint32_t link, info;
            uint64_t align, entry_size;
        } __attribute__((packed)) s[2];
    } __attribute__((packed)) elf = {2,
                                     64,
                                     0,
                                     {{.type = 2, .address = 0x5000, .size = 240, .link = 1, .entry_size = 24},
                                      {.type = 3, .address = 0x6000, .size = 99}}};
    begin();
    add(9, &elf, sizeof(elf));
    add_mmap();
    add(0, "", 0);
    assert_null(finish());
    assert_int_equal(out.symtab, 0x5000);
    assert_int_equal(out.symtab_size, 240);
    assert_int_equal(out.strtab, 0x6000);
    elf.s[0].link = 2;
    begin();
    add(9, &elf, sizeof(elf));
    add_mmap();
    add(0, "", 0);
    assert_null(finish());
    assert_int_equal(out.symtab, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_tags),          cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(framebuffers),      cmocka_unit_test(long_strings_are_cut),
        cmocka_unit_test(symbols_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
