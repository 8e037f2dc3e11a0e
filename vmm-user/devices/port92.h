// SPDX-License-Identifier: MIT
// System control port A of the PS/2: fast A20 gate and fast reset.
#pragma once
#include "pc/i8042.h"
#include "vmm-user/device.h"

struct port92 {
    struct device dev;
    struct irq_line a20;
    struct power_backend power;
    uint8_t value;
};

// The gate was switched elsewhere: the register shows it.
static inline void port92_follow(struct port92 *p, bool a20)
{
    p->value = (uint8_t)((p->value & ~PORT92_A20) | (a20 ? PORT92_A20 : 0));
}

void port92_init(struct port92 *p, struct clock *clock, struct irq_line a20, struct power_backend power);
