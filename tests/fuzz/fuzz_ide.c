// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/ide.c vmm-user/devices/ide_state.c vmm-user/devices/ide_dma.c vmm-user/devices/ata_disk.c
// sources: vmm-user/devices/atapi.c vmm-user/devices/atapi_info.c vmm-user/devices/pci_host.c
// sources: vmm-user/devices/reset_port.c vmm-user/block_ram.c
//
// Random registers, commands, packets, descriptors, saves and loads on a controller with a disk, a small disk and a CD.
#include <stdlib.h>
#include "tests/unit/fake_machine.h"
#include "vmm-user/block_ram.h"
#include "vmm-user/devices/ide.h"

#define PAGES 64

static struct fake f;
static struct ide ide;
static struct pci_host pci;
static struct guest_mem mem;
static uint8_t ram[65536], disk_file[200 * 512], cd_file[40 * 2048], state[40000];
static struct block_ram disk, small, cd, none;
static uint8_t pages[PAGES][BLOCK_RAM_PAGE];
static unsigned page_count;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

struct input {
    const uint8_t *at, *end;
};

static uint64_t take(struct input *in, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && in->at < in->end; i++)
        value |= (uint64_t)*in->at++ << 8 * i;
    return value;
}

static void *page_alloc(void *ctx)
{
    (void)ctx;
    return page_count < PAGES ? memset(pages[page_count++], 0, BLOCK_RAM_PAGE) : NULL;
}

static void port(struct input *in)
{
    const struct io_range *r = &ide.dev.ranges[take(in, 1) % 5];
    uint64_t at = r->base + take(in, 1) % r->size;
    uint8_t how = (uint8_t)take(in, 1);
    unsigned size = 1u << (how >> 1) % 3;
    if (how & 1)
        ide.dev.ops->write(&ide.dev, IO_PORT, at, size, take(in, size));
    else
        ide.dev.ops->read(&ide.dev, IO_PORT, at, size);
}

// A task file and a command that is likely to exist.
static void command(struct input *in)
{
    static const uint8_t codes[] = {0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40, 0x42, 0x91, 0xa0, 0xa1,
                                    0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xe7, 0xec, 0xef, 0xf8, 0x08, 0x90, 0x70};
    uint16_t base = take(in, 1) & 1 ? 0x170 : 0x1f0;
    out8(&ide, base + 6, (uint8_t)take(in, 1));
    for (unsigned i = 1; i < 6; i++)
        out8(&ide, (uint16_t)(base + i), i < 3 || i == 3 ? (uint8_t)take(in, 1) : (uint8_t)(take(in, 1) & 3));
    uint8_t code = (uint8_t)take(in, 1);
    out8(&ide, base + 7, code < 240 ? codes[code % sizeof(codes)] : code);
}

static void data(struct input *in)
{
    static uint8_t buffer[16384];
    uint16_t base = take(in, 1) & 1 ? 0x170 : 0x1f0;
    uint8_t how = (uint8_t)take(in, 1);
    unsigned size = how & 2 ? 4 : 2, count = how & 4 ? (unsigned)take(in, 1) * 16 : 6;
    for (unsigned i = 0; i < 12; i++)
        buffer[i] = (uint8_t)take(in, how & 8 ? 1 : 0);
    if (how & 1)
        ide_data_write(&ide, base, size, count, buffer);
    else
        ide_data_read(&ide, base, size, count, buffer);
}

static void packet(struct input *in)
{
    static const uint8_t codes[] = {0x00, 0x03, 0x12, 0x1a, 0x1b, 0x25, 0x28, 0x2b, 0x42,
                                    0x43, 0x46, 0x4a, 0x51, 0x52, 0x5a, 0xa8, 0xbd, 0xbe};
    uint8_t bytes[12];
    out8(&ide, 0x176, 0xa0);
    out8(&ide, 0x171, take(in, 1) & 1);
    out8(&ide, 0x174, (uint8_t)take(in, 1)), out8(&ide, 0x175, (uint8_t)take(in, 1));
    out8(&ide, 0x177, ATA_CMD_PACKET);
    for (unsigned i = 0; i < 12; i++)
        bytes[i] = (uint8_t)take(in, 1);
    if (bytes[0] < 240)
        bytes[0] = codes[bytes[0] % sizeof(codes)];
    ide_data_write(&ide, 0x170, 2, 6, bytes);
}

static void master(struct input *in)
{
    unsigned channel = take(in, 1) & 1;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t entry[2] = {(uint32_t)take(in, 2), (uint32_t)take(in, 2) | (take(in, 1) & 1 ? BM_PRD_END : 0)};
        memcpy(ram + 0x100 + 8 * i, entry, 8);
    }
    uint16_t port_base = (uint16_t)(IDE_BM_PORT + 8 * channel);
    out32(&ide, port_base + BM_PRD, 0x100);
    out8(&ide, port_base, 0);
    out8(&ide, port_base, (uint8_t)take(in, 1) & 9);
}

static void save_load(struct input *in)
{
    struct state s = {.at = state, .end = state + sizeof(state)};
    device_save(&ide.dev, &s);
    CHECK(!s.error);
    size_t size = (size_t)(s.at - state);
    unsigned damage = take(in, 1) % 8;
    for (unsigned i = 0; i < damage; i++) {
        uint16_t at = (uint16_t)take(in, 2);
        state[(at & 0x8000 ? 0x2000 + at % 0x200 : at % 0x100) % size] = (uint8_t)take(in, 1);
    }
    struct state l = {.at = state, .end = state + size};
    device_load(&ide.dev, &l);
    CHECK(damage || (!l.error && l.at == l.end));
}

static void invariants(void)
{
    for (unsigned c = 0; c < IDE_CHANNELS; c++) {
        const struct ide_channel *ch = &ide.channels[c];
        CHECK(ch->selected < IDE_DRIVES && ch->phase < IDE_PHASES && ch->filled <= IDE_BUFFER && ch->at <= ch->filled);
        CHECK(ch->phase != IDE_IDLE || !ch->left);
        CHECK(f.wires[14 + c].level == (ch->intrq && !(ch->control & ATA_CONTROL_NIEN)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input in = {bytes, bytes + size};
    page_count = 0;
    fake_init(&f);
    mem = (struct guest_mem){.low = ram, .low_size = sizeof(ram)};
    block_ram_init(&disk, BLOCK_DISK, disk_file, sizeof(disk_file), page_alloc, NULL);
    block_ram_init(&small, BLOCK_DISK, disk_file, 700, NULL, NULL);
    block_ram_init(&cd, BLOCK_CD, cd_file, sizeof(cd_file), NULL, NULL);
    block_ram_init(&none, BLOCK_CD, NULL, 0, NULL, NULL);
    ide_init(&ide, &f.clock, &mem, fake_line(&f, 14), fake_line(&f, 15));
    pci_host_init(&pci, &f.clock, NULL);
    CHECK(ide_attach(&ide, 0, 0, &disk.backend) && ide_attach(&ide, 0, 1, &small.backend) &&
          ide_attach(&ide, 1, 0, &cd.backend) && ide_plug(&ide, &pci, 9));
    for (unsigned steps = 0; in.at < in.end && steps < 2000; steps++) {
        uint8_t what = (uint8_t)take(&in, 1);
        if (what < 70)
            port(&in);
        else if (what < 120)
            command(&in);
        else if (what < 165)
            data(&in);
        else if (what < 200)
            packet(&in);
        else if (what < 235)
            master(&in);
        else if (what < 245)
            pci_config_write(&pci, 0, 9, (unsigned)take(&in, 1) & 0xfc, 4, (uint32_t)take(&in, 4));
        else if (what < 250)
            ide_change_disc(&ide, 1, 0, what & 1 ? &cd.backend : &none.backend);
        else
            save_load(&in);
        invariants();
    }
    return 0;
}
