// SPDX-License-Identifier: MIT
// The way into the guest and out of it. Straight lines for what happens at every exit; all else is out of line.
#include "ukernel/sched.h"
#include "ukernel/virt.h"
#include "vmx/vmx.h"
#include "x86/cpuid.h"

#define COLD __attribute__((noinline, cold))

// An NMI or a machine check is the host's: let its handler run as if it had come by itself. Other exceptions are the
// VMM's.
static void exit_exception_nmi(struct vcpu *v)
{
    struct ec *ec = v->base.ec;
    uint32_t info = vmread(EXIT_INTR_INFO);
    if ((info & INTR_TYPE) == INTR_TYPE_NMI)
        __asm__ volatile("int %0" : : "i"(EXC_NMI) : "memory");
    else if ((info & INTR_VECTOR) == EXC_MC)
        __asm__ volatile("int %0" : : "i"(EXC_MC) : "memory");
    else
        return;
    v->base.stats->preemptions++;
    vcpu_resume(ec);
}

static void exit_external_interrupt(struct vcpu *v)
{
    struct ec *ec = v->base.ec;
    v->base.stats->preemptions++;
    interrupt(vmread(EXIT_INTR_INFO) & INTR_VECTOR); // may end with the vCPU destroyed
    vcpu_resume(ec);
}

// The vCPU's own deadline is looked at on the way back in. Host interrupts are let in here: where an external interrupt
// does not end the stay of a guest that was entered with RFLAGS.IF clear (Bochs 2.7), they would wait for ever.
static void exit_preemption_timer(struct vcpu *v)
{
    struct ec *ec = v->base.ec;
    uint64_t now = rdtsc();
    if (v->base.deadline <= now)
        v->base.stats->exits[VMX_EXIT_PREEMPTION_TIMER]--; // counted as EVENT_TIMER instead
    else
        v->base.stats->preemptions++;
    if (v->base.cpu->timer_armed <= now)
        sched_timer();
    interrupts_let_in();
    vcpu_resume(ec);
}

// Exits that the kernel handles; one that comes back from here, and all others, are for the VMM.
static void (*const handlers[VMX_EXIT_COUNT])(struct vcpu *v) = {
    [VMX_EXIT_EXCEPTION_NMI] = exit_exception_nmi,
    [VMX_EXIT_EXTERNAL_INTERRUPT] = exit_external_interrupt,
    [VMX_EXIT_PREEMPTION_TIMER] = exit_preemption_timer,
};

static uint64_t view_read(const struct entry_view *view, enum vmcs_field field)
{
    (void)view;
    return vmread(field);
}

// Say which rule was broken, once per vCPU, and leave it to the VMM.
static COLD _Noreturn void entry_failed(struct vcpu *v, uint64_t error)
{
    struct entry_view view = {.read = view_read, .caps = &vmx.caps, .phys_bits = 36};
    const char *sentence;
    if (cpuid_has(0x80000008))
        view.phys_bits = cpuid(0x80000008, 0).eax & 0xff;
    view.vtpr = vmx.tpr_shadow ? v->base.apic_page[0x80] : 0;
    v->rule = entry_check(&view, &sentence);
    v->error = error;
    v->failed = true;
    v->reason = REASON_NONE;
    if (!v->explained)
        klog("vmx: a VM entry failed (%lx) at %lx:%lx: rule %u: %s", error, vmread(GUEST_CS_SEL), vmread(GUEST_RIP),
             v->rule, sentence);
    v->explained = true;
    vmcs_reset_launch(v);
    v->base.stats->exits[EVENT_FAILED]++;
    vcpu_event(v->base.ec, EVENT_FAILED);
}

_Noreturn void vmx_entry_refused(struct vcpu *v)
{
    if (v->base.ec->pd->pio)
        tss_io_enable(v->base.cpu, v->base.ec->pd->pio);
    entry_failed(v, vmread(INSN_ERROR));
}

static COLD _Noreturn void exit_of_host(struct vcpu *v, uint64_t reason)
{
    handlers[reason](v);
    vcpu_event(v->base.ec, reason);
}

_Noreturn void vmx_exit(struct vcpu *v)
{
    uint64_t now = rdtsc(), reason = vmread(EXIT_REASON);
    struct vcpu_stats *stats = vcpu_time_guest(&v->base, now);
    vcpu_exit_note(&v->base, now, vmread(GUEST_RIP), reason);
    v->cr2 = read_cr2();
    v->reason = reason;
    if (__builtin_expect(reason >= VMX_EXIT_COUNT, 0))
        entry_failed(v, reason);
    stats->exits[reason]++;
    if (__builtin_expect(handlers[reason] != NULL, 0))
        exit_of_host(v, reason);
    vcpu_event(v->base.ec, reason);
}

// An exit leaves a TR without the port bitmap (SDM 3C 28.5.2). A VMM with ports needs it back: its vCPUs exit to here.
static COLD void ports_leave(struct cpu *cpu)
{
    tss_io_enable(cpu, NULL);
    vmwrite(HOST_RIP, (uint64_t)vmx_exit_ports_stub);
}

_Noreturn void vmx_exit_ports(struct vcpu *v)
{
    vmwrite(HOST_RIP, (uint64_t)vmx_exit_stub);
    tss_io_enable(v->base.cpu, v->base.ec->pd->pio);
    vmx_exit(v);
}

// The host's timer ends the stay; this much later the preemption timer does, which comes even where an interrupt does
// not: not earlier, or each end of a slice would cost two exits. TSC ticks.
#define TIMER_MARGIN 2000

// Something is due already.
static COLD _Noreturn void vcpu_due(struct vcpu *v, uint64_t now)
{
    struct ec *ec = v->base.ec;
    if (v->base.deadline <= now)
        vcpu_deadline_passed(&v->base);
    sched_timer();
    interrupts_let_in();
    vcpu_resume(ec);
}

// Another vCPU was here since.
static COLD _Noreturn void vcpu_prepare(struct vcpu *v)
{
    if (!vmcs_is_current(v))
        vmcs_switch(v);
    vcpu_load(&v->base);
    vcpu_run(v->base.ec);
}

// Without a preemption timer the host's ends the stay, and finds the vCPU's deadline passed.
static COLD _Noreturn void vcpu_enter_rare(struct vcpu *v, uint64_t now, uint64_t until)
{
    if (vmx.timer)
        vmwrite(PREEMPTION_TIMER, (until - now) >> vmx.timer_shift);
    else
        vcpu_timer_bound(v->base.cpu, until);
    if (v->base.cpu->pio_loaded)
        ports_leave(v->base.cpu);
    write_cr2(v->cr2);
    vmx_enter(v);
}

_Noreturn void vcpu_run(struct ec *ec)
{
    struct vcpu *v = ec->vcpu;
    struct cpu *cpu = v->base.cpu;
    if (__builtin_expect(!vcpu_is_loaded(cpu, &v->base, ec), 0))
        vcpu_prepare(v);
    uint64_t now = rdtsc(), until = cpu->timer_armed + TIMER_MARGIN;
    vcpu_time_kernel(&v->base, now);
    if (v->base.deadline < until)
        until = v->base.deadline;
    if (__builtin_expect(until <= now, 0))
        vcpu_due(v, now);
    if (__builtin_expect(!vmx.timer || cpu->pio_loaded, 0))
        vcpu_enter_rare(v, now, until);
    vmwrite(PREEMPTION_TIMER, (until - now) >> vmx.timer_shift); // 32 bits of it: too early is harmless
    if (read_cr2() != v->cr2)
        write_cr2(v->cr2);
    vmx_enter(v);
}
