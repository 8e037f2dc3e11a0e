// SPDX-License-Identifier: MIT
// What tests of the firmware's services stand on: memory, media and ports of a machine without a processor.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "bios-emul/bios.h"

#define FAKE_MEMORY (2u << 20)
#define FAKE_FLOPPY 2880
#define FAKE_DISK   (20u * 16 * 63) // 20 cylinders
#define FAKE_CD     64
#define FAKE_STACK  0x8000

struct bios_machine {
    struct bios bios;
    uint8_t memory[FAKE_MEMORY];
    uint8_t floppy[FAKE_FLOPPY * 512], disk[FAKE_DISK * 512], cd[FAKE_CD * 2048];
    uint8_t ports[0x10000]; // what was written last is what is read, but for the chips below
    uint8_t cmos[128], cmos_index;
    uint8_t indexed[3][64]; // VGA: sequencer, graphics controller, CRTC
    uint8_t attributes[32], attribute_index;
    bool attribute_data;
    uint16_t dispi[16], dispi_index;
    bool has_dispi;
    uint32_t pci_address;
    unsigned unknown;
    // A fuzz target answers reads of ports from its input.
    uint32_t (*noise)(struct bios_machine *m, uint16_t port);
    const uint8_t *input, *input_end;
};

struct fake_disk_context {
    uint8_t *bytes;
    uint32_t sector_size;
};

static inline bool fake_mem_read(void *ctx, uint32_t linear, void *to, uint32_t size)
{
    struct bios_machine *m = ctx;
    if (linear > FAKE_MEMORY || size > FAKE_MEMORY - linear)
        return false;
    memcpy(to, m->memory + linear, size);
    return true;
}

static inline bool fake_mem_write(void *ctx, uint32_t linear, const void *from, uint32_t size)
{
    struct bios_machine *m = ctx;
    if (linear > FAKE_MEMORY || size > FAKE_MEMORY - linear)
        return false;
    memcpy(m->memory + linear, from, size);
    return true;
}

static inline uint8_t *fake_indexed(struct bios_machine *m, uint16_t port)
{
    unsigned which = port == 0x3c5 ? 0 : port == 0x3cf ? 1 : 2;
    return &m->indexed[which][m->ports[port - 1] & 63];
}

static inline uint32_t fake_in(void *ctx, uint16_t port, unsigned size)
{
    struct bios_machine *m = ctx;
    if (m->noise)
        return m->noise(m, port);
    switch (port) {
    case 0x71:
        return m->cmos[m->cmos_index & 127];
    case 0x3da:
    case 0x3ba:
        m->attribute_data = false;
        return 0;
    case 0x3c1:
        return m->attributes[m->attribute_index & 31];
    case 0x3c5:
    case 0x3cf:
    case 0x3d5:
    case 0x3b5:
        return *fake_indexed(m, port);
    case 0x1cf:
        return m->has_dispi ? m->dispi[m->dispi_index & 15] : 0xffff;
    case 0xcfc:
    case 0xcfd:
    case 0xcfe:
    case 0xcff: // one host bridge
        if ((m->pci_address & 0xffff00) == 0 && (m->pci_address & 0xfc) == 0)
            return 0x12378086u >> 8 * (port & 3);
        return (m->pci_address & 0xffff00) == 0 && (m->pci_address & 0xfc) == 8 ? 0x06000002u >> 8 * (port & 3)
                                                                                : UINT32_MAX;
    case 0x64:
        return 0x14;
    default:
        return size == 1 ? m->ports[port] : m->ports[port] | m->ports[(uint16_t)(port + 1)] << 8;
    }
}

static inline void fake_out(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct bios_machine *m = ctx;
    m->ports[port] = (uint8_t)value;
    if (size > 1)
        m->ports[(uint16_t)(port + 1)] = (uint8_t)(value >> 8);
    switch (port) {
    case 0x70:
        m->cmos_index = (uint8_t)value;
        break;
    case 0x71:
        m->cmos[m->cmos_index & 127] = (uint8_t)value;
        break;
    case 0x3c0:
        if (m->attribute_data)
            m->attributes[m->attribute_index & 31] = (uint8_t)value;
        else
            m->attribute_index = (uint8_t)value;
        m->attribute_data = !m->attribute_data;
        break;
    case 0x3c5:
    case 0x3cf:
    case 0x3d5:
    case 0x3b5:
        *fake_indexed(m, port) = (uint8_t)value;
        break;
    case 0x1ce:
        m->dispi_index = (uint16_t)value;
        break;
    case 0x1cf:
        if ((m->dispi_index & 15) != 0 && (m->dispi_index & 15) != 10)
            m->dispi[m->dispi_index & 15] = (uint16_t)value;
        break;
    case 0xcf8:
        m->pci_address = value;
        break;
    }
}

static inline void fake_unknown(void *ctx, uint8_t vector, uint16_t ax)
{
    (void)vector, (void)ax;
    ((struct bios_machine *)ctx)->unknown++;
}

static inline bool fake_disk_read(void *ctx, uint64_t lba, uint32_t count, void *to)
{
    struct fake_disk_context *d = ctx;
    memcpy(to, d->bytes + lba * d->sector_size, count * d->sector_size);
    return true;
}

static inline bool fake_disk_write(void *ctx, uint64_t lba, uint32_t count, const void *from)
{
    struct fake_disk_context *d = ctx;
    memcpy(d->bytes + lba * d->sector_size, from, count * d->sector_size);
    return true;
}

static inline void machine_create(struct bios_machine *m)
{
    static struct fake_disk_context contexts[3];
    memset(m, 0, sizeof(*m));
    struct bios_config config = {.map = {{0, 0x9fc00, 1}, {0x9fc00, 0x60400, 2}, {0x100000, FAKE_MEMORY - 0x100000, 1}},
                                 .regions = 3,
                                 .cpus = 2,
                                 .memory = FAKE_MEMORY,
                                 .framebuffer = 0xe0000000,
                                 .boot_order = {'a', 'c', 'd'},
                                 .cpu_hz = 1000000000};
    struct bios_host host = {m, fake_mem_read, fake_mem_write, fake_in, fake_out, fake_unknown, NULL};
    bios_init(&m->bios, &host, &config);
    contexts[0] = (struct fake_disk_context){m->floppy, 512};
    contexts[1] = (struct fake_disk_context){m->disk, 512};
    contexts[2] = (struct fake_disk_context){m->cd, 2048};
    m->bios.floppy[0] =
        (struct bios_disk){BIOS_FLOPPY, 512, FAKE_FLOPPY, false, false, fake_disk_read, fake_disk_write, &contexts[0]};
    m->bios.hard_disk[0] =
        (struct bios_disk){BIOS_HARD_DISK, 512, FAKE_DISK, false, false, fake_disk_read, fake_disk_write, &contexts[1]};
    m->bios.cd[0] = (struct bios_disk){BIOS_CD, 2048, FAKE_CD, true, false, fake_disk_read, NULL, &contexts[2]};
    m->has_dispi = true;
    m->dispi[0] = 0xb0c5;
    m->dispi[10] = 64; // 4 MiB
    m->cmos[0x32] = 0x20;
    bios_rom_install(&m->bios);
}
