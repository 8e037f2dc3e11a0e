// SPDX-License-Identifier: MIT
// A vCPU: the EC that runs the guest and the handler EC that answers its exits. All of this belongs to the handler;
// other threads only set bits of `attention` and call vcpu_kick().
#pragma once
#include "abi/utcb.h"
#include "vmm-user/cpuid.h"
#include "vmm-user/devices/lapic.h"
#include "vmm-user/insn/execute.h"

struct vm;

// Why the end of an exit needs a look at more than the guest's registers.
enum attention {
    ATTENTION_IRQ = 1 << 0,      // an interrupt may have become deliverable, or an event waits in `inject_info`
    ATTENTION_DEADLINE = 1 << 1, // the earliest timer may have changed
    ATTENTION_WORK = 1 << 2,     // somebody asks for something: input, reset, stop (vm_work)
    ATTENTION_APIC = 1 << 3,     // the local APIC was turned on, off or to x2APIC
    ATTENTION_TSC = 1 << 4,      // the guest's TSC was stopped
};

#define VCPU_STORED_MSRS 48

struct vcpu {
    struct utcb_state *state; // the handler's UTCB; offsets of these two: exit_entry.asm
    uint64_t event;           // of the exit that is being answered
    struct vm *vm;
    uint32_t attention; // enum attention, atomic
    uint32_t widened;   // exits left until the MTD of the portal of `wide_event` shrinks by `wide_mtd` again
    uint64_t wide_event, wide_mtd;
    uint32_t inject_info, inject_error, inject_length; // to be injected at the next entry; info 0 = nothing
    uint32_t held_interrupt;           // taken from its controller, but an exception came in its delivery; 0 = none
    uint32_t windows;                  // INJ_*_WINDOW that are asked for
    uint32_t tpr_threshold, apic_mode; // as the kernel has them
    bool nmi_pending;
    uint64_t xcr0;
    uint64_t tsc_adjust;  // IA32_TSC_ADJUST: guest TSC - machine time
    uint64_t halt_sm;     // the handler waits here while the guest is halted
    uint64_t ec, portals; // selectors
    struct vcpu_stats *stats;
    uint64_t unknown_opcodes;
    struct lapic lapic;
    struct insn_cpu insn;
    struct insn_cache insn_cache;
    struct cpuid_table cpuid;
    uint64_t msr[VCPU_STORED_MSRS]; // those of msr.c that are plain state
};

// Creates handler, portals and vCPU on CPU `cpu`; the vCPU does not run yet. Returns NULL or what failed.
const char *vcpu_create(struct vcpu *v, struct vm *vm, unsigned cpu);
const char *vcpu_start(struct vcpu *v);

// From any thread: leave the guest or end its halt, then do what `bits` say.
void vcpu_kick(struct vcpu *v, uint32_t bits);

// In the handler, before the exit had any effect: its portal is to carry `mtd` too, and the guest repeats what it did.
// Returns the reply. What is asked for often stays; after VCPU_WIDE_EXITS exits without need the portal shrinks again.
#define VCPU_WIDE_EXITS 8
uint64_t vcpu_widen(struct vcpu *v, uint64_t mtd);
void vcpu_narrow_now(struct vcpu *v);

// What the portal of an event always carries (exit_table.c).
uint64_t exit_mtd(unsigned event);

// Does this exit's state have what not all portals carry?
static inline bool vcpu_has(const struct vcpu *v, uint64_t mtd)
{
    uint64_t has = exit_mtd((unsigned)v->event) | (v->wide_event == v->event ? v->wide_mtd : 0);
    return (has & mtd) == mtd;
}

// This exit did without.
static inline void vcpu_narrow(struct vcpu *v)
{
    if (__builtin_expect(v->widened != 0, 0) && v->wide_event == v->event && --v->widened == 0)
        vcpu_narrow_now(v);
}

// Who answers the guest's reads of its local APIC's page.
enum apic_mode vcpu_apic_mode(const struct vcpu *v);

// In the handler: sleeps until something may have happened, at most until the next timer.
void vcpu_sleep(struct vcpu *v);

// In the handler: a line of the log. The exit's state in the UTCB survives.
void vcpu_log(struct vcpu *v, const char *text);

static inline void vcpu_attend(struct vcpu *v, uint32_t bits)
{
    __atomic_fetch_or(&v->attention, bits, __ATOMIC_RELAXED);
}

// Power-on state for devices' part of the vCPU, and the guest's registers (SDM 3A 9.1.1 or as the loader wants them).
void vcpu_reset(struct vcpu *v);
uint64_t vcpu_startup(struct vcpu *v, struct utcb_state *s);

// msr.c: false = #GP. *widen: more state is needed first.
bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value, uint64_t *widen);
bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value, uint64_t *reply, uint64_t *widen);
void msr_reset(struct vcpu *v);

// irq.c: what the reply must carry so that a pending event is delivered as soon as the guest can take it.
uint64_t irq_settle(struct vcpu *v, struct utcb_state *s);
bool irq_pending(struct vcpu *v);
bool irq_wakes(struct vcpu *v, const struct utcb_state *s);                      // what is pending ends a HLT
bool irq_can_wake(const struct vcpu *v, const struct utcb_state *s);             // something could, with interrupts off
void irq_raise(struct vcpu *v, unsigned vector, bool has_error, uint32_t error); // an exception at the next entry
void irq_signal(void *ctx, enum lapic_signal signal, uint8_t value);
