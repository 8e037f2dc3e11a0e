// SPDX-License-Identifier: MIT
#include "vmm-user/devices/hpet.h"
#include "pc/hpet.h"
#include "vmm-user/devices/state_io.h"

#define HPET_STATE_VERSION 1
#define HPET_VENDOR        0x8086ull
#define ROUTES             0x00f00000ull // I/O APIC pins 20..23
#define MAX_MATCHES_HZ     50000         // a guest that asks for more interrupts gets this many
#define CAPABILITIES                                                                                                   \
    (HPET_CAP_REV | (HPET_TIMERS - 1) << HPET_CAP_TIMERS_SHIFT | HPET_CAP_64BIT | HPET_CAP_LEGACY |                    \
     HPET_VENDOR << HPET_CAP_VENDOR_SHIFT | (uint64_t)HPET_PERIOD_FS << HPET_CAP_PERIOD_SHIFT)
#define TN_CAPABILITIES (HPET_TN_PERIODIC_CAP | HPET_TN_64BIT_CAP | ROUTES << HPET_TN_ROUTE_CAP_SHIFT)
#define TN_WRITABLE                                                                                                    \
    (HPET_TN_LEVEL | HPET_TN_INT_ENABLE | HPET_TN_PERIODIC | HPET_TN_SET_VALUE | HPET_TN_32BIT | HPET_TN_ROUTE)

static uint64_t hpet_now(const struct hpet *h)
{
    return h->dev.clock->now(h->dev.clock);
}

static bool hpet_running(const struct hpet *h)
{
    return h->config & HPET_CONFIG_ENABLE;
}

bool hpet_legacy(const struct hpet *h)
{
    return h->config & HPET_CONFIG_LEGACY;
}

static uint64_t hpet_counter(const struct hpet *h, uint64_t now)
{
    if (!hpet_running(h))
        return h->counter;
    return h->counter + mul_div(now - h->start, HPET_HZ, h->dev.clock->tsc_hz);
}

static uint64_t timer_mask(const struct hpet_timer *t)
{
    return t->config & HPET_TN_32BIT ? UINT32_MAX : UINT64_MAX;
}

static struct irq_line timer_line(const struct hpet *h, unsigned n)
{
    if (hpet_legacy(h) && n < 2)
        return n ? h->irq8 : h->irq0;
    struct irq_line line = h->pins;
    line.line += (h->timer[n].config & HPET_TN_ROUTE) >> HPET_TN_ROUTE_SHIFT;
    return line;
}

static void timer_interrupt(struct hpet *h, unsigned n)
{
    const struct hpet_timer *t = &h->timer[n];
    struct irq_line line = timer_line(h, n);
    if (t->config & HPET_TN_LEVEL)
        h->status |= 1u << n;
    if (!(t->config & HPET_TN_INT_ENABLE))
        return;
    if (t->config & HPET_TN_LEVEL)
        irq_line_set(&line, true);
    else
        irq_line_pulse(&line);
}

static void timer_drop(struct hpet *h, unsigned n)
{
    struct irq_line line = timer_line(h, n);
    if (h->status & 1u << n)
        irq_line_set(&line, false);
    h->status &= ~(1ull << n);
}

static void timer_arm(struct hpet *h, unsigned n, uint64_t now)
{
    struct hpet_timer *t = &h->timer[n];
    uint64_t deadline = TIMER_NEVER;
    if (hpet_running(h) && (t->config & HPET_TN_INT_ENABLE)) {
        uint64_t left = (t->comparator - hpet_counter(h, now)) & timer_mask(t);
        uint64_t tsc = mul_div(left ? left : timer_mask(t), h->dev.clock->tsc_hz, HPET_HZ);
        uint64_t soonest = t->config & HPET_TN_PERIODIC ? h->dev.clock->tsc_hz / MAX_MATCHES_HZ : 0;
        if (t->period >= HPET_HZ / MAX_MATCHES_HZ)
            soonest = 0;
        tsc = tsc < soonest ? soonest : tsc;
        deadline = tsc < TIMER_NEVER - 1 - now ? now + tsc + 1 : TIMER_NEVER;
    }
    if (deadline != t->match.deadline)
        timer_set(h->dev.clock, &t->match, deadline);
}

static void arm_all(struct hpet *h, uint64_t now)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        timer_arm(h, n, now);
}

// Moves the comparator of a periodic timer past the counter. A comparator less than half the range behind has been met.
static void timer_advance(struct hpet *h, struct hpet_timer *t, uint64_t now)
{
    uint64_t mask = timer_mask(t), passed = (hpet_counter(h, now) - t->comparator) & mask;
    if (t->config & HPET_TN_PERIODIC && t->period && passed <= mask / 2)
        t->comparator = (t->comparator + (passed / t->period + 1) * t->period) & mask;
}

static void hpet_fire(struct device *dev, uint64_t now)
{
    struct hpet *h = (struct hpet *)dev;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        struct hpet_timer *t = &h->timer[n];
        bool armed = hpet_running(h) && (t->config & HPET_TN_INT_ENABLE);
        if (!armed || t->match.deadline != TIMER_NEVER)
            continue; // not the one that came due: that was disarmed before the call
        uint64_t passed = (hpet_counter(h, now) - t->comparator) & timer_mask(t);
        if (passed <= timer_mask(t) / 2) {
            timer_interrupt(h, n);
            timer_advance(h, t, now);
        }
        timer_arm(h, n, now);
    }
}

static void config_write(struct hpet *h, uint64_t value, uint64_t now)
{
    if (hpet_running(h))
        h->counter = hpet_counter(h, now);
    h->start = now;
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        timer_drop(h, n); // wires change their meaning
    h->config = value & (HPET_CONFIG_ENABLE | HPET_CONFIG_LEGACY);
    arm_all(h, now);
}

static void status_write(struct hpet *h, uint64_t value)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        if (value & 1u << n)
            timer_drop(h, n);
}

static void timer_config_write(struct hpet *h, unsigned n, uint64_t value)
{
    struct hpet_timer *t = &h->timer[n];
    timer_drop(h, n);
    t->config = (value & TN_WRITABLE) | TN_CAPABILITIES;
    unsigned route = (value & HPET_TN_ROUTE) >> HPET_TN_ROUTE_SHIFT;
    if (!(ROUTES >> route & 1))
        t->config &= ~(uint64_t)HPET_TN_ROUTE;
    t->comparator &= timer_mask(t);
    t->period &= timer_mask(t);
}

// A write sets comparator and period; without SET_VALUE, that of a periodic timer only the period.
static void comparator_write(struct hpet_timer *t, uint64_t value)
{
    value &= timer_mask(t);
    if (!(t->config & HPET_TN_PERIODIC) || t->config & HPET_TN_SET_VALUE)
        t->comparator = value;
    t->period = value;
    t->config &= ~(uint64_t)HPET_TN_SET_VALUE;
}

static uint64_t timer_register_read(struct hpet *h, unsigned n, unsigned offset, uint64_t now)
{
    struct hpet_timer *t = &h->timer[n];
    if (offset == HPET_TIMER_CONFIG)
        return t->config;
    if (offset != HPET_TIMER_COMPARATOR)
        return 0;
    if (hpet_running(h) && t->match.deadline > now) // else the interrupt comes first
        timer_advance(h, t, now);
    return t->comparator;
}

static uint64_t register_read(struct hpet *h, unsigned offset)
{
    uint64_t now = hpet_now(h);
    unsigned n = (offset - HPET_TIMER) / HPET_TIMER_STRIDE;
    if (offset >= HPET_TIMER)
        return n < HPET_TIMERS ? timer_register_read(h, n, offset % HPET_TIMER_STRIDE, now) : 0;
    switch (offset) {
    case HPET_CAP:
        return CAPABILITIES;
    case HPET_CONFIG:
        return h->config;
    case HPET_STATUS:
        return h->status;
    case HPET_COUNTER:
        return hpet_counter(h, now);
    default:
        return 0;
    }
}

static void register_write(struct hpet *h, unsigned offset, uint64_t value)
{
    uint64_t now = hpet_now(h);
    unsigned n = (offset - HPET_TIMER) / HPET_TIMER_STRIDE;
    if (offset == HPET_CONFIG) {
        config_write(h, value, now);
    } else if (offset == HPET_STATUS) {
        status_write(h, value);
    } else if (offset == HPET_COUNTER && !hpet_running(h)) {
        h->counter = value;
    } else if (offset >= HPET_TIMER && n < HPET_TIMERS) {
        if (offset % HPET_TIMER_STRIDE == HPET_TIMER_CONFIG)
            timer_config_write(h, n, value);
        else if (offset % HPET_TIMER_STRIDE == HPET_TIMER_COMPARATOR)
            comparator_write(&h->timer[n], value);
        timer_arm(h, n, now);
    }
}

static uint64_t hpet_read(struct device *dev, enum io_space space, uint64_t addr, unsigned size)
{
    (void)space;
    unsigned offset = addr & (HPET_SIZE - 1), shift = offset % 8 * 8;
    uint64_t value = register_read((struct hpet *)dev, offset & ~7u) >> shift;
    return size < 8 ? value & ((1ull << 8 * size) - 1) : value;
}

static void hpet_write(struct device *dev, enum io_space space, uint64_t addr, unsigned size, uint64_t value)
{
    (void)space;
    struct hpet *h = (struct hpet *)dev;
    unsigned offset = addr & (HPET_SIZE - 1), at = offset & ~7u;
    if (size < 4 || offset % size)
        return;
    if (size == 4) { // status is cleared by ones: the other half must not be written back
        uint64_t old = at == HPET_STATUS ? 0 : register_read(h, at);
        value = offset & 4 ? (uint32_t)old | value << 32 : (old & ~(uint64_t)UINT32_MAX) | (uint32_t)value;
    }
    register_write(h, at, value);
}

static void hpet_reset(struct device *dev)
{
    struct hpet *h = (struct hpet *)dev;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        timer_drop(h, n);
        timer_set(dev->clock, &h->timer[n].match, TIMER_NEVER);
        h->timer[n].config = TN_CAPABILITIES;
        h->timer[n].comparator = UINT64_MAX;
        h->timer[n].period = 0;
    }
    h->config = h->status = h->counter = h->start = 0;
}

static void hpet_state(struct hpet *h, struct state *s, bool load)
{
    state_version(s, load, HPET_STATE_VERSION);
    state_u64(s, load, &h->config);
    state_u64(s, load, &h->status);
    state_u64(s, load, &h->counter);
    state_u64(s, load, &h->start);
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        state_u64(s, load, &h->timer[n].config);
        state_u64(s, load, &h->timer[n].comparator);
        state_u64(s, load, &h->timer[n].period);
    }
}

static void hpet_save(struct device *dev, struct state *s)
{
    hpet_state((struct hpet *)dev, s, false);
}

static bool hpet_sane(const struct hpet *h, uint64_t now)
{
    bool sane = !(h->config & ~(uint64_t)(HPET_CONFIG_ENABLE | HPET_CONFIG_LEGACY)) && h->status < 1u << HPET_TIMERS &&
                h->start <= now;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        const struct hpet_timer *t = &h->timer[n];
        unsigned route = (t->config & HPET_TN_ROUTE) >> HPET_TN_ROUTE_SHIFT;
        sane &= (t->config & ~(uint64_t)TN_WRITABLE) == TN_CAPABILITIES && (!route || ROUTES >> route & 1) &&
                !((t->comparator | t->period) & ~timer_mask(t));
    }
    return sane;
}

static void hpet_load(struct device *dev, struct state *s)
{
    struct hpet *h = (struct hpet *)dev;
    uint64_t now = hpet_now(h);
    hpet_reset(dev);
    hpet_state(h, s, true);
    if (s->error || !hpet_sane(h, now)) {
        s->error = true;
        h->status = 0;
        hpet_reset(dev);
        return;
    }
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        struct irq_line line = timer_line(h, n);
        if (h->status & 1u << n && h->timer[n].config & HPET_TN_INT_ENABLE)
            irq_line_set(&line, true);
    }
    arm_all(h, now);
}

static const struct device_ops hpet_ops = {
    .name = "hpet",
    .read = hpet_read,
    .write = hpet_write,
    .reset = hpet_reset,
    .save = hpet_save,
    .load = hpet_load,
    .max_size = 8,
};

void hpet_init(struct hpet *h, struct clock *clock, struct irq_line irq0, struct irq_line irq8, struct irq_line pins)
{
    *h = (struct hpet){.irq0 = irq0, .irq8 = irq8, .pins = pins};
    device_init(&h->dev, &hpet_ops, clock);
    device_add_range(&h->dev, IO_MMIO, HPET_BASE, HPET_SIZE);
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        timer_register(clock, &h->timer[n].match, &h->dev, hpet_fire);
    hpet_reset(&h->dev);
}
