// SPDX-License-Identifier: MIT
// A PC keyboard (scan-code set 1, US layout) as a terminal's bytes. Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define KEYBOARD_BYTES 8

struct keyboard {
    bool shift, ctrl, alt, caps, extended;
    uint8_t skip;   // bytes of the Pause key still to come
    uint8_t chosen; // Alt and F1 to F12 were pressed: 1 to 12, for who takes it to set back to 0. They send nothing
};

unsigned keyboard_scan(struct keyboard *k, uint8_t code, char out[KEYBOARD_BYTES]); // how many bytes the key sends
