// SPDX-License-Identifier: GPL-2.0-only
// Locks between CPUs, held only with interrupts off. While it waits a CPU serves cross-CPU calls, so that a holder that waits
// for an answer of this CPU cannot deadlock with it.
#pragma once
#include <stdint.h>

void cross_poll(void); // cross.c

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
