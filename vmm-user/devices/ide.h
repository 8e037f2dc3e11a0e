// SPDX-License-Identifier: MIT
// PIIX3's IDE controller in compatibility mode: two channels with up to two drives each, disks (ATA) or CD drives
// (ATAPI), by PIO and bus-master DMA. ATA/ATAPI-7; Intel 82371SB data sheet.
#pragma once
#include "pc/ata.h"
#include "vmm-user/block.h"
#include "vmm-user/device.h"
#include "vmm-user/devices/pci_host.h"
#include "vmm-user/guest_mem.h"

#define IDE_CHANNELS 2
#define IDE_DRIVES   2
#define IDE_BUFFER   8192
#define IDE_MULTIPLE (IDE_BUFFER / ATA_SECTOR) // most sectors per interrupt
#define IDE_BM_PORT  0xc000

enum ide_phase { IDE_IDLE, IDE_PIO_IN, IDE_PIO_OUT, IDE_DMA_IN, IDE_DMA_OUT, IDE_PACKET, IDE_PHASES };

struct ide_drive {
    const struct block_backend *media; // NULL: no drive. A CD drive may have a medium without sectors
    bool packet;                       // ATAPI
    uint8_t regs[8], hob[8];           // task file as written; hob: the bytes written before those
    uint8_t status, error;
    uint8_t multiple;   // sectors per interrupt, 0: not set
    uint8_t heads, spt; // translation of CHS addresses
    uint16_t cylinders;
    uint8_t pio_mode, mwdma_mode, udma_mode; // as SET FEATURES chose; 0xff none
    uint8_t sense_key, asc, ascq;            // ATAPI
    bool attention;                          // ATAPI: the medium may have changed
    char serial[21];
};

struct ide_channel {
    struct ide_drive drives[IDE_DRIVES];
    uint8_t selected, control;
    struct irq_line irq;
    bool intrq;
    // The command in progress, of the selected drive. Bytes buffer[at..filled) are due; `left` more follow through the
    // buffer; `block` bytes remain until the drive pauses and interrupts.
    uint8_t phase; // enum ide_phase
    uint8_t command;
    uint32_t at, filled, block, block_size;
    uint64_t left, lba;
    struct {
        uint8_t command, status;
        uint32_t prd;
    } bm;
    uint8_t buffer[IDE_BUFFER];
};

struct ide {
    struct device dev;
    const struct guest_mem *mem;
    struct pci_function pci;
    struct ide_channel channels[IDE_CHANNELS];
};

void ide_init(struct ide *ide, struct clock *clock, const struct guest_mem *mem, struct irq_line primary,
              struct irq_line secondary);

// A drive for `media`: BLOCK_CD gets a CD drive, BLOCK_DISK a disk, which must have sectors. The medium must outlive
// the drive. False: it cannot be, or the place is taken.
bool ide_attach(struct ide *ide, unsigned channel, unsigned drive, const struct block_backend *media);

// Another disc in a CD drive, or one without sectors.
void ide_change_disc(struct ide *ide, unsigned channel, unsigned drive, const struct block_backend *media);

static inline bool ide_plug(struct ide *ide, struct pci_host *pci, unsigned devfn)
{
    return pci_add_function(pci, devfn, &ide->pci);
}

// REP INS and REP OUTS at a channel's data port: `count` elements of `size` bytes (2 or 4). What the drive has not to
// give reads as zeros, what it does not want is lost.
void ide_data_read(struct ide *ide, uint16_t port, unsigned size, uint32_t count, void *to);
void ide_data_write(struct ide *ide, uint16_t port, unsigned size, uint32_t count, const void *from);
