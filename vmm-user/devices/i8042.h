// SPDX-License-Identifier: MIT
// 8042 keyboard controller with a keyboard and a mouse. Bytes of the devices follow each other as on their wires, so
// that software that reads port 60h twice for one interrupt sees the same byte twice.
#pragma once
#include "pc/i8042.h"
#include "vmm-user/device.h"
#include "vmm-user/devices/ps2.h"

struct i8042_wires {
    struct irq_line keyboard, aux; // IRQ 1 and 12
    struct irq_line a20;           // P21: the A20 gate
    struct power_backend power;    // P20: reset
};

struct i8042 {
    struct device dev;
    struct dev_timer next; // the next byte of a device arrives
    struct i8042_wires wires;
    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
    uint64_t ready_at; // TSC before which no device's byte arrives
    uint8_t ram[32];   // 0 is the command byte, CTR
    uint8_t status;    // as port 64h reads
    uint8_t data;      // output buffer
    uint8_t command;   // whose data byte is awaited, 0: none
    uint8_t output_port;
    uint8_t reply; // of the controller itself, waiting for the output buffer
    bool has_reply, reply_aux;
    bool breaking; // translation: F0 came from the keyboard
};

void i8042_init(struct i8042 *k, struct clock *clock, struct i8042_wires wires);

// The A20 gate was switched elsewhere: the output port shows it.
static inline void i8042_follow(struct i8042 *k, bool a20)
{
    k->output_port = (uint8_t)((k->output_port & ~I8042_OUTPUT_A20) | (a20 ? I8042_OUTPUT_A20 : 0));
}

// One key event as bytes of scan code set 2, e.g. {0xf0, 0x1c}. False: no room now, try again later.
bool i8042_key(struct i8042 *k, const uint8_t *codes, unsigned n);

void i8042_mouse(struct i8042 *k, int dx, int dy, int dz, unsigned buttons);
