// SPDX-License-Identifier: MIT
#include "vmm-user/insn/alu.h"

#include "vmm-user/insn/decode.h"
#include "x86/regs.h"

#define FLAGS_RESULT (RFLAGS_SF | RFLAGS_ZF | RFLAGS_PF)
#define FLAGS_ALL    (RFLAGS_OF | RFLAGS_SF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF | RFLAGS_CF)

static uint64_t top_bit(unsigned size)
{
    return 1ull << (8 * size - 1);
}

static void flags_set(uint64_t *rflags, uint64_t which, uint64_t value)
{
    *rflags = (*rflags & ~which) | (value & which);
}

static uint64_t flag_if(bool condition, uint64_t flag)
{
    return condition ? flag : 0;
}

// SF, ZF and PF of a result.
static uint64_t result_flags(uint64_t result, unsigned size)
{
    bool even = !__builtin_parity((unsigned)(result & 0xff));
    return flag_if(result & top_bit(size), RFLAGS_SF) | flag_if(result == 0, RFLAGS_ZF) | flag_if(even, RFLAGS_PF);
}

// What this processor does itself, with the carry as given. It pushes: there must be no red zone.
#define HOST_INSN(text, constraint)                                                                                    \
    __asm__("bt $0, %k3; " text "; pushfq; popq %1"                                                                    \
            : "+q"(dst), "=&r"(flags)                                                                                  \
            : constraint(src), "r"((uint32_t)carry)                                                                    \
            : "cc")
#define HOST(name, insn, constraint, src1, src2, src4, src8)                                                           \
    static uint64_t name(uint64_t dst, uint64_t src, uint64_t carry, unsigned size, uint64_t *rflags, uint64_t which)  \
    {                                                                                                                  \
        uint64_t flags;                                                                                                \
        if (size == 1)                                                                                                 \
            HOST_INSN(insn "b " src1 ", %b0", constraint);                                                             \
        else if (size == 2)                                                                                            \
            HOST_INSN(insn "w " src2 ", %w0", constraint);                                                             \
        else if (size == 4)                                                                                            \
            HOST_INSN(insn "l " src4 ", %k0", constraint);                                                             \
        else                                                                                                           \
            HOST_INSN(insn "q " src8 ", %0", constraint);                                                              \
        flags_set(rflags, which, flags);                                                                               \
        return dst;                                                                                                    \
    }
#define HOST_SHIFT(name, insn) HOST(name, insn, "c", "%%cl", "%%cl", "%%cl", "%%cl")

HOST(add_with, "adc", "q", "%b2", "%w2", "%k2", "%2")
HOST(subtract_with, "sbb", "q", "%b2", "%w2", "%k2", "%2")
HOST_SHIFT(rotate_left, "rol")
HOST_SHIFT(rotate_right, "ror")
HOST_SHIFT(rotate_left_with, "rcl")
HOST_SHIFT(rotate_right_with, "rcr")
HOST_SHIFT(shift_left, "shl")
HOST_SHIFT(shift_right, "shr")
HOST_SHIFT(shift_right_signed, "sar")

static uint64_t logic_result(uint64_t result, unsigned size, uint64_t *rflags)
{
    flags_set(rflags, FLAGS_ALL, result_flags(result, size));
    return result;
}

#define ALU(name)                                                                                                      \
    static uint64_t name(__attribute__((unused)) uint64_t dst, __attribute__((unused)) uint64_t src,                   \
                         __attribute__((unused)) uint64_t third, __attribute__((unused)) unsigned size,                \
                         __attribute__((unused)) uint64_t *rflags)

ALU(alu_add)
{
    return add_with(dst, src, 0, size, rflags, FLAGS_ALL);
}

ALU(alu_adc)
{
    return add_with(dst, src, *rflags & RFLAGS_CF, size, rflags, FLAGS_ALL);
}

ALU(alu_sub)
{
    return subtract_with(dst, src, 0, size, rflags, FLAGS_ALL);
}

ALU(alu_sbb)
{
    return subtract_with(dst, src, *rflags & RFLAGS_CF, size, rflags, FLAGS_ALL);
}

ALU(alu_inc)
{
    return add_with(dst, 1, 0, size, rflags, FLAGS_ALL & ~RFLAGS_CF);
}

ALU(alu_dec)
{
    return subtract_with(dst, 1, 0, size, rflags, FLAGS_ALL & ~RFLAGS_CF);
}

ALU(alu_neg)
{
    return subtract_with(0, dst, 0, size, rflags, FLAGS_ALL);
}

ALU(alu_not)
{
    return ~dst & size_mask(size);
}

ALU(alu_and)
{
    return logic_result(dst & src, size, rflags);
}

ALU(alu_or)
{
    return logic_result(dst | src, size, rflags);
}

ALU(alu_xor)
{
    return logic_result(dst ^ src, size, rflags);
}

static unsigned shift_count(uint64_t count, unsigned size)
{
    return (unsigned)count & (size == 8 ? 63 : 31);
}

// A count of 0 changes no flag.
static uint64_t shift_flags(uint64_t count, unsigned size, uint64_t flags)
{
    return shift_count(count, size) ? flags : 0;
}

ALU(alu_rol)
{
    return rotate_left(dst, src, 0, size, rflags, shift_flags(src, size, RFLAGS_CF | RFLAGS_OF));
}

ALU(alu_ror)
{
    return rotate_right(dst, src, 0, size, rflags, shift_flags(src, size, RFLAGS_CF | RFLAGS_OF));
}

ALU(alu_rcl)
{
    return rotate_left_with(dst, src, *rflags & RFLAGS_CF, size, rflags, shift_flags(src, size, RFLAGS_CF | RFLAGS_OF));
}

ALU(alu_rcr)
{
    return rotate_right_with(dst, src, *rflags & RFLAGS_CF, size, rflags,
                             shift_flags(src, size, RFLAGS_CF | RFLAGS_OF));
}

ALU(alu_shl)
{
    return shift_left(dst, src, 0, size, rflags, shift_flags(src, size, FLAGS_ALL));
}

ALU(alu_shr)
{
    return shift_right(dst, src, 0, size, rflags, shift_flags(src, size, FLAGS_ALL));
}

ALU(alu_sar)
{
    return shift_right_signed(dst, src, 0, size, rflags, shift_flags(src, size, FLAGS_ALL));
}

// Shifts of two registers' bits. A 16-bit operand with a count over 16 is undefined; we take what the processors do,
// which is to go on with the destination's bits.
static uint64_t shift_double(uint64_t dst, uint64_t src, unsigned size, unsigned count, bool left, uint64_t *rflags)
{
    unsigned bits = 8 * size;
    bool over = count > bits;
    uint64_t from = over ? src : dst, in = over ? dst : src;
    if (count == 0) {
        return dst;
    }
    count -= over ? bits : 0;
    unsigned rest = bits - count;
    uint64_t result =
        rest == 0 ? in : (left ? from << count | in >> rest : from >> count | in << rest) & size_mask(size);
    bool carry = from >> (left ? rest : count - 1) & 1, changed = (dst ^ result) & top_bit(size);
    flags_set(rflags, FLAGS_RESULT | RFLAGS_CF | RFLAGS_OF,
              result_flags(result, size) | flag_if(carry, RFLAGS_CF) | flag_if(changed, RFLAGS_OF));
    return result;
}

ALU(alu_shld)
{
    return shift_double(dst, src, size, shift_count(third, size), true, rflags);
}

ALU(alu_shrd)
{
    return shift_double(dst, src, size, shift_count(third, size), false, rflags);
}

ALU(alu_imul)
{
    __int128 product = (__int128)(int64_t)sign_extend(dst, size) * (int64_t)sign_extend(src, size);
    uint64_t result = (uint64_t)product & size_mask(size);
    bool lost = product != (int64_t)sign_extend(result, size);
    flags_set(rflags, RFLAGS_CF | RFLAGS_OF, flag_if(lost, RFLAGS_CF | RFLAGS_OF));
    return result;
}

static uint64_t bit_test(uint64_t dst, uint64_t number, unsigned size, uint64_t *rflags)
{
    uint64_t bit = 1ull << (number & (8 * size - 1));
    flags_set(rflags, RFLAGS_CF, flag_if(dst & bit, RFLAGS_CF));
    return bit;
}

ALU(alu_bt)
{
    bit_test(dst, src, size, rflags);
    return dst;
}

ALU(alu_bts)
{
    return dst | bit_test(dst, src, size, rflags);
}

ALU(alu_btr)
{
    return dst & ~bit_test(dst, src, size, rflags);
}

ALU(alu_btc)
{
    return dst ^ bit_test(dst, src, size, rflags);
}

// BSF and BSR of 0 leave the destination as it is.
ALU(alu_bsf)
{
    flags_set(rflags, RFLAGS_ZF, flag_if(src == 0, RFLAGS_ZF));
    return src ? (uint64_t)__builtin_ctzll(src) : dst;
}

ALU(alu_bsr)
{
    flags_set(rflags, RFLAGS_ZF, flag_if(src == 0, RFLAGS_ZF));
    return src ? 63 - (uint64_t)__builtin_clzll(src) : dst;
}

static uint64_t count_result(uint64_t result, bool zero_source, uint64_t *rflags)
{
    flags_set(rflags, RFLAGS_CF | RFLAGS_ZF, flag_if(zero_source, RFLAGS_CF) | flag_if(result == 0, RFLAGS_ZF));
    return result;
}

ALU(alu_tzcnt)
{
    return count_result(src ? (uint64_t)__builtin_ctzll(src) : 8 * size, src == 0, rflags);
}

ALU(alu_lzcnt)
{
    return count_result(src ? (uint64_t)__builtin_clzll(src) - (64 - 8 * size) : 8 * size, src == 0, rflags);
}

ALU(alu_popcnt)
{
    uint64_t count = 0;
    for (uint64_t rest = src; rest; rest &= rest - 1) {
        count++;
    }
    flags_set(rflags, FLAGS_ALL, flag_if(src == 0, RFLAGS_ZF));
    return count;
}

ALU(alu_bswap)
{
    return size == 8 ? __builtin_bswap64(dst) : size == 4 ? __builtin_bswap32((uint32_t)dst) : 0;
}

// The source has `third` bytes.
ALU(alu_crc32)
{
    uint64_t crc = (uint32_t)dst ^ src;
    for (unsigned i = 0; i < 8 * third; i++) {
        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}

alu_function *alu_of(unsigned op)
{
    static alu_function *const functions[INSN_OP_COUNT] = {
        [INSN_OP_ADD] = alu_add,     [INSN_OP_OR] = alu_or,         [INSN_OP_ADC] = alu_adc,
        [INSN_OP_SBB] = alu_sbb,     [INSN_OP_AND] = alu_and,       [INSN_OP_SUB] = alu_sub,
        [INSN_OP_XOR] = alu_xor,     [INSN_OP_CMP] = alu_sub,       [INSN_OP_TEST] = alu_and,
        [INSN_OP_NOT] = alu_not,     [INSN_OP_NEG] = alu_neg,       [INSN_OP_INC] = alu_inc,
        [INSN_OP_DEC] = alu_dec,     [INSN_OP_ROL] = alu_rol,       [INSN_OP_ROR] = alu_ror,
        [INSN_OP_RCL] = alu_rcl,     [INSN_OP_RCR] = alu_rcr,       [INSN_OP_SHL] = alu_shl,
        [INSN_OP_SHR] = alu_shr,     [INSN_OP_SAR] = alu_sar,       [INSN_OP_SHLD] = alu_shld,
        [INSN_OP_SHRD] = alu_shrd,   [INSN_OP_IMUL] = alu_imul,     [INSN_OP_BT] = alu_bt,
        [INSN_OP_BTS] = alu_bts,     [INSN_OP_BTR] = alu_btr,       [INSN_OP_BTC] = alu_btc,
        [INSN_OP_BSF] = alu_bsf,     [INSN_OP_BSR] = alu_bsr,       [INSN_OP_TZCNT] = alu_tzcnt,
        [INSN_OP_LZCNT] = alu_lzcnt, [INSN_OP_POPCNT] = alu_popcnt, [INSN_OP_BSWAP] = alu_bswap,
        [INSN_OP_XADD] = alu_add,    [INSN_OP_CMPXCHG] = alu_sub,   [INSN_OP_CMPS] = alu_sub,
        [INSN_OP_SCAS] = alu_sub,    [INSN_OP_CRC32] = alu_crc32,
    };
    return op < INSN_OP_COUNT ? functions[op] : (void *)0;
}

bool alu_condition(unsigned condition, uint64_t rflags)
{
    bool sign_is_overflow = !(rflags & RFLAGS_SF) == !(rflags & RFLAGS_OF);
    bool holds;
    switch (condition >> 1) {
    case 0:
        holds = rflags & RFLAGS_OF;
        break;
    case 1:
        holds = rflags & RFLAGS_CF;
        break;
    case 2:
        holds = rflags & RFLAGS_ZF;
        break;
    case 3:
        holds = rflags & (RFLAGS_CF | RFLAGS_ZF);
        break;
    case 4:
        holds = rflags & RFLAGS_SF;
        break;
    case 5:
        holds = rflags & RFLAGS_PF;
        break;
    case 6:
        holds = !sign_is_overflow;
        break;
    default:
        holds = rflags & RFLAGS_ZF || !sign_is_overflow;
        break;
    }
    return holds != (condition & 1);
}
