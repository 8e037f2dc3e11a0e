// SPDX-License-Identifier: MIT
// What both versions of Multiboot share.
#pragma once
#include "pc/multiboot.h"
#include "vmm-user/load/load.h"

#define MULTIBOOT_INFO_SIZE 0x6000u // bytes for all that the kernel is told

// A kernel in memory.
struct multiboot_image {
    uint64_t entry, end;
    struct load_low low;
};

// Loads an ELF file, or a flat one by the addresses in `header`, which lies at `header_at` in the file.
bool multiboot_image_load(const struct guest_mem *mem, const struct load_file *file,
                          const struct multiboot_header *header, long header_at, struct multiboot_image *image,
                          char *error);

// Puts a module on a page boundary at *at or above, which moves behind it; returns where, 0: there is no room.
uint32_t multiboot_module_place(const struct guest_mem *mem, const struct load_file *file, uint64_t *at, char *error);

// Where below 640 KiB the MULTIBOOT_INFO_SIZE bytes for the kernel are free; 0: nowhere.
uint32_t multiboot_info_room(struct multiboot_image *image, const struct load_file *file, char *error);

// The CPU at the kernel's start (specification 1, 3.2); load_tables() adds the descriptor table.
struct load_entry multiboot_entry(uint64_t rip, uint32_t magic, uint32_t info);
