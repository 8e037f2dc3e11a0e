// SPDX-License-Identifier: GPL-2.0-only
// ACPI tables of the input, with checksums put right so that the parsers behind them are reached.
// sources: ukernel/cpu/acpi.c
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "ukernel/platform.h"

#define RSDP_SIZE 36

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

static void seal(size_t at, size_t length, size_t place)
{
    if (at >= firmware_size || length > firmware_size - at || place >= length)
        return;
    firmware[at + place] = 0;
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += firmware[at + i];
    firmware[at + place] = (uint8_t)-sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < RSDP_SIZE)
        return 0;
    struct acpi_info found = {0};
    firmware = malloc(size);
    firmware_size = size;
    memcpy(firmware, data, size);
    memcpy(firmware, "RSD PTR ", 8);
    for (size_t at = 36; at + 36 <= size; at += 4) {
        uint32_t length;
        memcpy(&length, firmware + at + 4, 4);
        if (!memcmp(firmware + at, "RSDT", 4) || !memcmp(firmware + at, "XSDT", 4) || !memcmp(firmware + at, "APIC", 4) ||
            !memcmp(firmware + at, "FACP", 4) || !memcmp(firmware + at, "HPET", 4))
            seal(at, length, 9);
    }
    seal(0, 20, 8);
    seal(0, RSDP_SIZE, 32);
    acpi_parse(firmware, RSDP_SIZE, read_firmware, &found);
    if (found.cpu_count > MAX_CPUS || found.ioapic_count > ACPI_IOAPICS || found.override_count > ACPI_OVERRIDES)
        abort();
    free(firmware);
    return 0;
}
