// SPDX-License-Identifier: MIT
// Memory for what guests write to their disks: zeroed pages, taken from root in pieces that grow with what is in use,
// and kept until the VM ends.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct disk_pages {
    uint64_t used, taken; // bytes
};

// While the VM starts, for each disk: tells root how much may be asked for, at most. `size` in bytes.
bool disk_pages_expect(uint64_t size);

// One page of 4 KiB, or NULL without memory. Handler or main thread; keeps the message area of the caller's thread.
void *disk_pages_take(struct disk_pages *p);
