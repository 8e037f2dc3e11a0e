// SPDX-License-Identifier: GPL-2.0-only
#include "vmm-user/insn/machine.h"

enum { LOCKED_ATTEMPTS = 1000 };

// The processor's own compare-exchange, at any alignment.
static bool host_compare_exchange(void *at, unsigned size, uint64_t expected, uint64_t new)
{
    bool done;
#define COMPARE_EXCHANGE(type, suffix)                                                                                 \
    __asm__ volatile("lock cmpxchg" suffix " %3, %1"                                                                   \
                     : "=@ccz"(done), "+m"(*(volatile type *)at), "+a"(expected)                                       \
                     : "r"((type) new)                                                                                 \
                     : "memory")
    switch (size) {
    case 1:
        COMPARE_EXCHANGE(uint8_t, "b");
        break;
    case 2:
        COMPARE_EXCHANGE(host_u16, "w");
        break;
    case 4:
        COMPARE_EXCHANGE(host_u32, "l");
        break;
    default:
        COMPARE_EXCHANGE(host_u64, "q");
        break;
    }
#undef COMPARE_EXCHANGE
    return done;
}

static uint64_t address_limit(uint64_t address, const struct insn *in)
{
    return address & size_mask(in->address_size);
}

// Writes the destination that is not read before.
static enum insn_result value_write(struct insn_cpu *cpu, const struct insn *in, unsigned size, uint64_t value)
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
    bool special =
        in->dst == INSN_SREG || in->dst == INSN_CR || in->dst == INSN_DR || in->src == INSN_CR || in->src == INSN_DR;
    if (special) {
        return unsupported(cpu, "move to or from a system register");
    }
    uint64_t value;
    enum insn_result result = value_read(cpu, in, in->src, in->src_reg, in->source_size, &value);
    if (result != INSN_DONE) {
        return result;
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

// The value of a second operand that a read-modify-write needs; none counts as 0. Shift counts come from CL alone.
static uint64_t plain_value(const struct insn_cpu *cpu, const struct insn *in, unsigned kind, unsigned reg)
{
    if (kind == INSN_REG) {
        return reg_read(cpu->state, reg, in->size);
    }
    return kind == INSN_IMM ? in->imm & size_mask(in->size) : 0;
}

// BT and its kin with a register as bit number reach beyond the operand (SDM 2A, BT).
static uint64_t bit_string_address(const struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t address = effective_address(cpu, in);
    bool bit_string = in->src == INSN_REG && in->op >= INSN_OP_BT && in->op <= INSN_OP_BTC;
    if (!bit_string) {
        return address;
    }
    int64_t number = (int64_t)sign_extend(reg_read(cpu->state, in->src_reg, in->size), in->size);
    unsigned shift = in->size == 8 ? 6 : in->size == 4 ? 5 : 4;
    return address_limit(address + (uint64_t)(number >> shift) * in->size, in);
}

// What a read-modify-write does to one value; the register that XADD also writes is in *exchanged.
struct modification {
    alu_function *function;
    uint64_t src, third;
};

static enum insn_result modify_memory(struct insn_cpu *cpu, const struct insn *in, const struct modification *how,
                                      const struct operand *at, uint64_t *old, uint64_t *rflags)
{
    for (unsigned attempt = 0; attempt < LOCKED_ATTEMPTS; attempt++) {
        enum insn_result result = operand_read(cpu, at, old);
        if (result != INSN_DONE) {
            return result;
        }
        *rflags = cpu->state->rflags;
        uint64_t new = how->function(*old, how->src, how->third, in->size, rflags);
        if (!at->host || !(in->flags & INSN_LOCK)) {
            return operand_write(cpu, at, new);
        }
        if (host_compare_exchange(at->host, in->size, *old, new)) {
            return INSN_DONE;
        }
    }
    return INSN_RETRY;
}

// ADD OR ADC SBB AND SUB XOR NOT NEG INC DEC, shifts and rotates, BTS BTR BTC, BSWAP, XADD
static enum insn_result modify_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct modification how = {.function = alu_of(in->op),
                               .src = plain_value(cpu, in, in->src, in->src_reg),
                               .third = plain_value(cpu, in, in->third, in->third_reg)};
    uint64_t old, rflags = cpu->state->rflags;
    struct operand at;
    enum insn_result result;
    if (in->src == INSN_MEM) { // reg op= memory
        result = value_read(cpu, in, INSN_MEM, 0, in->size, &how.src);
        if (result != INSN_DONE) {
            return result;
        }
    }
    if (in->dst == INSN_REG) {
        old = reg_read(cpu->state, in->dst_reg, in->size);
        uint64_t new = how.function(old, how.src, how.third, in->size, &rflags);
        if (in->op == INSN_OP_XADD) {
            reg_write(cpu->state, in->src_reg, in->size, old);
        }
        reg_write(cpu->state, in->dst_reg, in->size, new);
        cpu->state->rflags = rflags;
        return insn_finish(cpu, in);
    }
    result = operand_resolve(cpu, in->mode, in->segment, bit_string_address(cpu, in), in->size, GUEST_WRITE, &at);
    if (result == INSN_DONE) {
        result = modify_memory(cpu, in, &how, &at, &old, &rflags);
    }
    if (result != INSN_DONE) {
        return result;
    }
    if (in->op == INSN_OP_XADD) {
        reg_write(cpu->state, in->src_reg, in->size, old);
    }
    cpu->state->rflags = rflags;
    return insn_finish(cpu, in);
}

// CMP TEST BT: flags only
static enum insn_result examine_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t dst, src;
    struct operand at;
    enum insn_result result;
    if (in->dst == INSN_MEM) {
        result = operand_resolve(cpu, in->mode, in->segment, bit_string_address(cpu, in), in->size, GUEST_READ, &at);
        if (result == INSN_DONE) {
            result = operand_read(cpu, &at, &dst);
        }
    } else {
        result = value_read(cpu, in, in->dst, in->dst_reg, in->size, &dst);
    }
    if (result == INSN_DONE) {
        result = value_read(cpu, in, in->src, in->src_reg, in->size, &src);
    }
    if (result != INSN_DONE) {
        return result;
    }
    alu_of(in->op)(dst, src, 0, in->size, &cpu->state->rflags);
    return insn_finish(cpu, in);
}

// BSF BSR TZCNT LZCNT POPCNT: a register from a source
static enum insn_result count_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t src, old = reg_read(cpu->state, in->dst_reg, in->size);
    enum insn_result result = value_read(cpu, in, in->src, in->src_reg, in->size, &src);
    if (result != INSN_DONE) {
        return result;
    }
    bool kept = src == 0 && (in->op == INSN_OP_BSF || in->op == INSN_OP_BSR);
    uint64_t value = alu_of(in->op)(old, src, 0, in->size, &cpu->state->rflags);
    if (!kept) { // not even the upper half is written
        reg_write(cpu->state, in->dst_reg, in->size, value);
    }
    return insn_finish(cpu, in);
}

// The double-width register pair of MUL and DIV: AX, DX:AX, EDX:EAX or RDX:RAX.
static unsigned __int128 pair_read(const struct utcb_state *state, unsigned size)
{
    if (size == 1) {
        return state->gpr[GPR_RAX] & 0xffff;
    }
    return (unsigned __int128)reg_read(state, GPR_RDX, size) << (8 * size) | reg_read(state, GPR_RAX, size);
}

static void pair_write(struct utcb_state *state, unsigned size, uint64_t low, uint64_t high)
{
    if (size == 1) {
        reg_write(state, GPR_RAX, 2, (low & 0xff) | (high & 0xff) << 8);
        return;
    }
    reg_write(state, GPR_RAX, size, low);
    reg_write(state, GPR_RDX, size, high);
}

static void multiply(struct utcb_state *state, unsigned size, bool is_signed, uint64_t src)
{
    uint64_t acc = reg_read(state, GPR_RAX, size);
    unsigned __int128 product = (unsigned __int128)acc * src;
    if (is_signed) {
        product = (unsigned __int128)((__int128)(int64_t)sign_extend(acc, size) * (int64_t)sign_extend(src, size));
    }
    uint64_t low = (uint64_t)product & size_mask(size), high = (uint64_t)(product >> (8 * size)) & size_mask(size);
    uint64_t expected = is_signed && low >> (8 * size - 1) ? size_mask(size) : 0;
    pair_write(state, size, low, high);
    state->rflags &= ~(RFLAGS_CF | RFLAGS_OF);
    if (high != expected) {
        state->rflags |= RFLAGS_CF | RFLAGS_OF;
    }
}

// False if the quotient does not fit (#DE). 128 by 64 bits is the processor's own DIV, since the library's is not
// linked.
static bool divide_unsigned(unsigned __int128 dividend, uint64_t divisor, unsigned size, uint64_t *quotient,
                            uint64_t *remainder)
{
    uint64_t high = (uint64_t)(dividend >> 64), low = (uint64_t)dividend;
    if (divisor == 0 || high >= divisor) {
        return false;
    }
    __asm__("divq %4" : "=a"(*quotient), "=d"(*remainder) : "a"(low), "d"(high), "r"(divisor) : "cc");
    return *quotient <= size_mask(size);
}

static bool divide_signed(unsigned __int128 dividend, uint64_t divisor, unsigned size, uint64_t *quotient,
                          uint64_t *remainder)
{
    bool negative = (dividend >> (16 * size - 1)) & 1, divisor_negative = (divisor >> (8 * size - 1)) & 1;
    unsigned __int128 pair_mask = size == 8 ? ~(unsigned __int128)0 : ((unsigned __int128)1 << (16 * size)) - 1;
    if (negative) {
        dividend = -dividend & pair_mask;
    }
    if (divisor_negative) {
        divisor = -divisor & size_mask(size);
    }
    if (!divide_unsigned(dividend, divisor, size, quotient, remainder)) {
        return false;
    }
    uint64_t largest = size_mask(size) >> 1; // one more for a negative quotient
    if (*quotient > largest + (negative != divisor_negative)) {
        return false;
    }
    *quotient = negative != divisor_negative ? -*quotient : *quotient;
    *remainder = negative ? -*remainder : *remainder;
    return true;
}

// MUL DIV IDIV and the three forms of IMUL
static enum insn_result multiply_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    bool one_operand = in->src == INSN_NONE;
    uint64_t src, quotient, remainder;
    enum insn_result result = one_operand ? value_read(cpu, in, in->dst, in->dst_reg, in->size, &src)
                                          : value_read(cpu, in, in->src, in->src_reg, in->size, &src);
    if (result != INSN_DONE) {
        return result;
    }
    if (!one_operand) {
        uint64_t factor =
            in->third == INSN_IMM ? in->imm & size_mask(in->size) : reg_read(state, in->dst_reg, in->size);
        reg_write(state, in->dst_reg, in->size, alu_of(INSN_OP_IMUL)(factor, src, 0, in->size, &state->rflags));
    } else if (in->op == INSN_OP_MUL || in->op == INSN_OP_IMUL) {
        multiply(state, in->size, in->op == INSN_OP_IMUL, src);
    } else {
        unsigned __int128 dividend = pair_read(state, in->size);
        bool fits = in->op == INSN_OP_IDIV ? divide_signed(dividend, src, in->size, &quotient, &remainder)
                                           : divide_unsigned(dividend, src, in->size, &quotient, &remainder);
        if (!fits) {
            return fault_raise(cpu, EXC_DE, false, 0);
        }
        pair_write(state, in->size, quotient, remainder);
    }
    return insn_finish(cpu, in);
}

static uint64_t alu_take_source(uint64_t dst, uint64_t src, uint64_t third, unsigned size, uint64_t *rflags)
{
    (void)dst, (void)third, (void)size, (void)rflags;
    return src;
}

// XCHG: with memory always locked
static enum insn_result exchange_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct insn locked = *in;
    struct operand at;
    uint64_t rflags, old, src = reg_read(cpu->state, in->src_reg, in->size);
    const struct modification how = {.function = alu_take_source, .src = src};
    if (in->dst == INSN_REG) {
        old = reg_read(cpu->state, in->dst_reg, in->size);
        reg_write(cpu->state, in->dst_reg, in->size, src);
        reg_write(cpu->state, in->src_reg, in->size, old);
        return insn_finish(cpu, in);
    }
    locked.flags |= INSN_LOCK;
    enum insn_result result =
        operand_resolve(cpu, in->mode, in->segment, effective_address(cpu, in), in->size, GUEST_WRITE, &at);
    if (result == INSN_DONE) {
        result = modify_memory(cpu, &locked, &how, &at, &old, &rflags);
    }
    if (result != INSN_DONE) {
        return result;
    }
    reg_write(cpu->state, in->src_reg, in->size, old);
    return insn_finish(cpu, in);
}

// The destination's new value: the source if it equals the accumulator, else itself, since it is always written.
static uint64_t alu_compare_exchange(uint64_t dst, uint64_t src, uint64_t accumulator, unsigned size, uint64_t *rflags)
{
    alu_of(INSN_OP_CMP)(accumulator, dst, 0, size, rflags);
    return accumulator == dst ? src : dst;
}

static enum insn_result compare_exchange_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    uint64_t old, rflags = state->rflags;
    struct operand at;
    const struct modification how = {.function = alu_compare_exchange,
                                     .src = reg_read(state, in->src_reg, in->size),
                                     .third = reg_read(state, GPR_RAX, in->size)};
    if (in->dst == INSN_REG) {
        old = reg_read(state, in->dst_reg, in->size);
        uint64_t new = how.function(old, how.src, how.third, in->size, &rflags);
        if (old == how.third) {
            reg_write(state, in->dst_reg, in->size, new);
        }
    } else {
        enum insn_result result =
            operand_resolve(cpu, in->mode, in->segment, effective_address(cpu, in), in->size, GUEST_WRITE, &at);
        if (result == INSN_DONE) {
            result = modify_memory(cpu, in, &how, &at, &old, &rflags);
        }
        if (result != INSN_DONE) {
            return result;
        }
    }
    if (old != how.third) {
        reg_write(state, GPR_RAX, in->size, old);
    }
    state->rflags = rflags;
    return insn_finish(cpu, in);
}

// Compares `pair` (low, high) with memory and stores `new` if equal; *pair becomes what memory held.
static bool host_compare_exchange_16(void *at, uint64_t pair[2], const uint64_t new[2])
{
    bool done;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*(volatile __int128 *)at), "+a"(pair[0]), "+d"(pair[1])
                     : "b"(new[0]), "c"(new[1])
                     : "memory");
    return done;
}

// Both halves of a 16-byte operand; it is aligned, so within a page.
static enum insn_result compare_exchange_16(struct insn_cpu *cpu, const struct insn *in, uint64_t pair[2],
                                            const uint64_t new[2], bool *equal)
{
    uint64_t offset = effective_address(cpu, in), expected[2] = {pair[0], pair[1]};
    struct operand half[2];
    enum insn_result result = INSN_DONE;
    if ((offset + (in->segment >= INSN_FS ? cpu->state->seg[in->segment].base : 0)) & 15) {
        return fault_raise(cpu, EXC_GP, true, 0);
    }
    for (unsigned i = 0; i < 2 && result == INSN_DONE; i++) {
        result = operand_resolve(cpu, in->mode, in->segment, offset + 8 * i, 8, GUEST_WRITE, &half[i]);
    }
    if (result != INSN_DONE) {
        return result;
    }
    if (half[0].host && half[1].host) {
        *equal = host_compare_exchange_16(half[0].host, pair, new);
        return INSN_DONE;
    }
    for (unsigned i = 0; i < 2 && result == INSN_DONE; i++) {
        result = operand_read(cpu, &half[i], &pair[i]);
    }
    *equal = result == INSN_DONE && pair[0] == expected[0] && pair[1] == expected[1];
    for (unsigned i = 0; i < 2 && result == INSN_DONE; i++) {
        result = operand_write(cpu, &half[i], *equal ? new[i] : pair[i]);
    }
    return result;
}

static enum insn_result compare_exchange_8(struct insn_cpu *cpu, const struct insn *in, uint64_t pair[2],
                                           const uint64_t new[2], bool *equal)
{
    struct insn eight = *in;
    struct operand at;
    eight.size = 8;
    uint64_t old, rflags, expected = pair[0] | pair[1] << 32;
    const struct modification how = {.function = alu_compare_exchange, .src = new[0] | new[1] << 32, .third = expected};
    enum insn_result result =
        operand_resolve(cpu, in->mode, in->segment, effective_address(cpu, in), 8, GUEST_WRITE, &at);
    if (result == INSN_DONE) {
        result = modify_memory(cpu, &eight, &how, &at, &old, &rflags);
    }
    if (result == INSN_DONE) {
        *equal = old == expected;
        pair[0] = (uint32_t)old;
        pair[1] = old >> 32;
    }
    return result;
}

// CMPXCHG8B CMPXCHG16B
static enum insn_result compare_exchange_pair_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    unsigned size = in->op == INSN_OP_CMPXCHG16B ? 8 : 4;
    bool equal = false;
    uint64_t pair[2] = {reg_read(state, GPR_RAX, size), reg_read(state, GPR_RDX, size)};
    const uint64_t new[2] = {reg_read(state, GPR_RBX, size), reg_read(state, GPR_RCX, size)};
    enum insn_result result =
        size == 8 ? compare_exchange_16(cpu, in, pair, new, &equal) : compare_exchange_8(cpu, in, pair, new, &equal);
    if (result != INSN_DONE) {
        return result;
    }
    state->rflags = equal ? state->rflags | RFLAGS_ZF : state->rflags & ~RFLAGS_ZF;
    if (!equal) {
        reg_write(state, GPR_RAX, size, pair[0]);
        reg_write(state, GPR_RDX, size, pair[1]);
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
    uint64_t offset = address_limit(cpu->state->gpr[GPR_RBX] + index, in);
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
    [INSN_OP_LOOP... INSN_OP_JCXZ] = loop_execute,
    [INSN_OP_MOVS... INSN_OP_OUTS] = string_execute,
    [INSN_OP_IN... INSN_OP_OUT] = port_execute,
    [INSN_OP_XLAT] = xlat_execute,
    [INSN_OP_CBW... INSN_OP_CWD] = widen_execute,
    [INSN_OP_LAHF... INSN_OP_STD] = flags_execute,
    [INSN_OP_NOP... INSN_OP_SFENCE] = nothing_execute,
};

static enum insn_result any_execute(struct insn_cpu *cpu, const struct insn *in)
{
    insn_handler *handler = in->op < INSN_OP_COUNT ? handlers[in->op] : (void *)0;
    enum insn_result result = handler ? handler(cpu, in) : unsupported(cpu, "privileged or system instruction");
    cpu->hint.valid = false;
    return result;
}

// The common case by hand: a plain MOV between a register or immediate and a device's memory, at the address that the
// exit has already translated, in 64-bit mode without a segment base.
enum insn_result insn_execute(struct insn_cpu *cpu, const struct insn *in)
{
    const struct insn_hint *hint = &cpu->hint;
    bool load = in->src == INSN_MEM;
    if (in->op != INSN_OP_MOV || in->mode != INSN_MODE_64 || in->segment >= INSN_FS || !hint->valid ||
        hint->write == load || effective_address(cpu, in) != hint->gla || in->src == INSN_SREG ||
        in->dst == INSN_SREG || in->size > GUEST_PAGE_SIZE - (hint->gla & (GUEST_PAGE_SIZE - 1)) ||
        ram_at(cpu, hint->gpa, in->size)) {
        return any_execute(cpu, in);
    }
    uint64_t value = 0;
    if (!load) {
        value = (in->src == INSN_REG ? reg_read(cpu->state, in->src_reg, in->size) : in->imm) & size_mask(in->size);
    }
    cpu->hint.valid = false;
    enum insn_result result = cpu->mmio(cpu->context, hint->gpa, in->size, !load, &value);
    if (result != INSN_DONE) {
        return result;
    }
    if (load) {
        reg_write(cpu->state, in->dst_reg, in->size, value);
    }
    return insn_finish(cpu, in);
}
