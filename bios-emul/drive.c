// SPDX-License-Identifier: MIT
// Drives: what a number of INT 13h stands for, its geometry, and how sectors get into the guest's memory.
#include "bios-emul/disk.h"
#include "lib/c/string.h"

#define CYLINDERS_MAX      1024
#define PHYSICAL_HEADS     16
#define PHYSICAL_SECTORS   63
#define PHYSICAL_CYLINDERS 16383
#define PARTITION_TABLE    0x1be

static const struct {
    uint16_t kib;
    uint8_t cylinders, heads, sectors, type;
} floppies[] = {
    {160, 40, 1, 8, 1},   {180, 40, 1, 9, 1},   {320, 40, 2, 8, 1},   {360, 40, 2, 9, 1},   {720, 80, 2, 9, 3},
    {1200, 80, 2, 15, 2}, {1440, 80, 2, 18, 4}, {1680, 80, 2, 21, 4}, {1722, 82, 2, 21, 4}, {2880, 80, 2, 36, 5},
};
#define FLOPPIES (sizeof(floppies) / sizeof(floppies[0]))

// The smallest format that holds the image; a truncated image lacks its last sectors.
static unsigned floppy_format(const struct bios_disk *disk)
{
    unsigned i = 0;
    while (i + 1 < FLOPPIES && (uint64_t)floppies[i].kib * 2 < disk->sectors)
        i++;
    return i;
}

static void floppy_geometry(const struct bios_disk *disk, struct disk_geometry *g)
{
    unsigned i = floppy_format(disk);
    *g = (struct disk_geometry){floppies[i].cylinders, floppies[i].heads, floppies[i].sectors};
}

uint8_t floppy_type(const struct bios_disk *disk)
{
    return disk->type == BIOS_FLOPPY ? floppies[floppy_format(disk)].type : 0;
}

// Diskette parameters: sectors of a track, gaps between them when read and when formatted.
static const struct {
    uint8_t sectors, gap, format_gap;
} floppy_types[] = {{9, 0x2a, 0x50}, {15, 0x1b, 0x54}, {9, 0x2a, 0x50}, {18, 0x1b, 0x6c}, {36, 0x1b, 0x54}};
#define FLOPPY_TYPES (sizeof(floppy_types) / sizeof(floppy_types[0]))

uint16_t floppy_table(uint8_t type)
{
    return (uint16_t)(ROM_FLOPPY_TABLES + 16 * ((type < 1 || type > FLOPPY_TYPES ? FLOPPY_TYPES : type) - 1));
}

void floppy_post(struct bios *b)
{
    uint8_t table[11];
    mem_read(b, BIOS_ROM_BASE + ROM_DISKETTE, table, sizeof(table));
    for (uint8_t type = 1; type <= FLOPPY_TYPES; type++) {
        table[4] = floppy_types[type - 1].sectors;
        table[5] = floppy_types[type - 1].gap;
        table[7] = floppy_types[type - 1].format_gap;
        mem_write(b, BIOS_ROM_BASE + floppy_table(type), table, sizeof(table));
    }
}

// Heads and sectors that the partition table was made with, if it says so without contradiction.
static bool geometry_of_partitions(struct bios *b, const struct bios_disk *disk, struct disk_geometry *g)
{
    uint8_t *mbr = b->sector;
    if (!disk->sectors || !disk->read(disk->ctx, 0, 1, mbr) || mbr[510] != 0x55 || mbr[511] != 0xaa)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *entry = mbr + PARTITION_TABLE + 16 * i;
        uint32_t length = entry[12] | entry[13] << 8 | entry[14] << 16 | (uint32_t)entry[15] << 24;
        unsigned heads = entry[5] + 1u, sectors = entry[6] & 0x3f;
        if (!length || !entry[5] || !sectors || heads > 255)
            continue;
        uint64_t cylinders = disk->sectors / (heads * sectors);
        if (cylinders < 1 || (cylinders > CYLINDERS_MAX && heads < 255))
            continue;
        *g = (struct disk_geometry){cylinders < CYLINDERS_MAX ? (uint32_t)cylinders : CYLINDERS_MAX, (uint16_t)heads,
                                    (uint16_t)sectors};
        return true;
    }
    return false;
}

// LBA assist: 63 sectors and as many heads as give at most 1024 cylinders.
static void geometry_assist(uint64_t sectors, struct disk_geometry *g)
{
    static const uint16_t heads[] = {16, 32, 64, 128, 255};
    unsigned i = 0;
    while (i < 4 && sectors / PHYSICAL_SECTORS / heads[i] > CYLINDERS_MAX)
        i++;
    uint64_t cylinders = sectors / PHYSICAL_SECTORS / heads[i];
    cylinders = cylinders > CYLINDERS_MAX ? CYLINDERS_MAX : cylinders ? cylinders : 1;
    *g = (struct disk_geometry){(uint32_t)cylinders, heads[i], PHYSICAL_SECTORS};
}

void hard_disk_geometry(struct bios *b, const struct bios_disk *disk, struct disk_geometry *physical,
                        struct disk_geometry *logical)
{
    uint64_t cylinders = disk->sectors / (PHYSICAL_HEADS * PHYSICAL_SECTORS);
    cylinders = cylinders > PHYSICAL_CYLINDERS ? PHYSICAL_CYLINDERS : cylinders ? cylinders : 1;
    *physical = (struct disk_geometry){(uint32_t)cylinders, PHYSICAL_HEADS, PHYSICAL_SECTORS};
    if (geometry_of_partitions(b, disk, logical))
        return;
    geometry_assist(disk->sectors, logical);
}

static bool is_disk(const struct bios_disk *disk, enum bios_disk_type type, uint32_t sector_size)
{
    return disk->type == type && disk->sector_size == sector_size && disk->read;
}

static unsigned count_of(const struct bios_disk *disks, unsigned max, enum bios_disk_type type, uint32_t sector_size)
{
    unsigned n = 0;
    while (n < max && is_disk(&disks[n], type, sector_size))
        n++;
    return n;
}

static bool emulates(const struct bios *b, bool floppy)
{
    return b->state.cdemu.active && (b->state.cdemu.drive < DRIVE_HARD) == floppy;
}

unsigned hard_disk_count(struct bios *b)
{
    return count_of(b->hard_disk, BIOS_HARD_DISKS, BIOS_HARD_DISK, SECTOR) + emulates(b, false);
}

unsigned floppy_drives(struct bios *b)
{
    return count_of(b->floppy, BIOS_FLOPPIES, BIOS_FLOPPY, SECTOR) + emulates(b, true);
}

static bool emulated_find(struct bios *b, struct drive *d)
{
    d->disk = &b->cd[b->state.cdemu.cd % BIOS_CDS];
    if (!is_disk(d->disk, BIOS_CD, 2048))
        return false;
    d->emulated = true;
    d->base = (uint64_t)b->state.cdemu.lba * 4;
    d->length = b->state.cdemu.sectors_512;
    d->sector_size = SECTOR;
    d->geometry = (struct disk_geometry){b->state.cdemu.cylinders, b->state.cdemu.heads, b->state.cdemu.sectors};
    return true;
}

bool drive_find(struct bios *b, uint8_t number, struct drive *d)
{
    *d = (struct drive){.floppy = number < DRIVE_HARD};
    unsigned index = number < DRIVE_CD ? number & 0x7f : number - DRIVE_CD;
    if (number >= DRIVE_CD) {
        if (index >= count_of(b->cd, BIOS_CDS, BIOS_CD, 2048))
            return false;
        d->disk = &b->cd[index];
        d->length = d->disk->sectors;
        d->sector_size = 2048;
        d->index = (uint8_t)index;
        return true;
    }
    if (emulates(b, d->floppy)) { // the emulated drive is the first, the others follow
        if (index == 0)
            return emulated_find(b, d);
        index--;
    }
    struct bios_disk *disks = d->floppy ? b->floppy : b->hard_disk;
    if (index >=
        count_of(disks, d->floppy ? BIOS_FLOPPIES : BIOS_HARD_DISKS, d->floppy ? BIOS_FLOPPY : BIOS_HARD_DISK, SECTOR))
        return false;
    d->disk = &disks[index];
    d->index = (uint8_t)index;
    d->length = d->disk->sectors;
    d->sector_size = SECTOR;
    struct disk_geometry physical;
    if (d->floppy)
        floppy_geometry(d->disk, &d->geometry);
    else
        hard_disk_geometry(b, d->disk, &physical, &d->geometry);
    return true;
}

// Reads `count` of the drive's sectors, as many as fit the buffer. An emulated drive's are quarters of a CD's.
static bool sectors_fetch(struct bios *b, const struct drive *d, uint64_t lba, uint32_t count)
{
    if (!d->emulated)
        return d->disk->read(d->disk->ctx, lba, count, b->sector);
    uint64_t at = d->base + lba;
    if (at / 4 >= d->disk->sectors || !d->disk->read(d->disk->ctx, at / 4, 1, b->sector))
        return false;
    memmove(b->sector, b->sector + at % 4 * SECTOR, SECTOR);
    return true;
}

enum disk_status drive_read(struct bios *b, const struct drive *d, uint64_t lba, uint32_t count, uint32_t linear,
                            uint32_t *moved)
{
    uint32_t chunk = d->emulated ? 1 : sizeof(b->sector) / d->sector_size;
    *moved = 0;
    while (*moved < count) {
        uint32_t n = count - *moved < chunk ? count - *moved : chunk;
        if (lba >= d->length || n > d->length - lba)
            return DISK_SECTOR;
        if (!sectors_fetch(b, d, lba, n))
            return DISK_CONTROLLER;
        if (!mem_write(b, linear, b->sector, n * d->sector_size))
            return DISK_PARAMETER;
        *moved += n;
        lba += n;
        linear += n * d->sector_size;
    }
    return DISK_OK;
}

enum disk_status drive_write(struct bios *b, const struct drive *d, uint64_t lba, uint32_t count, uint32_t linear,
                             uint32_t *moved)
{
    uint32_t chunk = sizeof(b->sector) / d->sector_size;
    *moved = 0;
    if (d->emulated || d->disk->read_only || !d->disk->write)
        return DISK_WRITE_PROTECTED;
    while (*moved < count) {
        uint32_t n = count - *moved < chunk ? count - *moved : chunk;
        if (lba >= d->length || n > d->length - lba)
            return DISK_SECTOR;
        if (!mem_read(b, linear, b->sector, n * d->sector_size))
            return DISK_PARAMETER;
        if (!d->disk->write(d->disk->ctx, lba, n, b->sector))
            return DISK_CONTROLLER;
        *moved += n;
        lba += n;
        linear += n * d->sector_size;
    }
    return DISK_OK;
}
