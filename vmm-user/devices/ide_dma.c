// SPDX-License-Identifier: MIT
// The bus master of PIIX3's IDE function, and its configuration space. Intel 82371SB data sheet, 2.7; SFF-8038i.
#include "vmm-user/devices/ide_parts.h"
#include <linux/pci_regs.h>
#include "pc/pci_host.h"

#define BM_COMMAND_BITS (BM_COMMAND_START | BM_COMMAND_READ)
#define BAR4            PCI_BASE_ADDRESS_4

// The physical regions that a transfer walks through.
struct prd_walk {
    const struct guest_mem *mem;
    uint32_t table; // next descriptor
    uint32_t base, left;
    bool last, bad;
};

// Makes `left` nonzero; false: the table is at its end, or not in memory.
static bool prd_next(struct prd_walk *w)
{
    uint64_t entry;
    if (w->left)
        return true;
    if (w->last)
        return false;
    if (!guest_mem_read(w->mem, w->table, 8, &entry)) {
        w->bad = true;
        return false;
    }
    w->table += 8;
    w->base = (uint32_t)entry & ~1u;
    w->left = (uint32_t)(entry >> 32) & 0xfffe;
    if (!w->left)
        w->left = 0x10000;
    w->last = entry >> 32 & BM_PRD_END;
    return true;
}

// Moves up to `size` bytes; returns how many the table had room for.
static uint32_t prd_move(struct prd_walk *w, uint8_t *buffer, uint32_t size, bool to_memory)
{
    uint32_t moved = 0;
    while (moved < size && prd_next(w)) {
        uint32_t block = 1u << GUEST_MEM_SHADOW_BIT;
        uint32_t n = ide_min(ide_min(size - moved, w->left), block - w->base % block);
        uint8_t *at = guest_mem_at(w->mem, w->base, n);
        if (!at) {
            w->bad = true;
            break;
        }
        if (to_memory && !guest_mem_is_rom(w->mem, w->base))
            __builtin_memcpy(at, buffer + moved, n);
        else if (!to_memory)
            __builtin_memcpy(buffer + moved, at, n);
        moved += n;
        w->base += n;
        w->left -= n;
    }
    return moved;
}

// One bufferful. False: the command is over, or waits for more descriptors.
static bool dma_in(struct ide_channel *ch, struct prd_walk *w)
{
    if (ch->at == ch->filled && !ide_refill(ch))
        return false;
    uint32_t n = prd_move(w, ch->buffer + ch->at, ch->filled - ch->at, true);
    ch->at += n;
    return ch->at == ch->filled;
}

static bool dma_out(struct ide_channel *ch, struct prd_walk *w)
{
    if (ch->at == ch->filled) {
        ch->at = 0;
        ch->filled = ide_min(ch->left, IDE_BUFFER);
        ch->left -= ch->filled;
    }
    ch->at += prd_move(w, ch->buffer + ch->at, ch->filled - ch->at, false);
    if (ch->at < ch->filled)
        return false;
    return ide_flush(ch);
}

// A descriptor outside of memory ends the transfer as a master abort does.
static void dma_abort(struct ide_channel *ch)
{
    ch->bm.status |= BM_STATUS_ERROR;
    ide_fail(ch, ATA_ERROR_ABRT);
}

void bm_run(struct ide *ide, struct ide_channel *ch)
{
    bool in = ch->phase == IDE_DMA_IN;
    if (!(ch->bm.status & BM_STATUS_ACTIVE) || (!in && ch->phase != IDE_DMA_OUT) ||
        in != (bool)(ch->bm.command & BM_COMMAND_READ) || !(ide->pci.config[PCI_COMMAND] & PCI_COMMAND_MASTER))
        return;
    struct prd_walk w = {.mem = ide->mem, .table = ch->bm.prd};
    while (ch->left || ch->at < ch->filled) {
        if (in ? dma_in(ch, &w) : dma_out(ch, &w))
            continue;
        if (w.bad)
            dma_abort(ch);
        ch->bm.status &= (uint8_t)~BM_STATUS_ACTIVE; // the table was too short: the drive waits
        return;
    }
    if (w.last && !w.left) // else there is more room than data: the bus master stays active
        ch->bm.status &= (uint8_t)~BM_STATUS_ACTIVE;
    ide_finished(ch);
}

// ---- registers

static bool bm_decoded(const struct ide *ide)
{
    uint32_t bar;
    __builtin_memcpy(&bar, ide->pci.config + BAR4, 4);
    return (bar & ~3u) == IDE_BM_PORT && ide->pci.config[PCI_COMMAND] & PCI_COMMAND_IO;
}

static uint8_t byte_read(struct ide_channel *ch, unsigned reg)
{
    switch (reg) {
    case BM_COMMAND:
        return ch->bm.command;
    case BM_STATUS:
        return ch->bm.status;
    case 1:
    case 3:
        return 0;
    default:
        return (uint8_t)(ch->bm.prd >> 8 * (reg - BM_PRD));
    }
}

static void command_write(struct ide *ide, struct ide_channel *ch, uint8_t value)
{
    bool started = value & ~ch->bm.command & BM_COMMAND_START;
    ch->bm.command = value & BM_COMMAND_BITS;
    if (!(value & BM_COMMAND_START))
        ch->bm.status &= (uint8_t)~BM_STATUS_ACTIVE;
    if (started) {
        ch->bm.status |= BM_STATUS_ACTIVE;
        bm_run(ide, ch);
    }
}

static void byte_write(struct ide *ide, struct ide_channel *ch, unsigned reg, uint8_t value)
{
    switch (reg) {
    case BM_COMMAND:
        command_write(ide, ch, value);
        break;
    case BM_STATUS: // ones clear interrupt and error
        ch->bm.status &= (uint8_t) ~(value & (BM_STATUS_INTR | BM_STATUS_ERROR));
        ch->bm.status = (uint8_t)((ch->bm.status & ~BM_STATUS_DRIVES) | (value & BM_STATUS_DRIVES));
        break;
    case 1:
    case 3:
        break;
    default:
        ch->bm.prd &= ~(0xffu << 8 * (reg - BM_PRD));
        ch->bm.prd |= (uint32_t)value << 8 * (reg - BM_PRD);
        ch->bm.prd &= ~3u;
        break;
    }
}

uint64_t bm_read(struct ide *ide, unsigned offset, unsigned size)
{
    uint64_t value = 0;
    if (!bm_decoded(ide))
        return UINT64_MAX;
    for (unsigned i = 0; i < size; i++, offset++)
        value |= (uint64_t)byte_read(&ide->channels[offset / BM_PORTS % IDE_CHANNELS], offset % BM_PORTS) << 8 * i;
    return value;
}

void bm_write(struct ide *ide, unsigned offset, unsigned size, uint32_t value)
{
    if (!bm_decoded(ide))
        return;
    for (unsigned i = 0; i < size; i++, offset++)
        byte_write(ide, &ide->channels[offset / BM_PORTS % IDE_CHANNELS], offset % BM_PORTS, (uint8_t)(value >> 8 * i));
}

// ---- PCI

static void pci_written(struct pci_function *f, unsigned offset, unsigned size)
{
    struct ide *ide = f->ctx;
    if (offset >= PCI_STATUS || offset + size <= PCI_COMMAND)
        return;
    for (unsigned c = 0; c < IDE_CHANNELS; c++) // the master may run now
        bm_run(ide, &ide->channels[c]);
}

// As firmware leaves it: both channels decoded at their old places.
void ide_pci_reset(struct ide *ide)
{
    struct pci_function *f = &ide->pci;
    *f = (struct pci_function){.written = pci_written, .ctx = ide};
    pci_config_put(f, PCI_VENDOR_ID, 2, PCI_VENDOR_INTEL);
    pci_config_put(f, PCI_DEVICE_ID, 2, PCI_DEVICE_PIIX3_IDE);
    pci_config_put(f, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    pci_config_put(f, PCI_STATUS, 2, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM);
    pci_config_put(f, PCI_CLASS_PROG, 1, 0x80);
    pci_config_put(f, PCI_CLASS_DEVICE, 2, 0x0101);
    pci_config_put(f, BAR4, 4, IDE_BM_PORT | PCI_BASE_ADDRESS_SPACE_IO);
    pci_config_put(f, PIIX_IDETIM, 2, PIIX_IDETIM_DECODE);
    pci_config_put(f, PIIX_IDETIM + 2, 2, PIIX_IDETIM_DECODE);
    pci_config_allow(f, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    pci_config_allow(f, PCI_LATENCY_TIMER, 1, 0xf0);
    pci_config_allow(f, BAR4, 4, 0xfff0);
    pci_config_allow(f, PIIX_IDETIM, 4, 0xffffffff);
    pci_config_allow(f, 0x44, 1, 0xff); // slave timing
}
