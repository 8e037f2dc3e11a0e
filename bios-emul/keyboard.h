// SPDX-License-Identifier: MIT
// The keyboard's bits in the data area.
#pragma once
#include "bios-emul/internal.h"

#define KBD_RIGHT_SHIFT 0x01 // 40:17
#define KBD_LEFT_SHIFT  0x02
#define KBD_CTRL        0x04
#define KBD_ALT         0x08
#define KBD_SCROLL      0x10
#define KBD_NUM         0x20
#define KBD_CAPS        0x40
#define KBD_INSERT      0x80

#define KBD2_LEFT_CTRL 0x01 // 40:18
#define KBD2_LEFT_ALT  0x02
#define KBD2_SYSREQ    0x04
#define KBD2_PAUSE     0x08
#define KBD2_SCROLL    0x10
#define KBD2_NUM       0x20
#define KBD2_CAPS      0x40
#define KBD2_INSERT    0x80

#define KBD3_E1         0x01 // 40:96
#define KBD3_E0         0x02
#define KBD3_RIGHT_CTRL 0x04
#define KBD3_RIGHT_ALT  0x08
#define KBD3_ENHANCED   0x10

#define KBD_LEDS        0x07 // 40:97
#define KBD_LEDS_UPDATE 0x40

// Appends a word to the buffer. False if it is full.
bool key_store(struct bios *b, uint16_t word);
