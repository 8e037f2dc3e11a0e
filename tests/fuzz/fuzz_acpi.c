// SPDX-License-Identifier: MIT
// A root pointer and a root table that are right, and behind them one table whose body is the input.
// sources: ukernel/cpu/acpi.c
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "ukernel/platform.h"

#define RSDP_SIZE   36
#define RSDT_PLACE  64
#define RSDT_SIZE   40
#define TABLE_PLACE 128
#define HEADER_SIZE 36

struct hip *hip;
static uint8_t *firmware;
static size_t firmware_size;

void klog(const char *format, ...)
{
    (void)format;
}

static const void *read_firmware(uint64_t phys, uint64_t size)
{
    return phys < firmware_size && size <= firmware_size - phys ? firmware + phys : NULL;
}

static void seal(uint8_t *table, size_t length, size_t place)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += table[i];
    table[place] -= sum;
}

static void table_begin(size_t place, const char *signature, uint32_t length)
{
    memcpy(firmware + place, signature, 4);
    memcpy(firmware + place + 4, &length, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const signatures[] = {"APIC", "FACP", "HPET", "XXXX"};
    if (size < 1)
        return 0;
    uint32_t length = HEADER_SIZE + (uint32_t)size - 1;
    firmware_size = TABLE_PLACE + length;
    firmware = calloc(1, firmware_size);
    memcpy(firmware, "RSD PTR ", 8);
    memcpy(firmware + 16, &(uint32_t){RSDT_PLACE}, 4);
    seal(firmware, 20, 8);
    table_begin(RSDT_PLACE, "RSDT", RSDT_SIZE);
    memcpy(firmware + RSDT_PLACE + HEADER_SIZE, &(uint32_t){TABLE_PLACE}, 4);
    seal(firmware + RSDT_PLACE, RSDT_SIZE, 9);
    table_begin(TABLE_PLACE, signatures[data[0] % 4], length);
    memcpy(firmware + TABLE_PLACE + HEADER_SIZE, data + 1, size - 1);
    seal(firmware + TABLE_PLACE, length, 9);

    struct acpi_info found = {0};
    acpi_parse(firmware, RSDP_SIZE, read_firmware, &found);
    if (found.cpu_count > MAX_CPUS || found.ioapic_count > ACPI_IOAPICS || found.override_count > ACPI_OVERRIDES)
        abort();
    free(firmware);
    return 0;
}
