// SPDX-License-Identifier: MIT
// The shelf: every boot file that is, or was, a disk of this VM. What the guest wrote to one stays with it, so that a
// floppy that is taken out and put in again is the same floppy.
#pragma once
#include "vmm-user/block_ram.h"
#include "vmm-user/config.h"
#include "vmm-user/disk_pages.h"

#define MEDIA_SHELF 16

enum media_drive { MEDIA_FDA, MEDIA_FDB, MEDIA_HDA, MEDIA_HDB, MEDIA_CD, MEDIA_DRIVES };

struct medium {
    char name[CONFIG_FILE];
    struct block_ram ram;
};

struct media {
    struct medium shelf[MEDIA_SHELF];
    unsigned count;
    struct disk_pages pages; // of what the guest wrote
};

// A drive's name in a configuration, and what goes into it.
struct media_slot {
    const char *key;
    enum block_kind kind;
    size_t config; // its file's name in struct vm_config
};
extern const struct media_slot media_slots[MEDIA_DRIVES];

enum media_error { MEDIA_OK, MEDIA_MISSING, MEDIA_UNFIT, MEDIA_TOO_MANY };

// Main thread: the boot file as a medium for that drive.
enum media_error media_take(struct media *m, enum media_drive drive, const char *name, struct medium **medium);
const char *media_error_text(enum media_error e); // "'FILE' " goes before it
