// SPDX-License-Identifier: MIT
#include "vmm-user/bus.h"

static struct bus *bus_of_nobody(struct device *dev)
{
    return (struct bus *)((char *)dev - offsetof(struct bus, nobody));
}

static uint64_t nobody_read(struct device *dev, enum io_space space, uint64_t addr, unsigned size)
{
    struct bus *bus = bus_of_nobody(dev);
    (void)size;
    if (bus->unclaimed)
        bus->unclaimed(bus->ctx, space, addr, false);
    return UINT64_MAX;
}

static void nobody_write(struct device *dev, enum io_space space, uint64_t addr, unsigned size, uint64_t value)
{
    struct bus *bus = bus_of_nobody(dev);
    (void)size;
    (void)value;
    if (bus->unclaimed)
        bus->unclaimed(bus->ctx, space, addr, true);
}

static const struct device_ops nobody_ops = {.name = "nobody", .read = nobody_read, .write = nobody_write};

void bus_init(struct bus *bus, void (*unclaimed)(void *ctx, enum io_space space, uint64_t addr, bool write), void *ctx)
{
    __builtin_memset(bus, 0, sizeof(*bus));
    bus->unclaimed = unclaimed;
    bus->ctx = ctx;
    device_init(&bus->nobody, &nobody_ops, NULL);
    bus->devices[0] = &bus->nobody;
    bus->device_count = 1;
}

static bool range_is_free(const struct bus *bus, const struct io_range *range)
{
    if (range->size == 0)
        return false;
    if (range->space == IO_PORT) {
        if (range->base > 0xffff || range->size > 0x10000 - range->base)
            return false;
        for (uint64_t i = 0; i < range->size; i++)
            if (bus->port_map[range->base + i])
                return false;
        return true;
    }
    if (range->size > UINT64_MAX - range->base)
        return false;
    for (unsigned i = 0; i < bus->window_count; i++) {
        const struct bus_window *w = &bus->windows[i];
        if (range->base < w->base + w->size && w->base < range->base + range->size)
            return false;
    }
    return true;
}

bool bus_add(struct bus *bus, struct device *dev)
{
    unsigned windows = bus->window_count;
    if (bus->device_count == BUS_DEVICES)
        return false;
    for (unsigned i = 0; i < dev->range_count; i++) {
        windows += dev->ranges[i].space == IO_MMIO;
        if (!range_is_free(bus, &dev->ranges[i]) || windows > BUS_WINDOWS)
            return false;
    }
    for (unsigned i = 0; i < dev->range_count; i++) {
        const struct io_range *range = &dev->ranges[i];
        if (range->space == IO_PORT)
            __builtin_memset(&bus->port_map[range->base], (int)bus->device_count, range->size);
        else
            bus->windows[bus->window_count++] = (struct bus_window){range->base, range->size, dev};
    }
    bus->devices[bus->device_count++] = dev;
    return true;
}

void bus_reset(struct bus *bus)
{
    for (unsigned i = 1; i < bus->device_count; i++)
        bus->devices[i]->ops->reset(bus->devices[i]);
}

// The widest access at `port` that one device takes in one piece, at most `size`.
static unsigned port_piece(const struct bus *bus, uint16_t port, unsigned size)
{
    unsigned number = bus->port_map[port];
    unsigned max = bus->devices[number]->ops->max_size;
    while (size > 1 && ((max && size > max) || port + size > 0x10000 || bus->port_map[port + size - 1] != number))
        size /= 2;
    return size;
}

uint32_t bus_port_read_wide(struct bus *bus, uint16_t port, unsigned size)
{
    uint32_t value = 0;
    for (unsigned done = 0; done < size;) {
        uint16_t at = (uint16_t)(port + done);
        unsigned piece = port_piece(bus, at, size - done == 3 ? 2 : size - done);
        struct device *dev = bus->devices[bus->port_map[at]];
        uint32_t part = (uint32_t)dev->ops->read(dev, IO_PORT, at, piece);
        if (piece < 4)
            part &= (1u << (8 * piece)) - 1;
        value |= part << (8 * done);
        done += piece;
    }
    return value;
}

void bus_port_write_wide(struct bus *bus, uint16_t port, unsigned size, uint32_t value)
{
    if (port_piece(bus, port, size) == size) {
        struct device *dev = bus->devices[bus->port_map[port]];
        dev->ops->write(dev, IO_PORT, port, size, value & (UINT32_MAX >> (32 - 8 * size)));
        return;
    }
    for (unsigned done = 0; done < size;) {
        uint16_t at = (uint16_t)(port + done);
        unsigned piece = port_piece(bus, at, size - done == 3 ? 2 : size - done);
        struct device *dev = bus->devices[bus->port_map[at]];
        uint32_t part = value >> (8 * done);
        if (piece < 4)
            part &= (1u << (8 * piece)) - 1;
        dev->ops->write(dev, IO_PORT, at, piece, part);
        done += piece;
    }
}

uint64_t bus_mmio_read_split(struct device *dev, uint64_t addr, unsigned size)
{
    unsigned max = dev->ops->max_size;
    uint64_t value = 0;
    for (unsigned done = 0; done < size; done += max) {
        uint64_t part = dev->ops->read(dev, IO_MMIO, addr + done, max) & (UINT64_MAX >> (64 - 8 * max));
        value |= part << (8 * done);
    }
    return value;
}

void bus_mmio_write_split(struct device *dev, uint64_t addr, unsigned size, uint64_t value)
{
    unsigned max = dev->ops->max_size;
    for (unsigned done = 0; done < size; done += max)
        dev->ops->write(dev, IO_MMIO, addr + done, max, (value >> (8 * done)) & (UINT64_MAX >> (64 - 8 * max)));
}
