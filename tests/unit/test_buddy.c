// SPDX-License-Identifier: MIT
// sources: ukernel/mem/buddy.c ukernel/mem/quota.c
#include <string.h>
#include "tests/unit/kernel_pool.h"

#define PAGES 2048

static void *memory;

static int setup(void **state)
{
    (void)state;
    memory = pool_make(PAGES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static void blocks_are_aligned_and_apart(void **state)
{
    (void)state;
    static struct {
        char *at;
        unsigned order;
    } held[400];
    unsigned count = 0;
    uint64_t free_before = pool_free_pages();
    srand(1);
    for (unsigned step = 0; step < 20000; step++) {
        if (count < 400 && rand() % 2) {
            unsigned order = (unsigned)rand() % 5;
            char *block = pool_alloc(order);
            if (!block)
                continue;
            assert_int_equal((uintptr_t)block & ((PAGE_SIZE << order) - 1), 0);
            for (unsigned i = 0; i < count; i++)
                assert_true(block + (PAGE_SIZE << order) <= held[i].at ||
                            held[i].at + (PAGE_SIZE << held[i].order) <= block);
            memset(block, 0xa5, PAGE_SIZE << order);
            held[count].at = block;
            held[count++].order = order;
        } else if (count) {
            unsigned i = (unsigned)rand() % count;
            pool_free(held[i].at, held[i].order);
            held[i] = held[--count];
        }
    }
    while (count--)
        pool_free(held[count].at, held[count].order);
    assert_int_equal(pool_free_pages(), free_before);
}

static void all_pages_come_back_as_large_blocks(void **state)
{
    (void)state;
    static void *page[PAGES];
    unsigned count = 0;
    while ((page[count] = pool_alloc(0)))
        count++;
    assert_int_equal(pool_free_pages(), 0);
    assert_true(count >= PAGES - 2);
    for (unsigned i = 0; i < count; i += 2)
        pool_free(page[i], 0);
    assert_null(pool_alloc(1));
    for (unsigned i = 1; i < count; i += 2)
        pool_free(page[i], 0);
    void *large = pool_alloc(9); // aligned 2 MiB blocks merge again from single pages
    assert_non_null(large);
    pool_free(large, 9);
}

static void wrong_frees_are_caught(void **state)
{
    (void)state;
    char *block = pool_alloc(1);
    assert_true(PANICS(pool_free(block, 0)));
}

static void accounts_limit_and_move(void **state)
{
    (void)state;
    struct account parent = {.limit = 10}, child = {0};
    assert_null(account_alloc(&child, 0));
    assert_true(account_move(&parent, &child, 4));
    assert_false(account_move(&parent, &child, 7));
    assert_int_equal(parent.limit, 6);
    assert_int_equal(child.limit, 4);
    uint64_t free_before = pool_free_pages();
    char *block = account_alloc(&child, 2);
    assert_non_null(block);
    for (unsigned i = 0; i < PAGE_SIZE * 4; i++)
        assert_int_equal(block[i], 0);
    memset(block, 0xff, PAGE_SIZE * 4);
    assert_null(account_alloc(&child, 0));
    assert_false(account_move(&child, &parent, 1));
    account_free(&child, block, 2);
    assert_int_equal(child.used, 0);
    assert_int_equal(pool_free_pages(), free_before);
    block = account_alloc(&child, 0);
    assert_int_equal(block[0], 0);
    account_free(&child, block, 0);
    assert_true(account_move(&child, &parent, 4));
    assert_int_equal(parent.limit, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_apart), cmocka_unit_test(all_pages_come_back_as_large_blocks),
        cmocka_unit_test(accounts_limit_and_move),
        cmocka_unit_test(wrong_frees_are_caught), // last: the pool's lock stays held
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
