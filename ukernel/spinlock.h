// SPDX-License-Identifier: MIT
// Locks between CPUs, held only with interrupts off, for bounded work, and never across a cross_call: a CPU that spins
// here does not answer others.
#pragma once
#include <stdint.h>

static inline void spin_lock(uint32_t *lock)
{
    while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(lock, __ATOMIC_RELAXED))
            __builtin_ia32_pause();
}

static inline void spin_unlock(uint32_t *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}
