// SPDX-License-Identifier: MIT
// Time is the TSC; these turn it into what people read. `hz` is start_info()->tsc_hz (root: the HIP's).
#pragma once
#include <stdint.h>

static inline uint64_t clock_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

// value * mul / div with a product of 128 bits; UINT64_MAX when the quotient is too large.
static inline uint64_t clock_scale(uint64_t value, uint64_t mul, uint64_t div)
{
    uint64_t high, low, quotient, rest;
    __asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(value), "rm"(mul) : "cc");
    if (high >= div)
        return UINT64_MAX;
    __asm__("divq %4" : "=a"(quotient), "=d"(rest) : "0"(low), "1"(high), "rm"(div) : "cc");
    return quotient;
}

static inline uint64_t clock_us(uint64_t ticks, uint64_t hz)
{
    return clock_scale(ticks, 1000000, hz);
}

static inline uint64_t clock_ticks(uint64_t us, uint64_t hz)
{
    return clock_scale(us, hz, 1000000);
}
