// SPDX-License-Identifier: MIT
// Threads and portal handlers. Every stack is a window of STACK_WINDOW bytes, aligned to its size, of which as much as
// wanted is mapped below the top; the last bytes are a struct thread. So any code finds its own UTCB and CPU by its
// stack pointer.
#pragma once
#include <stdint.h>
#include "abi/hypercall.h"
#include "abi/utcb.h"
#include "lib/sys/hypercall.h"

#define STACK_WINDOW 0x10000ul

struct thread {
    union utcb *utcb;
    uint64_t cpu;
    uint64_t start[2]; // {rip, rsp} of a thread's first instruction, for create_ec
    void (*entry)(void *);
    void *arg;
    uint64_t flags; // EC_FPU
    uint64_t reserved;
};
_Static_assert(sizeof(struct thread) == 64, "the stack below it stays aligned");

static inline struct thread *thread_self(void)
{
    uint64_t rsp;
    __asm__("mov %%rsp, %0" : "=r"(rsp)); // not volatile: it is the same all along a thread's life
    return (struct thread *)((rsp | (STACK_WINDOW - 1)) + 1) - 1;
}

static inline union utcb *utcb_self(void)
{
    return thread_self()->utcb;
}

typedef __attribute__((noreturn)) void (*portal_entry)(uint64_t id, uint64_t words_or_mtd); // ends by ipc_return
typedef void (*thread_entry)(void *arg);                                                    // must not return

// Prepare the stack that ends at `top` (a multiple of STACK_WINDOW; at least the last 4 KiB below it mapped and
// writable).
struct thread *thread_prepare(void *top, void *utcb, uint64_t cpu);

// entry_sp for create_ec(EC_LOCAL) of the handler that uses this stack: aligned as after a call.
static inline uint64_t handler_sp(struct thread *t)
{
    return (uint64_t)t - 8;
}

// Create the EC of a thread (EC_GLOBAL) that runs entry(arg) once it has an SC, or of a handler for portals (EC_LOCAL).
enum status thread_create(uint64_t sel, uint64_t pd, struct thread *t, uint64_t event_base, thread_entry entry,
                          void *arg);
enum status handler_create(uint64_t sel, uint64_t pd, struct thread *t, uint64_t event_base);
