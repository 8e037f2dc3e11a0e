// SPDX-License-Identifier: MIT
// The machine's clock: host TSC plus an offset, and the devices' timers on it. Nothing ticks: the earliest timer is the
// deadline of the vCPU, or how long a halted one sleeps.
#pragma once
#include "vmm-user/backend.h"

struct vm_clock {
    struct clock clock;
    uint64_t offset;     // machine time = host TSC + offset
    uint64_t stopped_at; // machine time, while it stands still
    uint64_t wall_ns;    // 1970 UTC at host TSC 0
    uint32_t *changed;   // set to `changed_bit` when the earliest timer may differ
    uint32_t changed_bit;
};

void vm_clock_init(struct vm_clock *c, uint64_t tsc_hz, uint64_t wall_ns, uint32_t *changed, uint32_t changed_bit);

// Machine time stands still between these two; the wall clock does not.
void vm_clock_stop(struct vm_clock *c);
void vm_clock_go(struct vm_clock *c);

// Fires the timers that are due; each at most a few times, so that a device that is far behind cannot hold the vCPU.
void vm_clock_run(struct vm_clock *c);

// Host TSC at which the earliest timer is due, 0 = none. Never 0 or 1 for one that is due.
uint64_t vm_clock_deadline(const struct vm_clock *c);

static inline uint64_t host_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}
