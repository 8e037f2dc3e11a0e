// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/floppy82077.c vmm-user/devices/floppy_data.c vmm-user/devices/dma8237.c
// sources: vmm-user/block_ram.c
//
// Random registers and commands of the floppy controller and of the DMA controllers, time, saves and loads.
#include <stdlib.h>
#include "tests/unit/fake_machine.h"
#include "vmm-user/block_ram.h"
#include "vmm-user/devices/floppy82077.h"

#define PAGES 32

static struct fake f;
static struct dma8237 dma;
static struct floppy fdc;
static struct guest_mem mem;
static uint8_t ram[65536], image[1474560], state[4096];
static struct block_ram disk, cut;
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

static void port(struct input *in, struct device *dev)
{
    const struct io_range *r = &dev->ranges[take(in, 1) % dev->range_count];
    uint64_t at = r->base + take(in, 1) % r->size;
    if (take(in, 1) & 1)
        dev->ops->write(dev, IO_PORT, at, 1, take(in, 1));
    else
        dev->ops->read(dev, IO_PORT, at, 1);
}

// A command with plausible parameters, and the DMA channel for it.
static void command(struct input *in)
{
    static const uint8_t codes[] = {0xe6, 0xc5, 0x4d, 0xea, 0x16, 0x07, 0x0f, 0x08, 0x03, 0x04, 0x0e, 0x13, 0x12, 0x94};
    uint8_t head = (uint8_t)take(in, 1), mode = (uint8_t)take(in, 1);
    if (head & 0x80) {
        uint16_t size = (uint16_t)take(in, 2);
        out8(&dma, 0x0c, 0), out8(&dma, 0x0b, mode & 0x80 ? mode : mode & 1 ? 0x46 : 0x4a), out8(&dma, 0x0a, 2);
        out8(&dma, 4, 0), out8(&dma, 4, 0), out8(&dma, 5, (uint8_t)size), out8(&dma, 5, (uint8_t)(size >> 8));
    }
    out8(&fdc, 0x3f5, codes[take(in, 1) % sizeof(codes)]);
    const uint8_t parameters[] = {
        (uint8_t)(head & 7), fdc.drives[0].track, (uint8_t)(head >> 2 & 1), (uint8_t)take(in, 1), 2, 18, 0x1b, 0xff};
    for (unsigned i = 0; i < sizeof(parameters) && fdc.phase == FDC_COMMAND && fdc.count; i++)
        out8(&fdc, 0x3f5, head & 0x40 ? (uint8_t)take(in, 1) : parameters[i]);
}

static void save_load(struct input *in, struct device *dev)
{
    struct state s = {.at = state, .end = state + sizeof(state)};
    device_save(dev, &s);
    CHECK(!s.error);
    size_t size = (size_t)(s.at - state);
    unsigned damage = take(in, 1) % 4;
    for (unsigned i = 0; i < damage; i++)
        state[take(in, 1) % size] = (uint8_t)take(in, 1);
    struct state l = {.at = state, .end = state + size};
    device_load(dev, &l);
    CHECK(damage || (!l.error && l.at == l.end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    page_count = 0;
    fake_init(&f);
    mem = (struct guest_mem){.low = ram, .low_size = sizeof(ram)};
    block_ram_init(&disk, BLOCK_FLOPPY, image, sizeof(image), page_alloc, NULL);
    block_ram_init(&cut, BLOCK_FLOPPY, image, 5000, NULL, NULL);
    dma_init(&dma, &f.clock, &mem);
    floppy_init(&fdc, &f.clock, &dma, fake_line(&f, 6));
    CHECK(floppy_attach(&fdc, 0, &disk.backend));
    out8(&fdc, 0x3f2, 0x1c), out8(&fdc, 0x3f7, 0);
    fake_run(&f, FAKE_MS);
    while (in.at < in.end) {
        uint8_t what = (uint8_t)take(&in, 1);
        if (what < 50)
            port(&in, &fdc.dev);
        else if (what < 80)
            port(&in, &dma.dev);
        else if (what < 160)
            command(&in);
        else if (what < 230)
            fake_run(&f, what * 20 * FAKE_US);
        else if (what < 240)
            CHECK(floppy_attach(&fdc, what & 1, what & 2 ? &disk.backend : what & 4 ? &cut.backend : NULL));
        else
            save_load(&in, what & 1 ? &fdc.dev : &dma.dev);
        CHECK(fdc.count <= sizeof(fdc.bytes) && fdc.phase < FDC_PHASES);
        CHECK(f.wires[6].level == (fdc.interrupt && fdc.dor & FDC_DOR_GATE));
    }
    return 0;
}
