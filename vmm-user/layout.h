// SPDX-License-Identifier: MIT
// The VMM's own address space and selectors beyond what root laid out (lib/sys/start.h).
#pragma once
#include "abi/layout.h"
#include "lib/sys/start.h"

#define VA_KERNEL_FILE     0x0800000000ul // boot files, read-only
#define VA_INITRD_FILE     0x0900000000ul
#define VA_CONFIG_FILE     0x0a00000000ul
#define VA_MEDIA           0x4000000000ul  // boot files that are disks, read-only
#define VA_MEDIA_SPACE     0x1000000000ul  // for each
#define VA_DISK_PAGES      0x14000000000ul // behind 16 of them: copies of what guests wrote to disks
#define VA_FRAMEBUFFER     0x0b00000000ul  // the linear framebuffer
#define VA_SNAPSHOT        0x0b80000000ul  // of the screen (screenshot.c)
#define VA_DISPLAY         0x0bc0000000ul  // screen_pixels.c
#define VA_CHANNELS        0x0c00000000ul  // 64 KiB apart
#define VA_HANDLER_STACK   0x0d00010000ul  // top
#define VA_HANDLER_UTCB    0x0e00000000ul
#define VA_VCPU_PAGES      0x0f00000000ul           // virtual-APIC page, statistics
#define VA_NATIVE          (VA_VCPU_PAGES + 0x2000) // code, see native.c
#define VA_GUEST_RAM       0x1000000000ul           // + guest-physical address
#define HANDLER_STACK_SIZE 0x8000ul

#define LAPIC_ADDRESS 0xfee00000ul

enum vmm_selector {
    SEL_VCPU_HALT = SEL_USER_FREE,
    SEL_VCPU_HANDLER,
    SEL_VCPU_EC,
    SEL_INSPECTION,
    SEL_CHANNELS = SEL_USER_FREE + 16,      // pairs
    SEL_VCPU_PORTALS = SEL_USER_FREE + 128, // EVENT_COUNT of them
};
