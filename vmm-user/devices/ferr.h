// SPDX-License-Identifier: MIT
// The AT's wiring of x87 errors: FERR# is latched as IRQ 13, a write to port F0h or F1h clears it.
#pragma once
#include "vmm-user/device.h"

struct ferr {
    struct device dev;
    struct irq_line irq;
    bool latched;
};

// The processor stands before a floating-point instruction with an error unmasked, and CR0.NE is clear.
void ferr_assert(struct ferr *f);

void ferr_init(struct ferr *f, struct clock *clock, struct irq_line irq);
