// SPDX-License-Identifier: GPL-2.0-only
// Scheduling, IPC and time: what the parts of the kernel call of each other.
#pragma once
#include "ukernel/kobject.h"
#include "ukernel/percpu.h"

// sched.c
_Noreturn void schedule(void);                 // dispatch the best ready SC; the current EC's state is saved, its SC queued or waiting
_Noreturn void sched_resume(struct ec *ec);    // go on with `ec` on the current SC, unless need_resched is set
void sched_enqueue(struct sc *sc);             // on this CPU
void sched_wake(struct ec *ec);                // blocked EC became ready; any CPU
void sched_charge(void);                       // account the time since slice_start to the current SC
void sched_timer(void);                        // host timer interrupt: timeouts, end of slice
uint64_t sched_next_event(void);               // TSC of the earliest timeout or slice end: bounds every stay in a guest
void sched_inbox(void);                        // IPI: take over what other CPUs made ready here
_Noreturn void idle_loop(void);

// timeout.c
void timeout_set(struct timeout *t, uint64_t deadline);
void timeout_cancel(struct timeout *t);
void timeout_run(uint64_t now);

// cross.c: run `fn(arg)` on the CPUs of the mask (not this one) and return when all have; serves requests of others meanwhile.
void cross_call(uint64_t cpu_mask, void (*fn)(void *), void *arg);
void cross_poll(void);
void cross_barrier(void);                      // every other CPU has left the kernel (or passed an interrupt window) once

// exit.c: an exception of user code or a VM exit becomes a call of the portal event_base + event.
_Noreturn void ec_event(struct ec *ec, unsigned event);
_Noreturn void exception_user(struct ec *ec);  // regs are saved in ec->regs
void interrupt(unsigned vector);               // a host interrupt was taken (from user, guest or idle); may set need_resched

// cpu/entry.asm
_Noreturn void ret_user_iret(struct ec *ec);                         // all registers from ec->regs
_Noreturn void ret_user_hypercall(struct ec *ec);                    // after a hypercall: regs.rax = status, regs.rsi = value, preserved ones
_Noreturn void enter_portal(uint64_t id, uint64_t mtd, uint64_t ip, uint64_t sp);
void asm_hlt_once(void);                                             // sti; hlt; cli

// obj/
struct kobject *cap_lookup(struct pd *pd, uint64_t sel, unsigned type, unsigned perm);
