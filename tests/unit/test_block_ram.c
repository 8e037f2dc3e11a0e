// SPDX-License-Identifier: MIT
// sources: vmm-user/block_ram.c
#include "tests/unit/cmocka_all.h"
#include <stdlib.h>
#include <string.h>
#include "vmm-user/block_ram.h"

static void *pages[4096];
static unsigned page_count, page_limit;

static void *page_alloc(void *ctx)
{
    (void)ctx;
    if (page_count == page_limit)
        return NULL;
    return pages[page_count++] = calloc(1, BLOCK_RAM_PAGE);
}

static int setup(void **state)
{
    (void)state;
    page_limit = 4096;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    while (page_count)
        free(pages[--page_count]);
    return 0;
}

static void test_copy_on_write(void **state)
{
    (void)state;
    static uint8_t file[20000], buffer[20480], expected[20480];
    struct block_ram r;
    for (unsigned i = 0; i < sizeof(file); i++)
        file[i] = (uint8_t)(i * 31);
    memcpy(expected, file, sizeof(file));
    assert_true(block_ram_init(&r, BLOCK_DISK, file, sizeof(file), page_alloc, NULL));
    assert_int_equal(r.backend.sectors, 40); // the last one is cut off
    assert_int_equal(block_read(&r.backend, 0, 40, buffer), BLOCK_OK);
    assert_memory_equal(buffer, expected, sizeof(buffer));
    assert_int_equal(r.pages, 0);
    memset(buffer, 0xa5, 1536);
    assert_int_equal(block_write(&r.backend, 7, 3, buffer), BLOCK_OK); // over the edge of a page
    assert_int_equal(block_write(&r.backend, 39, 1, buffer), BLOCK_OK);
    memset(expected + 7 * 512, 0xa5, 1536);
    memset(expected + 39 * 512, 0xa5, 512);
    assert_int_equal(block_read(&r.backend, 0, 40, buffer), BLOCK_OK);
    assert_memory_equal(buffer, expected, sizeof(buffer));
    assert_int_equal(r.pages, 3 + 3);
    assert_int_equal(file[7 * 512], (uint8_t)(7 * 512 * 31)); // untouched
}

static void test_bounds(void **state)
{
    (void)state;
    static uint8_t file[2048], buffer[4096];
    struct block_ram r;
    block_ram_init(&r, BLOCK_DISK, file, sizeof(file), page_alloc, NULL);
    assert_int_equal(block_read(&r.backend, 4, 1, buffer), BLOCK_RANGE);
    assert_int_equal(block_read(&r.backend, 3, 2, buffer), BLOCK_RANGE);
    assert_int_equal(block_read(&r.backend, UINT64_MAX, 2, buffer), BLOCK_RANGE);
    assert_int_equal(block_write(&r.backend, 1, UINT32_MAX, buffer), BLOCK_RANGE);
    assert_int_equal(block_read(&r.backend, 4, 0, buffer), BLOCK_OK);
    page_limit = page_count + 2;
    assert_int_equal(block_write(&r.backend, 0, 1, buffer), BLOCK_NO_MEMORY);
    assert_int_equal(block_read(&r.backend, 0, 4, buffer), BLOCK_OK);
    page_limit = 4096;
    assert_int_equal(block_write(&r.backend, 0, 1, buffer), BLOCK_OK);
    block_ram_init(&r, BLOCK_CD, file, sizeof(file), page_alloc, NULL);
    assert_int_equal(r.backend.sectors, 1);
    assert_int_equal(block_write(&r.backend, 0, 1, buffer), BLOCK_READ_ONLY);
    block_ram_init(&r, BLOCK_DISK, file, sizeof(file), NULL, NULL);
    assert_int_equal(block_write(&r.backend, 0, 1, buffer), BLOCK_READ_ONLY);
    block_ram_init(&r, BLOCK_FLOPPY, file, 0, NULL, NULL);
    assert_false(block_present(&r.backend));
    assert_false(block_ram_init(&r, BLOCK_DISK, file, BLOCK_RAM_MAX + 1, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_copy_on_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
    };
    return cmocka_run_group_tests_name("block ram", tests, NULL, NULL);
}
