// SPDX-License-Identifier: MIT
#include "vmm-user/clock.h"

#define ROUNDS 64 // of timers that arm themselves anew in the past

static struct vm_clock *vm_clock_of(struct clock *clock)
{
    return (struct vm_clock *)((char *)clock - offsetof(struct vm_clock, clock));
}

static uint64_t clock_now(struct clock *clock)
{
    return host_tsc() + vm_clock_of(clock)->offset;
}

static uint64_t clock_stopped(struct clock *clock)
{
    return vm_clock_of(clock)->stopped_at;
}

void vm_clock_stop(struct vm_clock *c)
{
    c->stopped_at = clock_now(&c->clock);
    c->clock.now = clock_stopped;
}

void vm_clock_go(struct vm_clock *c)
{
    c->offset = c->stopped_at - host_tsc();
    c->clock.now = clock_now;
}

static void clock_changed(struct clock *clock, struct dev_timer *timer)
{
    struct vm_clock *c = vm_clock_of(clock);
    (void)timer;
    __atomic_fetch_or(c->changed, c->changed_bit, __ATOMIC_RELAXED);
}

static uint64_t clock_wall(struct clock *clock)
{
    struct vm_clock *c = vm_clock_of(clock);
    return c->wall_ns + mul_div(host_tsc(), 1000000000, clock->tsc_hz);
}

void vm_clock_init(struct vm_clock *c, uint64_t tsc_hz, uint64_t wall_ns, uint32_t *changed, uint32_t changed_bit)
{
    *c = (struct vm_clock){
        .clock = {.tsc_hz = tsc_hz, .now = clock_now, .changed = clock_changed, .wall = clock_wall},
        .offset = 0 - host_tsc(),
        .wall_ns = wall_ns,
        .changed = changed,
        .changed_bit = changed_bit,
    };
}

static struct dev_timer *earliest(const struct vm_clock *c)
{
    struct dev_timer *first = NULL;
    uint64_t deadline = TIMER_NEVER;
    for (struct dev_timer *t = c->clock.timers; t; t = t->next)
        if (t->deadline < deadline) {
            deadline = t->deadline;
            first = t;
        }
    return first;
}

void vm_clock_run(struct vm_clock *c)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct dev_timer *t = earliest(c);
        uint64_t now = clock_now(&c->clock);
        if (!t || t->deadline > now)
            break;
        t->deadline = TIMER_NEVER;
        t->fire(t->dev, now);
    }
    __atomic_fetch_or(c->changed, c->changed_bit, __ATOMIC_RELAXED);
}

uint64_t vm_clock_deadline(const struct vm_clock *c)
{
    const struct dev_timer *t = earliest(c);
    if (!t)
        return 0;
    uint64_t deadline = t->deadline - c->offset;
    return deadline < 2 ? 2 : deadline;
}
