// SPDX-License-Identifier: GPL-2.0-only
// What root gives every process it starts: fixed selectors, and one read-only page with facts.
#pragma once
#include <stdint.h>
#include "abi/cap.h"
#include "abi/hip.h"

// Selectors in every process but root.
#define SEL_MAIN_SM   4            // semaphore of the process: root (and nobody else) ups it for events, see root_api.h
#define SEL_ROOT      8            // + cpu: portal to root for callers on that CPU (64 of them)
#define SEL_USER_FREE 128          // first selector that is the process's own to use
#define START_INFO    0x10000000ul // struct start_info, read-only
#define START_PUBLIC                                                                                                   \
    0x10001000ul // one page, writable, that root and (read through root) the shell can see: struct vm_public for a VMM
#define START_UTCB  0x10002000ul // of the first thread
#define START_STACK 0x10100000ul // top; 64 KiB, with an unmapped page below
#define START_HEAP  0x20000000ul // lib/sys/heap.c asks root for pages from here on

#define START_MAGIC 0x54524154534d494dul

struct start_info {
    uint64_t magic;
    uint64_t tsc_hz;
    uint64_t wall_ns; // nanoseconds since 1970 UTC at host TSC 0
    uint32_t virt;    // enum hip_feature
    uint32_t cpus;    // of the machine
    uint32_t cpu;     // on which this process runs
    uint32_t id;      // process id; for a VMM also the VM's number in vm_id
    uint32_t vm_id;
    uint32_t flags;
    char name[32];
    char args[2048];        // 0-terminated; a VMM: the `vm run` arguments, or the config's file name
    char virt_refusal[160]; // why there are no VMs
};
