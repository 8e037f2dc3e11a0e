// SPDX-License-Identifier: MIT
// What both versions of Multiboot share.
#pragma once
#include "pc/multiboot.h"
#include "vmm-user/load/load.h"

// A kernel in memory.
struct multiboot_image {
    uint64_t entry, end;
    struct load_low low;
};

// Loads an ELF file, or a flat one by the addresses in `header`, which lies at `header_at` in the file.
bool multiboot_image_load(const struct guest_mem *mem, const struct load_file *file, const struct multiboot_header *header,
                          long header_at, struct multiboot_image *image, char *error);

// Puts a module on a page boundary at *at or above, which moves behind it; returns where, 0: there is no room.
uint32_t multiboot_module_place(const struct guest_mem *mem, const struct load_file *file, uint64_t *at, char *error);
