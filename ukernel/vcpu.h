// SPDX-License-Identifier: MIT
// What the vCPUs of every backend have in common: registers that stay in the CPU while the VMM works, vector state,
// time.
#pragma once
#include <stdbool.h>
#include "ukernel/cpu.h"
#include "ukernel/kobject.h"
#include "x86/regs.h"

// Registers that the host kernel does not use and the backend's hardware does not switch: they stay in the CPU across
// exits and are switched only when another vCPU runs there. vcpu.c has the table of how each is carried.
enum carried {
    CARRY_STAR,
    CARRY_LSTAR,
    CARRY_CSTAR,
    CARRY_FMASK,
    CARRY_KERNEL_GS_BASE,
    CARRY_TSC_AUX,
    CARRY_SPEC_CTRL,
    CARRY_MSRS
};

// What the backend's vCPUs carry; filled in by its probe with the help of vcpu_registers_probe.
extern struct vcpu_registers {
    uint32_t msrs;              // bit per enum carried
    bool dr6;                   // DR0-3 always
    uint64_t xcr0;              // of the host; 0 = no XSAVE
    uint64_t spec_ctrl_allowed; // 0 = no such MSR
    uint64_t efer_allowed;      // bits of EFER that a guest may have
} vcpu_registers;

struct vcpu_base {           // begins the backend's struct vcpu
    uint64_t gpr[GPR_COUNT]; // first: exit stubs push them here
    struct cpu *cpu;         // VCPU_CPU of vcpu.inc: also the top of the kernel's stack
    struct ec *ec;
    struct vcpu_stats *stats;
    uint8_t *apic_page;
    uint64_t mark;     // TSC up to which time is accounted
    uint64_t deadline; // TSC of EVENT_TIMER, UINT64_MAX = none
    uint64_t msr[CARRY_MSRS];
    uint64_t dr[4], dr6;
};

static inline uint64_t canonical_of(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

static inline bool pat_valid(uint64_t pat)
{
    for (unsigned i = 0; i < 8; i++, pat >>= 8)
        if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
            return false;
    return true;
}

// Boot: what this CPU has of all that.
void vcpu_registers_probe(void);

// Life. `size`: of the backend's struct vcpu, which is then at ec->vcpu, zeroed but for its base. The guest's root
// table is there too. ST_BAD_FTR: no virtualisation on that CPU; ST_NO_MEM: the account cannot pay.
enum status vcpu_base_create(struct ec *ec, size_t size, void *apic_page, struct vcpu_stats *stats);
void vcpu_base_release(struct vcpu_base *v); // on its CPU: nothing of it stays in the registers
void vcpu_base_destroy(struct vcpu_base *v, size_t size);

// Before an entry, if another vCPU (or its vector state) was here since.
static inline bool vcpu_is_loaded(const struct cpu *cpu, const struct vcpu_base *v, const struct ec *ec)
{
    return cpu->carried == v && cpu->fpu_owner == ec;
}
void vcpu_load(struct vcpu_base *v);
void vcpu_carried_load(struct vcpu_base *v); // the part of it that is not vector state

// MTD groups that no backend has in its control block.
void vcpu_carried_read(struct vcpu_base *v); // bring v->msr, v->dr up to date
void vcpu_carried_set(struct vcpu_base *v, enum carried which, uint64_t value);
void vcpu_debug_set(struct vcpu_base *v, const struct utcb_state *s);
void vcpu_xsave_save(struct vcpu_base *v, struct utcb_state *s);
void vcpu_xsave_load(struct vcpu_base *v, const struct utcb_state *s);

// All but RSP and the four that come first.
static inline void vcpu_gprs_save(const struct vcpu_base *v, struct utcb_state *s, uint32_t mtd)
{
    if (mtd & MTD_BSD) {
        s->gpr[GPR_RBP] = v->gpr[GPR_RBP];
        s->gpr[GPR_RSI] = v->gpr[GPR_RSI];
        s->gpr[GPR_RDI] = v->gpr[GPR_RDI];
    }
    if (mtd & MTD_R8_R15)
#pragma GCC unroll 8
        for (unsigned i = GPR_R8; i < GPR_COUNT; i++)
            s->gpr[i] = v->gpr[i];
}

static inline void vcpu_gprs_load(struct vcpu_base *v, const struct utcb_state *s, uint32_t mtd)
{
    if (mtd & MTD_BSD) {
        v->gpr[GPR_RBP] = s->gpr[GPR_RBP];
        v->gpr[GPR_RSI] = s->gpr[GPR_RSI];
        v->gpr[GPR_RDI] = s->gpr[GPR_RDI];
    }
    if (mtd & MTD_R8_R15)
#pragma GCC unroll 8
        for (unsigned i = GPR_R8; i < GPR_COUNT; i++)
            v->gpr[i] = s->gpr[i];
}

// Time. What passed before the current SC was dispatched is not the vCPU's: others ran, or the handler waited.
static inline uint64_t vcpu_time_since(const struct vcpu_base *v)
{
    return v->mark > v->cpu->slice_start ? v->mark : v->cpu->slice_start;
}

// At an exit; what else is counted there follows in the same place.
static inline struct vcpu_stats *vcpu_time_guest(struct vcpu_base *v, uint64_t now)
{
    struct vcpu_stats *stats = v->stats;
    stats->guest += now - v->mark;
    v->mark = now;
    return stats;
}

static inline void vcpu_time_exit(struct vcpu_base *v, uint64_t now) // kernel, after an exit without dispatch since
{
    v->stats->kernel += now - v->mark;
    v->mark = now;
}

static inline void vcpu_time_kernel(struct vcpu_base *v, uint64_t now)
{
    v->stats->kernel += now - vcpu_time_since(v);
    v->mark = now;
}

static inline void vcpu_time_vmm(struct vcpu_base *v, uint64_t now)
{
    v->stats->vmm += now - vcpu_time_since(v);
    v->mark = now;
}

// At every exit: for a panic to show.
static inline void vcpu_exit_note(const struct vcpu_base *v, uint64_t now, uint64_t rip, uint64_t code)
{
    struct exit_record *r = v->cpu->exit_next;
    v->cpu->exit_next = r->next;
    r->tsc = now;
    r->rip = rip;
    r->code = code;
}

_Noreturn void vcpu_deadline_passed(struct vcpu_base *v);
void vcpu_timer_bound(struct cpu *cpu, uint64_t deadline); // the host's timer fires by then
