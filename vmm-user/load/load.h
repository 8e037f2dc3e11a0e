// SPDX-License-Identifier: MIT
// Puts a kernel into guest RAM as its boot protocol says. Pure code: files come as bytes that nobody trusts.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm-user/guest_mem.h"

#define LOAD_ERROR 200

// Where the loaders keep what they make, in guest-physical memory below 640 KiB; for Multiboot and PVH anywhere there.
#define LOAD_GDT         0x1000
#define LOAD_PAGE_TABLES 0x2000  // PML4, PDPT, 4 page directories: 4 GiB of identity
#define LOAD_INFO        0x10000 // zero page
#define LOAD_CMDLINE     0x20000 // up to 32 KiB
#define LOAD_EBDA        0x9fc00
#define LOAD_BIOS        0xf0000
#define LOAD_ACPI        0xfc000 // ACPI tables, up to LOAD_ACPI_END: bios-emul keeps that free (ROM_ACPI)
#define LOAD_ACPI_END    0xfe000

struct load_file {
    const char *name;
    const uint8_t *data;
    size_t size; // 0 = none
};

// What the firmware has put on the screen, for a kernel that goes on with it.
struct load_screen {
    uint8_t mode, columns, rows, points; // of text
    uint8_t column, row;                 // of the cursor
    uint32_t base, size;                 // of the linear framebuffer in a graphics mode
    uint16_t width, height, pitch;       // width 0: text
    uint8_t bits;
    struct {
        uint8_t size, position;
    } color[4]; // red, green, blue, the rest
};

// A file beside the kernel and what the kernel is told of it: its name and what follows that.
struct load_module {
    struct load_file file;
    const char *text;
};
#define LOAD_MODULES 8

struct load_request {
    struct load_file kernel;
    struct load_module modules[LOAD_MODULES]; // the first is an initrd to kernels that know no other
    unsigned module_count;
    const char *append;
    uint64_t rsdp;
    struct load_screen screen;
};

enum load_mode { LOAD_MODE_32, LOAD_MODE_64, LOAD_MODE_16 }; // 16: real mode, on the firmware

// How the first instruction finds the CPU: flat segments, interrupts off; paging as `mode` says.
struct load_entry {
    enum load_mode mode;
    uint64_t rip, rax, rbx, rsi, rsp;
    uint64_t gdt;
    uint16_t cs, ds;
};

// Each returns false with a sentence in `error` (LOAD_ERROR bytes) that names the file and what is wrong with it.
bool load_kernel(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry,
                 char *error);
bool load_linux(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry, char *error);
// The VBE mode that a Linux command line asks for by `vga=`, as the kernel's own setup code understands it; 0: text.
uint16_t load_linux_graphics(const char *append);

bool load_multiboot(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry,
                    char *error);
bool load_multiboot2(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry,
                     char *error);
bool load_pvh(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry, char *error);

// The file of a kernel that takes one initrd (size 0: none); NULL with a sentence if there are more.
const struct load_file *load_initrd(const struct load_request *request, char *error);

// Splits "name words,name words" in place, as QEMU's -initrd for Multiboot; returns how many, 0 = none, or more than
// `max`. Each text begins with its name, `length` long.
unsigned load_modules_split(char *text, const char *texts[], unsigned lengths[], unsigned max);

// What `load_kernel` asks: does the file look like one?
bool load_is_linux(const struct load_file *file);
bool load_is_multiboot(const struct load_file *file);
bool load_is_multiboot2(const struct load_file *file);
bool load_is_elf(const struct load_file *file);

// Pages below 640 KiB that a kernel's own segments have; what the loader tells it must not lie there.
#define LOAD_LOW_END 0xa0000
struct load_low {
    uint64_t taken[(LOAD_LOW_END / 4096 + 63) / 64];
};
void load_low_take(struct load_low *low, uint64_t base, uint64_t size);
uint64_t load_low_find(struct load_low *low, uint64_t size); // an address between BIOS data and EBDA; 0 = no room

// Copies the loadable segments of an ELF file to their physical addresses. *entry is e_entry, physical even if the
// kernel is linked elsewhere; *end the first byte above all segments.
bool elf_load(const struct guest_mem *mem, const struct load_file *file, uint64_t *entry, uint64_t *end,
              struct load_low *low, char *error);

// The memory map in the terms of E820: type 1 RAM, 2 reserved.
struct load_region {
    uint64_t base, size;
    uint32_t type;
};
#define LOAD_REGIONS 8
unsigned load_memory_map(const struct guest_mem *mem, struct load_region regions[LOAD_REGIONS]);

// A flat GDT (10h code, 18h data; 08h the same code for 32-bit entries) and, for 64 bits, identity page tables.
void load_tables(const struct guest_mem *mem, struct load_entry *entry, uint64_t gdt);

#define LOAD_RSDP_1_SIZE 20 // of ACPI 1.0
#define LOAD_RSDP_SIZE   36

// Writes all ACPI tables at LOAD_ACPI; returns the address of the RSDP, 0 if they do not fit.
uint64_t acpi_build(const struct guest_mem *mem, unsigned cpus);

// Where a guest that slept wants to wake up (ACPI 6.4, 5.2.10), by way of the tables that it has: below 1 MiB, in real
// mode. 0: it does not say.
uint32_t acpi_waking_vector(const struct guest_mem *mem, uint64_t rsdp);
