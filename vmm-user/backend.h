// SPDX-License-Identifier: MIT
// What the VMM offers to its devices: time, interrupt lines, a console, the machine's power. Devices know nothing else.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An interrupt wire. The machine connects it to the interrupt controllers; a NULL `set` is an open wire.
struct irq_line {
    void (*set)(void *ctx, unsigned line, bool level);
    void *ctx;
    unsigned line;
};

static inline void irq_line_set(const struct irq_line *irq, bool level)
{
    if (irq->set)
        irq->set(irq->ctx, irq->line, level);
}

static inline void irq_line_pulse(const struct irq_line *irq)
{
    irq_line_set(irq, true);
    irq_line_set(irq, false);
}

// Time is the guest's TSC: monotonic, `tsc_hz` per second, stopped while the VM is paused. TIMER_NEVER means unarmed.
#define TIMER_NEVER UINT64_MAX

struct device;
struct dev_timer {
    uint64_t deadline;                              // guest TSC
    void (*fire)(struct device *dev, uint64_t now); // called at or after the deadline, disarmed first
    struct device *dev;
    struct dev_timer *next; // the clock's list of registered timers
};

struct clock {
    uint64_t tsc_hz;
    uint64_t (*now)(struct clock *); // guest TSC now
    void (*changed)(struct clock *,
                    struct dev_timer *); // a timer was armed or disarmed: the earliest deadline may differ
    uint64_t (*wall)(struct clock *);    // nanoseconds since 1970-01-01 UTC at guest TSC now
    struct dev_timer *timers;            // all registered timers
};

// value * mul / div without overflow of the product (128 bits); the quotient must fit 64 bits: callers pass elapsed
// times, not garbage.
static inline uint64_t mul_div(uint64_t value, uint64_t mul, uint64_t div)
{
    uint64_t high, low, quotient, rest;
    __asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(value), "rm"(mul) : "cc");
    if (high >= div)
        return UINT64_MAX;
    __asm__("divq %4" : "=a"(quotient), "=d"(rest) : "0"(low), "1"(high), "rm"(div) : "cc");
    return quotient;
}

static inline void timer_register(struct clock *clock, struct dev_timer *t, struct device *dev,
                                  void (*fire)(struct device *, uint64_t))
{
    *t = (struct dev_timer){.deadline = TIMER_NEVER, .fire = fire, .dev = dev, .next = clock->timers};
    clock->timers = t;
}

static inline void timer_set(struct clock *clock, struct dev_timer *t, uint64_t deadline)
{
    t->deadline = deadline;
    if (clock->changed)
        clock->changed(clock, t);
}

// The far end of a serial line or of a keyboard. `put` never blocks: what does not fit is dropped by the backend.
struct char_backend {
    void (*put)(void *ctx, uint8_t byte);
    void *ctx;
};

enum power_action {
    POWER_OFF,
    POWER_RESET,
    POWER_RESET_CPU, // the processor's reset line alone
    POWER_SLEEP,     // ACPI S3: memory keeps what it has, nothing runs
};

struct power_backend {
    void (*request)(void *ctx, enum power_action action, const char *why);
    void *ctx;
};
