// SPDX-License-Identifier: MIT
// sources: ukernel/boot/multiboot2.c
#include <stdlib.h>
#include <string.h>
#include "ukernel/platform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info out;
    char *exact = malloc(size + 8);
    memcpy(exact, data, size);
    if (size >= 4 && data[3]) // mostly a size that fits, so that the tags are reached
        memcpy(exact, &(uint32_t){(uint32_t)size}, 4);
    if (!multiboot2_parse(exact, size, &out) && (!out.region_count || memchr(out.cmdline, 0, BOOT_CMDLINE) == NULL))
        abort();
    free(exact);
    return 0;
}
