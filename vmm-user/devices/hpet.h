// SPDX-License-Identifier: MIT
// HPET with three timers of 64 bits at 100 MHz, periodic mode and legacy replacement. IA-PC HPET specification 1.0a.
#pragma once
#include "vmm-user/device.h"

#define HPET_TIMERS 3

struct hpet_timer {
    struct dev_timer match;
    uint64_t config, comparator, period;
};

struct hpet {
    struct device dev;
    struct hpet_timer timer[HPET_TIMERS];
    struct irq_line irq0, irq8; // legacy replacement: timers 0 and 1 in place of PIT and RTC
    struct irq_line pins;       // I/O APIC: the number of the pin is added to `line`
    uint64_t config, status;
    uint64_t counter; // while stopped, or at `start`
    uint64_t start;   // TSC
};

void hpet_init(struct hpet *h, struct clock *clock, struct irq_line irq0, struct irq_line irq8, struct irq_line pins);

// Whether PIT and RTC are cut off from IRQ 0 and 8.
bool hpet_legacy(const struct hpet *h);
