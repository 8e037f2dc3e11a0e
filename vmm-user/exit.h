// SPDX-License-Identifier: MIT
// Exits that know no vendor. exit_vmx.c and exit_svm.c decode what hardware says and end in one of these; each returns
// the reply's MTD: which groups of the state it changed.
#pragma once
#include "vmm-user/vcpu.h"

typedef uint64_t (*exit_handler)(struct vcpu *v, struct utcb_state *s);

// Exits of one kind of hardware, by event number; those that every vCPU has (EVENT_TIMER and up) are in exit_table.c.
struct exit_entry {
    exit_handler handle; // NULL = does not come
    uint64_t mtd;        // what its portal must transfer
};
struct exit_backend {
    const struct exit_entry *entries;
    const char *const *names;
    unsigned memory; // the event of an access to guest-physical memory that is not mapped; qual[1] is its address
};
extern const struct exit_backend exit_backend_vmx, exit_backend_svm;

bool exit_comes(unsigned event);
const char *exit_name(unsigned event);

// For exit_entry.asm, which is entered by all portals: handlers by event number.
extern exit_handler exit_handlers[EVENT_COUNT];
void exit_table_init(void);

// Accesses to memory that is not mapped are answered by `handler`, by default (NULL) and in the end by exit_memory.
void exit_memory_by(exit_handler handler);
uint64_t exit_memory(struct vcpu *v, struct utcb_state *s);

#define EXIT_MTD_BASE (MTD_ACDB | MTD_RIP | MTD_RFLAGS | MTD_STATE)
// What the instruction executor needs: in 64-bit mode, and in all modes.
#define EXIT_MTD_INSN64 (MTD_GPR | MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_QUAL | MTD_INJ | MTD_CR | MTD_EFER | MTD_CSSS)
#define EXIT_MTD_INSN   (EXIT_MTD_INSN64 | MTD_ESDS | MTD_FSGS)

// The instruction is done: RIP moves on; what is due follows. `mtd`: what changed.
uint64_t exit_retire_slow(struct vcpu *v, struct utcb_state *s, uint64_t mtd);
uint64_t exit_settle_slow(struct vcpu *v, struct utcb_state *s, uint64_t mtd);

static inline uint64_t exit_settle(struct vcpu *v, struct utcb_state *s, uint64_t mtd)
{
    return __builtin_expect(__atomic_load_n(&v->attention, __ATOMIC_RELAXED), 0) ? exit_settle_slow(v, s, mtd) : mtd;
}

static inline uint64_t exit_retire(struct vcpu *v, struct utcb_state *s, uint64_t mtd)
{
    s->rip += s->insn_len;
    if (__builtin_expect((s->intr_state & 3) | (s->rflags & 0x100), 0))
        return exit_retire_slow(v, s, mtd | MTD_RIP);
    return exit_settle(v, s, mtd | MTD_RIP);
}

// 64-bit mode: EFER.LMA and CS.L.
static inline bool exit_is_64(const struct utcb_state *s)
{
    return s->efer & 0x400 && s->seg[SEG_CS].ar & 0x200;
}

// A single step over an instruction that has effects needs DR6 first (vcpu_widen).
static inline bool exit_is_stepped(const struct vcpu *v, const struct utcb_state *s)
{
    return __builtin_expect(s->rflags & 0x100, 0) && !vcpu_has(v, MTD_DR);
}

// An exception instead of the instruction.
uint64_t exit_fault(struct vcpu *v, struct utcb_state *s, unsigned vector, bool has_error, uint32_t error);

// What was being delivered when the exit came is delivered again.
void exit_vectoring(struct vcpu *v, const struct utcb_state *s);

// It delivers an event where no RAM is: it ends.
uint64_t exit_delivers_nowhere(struct vcpu *v, struct utcb_state *s);

// The guest fetches code where no RAM is: it ends.
uint64_t exit_runs_nowhere(struct vcpu *v, struct utcb_state *s);

uint64_t exit_cpuid(struct vcpu *v, struct utcb_state *s);
uint64_t exit_fpu_error(struct vcpu *v, struct utcb_state *s);
uint64_t exit_hlt(struct vcpu *v, struct utcb_state *s);
uint64_t exit_rdmsr(struct vcpu *v, struct utcb_state *s);
uint64_t exit_wrmsr(struct vcpu *v, struct utcb_state *s);
uint64_t exit_xsetbv(struct vcpu *v, struct utcb_state *s);
uint64_t exit_skip(struct vcpu *v, struct utcb_state *s);       // an instruction without effect here (WBINVD)
uint64_t exit_undefined(struct vcpu *v, struct utcb_state *s);  // #UD
uint64_t exit_protection(struct vcpu *v, struct utcb_state *s); // #GP(0)
uint64_t exit_event(struct vcpu *v, struct utcb_state *s); // window, recall: nothing but what is due; needs MTD_INJ
uint64_t exit_timer(struct vcpu *v, struct utcb_state *s);
uint64_t exit_startup(struct vcpu *v, struct utcb_state *s);
uint64_t exit_triple_fault(struct vcpu *v, struct utcb_state *s);
uint64_t exit_failed(struct vcpu *v, struct utcb_state *s);
uint64_t exit_unsupported(struct vcpu *v, struct utcb_state *s);

// Callbacks of the instruction executor; the context is the vCPU.
enum insn_result exit_insn_port(void *context, uint64_t address, unsigned size, bool write, uint64_t *value);
enum insn_result exit_insn_mmio(void *context, uint64_t address, unsigned size, bool write, uint64_t *value);
bool exit_insn_block(void *context, const struct io_block *block);

uint64_t exit_port(struct vcpu *v, struct utcb_state *s, uint16_t port, unsigned size, bool in);
uint64_t exit_port_string(struct vcpu *v, struct utcb_state *s); // INS, OUTS: needs EXIT_MTD_INSN
uint64_t exit_insn(struct vcpu *v, struct utcb_state *s);        // MMIO: v->insn.hint is set
uint64_t exit_insn_legacy(struct vcpu *v, struct utcb_state *s); // the same for code that is not 64-bit (exit_legacy.c)
uint64_t exit_insn_changed(struct insn_cpu *cpu);                // by instructions since it was last asked
uint64_t exit_insn_not_done(struct vcpu *v, struct utcb_state *s, enum insn_result result);
uint64_t exit_apic_write(struct vcpu *v, struct utcb_state *s, uint32_t offset);
bool exit_pdptes_load(struct vcpu *v, struct utcb_state *s); // after a change of CR0, CR3, CR4; false: #GP
// task.c: `source` 0 CALL, 1 IRET, 2 JMP, 3 a gate in the IDT. Needs MTD_ALL.
uint64_t exit_task_switch(struct vcpu *v, struct utcb_state *s, uint16_t selector, unsigned source);
uint64_t exit_move_to_cr(struct vcpu *v, struct utcb_state *s, unsigned cr, uint64_t value);
uint64_t exit_move_from_cr(struct vcpu *v, struct utcb_state *s, unsigned cr, unsigned gpr);
