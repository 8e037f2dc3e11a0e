// SPDX-License-Identifier: MIT
// Reads a program's ELF file; every number in it is checked before it is used.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS 8
#define PROGRAM_BASE 0x400000ul // where segments may lie
#define PROGRAM_END  0x10000000ul

struct elf_segment {
    uint64_t offset, file_size; // in the file
    uint64_t va, pages;         // in memory, page aligned
    bool write, execute;
};

struct elf_image {
    uint64_t entry;
    unsigned count;
    struct elf_segment segments[ELF_SEGMENTS];
};

// NULL when all is well, else what is wrong.
const char *elf_read(const void *file, size_t size, struct elf_image *out);
