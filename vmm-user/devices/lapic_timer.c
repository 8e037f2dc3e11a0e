// SPDX-License-Identifier: MIT
// One-shot, periodic and TSC-deadline mode, computed from the clock (SDM 3A, 11.5.4). The timer of the clock runs only
// while the LVT is open.
#include "vmm-user/devices/lapic_parts.h"

#define MIN_PERIOD_HZ 50000 // a guest that asks for more interrupts gets this many

static uint64_t timer_now(const struct lapic *l)
{
    return l->dev.clock->now(l->dev.clock);
}

static bool timer_masked(const struct lapic *l)
{
    return l->regs[LAPIC_LVT_TIMER / 4] & LAPIC_LVT_MASKED;
}

static unsigned timer_shift(const struct lapic *l)
{
    uint32_t divide = l->regs[LAPIC_TIMER_DIVIDE / 4];
    return ((divide & 3) + (divide >> 1 & 4) + 1) & 7;
}

// Ticks of the TSC until the count is 0: the timer's clock is the TSC's, as CPUID 15h says.
static uint64_t timer_period(const struct lapic *l)
{
    return (uint64_t)l->regs[LAPIC_TIMER_INITIAL / 4] << timer_shift(l);
}

static uint64_t timer_elapsed(const struct lapic *l, uint64_t now)
{
    return now - l->timer_start;
}

static uint32_t timer_count(const struct lapic *l, uint64_t now)
{
    uint64_t period = timer_period(l), elapsed = timer_elapsed(l, now);
    if (!l->timer_running || !period)
        return 0;
    if (l->timer_mode == LAPIC_LVT_TIMER_PERIODIC)
        elapsed %= period;
    if (elapsed >= period)
        return 0;
    unsigned shift = timer_shift(l);
    return (uint32_t)((period - elapsed + (1u << shift) - 1) >> shift);
}

static uint64_t counting_deadline(const struct lapic *l, uint64_t now)
{
    uint64_t period = timer_period(l), elapsed = timer_elapsed(l, now);
    if (!l->timer_running || !period)
        return TIMER_NEVER;
    if (l->timer_mode != LAPIC_LVT_TIMER_PERIODIC)
        return elapsed < period ? l->timer_start + period : TIMER_NEVER;
    uint64_t next = l->timer_start + (elapsed / period + 1) * period;
    uint64_t soonest = now + l->dev.clock->tsc_hz / MIN_PERIOD_HZ;
    return period < l->dev.clock->tsc_hz / MIN_PERIOD_HZ && next < soonest ? soonest : next;
}

static uint64_t tsc_deadline(const struct lapic *l, uint64_t now)
{
    uint64_t tsc = now + l->tsc_offset;
    if (!l->deadline)
        return TIMER_NEVER;
    uint64_t left = l->deadline > tsc ? l->deadline - tsc : 0;
    return left < TIMER_NEVER - now ? now + left : TIMER_NEVER - 1;
}

void lapic_timer_arm(struct lapic *l, uint64_t now)
{
    uint64_t deadline = TIMER_NEVER;
    if (!timer_masked(l))
        deadline = l->timer_mode == LAPIC_LVT_TIMER_DEADLINE ? tsc_deadline(l, now) : counting_deadline(l, now);
    if (deadline != l->timer.deadline)
        timer_set(l->dev.clock, &l->timer, deadline);
}

static void timer_fire(struct device *dev, uint64_t now)
{
    struct lapic *l = (struct lapic *)dev;
    if (timer_masked(l))
        return;
    l->deadline = 0;
    lapic_accept(l, (uint8_t)l->regs[LAPIC_LVT_TIMER / 4], false);
    if (l->timer_mode == LAPIC_LVT_TIMER_PERIODIC)
        lapic_timer_arm(l, now);
}

void lapic_timer_settle(struct lapic *l, uint64_t now)
{
    if (l->timer.deadline <= now) {
        timer_set(l->dev.clock, &l->timer, TIMER_NEVER);
        timer_fire(&l->dev, now);
    }
    if (l->deadline && l->deadline <= now + l->tsc_offset)
        l->deadline = 0; // passed while masked
}

// Lets the count go on from `count`.
static void timer_continue(struct lapic *l, uint32_t count, uint64_t now)
{
    uint64_t done = (uint64_t)(l->regs[LAPIC_TIMER_INITIAL / 4] - count) << timer_shift(l);
    l->timer_running = count != 0;
    l->timer_start = now - done;
}

void lapic_timer_lvt_written(struct lapic *l)
{
    uint64_t now = timer_now(l);
    uint32_t mode = l->regs[LAPIC_LVT_TIMER / 4] & LAPIC_LVT_TIMER_MODE;
    lapic_timer_settle(l, now);
    if (mode != l->timer_mode) {
        uint32_t count = timer_count(l, now);
        bool deadline = mode == LAPIC_LVT_TIMER_DEADLINE || l->timer_mode == LAPIC_LVT_TIMER_DEADLINE;
        l->timer_mode = mode;
        if (deadline) { // disarms
            l->timer_running = false;
            l->deadline = 0;
        } else {
            timer_continue(l, count, now);
        }
    }
    lapic_timer_arm(l, now);
}

void lapic_timer_initial_written(struct lapic *l)
{
    if (l->timer_mode == LAPIC_LVT_TIMER_DEADLINE) {
        l->regs[LAPIC_TIMER_INITIAL / 4] = 0;
        return;
    }
    uint64_t now = timer_now(l);
    lapic_timer_settle(l, now);
    l->timer_start = now;
    l->timer_running = l->regs[LAPIC_TIMER_INITIAL / 4] != 0;
    lapic_timer_arm(l, now);
}

// The page has the new divider already; the count up to here was made by the old one.
void lapic_timer_divide_written(struct lapic *l)
{
    uint64_t now = timer_now(l);
    uint32_t written = l->regs[LAPIC_TIMER_DIVIDE / 4];
    l->regs[LAPIC_TIMER_DIVIDE / 4] = l->timer_divide;
    lapic_timer_settle(l, now);
    uint32_t count = timer_count(l, now);
    l->regs[LAPIC_TIMER_DIVIDE / 4] = l->timer_divide = written;
    if (l->timer_running)
        timer_continue(l, count, now);
    lapic_timer_arm(l, now);
}

uint32_t lapic_timer_current(struct lapic *l)
{
    return timer_count(l, timer_now(l));
}

uint64_t lapic_timer_deadline(struct lapic *l)
{
    lapic_timer_settle(l, timer_now(l));
    return l->deadline;
}

// What a tickless kernel writes all the time: a deadline to come, with the last one over, takes the short way.
void lapic_timer_set_deadline(struct lapic *l, uint64_t deadline)
{
    if (l->timer_mode != LAPIC_LVT_TIMER_DEADLINE)
        return;
    uint64_t now = timer_now(l);
    if (l->timer.deadline <= now)
        lapic_timer_settle(l, now);
    l->deadline = deadline;
    if (deadline > now + l->tsc_offset && !timer_masked(l)) {
        timer_set(l->dev.clock, &l->timer, tsc_deadline(l, now));
        return;
    }
    lapic_timer_arm(l, now);
    lapic_timer_settle(l, now);
}

void lapic_timer_init(struct lapic *l)
{
    timer_register(l->dev.clock, &l->timer, &l->dev, timer_fire);
}

void lapic_timer_reset(struct lapic *l)
{
    l->timer_mode = LAPIC_LVT_TIMER_ONE_SHOT;
    l->timer_running = false;
    l->timer_divide = 0;
    l->deadline = 0;
    timer_set(l->dev.clock, &l->timer, TIMER_NEVER);
}
