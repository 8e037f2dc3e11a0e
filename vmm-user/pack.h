// SPDX-License-Identifier: MIT
// Bytes in fewer bytes, where they repeat what came up to 32 KiB before: rows of a picture do.
//   n ...          (n = 0 to 127) n + 1 bytes as they are
//   128+n d d      n + 4 bytes again from d bytes (16 bits, the low ones first) before; they may overlap
// scripts/runner/pictures.py reads it. Pure.
#pragma once
#include <stdint.h>

#define PACK_WINDOW  32768u
#define PACK_MOST    16384u                  // bytes that are packed at once
#define PACK_ROOM(n) ((n) + (n) / 128u + 1u) // that n bytes take at most

struct pack {
    uint32_t base, used;  // number of the first byte in `window`, how many are there
    uint32_t heads[4096]; // number of the byte where four bytes with that hash were last seen
    uint8_t window[PACK_WINDOW + PACK_MOST];
};

void pack_init(struct pack *p);
unsigned pack_bytes(struct pack *p, const uint8_t *bytes, unsigned count, uint8_t *out); // how many were put into `out`
