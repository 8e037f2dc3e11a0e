// SPDX-License-Identifier: MIT
// Multiboot specification 0.6.96: the header in a kernel (3.1) and the information it is given (3.3). Multiboot 2
// specification 2.0, the same. And the entry note and start information of PVH kernels.
#pragma once
#include <stdint.h>

#define MULTIBOOT_HEADER_MAGIC 0x1badb002u
#define MULTIBOOT_LOADER_MAGIC 0x2badb002u // in EAX
#define MULTIBOOT_SEARCH       8192        // the header lies in the first bytes of the file
#define MULTIBOOT_PAGE_ALIGN   0x00000001u // header flags
#define MULTIBOOT_MEMORY_INFO  0x00000002u
#define MULTIBOOT_VIDEO_MODE   0x00000004u
#define MULTIBOOT_ADDRESSES    0x00010000u
#define MULTIBOOT_REQUIRED     0x0000ffffu

struct multiboot_header {
    uint32_t magic, flags, checksum;
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr; // valid with MULTIBOOT_ADDRESSES
};

#define MULTIBOOT_INFO_MEMORY  0x001u
#define MULTIBOOT_INFO_CMDLINE 0x004u
#define MULTIBOOT_INFO_MODULES 0x008u
#define MULTIBOOT_INFO_MMAP    0x040u
#define MULTIBOOT_INFO_LOADER  0x200u

struct multiboot_info {
    uint32_t flags, mem_lower, mem_upper; // KiB
    uint32_t boot_device, cmdline;
    uint32_t mods_count, mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr, config_table, boot_loader_name, apm_table;
    uint32_t vbe[4];
};

struct multiboot_module {
    uint32_t start, end, string, reserved;
};

struct multiboot_mmap {
    uint32_t size; // of the rest
    uint64_t base, length;
    uint32_t type;
} __attribute__((packed));

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6u
#define MULTIBOOT2_LOADER_MAGIC 0x36d76289u // in EAX
#define MULTIBOOT2_SEARCH       32768
#define MULTIBOOT2_I386         0
#define MULTIBOOT2_OPTIONAL     1 // flag of a header tag

enum multiboot2_header_tag {
    MULTIBOOT2_HEADER_END,
    MULTIBOOT2_HEADER_REQUEST,
    MULTIBOOT2_HEADER_ADDRESS,
    MULTIBOOT2_HEADER_ENTRY,
    MULTIBOOT2_HEADER_CONSOLE,
    MULTIBOOT2_HEADER_FRAMEBUFFER,
    MULTIBOOT2_HEADER_MODULE_ALIGN,
    MULTIBOOT2_HEADER_EFI_SERVICES,
    MULTIBOOT2_HEADER_EFI_ENTRY_32,
    MULTIBOOT2_HEADER_EFI_ENTRY_64,
};

enum multiboot2_tag {
    MULTIBOOT2_END,
    MULTIBOOT2_CMDLINE,
    MULTIBOOT2_LOADER,
    MULTIBOOT2_MODULE,
    MULTIBOOT2_MEMORY,
    MULTIBOOT2_MMAP = 6,
    MULTIBOOT2_FRAMEBUFFER = 8,
    MULTIBOOT2_RSDP_1 = 14,
    MULTIBOOT2_RSDP_2 = 15,
};

struct multiboot2_header {
    uint32_t magic, architecture, length, checksum;
};

struct multiboot2_header_tag_head {
    uint16_t type, flags;
    uint32_t size; // the next one begins 8-byte aligned behind it
};

struct multiboot2_tag_head {
    uint32_t type, size;
};

struct multiboot2_mmap {
    uint64_t base, length;
    uint32_t type, reserved;
};

struct multiboot2_framebuffer {
    uint64_t base;
    uint32_t pitch, width, height;
    uint8_t bits, type; // 2: EGA text, width and height in characters
    uint16_t reserved;
};

#define PVH_NOTE_ENTRY  18 // type of the note named "Xen": the 32-bit physical entry
#define PVH_START_MAGIC 0x336ec578u

struct pvh_start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
};

struct pvh_module {
    uint64_t base, size, cmdline, reserved;
};

struct pvh_memmap {
    uint64_t base, size;
    uint32_t type, reserved;
};
