// SPDX-License-Identifier: MIT
// Instructions that use the stack or change RIP.
#include "vmm-user/insn/machine.h"

// Width of the stack pointer (SDM 1 6.2.5).
static unsigned stack_size(const struct insn_cpu *cpu, const struct insn *in)
{
    if (in->mode == INSN_MODE_64) {
        return 8;
    }
    return cpu->state->seg[SEG_SS].ar & AR_D ? 4 : 2;
}

void stack_set(struct insn_cpu *cpu, const struct insn *in, uint64_t pointer)
{
    reg_write(cpu->state, GPR_RSP, stack_size(cpu, in), pointer);
}

enum insn_result stack_push(struct insn_cpu *cpu, const struct insn *in, unsigned size, uint64_t value)
{
    unsigned width = stack_size(cpu, in);
    uint64_t top = (cpu->state->gpr[GPR_RSP] - size) & size_mask(width);
    struct operand at;
    TRY(operand_resolve(cpu, in->mode, INSN_SS, top, size, GUEST_WRITE, &at));
    TRY(operand_write(cpu, &at, value));
    reg_write(cpu->state, GPR_RSP, width, top);
    return INSN_DONE;
}

enum insn_result stack_peek(struct insn_cpu *cpu, const struct insn *in, uint64_t pointer, unsigned size,
                            uint64_t *value)
{
    struct operand at;
    uint64_t top = pointer & size_mask(stack_size(cpu, in));
    TRY(operand_resolve(cpu, in->mode, INSN_SS, top, size, GUEST_READ, &at));
    return operand_read(cpu, &at, value);
}

// Is `target` a place that a near branch may go to? #GP(0) if not.
static enum insn_result branch_check(struct insn_cpu *cpu, enum insn_mode mode, uint64_t target)
{
    bool allowed = mode == INSN_MODE_64 ? canonical(cpu, target) : target <= cpu->state->seg[SEG_CS].limit;
    return allowed ? INSN_DONE : fault_raise(cpu, EXC_GP, true, 0);
}

static void rip_set(struct insn_cpu *cpu, uint64_t target)
{
    cpu->state->rip = target;
    cpu->state->rflags &= ~RFLAGS_RF;
}

// Where a near branch goes: relative, or what register or memory holds.
static enum insn_result target_read(struct insn_cpu *cpu, const struct insn *in, uint64_t *target)
{
    enum insn_result result = INSN_DONE;
    if (in->dst == INSN_REL) {
        *target = (cpu->state->rip + in->length + in->imm) & size_mask(in->size);
    } else {
        result = value_read(cpu, in, in->dst, in->dst_reg, in->size, target);
    }
    return result == INSN_DONE ? branch_check(cpu, in->mode, *target) : result;
}

enum insn_result jump_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t target;
    TRY(target_read(cpu, in, &target));
    rip_set(cpu, target);
    return INSN_DONE;
}

enum insn_result jcc_execute(struct insn_cpu *cpu, const struct insn *in)
{
    return alu_condition(in->condition, cpu->state->rflags) ? jump_execute(cpu, in) : insn_finish(cpu, in);
}

// LOOP LOOPE LOOPNE JCXZ: the counter is of address size.
enum insn_result loop_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    uint64_t target, count = reg_read(state, GPR_RCX, in->address_size);
    bool zero = state->rflags & RFLAGS_ZF, taken;
    if (in->op == INSN_OP_JCXZ) {
        return count == 0 ? jump_execute(cpu, in) : insn_finish(cpu, in);
    }
    count = (count - 1) & size_mask(in->address_size);
    taken = count != 0 && (in->op == INSN_OP_LOOP || zero == (in->op == INSN_OP_LOOPE));
    if (taken) {
        enum insn_result result = target_read(cpu, in, &target);
        if (result != INSN_DONE) {
            return result;
        }
    }
    reg_write(state, GPR_RCX, in->address_size, count);
    if (!taken) {
        return insn_finish(cpu, in);
    }
    rip_set(cpu, target);
    return INSN_DONE;
}

enum insn_result call_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t target;
    TRY(target_read(cpu, in, &target));
    TRY(stack_push(cpu, in, in->size, rip_next(cpu, in)));
    rip_set(cpu, target);
    return INSN_DONE;
}

enum insn_result ret_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    uint64_t target, released = in->size + (in->dst == INSN_IMM ? in->imm : 0);
    TRY(stack_peek(cpu, in, state->gpr[GPR_RSP], in->size, &target));
    TRY(branch_check(cpu, in->mode, target));
    stack_set(cpu, in, state->gpr[GPR_RSP] + released);
    rip_set(cpu, target);
    return INSN_DONE;
}

enum insn_result push_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t value;
    TRY(value_read(cpu, in, in->dst, in->dst_reg, in->size, &value));
    TRY(stack_push(cpu, in, in->size, value));
    return insn_finish(cpu, in);
}

// An address based on RSP uses its value after the pop (SDM 2B, POP).
static enum insn_result pop_to_memory(struct insn_cpu *cpu, const struct insn *in, uint64_t value)
{
    struct operand at;
    TRY(operand_resolve(cpu, in->mode, in->segment, effective_address(cpu, in), in->size, GUEST_WRITE, &at));
    return operand_write(cpu, &at, value);
}

enum insn_result pop_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    uint64_t value, before = state->gpr[GPR_RSP];
    enum insn_result result = stack_peek(cpu, in, before, in->size, &value);
    if (result != INSN_DONE) {
        return result;
    }
    stack_set(cpu, in, before + in->size);
    if (in->dst == INSN_SREG) {
        result = segment_load(cpu, in, in->dst_reg, (uint16_t)value, true);
    } else if (in->dst == INSN_REG) {
        reg_write(state, in->dst_reg, in->size, value);
    } else {
        result = pop_to_memory(cpu, in, value);
    }
    if (result != INSN_DONE) {
        state->gpr[GPR_RSP] = before;
        return result;
    }
    return insn_finish(cpu, in);
}

enum insn_result leave_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    uint64_t value, frame = state->gpr[GPR_RBP];
    TRY(stack_peek(cpu, in, frame, in->size, &value));
    stack_set(cpu, in, frame + in->size);
    reg_write(state, GPR_RBP, in->size, value);
    return insn_finish(cpu, in);
}

// The frame pointers of the `level` - 1 enclosing frames are copied from where RBP points (SDM 2A, ENTER).
enum insn_result enter_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    unsigned width = stack_size(cpu, in), level = in->disp & 31;
    uint64_t rsp = state->gpr[GPR_RSP], frame, link, old = state->gpr[GPR_RBP];
    enum insn_result result = stack_push(cpu, in, in->size, old & size_mask(in->size));
    frame = state->gpr[GPR_RSP] & size_mask(width);
    for (unsigned i = 1; i < level && result == INSN_DONE; i++) {
        result = stack_peek(cpu, in, old - i * in->size, in->size, &link);
        if (result == INSN_DONE) {
            result = stack_push(cpu, in, in->size, link);
        }
    }
    if (level && result == INSN_DONE) {
        result = stack_push(cpu, in, in->size, frame & size_mask(in->size));
    }
    if (result != INSN_DONE) {
        state->gpr[GPR_RSP] = rsp;
        return result;
    }
    reg_write(state, GPR_RBP, in->size, frame);
    reg_write(state, GPR_RSP, width, state->gpr[GPR_RSP] - in->imm);
    return insn_finish(cpu, in);
}

// The frame of PUSHA: RAX at its top, RDI last, and in RSP's place what it was.
enum insn_result pusha_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t rsp = cpu->state->gpr[GPR_RSP];
    for (unsigned i = 0; i < 8; i++) {
        uint64_t value = i == GPR_RSP ? rsp : cpu->state->gpr[i];
        enum insn_result result = stack_push(cpu, in, in->size, value & size_mask(in->size));
        if (result != INSN_DONE) {
            cpu->state->gpr[GPR_RSP] = rsp;
            return result;
        }
    }
    return insn_finish(cpu, in);
}

enum insn_result popa_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t values[8], rsp = cpu->state->gpr[GPR_RSP];
    for (unsigned i = 0; i < 8; i++) {
        enum insn_result result = stack_peek(cpu, in, rsp + i * in->size, in->size, &values[7 - i]);
        if (result != INSN_DONE) {
            return result;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i != GPR_RSP) {
            reg_write(cpu->state, i, in->size, values[i]);
        }
    }
    stack_set(cpu, in, rsp + 8 * in->size);
    return insn_finish(cpu, in);
}

// Virtual-8086 mode has its own rules, which depend on IOPL and VME.
enum insn_result pushf_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t flags = cpu->state->rflags & ~(RFLAGS_VM | RFLAGS_RF);
    if (cpu->state->rflags & RFLAGS_VM) {
        return unsupported(cpu, "PUSHF in virtual-8086 mode");
    }
    TRY(stack_push(cpu, in, in->size, flags & size_mask(in->size)));
    return insn_finish(cpu, in);
}

// SDM 2B, POPF: which flags the privilege level may change. The trap of a TF that changes is the processor's business.
enum insn_result popf_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    unsigned cpl = state->cr0 & CR0_PE ? cpl_of(state) : 0, iopl = state->rflags >> 12 & 3;
    uint64_t value, mask = 0x4dd5 | RFLAGS_AC | RFLAGS_ID; // CF PF AF ZF SF TF DF OF NT
    TRY(stack_peek(cpu, in, state->gpr[GPR_RSP], in->size, &value));
    mask |= (cpl <= iopl ? RFLAGS_IF : 0) | (cpl == 0 ? 0x3000 : 0);
    if (state->rflags & RFLAGS_VM || (value ^ state->rflags) & RFLAGS_TF) {
        return unsupported(cpu, "POPF that changes TF or in virtual-8086 mode");
    }
    mask &= size_mask(in->size);
    state->rflags = (state->rflags & ~mask) | (value & mask);
    cpu->changed |= MTD_RFLAGS;
    stack_set(cpu, in, state->gpr[GPR_RSP] + in->size);
    return insn_finish(cpu, in);
}
