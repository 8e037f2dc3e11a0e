// SPDX-License-Identifier: MIT
// sources: user/root/books.c
#include "user/root/books.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define TOP (32 * LARGE_SIZE)

struct fixture {
    struct books b;
    void *storage;
    uint8_t *memory;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->storage = malloc(books_size(TOP));
    f->memory = malloc(TOP);
    memset(f->memory, 0xaa, TOP);
    books_init(&f->b, f->storage, TOP, f->memory);
    books_add(&f->b, 0x1000, 0x9e);
    books_add(&f->b, 0x100000, (TOP - 0x100000) / PAGE_SIZE);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->storage);
    free(f->memory);
    free(f);
    return 0;
}

static void test_counts(void **state)
{
    struct books *b = &((struct fixture *)*state)->b;
    uint64_t pages = 0x9e + (TOP - 0x100000) / PAGE_SIZE;
    assert_int_equal(b->total, pages);
    assert_int_equal(b->free, pages);
    assert_int_equal(b->dirty, pages);
    books_add(b, 0x1000, 0x9e);
    assert_int_equal(b->total, pages);
    books_remove(b, 0x400000, 700);
    assert_int_equal(b->total, pages - 700);
    assert_int_equal(b->free, pages - 700);
    assert_int_equal(b->dirty, pages - 700);
}

static void test_take_and_give_back(void **state)
{
    struct books *b = &((struct fixture *)*state)->b;
    uint64_t before = b->free;
    struct run small = books_take_small(b, 5), large = books_take_large(b, 4 * BLOCK_PAGES);
    struct run exact = books_take_exact(b, 16, 16, 8 * LARGE_SIZE);
    assert_int_equal(small.pages, 5);
    assert_int_equal(large.pages, 4 * BLOCK_PAGES);
    assert_int_equal(large.phys % LARGE_SIZE, 0);
    assert_int_equal(exact.pages, 16);
    assert_int_equal(exact.phys % (16 * PAGE_SIZE), 0);
    assert_true(exact.phys < 8 * LARGE_SIZE);
    assert_int_equal(b->free, before - 5 - 4 * BLOCK_PAGES - 16);
    books_give(b, small);
    books_give(b, large);
    books_give(b, exact);
    assert_int_equal(b->free, before);
    assert_int_equal(b->dirty, before);
}

static void test_broken_blocks_first(void **state)
{
    struct books *b = &((struct fixture *)*state)->b;
    struct run r = books_take_small(b, 1);
    assert_true(r.phys < LARGE_SIZE); // the first block is broken by the hole below 1 MiB
}

static void test_clean(void **state)
{
    struct fixture *f = *state;
    struct books *b = &f->b;
    struct run large = books_take_large(b, 2 * BLOCK_PAGES);
    assert_int_equal(books_clean(b, large, 100), 100);
    assert_int_equal(books_clean(b, large, ~0ul), 2 * BLOCK_PAGES - 100);
    assert_int_equal(books_clean(b, large, ~0ul), 0);
    for (uint64_t i = 0; i < large.pages * PAGE_SIZE; i++)
        assert_int_equal(f->memory[large.phys + i], 0);
    uint64_t rest = b->free, done;
    while ((done = books_clean_free(b, 1000)))
        rest -= done;
    assert_int_equal(rest, 0);
    assert_int_equal(b->dirty, 0);
    assert_int_equal(f->memory[0xa0000], 0xaa); // no memory of ours
}

static void test_clean_ones_are_preferred(void **state)
{
    struct books *b = &((struct fixture *)*state)->b;
    while (books_clean_free(b, 4096))
        ;
    struct run first = books_take_large(b, BLOCK_PAGES);
    books_give(b, first);
    struct run second = books_take_large(b, BLOCK_PAGES);
    assert_int_not_equal(first.phys, second.phys);
    assert_int_equal(books_clean(b, second, ~0ul), 0);
}

static void test_nothing_left(void **state)
{
    struct books *b = &((struct fixture *)*state)->b;
    uint64_t taken = 0;
    for (struct run r; (r = books_take_small(b, 512)).pages;)
        taken += r.pages;
    assert_int_equal(taken, b->total);
    assert_int_equal(b->free, 0);
    assert_int_equal(books_take_large(b, BLOCK_PAGES).pages, 0);
    assert_int_equal(books_take_exact(b, 1, 1, ~0ul).pages, 0);
}

static void test_random(void **state)
{
    struct books *b = &((struct fixture *)*state)->b;
    struct run held[64] = {0};
    uint64_t before = b->free;
    srand(1);
    for (unsigned i = 0; i < 20000; i++) {
        struct run *r = &held[rand() % 64];
        if (r->pages) {
            books_give(b, *r);
            r->pages = 0;
        } else {
            *r = rand() % 2 ? books_take_small(b, 1 + rand() % 600)
                            : books_take_large(b, BLOCK_PAGES * (1 + rand() % 3));
        }
        books_clean_free(b, rand() % 4);
    }
    for (unsigned i = 0; i < 64; i++)
        books_give(b, held[i]);
    assert_int_equal(b->free, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_take_and_give_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_blocks_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clean, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clean_ones_are_preferred, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
