// SPDX-License-Identifier: MIT
#include "vmm-user/devices/pit8254.h"
#include "pc/pit8254.h"

#define PIT_MAX_EDGES_HZ  50000 // a guest that asks for more interrupts gets this many
#define PIT_REFRESH_TICKS 18    // 15 us

enum pit_mode { MODE_TERMINAL, MODE_ONE_SHOT, MODE_RATE, MODE_SQUARE, MODE_STROBE, MODE_HW_STROBE };

static uint64_t pit_now(struct pit *pit)
{
    return pit->dev.clock->now(pit->dev.clock);
}

// The first TSC at which `ticks` are complete.
static uint64_t ticks_to_tsc(const struct pit *pit, uint64_t ticks)
{
    return mul_div(ticks, pit->dev.clock->tsc_hz, PIT_HZ) + 1;
}

static bool counter_periodic(const struct pit_counter *c)
{
    return c->mode == MODE_RATE || c->mode == MODE_SQUARE;
}

static bool counter_triggered_by_gate(const struct pit_counter *c)
{
    return c->mode == MODE_ONE_SHOT || c->mode == MODE_HW_STROBE;
}

static uint64_t counter_ticks(const struct pit *pit, const struct pit_counter *c, uint64_t now)
{
    return c->running ? mul_div(now - c->start, PIT_HZ, pit->dev.clock->tsc_hz) : c->frozen;
}

static void counter_account(struct pit_counter *c, uint64_t edges)
{
    uint64_t owed = c->owed + (edges - c->edges);
    c->owed = owed < PIT_BACKLOG ? (uint32_t)owed : PIT_BACKLOG;
    c->edges = edges;
}

// Brings a periodic counter up to `now`: loads a count that waited for the end of the period, accounts for the edges.
static void counter_advance(const struct pit *pit, struct pit_counter *c, uint64_t now)
{
    if (!c->running || !counter_periodic(c))
        return;
    if (c->next_count && now >= c->reload_at) {
        counter_account(c, counter_ticks(pit, c, c->reload_at) / c->count);
        c->start = c->reload_at;
        c->count = c->next_count;
        c->next_count = 0;
        c->edges = 0;
    }
    counter_account(c, counter_ticks(pit, c, now) / c->count);
}

static void counter_start(struct pit_counter *c, uint64_t now)
{
    c->start = now;
    c->running = true;
    c->edges = 0;
    c->frozen = 0;
}

static bool counter_out(const struct pit *pit, const struct pit_counter *c, uint64_t now)
{
    if (!c->count)
        return c->mode != MODE_TERMINAL;
    uint64_t t = counter_ticks(pit, c, now);
    switch (c->mode) {
    case MODE_TERMINAL:
        return t >= c->count;
    case MODE_ONE_SHOT:
        return !c->running || t >= c->count;
    case MODE_RATE:
        return !c->running || t % c->count != c->count - 1;
    case MODE_SQUARE:
        return !c->running || t % c->count < (c->count + 1) / 2;
    default:
        return t != c->count;
    }
}

static uint16_t to_bcd(uint32_t v)
{
    v %= 10000;
    return (uint16_t)((v / 1000) << 12 | (v / 100 % 10) << 8 | (v / 10 % 10) << 4 | v % 10);
}

static uint16_t counter_value(const struct pit *pit, const struct pit_counter *c, uint64_t now)
{
    if (!c->count)
        return 0;
    uint32_t wrap = c->bcd ? 10000 : 65536, half = (c->count + 1) / 2;
    uint64_t t = counter_ticks(pit, c, now);
    uint32_t phase = (uint32_t)(t % c->count), value;
    if (c->mode == MODE_RATE)
        value = c->count - phase;
    else if (c->mode == MODE_SQUARE)
        value = (c->count & ~1u) - 2 * (phase < half ? phase : phase - half);
    else
        value = (uint32_t)((c->count + wrap - t % wrap) % wrap);
    return c->bcd ? to_bcd(value) : (uint16_t)value;
}

// Sets the timer for counter 0's next rising edge.
static void pit_arm(struct pit *pit, uint64_t now)
{
    const struct pit_counter *c = &pit->counter[0];
    uint64_t deadline = TIMER_NEVER, soonest = now + pit->dev.clock->tsc_hz / PIT_MAX_EDGES_HZ;
    if (c->running && counter_periodic(c)) {
        deadline = c->start + ticks_to_tsc(pit, (c->edges + 1) * c->count);
        if (c->next_count && c->reload_at < deadline)
            deadline = c->reload_at;
        uint64_t catch_up = now + ticks_to_tsc(pit, c->count) / 8; // until the backlog is gone
        if (c->owed && catch_up < deadline)
            deadline = catch_up;
        if (deadline < soonest)
            deadline = soonest;
    } else if (c->running && !c->edges && (c->mode == MODE_TERMINAL || c->mode == MODE_STROBE)) {
        deadline = c->start + ticks_to_tsc(pit, c->count + (c->mode == MODE_STROBE));
    }
    if (deadline != pit->edge.deadline)
        timer_set(pit->dev.clock, &pit->edge, deadline);
}

static void pit_fire(struct device *dev, uint64_t now)
{
    struct pit *pit = (struct pit *)dev;
    struct pit_counter *c = &pit->counter[0];
    if (c->running && counter_periodic(c)) {
        counter_advance(pit, c, now);
        if (c->owed) {
            c->owed--;
            irq_line_pulse(&pit->irq);
        }
    } else if (c->running) {
        c->edges = 1;
        irq_line_set(&pit->irq, true);
        if (c->mode != MODE_TERMINAL)
            irq_line_set(&pit->irq, false);
    }
    pit_arm(pit, now);
}

static uint32_t count_from_guest(const struct pit_counter *c, uint16_t v)
{
    if (c->bcd)
        v = (uint16_t)(((v >> 12) * 1000 + (v >> 8 & 15) * 100 + (v >> 4 & 15) * 10 + (v & 15)) % 10000);
    return v ? v : c->bcd ? 10000 : 65536;
}

// A complete count arrived.
static void counter_load(struct pit *pit, unsigned n, uint16_t v)
{
    struct pit_counter *c = &pit->counter[n];
    uint64_t now = pit_now(pit);
    uint32_t count = count_from_guest(c, v);
    if (counter_periodic(c) && c->running) {
        counter_advance(pit, c, now);
        c->next_count = count;
        c->reload_at = c->start + ticks_to_tsc(pit, (c->edges + 1) * c->count);
    } else {
        c->count = count;
        if (!counter_triggered_by_gate(c)) {
            counter_start(c, now);
            c->running = c->gate;
        }
    }
    if (n == 0) {
        if (c->mode == MODE_TERMINAL)
            irq_line_set(&pit->irq, false);
        pit_arm(pit, now);
    }
}

static void counter_write(struct pit *pit, unsigned n, uint8_t v)
{
    struct pit_counter *c = &pit->counter[n];
    if (c->access == PIT_ACCESS_LOW) {
        counter_load(pit, n, v);
    } else if (c->access == PIT_ACCESS_HIGH) {
        counter_load(pit, n, (uint16_t)(v << 8));
    } else if (c->write_high) {
        c->write_high = false;
        counter_load(pit, n, (uint16_t)(v << 8 | c->low));
    } else {
        c->low = v;
        c->write_high = true;
        if (c->mode == MODE_TERMINAL && c->running) { // the first byte stops the count
            c->frozen = counter_ticks(pit, c, pit_now(pit));
            c->running = false;
        }
    }
}

static uint8_t counter_read(struct pit *pit, struct pit_counter *c)
{
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    bool high = c->access == PIT_ACCESS_HIGH || (c->access == PIT_ACCESS_BOTH && c->read_high);
    if (c->access == PIT_ACCESS_BOTH)
        c->read_high = !c->read_high;
    uint16_t value = c->latch;
    if (c->latched) {
        c->latched--;
    } else {
        uint64_t now = pit_now(pit);
        counter_advance(pit, c, now);
        value = counter_value(pit, c, now);
    }
    return (uint8_t)(high ? value >> 8 : value);
}

static void counter_latch(struct pit *pit, struct pit_counter *c, uint64_t now)
{
    if (c->latched)
        return;
    counter_advance(pit, c, now);
    c->latch = counter_value(pit, c, now);
    c->latched = c->access == PIT_ACCESS_BOTH ? 2 : 1;
}

static void counter_latch_status(struct pit *pit, struct pit_counter *c, uint64_t now)
{
    if (c->status_latched)
        return;
    counter_advance(pit, c, now);
    c->status =
        (uint8_t)((counter_out(pit, c, now) ? PIT_STATUS_OUT : 0) |
                  (!c->count || c->next_count ? PIT_STATUS_NULL_COUNT : 0) | c->access << 4 | c->mode << 1 | c->bcd);
    c->status_latched = true;
}

static void pit_read_back(struct pit *pit, uint8_t v)
{
    uint64_t now = pit_now(pit);
    for (unsigned n = 0; n < 3; n++) {
        if (!(v & (2u << n)))
            continue;
        if (!(v & PIT_READ_BACK_COUNT))
            counter_latch(pit, &pit->counter[n], now);
        if (!(v & PIT_READ_BACK_STATUS))
            counter_latch_status(pit, &pit->counter[n], now);
    }
}

static void pit_write_control(struct pit *pit, uint8_t v)
{
    unsigned n = v >> 6, access = v >> 4 & 3, mode = v >> 1 & 7;
    if (n == PIT_READ_BACK) {
        pit_read_back(pit, v);
        return;
    }
    struct pit_counter *c = &pit->counter[n];
    if (access == PIT_LATCH) {
        counter_latch(pit, c, pit_now(pit));
        return;
    }
    *c = (struct pit_counter){
        .mode = (uint8_t)(mode > MODE_HW_STROBE ? mode & 3 : mode), // 6 and 7 are 2 and 3
        .access = (uint8_t)access,
        .bcd = v & PIT_BCD,
        .gate = c->gate,
    };
    if (n == 0) {
        irq_line_set(&pit->irq, false);
        pit_arm(pit, pit_now(pit));
    }
}

static void counter_set_gate(struct pit *pit, struct pit_counter *c, bool gate)
{
    if (c->gate == gate)
        return;
    c->gate = gate;
    if (!c->count)
        return;
    uint64_t now = pit_now(pit);
    counter_advance(pit, c, now);
    if (counter_triggered_by_gate(c)) {
        if (gate)
            counter_start(c, now);
    } else if (!gate) {
        c->frozen = counter_ticks(pit, c, now);
        c->running = false;
    } else {
        uint64_t counted = counter_periodic(c) ? 0 : c->frozen;
        if (counter_periodic(c) && c->next_count)
            c->count = c->next_count;
        c->next_count = 0;
        counter_start(c, now - mul_div(counted, pit->dev.clock->tsc_hz, PIT_HZ));
    }
}

static uint8_t pit_read_port61(struct pit *pit)
{
    uint64_t now = pit_now(pit);
    struct pit_counter *c = &pit->counter[2];
    counter_advance(pit, c, now);
    bool refresh = mul_div(now, PIT_HZ, pit->dev.clock->tsc_hz) / PIT_REFRESH_TICKS & 1;
    return (uint8_t)(pit->port61 | (refresh ? PORT61_REFRESH : 0) | (counter_out(pit, c, now) ? PORT61_OUT2 : 0));
}

static uint64_t pit_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)size;
    struct pit *pit = (struct pit *)dev;
    if (port == PIT_PORT61)
        return pit_read_port61(pit);
    if (port == PIT_CONTROL)
        return 0xff;
    return counter_read(pit, &pit->counter[port & 3]);
}

static void pit_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space, (void)size;
    struct pit *pit = (struct pit *)dev;
    if (port == PIT_PORT61) {
        pit->port61 = value & 0x0f;
        counter_set_gate(pit, &pit->counter[2], value & PORT61_GATE2);
    } else if (port == PIT_CONTROL) {
        pit_write_control(pit, (uint8_t)value);
    } else {
        counter_write(pit, port & 3, (uint8_t)value);
    }
}

static void pit_reset(struct device *dev)
{
    struct pit *pit = (struct pit *)dev;
    for (unsigned n = 0; n < 3; n++)
        pit->counter[n] = (struct pit_counter){.mode = MODE_SQUARE, .access = PIT_ACCESS_BOTH, .gate = n != 2};
    pit->port61 = 0;
    irq_line_set(&pit->irq, false);
    timer_set(dev->clock, &pit->edge, TIMER_NEVER);
}

static void counter_state(struct pit_counter *c, struct state *s)
{
    uint32_t *words[] = {&c->count, &c->next_count, &c->owed};
    uint64_t *quads[] = {&c->start, &c->frozen, &c->reload_at, &c->edges};
    uint8_t *bytes[] = {&c->latched, &c->status, &c->mode, &c->access, &c->low};
    bool *flags[] = {&c->bcd, &c->gate, &c->running, &c->status_latched, &c->read_high, &c->write_high};
    STATE_EACH(s, words);
    STATE_EACH(s, quads);
    STATE(s, c->latch);
    STATE_EACH(s, bytes);
    STATE_EACH(s, flags);
}

static bool counter_sane(const struct pit *pit, const struct pit_counter *c, uint64_t now)
{
    uint64_t ticks = mul_div(now, PIT_HZ, pit->dev.clock->tsc_hz); // more than these cannot have been counted
    bool counts = c->count <= 65536 && c->next_count <= 65536 && (c->count || (!c->running && !c->next_count));
    bool times = c->start <= now && c->frozen <= ticks && c->edges <= ticks && c->owed <= PIT_BACKLOG &&
                 (!c->next_count || c->reload_at >= c->start);
    return counts && times && c->mode <= MODE_HW_STROBE && c->access >= PIT_ACCESS_LOW &&
           c->access <= PIT_ACCESS_BOTH && c->latched <= 2;
}

static void pit_state(struct device *dev, struct state *s)
{
    struct pit *pit = (struct pit *)dev;
    for (unsigned n = 0; n < 3; n++)
        counter_state(&pit->counter[n], s);
    STATE(s, pit->port61);
}

static bool pit_loaded(struct device *dev)
{
    struct pit *pit = (struct pit *)dev;
    uint64_t now = pit_now(pit);
    for (unsigned n = 0; n < 3; n++)
        if (!counter_sane(pit, &pit->counter[n], now))
            return false;
    pit->port61 &= 0x0f;
    const struct pit_counter *c = &pit->counter[0];
    irq_line_set(&pit->irq, c->mode == MODE_TERMINAL && c->count && c->edges);
    pit->edge.deadline = TIMER_NEVER;
    pit_arm(pit, now);
    return true;
}

static const struct device_ops pit_ops = {
    .name = "pit8254",
    .read = pit_read,
    .write = pit_write,
    .reset = pit_reset,
    .version = 1,
    .state = pit_state,
    .loaded = pit_loaded,
    .max_size = 1,
};

void pit_init(struct pit *pit, struct clock *clock, struct irq_line irq)
{
    *pit = (struct pit){.irq = irq};
    device_init(&pit->dev, &pit_ops, clock);
    device_add_range(&pit->dev, IO_PORT, PIT_COUNTER0, 4);
    device_add_range(&pit->dev, IO_PORT, PIT_PORT61, 1);
    timer_register(clock, &pit->edge, &pit->dev, pit_fire);
    pit_reset(&pit->dev);
}
