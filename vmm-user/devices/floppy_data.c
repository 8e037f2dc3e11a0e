// SPDX-License-Identifier: MIT
// Commands of the floppy controller that move sectors. 82077AA data sheet, "Data transfer commands".
#include "vmm-user/devices/floppy_parts.h"

enum transfer { TRANSFER_READ, TRANSFER_WRITE, TRANSFER_VERIFY };

struct status {
    uint8_t st0, st1, st2;
};

// Parameters of a data command as they advance; the fields have the data sheet's names.
struct sector_id {
    uint8_t c, h, r, n;
};

static struct floppy_drive *drive_of(struct floppy *f)
{
    unsigned n = f->bytes[1] & 3;
    return n < FDC_DRIVES && f->drives[n].there ? &f->drives[n] : NULL;
}

// `head`: the one that was in use last.
static void finish(struct floppy *f, struct status s, struct sector_id id, unsigned head)
{
    if (s.st1 || s.st2)
        s.st0 |= FDC_ST0_ABNORMAL;
    s.st0 |= (uint8_t)((f->bytes[1] & 3) | head << 2);
    floppy_result(f, (const uint8_t[]){s.st0, s.st1, s.st2, id.c, id.h, id.r, id.n}, 7, true);
}

// Whether anything can be read: a disk, and its data rate.
static bool disk_is_readable(const struct floppy *f, const struct floppy_drive *d)
{
    return d && d->media && d->format->rates >> (f->ccr & 3) & 1;
}

// The sector under the head that `id` asks for, or what is wrong with it.
static struct status sector_find(const struct floppy *f, const struct floppy_drive *d, struct sector_id id,
                                 unsigned head, uint64_t *lba)
{
    if (!disk_is_readable(f, d))
        return (struct status){.st1 = ST1_MAM, .st2 = ST2_MAM};
    if (id.c != d->track)
        return (struct status){.st1 = ST1_ND, .st2 = ST2_WC};
    if (head >= d->format->heads)
        return (struct status){.st1 = ST1_MAM};
    if (d->track >= d->format->cylinders || id.h != head || id.n != FDC_SIZE || !id.r || id.r > d->format->spt)
        return (struct status){.st1 = ST1_ND};
    *lba = ((uint64_t)d->track * d->format->heads + head) * d->format->spt + id.r - 1;
    if (!block_has(d->media, *lba, 1)) // a truncated image
        return (struct status){.st1 = ST1_ND};
    return (struct status){0};
}

// Moves one sector; *ended: the terminal count came.
static struct status sector_move(struct floppy *f, const struct floppy_drive *d, uint64_t lba, enum transfer how,
                                 bool *ended)
{
    uint8_t buffer[FDC_SECTOR] = {0};
    struct status failed = {.st1 = ST1_CRC, .st2 = ST2_CRC};
    if (how != TRANSFER_WRITE && block_read(d->media, lba, 1, buffer))
        return failed;
    if (how == TRANSFER_VERIFY)
        return (struct status){0};
    uint32_t n = dma_transfer(f->dma, FDC_DMA, buffer, sizeof(buffer), how == TRANSFER_READ, ended);
    if (n < sizeof(buffer) && !*ended)
        return (struct status){.st1 = ST1_OR};
    if (how == TRANSFER_WRITE && block_write(d->media, lba, 1, buffer)) // behind a terminal count: zeros
        return failed;
    return (struct status){0};
}

// The next sector; true: that was the last one of the cylinder, or of the track without MT.
static bool id_advance(struct sector_id *id, unsigned *head, uint8_t last, bool both_sides)
{
    if (id->r != last) {
        id->r++;
        return false;
    }
    id->r = 1;
    if (both_sides && *head == 0) {
        id->h = 1;
        *head = 1;
        return false;
    }
    id->c++;
    id->h = both_sides ? id->h ^ 1 : id->h;
    return true;
}

static void transfer(struct floppy *f, enum transfer how)
{
    struct floppy_drive *d = drive_of(f);
    struct sector_id id = {f->bytes[2], f->bytes[3], f->bytes[4], f->bytes[5]};
    struct status s = {0};
    unsigned head = f->bytes[1] >> 2 & 1, budget = how == TRANSFER_VERIFY && f->bytes[1] & 0x80 ? f->bytes[8] : 0;
    bool ended = false, both_sides = f->bytes[0] & FDC_COMMAND_MT;
    if (how != TRANSFER_VERIFY && (f->specify[1] & FDC_SPECIFY_NODMA || !(f->dor & FDC_DOR_GATE)))
        s.st1 = ST1_OR;
    if (how == TRANSFER_WRITE && d && d->media && d->media->read_only)
        s.st1 = ST1_WP;
    if (f->configure[1] & FDC_CONFIGURE_EIS && d)
        d->track = f->track[f->bytes[1] & 3] = id.c;
    while (!s.st1) {
        uint64_t lba = 0;
        s = sector_find(f, d, id, head, &lba);
        if (!s.st1)
            s = sector_move(f, d, lba, how, &ended);
        if (s.st1)
            break;
        bool last = id_advance(&id, &head, f->bytes[6], both_sides);
        if (ended || (budget && --budget == 0))
            break;
        if (last) {
            s.st1 = how == TRANSFER_VERIFY ? 0 : ST1_EOC; // the end came before the terminal count
            break;
        }
    }
    finish(f, s, id, head);
}

void floppy_read(struct floppy *f)
{
    transfer(f, TRANSFER_READ);
}

void floppy_write(struct floppy *f)
{
    transfer(f, TRANSFER_WRITE);
}

void floppy_verify(struct floppy *f)
{
    transfer(f, TRANSFER_VERIFY);
}

void floppy_read_id(struct floppy *f)
{
    struct floppy_drive *d = drive_of(f);
    unsigned head = f->bytes[1] >> 2 & 1;
    if (!disk_is_readable(f, d) || head >= d->format->heads || d->track >= d->format->cylinders) {
        finish(f, (struct status){.st1 = ST1_MAM}, (struct sector_id){0}, head);
        return;
    }
    d->next_id = (uint8_t)(d->next_id % d->format->spt + 1);
    finish(f, (struct status){0}, (struct sector_id){d->track, (uint8_t)head, d->next_id, FDC_SIZE}, head);
}

// Each sector's identification comes by DMA; its data is the filler byte. The disk keeps its format.
void floppy_format_track(struct floppy *f)
{
    struct floppy_drive *d = drive_of(f);
    unsigned head = f->bytes[1] >> 2 & 1;
    struct sector_id id = {d ? d->track : 0, (uint8_t)head, 1, f->bytes[2]};
    struct status s = {0};
    uint8_t buffer[FDC_SECTOR];
    bool ended = false;
    __builtin_memset(buffer, f->bytes[5], sizeof(buffer));
    if (d && d->media && d->media->read_only)
        s.st1 = ST1_WP;
    for (unsigned i = 0; i < f->bytes[3] && !s.st1 && !ended; i++) {
        uint64_t lba = 0;
        if (dma_transfer(f->dma, FDC_DMA, &id, 4, false, &ended) < 4)
            s.st1 = ST1_OR;
        else
            s = sector_find(f, d, id, head, &lba);
        if (!s.st1 && block_write(d->media, lba, 1, buffer))
            s.st1 = ST1_CRC;
    }
    finish(f, s, id, head);
}
