// SPDX-License-Identifier: MIT
// INT 13h by cylinder, head and sector, for floppies and hard disks.
#include "bios-emul/disk.h"

#define TYPE_FLOPPY_CHANGE 2 // AH=15h: a floppy with change line
#define TYPE_HARD_DISK     3
#define COUNT_MAX          128

typedef enum disk_status (*disk_function)(struct bios *b, struct bios_regs *r, struct drive *d);

enum bios_result disk_answer(struct bios *b, struct bios_regs *r, enum disk_status status)
{
    r->a.h = (uint8_t)status;
    carry(r, status != DISK_OK);
    bda_set8(b, r->d.l < DRIVE_HARD ? BDA_FD_STATUS : BDA_HD_STATUS, status);
    return BIOS_DONE;
}

// The sector that CH, CL, DH name. False if the geometry has no such.
static bool chs_lba(const struct bios_regs *r, const struct drive *d, uint64_t *lba)
{
    uint32_t cylinder = r->c.h | (r->c.l & 0xc0u) << 2, head = r->d.h, sector = r->c.l & 0x3f;
    const struct disk_geometry *g = &d->geometry;
    if (cylinder >= g->cylinders || head >= g->heads || !sector || sector > g->sectors)
        return false;
    *lba = ((uint64_t)cylinder * g->heads + head) * g->sectors + sector - 1;
    return true;
}

static enum disk_status reset(struct bios *b, struct bios_regs *r, struct drive *d)
{
    (void)r;
    if (d->floppy)
        bda_set8(b, BDA_FD_CALIBRATE, 0);
    return DISK_OK;
}

static enum disk_status last_status(struct bios *b, struct bios_regs *r, struct drive *d)
{
    (void)r;
    return bda8(b, d->floppy ? BDA_FD_STATUS : BDA_HD_STATUS);
}

static void motor_on(struct bios *b, const struct drive *d)
{
    bda_set8(b, BDA_FD_MOTOR, 1u << (d->index & 3));
    bda_set8(b, BDA_FD_TIMEOUT, 0x25);
}

// A new floppy answers its first access with 06h; a drive without one is not ready.
static enum disk_status medium_status(struct bios *b, const struct drive *d)
{
    uint8_t bit = (uint8_t)(1u << d->index);
    if (!d->floppy || d->emulated)
        return DISK_OK;
    if (!d->disk->sectors)
        return DISK_TIMEOUT;
    if (!d->disk->changed && !(b->state.floppy_changed & bit))
        return DISK_OK;
    d->disk->changed = false;
    b->state.floppy_changed &= (uint8_t)~bit;
    return DISK_CHANGED;
}

static enum disk_status transfer(struct bios *b, struct bios_regs *r, struct drive *d, bool write)
{
    uint64_t lba;
    uint32_t moved = 0, count = r->a.l;
    if (!count || count > COUNT_MAX || !chs_lba(r, d, &lba))
        return DISK_PARAMETER;
    enum disk_status status = medium_status(b, d);
    if (status != DISK_OK) {
        r->a.l = 0;
        return status;
    }
    if (d->floppy)
        motor_on(b, d);
    uint32_t at = r->es_base + r->b.x;
    status = write ? drive_write(b, d, lba, count, at, &moved) : drive_read(b, d, lba, count, at, &moved);
    r->a.l = (uint8_t)moved;
    return status;
}

static enum disk_status sectors_read(struct bios *b, struct bios_regs *r, struct drive *d)
{
    return transfer(b, r, d, false);
}

static enum disk_status sectors_write(struct bios *b, struct bios_regs *r, struct drive *d)
{
    return transfer(b, r, d, true);
}

static enum disk_status sectors_verify(struct bios *b, struct bios_regs *r, struct drive *d)
{
    uint64_t lba;
    (void)b;
    if (!r->a.l || r->a.l > COUNT_MAX || !chs_lba(r, d, &lba))
        return DISK_PARAMETER;
    return lba >= d->length || r->a.l > d->length - lba ? DISK_SECTOR : DISK_OK;
}

// A track of a floppy gets the filler of the parameter table; the sectors' order does not matter here.
static enum disk_status track_format(struct bios *b, struct bios_regs *r, struct drive *d)
{
    struct bios_regs at = *r;
    uint64_t lba;
    at.c.l = (uint8_t)((r->c.l & 0xc0) | 1);
    if (!chs_lba(&at, d, &lba))
        return DISK_PARAMETER;
    if (d->emulated || d->disk->read_only || !d->disk->write)
        return DISK_WRITE_PROTECTED;
    if (!d->floppy)
        return DISK_OK;
    uint8_t filler = mem_get8(b, far_linear(mem_get(b, 0x1e * 4, 4)) + 8);
    for (unsigned i = 0; i < SECTOR; i++)
        b->sector[i] = filler;
    for (unsigned i = 0; i < d->geometry.sectors; i++)
        if (lba + i >= d->length || !d->disk->write(d->disk->ctx, lba + i, 1, b->sector))
            return DISK_SECTOR;
    return DISK_OK;
}

static enum disk_status parameters(struct bios *b, struct bios_regs *r, struct drive *d)
{
    const struct disk_geometry *g = &d->geometry;
    uint32_t last = g->cylinders - 1;
    if (!d->floppy && last)
        last--; // the last one is for diagnostics, as BIOSes since the AT have it
    r->a.x = 0;
    r->c.h = (uint8_t)last;
    r->c.l = (uint8_t)((last >> 2 & 0xc0) | (g->sectors & 0x3f));
    r->d.h = (uint8_t)(g->heads - 1);
    if (!d->floppy) {
        r->d.l = (uint8_t)hard_disk_count(b);
        return DISK_OK;
    }
    r->b.x = d->emulated ? b->state.cdemu.media * 2u : floppy_type(d->disk);
    r->d.l = (uint8_t)floppy_drives(b);
    es_set(r, BIOS_SEGMENT);
    r->di.x = floppy_table((uint8_t)r->b.x);
    return DISK_OK;
}

static enum disk_status seek(struct bios *b, struct bios_regs *r, struct drive *d)
{
    (void)b;
    uint32_t cylinder = r->c.h | (r->c.l & 0xc0u) << 2;
    return !d->floppy && cylinder < d->geometry.cylinders ? DISK_OK : DISK_PARAMETER;
}

static enum disk_status nothing(struct bios *b, struct bios_regs *r, struct drive *d)
{
    (void)b, (void)r, (void)d;
    return DISK_OK;
}

static enum disk_status hard_only(struct bios *b, struct bios_regs *r, struct drive *d)
{
    (void)b, (void)r;
    return d->floppy ? DISK_PARAMETER : DISK_OK;
}

static enum disk_status change_line(struct bios *b, struct bios_regs *r, struct drive *d)
{
    (void)r;
    return medium_status(b, d) == DISK_OK ? DISK_OK : DISK_CHANGED; // with no disk the line stays active
}

// AH=17h, 18h: the type of medium for a format; the image has but one.
static enum disk_status media_type(struct bios *b, struct bios_regs *r, struct drive *d)
{
    (void)b;
    if (!d->floppy)
        return DISK_PARAMETER;
    if (r->a.h == 0x17)
        return DISK_OK;
    uint32_t last = r->c.h | (r->c.l & 0xc0u) << 2;
    if (last != d->geometry.cylinders - 1 || (r->c.l & 0x3f) != d->geometry.sectors)
        return DISK_MEDIUM;
    es_set(r, BIOS_SEGMENT);
    r->di.x = floppy_table(floppy_type(d->disk));
    return DISK_OK;
}

static const disk_function functions[] = {
    [0x00] = reset,          [0x01] = last_status,  [0x02] = sectors_read, [0x03] = sectors_write,
    [0x04] = sectors_verify, [0x05] = track_format, [0x08] = parameters,   [0x09] = hard_only,
    [0x0c] = seek,           [0x0d] = nothing,      [0x10] = hard_only,    [0x11] = hard_only,
    [0x14] = hard_only,      [0x16] = change_line,  [0x17] = media_type,   [0x18] = media_type,
};
#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

// AH=15h: what kind of drive; CF clear also where there is none.
static enum bios_result drive_kind(struct bios *b, struct bios_regs *r, const struct drive *d, bool there)
{
    carry(r, false);
    bda_set8(b, r->d.l < DRIVE_HARD ? BDA_FD_STATUS : BDA_HD_STATUS, 0);
    if (!there || r->d.l >= DRIVE_CD) {
        r->a.h = 0;
        carry(r, r->d.l >= DRIVE_HARD);
    } else if (d->floppy) {
        r->a.h = TYPE_FLOPPY_CHANGE;
    } else {
        uint32_t total = (d->geometry.cylinders - 1) * d->geometry.heads * d->geometry.sectors;
        r->a.h = TYPE_HARD_DISK;
        r->c.x = (uint16_t)(total >> 16);
        r->d.x = (uint16_t)total;
    }
    return BIOS_DONE;
}

// A floppy drive that is not there: what depends on no drive still answers. AH=08h gives IBM's zeros and count, but
// with CF set, as BIOSes have it since: GRUB's boot sector looks at nothing else before it divides by the sectors.
static enum bios_result no_drive(struct bios *b, struct bios_regs *r)
{
    if (r->a.h == 0x08 && r->d.l < DRIVE_HARD) {
        disk_answer(b, r, DISK_PARAMETER);
        r->a.l = 0;
        r->b.x = r->c.x = r->di.x = 0;
        es_set(r, 0);
        r->d.x = (uint16_t)floppy_drives(b);
        return BIOS_DONE;
    }
    if (r->a.h == 0x00 && r->d.l < 4)
        return disk_answer(b, r, DISK_OK);
    return disk_answer(b, r,
                       r->a.h == 0x01 ? (enum disk_status)bda8(b, r->d.l < DRIVE_HARD ? BDA_FD_STATUS : BDA_HD_STATUS)
                                      : DISK_PARAMETER);
}

enum bios_result int13_disk(struct bios *b, struct bios_regs *r)
{
    struct drive d;
    uint8_t function = r->a.h;
    bool there = drive_find(b, r->d.l, &d);
    if (function >= 0x4a && function <= 0x4d)
        return int13_eltorito(b, r);
    if (function == 0x15)
        return drive_kind(b, r, &d, there);
    if (!there)
        return no_drive(b, r);
    if (function >= 0x41 && function <= 0x4e)
        return int13_edd(b, r, &d);
    if (function >= FUNCTIONS || !functions[function]) {
        unknown_count(b, r, 0x13);
        return disk_answer(b, r, DISK_PARAMETER);
    }
    if (d.sector_size != SECTOR && function != 0 && function != 1 && function != 0x0d && function != 0x10)
        return disk_answer(b, r, DISK_PARAMETER);
    enum disk_status status = functions[function](b, r, &d);
    if (function != 0x08)
        return disk_answer(b, r, status);
    r->a.h = (uint8_t)status; // DL is the count of drives now
    carry(r, status != DISK_OK);
    bda_set8(b, d.floppy ? BDA_FD_STATUS : BDA_HD_STATUS, status);
    return BIOS_DONE;
}

// ---- POST

static void disk_table(struct bios *b, unsigned index)
{
    struct disk_geometry physical, logical;
    hard_disk_geometry(b, &b->hard_disk[index], &physical, &logical);
    uint8_t table[16] = {
        (uint8_t)logical.cylinders,
        (uint8_t)(logical.cylinders >> 8),
        (uint8_t)logical.heads,
        0xa0,
        (uint8_t)physical.sectors,
        0xff,
        0xff,
        0,
        (uint8_t)(physical.heads > 8 ? 0xc8 : 0xc0),
        (uint8_t)physical.cylinders,
        (uint8_t)(physical.cylinders >> 8),
        (uint8_t)physical.heads,
        (uint8_t)physical.cylinders,
        (uint8_t)(physical.cylinders >> 8),
        (uint8_t)logical.sectors,
        0,
    };
    for (unsigned i = 0; i < 15; i++)
        table[15] = (uint8_t)(table[15] - table[i]);
    mem_write(b, BIOS_ROM_BASE + ROM_DISK_TABLES + 16 * index, table, sizeof(table));
    vector_set(b, index ? 0x46 : 0x41, BIOS_SEGMENT, (uint16_t)(ROM_DISK_TABLES + 16 * index));
}

void disk_post(struct bios *b)
{
    unsigned disks = hard_disk_count(b);
    uint8_t types = (uint8_t)(floppy_type(&b->floppy[0]) << 4 | floppy_type(&b->floppy[1]));
    for (unsigned i = 0; i < 2 && i < disks; i++)
        disk_table(b, i);
    floppy_post(b);
    edd_post(b);
    bda_set8(b, BDA_HD_COUNT, disks);
    bda_set8(b, BDA_FD_TYPES, types ? 0x77 : 0);
    for (unsigned i = 0; i < BIOS_FLOPPIES; i++)
        bda_set8(b, BDA_FD_STATE + i, b->floppy[i].type == BIOS_FLOPPY ? 0x17 : 0);
    cmos_write(b, 0x10, types);
    cmos_write(b, 0x12, (uint8_t)((disks > 0 ? 0xf0 : 0) | (disks > 1 ? 0x0f : 0)));
    if (disks > 0)
        cmos_write(b, 0x19, 47);
    if (disks > 1)
        cmos_write(b, 0x1a, 47);
}
