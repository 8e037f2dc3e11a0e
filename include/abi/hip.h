// SPDX-License-Identifier: MIT
// The hypervisor information page: what machine this is. For root alone, read-only.
#pragma once
#include <stdint.h>

#define HIP_MAGIC   0x50494841434d494dul
#define HIP_CPUS    64
#define HIP_REGIONS 48
#define HIP_MODULES 40

struct hip_region {
    uint64_t base, size; // bytes
    uint32_t type; // Multiboot 2: 1 available, 2 reserved, 3 ACPI reclaimable, 4 NVS, 5 bad; 0x100 = the kernel's own
    uint32_t reserved;
};

struct hip_module {
    uint64_t base, size; // physical, bytes; page aligned base
    uint32_t name;       // offset of the string in the HIP, 0-terminated
    uint32_t reserved;
};

enum hip_feature { // what vCPUs can use; 0 in virt = no VMs
    HIP_VIRT_VMX = 1 << 0,
    HIP_VIRT_SVM = 1 << 1,
    HIP_APIC_REGS = 1 << 2, // register reads of the local APIC need no exit, writes are APIC-write exits
    HIP_TPR_SHADOW = 1 << 3,
    HIP_TSC_SCALING = 1 << 4,
    HIP_PREEMPT_TIMER = 1 << 5,
};

struct hip {
    uint64_t magic;
    uint32_t size, cpus; // bytes of this structure with its strings (<= 4 KiB); CPUs that run
    uint64_t tsc_hz;
    uint64_t tsc_boot;           // TSC when the kernel was entered
    uint32_t virt;               // enum hip_feature
    uint32_t virt_refusal;       // offset of a sentence that says what is missing when virt has no VMs; 0 = nothing
    uint8_t rsdp[40];            // copy of the ACPI root pointer (20 or 36 bytes), 0 = none
    uint64_t cmdline;            // offset of the kernel's command line
    uint64_t kernel_pages;       // size of the kernel's pool
    uint64_t log_base, log_size; // physical: struct klog, mappable read-only from SEL_HW
    uint64_t fb_base;            // framebuffer, page aligned (0 = VGA text at 0xb8000)
    uint32_t fb_pitch, fb_width, fb_height, fb_bpp;
    uint8_t fb_colors[8]; // first bit and number of bits of red, green, blue
    uint32_t gsis;        // interrupt lines of the I/O APICs
    uint32_t region_count, module_count;
    uint32_t lapic_ids[HIP_CPUS];
    struct hip_region regions[HIP_REGIONS];
    struct hip_module modules[HIP_MODULES];
    char strings[]; // rest of the page
};
_Static_assert(sizeof(struct hip) < 3400, "room for strings");

// The kernel's log: a ring of bytes. `head` counts all bytes ever written; the ring holds the last `size` of them.
struct klog {
    uint64_t head;
    uint64_t size;
    char bytes[];
};
