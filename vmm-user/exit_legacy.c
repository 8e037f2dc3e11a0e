// SPDX-License-Identifier: MIT
// Instructions executed here for 16- and 32-bit code, which accesses video memory a byte at a time: after the one that
// exited, those behind it are executed too while they go on doing so. An exit costs as much as several of them.
#include "vmm-user/exit.h"
#include "vmm-user/vm.h"
#include "x86/desc.h"
#include "x86/regs.h"

#define AHEAD_MAX     128 // instructions, so that interrupts do not wait
#define AHEAD_WITHOUT 12  // of them in a row may leave devices alone
#define DR7_ENABLED   0xff
#define VGA_FIRST     0xa0000ull
#define VGA_SIZE      0x20000ull

// A breakpoint, a single step and a shadow are the processor's business.
static bool may_go_ahead(const struct vcpu *v, const struct utcb_state *s)
{
    return !(s->rflags & RFLAGS_TF) && !(s->dr7 & DR7_ENABLED) && !s->intr_state && !v->windows &&
           s->qual[1] - VGA_FIRST < VGA_SIZE;
}

// The processor checks the fetch of an instruction that exits; of the ones behind it, nobody has.
static bool in_segment(const struct utcb_state *s)
{
    return s->rip + INSN_MAX_LENGTH <= s->seg[SEG_CS].limit;
}

// Ports without a look at the I/O bitmap.
static bool ports_allowed(const struct utcb_state *s)
{
    if (!(s->cr0 & CR0_PE))
        return true;
    return !(s->rflags & RFLAGS_VM) && (s->seg[SEG_SS].ar >> 5 & 3) <= (s->rflags >> 12 & 3);
}

static bool is_port_access(const struct insn *in)
{
    return in->op == INSN_OP_IN || in->op == INSN_OP_OUT || in->op == INSN_OP_INS || in->op == INSN_OP_OUTS;
}

struct ahead {
    struct vcpu *v;
    bool accessed;
};

static enum insn_result ahead_mmio(void *context, uint64_t address, unsigned size, bool write, uint64_t *value)
{
    struct ahead *a = context;
    a->accessed = true;
    return exit_insn_mmio(a->v, address, size, write, value);
}

static enum insn_result ahead_port(void *context, uint64_t address, unsigned size, bool write, uint64_t *value)
{
    return exit_insn_port(((struct ahead *)context)->v, address, size, write, value);
}

static bool ahead_block(void *context, const struct io_block *block)
{
    struct ahead *a = context;
    a->accessed = true;
    return exit_insn_block(a->v, block);
}

// Ends before anything that is not a plain success: the guest comes to it by itself.
static void go_ahead(struct vcpu *v, const struct utcb_state *s)
{
    struct insn_cpu *cpu = &v->insn;
    struct ahead a = {.v = v};
    struct insn_page code = {0};
    const struct insn *in;
    cpu->mmio = ahead_mmio, cpu->port = ahead_port, cpu->block = ahead_block, cpu->context = &a;
    for (unsigned i = 0, without = 0; i < AHEAD_MAX && without < AHEAD_WITHOUT; i++) {
        if (__atomic_load_n(&v->attention, __ATOMIC_RELAXED) || !in_segment(s) ||
            insn_fetch_next(cpu, &code, &in) != INSN_DONE || (is_port_access(in) && !ports_allowed(s)))
            break;
        a.accessed = false;
        if (insn_execute(cpu, in) != INSN_DONE)
            break;
        without = a.accessed ? 0 : without + 1;
    }
    cpu->mmio = exit_insn_mmio, cpu->port = exit_insn_port, cpu->block = exit_insn_block, cpu->context = v;
}

uint64_t exit_insn_legacy(struct vcpu *v, struct utcb_state *s)
{
    if (!vcpu_has(v, EXIT_MTD_INSN | MTD_DR))
        return vcpu_widen(v, EXIT_MTD_INSN | MTD_DR);
    v->widened = VCPU_WIDE_EXITS;
    enum insn_result result = insn_emulate(&v->insn);
    if (result != INSN_DONE)
        return exit_insn_not_done(v, s, result);
    if (may_go_ahead(v, s))
        go_ahead(v, s);
    s->rip -= s->insn_len; // exit_retire moves it by what the exit said; the executor has moved it already
    s->rflags &= ~RFLAGS_RF;
    return exit_retire(v, s, MTD_GPR | MTD_RFLAGS);
}
