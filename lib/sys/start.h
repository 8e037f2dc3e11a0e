// SPDX-License-Identifier: MIT
// What root gives every process it starts: fixed selectors, and one read-only page with facts.
#pragma once
#include <stdint.h>
#include "abi/cap.h"
#include "abi/hip.h"

// Selectors in every process but root.
#define SEL_MAIN_SM          4 // semaphore of the process: root and peers of its channels up it for events, see root_api.h
#define SEL_ROOT             8  // + cpu: portal to root for callers on that CPU (64 of them)
#define SEL_EXCEPTIONS       72 // + vector: event base for the process's threads; root ends the process at an exception
#define SEL_CONSOLE_COM1     104 // the console alone: semaphores of its interrupts
#define SEL_CONSOLE_KEYBOARD 105
#define SEL_USER_FREE        128 // first selector that is the process's own to use

// Addresses in every process but root.
#define START_INFO         0x10000000ul // struct start_info, read-only
#define START_PUBLIC       0x10001000ul // one writable page that root looks at: struct vm_public, struct console_public
#define START_UTCB         0x10002000ul // of the first thread
#define START_VGA          0x10010000ul // the console alone: VGA text memory, 8 pages
#define START_VGA_GRAPHICS 0x10020000ul // the console alone, beside START_VGA: A0000-AFFFF
#define START_FRAMEBUFFER  0x80000000ul // the console alone: the whole of it, at most 2 GiB
#define START_STACK        0x10100000ul // top; 64 KiB, with an unmapped page below

#define START_MAGIC 0x54524154534d494dul

enum start_flag {
    START_HAS_VGA = 1 << 0,         // START_VGA is mapped
    START_CONFIG_FILE = 1 << 1,     // a VMM's args name a config file; else they are a `vm run` line
    START_AGAIN = 1 << 2,           // a service in the place of one that crashed
    START_HAS_FRAMEBUFFER = 1 << 3, // START_FRAMEBUFFER is mapped
    START_VECTORS = 1 << 4,         // the first thread may use vector registers
};

struct start_framebuffer {
    uint32_t pitch, width, height, bpp; // bytes; pixels; bits of a pixel
    uint8_t colors[8];                  // first bit and number of bits of red, green, blue
};

struct start_info {
    uint64_t magic;
    uint64_t tsc_hz;
    uint64_t wall_ns; // nanoseconds since 1970 UTC at host TSC 0
    uint32_t virt;    // enum hip_feature
    uint32_t cpus;    // of the machine
    uint32_t cpu;     // on which this process runs
    uint32_t id;      // process id; for a VMM also the VM's number in vm_id
    uint32_t vm_id;
    uint32_t flags;  // enum start_flag
    uint32_t events; // root counts here what it left to be fetched (channels to accept, log): a look saves a call
    struct start_framebuffer framebuffer;
    uint32_t
        dispi_bytes; // the console alone: with START_HAS_VGA, memory at START_FRAMEBUFFER for Bochs' display interface
    char name[32];
    char args[2048];        // 0-terminated; a VMM: the `vm run` arguments, or the config's file name
    char virt_refusal[160]; // why there are no VMs
};
