// SPDX-License-Identifier: MIT
// What interrupts a CPU's work: exceptions, interrupts, VM exits, and where it goes on afterwards.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/virt.h"

extern const char sysexit_insn[];
void exception_kernel(struct regs *regs); // panic.c

void interrupt(unsigned vector)
{
    switch (vector) {
    case VECTOR_TIMER:
        lapic_eoi();
        this_cpu()->timer_armed = 0; // it repeats, or has fired early since it cannot count as far: set it again
        sched_timer();
        return;
    case VECTOR_IPI:
        lapic_eoi();
        cross_poll();
        sched_inbox();
        return;
    case VECTOR_SPURIOUS:
        return;
    default:
        if (vector >= VECTOR_GSI_BASE && vector <= VECTOR_GSI_LAST)
            sm_interrupt(vector - VECTOR_GSI_BASE);
        lapic_eoi();
    }
}

// From entry.asm. Returning goes on where the trap came from.
void trap_entry(struct regs *regs)
{
    struct cpu *cpu = this_cpu();
    bool user = regs->cs & 3;
    if (regs->vector >= EXC_COUNT) {
        interrupt(regs->vector);
        if (user && cpu->need_resched) {
            if (cpu->current != EC_NOBODY) { // else it was destroyed meanwhile
                cpu->current->regs = *regs;
                cpu->current->cont = ret_user_iret;
            }
            schedule();
        }
        return;
    }
    struct ec *ec = cpu->current;
    bool bad_rsp = !user && regs->rip == (uint64_t)sysexit_insn && regs->vector == EXC_GP;
    if (!user && !bad_rsp) {
        exception_kernel(regs);
        return;
    }
    if (regs->vector == EXC_NM && fpu_open(cpu, ec))
        return;
    ec->cr2 = read_cr2();
    ec->regs = *regs;
    if (bad_rsp) {
        ec->regs.cs = SEL_UCODE;
        ec->regs.ss = SEL_UDATA;
        ec->regs.rip = HYPERCALL_PAGE;
        ec->regs.rsp = 0;
        ec->regs.rflags = RFLAGS_ONE | RFLAGS_IF;
    }
    ec->cont = ret_user_iret;
    ec_event(ec, regs->vector);
}

// A hypercall that woke somebody more important, or destroyed its caller: its result waits in the EC that there still
// is.
_Noreturn void hypercall_resched(uint64_t status, uint64_t value)
{
    struct ec *ec = this_cpu()->current;
    if (ec != EC_NOBODY) { // whom all CPUs share, and who answers to nothing
        ec->regs.rax = status;
        ec->regs.rsi = value;
        ec->cont = ret_user_hypercall;
    }
    schedule();
}

_Noreturn void vcpu_event(struct ec *ec, unsigned event)
{
    ec_event(ec, event);
}

// `ec` may have been destroyed by the interrupt that ended its stay in the guest: only its address is looked at then.
_Noreturn void vcpu_resume(struct ec *ec)
{
    struct cpu *cpu = this_cpu();
    if (__builtin_expect(cpu->need_resched || cpu->current != ec, 0))
        schedule();
    if (__builtin_expect(ec->recall, 0)) {
        ec->recall = false;
        vcpu_event(ec, EVENT_RECALL);
    }
    virt->vcpu_run(ec);
}
