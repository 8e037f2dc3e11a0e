// SPDX-License-Identifier: MIT
// Intel 82077AA floppy controller with two drives, by DMA. A command's work happens when its time is over; then it
// interrupts. Commands without DMA (SPECIFY's ND) end with an overrun.
#pragma once
#include "pc/floppy82077.h"
#include "vmm-user/block.h"
#include "vmm-user/device.h"
#include "vmm-user/devices/dma8237.h"

// Formats of disks; the one of an image follows from its size.
struct floppy_format {
    uint16_t sectors; // of the whole disk
    uint8_t cylinders, heads, spt;
    uint8_t rates; // bit n: data rate n of the DSR reads it
    uint8_t cmos;  // drive type for CMOS register 10h
};

// The smallest format that holds `sectors`, or NULL.
const struct floppy_format *floppy_format_of(uint64_t sectors);

enum fdc_phase { FDC_COMMAND, FDC_EXECUTING, FDC_RESULT, FDC_PHASES };

struct floppy_drive {
    const struct block_backend *media; // NULL: no disk in it
    const struct floppy_format *format;
    bool there, changed;
    uint8_t track;   // where the head is
    uint8_t next_id; // sector that READ ID finds next, from 0
};

struct floppy {
    struct device dev;
    struct dma8237 *dma;
    struct irq_line irq;
    struct dev_timer work;
    struct floppy_drive drives[FDC_DRIVES];
    uint8_t dor, dsr, ccr, tdr;
    uint8_t phase;                      // enum fdc_phase
    uint8_t bytes[16], count, expected; // of the command or the result
    uint8_t at;                         // result byte that is read next
    uint8_t track[4];                   // where the controller believes the heads to be
    uint8_t specify[2], configure[3], perpendicular;
    uint8_t sense[4]; // ST0 for SENSE INTERRUPT by drive; 0: none
    uint8_t seeking;  // bit per drive
    bool locked, interrupt, resetting;
};

void floppy_init(struct floppy *f, struct clock *clock, struct dma8237 *dma, struct irq_line irq);

// A drive, with a disk or (media NULL) without one; then again for another disk. False: no such drive or format.
bool floppy_attach(struct floppy *f, unsigned drive, const struct block_backend *media);
