// SPDX-License-Identifier: MIT
// sources: vmm-user/load/load.c vmm-user/load/linux.c vmm-user/load/multiboot.c vmm-user/load/multiboot2.c
// sources: vmm-user/load/elf.c vmm-user/load/acpi.c
#include "vmm-user/load/load.h"
#include <stdlib.h>
#include <string.h>

#define RAM (4u << 20)

// A kernel that nobody trusts, in a small VM. The first byte chooses what kind it claims to be and whether there is an
// initrd.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t ram[RAM];
    struct guest_mem mem = {.low = ram, .low_size = RAM};
    struct load_entry entry;
    char error[LOAD_ERROR] = "";
    if (size < 2)
        return 0;
    size_t length = size - 1 < 0x400 ? 0x400 : size - 1;
    uint8_t *file = calloc(1, length), kind = data[0];
    memcpy(file, data + 1, size - 1);
    if (kind & 0x80) {
        uint32_t header[4] = {0xe85250d6, 0, (uint32_t)length % 512};
        header[3] = 0u - header[0] - header[1] - header[2];
        memcpy(file, header, sizeof(header));
    } else if (kind % 4 == 0) {
        memcpy(file + 0x202, "HdrS", 4);
        file[0x1fe] = 0x55, file[0x1ff] = 0xaa;
    } else if (kind % 4 == 1) {
        memcpy(file, "\177ELF", 4);
    } else if (kind % 4 == 2) {
        uint32_t header[3] = {0x1badb002};
        memcpy(&header[1], file + 4, 4);
        header[2] = 0u - header[0] - header[1];
        memcpy(file, header, sizeof(header));
    }
    struct load_request request = {
        .kernel = {"kernel", file, length},
        .modules = {{{"initrd", data, size}, "initrd"}, {{"second", data, size / 2}, "second x"}},
        .module_count = (kind >> 2) % 3,
        .append = "x",
        .rsdp = 0xe0000,
        .screen = {.columns = 80, .rows = 25}};
    if (!load_kernel(&mem, &request, &entry, error) && !error[0])
        abort();
    free(file);
    return 0;
}
