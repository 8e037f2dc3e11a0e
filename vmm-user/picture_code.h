// SPDX-License-Identifier: MIT
// A picture's pixels in few bytes, for its way out over a serial line: screens are made of runs of few colours.
//   n i            (n = 1 to 127) n pixels of colour i
//   128+n i j ...  n pixels of the colours i, j, ...
//   0 r g b        a colour: the next of 256 numbers, which are given round and round
// scripts/runner/pictures.py reads it. Pure.
#pragma once
#include <stdint.h>

#define PICTURE_CODE_PIXEL 6 // bytes that a pixel takes at most

struct picture_code {
    uint32_t colors[256]; // 24 bits; ~0: not given yet
    uint8_t next;
    uint8_t known[256]; // numbers by a hash of the colour
};

void picture_code_init(struct picture_code *p);

// A row of `count` pixels (red, green, blue); returns the bytes put into `out`.
unsigned picture_encode(struct picture_code *p, const uint8_t *rgb, unsigned count, uint8_t *out);

// Three bytes as four characters, as long as there are bytes (RFC 4648); the ending 0 is put too. Returns characters.
unsigned base64_encode(const uint8_t *bytes, unsigned count, char *out);
