// SPDX-License-Identifier: MIT
#include "vmm-user/devices/test_device.h"

// The bytes at an address that keeps what is written to it, at most as many as there are up to the end.
static uint8_t *bytes_at(struct test_device *t, enum io_space space, uint64_t addr, unsigned *size)
{
    uint64_t base = space == IO_MMIO ? TEST_WINDOW_BASE : TEST_LOOPBACK_PORT;
    uint64_t bytes = space == IO_MMIO ? TEST_WINDOW_SIZE : sizeof(t->loopback);
    if (addr - base >= bytes)
        return NULL;
    if (*size > bytes - (addr - base))
        *size = (unsigned)(bytes - (addr - base));
    return (space == IO_MMIO ? t->window : t->loopback) + (addr - base);
}

static uint64_t test_read(struct device *dev, enum io_space space, uint64_t addr, unsigned size)
{
    uint8_t *at = bytes_at((struct test_device *)dev, space, addr, &size);
    uint64_t value = 0;
    if (!at)
        return UINT64_MAX;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static void test_write(struct device *dev, enum io_space space, uint64_t addr, unsigned size, uint64_t value)
{
    struct test_device *t = (struct test_device *)dev;
    uint8_t *at = bytes_at(t, space, addr, &size);
    if (at)
        for (unsigned i = 0; i < size; i++)
            at[i] = (uint8_t)(value >> 8 * i);
    else if (space == IO_PORT && addr - TEST_IRQ_PORT < TEST_IRQ_LINES && t->irq.set)
        t->irq.set(t->irq.ctx, t->irq.line + (unsigned)(addr - TEST_IRQ_PORT), value != 0);
}

static void test_reset(struct device *dev)
{
    struct test_device *t = (struct test_device *)dev;
    __builtin_memset(t->loopback, 0, sizeof(t->loopback));
    __builtin_memset(t->window, 0, sizeof(t->window));
}

static void test_state(struct device *dev, struct state *s)
{
    struct test_device *t = (struct test_device *)dev;
    STATE(s, t->loopback);
    STATE(s, t->window);
}

static const struct device_ops test_ops = {
    .name = "test-device",
    .read = test_read,
    .write = test_write,
    .reset = test_reset,
    .version = 1,
    .state = test_state,
};

void test_device_init(struct test_device *t, struct clock *clock, struct irq_line irq)
{
    *t = (struct test_device){.irq = irq};
    device_init(&t->dev, &test_ops, clock);
    device_add_range(&t->dev, IO_PORT, TEST_LOOPBACK_PORT, sizeof(t->loopback));
    device_add_range(&t->dev, IO_PORT, TEST_FLUSH_PORT, 4);
    device_add_range(&t->dev, IO_PORT, TEST_IRQ_PORT, TEST_IRQ_LINES);
    device_add_range(&t->dev, IO_MMIO, TEST_WINDOW_BASE, TEST_WINDOW_SIZE);
}
