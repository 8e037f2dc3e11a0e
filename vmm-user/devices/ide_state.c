// SPDX-License-Identifier: MIT
// Saving and loading the IDE controller, in the middle of a command too.
#include "vmm-user/devices/ide_parts.h"
#include "vmm-user/devices/pci_function_state.h"

static void drive_state(struct ide_drive *d, struct state *s)
{
    uint8_t *const bytes[] = {&d->status,     &d->error,     &d->multiple,  &d->heads, &d->spt, &d->pio_mode,
                              &d->mwdma_mode, &d->udma_mode, &d->sense_key, &d->asc,   &d->ascq};
    STATE_EACH(s, bytes);
    STATE(s, d->regs);
    STATE(s, d->hob);
    STATE(s, d->cylinders);
    STATE(s, d->attention);
    if (s->load && (d->multiple > IDE_MULTIPLE || (d->media && !d->packet && (!d->heads || d->heads > 16 || !d->spt))))
        s->error = true;
}

static void channel_state(struct ide_channel *ch, struct state *s)
{
    uint8_t *const bytes[] = {&ch->selected, &ch->control, &ch->phase, &ch->command, &ch->bm.command, &ch->bm.status};
    uint32_t *const words[] = {&ch->at, &ch->filled, &ch->block, &ch->block_size, &ch->bm.prd};
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        drive_state(&ch->drives[i], s);
    STATE_EACH(s, bytes);
    STATE_EACH(s, words);
    STATE(s, ch->left);
    STATE(s, ch->lba);
    STATE(s, ch->intrq);
    STATE(s, ch->buffer);
}

// What indexes the buffer must lie in it; a command in progress must be one that its drive could have begun.
static bool channel_valid(const struct ide_channel *ch)
{
    if (ch->selected >= IDE_DRIVES || ch->phase >= IDE_PHASES)
        return false;
    const struct ide_drive *d = &ch->drives[ch->selected];
    if (ch->phase == IDE_IDLE)
        return !ch->left && !ch->filled && !ch->at && !ch->block;
    if (!d->media || ch->filled > IDE_BUFFER || ch->at > ch->filled || ch->left > UINT32_MAX)
        return false;
    if (ch->phase == IDE_PACKET)
        return d->packet && ch->filled == 12 && ch->at < 12 && !ch->left;
    bool out = ch->phase == IDE_PIO_OUT || ch->phase == IDE_DMA_OUT, pio = ch->phase <= IDE_PIO_OUT;
    if (out && d->packet)
        return false;
    uint32_t unit = d->packet ? 2048 : ATA_SECTOR;
    if (out && (ch->filled % unit || ch->left % unit))
        return false;
    return ch->left % unit == 0 && (!pio || (ch->block && ch->block_size && ch->at < ch->filled)) &&
           (d->packet || ch->block_size % unit == 0);
}

void ide_state(struct device *dev, struct state *s)
{
    struct ide *ide = (struct ide *)dev;
    for (unsigned c = 0; c < IDE_CHANNELS; c++)
        channel_state(&ide->channels[c], s);
    pci_function_state(&ide->pci, s);
}

bool ide_loaded(struct device *dev)
{
    struct ide *ide = (struct ide *)dev;
    for (unsigned c = 0; c < IDE_CHANNELS; c++)
        if (!channel_valid(&ide->channels[c]))
            return false;
    for (unsigned c = 0; c < IDE_CHANNELS; c++)
        ide_line_update(&ide->channels[c]);
    return true;
}
