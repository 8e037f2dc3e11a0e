// SPDX-License-Identifier: MIT
#include "vmm-user/devices/dma8237.h"

// ---- transfers

static bool channel_open(const struct dma8237 *d, unsigned n, bool to_memory)
{
    const struct dma_channel *c = &d->channels[n];
    uint8_t type = c->mode & DMA_MODE_TYPE;
    if (c->masked || d->command[n / 4] & DMA_COMMAND_OFF || (c->mode & DMA_MODE_CASCADE) == DMA_MODE_CASCADE)
        return false;
    return type == DMA_MODE_VERIFY || type == (to_memory ? DMA_MODE_WRITE : DMA_MODE_READ);
}

static uint64_t channel_physical(const struct dma_channel *c, bool words)
{
    return words ? (uint64_t)(c->page & 0xfe) << 16 | (uint64_t)c->address << 1 : (uint64_t)c->page << 16 | c->address;
}

// One byte or word. Addresses count within the page.
static void unit_move(const struct dma8237 *d, struct dma_channel *c, uint8_t *buffer, unsigned unit, bool to_memory)
{
    uint64_t value = UINT64_MAX, at = channel_physical(c, unit == 2);
    if ((c->mode & DMA_MODE_TYPE) == DMA_MODE_VERIFY)
        value = 0;
    else if (to_memory)
        guest_mem_write(d->mem, at, unit, buffer[0] | (unit == 2 ? buffer[1] << 8 : 0));
    else
        guest_mem_read(d->mem, at, unit, &value);
    for (unsigned i = 0; !to_memory && i < unit; i++)
        buffer[i] = (uint8_t)(value >> 8 * i);
    c->address = (uint16_t)(c->address + (c->mode & DMA_MODE_DOWN ? -1 : 1));
}

static void channel_end(struct dma_channel *c)
{
    c->ended = true;
    c->requested = false;
    if (c->mode & DMA_MODE_AUTO) {
        c->address = c->base_address;
        c->count = c->base_count;
    } else {
        c->masked = true;
    }
}

uint32_t dma_transfer(struct dma8237 *d, unsigned channel, void *buffer, uint32_t size, bool to_memory,
                      bool *terminal_count)
{
    struct dma_channel *c = &d->channels[channel % DMA_CHANNELS];
    unsigned unit = channel % DMA_CHANNELS < 4 ? 1 : 2;
    uint8_t *at = buffer;
    uint32_t moved = 0;
    *terminal_count = false;
    if (!channel_open(d, channel % DMA_CHANNELS, to_memory))
        return 0;
    while (size - moved >= unit && !*terminal_count) {
        unit_move(d, c, at + moved, unit, to_memory);
        moved += unit;
        *terminal_count = c->count-- == 0;
    }
    if (*terminal_count)
        channel_end(c);
    return moved;
}

// ---- registers

static uint8_t half(const struct dma8237 *d, unsigned controller, uint16_t value)
{
    return d->high_byte[controller] ? (uint8_t)(value >> 8) : (uint8_t)value;
}

static uint16_t half_set(const struct dma8237 *d, unsigned controller, uint16_t old, uint8_t value)
{
    return d->high_byte[controller] ? (uint16_t)((old & 0x00ff) | value << 8) : (uint16_t)((old & 0xff00) | value);
}

static uint8_t status_read(struct dma8237 *d, unsigned controller)
{
    uint8_t status = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct dma_channel *c = &d->channels[4 * controller + i];
        status |= (uint8_t)(c->ended << i | c->requested << (4 + i));
        c->ended = false;
    }
    return status;
}

static uint8_t register_read(struct dma8237 *d, unsigned controller, unsigned reg)
{
    if (reg < 8) {
        const struct dma_channel *c = &d->channels[4 * controller + reg / 2];
        uint8_t value = half(d, controller, reg & 1 ? c->count : c->address);
        d->high_byte[controller] = !d->high_byte[controller];
        return value;
    }
    return reg == DMA_STATUS ? status_read(d, controller) : reg == DMA_MASTER_CLEAR ? 0 : 0xff;
}

static void address_write(struct dma8237 *d, unsigned controller, unsigned reg, uint8_t value)
{
    struct dma_channel *c = &d->channels[4 * controller + reg / 2];
    if (reg & 1)
        c->count = c->base_count = half_set(d, controller, c->base_count, value);
    else
        c->address = c->base_address = half_set(d, controller, c->base_address, value);
    d->high_byte[controller] = !d->high_byte[controller];
}

static void mask_all(struct dma8237 *d, unsigned controller, uint8_t bits)
{
    for (unsigned i = 0; i < 4; i++)
        d->channels[4 * controller + i].masked = bits >> i & 1;
}

static void master_clear(struct dma8237 *d, unsigned controller)
{
    d->command[controller] = 0;
    d->high_byte[controller] = false;
    for (unsigned i = 0; i < 4; i++)
        d->channels[4 * controller + i].ended = d->channels[4 * controller + i].requested = false;
    mask_all(d, controller, 0x0f);
}

static void register_write(struct dma8237 *d, unsigned controller, unsigned reg, uint8_t value)
{
    struct dma_channel *named = &d->channels[4 * controller + (value & 3)];
    switch (reg) {
    case DMA_COMMAND:
        d->command[controller] = value;
        break;
    case DMA_REQUEST:
        named->requested = value & DMA_MASK_SET;
        break;
    case DMA_SINGLE_MASK:
        named->masked = value & DMA_MASK_SET;
        break;
    case DMA_MODE:
        named->mode = value;
        break;
    case DMA_CLEAR_FLIP:
        d->high_byte[controller] = false;
        break;
    case DMA_MASTER_CLEAR:
        master_clear(d, controller);
        break;
    case DMA_CLEAR_MASK:
        mask_all(d, controller, 0);
        break;
    case DMA_ALL_MASK:
        mask_all(d, controller, value);
        break;
    default:
        address_write(d, controller, reg, value);
        break;
    }
}

static uint8_t *page_register(struct dma8237 *d, uint64_t port)
{
    enum { NONE = DMA_CHANNELS };
    static const uint8_t channel_of[16] = {NONE, 2, 3, 1, NONE, NONE, NONE, 0, NONE, 6, 7, 5, NONE, NONE, NONE, 4};
    unsigned channel = channel_of[port & 15];
    return channel == NONE ? &d->extra[port & 15] : &d->channels[channel].page;
}

static uint64_t dma_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)size;
    struct dma8237 *d = (struct dma8237 *)dev;
    if (port < 0x10)
        return register_read(d, 0, (unsigned)port);
    if (port >= DMA2_PORT)
        return register_read(d, 1, (unsigned)(port - DMA2_PORT) / 2);
    return *page_register(d, port);
}

static void dma_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space, (void)size;
    struct dma8237 *d = (struct dma8237 *)dev;
    if (port < 0x10)
        register_write(d, 0, (unsigned)port, (uint8_t)value);
    else if (port >= DMA2_PORT)
        register_write(d, 1, (unsigned)(port - DMA2_PORT) / 2, (uint8_t)value);
    else
        *page_register(d, port) = (uint8_t)value;
}

static void dma_reset(struct device *dev)
{
    struct dma8237 *d = (struct dma8237 *)dev;
    __builtin_memset(d->channels, 0, sizeof(d->channels));
    __builtin_memset(d->extra, 0, sizeof(d->extra));
    master_clear(d, 0);
    master_clear(d, 1);
    d->channels[4].mode = DMA_MODE_CASCADE; // as firmware leaves it
    d->channels[4].masked = false;
}

static void dma_state(struct device *dev, struct state *s)
{
    struct dma8237 *d = (struct dma8237 *)dev;
    for (unsigned i = 0; i < DMA_CHANNELS; i++) {
        struct dma_channel *c = &d->channels[i];
        uint16_t *const words[] = {&c->address, &c->count, &c->base_address, &c->base_count};
        STATE_EACH(s, words);
        STATE(s, c->mode);
        STATE(s, c->page);
        STATE(s, c->masked);
        STATE(s, c->requested);
        STATE(s, c->ended);
    }
    for (unsigned i = 0; i < 2; i++) {
        STATE(s, d->command[i]);
        STATE(s, d->high_byte[i]);
    }
    STATE(s, d->extra);
}

static const struct device_ops dma_ops = {
    .name = "dma8237",
    .read = dma_read,
    .write = dma_write,
    .reset = dma_reset,
    .version = 1,
    .state = dma_state,
    .max_size = 1,
};

void dma_init(struct dma8237 *d, struct clock *clock, const struct guest_mem *mem)
{
    __builtin_memset(d, 0, sizeof(*d));
    d->mem = mem;
    device_init(&d->dev, &dma_ops, clock);
    device_add_range(&d->dev, IO_PORT, DMA1_PORT, 16);
    device_add_range(&d->dev, IO_PORT, DMA_PAGE_PORT, 15);
    device_add_range(&d->dev, IO_PORT, DMA2_PORT, 32);
    dma_reset(&d->dev);
}
