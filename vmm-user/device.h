// SPDX-License-Identifier: MIT
// The only header that a device model needs. A device is pure code over this interface: no system calls, no globals, so
// it also compiles natively for tests and fuzzing, and can be saved and restored.
#pragma once
#include "vmm-user/backend.h"
#include "vmm-user/state.h"

// Which addresses a device answers. `base` and `size` in bytes; ports and MMIO are separate spaces.
enum io_space { IO_PORT, IO_MMIO };

struct io_range {
    enum io_space space;
    uint64_t base, size;
};

#define DEVICE_RANGES 8

// Many accesses at once, as REP INS, OUTS, STOS and MOVS upwards are: `count` elements of `size` bytes, in order. What
// the device cannot do together is done one by one.
enum io_block_kind {
    IO_BLOCK_IN,   // port to `host`
    IO_BLOCK_OUT,  // `host` to port
    IO_BLOCK_FILL, // `value` to memory
    IO_BLOCK_PUT,  // `host` to memory
    IO_BLOCK_GET,  // memory to `host`
    IO_BLOCK_COPY, // memory at `from` to memory
};

struct io_block {
    enum io_block_kind kind;
    unsigned size;
    uint64_t addr, from;
    uint64_t count, value;
    void *host;
};

struct device_ops {
    const char *name; // "uart16550", as `vm stat` prints it
    // One access of `size` bytes (1, 2, 4; MMIO also 8) at an absolute address inside one of the ranges. Unimplemented
    // registers read as the chip does (often all ones). Wider accesses than the chip knows are split by the bus when
    // `max_size` says so.
    uint64_t (*read)(struct device *dev, enum io_space space, uint64_t addr, unsigned size);
    void (*write)(struct device *dev, enum io_space space, uint64_t addr, unsigned size, uint64_t value);
    void (*reset)(struct device *dev);                  // power-on state; timers disarmed, lines low
    uint8_t version;                                    // of its state
    void (*state)(struct device *dev, struct state *s); // saves or loads each field
    bool (*loaded)(
        struct device *dev); // optional: follows its new state, which is untrusted; false: it cannot be in that
    unsigned max_size;       // widest access the chip takes; 0 = any
    bool (*block)(struct device *dev, const struct io_block *b); // optional; false: one by one, please
};

// Embedded as the first member of each chip's struct.
struct device {
    const struct device_ops *ops;
    struct clock *clock;
    struct io_range ranges[DEVICE_RANGES];
    unsigned range_count;
};

static inline void device_add_range(struct device *dev, enum io_space space, uint64_t base, uint64_t size)
{
    if (dev->range_count < DEVICE_RANGES)
        dev->ranges[dev->range_count++] = (struct io_range){space, base, size};
}

static inline void device_init(struct device *dev, const struct device_ops *ops, struct clock *clock)
{
    *dev = (struct device){.ops = ops, .clock = clock};
}

// Saves to or loads from a stream, by s->load. A device whose state cannot be loaded is reset, and s->error is set.
static inline void device_state(struct device *dev, struct state *s)
{
    uint8_t version = dev->ops->version;
    STATE(s, version);
    s->error |= version != dev->ops->version;
    dev->ops->state(dev, s);
    if (!s->load)
        return;
    s->error |= dev->ops->loaded && !dev->ops->loaded(dev);
    if (s->error)
        dev->ops->reset(dev);
}

static inline void device_save(struct device *dev, struct state *s)
{
    s->load = false;
    device_state(dev, s);
}

static inline void device_load(struct device *dev, struct state *s)
{
    s->load = true;
    device_state(dev, s);
}
