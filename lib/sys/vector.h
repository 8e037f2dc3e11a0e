// SPDX-License-Identifier: MIT
// Vector registers filled and checked (vector.asm). `level`: 0 SSE, 1 AVX, 2 AVX-512.
#pragma once
#include <stdint.h>

unsigned vector_level(void);
void vector_fill(uint64_t seed, uint64_t level);
uint64_t vector_check(uint64_t seed, uint64_t level);      // how many words are not the pattern
uint64_t vector_is_reset(uint64_t unused, uint64_t level); // 0 = all as after reset
