// SPDX-License-Identifier: MIT
// The two cascaded 8259A of a PC. Intel 8259A data sheet; ELCR as in the PIIX.
#pragma once
#include "vmm-user/device.h"

struct pic_chip {
    uint8_t lines, irr, imr, isr; // inputs as they are now; requests; masks; in service
    uint8_t elcr;                 // 1: that input is level triggered
    uint8_t base;                 // vector of IR0
    uint8_t lowest;               // the input of lowest priority
    uint8_t init_step;            // next ICW expected at the data port, 0: none
    bool need_icw4, single, aeoi, sfnm;
    bool rotate_aeoi, special_mask, read_isr, poll;
};

struct pic {
    struct device dev;
    struct pic_chip chip[2]; // master, slave
    struct irq_line out;     // INTR
    bool intr;               // level of `out`
};

void pic_init(struct pic *pic, struct clock *clock, struct irq_line out);

// Input 0..15; edges are latched until acknowledged, so that a pulse is enough. Input 2 is the cascade and not
// connected.
void pic_set_irq(struct pic *pic, unsigned irq, bool level);

// The INTA cycle: the vector. A request that went away yields the spurious vector of input 7.
int pic_ack(struct pic *pic);

static inline bool pic_pending(const struct pic *pic)
{
    return pic->intr;
}
