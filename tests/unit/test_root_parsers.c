// SPDX-License-Identifier: MIT
// sources: user/root/elf.c user/root/acpi.c user/root/rtc.c user/root/log.c lib/sys/selectors.c
#include "user/root/acpi.h"
#include "lib/sys/selectors.h"
#include "user/root/elf.h"
#include "user/root/log.h"
#include "user/root/rtc.h"
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

// --- ELF
// -------------------------------------------------------------------------------------------------------------------

static struct {
    Elf64_Ehdr h;
    Elf64_Phdr p[2];
    char rest[0x3000 - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
} program;

static int elf_setup(void **state)
{
    (void)state;
    memset(&program, 0, sizeof program);
    memcpy(program.h.e_ident, ELFMAG, SELFMAG);
    program.h.e_ident[EI_CLASS] = ELFCLASS64;
    program.h.e_ident[EI_DATA] = ELFDATA2LSB;
    program.h.e_machine = EM_X86_64;
    program.h.e_type = ET_EXEC;
    program.h.e_phentsize = sizeof(Elf64_Phdr);
    program.h.e_phnum = 2;
    program.h.e_phoff = offsetof(typeof(program), p);
    program.h.e_entry = 0x400010;
    program.p[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                .p_flags = PF_R | PF_X,
                                .p_offset = 0x1000,
                                .p_vaddr = 0x400000,
                                .p_filesz = 0x123,
                                .p_memsz = 0x123};
    program.p[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                .p_flags = PF_R | PF_W,
                                .p_offset = 0x2000,
                                .p_vaddr = 0x401000,
                                .p_filesz = 0x20,
                                .p_memsz = 0x5001};
    return 0;
}

static const char *check_program(void)
{
    struct elf_image image;
    return elf_read(&program, sizeof program, &image);
}

static void test_elf_good(void **state)
{
    struct elf_image image;
    (void)state;
    assert_null(elf_read(&program, sizeof program, &image));
    assert_int_equal(image.count, 2);
    assert_true(image.segments[0].execute && !image.segments[0].write);
    assert_int_equal(image.segments[1].pages, 6);
}

static void test_elf_bad(void **state)
{
    struct {
        void *field;
        unsigned size;
        uint64_t value;
    } bad[] = {
        {&program.h.e_ident[0], 1, 0},
        {&program.h.e_machine, 2, EM_386},
        {&program.h.e_type, 2, ET_DYN},
        {&program.h.e_phoff, 8, sizeof program - 8},
        {&program.h.e_phoff, 8, UINT64_MAX - 7},
        {&program.h.e_phnum, 2, 0xffff},
        {&program.h.e_phentsize, 2, 1},
        {&program.h.e_entry, 8, 0x401000},
        {&program.p[0].p_offset, 8, 0x1001},
        {&program.p[0].p_offset, 8, UINT64_MAX & ~0xffful},
        {&program.p[0].p_vaddr, 8, 0x1000},
        {&program.p[0].p_filesz, 8, UINT64_MAX},
        {&program.p[0].p_flags, 4, PF_R | PF_W | PF_X},
        {&program.p[1].p_vaddr, 8, 0x400000},
        {&program.p[1].p_vaddr, 8, UINT64_MAX & ~0xffful},
        {&program.p[1].p_memsz, 8, UINT64_MAX},
        {&program.p[1].p_memsz, 8, 0x10},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        elf_setup(NULL);
        memcpy(bad[i].field, &bad[i].value, bad[i].size);
        assert_non_null(check_program());
    }
    struct elf_image image;
    elf_setup(NULL);
    assert_non_null(elf_read(&program, 40, &image));
}

// --- ACPI
// ------------------------------------------------------------------------------------------------------------------

static void test_s5(void **state)
{
    static const uint8_t named[] = {0, 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x01, 0, 0, 0};
    static const uint8_t rooted[] = {0x08, '\\', '_', 'S', '5', '_', 0x12, 0x07, 0x02, 0x0b, 0x07, 0x00, 0x00, 0, 0};
    static const uint8_t call[] = {0, 0x70, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x01, 0, 0, 0};
    uint8_t a = 9, b = 9;
    (void)state;
    assert_true(acpi_s5_parse(named, sizeof named, &a, &b));
    assert_int_equal(a, 5);
    assert_int_equal(b, 1);
    assert_true(acpi_s5_parse(rooted, sizeof rooted, &a, &b));
    assert_int_equal(a, 7);
    assert_int_equal(b, 0);
    assert_false(acpi_s5_parse(call, sizeof call, &a, &b));
    for (unsigned n = 0; n < sizeof named; n++) { // each length in memory of its own, for the sanitizer
        uint8_t *cut = malloc(n ? n : 1);
        memcpy(cut, named, n);
        acpi_s5_parse(cut, n, &a, &b);
        free(cut);
    }
}

static bool read_nothing(void *ctx, uint64_t phys, void *to, uint32_t bytes)
{
    (void)ctx, (void)phys;
    memset(to, 0, bytes);
    return true;
}

static void test_no_acpi(void **state)
{
    const struct acpi_reader reader = {.read = read_nothing};
    struct acpi_power power;
    (void)state;
    char rsdp[40] = {0};
    acpi_power_find(&reader, rsdp, &power);
    assert_false(power.can_sleep || power.can_reset);
    memcpy(rsdp, "RSD PTR \0\0\0\0\0\0\0\0\0\0\0\x0e", 20);
    acpi_power_find(&reader, rsdp, &power);
    assert_false(power.can_sleep || power.can_reset);
}

// --- clock and log
// -----------------------------------------------------------------------------------------------------------

static void test_dates(void **state)
{
    const struct {
        struct rtc_time t;
        uint64_t seconds;
    } dates[] = {
        {{0x20, 0x13, 0x22, 0x14, 0x11, 0x23, 0x20, 0x02}, 1700000000}, // BCD, 24 hours
        {{20, 13, 22, 14, 11, 23, 20, 0x06}, 1700000000},               // binary
        {{0x20, 0x13, 0x90, 0x14, 0x11, 0x23, 0x20, 0x00}, 1700000000}, // 10 PM
        {{0, 0, 0, 1, 1, 0, 0x20, 0x02}, 946684800},                    // 2000
        {{0x59, 0x59, 0x23, 0x29, 0x02, 0x24, 0x20, 0x02}, 1709251199}, // leap day
        {{0, 0, 0, 1, 1, 0x70, 0x19, 0x02}, 0},
        {{0, 0, 0, 0, 1, 0x70, 0x20, 0x02}, 0},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof dates / sizeof *dates; i++)
        assert_int_equal(rtc_seconds(&dates[i].t), dates[i].seconds);
}

static void test_log(void **state)
{
    static struct log l;
    static union {
        struct klog ring;
        char space[sizeof(struct klog) + 64];
    } k;
    char text[LOG_SIZE];
    uint64_t position = 0;
    (void)state;
    l.kernel = &k.ring;
    l.kernel_limit = 64;
    k.ring.size = 64;
    memcpy(k.ring.bytes, "kernel\n", 7);
    k.ring.head = 7;
    log_line(&l, 1234567, "shell", "a\033b");
    uint64_t n = log_read(&l, &position, text, sizeof text);
    text[n] = 0;
    assert_string_equal(text, "kernel\n[  1.234567] shell: a?b\n");
    k.ring.size = 65; // lies about its size: not read
    k.ring.head = 1000;
    log_take_kernel(&l);
    assert_int_equal(log_read(&l, &position, text, sizeof text), 0);
    for (unsigned i = 0; i < 20000; i++)
        log_line(&l, i, NULL, "a line of the log");
    position = 0;
    n = log_read(&l, &position, text, 100);
    assert_int_equal(text[0], '[');
    position = UINT64_MAX - 1;
    assert_int_equal(log_read(&l, &position, text, 100), 0);
}

static void test_selectors(void **state)
{
    static struct selectors s;
    (void)state;
    selectors_init(&s, 128);
    assert_int_equal(selectors_alloc(&s, 2), 128);
    assert_int_equal(selectors_alloc(&s, 3), 130);
    selectors_free(&s, 128, 2);
    assert_int_equal(selectors_alloc(&s, 3), 133);
    assert_int_equal(selectors_alloc(&s, 2), 128);
    assert_int_equal(selectors_alloc(&s, SELECTORS_MAX), SELECTORS_NONE);
    assert_int_equal(selectors_alloc(&s, 0), SELECTORS_NONE);
    selectors_free(&s, 5, 1);
    selectors_free(&s, 128 + SELECTORS_MAX, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_elf_good, elf_setup),
        cmocka_unit_test_setup(test_elf_bad, elf_setup),
        cmocka_unit_test(test_s5),
        cmocka_unit_test(test_no_acpi),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_selectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
