// SPDX-License-Identifier: MIT
// INT 13h extensions: Enhanced Disk Drive specification 3.0 (T13 1386D), for hard disks and CDs.
#include "bios-emul/disk.h"
#include "lib/c/string.h"

#define PACKED           __attribute__((packed))
#define EDD_VERSION      0x30
#define EDD_SUPPORT      0x0007 // access by packet, removable media, EDD
#define PACKET_SIZE      16
#define PACKET_SIZE_FLAT 24
#define PARAMETERS_SMALL 0x1a
#define PARAMETERS_EDD   0x1e
#define PARAMETERS_PATH  0x42
#define FLAG_GEOMETRY    0x0002
#define FLAG_REMOVABLE   0x0004
#define FLAG_CHANGE_LINE 0x0010
#define FLAG_LOCKABLE    0x0020
#define FLAG_NO_CHS      0x0040
#define IDE_COMMAND_1    0x1f0
#define IDE_COMMAND_2    0x170
#define IDE_CONTROL_1    0x3f6
#define IDE_CONTROL_2    0x376

struct packet {
    uint8_t size, reserved;
    uint16_t count;
    uint32_t buffer; // far pointer; ffff:ffff: `flat` counts
    uint64_t lba, flat;
} PACKED;

struct parameters {
    uint16_t size, flags;
    uint32_t cylinders, heads, sectors;
    uint64_t total;
    uint16_t sector_size;
    uint32_t dpte;
    uint16_t key;
    uint8_t path_length, reserved[3];
    char host_bus[4], interface_type[8];
    uint64_t interface_path, device_path;
    uint8_t reserved2, checksum;
} PACKED;
_Static_assert(sizeof(struct parameters) == PARAMETERS_PATH, "EDD 3.0, table 11");

enum access { READ, WRITE, VERIFY };

static enum disk_status packet_access(struct bios *b, struct bios_regs *r, struct drive *d, enum access kind)
{
    uint32_t at = r->ds_base + r->si.x, moved = 0;
    struct packet p = {0};
    enum disk_status status = DISK_OK;
    if (!mem_read(b, at, &p, PACKET_SIZE) || p.size < PACKET_SIZE)
        return DISK_PARAMETER;
    uint32_t buffer = far_linear(p.buffer);
    if (p.buffer == UINT32_MAX && p.size >= PACKET_SIZE_FLAT) {
        mem_read(b, at, &p, PACKET_SIZE_FLAT);
        if (p.flat >> 32)
            return DISK_PARAMETER;
        buffer = (uint32_t)p.flat;
    }
    if (p.lba >= d->length || p.count > d->length - p.lba)
        status = DISK_PARAMETER;
    else if (kind == READ)
        status = drive_read(b, d, p.lba, p.count, buffer, &moved);
    else if (kind == WRITE)
        status = drive_write(b, d, p.lba, p.count, buffer, &moved);
    else
        moved = p.count;
    if (status != DISK_OK)
        mem_put16(b, at + 2, moved);
    return status;
}

// How the drives are wired: two hard disks on each channel, CDs on the second.
static bool on_second_channel(const struct drive *d)
{
    return d->disk->type == BIOS_CD || d->index & 2;
}

static uint16_t dpte_offset(const struct drive *d)
{
    return (uint16_t)(ROM_EDD + 16 * (d->disk->type == BIOS_CD ? BIOS_HARD_DISKS + d->index : d->index));
}

// The device parameter table extensions of all drives, in the ROM.
void edd_post(struct bios *b)
{
    static const uint8_t first[] = {DRIVE_HARD, DRIVE_CD};
    struct drive d;
    for (unsigned kind = 0; kind < 2; kind++)
        for (uint8_t number = first[kind]; drive_find(b, number, &d); number++) {
            bool second = on_second_channel(&d);
            uint16_t base = second ? IDE_COMMAND_2 : IDE_COMMAND_1, control = second ? IDE_CONTROL_2 : IDE_CONTROL_1;
            uint8_t table[16] = {
                (uint8_t)base,
                (uint8_t)(base >> 8),
                (uint8_t)control,
                (uint8_t)(control >> 8),
                (uint8_t)(0xe0 | (d.index & 1) << 4),
                0xcb,
                second ? 15 : 14,
                1,
                0,
                0,
                d.disk->type == BIOS_CD ? 0x60 : 0x10,
                0,
                0,
                0,
                0x11,
                0,
            };
            for (unsigned i = 0; i < 15; i++)
                table[15] = (uint8_t)(table[15] - table[i]);
            mem_write(b, BIOS_ROM_BASE + dpte_offset(&d), table, sizeof(table));
        }
}

static enum disk_status drive_parameters(struct bios *b, struct bios_regs *r, struct drive *d)
{
    uint32_t at = r->ds_base + r->si.x;
    uint16_t room = mem_get16(b, at);
    struct disk_geometry physical, logical;
    struct parameters p = {.total = d->length, .sector_size = (uint16_t)d->sector_size};
    if (room < PARAMETERS_SMALL)
        return DISK_PARAMETER;
    if (d->sector_size == SECTOR && !d->emulated) {
        hard_disk_geometry(b, d->disk, &physical, &logical);
        p.flags = FLAG_GEOMETRY;
        p.cylinders = physical.cylinders;
        p.heads = physical.heads;
        p.sectors = physical.sectors;
    } else if (d->emulated) {
        p.flags = FLAG_GEOMETRY;
        p.cylinders = d->geometry.cylinders;
        p.heads = d->geometry.heads;
        p.sectors = d->geometry.sectors;
    } else {
        p.flags = FLAG_REMOVABLE | FLAG_CHANGE_LINE | FLAG_LOCKABLE | FLAG_NO_CHS;
        p.cylinders = p.heads = p.sectors = UINT32_MAX;
    }
    p.size = room < PARAMETERS_EDD ? PARAMETERS_SMALL : room < PARAMETERS_PATH ? PARAMETERS_EDD : PARAMETERS_PATH;
    if (room >= PARAMETERS_EDD)
        p.dpte = (uint32_t)BIOS_SEGMENT << 16 | dpte_offset(d);
    if (room >= PARAMETERS_PATH) {
        uint8_t *bytes = (uint8_t *)&p;
        p.key = 0xbedd;
        p.path_length = 36;
        memcpy(p.host_bus, "ISA ", 4);
        memcpy(p.interface_type, "ATA     ", 8);
        p.interface_path = on_second_channel(d) ? IDE_COMMAND_2 : IDE_COMMAND_1;
        p.device_path = d->index & 1;
        for (unsigned i = 0x1e; i < PARAMETERS_PATH - 1; i++)
            p.checksum = (uint8_t)(p.checksum - bytes[i]);
    }
    return mem_write(b, at, &p, p.size) ? DISK_OK : DISK_PARAMETER;
}

static enum disk_status removable(const struct drive *d)
{
    return d->sector_size == SECTOR ? DISK_NOT_REMOVABLE : DISK_OK;
}

static enum disk_status lock(struct bios_regs *r, const struct drive *d)
{
    if (r->a.l > 2)
        return DISK_PARAMETER;
    if (d->sector_size == SECTOR && r->a.l != 2)
        return DISK_OK; // always locked
    r->a.l = 0;
    return DISK_OK;
}

enum bios_result int13_edd(struct bios *b, struct bios_regs *r, struct drive *d)
{
    if (d->floppy)
        return disk_answer(b, r, DISK_PARAMETER);
    switch (r->a.h) {
    case 0x41:
        if (r->b.x != 0x55aa)
            return disk_answer(b, r, DISK_PARAMETER);
        disk_answer(b, r, DISK_OK);
        r->b.x = 0xaa55;
        r->c.x = EDD_SUPPORT;
        r->a.h = EDD_VERSION;
        return BIOS_DONE;
    case 0x42:
        return disk_answer(b, r, packet_access(b, r, d, READ));
    case 0x43:
        return disk_answer(b, r, packet_access(b, r, d, WRITE));
    case 0x44:
        return disk_answer(b, r, packet_access(b, r, d, VERIFY));
    case 0x45:
        return disk_answer(b, r, lock(r, d));
    case 0x46:
        return disk_answer(b, r, removable(d) == DISK_OK ? DISK_LOCKED : DISK_NOT_REMOVABLE);
    case 0x47:
        return disk_answer(b, r, packet_access(b, r, d, VERIFY));
    case 0x48:
        return disk_answer(b, r, drive_parameters(b, r, d));
    case 0x49:
        return disk_answer(b, r, DISK_OK);
    case 0x4e: // 1, 3, 4, 6: features that are as they are
        return disk_answer(b, r, r->a.l <= 6 && 0x5a >> r->a.l & 1 ? DISK_OK : DISK_PARAMETER);
    default:
        unknown_count(b, r, 0x13);
        return disk_answer(b, r, DISK_PARAMETER);
    }
}
