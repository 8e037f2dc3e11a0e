// SPDX-License-Identifier: MIT
// Scheduling, IPC and time: what the parts of the kernel call of each other.
#pragma once
#include "ukernel/kobject.h"
#include "ukernel/percpu.h"

// sched.c
_Noreturn void schedule(void); // dispatch the best ready SC; the current EC has its `cont` and registers saved
#define CALLS_MAX 64           // calls under way, each made to serve the one before, through which an SC is followed
struct ec *
sched_target(struct ec *ec); // who runs when an SC of `ec` does: the end of the chain of calls; NULL = it is too long
struct ec *chain_cut(struct ec *ec);  // then: `ec` is stopped
_Noreturn void ec_run(struct ec *ec); // go on with `ec` on the current SC: switch address space, ec->cont
void sched_enqueue(struct sc *sc, bool front);
void sched_block(struct ec *ec);      // the current SC waits for `ec`; schedule() must follow
void sched_wake(struct ec *ec);       // `ec` is no longer blocked: what waits for it becomes ready; on any CPU
void sched_start(struct sc *sc);      // a new SC, on any CPU
void sched_requeue(struct list *scs); // SCs whose target changed: look again whom they run
void sched_timer(void);               // host timer: timeouts, end of the slice
void sched_arm(void);                 // set the host timer for the next event
uint64_t sched_next_event(void);      // TSC of the earliest timeout or end of slice: bounds every stay in a guest
void sched_inbox(void);               // take over what other CPUs made ready here
void sched_charge(void);              // account the time since slice_start to the current SC
void sched_init_cpu(struct cpu *cpu); // empty queues; before anything else of this file

// In long work, where nothing is locked or half done. May end with anything destroyed to which there is no reference.
static inline void interrupts_let_in(void)
{
    __asm__ volatile("sti; nop; cli" : : : "memory");
}

static inline uint64_t cpus_all(void)
{
    return cpu_count >= 64 ? ~0ul : (1ul << cpu_count) - 1;
}

// space.c
void space_load(struct cpu *cpu, struct pd *pd); // load its address space, ports and FPU right
static inline void space_switch(struct cpu *cpu, struct pd *pd)
{
    if (cpu->current_pd != pd)
        space_load(cpu, pd);
}
void space_leave(struct pd *pd); // this CPU must not use pd's address space any more
void space_flush(struct pd *pd); // all CPUs: forget pd's host mappings
void guest_space_flush(struct pd *pd);

// timeout.c
void timeout_set(struct timeout *t, uint64_t deadline);
void timeout_remove(struct timeout *t);
static inline void timeout_cancel(struct timeout *t)
{
    if (t->rank)
        timeout_remove(t);
}
void timeout_run(uint64_t now);

// cross.c: run `fn(arg)` on the CPUs of the mask (never this one) and return when all have; serves requests of others
// meanwhile.
void cross_call(uint64_t cpu_mask, void (*fn)(void *), void *arg);
void cross_poll(void);
void cross_barrier(void); // every other CPU has left the kernel once

// ipc.c
struct result {
    uint64_t status, value; // RAX, RDX
};
struct result sys_ipc_call(uint64_t portal, uint64_t words);
struct result sys_ipc_reply(uint64_t mtd);
_Noreturn void ec_event(struct ec *ec, unsigned event); // an exception or exit: call the portal event_base + event
_Noreturn void ec_help(struct ec *self, struct ec *busy, continuation retry);

// exit.c
void trap_entry(struct regs *regs);
_Noreturn void hypercall_resched(uint64_t status, uint64_t value);
void interrupt(unsigned vector); // a host interrupt was taken (from user, guest or idle); may set need_resched

// cpu/entry.asm
_Noreturn void ret_user_iret(struct ec *ec);
_Noreturn void ret_user_hypercall(struct ec *ec);
_Noreturn void enter_portal(uint64_t id, uint64_t mtd, uint64_t ip, uint64_t sp);
void asm_hlt_once(void);

_Noreturn void root_start(void); // obj/root.c: make the first process from module 0 and schedule
