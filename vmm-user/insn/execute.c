// SPDX-License-Identifier: MIT
#include "vmm-user/insn/machine.h"

enum insn_result value_write(struct insn_cpu *cpu, const struct insn *in, unsigned size, uint64_t value)
{
    struct operand at;
    enum insn_result result;
    if (in->dst == INSN_REG) {
        reg_write(cpu->state, in->dst_reg, size, value);
        return insn_finish(cpu, in);
    }
    result = operand_resolve(cpu, in->mode, in->segment, effective_address(cpu, in), size, GUEST_WRITE, &at);
    if (result == INSN_DONE) {
        result = operand_write(cpu, &at, value);
    }
    return result == INSN_DONE ? insn_finish(cpu, in) : result;
}

// MOV MOVZX MOVSX MOVBE MOVNTI
static enum insn_result move_execute(struct insn_cpu *cpu, const struct insn *in)
{
    if (in->dst == INSN_CR || in->dst == INSN_DR || in->src == INSN_CR || in->src == INSN_DR) {
        return unsupported(cpu, "move to or from a system register");
    }
    uint64_t value;
    enum insn_result result = value_read(cpu, in, in->src, in->src_reg, in->source_size, &value);
    if (result != INSN_DONE) {
        return result;
    }
    if (in->dst == INSN_SREG) {
        result = segment_load(cpu, in, in->dst_reg, (uint16_t)value, true);
        return result == INSN_DONE ? insn_finish(cpu, in) : result;
    }
    if (in->op == INSN_OP_MOVSX) {
        value = sign_extend(value, in->source_size);
    } else if (in->op == INSN_OP_MOVBE) {
        value = __builtin_bswap64(value) >> (64 - 8 * in->size);
    }
    bool selector_store = in->src == INSN_SREG && in->dst == INSN_MEM;
    return value_write(cpu, in, selector_store ? 2 : in->size, value);
}

static enum insn_result lea_execute(struct insn_cpu *cpu, const struct insn *in)
{
    reg_write(cpu->state, in->dst_reg, in->size, effective_address(cpu, in));
    return insn_finish(cpu, in);
}

// BSF BSR TZCNT LZCNT POPCNT CRC32: a register from a source
static enum insn_result count_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t src, old = reg_read(cpu->state, in->dst_reg, in->size);
    enum insn_result result = value_read(cpu, in, in->src, in->src_reg, in->source_size, &src);
    if (result != INSN_DONE) {
        return result;
    }
    bool kept = src == 0 && (in->op == INSN_OP_BSF || in->op == INSN_OP_BSR);
    uint64_t value = alu_of(in->op)(old, src, in->source_size, in->size, &cpu->state->rflags);
    if (!kept) { // not even the upper half is written
        reg_write(cpu->state, in->dst_reg, in->size, value);
    }
    return insn_finish(cpu, in);
}

static enum insn_result setcc_execute(struct insn_cpu *cpu, const struct insn *in)
{
    return value_write(cpu, in, 1, alu_condition(in->condition, cpu->state->rflags));
}

// The source is read, and may fault, even if the condition is false; a 32-bit destination is then still zero-extended.
static enum insn_result cmovcc_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t value;
    enum insn_result result = value_read(cpu, in, in->src, in->src_reg, in->size, &value);
    if (result != INSN_DONE) {
        return result;
    }
    if (!alu_condition(in->condition, cpu->state->rflags)) {
        value = reg_read(cpu->state, in->dst_reg, in->size);
    }
    reg_write(cpu->state, in->dst_reg, in->size, value);
    return insn_finish(cpu, in);
}

static enum insn_result port_execute(struct insn_cpu *cpu, const struct insn *in)
{
    bool out = in->op == INSN_OP_OUT;
    unsigned kind = out ? in->dst : in->src;
    uint16_t port = kind == INSN_IMM ? (uint16_t)in->imm : (uint16_t)cpu->state->gpr[GPR_RDX];
    uint64_t value = out ? reg_read(cpu->state, GPR_RAX, in->size) : 0;
    enum insn_result result = cpu->port(cpu->context, port, in->size, out, &value);
    if (result != INSN_DONE) {
        return result;
    }
    if (!out) {
        reg_write(cpu->state, GPR_RAX, in->size, value);
    }
    return insn_finish(cpu, in);
}

static enum insn_result xlat_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct operand at;
    uint64_t value, index = cpu->state->gpr[GPR_RAX] & 0xff;
    unsigned segment = in->segment == INSN_SEGMENTS ? INSN_DS : in->segment;
    uint64_t offset = (cpu->state->gpr[GPR_RBX] + index) & size_mask(in->address_size);
    enum insn_result result = operand_resolve(cpu, in->mode, segment, offset, 1, GUEST_READ, &at);
    if (result == INSN_DONE) {
        result = operand_read(cpu, &at, &value);
    }
    if (result != INSN_DONE) {
        return result;
    }
    reg_write(cpu->state, GPR_RAX, 1, value);
    return insn_finish(cpu, in);
}

// CBW CWDE CDQE, CWD CDQ CQO
static enum insn_result widen_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    if (in->op == INSN_OP_CBW) {
        reg_write(state, GPR_RAX, in->size, sign_extend(reg_read(state, GPR_RAX, in->size / 2), in->size / 2));
    } else {
        bool negative = reg_read(state, GPR_RAX, in->size) >> (8 * in->size - 1);
        reg_write(state, GPR_RDX, in->size, negative ? ~0ull : 0);
    }
    return insn_finish(cpu, in);
}

// CLC STC CMC CLD STD LAHF SAHF
static enum insn_result flags_execute(struct insn_cpu *cpu, const struct insn *in)
{
    const uint64_t ah_flags = RFLAGS_SF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF | RFLAGS_CF;
    struct utcb_state *state = cpu->state;
    uint64_t rflags = state->rflags;
    switch (in->op) {
    case INSN_OP_CLC:
        state->rflags = rflags & ~RFLAGS_CF;
        break;
    case INSN_OP_STC:
        state->rflags = rflags | RFLAGS_CF;
        break;
    case INSN_OP_CMC:
        state->rflags = rflags ^ RFLAGS_CF;
        break;
    case INSN_OP_CLD:
        state->rflags = rflags & ~RFLAGS_DF;
        break;
    case INSN_OP_STD:
        state->rflags = rflags | RFLAGS_DF;
        break;
    case INSN_OP_LAHF:
        reg_write(state, INSN_REG_HIGH + GPR_RAX, 1, (rflags & ah_flags) | RFLAGS_ONE);
        break;
    default: // SAHF
        state->rflags = (rflags & ~ah_flags) | (reg_read(state, INSN_REG_HIGH + GPR_RAX, 1) & ah_flags);
        break;
    }
    return insn_finish(cpu, in);
}

static enum insn_result nothing_execute(struct insn_cpu *cpu, const struct insn *in)
{
    return insn_finish(cpu, in);
}

static insn_handler *const handlers[INSN_OP_COUNT] = {
    [INSN_OP_MOV... INSN_OP_MOVNTI] = move_execute,
    [INSN_OP_LEA] = lea_execute,
    [INSN_OP_ADD... INSN_OP_XOR] = modify_execute,
    [INSN_OP_CMP... INSN_OP_TEST] = examine_execute,
    [INSN_OP_NOT... INSN_OP_SHRD] = modify_execute,
    [INSN_OP_MUL... INSN_OP_IDIV] = multiply_execute,
    [INSN_OP_BT] = examine_execute,
    [INSN_OP_BTS... INSN_OP_BTC] = modify_execute,
    [INSN_OP_BSF... INSN_OP_POPCNT] = count_execute,
    [INSN_OP_BSWAP] = modify_execute,
    [INSN_OP_XCHG] = exchange_execute,
    [INSN_OP_CMPXCHG] = compare_exchange_execute,
    [INSN_OP_CMPXCHG8B... INSN_OP_CMPXCHG16B] = compare_exchange_pair_execute,
    [INSN_OP_XADD] = modify_execute,
    [INSN_OP_SETCC] = setcc_execute,
    [INSN_OP_CMOVCC] = cmovcc_execute,
    [INSN_OP_JCC] = jcc_execute,
    [INSN_OP_JMP] = jump_execute,
    [INSN_OP_CALL] = call_execute,
    [INSN_OP_RET] = ret_execute,
    [INSN_OP_PUSH] = push_execute,
    [INSN_OP_POP] = pop_execute,
    [INSN_OP_LEAVE] = leave_execute,
    [INSN_OP_ENTER] = enter_execute,
    [INSN_OP_LOOP... INSN_OP_JCXZ] = loop_execute,
    [INSN_OP_MOVS... INSN_OP_OUTS] = string_execute,
    [INSN_OP_IN... INSN_OP_OUT] = port_execute,
    [INSN_OP_XLAT] = xlat_execute,
    [INSN_OP_CBW... INSN_OP_CWD] = widen_execute,
    [INSN_OP_LAHF... INSN_OP_STD] = flags_execute,
    [INSN_OP_NOP... INSN_OP_SFENCE] = nothing_execute,
    [INSN_OP_PUSHA] = pusha_execute,
    [INSN_OP_POPA] = popa_execute,
    [INSN_OP_PUSHF] = pushf_execute,
    [INSN_OP_POPF] = popf_execute,
    [INSN_OP_BOUND] = bound_execute,
    [INSN_OP_SLDT... INSN_OP_STR] = selector_store_execute,
    [INSN_OP_LLDT... INSN_OP_LTR] = system_segment_execute,
    [INSN_OP_VERR... INSN_OP_VERW] = selector_examine_execute,
    [INSN_OP_LAR... INSN_OP_LSL] = selector_examine_execute,
    [INSN_OP_SGDT... INSN_OP_LIDT] = table_execute,
    [INSN_OP_SMSW] = selector_store_execute,
    [INSN_OP_LMSW] = lmsw_execute,
    [INSN_OP_JMP_FAR... INSN_OP_CALL_FAR] = far_execute,
    [INSN_OP_RET_FAR] = ret_far_execute,
    [INSN_OP_LES... INSN_OP_LGS] = far_pointer_execute,
    [INSN_OP_CRC32] = count_execute,
    [INSN_OP_VECTOR... INSN_OP_LDMXCSR] = vector_execute,
};

enum insn_result any_execute(struct insn_cpu *cpu, const struct insn *in)
{
    insn_handler *handler = in->op < INSN_OP_COUNT ? handlers[in->op] : (void *)0;
    enum insn_result result = handler ? handler(cpu, in) : unsupported(cpu, "privileged or system instruction");
    cpu->hint.valid = cpu->hint.gpa_only = false;
    return result;
}
