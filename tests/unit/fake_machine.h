// SPDX-License-Identifier: MIT
// What device tests stand on: a clock that moves only when told, and wires, consoles and power that are recorded.
#pragma once
#include <stdio.h>
#include <string.h>
#include "vmm-user/device.h"

#define FAKE_HZ 2400000000ull
#define FAKE_S  FAKE_HZ
#define FAKE_MS (FAKE_HZ / 1000)
#define FAKE_US (FAKE_HZ / 1000000)

struct fake_wire {
    bool level;
    unsigned rises, falls;
};

struct fake {
    struct clock clock;
    uint64_t now;
    uint64_t wall_base; // ns at TSC 0
    struct fake_wire wires[32];
    char out[256];
    unsigned out_count;
    unsigned power_off, power_reset, sleeps;
    char why[64];
    unsigned fired; // timers
};

static inline uint64_t fake_now(struct clock *c)
{
    return ((struct fake *)c)->now;
}

static inline uint64_t fake_wall(struct clock *c)
{
    struct fake *f = (struct fake *)c;
    return f->wall_base + mul_div(f->now, 1000000000, FAKE_HZ);
}

static inline void fake_wire_set(void *ctx, unsigned line, bool level)
{
    struct fake_wire *w = &((struct fake *)ctx)->wires[line];
    w->rises += level && !w->level;
    w->falls += !level && w->level;
    w->level = level;
}

static inline struct irq_line fake_line(struct fake *f, unsigned line)
{
    return (struct irq_line){fake_wire_set, f, line};
}

static inline void fake_put(void *ctx, uint8_t byte)
{
    struct fake *f = ctx;
    if (f->out_count < sizeof(f->out) - 1)
        f->out[f->out_count++] = (char)byte;
}

static inline struct char_backend fake_console(struct fake *f)
{
    return (struct char_backend){fake_put, f};
}

static inline void fake_request(void *ctx, enum power_action action, const char *why)
{
    struct fake *f = ctx;
    f->power_off += action == POWER_OFF;
    f->sleeps += action == POWER_SLEEP;
    f->power_reset += action == POWER_RESET || action == POWER_RESET_CPU;
    snprintf(f->why, sizeof(f->why), "%s", why);
}

static inline struct power_backend fake_power(struct fake *f)
{
    return (struct power_backend){fake_request, f};
}

static inline void fake_init(struct fake *f)
{
    memset(f, 0, sizeof(*f));
    f->clock = (struct clock){.tsc_hz = FAKE_HZ, .now = fake_now, .wall = fake_wall};
    f->now = FAKE_S;
}

// Lets time pass; timers fire in order, at their deadlines.
static inline void fake_run(struct fake *f, uint64_t ticks)
{
    uint64_t until = f->now + ticks;
    for (unsigned limit = 0; limit < 2000000; limit++) {
        struct dev_timer *first = NULL;
        for (struct dev_timer *t = f->clock.timers; t; t = t->next)
            if (t->deadline <= until && (!first || t->deadline < first->deadline))
                first = t;
        if (!first)
            break;
        if (first->deadline > f->now)
            f->now = first->deadline;
        first->deadline = TIMER_NEVER;
        f->fired++;
        first->fire(first->dev, f->now);
    }
    f->now = until;
}

// Time passes and nobody looks: what a starved guest sees.
static inline void fake_sleep(struct fake *f, uint64_t ticks)
{
    f->now += ticks;
    fake_run(f, 0);
}

static inline uint8_t in8(void *dev, uint16_t port)
{
    return (uint8_t)((struct device *)dev)->ops->read(dev, IO_PORT, port, 1);
}

static inline void out8(void *dev, uint16_t port, uint8_t value)
{
    ((struct device *)dev)->ops->write(dev, IO_PORT, port, 1, value);
}

static inline uint32_t in32(void *dev, uint16_t port)
{
    return (uint32_t)((struct device *)dev)->ops->read(dev, IO_PORT, port, 4);
}

static inline void out32(void *dev, uint16_t port, uint32_t value)
{
    ((struct device *)dev)->ops->write(dev, IO_PORT, port, 4, value);
}

static inline uint16_t in16(void *dev, uint16_t port)
{
    return (uint16_t)((struct device *)dev)->ops->read(dev, IO_PORT, port, 2);
}

static inline void out16(void *dev, uint16_t port, uint16_t value)
{
    ((struct device *)dev)->ops->write(dev, IO_PORT, port, 2, value);
}

// Saves, resets and loads a device; false if it does not take back what it saved, or not to the last byte.
static inline bool fake_save_load(void *device)
{
    static uint8_t buffer[8192], again[8192];
    struct device *dev = device;
    struct state s = {.at = buffer, .end = buffer + sizeof(buffer)};
    device_save(dev, &s);
    size_t size = (size_t)(s.at - buffer);
    dev->ops->reset(dev);
    struct state l = {.at = buffer, .end = buffer + size};
    device_load(dev, &l);
    struct state s2 = {.at = again, .end = again + sizeof(again)};
    device_save(dev, &s2);
    bool same = (size_t)(s2.at - again) == size && !memcmp(buffer, again, size);
    struct state cut = {.at = buffer, .end = buffer + size / 2};
    if (s.error || l.error || l.at != l.end || !same)
        return false;
    device_load(dev, &cut); // half a state is an error that harms nobody
    struct state back = {.at = buffer, .end = buffer + size};
    device_load(dev, &back);
    return cut.error && !back.error;
}
