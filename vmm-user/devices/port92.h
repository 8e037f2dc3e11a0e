// SPDX-License-Identifier: GPL-2.0-only
// System control port A of the PS/2: fast A20 gate and fast reset.
#pragma once
#include "vmm-user/device.h"

struct port92 {
    struct device dev;
    struct irq_line a20;
    struct power_backend power;
    uint8_t value;
};

void port92_init(struct port92 *p, struct clock *clock, struct irq_line a20, struct power_backend power);
