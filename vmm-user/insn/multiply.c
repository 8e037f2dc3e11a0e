// SPDX-License-Identifier: MIT
#include "vmm-user/insn/machine.h"

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
enum insn_result multiply_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    bool one_operand = in->src == INSN_NONE;
    uint64_t src, quotient, remainder;
    TRY(one_operand ? value_read(cpu, in, in->dst, in->dst_reg, in->size, &src)
                    : value_read(cpu, in, in->src, in->src_reg, in->size, &src));
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
