// SPDX-License-Identifier: MIT
// Which device answers a port or an address. Ports go through one table of bytes, MMIO through a short list of windows.
#pragma once
#include "vmm-user/device.h"

#define BUS_DEVICES 32
#define BUS_WINDOWS 16

struct bus_window {
    uint64_t base, size;
    struct device *dev;
};

struct bus {
    struct device *devices[BUS_DEVICES]; // by the numbers in port_map; 0 is `nobody`
    unsigned device_count;
    struct bus_window windows[BUS_WINDOWS];
    unsigned window_count;
    struct device nobody; // reads as all ones
    void (*unclaimed)(void *ctx, enum io_space space, uint64_t addr,
                      bool write); // somebody asked for what is not there
    void *ctx;
    uint8_t port_map[65536];
};

void bus_init(struct bus *bus, void (*unclaimed)(void *ctx, enum io_space space, uint64_t addr, bool write), void *ctx);

// All ranges of the device. False: the bus is full, or a range is taken by another device.
bool bus_add(struct bus *bus, struct device *dev);

// The last window of memory that the device has is somewhere else now, or nowhere. Where it overlaps another one, the
// first that was added answers.
#define BUS_NOWHERE (UINT64_MAX / 2)
static inline void bus_move(struct bus *bus, const struct device *dev, uint64_t base)
{
    for (unsigned i = bus->window_count; i-- > 0;)
        if (bus->windows[i].dev == dev) {
            bus->windows[i].base = base;
            return;
        }
}

// Power-on state for all devices.
void bus_reset(struct bus *bus);

uint32_t bus_port_read_wide(struct bus *bus, uint16_t port, unsigned size);
void bus_port_write_wide(struct bus *bus, uint16_t port, unsigned size, uint32_t value);
uint64_t bus_mmio_read_split(struct device *dev, uint64_t addr, unsigned size);
void bus_mmio_write_split(struct device *dev, uint64_t addr, unsigned size, uint64_t value);

static inline struct device *bus_mmio_find(struct bus *bus, uint64_t addr)
{
    for (const struct bus_window *w = bus->windows, *end = w + bus->window_count; w < end; w++)
        if (addr - w->base < w->size)
            return w->dev;
    return &bus->nobody;
}

// size 1, 2, 4 or 8.
static inline uint64_t bus_mmio_read(struct bus *bus, uint64_t addr, unsigned size)
{
    struct device *dev = bus_mmio_find(bus, addr);
    if (__builtin_expect(size - 1 > dev->ops->max_size - 1, 0))
        return bus_mmio_read_split(dev, addr, size);
    return dev->ops->read(dev, IO_MMIO, addr, size);
}

static inline void bus_mmio_write(struct bus *bus, uint64_t addr, unsigned size, uint64_t value)
{
    struct device *dev = bus_mmio_find(bus, addr);
    if (__builtin_expect(size - 1 > dev->ops->max_size - 1, 0))
        bus_mmio_write_split(dev, addr, size, value);
    else
        dev->ops->write(dev, IO_MMIO, addr, size, value);
}

// size 1, 2 or 4. What no device answers reads as all ones.
static inline uint32_t bus_port_read(struct bus *bus, uint16_t port, unsigned size)
{
    if (__builtin_expect(size != 1, 0))
        return bus_port_read_wide(bus, port, size);
    struct device *dev = bus->devices[bus->port_map[port]];
    return (uint8_t)dev->ops->read(dev, IO_PORT, port, 1);
}

static inline void bus_port_write(struct bus *bus, uint16_t port, unsigned size, uint32_t value)
{
    if (__builtin_expect(size != 1, 0)) {
        bus_port_write_wide(bus, port, size, value);
        return;
    }
    struct device *dev = bus->devices[bus->port_map[port]];
    dev->ops->write(dev, IO_PORT, port, 1, (uint8_t)value);
}
