// SPDX-License-Identifier: MIT
// Instructions executed here for 16- and 32-bit code, which accesses video memory a byte at a time: after the one that
// exited, those behind it are executed too while they go on doing so. An exit costs as much as several of them.
#include "pc/vga.h"
#include "vmm-user/exit.h"
#include "vmm-user/vm.h"
#include "x86/desc.h"
#include "x86/regs.h"

#define AHEAD_ROUNDS  16  // as long as no timer is due, so that interrupts do not wait
#define AHEAD_MAX     128 // accesses in one
#define AHEAD_WITHOUT 12  // instructions in a row may leave devices alone

// A breakpoint, a single step and a shadow are the processor's business.
static bool may_go_ahead(const struct vcpu *v, const struct utcb_state *s)
{
    return !(s->rflags & RFLAGS_TF) && !s->intr_state && !v->windows && s->qual[1] - VGA_MEMORY_BASE < VGA_MEMORY_SIZE;
}

// Ports without a look at the I/O bitmap.
static bool ports_allowed(const struct utcb_state *s)
{
    if (!(s->cr0 & CR0_PE))
        return true;
    return !(s->rflags & RFLAGS_VM) && (s->seg[SEG_SS].ar >> 5 & 3) <= (s->rflags >> 12 & 3);
}

static enum insn_result ahead_mmio(void *context, uint64_t address, unsigned size, bool write, uint64_t *value)
{
    struct vcpu *v = context;
    struct vga *vga = &v->vm->machine.vga;
    v->insn.accessed = true;
    if (address - VGA_MEMORY_BASE >= VGA_MEMORY_SIZE)
        return exit_insn_mmio(v, address, size, write, value);
    if (write)
        vga_write(vga, address, size, *value);
    else
        *value = vga_read(vga, address, size);
    return INSN_DONE;
}

static bool ahead_block(void *context, const struct io_block *block)
{
    ((struct vcpu *)context)->insn.accessed = true;
    return exit_insn_block(context, block);
}

// The attribute, sequencer and graphics controllers have these ports all to themselves.
static enum insn_result ahead_port(void *context, uint64_t port, unsigned size, bool write, uint64_t *value)
{
    struct vcpu *v = context;
    struct device *vga = &v->vm->machine.vga.dev;
    v->insn.accessed = true;
    if (!write || port - VGA_ATTR_INDEX > VGA_COMMON_PORTS - size)
        return exit_insn_port(v, port, size, write, value);
    vga->ops->write(vga, IO_PORT, port, size, *value);
    return INSN_DONE;
}

static void go_ahead(struct vcpu *v, const struct utcb_state *s)
{
    struct insn_cpu *cpu = &v->insn;
    uint64_t deadline = vm_clock_deadline(&v->vm->clock);
    unsigned rounds = 0;
    cpu->mmio = ahead_mmio, cpu->block = ahead_block, cpu->port = ahead_port;
    while (rounds++ < AHEAD_ROUNDS && (!deadline || host_tsc() < deadline) &&
           insn_run(cpu, AHEAD_MAX, AHEAD_WITHOUT, ports_allowed(s)))
        ;
    cpu->mmio = exit_insn_mmio, cpu->block = exit_insn_block, cpu->port = exit_insn_port;
}

uint64_t exit_insn_legacy(struct vcpu *v, struct utcb_state *s)
{
    if (!vcpu_has(v, EXIT_MTD_INSN))
        return vcpu_widen(v, EXIT_MTD_INSN);
    v->widened = VCPU_WIDE_EXITS;
    enum insn_result result = insn_emulate(&v->insn);
    if (result != INSN_DONE)
        return exit_insn_not_done(v, s, result);
    if (may_go_ahead(v, s))
        go_ahead(v, s);
    s->rip -= s->insn_len; // exit_retire moves it by what the exit said; the executor has moved it already
    s->rflags &= ~RFLAGS_RF;
    return exit_retire(v, s, exit_insn_changed(&v->insn));
}
