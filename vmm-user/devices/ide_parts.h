// SPDX-License-Identifier: MIT
// What the files of the IDE controller share.
#pragma once
#include "vmm-user/devices/ide.h"

static inline struct ide_drive *ide_selected(struct ide_channel *ch)
{
    return &ch->drives[ch->selected];
}

static inline unsigned ide_min(uint64_t a, uint64_t b)
{
    return (unsigned)(a < b ? a : b);
}

// ---- the channel (ide.c)

void ide_irq(struct ide_channel *ch, bool level);
void ide_line_update(struct ide_channel *ch); // the wire follows intrq and nIEN

// Ends the command: ready; with an interrupt; with an error, bits of ATA_ERROR, and an interrupt.
void ide_idle(struct ide_channel *ch);
void ide_done(struct ide_channel *ch);
void ide_fail(struct ide_channel *ch, uint8_t error);

// Begins to move `bytes` bytes in `phase`, in blocks of `block_size`. The buffer's first `filled` bytes are there
// already (incoming); the rest is fetched as it is needed.
void ide_transfer(struct ide_channel *ch, enum ide_phase phase, uint32_t filled, uint64_t bytes, uint32_t block_size);

// Sets up the registers for the next block and interrupts, if the drive interrupts for it.
void ide_block(struct ide_channel *ch, bool interrupt);

// Incoming: fills the empty buffer with what comes next. Outgoing: takes what the buffer holds. False: the command has
// failed and is over.
bool ide_refill(struct ide_channel *ch);
bool ide_flush(struct ide_channel *ch);
void ide_finished(struct ide_channel *ch); // all bytes are moved

void ide_reset(struct device *dev);

// ---- state (ide_state.c)

void ide_state(struct device *dev, struct state *s);
bool ide_loaded(struct device *dev);

// ---- disks (ata_disk.c)

// Executes a command that is not of the packet interface.
void ata_command(struct ide_channel *ch, uint8_t command);
void disk_geometry(struct ide_drive *d);
bool disk_refill(struct ide_channel *ch);
bool disk_flush(struct ide_channel *ch);
void disk_finished(struct ide_channel *ch);

// IDENTIFY data: the words given (of which the low 16 bits count), serial number, firmware and model.
struct ata_word {
    uint16_t index;
    uint64_t value;
};
void ata_identity(const struct ide_drive *d, const char *model, const struct ata_word *words, unsigned count,
                  uint8_t out[ATA_SECTOR]);
uint16_t ata_mode_words(const struct ide_drive *d, bool ultra);

// ---- CD drives (atapi.c)

void atapi_packet(struct ide_channel *ch); // the command packet is in the buffer
void atapi_identify(struct ide_channel *ch);
bool atapi_refill(struct ide_channel *ch);
void atapi_finished(struct ide_channel *ch);

// ---- bus master (ide_dma.c)

void ide_pci_reset(struct ide *ide);
uint64_t bm_read(struct ide *ide, unsigned offset, unsigned size);
void bm_write(struct ide *ide, unsigned offset, unsigned size, uint32_t value);
void bm_run(struct ide *ide, struct ide_channel *ch); // moves the data if both sides are ready
