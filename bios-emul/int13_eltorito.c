// SPDX-License-Identifier: MIT
// Booting from a CD (El Torito 1.0): without emulation, or as a floppy or hard disk; INT 13h AH=4Ah-4Dh.
#include "bios-emul/disk.h"
#include "lib/c/string.h"

#define CD_SECTOR         2048
#define BOOT_RECORD       17
#define BOOT_CATALOGUE    0x47 // in the boot record
#define ENTRY_SIZE        32
#define CATALOGUE_SECTORS 8 // more is not looked at
#define ENTRIES_MAX       (CATALOGUE_SECTORS * CD_SECTOR / ENTRY_SIZE)
#define PLATFORM_X86      0
#define BOOTABLE          0x88
#define HEADER_MORE       0x90
#define HEADER_LAST       0x91
#define MEDIA             0x0f
#define MEDIA_NONE        0
#define MEDIA_HARD_DISK   4
#define ENTRY_EXTENDED    0x20
#define LOAD_SEGMENT      0x07c0
#define PACKET_SIZE       0x13

struct entry {
    uint8_t media;
    uint16_t segment, sectors;
    uint32_t lba;
};

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static bool cd_read(const struct bios_disk *cd, uint64_t lba, void *to)
{
    return lba < cd->sectors && cd->read(cd->ctx, lba, 1, to);
}

static bool is_boot_record(const uint8_t *s)
{
    return s[0] == 0 && !memcmp(s + 1, "CD001", 5) && s[6] == 1 && !memcmp(s + 7, "EL TORITO SPECIFICATION", 23);
}

static bool validation_ok(const uint8_t *s)
{
    uint16_t sum = 0;
    for (unsigned i = 0; i < ENTRY_SIZE; i += 2)
        sum = (uint16_t)(sum + get16(s + i));
    return s[0] == 1 && s[30] == 0x55 && s[31] == 0xaa && sum == 0;
}

static void entry_parse(const uint8_t *s, struct entry *e)
{
    e->media = s[1] & MEDIA;
    e->segment = get16(s + 2) ? get16(s + 2) : LOAD_SEGMENT;
    e->sectors = get16(s + 6) ? get16(s + 6) : 1;
    e->lba = get32(s + 8);
}

// The first entry for this platform that can be booted. Every entry is looked at once: no header leads back.
static bool catalogue_search(struct bios *b, const struct bios_disk *cd, uint32_t catalogue, struct entry *e)
{
    uint8_t *sector = b->sector;
    bool x86 = true;
    unsigned expected = 1; // entries of this section that follow
    for (unsigned i = 0; i < ENTRIES_MAX; i++) {
        const uint8_t *s = sector + i * ENTRY_SIZE % CD_SECTOR;
        if (i * ENTRY_SIZE % CD_SECTOR == 0 && !cd_read(cd, (uint64_t)catalogue + i * ENTRY_SIZE / CD_SECTOR, sector))
            return false;
        if (i == 0) {
            if (!validation_ok(s))
                return false;
            x86 = s[1] == PLATFORM_X86;
        } else if (expected) {
            if (s[0] == BOOTABLE && x86) {
                entry_parse(s, e);
                return e->media <= MEDIA_HARD_DISK && e->lba && e->lba < cd->sectors;
            }
            expected -= !(s[1] & ENTRY_EXTENDED) || i == 1;
        } else if (s[0] == HEADER_MORE || s[0] == HEADER_LAST) {
            x86 = s[1] == PLATFORM_X86;
            expected = get16(s + 2);
        } else {
            return false;
        }
    }
    return false;
}

// The emulated medium's geometry: a floppy's by its type, a hard disk's by its only partition (El Torito, 3.2).
static bool emulation_geometry(struct bios *b, const struct bios_disk *cd, const struct entry *e)
{
    static const uint8_t floppy_sectors[] = {0, 15, 18, 36};
    uint64_t room = (cd->sectors - e->lba) * 4;
    uint32_t cylinders = 80, heads = 2, sectors = 1;
    if (e->media == MEDIA_HARD_DISK) {
        if (!cd_read(cd, e->lba, b->sector))
            return false;
        const uint8_t *partition = b->sector + 0x1be;
        heads = partition[5] + 1u;
        sectors = partition[6] & 0x3f;
        cylinders = (partition[7] | (partition[6] & 0xc0u) << 2) + 1;
        if (!sectors || heads > 255)
            return false;
    } else if (e->media != MEDIA_NONE) {
        sectors = floppy_sectors[e->media];
    }
    uint64_t length = (uint64_t)cylinders * heads * sectors;
    b->state.cdemu.cylinders = (uint16_t)cylinders;
    b->state.cdemu.heads = (uint8_t)heads;
    b->state.cdemu.sectors = (uint8_t)sectors;
    b->state.cdemu.sectors_512 = (uint32_t)(length < room ? length : room);
    return true;
}

static bool image_load(struct bios *b, const struct entry *e, uint8_t number)
{
    struct drive d;
    uint32_t moved, at = (uint32_t)e->segment << 4;
    if (!drive_find(b, number, &d))
        return false;
    if (e->media != MEDIA_NONE) // the boot sector of the emulated medium
        return drive_read(b, &d, 0, e->sectors, at, &moved) == DISK_OK || moved;
    return drive_read(b, &d, e->lba, (e->sectors + 3u) / 4, at, &moved) == DISK_OK || moved;
}

bool eltorito_boot(struct bios *b, unsigned cd_index, uint8_t *drive, uint16_t *segment)
{
    struct bios_disk *cd = &b->cd[cd_index];
    struct entry e;
    b->state.cdemu.active = 0;
    if (cd->type != BIOS_CD || cd->sector_size != CD_SECTOR || !cd->read || !cd_read(cd, BOOT_RECORD, b->sector) ||
        !is_boot_record(b->sector))
        return false;
    uint32_t catalogue = get32(b->sector + BOOT_CATALOGUE);
    if (!catalogue_search(b, cd, catalogue, &e) || !emulation_geometry(b, cd, &e))
        return false;
    uint8_t number = e.media == MEDIA_NONE        ? (uint8_t)(DRIVE_CD + cd_index)
                     : e.media == MEDIA_HARD_DISK ? DRIVE_HARD
                                                  : 0;
    b->state.cdemu.active = e.media != MEDIA_NONE;
    b->state.cdemu.drive = number;
    b->state.cdemu.media = e.media;
    b->state.cdemu.cd = (uint8_t)cd_index;
    b->state.cdemu.controller = 1; // the second channel of IDE
    b->state.cdemu.spec = (uint8_t)(cd_index & 1);
    b->state.cdemu.lba = e.lba;
    b->state.cdemu.load_segment = e.segment;
    b->state.cdemu.load_sectors = e.sectors;
    b->state.cdemu.buffer_segment = 0;
    b->state.cdemu.booted = 1;
    if (!image_load(b, &e, number)) {
        b->state.cdemu.active = b->state.cdemu.booted = 0;
        return false;
    }
    *drive = number;
    *segment = e.segment;
    return true;
}

// ---- INT 13h

static void status_packet(struct bios *b, uint32_t at)
{
    uint8_t p[PACKET_SIZE] = {PACKET_SIZE, b->state.cdemu.media, b->state.cdemu.drive, b->state.cdemu.controller};
    uint32_t lba = b->state.cdemu.lba;
    uint16_t cylinder = (uint16_t)(b->state.cdemu.cylinders - 1);
    memcpy(p + 4, &lba, 4);
    p[8] = b->state.cdemu.spec;
    memcpy(p + 10, &b->state.cdemu.buffer_segment, 2);
    memcpy(p + 12, &b->state.cdemu.load_segment, 2);
    memcpy(p + 14, &b->state.cdemu.load_sectors, 2);
    p[16] = (uint8_t)cylinder;
    p[17] = (uint8_t)((cylinder >> 2 & 0xc0) | b->state.cdemu.sectors);
    p[18] = (uint8_t)(b->state.cdemu.heads - 1);
    mem_write(b, at, p, sizeof(p));
}

// AH=4Dh: sectors of the boot catalogue, as the packet at DS:SI says.
static enum disk_status catalogue_get(struct bios *b, struct bios_regs *r)
{
    uint32_t at = r->ds_base + r->si.x, moved;
    uint8_t count = mem_get8(b, at + 1);
    uint32_t buffer = mem_get(b, at + 2, 4);
    uint16_t first = mem_get16(b, at + 6);
    struct drive d;
    if (!drive_find(b, (uint8_t)(DRIVE_CD + b->state.cdemu.cd), &d) || !cd_read(d.disk, BOOT_RECORD, b->sector) ||
        !is_boot_record(b->sector))
        return DISK_PARAMETER;
    return drive_read(b, &d, (uint64_t)get32(b->sector + BOOT_CATALOGUE) + first, count, buffer, &moved);
}

enum bios_result int13_eltorito(struct bios *b, struct bios_regs *r)
{
    switch (r->a.h) {
    case 0x4b:
        if (!b->state.cdemu.booted || (r->d.l != b->state.cdemu.drive && r->d.l != 0x7f))
            return disk_answer(b, r, DISK_PARAMETER);
        if (r->a.l > 1)
            return disk_answer(b, r, DISK_PARAMETER);
        status_packet(b, r->ds_base + r->si.x);
        if (r->a.l == 0)
            b->state.cdemu.active = 0;
        return disk_answer(b, r, DISK_OK);
    case 0x4d:
        return disk_answer(b, r, b->state.cdemu.booted ? catalogue_get(b, r) : DISK_PARAMETER);
    default: // 4Ah, 4Ch: begin another emulation, which no known BIOS does
        unknown_count(b, r, 0x13);
        return disk_answer(b, r, DISK_PARAMETER);
    }
}
