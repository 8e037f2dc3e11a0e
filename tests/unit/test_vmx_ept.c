// SPDX-License-Identifier: MIT
// sources: vmx/ept.c
// The format of nested page tables, and the tags of vCPUs.
#include "vmx/vmx.h"
#include "tests/unit/cmocka_all.h"

static void leaves(void **state)
{
    (void)state;
    struct pt_format f;
    ept_format_init(&f, EPT_CAP_2M | EPT_CAP_1G);
    assert_int_equal(f.leaf(MAP_R | MAP_W | MAP_X, false, true), 0x77); // write-back, ignore PAT
    assert_int_equal(f.leaf(MAP_R | MAP_W | MAP_X, true, true), 0xf7);  // large
    assert_int_equal(f.leaf(MAP_R, false, true), 0x71);
    assert_int_equal(f.leaf(MAP_W, false, true), 0x73); // write-only is a misconfiguration
    assert_int_equal(f.leaf(MAP_X, false, true), 0x75);
    assert_int_equal(f.leaf(MAP_R | MAP_W | MAP_UC, false, true), 0x43);
    assert_int_equal(f.leaf(MAP_R | MAP_W | MAP_WC, false, false), 0x4b);
    assert_int_equal(f.leaf(MAP_R | MAP_W, false, false), 0x43); // devices are never cached
}

static void rights(void **state)
{
    (void)state;
    struct pt_format f;
    ept_format_init(&f, 0);
    static const uint32_t cases[] = {MAP_R,          MAP_R | MAP_W,         MAP_R | MAP_X, MAP_R | MAP_W | MAP_X,
                                     MAP_R | MAP_UC, MAP_R | MAP_W | MAP_WC};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int large = 0; large < 2; large++)
            assert_int_equal(f.rights(0x12345000 | f.leaf(cases[i], large, true)), cases[i]);
}

static void sizes(void **state)
{
    (void)state;
    struct pt_format f;
    ept_format_init(&f, 0);
    assert_int_equal(f.max_level, 0);
    ept_format_init(&f, EPT_CAP_2M);
    assert_int_equal(f.max_level, 1);
    ept_format_init(&f, EPT_CAP_2M | EPT_CAP_1G);
    assert_int_equal(f.max_level, 2);
}

static void pointer(void **state)
{
    (void)state;
    struct pagetable pt = {.root = (uint64_t *)(DIRECT_BASE + 0x123000)};
    assert_int_equal(ept_pointer(&pt), 0x12301e);
}

static void tags(void **state)
{
    (void)state;
    static uint8_t seen[65536];
    unsigned count = 0;
    uint16_t tag;
    while ((tag = vpid_alloc())) {
        assert_false(seen[tag]);
        seen[tag] = 1;
        count++;
    }
    assert_int_equal(count, 4095); // never 0, the host's
    vpid_free(77);
    vpid_free(0);
    assert_int_equal(vpid_alloc(), 77);
    assert_int_equal(vpid_alloc(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves),  cmocka_unit_test(rights), cmocka_unit_test(sizes),
        cmocka_unit_test(pointer), cmocka_unit_test(tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
