// SPDX-License-Identifier: MIT
// Loopback ports, interrupt lines by port, and a memory window, for test kernels.
#pragma once
#include "pc/test_device.h"
#include "vmm-user/device.h"

struct test_device {
    struct device dev;
    struct irq_line irq; // lines irq.line + 0..TEST_IRQ_LINES
    uint8_t loopback[4];
    uint8_t window[TEST_WINDOW_SIZE];
};

void test_device_init(struct test_device *t, struct clock *clock, struct irq_line irq);
