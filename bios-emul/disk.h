// SPDX-License-Identifier: MIT
// Drives as INT 13h numbers them.
#pragma once
#include "bios-emul/internal.h"

enum disk_status {
    DISK_OK = 0x00,
    DISK_PARAMETER = 0x01,
    DISK_WRITE_PROTECTED = 0x03,
    DISK_SECTOR = 0x04,
    DISK_CHANGED = 0x06,
    DISK_MEDIUM = 0x0c,
    DISK_CONTROLLER = 0x20,
    DISK_NO_MEDIUM = 0x31,
    DISK_TIMEOUT = 0x80,
    DISK_LOCKED = 0xb1,
    DISK_NOT_REMOVABLE = 0xb2,
};

#define DRIVE_HARD 0x80
#define DRIVE_CD   0xe0
#define SECTOR     512

struct disk_geometry {
    uint32_t cylinders;
    uint16_t heads, sectors;
};

// What a drive number means now. `base` and `length` in the disk's own sectors: an El Torito image lies inside of a CD.
struct drive {
    struct bios_disk *disk;
    uint64_t base, length; // of what the caller sees, in sectors of `sector_size`
    uint32_t sector_size;
    struct disk_geometry geometry; // as the calls with cylinders see it
    uint8_t index;                 // among its kind
    bool floppy, emulated;
};

// False if there is no such drive.
bool drive_find(struct bios *b, uint8_t number, struct drive *d);
unsigned hard_disk_count(struct bios *b);
unsigned floppy_drives(struct bios *b);

// Moves sectors between a drive and the guest's memory; *moved sectors went well. For hard disks, floppies and CDs
// alike.
enum disk_status drive_read(struct bios *b, const struct drive *d, uint64_t lba, uint32_t count, uint32_t linear,
                            uint32_t *moved);
enum disk_status drive_write(struct bios *b, const struct drive *d, uint64_t lba, uint32_t count, uint32_t linear,
                             uint32_t *moved);

uint16_t floppy_table(uint8_t type); // where in the ROM its parameters are (INT 1Eh)
void floppy_post(struct bios *b);
uint8_t floppy_type(const struct bios_disk *disk); // as in CMOS: 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 2.88M
void hard_disk_geometry(struct bios *b, const struct bios_disk *disk, struct disk_geometry *physical,
                        struct disk_geometry *logical);

enum bios_result disk_answer(struct bios *b, struct bios_regs *r, enum disk_status status);
enum bios_result int13_edd(struct bios *b, struct bios_regs *r, struct drive *d);
void edd_post(struct bios *b);
enum bios_result int13_eltorito(struct bios *b, struct bios_regs *r);
