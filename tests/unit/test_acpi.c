// SPDX-License-Identifier: MIT
// sources: ukernel/cpu/acpi.c
#include <string.h>
#include "abi/hypercall.h"
#include "tests/unit/kernel_pool.h"

struct hip *hip;
static uint8_t firmware[4096];
static struct acpi_info found;

static const void *read_firmware(uint64_t phys, uint64_t size)
{
    return phys >= 0x1000 && phys - 0x1000 < sizeof(firmware) && size <= sizeof(firmware) - (phys - 0x1000)
               ? firmware + (phys - 0x1000)
               : NULL;
}

static void seal(uint8_t *table, unsigned length, unsigned place)
{
    table[place] = 0;
    uint8_t sum = 0;
    for (unsigned i = 0; i < length; i++)
        sum += table[i];
    table[place] = (uint8_t)-sum;
}

static void put32(unsigned at, uint32_t value)
{
    memcpy(firmware + at, &value, 4);
}

static void table(unsigned at, const char *signature, uint32_t length)
{
    memcpy(firmware + at, signature, 4);
    put32(at + 4, length);
    seal(firmware + at, length, 9);
}

// RSDP at 0, RSDT at 100h, MADT at 200h, FADT at 400h, HPET at 600h of the firmware's page
static void build(void)
{
    static const uint8_t entries[] = {
        0, 8,  0,    0, 1,  0, 0,    0,                               // CPU, id 0
        0, 8,  1,    2, 1,  0, 0,    0,                               // CPU, id 2
        0, 8,  2,    3, 0,  0, 0,    0,                               // disabled
        9, 16, 0,    0, 44, 1, 0,    0,    1,    0, 0, 0, 0, 0, 0, 0, // x2APIC id 300
        1, 12, 0,    0, 0,  0, 0xc0, 0xfe, 0,    0, 0, 0,             // I/O APIC
        2, 10, 0,    0, 2,  0, 0,    0,    0,    0,                   // IRQ 0 -> GSI 2
        2, 10, 0,    9, 9,  0, 0,    0,    0x0f, 0,                   // IRQ 9: level, low
        4, 6,  0xff, 5, 0,  1,                                        // NMI: not ours
    };
    memset(firmware, 0, sizeof(firmware));
    memset(&found, 0, sizeof(found));
    memcpy(firmware, "RSD PTR ", 8);
    put32(16, 0x1100);
    seal(firmware, 20, 8);
    put32(0x100 + 36, 0x1200);
    put32(0x100 + 40, 0x1400);
    put32(0x100 + 44, 0x1600);
    put32(0x100 + 48, 0x9000); // not there
    table(0x100, "RSDT", 52);
    put32(0x200 + 36, 0xfee00000);
    put32(0x200 + 40, 1);
    memcpy(firmware + 0x200 + 44, entries, sizeof(entries));
    table(0x200, "APIC", 44 + sizeof(entries));
    put32(0x400 + 76, 0x608);
    put32(0x400 + 112, 0x100);
    table(0x400, "FACP", 116);
    put32(0x600 + 44, 0xfed00000);
    table(0x600, "HPET", 56);
}

static const char *parse(void)
{
    return acpi_parse(firmware, 20, read_firmware, &found);
}

static void a_pc(void **state)
{
    (void)state;
    build();
    assert_null(parse());
    assert_int_equal(found.cpu_count, 3);
    assert_int_equal(found.cpu_ids[1], 2);
    assert_int_equal(found.cpu_ids[2], 300);
    assert_int_equal(found.ioapic_count, 1);
    assert_int_equal(found.ioapics[0].base, 0xfec00000);
    assert_int_equal(found.override_count, 2);
    assert_int_equal(found.overrides[0].gsi, 2);
    assert_int_equal(found.overrides[0].flags, 0);
    assert_int_equal(found.overrides[1].flags, INT_LEVEL | INT_ACTIVE_LOW);
    assert_int_equal(found.pm_timer, 0x608);
    assert_true(found.pm_timer_32bit);
    assert_int_equal(found.hpet, 0xfed00000);
    assert_true(found.has_pic);
    assert_int_equal(acpi_find_rsdp(firmware, sizeof(firmware)), 0);
}

static void damaged_tables(void **state)
{
    (void)state;
    build();
    firmware[10] ^= 1;
    assert_string_equal(parse(), "ACPI: the root pointer's checksum is wrong");
    assert_int_equal(acpi_find_rsdp(firmware, sizeof(firmware)), -1);
    build();
    firmware[0x130] ^= 1;
    assert_string_equal(parse(), "ACPI: the root table is not readable or its checksum is wrong");
    build();
    firmware[0x250] ^= 1;
    assert_string_equal(parse(), "ACPI: no MADT, or no CPU in it");
    build();
    firmware[0x200 + 44 + 1] = 0; // an entry of no length
    seal(firmware + 0x200, 44, 9);
    put32(0x204, 44 + 84);
    seal(firmware + 0x200, 44 + 84, 9);
    assert_string_equal(parse(), "ACPI: an entry of the MADT is malformed");
    build();
    firmware[0x690] = 1; // behind the HPET table: does not matter
    put32(0x604, 0xffffffff);
    assert_null(parse());
    assert_int_equal(found.hpet, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_pc), cmocka_unit_test(damaged_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
