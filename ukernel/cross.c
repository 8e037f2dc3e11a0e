// SPDX-License-Identifier: MIT
// Work that other CPUs must do before we go on: TLB shootdowns, stopping what runs there, waiting until they have left
// the kernel. One request is under way at a time. A CPU that waits takes interrupts, the requests of others among them:
// so two of them cannot wait for each other.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/spinlock.h"

static struct {
    uint32_t lock;
    void (*fn)(void *);
    void *arg;
    uint64_t pending; // CPUs that have not done it yet
} request;

void cross_poll(void)
{
    struct cpu *cpu = this_cpu();
    if (!__atomic_load_n(&cpu->call_pending, __ATOMIC_ACQUIRE))
        return;
    __atomic_store_n(&cpu->call_pending, 0, __ATOMIC_RELAXED);
    request.fn(request.arg);
    __atomic_and_fetch(&request.pending, ~(1ul << cpu->id), __ATOMIC_RELEASE);
}

void cross_call(uint64_t cpu_mask, void (*fn)(void *), void *arg)
{
    uint32_t self = this_cpu()->id;
    cpu_mask &= ~(1ul << self);
    if (!cpu_mask)
        return;
    while (__atomic_exchange_n(&request.lock, 1, __ATOMIC_ACQUIRE)) {
        interrupts_let_in(); // requests of others among them
        __builtin_ia32_pause();
    }
    request.fn = fn;
    request.arg = arg;
    __atomic_store_n(&request.pending, cpu_mask, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (!(cpu_mask >> i & 1))
            continue;
        __atomic_store_n(&cpus[i]->call_pending, 1, __ATOMIC_RELEASE);
        lapic_ipi(i, VECTOR_IPI);
    }
    while (__atomic_load_n(&request.pending, __ATOMIC_ACQUIRE)) {
        interrupts_let_in();
        __builtin_ia32_pause();
    }
    spin_unlock(&request.lock);
}

static void nothing(void *arg)
{
    (void)arg;
}

void cross_barrier(void)
{
    cross_call(cpus_all(), nothing, NULL);
}
