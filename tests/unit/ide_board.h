// SPDX-License-Identifier: MIT
// What tests of the disk controller stand on: a disk, a CD, and a driver for them.
#pragma once
#include "tests/unit/cmocka_all.h"
#include <stdlib.h>
#include "tests/unit/fake_machine.h"
#include "vmm-user/block_ram.h"
#include "vmm-user/devices/ide.h"
#include "vmm-user/devices/piix3_isa.h"

#define RAM_SIZE   (2 << 20)
#define DISK_SIZE  (300 * 512 * 63)
#define DISK_LAST  (300 * 63 - 1)
#define CD_SECTORS 64

static struct fake f;
static struct ide ide;
static struct pci_host pci;
static struct guest_mem mem;
static uint8_t ram[RAM_SIZE], disk_file[DISK_SIZE], cd_file[CD_SECTORS * 2048];
static struct block_ram disk, cd;
static void *pages[1024];
static unsigned page_count;

static inline void *page_alloc(void *ctx)
{
    (void)ctx;
    return page_count < 1024 ? pages[page_count++] = calloc(1, BLOCK_RAM_PAGE) : NULL;
}

static inline int setup(void **state)
{
    (void)state;
    fake_init(&f);
    memset(ram, 0, sizeof(ram));
    mem = (struct guest_mem){.low = ram, .low_size = sizeof(ram)};
    for (unsigned i = 0; i < DISK_SIZE; i++)
        disk_file[i] = (uint8_t)(i / 512 + i);
    for (unsigned i = 0; i < sizeof(cd_file); i++)
        cd_file[i] = (uint8_t)(i / 2048 * 3 + i);
    block_ram_init(&disk, BLOCK_DISK, disk_file, sizeof(disk_file), page_alloc, NULL);
    block_ram_init(&cd, BLOCK_CD, cd_file, sizeof(cd_file), page_alloc, NULL);
    ide_init(&ide, &f.clock, &mem, fake_line(&f, 14), fake_line(&f, 15));
    assert_true(ide_attach(&ide, 0, 0, &disk.backend));
    assert_true(ide_attach(&ide, 1, 0, &cd.backend));
    pci_host_init(&pci, &f.clock, NULL);
    assert_true(ide_plug(&ide, &pci, 1 << 3 | 1));
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    while (page_count)
        free(pages[--page_count]);
    return 0;
}

// ---- a driver

static uint16_t base = 0x1f0;

static inline uint8_t wait_ready(void)
{
    uint8_t status = in8(&ide, base + 7);
    assert_false(status & ATA_STATUS_BSY);
    return status;
}

static inline void task(uint8_t features, unsigned count, uint64_t lba, uint8_t device, bool ext)
{
    out8(&ide, base + 6, device);
    if (ext) {
        out8(&ide, base + 1, 0);
        out8(&ide, base + 2, (uint8_t)(count >> 8));
        for (unsigned i = 0; i < 3; i++)
            out8(&ide, (uint16_t)(base + 3 + i), (uint8_t)(lba >> (24 + 8 * i)));
    }
    out8(&ide, base + 1, features);
    out8(&ide, base + 2, (uint8_t)count);
    for (unsigned i = 0; i < 3; i++)
        out8(&ide, (uint16_t)(base + 3 + i), (uint8_t)(lba >> 8 * i));
}

static inline void command(uint8_t code)
{
    out8(&ide, base + 7, code);
}

static inline void read_words(void *to, unsigned words)
{
    for (unsigned i = 0; i < words; i++)
        ((uint16_t *)to)[i] = in16(&ide, base);
}

// PIO in as an interrupt handler does it: an interrupt, status, a block.
static inline void read_pio(uint8_t code, unsigned sectors, unsigned block, uint8_t *to)
{
    unsigned wire = base == 0x1f0 ? 14 : 15;
    command(code);
    while (sectors) {
        unsigned n = sectors < block ? sectors : block;
        assert_true(f.wires[wire].level);
        assert_int_equal(wait_ready(), ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_DRQ);
        assert_false(f.wires[wire].level);
        ide_data_read(&ide, base, 2, n * 256, to);
        to += n * 512;
        sectors -= n;
    }
    assert_int_equal(wait_ready(), ATA_STATUS_DRDY | ATA_STATUS_DSC);
    assert_false(f.wires[wire].level);
}

static inline void expect_error(uint8_t code, uint8_t error)
{
    command(code);
    assert_true(f.wires[base == 0x1f0 ? 14 : 15].level);
    assert_int_equal(wait_ready(), ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_ERR);
    assert_int_equal(in8(&ide, base + 1), error);
    assert_int_equal(ide.channels[base == 0x1f0 ? 0 : 1].phase, IDE_IDLE);
}

static inline void prd(unsigned n, uint32_t address, uint32_t size, bool last)
{
    uint32_t entry[2] = {address, (size & 0xffff) | (last ? BM_PRD_END : 0)};
    memcpy(ram + 0x1000 + 8 * n, entry, 8);
}

static inline uint8_t dma(uint8_t code, bool to_memory) // as ata_bmdma_setup, _start, _irq_clear
{
    out32(&ide, IDE_BM_PORT + BM_PRD, 0x1000);
    out8(&ide, IDE_BM_PORT + BM_STATUS, 6);
    out8(&ide, IDE_BM_PORT, to_memory ? 8 : 0);
    command(code);
    assert_false(f.wires[14].level);
    out8(&ide, IDE_BM_PORT, to_memory ? 9 : 1);
    uint8_t status = in8(&ide, IDE_BM_PORT + BM_STATUS);
    out8(&ide, IDE_BM_PORT, 0);
    out8(&ide, IDE_BM_PORT + BM_STATUS, 6);
    return status;
}
