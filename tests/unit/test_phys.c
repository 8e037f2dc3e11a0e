// SPDX-License-Identifier: MIT
// sources: ukernel/mem/phys.c
#include <string.h>
#include "tests/unit/kernel_pool.h"

struct hip *hip;
static struct hip page;
static struct memmap map;

static void expect(unsigned i, uint64_t base, uint64_t end, uint32_t type)
{
    assert_true(i < map.count);
    assert_int_equal(map.regions[i].base, base);
    assert_int_equal(map.regions[i].base + map.regions[i].size, end);
    assert_int_equal(map.regions[i].type, type);
}

static void regions_are_sorted_aligned_and_apart(void **state)
{
    (void)state;
    map.count = 0;
    assert_true(memmap_add(&map, 0x100000, 0x7f00000 + 0x123, REGION_AVAILABLE));
    assert_true(memmap_add(&map, 0, 0x9fc00, REGION_AVAILABLE));
    assert_true(memmap_add(&map, 0x9fc00, 0x400, REGION_RESERVED));
    assert_true(memmap_add(&map, 0xf0000, 0x10000, REGION_RESERVED));
    assert_true(memmap_add(&map, 0x7000000, 0x800, REGION_ACPI)); // inside RAM: RAM is what is left
    assert_true(memmap_add(&map, 0x8000000, 0, REGION_BAD));
    assert_true(memmap_add(&map, 0xfffffffffffff000, 0x2000, REGION_RESERVED)); // wraps: beyond what a CPU can address
    assert_true(memmap_normalise(&map));
    assert_int_equal(map.count, 6);
    expect(0, 0, 0x9f000, REGION_AVAILABLE);
    expect(1, 0x9f000, 0xa0000, REGION_RESERVED);
    expect(2, 0xf0000, 0x100000, REGION_RESERVED);
    expect(3, 0x100000, 0x7000000, REGION_AVAILABLE);
    expect(4, 0x7000000, 0x7001000, REGION_ACPI);
    expect(5, 0x7001000, 0x8000000, REGION_AVAILABLE);
    assert_int_equal(memmap_ram(&map), 0x9f000 + 0x6f00000 + 0xfff000);
}

static void kernel_wins_over_all(void **state)
{
    (void)state;
    map.count = 0;
    memmap_add(&map, 0, 0x10000, REGION_RESERVED);
    memmap_add(&map, 0x4000, 0x2000, REGION_KERNEL);
    memmap_add(&map, 0x4000, 0x1000, REGION_BAD);
    assert_true(memmap_normalise(&map));
    assert_int_equal(map.count, 3);
    expect(1, 0x4000, 0x6000, REGION_KERNEL);
}

static void too_many_regions_are_refused(void **state)
{
    (void)state;
    map.count = 0;
    for (unsigned i = 0; i < BOOT_REGIONS; i++)
        assert_true(memmap_add(&map, i * 0x10000, 0x1000, REGION_AVAILABLE));
    assert_false(memmap_add(&map, 0x5000000, 0x1000, REGION_AVAILABLE));
    assert_true(memmap_normalise(&map));
    map.regions[0] = (struct boot_region){0, 0x1000000, REGION_ACPI}; // regions between cut it into too many
    for (unsigned i = 1; i < BOOT_REGIONS; i++)
        map.regions[i].type = REGION_RESERVED;
    assert_false(memmap_normalise(&map));
}

static void the_pool_lies_at_the_end_of_the_largest_region(void **state)
{
    (void)state;
    uint64_t base, got;
    map.count = 0;
    memmap_add(&map, 0x200000, 0x1000000, REGION_AVAILABLE);
    memmap_add(&map, 0x10000000, 0x10123000, REGION_AVAILABLE);
    memmap_add(&map, 0x100000000, 0x100000000, REGION_AVAILABLE); // above 4 GiB: not for us
    memmap_normalise(&map);
    assert_true(memmap_place(&map, 0x1000000, 0x400000, &base, &got));
    assert_int_equal(got, 0x1000000);
    assert_int_equal(base, 0x20000000 - 0x1000000 + 0x0);
    map.count = 1;
    assert_true(memmap_place(&map, 0x8000000, 0x400000, &base, &got)); // less than wanted, but enough
    assert_int_equal(got, 0x1000000);
    assert_int_equal(base, 0x200000);
    assert_false(memmap_place(&map, 0x8000000, 0x2000000, &base, &got));
}

static void what_may_be_granted(void **state)
{
    (void)state;
    hip = &page;
    map.count = 0;
    memmap_add(&map, 0x100000, 0x1000000, REGION_AVAILABLE);
    memmap_add(&map, 0x1100000, 0x100000, REGION_ACPI);
    memmap_add(&map, 0x400000, 0x200000, REGION_KERNEL);
    memmap_normalise(&map);
    phys_init(&map);
    phys_keep_device(0xfee00000, PAGE_SIZE);
    phys_share_log(0x410000, 0x10000);
    bool ram;
    assert_true(phys_grantable(0x100000, 0x300000, MAP_R | MAP_W, &ram) && ram);
    assert_true(phys_grantable(0x1000000, 0x200000, MAP_R, &ram) && ram); // RAM and ACPI tables, neighbours
    assert_false(phys_grantable(0x100000, 0x301000, MAP_R, &ram));
    assert_false(phys_grantable(0x400000, PAGE_SIZE, MAP_R, &ram));
    assert_false(phys_grantable(0x5ff000, PAGE_SIZE, MAP_R, &ram));
    assert_true(phys_grantable(0x410000, 0x10000, MAP_R, &ram) && ram);
    assert_false(phys_grantable(0x410000, 0x10000, MAP_R | MAP_W, &ram));
    assert_false(phys_grantable(0x40f000, 0x2000, MAP_R, &ram));
    assert_false(phys_grantable(0x41f000, 0x2000, MAP_R, &ram));
    assert_true(phys_grantable(0xb8000, 0x8000, MAP_R | MAP_W, &ram) && !ram);
    assert_true(phys_grantable(0xfd000000, 0x1000000, MAP_R | MAP_W, &ram) && !ram);
    assert_false(phys_grantable(0xff000, 0x2000, MAP_R, &ram)); // half device, half RAM
    assert_false(phys_grantable(0xfee00000, PAGE_SIZE, MAP_R, &ram));
    assert_false(phys_grantable(0xfec00000, 0x400000, MAP_R, &ram));
    assert_false(phys_grantable(0, 0, MAP_R, &ram));
    assert_false(phys_grantable(0x1000, UINT64_MAX, MAP_R, &ram));
    assert_false(phys_grantable(UINT64_MAX - 0xfff, PAGE_SIZE, MAP_R, &ram));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_sorted_aligned_and_apart),
        cmocka_unit_test(kernel_wins_over_all),
        cmocka_unit_test(too_many_regions_are_refused),
        cmocka_unit_test(the_pool_lies_at_the_end_of_the_largest_region),
        cmocka_unit_test(what_may_be_granted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
