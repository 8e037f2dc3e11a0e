// SPDX-License-Identifier: MIT
// What each CPU has of its own. The kernel is event-driven: one stack per CPU, used from its top at every entry,
// interrupts off. The block of a CPU is CPU_BLOCK bytes, so aligned: [guard page | stack 8 KiB | struct cpu]; so the
// stack pointer alone finds the CPU's data from anywhere in the kernel, without GS (which stays the guest's and the
// user's).
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/ds/list.h"
#include "x86/desc.h"
#include "x86/regs.h"

#define CPU_AREA                                                                                                       \
    0xffffffffa0000000ul // block of CPU n: CPU_AREA + n * CPU_BLOCK (the SYSCALL thunks in entry.asm know it)
#define CPU_BLOCK  0x4000ul
#define CPU_OFFSET 0x3000ul // of struct cpu in the block; also the top of the stack
#define MAX_CPUS   64
#define PRIORITIES 128

struct ec;
struct sc;
struct pd;
struct pio_space;
struct vcpu_base;
struct timeout;

#define EXIT_RECORDS 16
struct exit_record { // a ring, followed by pointers: that is the fewest instructions at an exit
    struct exit_record *next;
    uint64_t tsc, rip; // of the guest
    uint64_t code;     // the hardware's: basic exit reason of VT-x, exit code of SVM
};

struct cpu {
    struct ec *current;    // offset 0 (offsets.inc): the EC that runs in user mode or as guest; EC_NOBODY when idle
    bool need_resched;     // offset 8 (offsets.inc): somebody else should run
    struct pd *current_pd; // whose address space is loaded; NULL = none, or see vector_pd
    struct pd *vector_pd;  // whose it is while CR0.TS is clear for the current EC: current_pd is NULL then, so that a
                           // switch looks
    struct sc *sc;         // the SC that is consumed
    uint64_t slice_start;  // TSC when sc was dispatched
    uint64_t slice_end;    // TSC when sc's quantum is used up
    uint64_t timer_armed;  // deadline the host timer is set to, UINT64_MAX = none
    struct pio_space *pio_loaded; // whose port bitmap the TSS holds and enables, NULL = none
    uint32_t id;                  // 0..cpus-1
    uint32_t lapic_id;
    bool idle;
    bool special;              // ports enabled or vector registers usable: to be undone before another PD runs
    struct ec *fpu_owner;      // whose vector state the registers hold
    struct vcpu_base *carried; // the vCPU whose MSRs and debug registers they hold (vcpu.c)
    uint64_t idle_time;        // TSC ticks spent halted

    uint64_t ready_map[PRIORITIES / 64];
    struct list ready[PRIORITIES];
    struct list requeue;      // SCs whose target changed, too many to look at them at once
    struct timeout *timeouts; // the earliest of a heap

    uint32_t inbox_lock; // what other CPUs made ready here
    struct list inbox_ecs, inbox_scs;
    uint32_t call_pending; // cross-CPU call: a request for this CPU waits (cross.c)

    struct tss *tss;
    uint64_t *gdt;
    void *vmxon; // owned by the virtualisation backend
    bool virt_on;
    uint32_t asid_next;
    void *pio_bitmap_owner;        // whose bitmap the TSS page holds (perhaps disabled)
    struct exit_record *exit_next; // the oldest of the last VM exits on this CPU, which a panic shows
    struct exit_record exits[EXIT_RECORDS];
};

extern struct cpu *cpus[MAX_CPUS];
extern uint32_t cpu_count; // CPUs that run

static inline struct cpu *this_cpu(void)
{
    uintptr_t sp;
    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu *)((sp & ~(CPU_BLOCK - 1)) + CPU_OFFSET);
}
