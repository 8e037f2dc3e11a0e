// SPDX-License-Identifier: MIT
// sources: user/root/elf.c user/root/acpi.c
#include "user/root/acpi.h"
#include "user/root/elf.h"
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct memory {
    const uint8_t *data;
    size_t size;
};

static bool read_memory(void *ctx, uint64_t phys, void *to, uint32_t bytes)
{
    const struct memory *m = ctx;
    if (phys > m->size || bytes > m->size - phys)
        return false;
    memcpy(to, m->data + phys, bytes);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory memory = {data, size};
    const struct acpi_reader reader = {.read = read_memory, .ctx = &memory};
    struct acpi_power power;
    struct elf_image image;
    uint8_t a, b;
    void *aligned = aligned_alloc(4096, (size + 4096) & ~4095ul);
    memcpy(aligned, data, size);
    if (!elf_read(aligned, size, &image))
        for (unsigned i = 0; i < image.count; i++)
            assert(image.segments[i].offset + image.segments[i].file_size <= size &&
                   image.segments[i].va + image.segments[i].pages * 4096 <= PROGRAM_END);
    free(aligned);
    acpi_s5_parse(data, size, &a, &b);
    char rsdp[40] = {0};
    memcpy(rsdp, data, size < sizeof(rsdp) ? size : sizeof(rsdp));
    acpi_power_find(&reader, rsdp, &power);
    return 0;
}
