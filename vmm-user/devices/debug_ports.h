// SPDX-License-Identifier: MIT
// Ports of test kernels and firmware: POST codes, debug console, exit code, the string "Shutdown".
#pragma once
#include "vmm-user/device.h"

struct debug_ports {
    struct device dev;
    struct char_backend console;
    struct power_backend power;
    uint8_t post;     // the last code at port 80h
    uint8_t shutdown; // characters of "Shutdown" seen
    char why[24];     // the reason that the power backend was given
};

void debug_ports_init(struct debug_ports *d, struct clock *clock, struct char_backend console,
                      struct power_backend power);
