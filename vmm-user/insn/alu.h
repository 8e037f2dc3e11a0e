// SPDX-License-Identifier: MIT
// Integer arithmetic with flags, as the processor computes it. Flags that the manual leaves undefined are left
// unchanged or cleared. Pure functions.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// dst, src and third are zero-extended values of `size` bytes (counts and bit numbers as they come); the result is of
// `size` bytes too. *rflags is read (carry) and updated.
typedef uint64_t alu_function(uint64_t dst, uint64_t src, uint64_t third, unsigned size, uint64_t *rflags);

// The function of an operation (enum insn_op); NULL if it has none.
alu_function *alu_of(unsigned op);

// Condition codes 0-15 of Jcc, SETcc and CMOVcc (SDM 1 appendix B).
bool alu_condition(unsigned condition, uint64_t rflags);

static inline uint64_t size_mask(unsigned size)
{
    return size >= 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

static inline uint64_t sign_extend(uint64_t value, unsigned size)
{
    unsigned unused = 64 - 8 * size;
    return (uint64_t)((int64_t)(value << unused) >> unused);
}
