// SPDX-License-Identifier: MIT
// Page tables of both formats against a plain array of what each page should map to.
// sources: ukernel/mem/pagetable.c ukernel/mem/buddy.c ukernel/mem/quota.c
#include <string.h>
#include "tests/unit/kernel_pool.h"
#include "x86/paging.h"

#define PAGES      4096
#define BASE       0x40000000ul // of the part of the space under test: 4 x 2 MiB, astride of a GiB boundary
#define START      (BASE - 2 * LARGE_SIZE)
#define SPAN       (4 * LARGE_SIZE)
#define SPAN_PAGES (SPAN / PAGE_SIZE)

// A format like the guest's: any of R, W, X means present.
static uint64_t guest_leaf(uint32_t rights, bool large, bool ram)
{
    (void)large;
    return (rights & 7) | (ram ? 0x70 : 0);
}

static uint32_t guest_rights(uint64_t entry)
{
    return entry & 7;
}

static const struct pt_format guest_format = {
    .present_mask = 7, .table_bits = 7, .large_bit = 0x80, .leaf = guest_leaf, .rights = guest_rights, .max_level = 2};

static void *memory;
static struct account account;

static int setup(void **state)
{
    (void)state;
    memory = pool_make(PAGES);
    void *template = pool_alloc(0);
    memset(template, 0, PAGE_SIZE);
    ((uint64_t *)template)[KERNEL_SLOT] = 0x1003;
    ((uint64_t *)template)[511] = 0x2003;
    kernel_pml4_template = virt_to_phys(template);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static struct pagetable fresh(const struct pt_format *format, uint64_t limit)
{
    account = (struct account){.limit = limit};
    struct pagetable pt = {.format = format, .account = &account};
    if (format == &pt_host_format)
        assert_true(host_root_init(&pt));
    return pt;
}

static void destroy(struct pagetable *pt)
{
    while (!pt_destroy(pt, 3))
        ;
    assert_int_equal(account.used, 0);
}

static void unmap_all(struct pagetable *pt, uint64_t va, uint64_t size, unsigned budget)
{
    for (uint64_t at = va; at < va + size;) {
        uint64_t *freed = NULL;
        enum status st;
        uint64_t reached = pt_unmap(pt, at, va + size - at, budget, &freed, &st);
        assert_int_equal(st, ST_OK);
        pt_release(pt, freed);
        assert_true(reached > at || freed);
        at = reached;
    }
}

static void maps_of_each_level(void **state)
{
    (void)state;
    for (unsigned level = 0; level < 3; level++) {
        struct pagetable pt = fresh(&guest_format, 100);
        uint64_t size = PAGE_SIZE << 9 * level;
        struct pt_leaf leaf;
        assert_int_equal(pt_map(&pt, BASE, 3 * size, level, MAP_R | MAP_X, true), ST_OK);
        assert_int_equal(account.used, 4 - level);
        assert_true(pt_lookup(&pt, BASE + size - 1, &leaf));
        assert_int_equal(leaf.phys, 4 * size - 1);
        assert_int_equal(leaf.level, level);
        assert_int_equal(leaf.rights, MAP_R | MAP_X);
        assert_false(pt_lookup(&pt, BASE + size, &leaf));
        assert_false(pt_lookup(&pt, BASE - 1, &leaf));
        for (unsigned other = 0; other < 3; other++)
            assert_int_equal(pt_map(&pt, BASE, 0, other, MAP_R, true), ST_IN_USE);
        unmap_all(&pt, BASE, size, 8);
        assert_int_equal(account.used, 1);
        destroy(&pt);
    }
}

static void host_entries_carry_rights_and_types(void **state)
{
    (void)state;
    struct pagetable pt = fresh(&pt_host_format, 100);
    static const uint32_t rights[] = {MAP_R, MAP_R | MAP_W, MAP_R | MAP_X, MAP_R | MAP_W | MAP_UC,
                                      MAP_R | MAP_W | MAP_WC};
    for (unsigned i = 0; i < 5; i++) {
        struct pt_leaf leaf;
        assert_int_equal(pt_map(&pt, BASE + i * PAGE_SIZE, i * PAGE_SIZE, 0, rights[i], true), ST_OK);
        assert_true(pt_lookup(&pt, BASE + i * PAGE_SIZE, &leaf));
        assert_int_equal(leaf.rights, rights[i]);
    }
    assert_int_equal(pt.root[KERNEL_SLOT], 0x1003); // the kernel's half is shared, not copied deep and not freed
    assert_int_equal(pt.root[511], 0x2003);
    destroy(&pt);
}

static void a_failed_map_leaves_nothing(void **state)
{
    (void)state;
    for (uint64_t limit = 0; limit < 4; limit++) {
        struct pagetable pt = fresh(&guest_format, limit);
        assert_int_equal(pt_map(&pt, BASE, 0, 0, MAP_R, true), ST_NO_MEM);
        assert_int_equal(account.used, limit ? 1 : 0);
        destroy(&pt);
    }
}

static void a_split_needs_a_page(void **state)
{
    (void)state;
    struct pagetable pt = fresh(&guest_format, 3);
    uint64_t *freed = NULL;
    enum status st;
    assert_int_equal(pt_map(&pt, BASE, 0, 1, MAP_R, true), ST_OK);
    pt_unmap(&pt, BASE + PAGE_SIZE, PAGE_SIZE, 8, &freed, &st);
    assert_int_equal(st, ST_NO_MEM);
    struct pt_leaf leaf;
    assert_true(pt_lookup(&pt, BASE + PAGE_SIZE, &leaf));
    destroy(&pt);
}

static uint64_t model[SPAN_PAGES]; // physical page + 1, 0 = nothing

static void check_model(const struct pagetable *pt)
{
    for (unsigned i = 0; i < SPAN_PAGES; i++) {
        struct pt_leaf leaf;
        bool there = pt_lookup(pt, START + i * PAGE_SIZE + 5, &leaf);
        assert_int_equal(there, model[i] != 0);
        if (there)
            assert_int_equal(leaf.phys, (model[i] - 1) * PAGE_SIZE + 5);
    }
}

static void random_walk(const struct pt_format *format, unsigned seed)
{
    struct pagetable pt = fresh(format, 1000);
    memset(model, 0, sizeof(model));
    srand(seed);
    for (unsigned step = 0; step < 400; step++) {
        unsigned first = (unsigned)rand() % SPAN_PAGES, level = rand() % 4 == 0, pages = 1u << 9 * level;
        if (level)
            first &= ~511u;
        if (rand() % 2) {
            bool used = false;
            for (unsigned i = 0; i < pages; i++)
                used |= model[first + i];
            uint64_t phys = level ? (uint64_t)(rand() % 64) * LARGE_SIZE : (uint64_t)rand() % 100000 * PAGE_SIZE;
            enum status st = pt_map(&pt, START + first * PAGE_SIZE, phys, level, MAP_R | MAP_W, true);
            assert_int_equal(st, used ? ST_IN_USE : ST_OK);
            for (unsigned i = 0; i < pages && !used; i++)
                model[first + i] = phys / PAGE_SIZE + i + 1;
        } else {
            unsigned count = (unsigned)rand() % (rand() % 2 ? 8 : 1200) + 1;
            if (first + count > SPAN_PAGES)
                count = SPAN_PAGES - first;
            unmap_all(&pt, START + first * PAGE_SIZE, count * PAGE_SIZE, 5 + (unsigned)rand() % 60);
            memset(&model[first], 0, count * sizeof(*model));
        }
        if (step % 16 == 0)
            check_model(&pt);
    }
    check_model(&pt);
    unmap_all(&pt, 0, USER_END, 64);
    assert_int_equal(account.used, 1); // the root: every table came back
    destroy(&pt);
}

static void random_walks(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < 9; seed++)
        random_walk(seed % 2 ? &guest_format : &pt_host_format, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_of_each_level),
        cmocka_unit_test(host_entries_carry_rights_and_types),
        cmocka_unit_test(a_failed_map_leaves_nothing),
        cmocka_unit_test(a_split_needs_a_page),
        cmocka_unit_test(random_walks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
