// SPDX-License-Identifier: MIT
// What every exit comes to, whatever the hardware calls it. The hot ones (CPUID, ports, MSRs) are straight lines.
#include "vmm-user/exit.h"
#include "lib/c/printf.h"
#include "pc/lapic.h"
#include "vmm-user/vm.h"
#include "x86/desc.h"
#include "x86/regs.h"
#include "x86/vmx.h"

#define LOW32       0xffffffffull
#define DR6_BS      (1ul << 14)
#define DR7_ENABLED 0xff

// ---- the end of an exit

// After an instruction without trace: the shadow of STI or MOV SS ends, TF traps (SDM 3C 26.7.3, 3B 17.3.1.4).
uint64_t exit_retire_slow(struct vcpu *v, struct utcb_state *s, uint64_t mtd)
{
    if (s->intr_state & (BLOCKING_STI | BLOCKING_MOV_SS)) {
        s->intr_state &= ~(BLOCKING_STI | BLOCKING_MOV_SS);
        mtd |= MTD_STATE;
    }
    if (s->rflags & RFLAGS_TF) {
        if (!vcpu_has(v, MTD_DR))
            return vcpu_widen(v, MTD_DR); // nothing is written back: the guest repeats what had no effect elsewhere
        s->dr6 |= DR6_BS;
        irq_raise(v, EXC_DB, false, 0);
        mtd |= MTD_DR | MTD_STATE;
    }
    return exit_settle(v, s, mtd);
}

uint64_t exit_settle_slow(struct vcpu *v, struct utcb_state *s, uint64_t mtd)
{
    uint32_t todo;
    while ((todo = __atomic_exchange_n(&v->attention, 0, __ATOMIC_ACQ_REL))) {
        if (todo & ATTENTION_WORK && vm_work(v))
            return vcpu_startup(v, s);
        if (todo & ATTENTION_APIC) {
            v->apic_mode = s->apic_mode = vcpu_apic_mode(v);
            s->tpr_threshold = v->tpr_threshold;
            mtd |= MTD_APIC;
        }
        if (todo & ATTENTION_TSC) {
            s->tsc_offset = v->vm->clock.offset + v->tsc_adjust;
            mtd |= MTD_TSC;
        }
        if (todo & ATTENTION_DEADLINE) {
            s->deadline = vm_clock_deadline(&v->vm->clock);
            mtd |= MTD_DEADLINE;
        }
        if (todo & ATTENTION_IRQ)
            mtd |= irq_settle(v, s);
    }
    return mtd;
}

// What a fault pushes has RFLAGS.RF, so that its instruction does not hit a breakpoint again (SDM 3B 17.3.1.1).
uint64_t exit_fault(struct vcpu *v, struct utcb_state *s, unsigned vector, bool has_error, uint32_t error)
{
    s->rflags |= RFLAGS_RF;
    irq_raise(v, vector, has_error, error);
    return exit_settle(v, s, MTD_RFLAGS);
}

uint64_t exit_skip(struct vcpu *v, struct utcb_state *s)
{
    return exit_retire(v, s, 0);
}

uint64_t exit_undefined(struct vcpu *v, struct utcb_state *s)
{
    return exit_fault(v, s, EXC_UD, false, 0);
}

uint64_t exit_protection(struct vcpu *v, struct utcb_state *s)
{
    return exit_fault(v, s, EXC_GP, true, 0);
}

// Software events need their instruction's length.
void exit_vectoring(struct vcpu *v, const struct utcb_state *s)
{
    if (__builtin_expect(!(s->idt_info & INTR_VALID), 1))
        return;
    uint32_t type = s->idt_info & INTR_TYPE;
    bool software =
        type == INTR_TYPE_SW_INTERRUPT || type == INTR_TYPE_PRIV_SW_EXCEPTION || type == INTR_TYPE_SW_EXCEPTION;
    v->inject_info = s->idt_info & (INTR_VALID | INTR_ERROR_CODE | INTR_TYPE | INTR_VECTOR);
    v->inject_error = s->idt_error;
    v->inject_length = software ? s->insn_len : 0;
    vcpu_attend(v, ATTENTION_IRQ);
}

uint64_t exit_delivers_nowhere(struct vcpu *v, struct utcb_state *s)
{
    vm_stop(v, "delivers interrupt or exception %u at %x:%llx through memory that is not RAM: guest-physical %llx",
            s->idt_info & INTR_VECTOR, s->seg[SEG_CS].sel, (unsigned long long)s->rip, (unsigned long long)s->qual[1]);
    return exit_settle_slow(v, s, 0);
}

uint64_t exit_runs_nowhere(struct vcpu *v, struct utcb_state *s)
{
    vm_stop(v, "runs outside of its memory: %x:%llx is guest-physical %llx", s->seg[SEG_CS].sel,
            (unsigned long long)s->rip, (unsigned long long)s->qual[1]);
    return exit_settle_slow(v, s, 0);
}

uint64_t exit_event(struct vcpu *v, struct utcb_state *s)
{
    exit_vectoring(v, s);
    vcpu_attend(v, ATTENTION_IRQ | (vm_recall_due() ? ATTENTION_WORK : 0));
    return exit_settle_slow(v, s, 0);
}

uint64_t exit_timer(struct vcpu *v, struct utcb_state *s)
{
    exit_vectoring(v, s);
    vm_clock_run(&v->vm->clock);
    vcpu_attend(v, ATTENTION_IRQ | ATTENTION_DEADLINE);
    return exit_settle_slow(v, s, 0);
}

uint64_t exit_startup(struct vcpu *v, struct utcb_state *s)
{
    return vcpu_startup(v, s);
}

// ---- CPUID

static uint64_t cpuid_answer(struct vcpu *v, struct utcb_state *s, const struct cpuid *r)
{
    s->gpr[GPR_RAX] = r->eax;
    s->gpr[GPR_RBX] = r->ebx;
    s->gpr[GPR_RCX] = r->ecx;
    s->gpr[GPR_RDX] = r->edx;
    return exit_retire(v, s, MTD_ACDB);
}

// Leaves with subleaves, and those that follow the vCPU's state.
static __attribute__((noinline)) uint64_t cpuid_other(struct vcpu *v, struct utcb_state *s)
{
    struct cpuid_state state = {.xcr0 = v->xcr0, .apic_enabled = lapic_enabled(&v->lapic), .apic_id = v->lapic.id};
    uint32_t leaf = (uint32_t)s->gpr[GPR_RAX];
    if (leaf == 1) { // OSXSAVE follows CR4
        if (!vcpu_has(v, MTD_CR))
            return vcpu_widen(v, MTD_CR);
        v->widened = VCPU_WIDE_EXITS;
        state.cr4 = s->cr4;
    }
    struct cpuid r = cpuid_guest(&v->cpuid, leaf, (uint32_t)s->gpr[GPR_RCX], &state);
    return cpuid_answer(v, s, &r);
}

uint64_t exit_cpuid(struct vcpu *v, struct utcb_state *s)
{
    uint32_t leaf = (uint32_t)s->gpr[GPR_RAX];
    if (__builtin_expect(leaf > 0x16 || !(v->cpuid.simple >> leaf & 1), 0))
        return cpuid_other(v, s);
    vcpu_narrow(v);
    return cpuid_answer(v, s, &v->cpuid.basic[leaf]);
}

// ---- ports

uint64_t exit_port(struct vcpu *v, struct utcb_state *s, uint16_t port, unsigned size, bool in)
{
    struct bus *bus = &v->vm->machine.bus;
    if (exit_is_stepped(v, s))
        return vcpu_widen(v, MTD_DR);
    if (!in) {
        bus_port_write(bus, port, size, (uint32_t)s->gpr[GPR_RAX]);
        return exit_retire(v, s, 0);
    }
    uint32_t value = bus_port_read(bus, port, size);
    uint64_t keep = size == 1 ? ~0xffull : size == 2 ? ~0xffffull : 0;
    s->gpr[GPR_RAX] = (s->gpr[GPR_RAX] & keep) | value;
    return exit_retire(v, s, MTD_ACDB);
}

enum insn_result exit_insn_port(void *context, uint64_t address, unsigned size, bool write, uint64_t *value)
{
    struct bus *bus = &((struct vcpu *)context)->vm->machine.bus;
    if (write)
        bus_port_write(bus, (uint16_t)address, size, (uint32_t)*value);
    else
        *value = bus_port_read(bus, (uint16_t)address, size);
    return INSN_DONE;
}

// ---- memory-mapped devices, and instructions that are executed here

enum insn_result exit_insn_mmio(void *context, uint64_t address, unsigned size, bool write, uint64_t *value)
{
    struct vcpu *v = context;
    struct bus *bus = &v->vm->machine.bus;
    if (!write) {
        *value = bus_mmio_read(bus, address, size);
        return INSN_DONE;
    }
    bus_mmio_write(bus, address, size, *value);
    if ((address ^ v->lapic.base) < LAPIC_SIZE) // the low bits of that MSR are within the page
        vcpu_attend(v, ATTENTION_IRQ);
    return INSN_DONE;
}

bool exit_insn_block(void *context, const struct io_block *b)
{
    struct bus *bus = &((struct vcpu *)context)->vm->machine.bus;
    bool is_port = b->kind == IO_BLOCK_IN || b->kind == IO_BLOCK_OUT;
    struct device *dev = is_port ? bus->devices[bus->port_map[b->addr]] : bus_mmio_find(bus, b->addr);
    if (!dev->ops->block || (b->kind == IO_BLOCK_COPY && bus_mmio_find(bus, b->from) != dev))
        return false;
    return dev->ops->block(dev, b);
}

// An instruction that the decoder does not know is #UD for the guest; the log shows its bytes, the first times.
static __attribute__((noinline)) uint64_t insn_unknown(struct vcpu *v, struct utcb_state *s)
{
    struct insn_cpu *cpu = &v->insn;
    char text[160];
    int n = snprintf(text, sizeof(text), "%s at %x:%llx, address %llx: #UD to the guest; bytes", cpu->reason,
                     s->seg[SEG_CS].sel, (unsigned long long)s->rip, (unsigned long long)s->qual[1]);
    for (unsigned i = 0; i < cpu->byte_count && n < (int)sizeof(text) - 4; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " %02x", cpu->bytes[i]);
    if (v->unknown_opcodes++ < 16)
        vcpu_log(v, text);
    cpu->byte_count = 0;
    return exit_undefined(v, s);
}

uint64_t exit_insn_changed(struct insn_cpu *cpu)
{
    uint32_t groups = cpu->changed;
    cpu->changed = 0;
    return MTD_GPR | MTD_RFLAGS | groups;
}

// Which registers an instruction may have changed.
static uint64_t insn_changes(struct insn_cpu *cpu, const struct insn *in)
{
    static const uint32_t groups[16] = {
        [GPR_RAX] = MTD_ACDB, [GPR_RCX] = MTD_ACDB, [GPR_RDX] = MTD_ACDB, [GPR_RBX] = MTD_ACDB,    [GPR_RSP] = MTD_RSP,
        [GPR_RBP] = MTD_BSD,  [GPR_RSI] = MTD_BSD,  [GPR_RDI] = MTD_BSD,  [8 ... 15] = MTD_R8_R15,
    };
    if (in->plain == INSN_PLAIN_LOAD)
        return groups[in->dst_reg];
    if (in->plain != INSN_PLAIN_NOT)
        return 0;
    return exit_insn_changed(cpu);
}

// 64-bit code seldom needs more segments than CS and SS: the others are asked for when it does.
static bool insn_lacks_segments(struct vcpu *v)
{
    if (!vcpu_has(v, EXIT_MTD_INSN))
        return true;
    v->widened = VCPU_WIDE_EXITS;
    return false;
}

// Once more, with what it asked for.
static uint64_t insn_with_state(struct vcpu *v, struct utcb_state *s)
{
    struct insn_cpu *cpu = &v->insn;
    if (!vcpu_has(v, cpu->wanted))
        return vcpu_widen(v, cpu->wanted);
    v->widened = VCPU_WIDE_EXITS;
    cpu->has = cpu->wanted;
    cpu->blocks = false;
    enum insn_result result = insn_emulate(cpu);
    cpu->has = 0;
    if (result != INSN_DONE)
        return exit_insn_not_done(v, s, result);
    s->rflags &= ~RFLAGS_RF;
    if (cpu->blocks) { // traps wait too
        s->intr_state |= BLOCKING_MOV_SS;
        return exit_settle(v, s, MTD_RIP | MTD_STATE | exit_insn_changed(cpu));
    }
    s->rip -= s->insn_len;
    return exit_retire(v, s, exit_insn_changed(cpu));
}

// Everything but an instruction that was executed.
__attribute__((noinline)) uint64_t exit_insn_not_done(struct vcpu *v, struct utcb_state *s, enum insn_result result)
{
    const struct insn_fault *fault = &v->insn.fault;
    uint64_t mtd = MTD_GPR | MTD_RIP | MTD_RFLAGS;
    if (result == INSN_RETRY)
        return exit_settle(v, s, mtd);
    if (result == INSN_STATE)
        return insn_with_state(v, s);
    if (result != INSN_FAULT)
        return insn_unknown(v, s);
    v->insn.byte_count = 0;
    if (fault->vector == EXC_PF) {
        s->cr2 = fault->cr2;
        mtd |= MTD_CR;
    }
    return mtd | exit_fault(v, s, fault->vector, fault->has_error, fault->error);
}

// With breakpoints: a data breakpoint traps behind the instruction that accessed it.
static __attribute__((noinline)) uint64_t insn_watched(struct vcpu *v, struct utcb_state *s)
{
    struct insn_cpu *cpu = &v->insn;
    if (!vcpu_has(v, EXIT_MTD_INSN | MTD_DR))
        return vcpu_widen(v, EXIT_MTD_INSN | MTD_DR);
    v->widened = VCPU_WIDE_EXITS;
    cpu->hint.valid = cpu->hint.gpa_only = false;
    cpu->watch = true;
    cpu->hits = 0;
    enum insn_result result = insn_emulate(cpu);
    cpu->watch = false;
    if (result != INSN_DONE)
        return exit_insn_not_done(v, s, result);
    uint64_t mtd = exit_insn_changed(cpu);
    if (cpu->hits) {
        s->dr6 = (s->dr6 & ~0xful) | cpu->hits;
        cpu->hits = 0;
        irq_raise(v, EXC_DB, false, 0);
        mtd |= MTD_DR;
    }
    s->rip -= s->insn_len;
    s->rflags &= ~RFLAGS_RF;
    return exit_retire(v, s, mtd);
}

uint64_t exit_insn(struct vcpu *v, struct utcb_state *s)
{
    struct insn_cpu *cpu = &v->insn;
    const struct insn *in;
    if (__builtin_expect(s->dr7 & DR7_ENABLED, 0))
        return insn_watched(v, s);
    if (exit_is_stepped(v, s))
        return vcpu_widen(v, MTD_DR);
    vcpu_narrow(v);
    if (__builtin_expect(!exit_is_64(s), 0))
        return exit_insn_legacy(v, s);
    enum insn_result result = insn_fetch(cpu, &in);
    if (__builtin_expect(result != INSN_DONE, 0))
        return exit_insn_not_done(v, s, result);
    if (__builtin_expect((unsigned)in->segment - INSN_FS < 2, 0) && insn_lacks_segments(v))
        return vcpu_widen(v, EXIT_MTD_INSN);
    result = insn_execute(cpu, in);
    if (__builtin_expect(result != INSN_DONE, 0))
        return exit_insn_not_done(v, s, result);
    s->rip -= s->insn_len; // exit_retire moves it by what the exit said; the executor has moved it already
    uint64_t mtd = insn_changes(cpu, in);
    if (s->rflags & RFLAGS_RF) { // saved as 1 by an exit that is like a fault (SDM 3C 28.3.3)
        s->rflags &= ~RFLAGS_RF;
        mtd |= MTD_RFLAGS;
    }
    return exit_retire(v, s, mtd);
}

uint64_t exit_port_string(struct vcpu *v, struct utcb_state *s)
{
    if (!vcpu_has(v, EXIT_MTD_INSN))
        return vcpu_widen(v, EXIT_MTD_INSN);
    v->widened = VCPU_WIDE_EXITS;
    v->insn.hint.valid = false;
    return exit_insn(v, s);
}

uint64_t exit_apic_write(struct vcpu *v, struct utcb_state *s, uint32_t offset)
{
    lapic_write_done(&v->lapic, offset);
    if (v->lapic.irr_words | v->windows | v->tpr_threshold | pic_pending(&v->vm->machine.pic))
        vcpu_attend(v, ATTENTION_IRQ);
    return exit_settle(v, s, 0);
}

// ---- MSRs, XCR0

uint64_t exit_rdmsr(struct vcpu *v, struct utcb_state *s)
{
    uint64_t value = 0, widen = exit_is_stepped(v, s) ? MTD_DR : 0;
    bool ok = !widen && msr_read(v, (uint32_t)s->gpr[GPR_RCX], &value, &widen);
    if (__builtin_expect(widen != 0, 0))
        return vcpu_widen(v, widen);
    if (!ok)
        return exit_protection(v, s);
    s->gpr[GPR_RAX] = value & LOW32;
    s->gpr[GPR_RDX] = value >> 32;
    return exit_retire(v, s, MTD_ACDB);
}

uint64_t exit_wrmsr(struct vcpu *v, struct utcb_state *s)
{
    uint64_t reply = 0, widen = exit_is_stepped(v, s) ? MTD_DR : 0;
    uint64_t value = (s->gpr[GPR_RAX] & LOW32) | s->gpr[GPR_RDX] << 32;
    bool ok = !widen && msr_write(v, (uint32_t)s->gpr[GPR_RCX], value, &reply, &widen);
    if (__builtin_expect(widen != 0, 0))
        return vcpu_widen(v, widen);
    if (!ok)
        return exit_protection(v, s);
    return exit_retire(v, s, reply);
}

uint64_t exit_xsetbv(struct vcpu *v, struct utcb_state *s)
{
    uint64_t value = (s->gpr[GPR_RAX] & LOW32) | s->gpr[GPR_RDX] << 32;
    if ((uint32_t)s->gpr[GPR_RCX] != 0 || !cpuid_xcr0_valid(&v->cpuid, value))
        return exit_protection(v, s);
    s->xcr0 = v->xcr0 = value;
    return exit_retire(v, s, MTD_XSAVE);
}

// ---- HLT, and the ends of a guest

uint64_t exit_hlt(struct vcpu *v, struct utcb_state *s)
{
    if (!(s->rflags & RFLAGS_IF) && !irq_can_wake(v, s)) {
        if (!vcpu_has(v, MTD_ALL)) // whoever looks at the VM wants to see how it ended
            return vcpu_widen(v, MTD_ALL);
        vm_stop(v, "halted with interrupts off at %llx", (unsigned long long)s->rip);
        return exit_settle_slow(v, s, 0);
    }
    s->rip += s->insn_len;
    s->intr_state &= ~(uint32_t)(BLOCKING_STI | BLOCKING_MOV_SS);
    terminal_flush(v->vm);
    for (;;) {
        vm_clock_run(&v->vm->clock);
        if (irq_wakes(v, s))
            break;
        if (__atomic_load_n(&v->attention, __ATOMIC_ACQUIRE) & ATTENTION_WORK) {
            __atomic_fetch_and(&v->attention, ~(uint32_t)ATTENTION_WORK, __ATOMIC_ACQ_REL);
            if (vm_work(v))
                return vcpu_startup(v, s);
            if (vm_recall_due()) { // that comes first; then the guest halts again, and nothing gets between
                s->rip -= s->insn_len;
                s->intr_state |= s->rflags & RFLAGS_IF ? BLOCKING_STI : 0;
                return exit_settle_slow(v, s, MTD_STATE);
            }
            continue;
        }
        vcpu_sleep(v);
    }
    vcpu_attend(v, ATTENTION_IRQ | ATTENTION_DEADLINE);
    return exit_settle_slow(v, s, MTD_RIP | MTD_STATE);
}

// An x87 error while CR0.NE is clear: the processor waits before the instruction for an interrupt, such as IRQ 13 (SDM
// 3A 2.5, 1 D.2.1). It comes to the same again until the guest has cleared the error: there is no IGNNE# to let it
// pass.
uint64_t exit_fpu_error(struct vcpu *v, struct utcb_state *s)
{
    ferr_assert(&v->vm->machine.ferr);
    s->insn_len = 0;
    return exit_hlt(v, s);
}

uint64_t exit_triple_fault(struct vcpu *v, struct utcb_state *s)
{
    vm_shutdown(v, "triple fault at %x:%llx", s->seg[SEG_CS].sel, (unsigned long long)s->rip);
    return exit_settle_slow(v, s, 0);
}

uint64_t exit_failed(struct vcpu *v, struct utcb_state *s)
{
    vm_stop(v, "VM entry failed: rule %u, error %llu", s->insn_info, (unsigned long long)s->qual[0]);
    return exit_settle_slow(v, s, 0);
}

uint64_t exit_unsupported(struct vcpu *v, struct utcb_state *s)
{
    vm_stop(v, "unsupported: %s at %x:%llx", exit_name((unsigned)v->event), s->seg[SEG_CS].sel,
            (unsigned long long)s->rip);
    return exit_settle_slow(v, s, 0);
}
