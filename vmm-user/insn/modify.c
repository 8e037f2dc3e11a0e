// SPDX-License-Identifier: MIT
// Read-modify-write instructions; with LOCK on RAM they are the processor's own atomic operations.
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
    return (address + (uint64_t)(number >> shift) * in->size) & size_mask(in->address_size);
}

// What a read-modify-write does to one value.
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
enum insn_result modify_execute(struct insn_cpu *cpu, const struct insn *in)
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
enum insn_result examine_execute(struct insn_cpu *cpu, const struct insn *in)
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

static uint64_t alu_take_source(uint64_t dst, uint64_t src, uint64_t third, unsigned size, uint64_t *rflags)
{
    (void)dst, (void)third, (void)size, (void)rflags;
    return src;
}

// XCHG: with memory always locked
enum insn_result exchange_execute(struct insn_cpu *cpu, const struct insn *in)
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
    TRY(operand_resolve(cpu, in->mode, in->segment, effective_address(cpu, in), in->size, GUEST_WRITE, &at));
    TRY(modify_memory(cpu, &locked, &how, &at, &old, &rflags));
    reg_write(cpu->state, in->src_reg, in->size, old);
    return insn_finish(cpu, in);
}

// The destination's new value: the source if it equals the accumulator, else itself, since it is always written.
static uint64_t alu_compare_exchange(uint64_t dst, uint64_t src, uint64_t accumulator, unsigned size, uint64_t *rflags)
{
    alu_of(INSN_OP_CMP)(accumulator, dst, 0, size, rflags);
    return accumulator == dst ? src : dst;
}

enum insn_result compare_exchange_execute(struct insn_cpu *cpu, const struct insn *in)
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
    TRY(operand_resolve(cpu, in->mode, in->segment, effective_address(cpu, in), 8, GUEST_WRITE, &at));
    TRY(modify_memory(cpu, &eight, &how, &at, &old, &rflags));
    *equal = old == expected;
    pair[0] = (uint32_t)old;
    pair[1] = old >> 32;
    return INSN_DONE;
}

// CMPXCHG8B CMPXCHG16B
enum insn_result compare_exchange_pair_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    unsigned size = in->op == INSN_OP_CMPXCHG16B ? 8 : 4;
    bool equal = false;
    uint64_t pair[2] = {reg_read(state, GPR_RAX, size), reg_read(state, GPR_RDX, size)};
    const uint64_t new[2] = {reg_read(state, GPR_RBX, size), reg_read(state, GPR_RCX, size)};
    TRY(size == 8 ? compare_exchange_16(cpu, in, pair, new, &equal) : compare_exchange_8(cpu, in, pair, new, &equal));
    state->rflags = equal ? state->rflags | RFLAGS_ZF : state->rflags & ~RFLAGS_ZF;
    if (!equal) {
        reg_write(state, GPR_RAX, size, pair[0]);
        reg_write(state, GPR_RDX, size, pair[1]);
    }
    return insn_finish(cpu, in);
}
