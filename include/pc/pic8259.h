// SPDX-License-Identifier: MIT
// Intel 8259A interrupt controllers of a PC (two, cascaded on IR2) and the edge/level registers of the chipsets.
#pragma once

#define PIC_MASTER_COMMAND 0x20
#define PIC_MASTER_DATA    0x21
#define PIC_SLAVE_COMMAND  0xa0
#define PIC_SLAVE_DATA     0xa1
#define PIC_ELCR_MASTER    0x4d0
#define PIC_ELCR_SLAVE     0x4d1
#define PIC_ELCR_MASTER_OK 0xf8 // IRQ 0, 1, 2 are always edge triggered
#define PIC_ELCR_SLAVE_OK  0xde // so are 8 and 13
#define PIC_CASCADE        2

#define PIC_ICW1_INIT   0x10
#define PIC_ICW1_LTIM   0x08 // level triggered
#define PIC_ICW1_SINGLE 0x02
#define PIC_ICW1_IC4    0x01
#define PIC_ICW4_8086   0x01
#define PIC_ICW4_AEOI   0x02
#define PIC_ICW4_SFNM   0x10

#define PIC_OCW2_COMMAND  0xe0 // R, SL, EOI
#define PIC_OCW2_EOI      0x20
#define PIC_OCW2_SPECIFIC 0x60 // + level
#define PIC_OCW3          0x08
#define PIC_OCW3_RR       0x02
#define PIC_OCW3_RIS      0x01
#define PIC_OCW3_POLL     0x04
#define PIC_OCW3_SMM      0x20
#define PIC_OCW3_ESMM     0x40
#define PIC_POLL_PENDING  0x80
