// SPDX-License-Identifier: MIT
#include "vmm-user/devices/ferr.h"

#define FERR_CLEAR 0xf0 // and F1h, which resets a 287; an x87 of today has no such pin

static void ferr_set(struct ferr *f, bool latched)
{
    f->latched = latched;
    irq_line_set(&f->irq, latched);
}

void ferr_assert(struct ferr *f)
{
    ferr_set(f, true);
}

static uint64_t ferr_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)dev, (void)space, (void)port, (void)size;
    return 0xff;
}

static void ferr_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space, (void)port, (void)size, (void)value;
    ferr_set((struct ferr *)dev, false);
}

static void ferr_reset(struct device *dev)
{
    ferr_set((struct ferr *)dev, false);
}

static void ferr_state(struct device *dev, struct state *s)
{
    STATE(s, ((struct ferr *)dev)->latched);
}

static bool ferr_loaded(struct device *dev)
{
    struct ferr *f = (struct ferr *)dev;
    ferr_set(f, f->latched);
    return true;
}

static const struct device_ops ferr_ops = {
    .name = "ferr",
    .read = ferr_read,
    .write = ferr_write,
    .reset = ferr_reset,
    .version = 1,
    .state = ferr_state,
    .loaded = ferr_loaded,
    .max_size = 1,
};

void ferr_init(struct ferr *f, struct clock *clock, struct irq_line irq)
{
    *f = (struct ferr){.irq = irq};
    device_init(&f->dev, &ferr_ops, clock);
    device_add_range(&f->dev, IO_PORT, FERR_CLEAR, 2);
}
