// SPDX-License-Identifier: MIT
// The reset control register at CF9h of Intel chipsets. It lies inside PCI's CONFIG_ADDRESS, which hands byte accesses
// on to it.
#pragma once
#include "vmm-user/device.h"

struct reset_port {
    struct device dev;
    struct power_backend power;
    uint8_t value;
};

void reset_port_init(struct reset_port *r, struct clock *clock, struct power_backend power);
uint8_t reset_port_read(const struct reset_port *r);
void reset_port_write(struct reset_port *r, uint8_t value);
