// SPDX-License-Identifier: MIT
// sources: vmm-user/guest_walk.c
//
// Page walks in every paging mode: addresses, permissions, reserved bits, error codes, accessed and dirty bits, and the
// cache that must never be stale.
#include "vmm-user/guest_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "x86/desc.h"
#include "x86/paging.h"
#include "x86/pkeys.h"
#include "x86/regs.h"

enum { PAGE = 4096, PAGES = 16, MAX_PHYS = 46 };

#define ALL   (PTE_P | PTE_W | PTE_U)
#define FRAME 0x12345000ull

static _Alignas(4096) uint8_t ram[PAGES * PAGE];
static const struct guest_mem mem = {.low = ram, .low_size = sizeof(ram)};

static void entry_set(unsigned page, unsigned index, uint64_t value)
{
    memcpy(ram + page * PAGE + index * 8, &value, 8);
}

static uint64_t entry_get(unsigned page, unsigned index)
{
    return host_load(ram + page * PAGE + index * 8, 8);
}

static void entry32_set(unsigned page, unsigned index, uint32_t value)
{
    memcpy(ram + page * PAGE + index * 4, &value, 4);
}

// Four levels in pages 1 to 4, every index 0; PT[5] maps FRAME.
static struct guest_paging long_mode(uint64_t leaf_flags)
{
    memset(ram, 0, sizeof(ram));
    for (unsigned i = 1; i < 4; i++) {
        entry_set(i, 0, (i + 1) * PAGE | ALL);
    }
    entry_set(4, 5, FRAME | leaf_flags);
    return (struct guest_paging){.cr0 = CR0_PE | CR0_PG | CR0_WP,
                                 .cr3 = PAGE,
                                 .cr4 = CR4_PAE,
                                 .efer = EFER_LMA | EFER_LME | EFER_NXE,
                                 .max_phys = MAX_PHYS};
}

// The error code, or 0 if the walk succeeds.
static uint32_t fault_of(const struct guest_paging *p, uint64_t gva, unsigned access)
{
    uint64_t gpa = 0;
    uint32_t error = 0;
    int result = guest_walk(&mem, p, gva, access, &gpa, &error);
    assert_true(result == GUEST_WALK_OK || result == GUEST_WALK_FAULT);
    return result == GUEST_WALK_OK ? 0 : error | 1u << 31;
}

#define FAULT(bits) ((bits) | 1u << 31)

static uint64_t gpa_of(const struct guest_paging *p, uint64_t gva)
{
    uint64_t gpa = 0;
    uint32_t error = 0;
    assert_int_equal(guest_walk(&mem, p, gva, GUEST_READ, &gpa, &error), GUEST_WALK_OK);
    return gpa;
}

static void test_no_paging(void **state)
{
    (void)state;
    struct guest_paging p = {.cr0 = CR0_PE, .max_phys = MAX_PHYS};
    assert_int_equal(gpa_of(&p, 0x123456789abc), 0x56789abc);
}

static void test_32_bit(void **state)
{
    (void)state;
    memset(ram, 0, sizeof(ram));
    struct guest_paging p = {.cr0 = CR0_PE | CR0_PG, .cr3 = PAGE | 0x18, .max_phys = MAX_PHYS};
    entry32_set(1, 3, 2 * PAGE | ALL);
    entry32_set(2, 7, 0xabcde000 | ALL);
    uint64_t gva = 3u << 22 | 7u << 12 | 0x123;
    assert_int_equal(gpa_of(&p, gva), 0xabcde123);
    assert_int_equal(fault_of(&p, gva + PAGE, GUEST_WRITE), FAULT(PF_WRITE));

    entry32_set(1, 4, 0xff800000 | 0x5u << 13 | ALL | PTE_PS); // 4 MiB, PSE-36: bits 39:32 in 20:13
    assert_int_equal(gpa_of(&(struct guest_paging){.cr0 = p.cr0, .cr3 = p.cr3, .cr4 = CR4_PSE, .max_phys = MAX_PHYS},
                            4u << 22 | 0x234567),
                     0x5ffa34567ull);
    p.cr4 = CR4_PSE;
    entry32_set(1, 4, 0xff800000 | 1u << 21 | ALL | PTE_PS);
    assert_int_equal(fault_of(&p, 4u << 22, GUEST_READ), FAULT(PF_PRESENT | PF_RESERVED));
    p.max_phys = 36;
    entry32_set(1, 4, 0xff800000 | 1u << 17 | ALL | PTE_PS);
    assert_int_equal(fault_of(&p, 4u << 22, GUEST_READ), FAULT(PF_PRESENT | PF_RESERVED));
    entry32_set(1, 4, 0xff800000 | 1u << 16 | ALL | PTE_PS);
    assert_int_equal(gpa_of(&p, 4u << 22), 0x8ff800000ull);
    p.cr4 = 0; // PS is ignored: the entry names a table that is not RAM
    uint64_t gpa;
    uint32_t error;
    assert_int_equal(guest_walk(&mem, &p, 4u << 22, GUEST_READ, &gpa, &error), GUEST_WALK_NO_RAM);
}

static void test_pae(void **state)
{
    (void)state;
    memset(ram, 0, sizeof(ram));
    struct guest_paging p = {
        .cr0 = CR0_PE | CR0_PG, .cr3 = PAGE + 0x20, .cr4 = CR4_PAE, .efer = EFER_NXE, .max_phys = MAX_PHYS};
    entry_set(1, 4 + 2, 2 * PAGE | PTE_P);
    entry_set(2, 1, 3 * PAGE | ALL);
    entry_set(3, 9, 0x7123456000 | ALL);
    entry_set(2, 2, 0x40200000 | ALL | PTE_PS | PTE_NX);
    uint64_t gva = 2ull << 30 | 1u << 21 | 9u << 12;
    assert_int_equal(gpa_of(&p, gva | 0x77), 0x7123456077);
    p.cpl = 3; // a PDPTE carries no rights
    assert_int_equal(fault_of(&p, gva, GUEST_WRITE), 0);
    assert_int_equal(entry_get(1, 6), 2 * PAGE | PTE_P);
    assert_int_equal(entry_get(3, 9), 0x7123456000 | ALL | PTE_A | PTE_D);
    gva = 2ull << 30 | 2u << 21 | 0x1fffff;
    assert_int_equal(gpa_of(&p, gva), 0x403fffff);
    assert_int_equal(fault_of(&p, gva, GUEST_FETCH), FAULT(PF_PRESENT | PF_USER | PF_FETCH));
    p.efer = 0; // XD is reserved then, and the error code tells no fetch
    assert_int_equal(fault_of(&p, gva, GUEST_FETCH), FAULT(PF_PRESENT | PF_USER | PF_RESERVED));
    p.efer = EFER_NXE;
    entry_set(1, 6, 2 * PAGE | PTE_P | PTE_W | PTE_A); // judged when CR3 was loaded; an emulator may set A since
    assert_int_equal(fault_of(&p, gva, GUEST_READ), 0);
    entry_set(1, 6, 2 * PAGE | PTE_P);
    entry_set(2, 1, 3 * PAGE | ALL | 1ull << 52);
    assert_int_equal(fault_of(&p, 2ull << 30 | 1u << 21 | 9u << 12, GUEST_READ),
                     FAULT(PF_PRESENT | PF_USER | PF_RESERVED));
}

static void test_long_mode(void **state)
{
    (void)state;
    struct guest_paging p = long_mode(ALL);
    assert_int_equal(gpa_of(&p, 5 * PAGE + 0xabc), FRAME + 0xabc);
    entry_set(3, 1, 0x80000000 | ALL | PTE_PS | 1 << 12);
    assert_int_equal(gpa_of(&p, 0x200000 + 0x12345), 0x80012345);
    entry_set(3, 1, 0x80000000 | ALL | PTE_PS | 1 << 13);
    assert_int_equal(fault_of(&p, 0x200000, GUEST_READ), FAULT(PF_PRESENT | PF_RESERVED));
    entry_set(2, 1, 0x100000000 | ALL | PTE_PS);
    assert_int_equal(gpa_of(&p, 0x40000000 + 0x3fffffff), 0x13fffffff);
    entry_set(2, 1, 0x100000000 | ALL | PTE_PS | 1 << 29);
    assert_int_equal(fault_of(&p, 0x40000000, GUEST_READ), FAULT(PF_PRESENT | PF_RESERVED));
    entry_set(1, 1, 2 * PAGE | ALL | PTE_PS);
    assert_int_equal(fault_of(&p, 1ull << 39, GUEST_READ), FAULT(PF_PRESENT | PF_RESERVED));
    entry_set(4, 6, 1ull << MAX_PHYS | ALL);
    assert_int_equal(fault_of(&p, 6 * PAGE, GUEST_READ), FAULT(PF_PRESENT | PF_RESERVED));
    assert_int_equal(fault_of(&p, 2ull << 39, GUEST_READ), FAULT(0));
}

static void test_5_level(void **state)
{
    (void)state;
    struct guest_paging p = long_mode(ALL);
    p.cr3 = 5 * PAGE;
    p.cr4 |= CR4_LA57;
    entry_set(5, 0x1ff, PAGE | ALL);
    assert_int_equal(gpa_of(&p, 0xffff000000005000), FRAME);
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_READ), FAULT(0));
}

struct permission_case {
    uint64_t leaf, cr0, cr4, rflags;
    unsigned cpl, access;
    uint32_t fault;
};

static void test_permissions(void **state)
{
    (void)state;
    const uint32_t P = PF_PRESENT, W = PF_WRITE, U = PF_USER, F = PF_FETCH;
    static const uint64_t user = PTE_P | PTE_U, kernel = PTE_P;
    const struct permission_case cases[] = {
        {user | PTE_W, CR0_WP, 0, 0, 3, GUEST_WRITE, 0},
        {user, CR0_WP, 0, 0, 3, GUEST_READ, 0},
        {user, 0, 0, 0, 3, GUEST_WRITE, FAULT(P | W | U)},
        {kernel | PTE_W, CR0_WP, 0, 0, 3, GUEST_READ, FAULT(P | U)},
        {kernel | PTE_W, CR0_WP, 0, 0, 3, GUEST_READ | GUEST_IMPLICIT, 0},
        {kernel, CR0_WP, 0, 0, 0, GUEST_WRITE, FAULT(P | W)},
        {kernel, 0, 0, 0, 0, GUEST_WRITE, 0},
        {user, 0, 0, 0, 0, GUEST_WRITE, 0},
        {kernel | PTE_NX, CR0_WP, 0, 0, 0, GUEST_FETCH, FAULT(P | F)},
        {kernel | PTE_NX, CR0_WP, 0, 0, 0, GUEST_READ, 0},
        {user, CR0_WP, 0, 0, 0, GUEST_FETCH, 0},
        {user, CR0_WP, CR4_SMEP, 0, 0, GUEST_FETCH, FAULT(P | F)},
        {user, CR0_WP, CR4_SMEP, 0, 3, GUEST_FETCH, 0},
        {user, CR0_WP, CR4_SMEP, 0, 0, GUEST_READ, 0},
        {user, CR0_WP, CR4_SMAP, 0, 0, GUEST_READ, FAULT(P)},
        {user | PTE_W, CR0_WP, CR4_SMAP, RFLAGS_AC, 0, GUEST_WRITE, 0},
        {user, CR0_WP, CR4_SMAP, RFLAGS_AC, 0, GUEST_READ | GUEST_IMPLICIT, FAULT(P)},
        {user, CR0_WP, CR4_SMAP, RFLAGS_AC, 3, GUEST_READ | GUEST_IMPLICIT, FAULT(P)},
        {user, CR0_WP, CR4_SMAP, 0, 0, GUEST_FETCH, 0},
        {user, CR0_WP, CR4_SMAP, 0, 3, GUEST_READ, 0},
        {kernel, CR0_WP, CR4_SMAP | CR4_SMEP, 0, 0, GUEST_FETCH, 0},
        {kernel | PTE_NX, CR0_WP, 0, 0, 3, GUEST_WRITE | GUEST_PEEK, 0},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct permission_case *c = &cases[i];
        struct guest_paging p = long_mode(c->leaf);
        p.cr0 = CR0_PE | CR0_PG | c->cr0;
        p.cr4 |= c->cr4;
        p.rflags = c->rflags;
        p.cpl = (uint8_t)c->cpl;
        uint32_t fault = fault_of(&p, 5 * PAGE, c->access);
        if (fault != c->fault) {
            fail_msg("case %u: %x, wanted %x", i, fault, c->fault);
        }
    }
}

// Rights are the AND of all levels.
static void test_upper_levels(void **state)
{
    (void)state;
    for (unsigned level = 1; level < 4; level++) {
        struct guest_paging p = long_mode(ALL);
        entry_set(level, 0, (level + 1) * PAGE | (ALL & ~PTE_W));
        assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_WRITE), FAULT(PF_PRESENT | PF_WRITE));
        entry_set(level, 0, (level + 1) * PAGE | (ALL & ~PTE_U));
        p.cpl = 3;
        assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_READ), FAULT(PF_PRESENT | PF_USER));
        entry_set(level, 0, (level + 1) * PAGE | ALL | PTE_NX);
        assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_FETCH), FAULT(PF_PRESENT | PF_USER | PF_FETCH));
    }
}

static void test_protection_keys(void **state)
{
    (void)state;
    struct guest_paging p = long_mode(ALL | 3ull << PTE_KEY_SHIFT);
    p.cr4 |= CR4_PKE;
    p.cpl = 3;
    p.pkru = PKRU_WD << 6;
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_READ), 0);
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_WRITE), FAULT(PF_PRESENT | PF_WRITE | PF_USER | PF_KEY));
    p.cpl = 0;
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_WRITE), FAULT(PF_PRESENT | PF_WRITE | PF_KEY));
    p.cr0 &= ~(uint64_t)CR0_WP;
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_WRITE), 0);
    p.pkru = PKRU_AD << 6;
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_READ), FAULT(PF_PRESENT | PF_KEY));
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_FETCH), 0);
    entry_set(4, 5, FRAME | PTE_P | PTE_W | 3ull << PTE_KEY_SHIFT); // keys are for user pages only
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_READ), 0);
    p.cr4 &= ~(uint64_t)CR4_PKE;
    entry_set(4, 5, FRAME | ALL | 3ull << PTE_KEY_SHIFT);
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_READ), 0);
}

static void test_accessed_dirty(void **state)
{
    (void)state;
    struct guest_paging p = long_mode(PTE_P | PTE_W);
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_WRITE | GUEST_PEEK), 0);
    assert_int_equal(entry_get(4, 5) & (PTE_A | PTE_D), 0);
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_READ), 0);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(entry_get(i, 0) & (PTE_A | PTE_D), PTE_A);
    }
    assert_int_equal(entry_get(4, 5) & (PTE_A | PTE_D), PTE_A);
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_WRITE), 0);
    assert_int_equal(entry_get(4, 5) & (PTE_A | PTE_D), PTE_A | PTE_D);
    assert_int_equal(entry_get(3, 0) & (PTE_A | PTE_D), PTE_A);
    p = long_mode(PTE_P); // a refused access leaves no trace
    assert_int_equal(fault_of(&p, 5 * PAGE, GUEST_WRITE), FAULT(PF_PRESENT | PF_WRITE));
    assert_int_equal(entry_get(4, 5) & (PTE_A | PTE_D), 0);
}

static void test_table_outside(void **state)
{
    (void)state;
    uint64_t gpa;
    uint32_t error;
    struct guest_paging p = long_mode(ALL);
    p.cr3 = PAGES * PAGE;
    assert_int_equal(guest_walk(&mem, &p, 0, GUEST_READ, &gpa, &error), GUEST_WALK_NO_RAM);
    p = long_mode(ALL);
    entry_set(2, 0, 0x3ffffffff000 | ALL);
    assert_int_equal(guest_walk(&mem, &p, 0, GUEST_READ, &gpa, &error), GUEST_WALK_NO_RAM);
}

struct cached {
    struct guest_walk_cache cache;
    struct guest_paging p;
};

static uint64_t regime(const struct guest_paging *p)
{
    return guest_walk_regime(p->cr0, p->cr4, p->efer, p->rflags, p->cpl, p->pkru);
}

static void remember(struct cached *c, uint64_t gva, unsigned access)
{
    uint64_t gpa;
    uint32_t error;
    assert_int_equal(guest_walk_remember(&mem, &c->p, &c->cache, regime(&c->p), gva, access, &gpa, &error),
                     GUEST_WALK_OK);
}

static bool lookup(const struct cached *c, uint64_t gva, unsigned access, uint64_t *gpa)
{
    return guest_walk_lookup(&c->cache, regime(&c->p), c->p.cr3, gva, access, gpa);
}

static void test_cache(void **state)
{
    (void)state;
    static struct cached c;
    uint64_t gpa = 0;
    memset(&c, 0, sizeof(c));
    c.p = long_mode(ALL);
    assert_false(lookup(&c, 5 * PAGE + 8, GUEST_READ, &gpa));
    remember(&c, 5 * PAGE + 8, GUEST_READ);
    assert_true(lookup(&c, 5 * PAGE + 0x10, GUEST_READ, &gpa));
    assert_int_equal(gpa, FRAME + 0x10);
    assert_false(lookup(&c, 5 * PAGE, GUEST_WRITE, &gpa)); // the dirty bit is not set yet
    remember(&c, 5 * PAGE, GUEST_WRITE);
    assert_true(lookup(&c, 5 * PAGE, GUEST_WRITE, &gpa));

    const struct guest_paging saved = c.p;
    c.p.cpl = 3;
    assert_false(lookup(&c, 5 * PAGE, GUEST_WRITE, &gpa));
    c.p = saved;
    c.p.cr3 += PAGE;
    assert_false(lookup(&c, 5 * PAGE, GUEST_WRITE, &gpa));
    c.p = saved;
    c.p.cr4 |= CR4_SMAP;
    assert_false(lookup(&c, 5 * PAGE, GUEST_WRITE, &gpa));
    c.p = saved;
    c.p.cr0 = 0;
    assert_false(lookup(&c, 5 * PAGE, GUEST_WRITE, &gpa));
    c.p = saved;
    for (unsigned level = 1; level <= 4; level++) { // a change in any level is seen at once
        unsigned index = level == 4 ? 5 : 0;
        uint64_t entry = entry_get(level, index);
        entry_set(level, index, entry & ~PTE_W);
        assert_false(lookup(&c, 5 * PAGE, GUEST_WRITE, &gpa));
        entry_set(level, index, entry);
        assert_true(lookup(&c, 5 * PAGE, GUEST_WRITE, &gpa));
    }
}

static void test_cache_32_bit(void **state)
{
    (void)state;
    static struct cached c;
    uint64_t gpa = 0;
    memset(&c, 0, sizeof(c));
    memset(ram, 0, sizeof(ram));
    c.p = (struct guest_paging){.cr0 = CR0_PE | CR0_PG, .cr3 = PAGE, .max_phys = MAX_PHYS};
    entry32_set(1, 3, 2 * PAGE | ALL);
    entry32_set(2, 7, 0xabcde000 | ALL);
    entry32_set(2, 6, 0x11111000 | ALL);
    uint64_t gva = 3u << 22 | 7u << 12;
    remember(&c, gva, GUEST_READ);
    assert_true(lookup(&c, gva + 5, GUEST_READ, &gpa));
    assert_int_equal(gpa, 0xabcde005);
    entry32_set(2, 7, 0xbbbbb000 | ALL);
    assert_false(lookup(&c, gva, GUEST_READ, &gpa));
}

// While A20 is closed, tables and page alike lie at addresses without bit 20; the table's address is 1 MiB too high.
static void test_gate(void **state)
{
    (void)state;
    const uint64_t a20 = 1 << 20;
    struct guest_paging p = long_mode(ALL);
    entry_set(1, 0, a20 | 2 * PAGE | ALL);
    entry_set(4, 5, 0x7ff00000 | ALL);
    uint64_t gpa = 0;
    uint32_t error = 0;
    assert_int_equal(guest_walk(&mem, &p, 5 * PAGE, GUEST_READ, &gpa, &error), GUEST_WALK_NO_RAM);
    p.cr3 |= a20;
    p.gate = a20;
    assert_int_equal(gpa_of(&p, 5 * PAGE + 3), 0x7fe00003);
    p.cr0 = 0;
    assert_int_equal(gpa_of(&p, 0x30dead), 0x20dead);
    p.gate = 0;
    assert_int_equal(gpa_of(&p, 0x30dead), 0x30dead);
}

static void test_memory(void **state)
{
    (void)state;
    uint8_t low[64], high[64];
    const struct guest_mem both = {.low = low, .low_size = 64, .high = high, .high_size = 64};
    assert_ptr_equal(guest_mem_at(&both, 0, 64), low);
    assert_ptr_equal(guest_mem_at(&both, 63, 1), low + 63);
    assert_null(guest_mem_at(&both, 63, 2));
    assert_null(guest_mem_at(&both, 64, 0));
    assert_null(guest_mem_at(&both, 1, ~0ull));
    assert_null(guest_mem_at(&both, 0xffffffff, 2));
    assert_ptr_equal(guest_mem_at(&both, 1ull << 32, 64), high);
    assert_null(guest_mem_at(&both, (1ull << 32) + 1, 64));
    assert_null(guest_mem_at(&both, ~0ull, 1));
    uint64_t value = 0;
    assert_true(guest_mem_write(&both, 3, 8, 0x1122334455667788));
    assert_true(guest_mem_read(&both, 3, 2, &value));
    assert_int_equal(value, 0x7788);
    assert_true(guest_mem_read(&both, 5, 4, &value));
    assert_int_equal(value, 0x33445566);
    assert_false(guest_mem_read(&both, 61, 4, &value));
    assert_false(guest_mem_write(&both, 57, 8, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_no_paging),
        cmocka_unit_test(test_32_bit),
        cmocka_unit_test(test_pae),
        cmocka_unit_test(test_long_mode),
        cmocka_unit_test(test_5_level),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_upper_levels),
        cmocka_unit_test(test_protection_keys),
        cmocka_unit_test(test_accessed_dirty),
        cmocka_unit_test(test_table_outside),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_cache_32_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
