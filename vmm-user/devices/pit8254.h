// SPDX-License-Identifier: MIT
// The 8254 of a PC and port 61h. Counts are computed from the clock; only counter 0's interrupt has a timer.
// Intel 8254 data sheet, "Mode definitions".
#pragma once
#include "vmm-user/device.h"

#define PIT_BACKLOG 64 // edges of counter 0 that a starved guest still gets

struct pit_counter {
    uint32_t count;      // ticks of a period, 1..65536; 0: none written since the control word
    uint32_t next_count; // written while modes 2, 3 run: loaded at `reload_at`; 0: none
    uint64_t start;      // TSC at which counting began from `count`
    uint64_t frozen;     // ticks counted when the gate closed
    uint64_t reload_at;  // TSC
    uint64_t edges;      // rising edges of OUT since `start` that are accounted for
    uint32_t owed;       // and those not yet delivered
    uint16_t latch;
    uint8_t latched; // how many bytes of `latch` are to be read
    uint8_t status;
    uint8_t mode, access;
    uint8_t low; // first byte of a two-byte write
    bool bcd, gate, running;
    bool status_latched, read_high, write_high;
};

struct pit {
    struct device dev;
    struct pit_counter counter[3];
    struct dev_timer edge; // next rising edge of counter 0
    struct irq_line irq;
    uint8_t port61; // written bits
};

void pit_init(struct pit *pit, struct clock *clock, struct irq_line irq);
