// SPDX-License-Identifier: MIT
// The opcode maps (SDM vol. 2D, tables ).
#include "vmm-user/insn/opcodes.h"

#include "vmm-user/insn/decode.h"

#define OP(name, dst, src, third, flags)                                                                               \
    {                                                                                                                  \
        INSN_OP_##name, O_##dst, O_##src, O_##third, flags                                                             \
    }
#define NONE_(name, flags) OP(name, NONE, NONE, NONE, flags)
#define GROUP_(name)                                                                                                   \
    {                                                                                                                  \
        GROUP_##name, O_NONE, O_NONE, O_NONE, GROUP | MODRM                                                            \
    }

// The six encodings of an arithmetic instruction.
#define ARITHMETIC(code, name, lock)                                                                                   \
    [code] = OP(name, RM, R, NONE, BYTE | lock), [code + 1] = OP(name, RM, R, NONE, lock),                             \
    [code + 2] = OP(name, R, RM, NONE, BYTE), [code + 3] = OP(name, R, RM, NONE, 0),                                   \
    [code + 4] = OP(name, ACC, IMM, NONE, BYTE), [code + 5] = OP(name, ACC, IMM, NONE, 0)

const struct opcode opcode_map_1[256] = {
    ARITHMETIC(0x00, ADD, LOCK),
    ARITHMETIC(0x08, OR, LOCK),
    ARITHMETIC(0x10, ADC, LOCK),
    ARITHMETIC(0x18, SBB, LOCK),
    ARITHMETIC(0x20, AND, LOCK),
    ARITHMETIC(0x28, SUB, LOCK),
    ARITHMETIC(0x30, XOR, LOCK),
    ARITHMETIC(0x38, CMP, 0),
    [0x06] = OP(PUSH, ES, NONE, NONE, NO64),
    [0x07] = OP(POP, ES, NONE, NONE, NO64),
    [0x0e] = OP(PUSH, CS, NONE, NONE, NO64),
    [0x16] = OP(PUSH, SS, NONE, NONE, NO64),
    [0x17] = OP(POP, SS, NONE, NONE, NO64),
    [0x1e] = OP(PUSH, DS, NONE, NONE, NO64),
    [0x1f] = OP(POP, DS, NONE, NONE, NO64),
    [0x40 ... 0x47] = OP(INC, OP, NONE, NONE, 0), // REX in 64-bit mode, taken before the table is asked
    [0x48 ... 0x4f] = OP(DEC, OP, NONE, NONE, 0),
    [0x50 ... 0x57] = OP(PUSH, OP, NONE, NONE, D64),
    [0x58 ... 0x5f] = OP(POP, OP, NONE, NONE, D64),
    [0x60] = NONE_(PUSHA, NO64),
    [0x61] = NONE_(POPA, NO64),
    [0x62] = OP(BOUND, R, RM, NONE, MEM | NO64), // with mod = 3 or in 64-bit mode an EVEX prefix
    [0x63] = OP(MOVSX, R, RM, NONE, ONLY64 | SRC32),
    [0x68] = OP(PUSH, IMM, NONE, NONE, D64),
    [0x69] = OP(IMUL, R, RM, IMM, 0),
    [0x6a] = OP(PUSH, IMM8, NONE, NONE, D64),
    [0x6b] = OP(IMUL, R, RM, IMM8, 0),
    [0x6c] = OP(INS, DI, DX, NONE, BYTE),
    [0x6d] = OP(INS, DI, DX, NONE, IO),
    [0x6e] = OP(OUTS, DX, SI, NONE, BYTE),
    [0x6f] = OP(OUTS, DX, SI, NONE, IO),
    [0x70 ... 0x7f] = OP(JCC, REL8, NONE, NONE, F64 | CC),
    [0x80] = GROUP_(1_BYTE),
    [0x81] = GROUP_(1),
    [0x82] = {GROUP_1_BYTE, O_NONE, O_NONE, O_NONE, GROUP | MODRM | NO64},
    [0x83] = GROUP_(1_IMM8),
    [0x84] = OP(TEST, RM, R, NONE, BYTE),
    [0x85] = OP(TEST, RM, R, NONE, 0),
    [0x86] = OP(XCHG, RM, R, NONE, BYTE | LOCK),
    [0x87] = OP(XCHG, RM, R, NONE, LOCK),
    [0x88] = OP(MOV, RM, R, NONE, BYTE),
    [0x89] = OP(MOV, RM, R, NONE, 0),
    [0x8a] = OP(MOV, R, RM, NONE, BYTE),
    [0x8b] = OP(MOV, R, RM, NONE, 0),
    [0x8c] = OP(MOV, RM, SEG, NONE, 0),
    [0x8d] = OP(LEA, R, RM, NONE, MEM),
    [0x8e] = OP(MOV, SEG, RM, NONE, WORD),
    [0x8f] = GROUP_(1A),
    [0x90 ... 0x97] = OP(XCHG, OP, ACC, NONE, 0),
    [0x98] = NONE_(CBW, 0),
    [0x99] = NONE_(CWD, 0),
    [0x9a] = OP(CALL_FAR, FAR, NONE, NONE, NO64),
    [0x9c] = NONE_(PUSHF, D64),
    [0x9d] = NONE_(POPF, D64),
    [0x9e] = NONE_(SAHF, 0),
    [0x9f] = NONE_(LAHF, 0),
    [0xa0] = OP(MOV, ACC, MOFFS, NONE, BYTE),
    [0xa1] = OP(MOV, ACC, MOFFS, NONE, 0),
    [0xa2] = OP(MOV, MOFFS, ACC, NONE, BYTE),
    [0xa3] = OP(MOV, MOFFS, ACC, NONE, 0),
    [0xa4] = OP(MOVS, DI, SI, NONE, BYTE),
    [0xa5] = OP(MOVS, DI, SI, NONE, 0),
    [0xa6] = OP(CMPS, SI, DI, NONE, BYTE),
    [0xa7] = OP(CMPS, SI, DI, NONE, 0),
    [0xa8] = OP(TEST, ACC, IMM, NONE, BYTE),
    [0xa9] = OP(TEST, ACC, IMM, NONE, 0),
    [0xaa] = OP(STOS, DI, ACC, NONE, BYTE),
    [0xab] = OP(STOS, DI, ACC, NONE, 0),
    [0xac] = OP(LODS, ACC, SI, NONE, BYTE),
    [0xad] = OP(LODS, ACC, SI, NONE, 0),
    [0xae] = OP(SCAS, ACC, DI, NONE, BYTE),
    [0xaf] = OP(SCAS, ACC, DI, NONE, 0),
    [0xb0 ... 0xb7] = OP(MOV, OP, IMM, NONE, BYTE),
    [0xb8 ... 0xbf] = OP(MOV, OP, IMMV, NONE, 0),
    [0xc0] = GROUP_(2_BYTE_IMM),
    [0xc1] = GROUP_(2_IMM),
    [0xc2] = OP(RET, IMM16, NONE, NONE, F64),
    [0xc3] = NONE_(RET, F64),
    [0xc4] = OP(LES, R, RM, NONE, MEM | NO64), // with mod = 3 or in 64-bit mode a VEX prefix
    [0xc5] = OP(LDS, R, RM, NONE, MEM | NO64),
    [0xc6] = GROUP_(11_BYTE),
    [0xc7] = GROUP_(11),
    [0xc8] = OP(ENTER, IMM16, UIMM8, NONE, D64),
    [0xc9] = NONE_(LEAVE, D64),
    [0xca] = OP(RET_FAR, IMM16, NONE, NONE, 0),
    [0xcb] = NONE_(RET_FAR, 0),
    [0xcc] = NONE_(INT3, 0),
    [0xcd] = OP(INT, UIMM8, NONE, NONE, 0),
    [0xce] = NONE_(INTO, NO64),
    [0xcf] = NONE_(IRET, 0),
    [0xd0] = GROUP_(2_BYTE_1),
    [0xd1] = GROUP_(2_1),
    [0xd2] = GROUP_(2_BYTE_CL),
    [0xd3] = GROUP_(2_CL),
    [0xd7] = NONE_(XLAT, BYTE),
    [0xe0] = OP(LOOPNE, REL8, NONE, NONE, F64),
    [0xe1] = OP(LOOPE, REL8, NONE, NONE, F64),
    [0xe2] = OP(LOOP, REL8, NONE, NONE, F64),
    [0xe3] = OP(JCXZ, REL8, NONE, NONE, F64),
    [0xe4] = OP(IN, ACC, UIMM8, NONE, BYTE),
    [0xe5] = OP(IN, ACC, UIMM8, NONE, IO),
    [0xe6] = OP(OUT, UIMM8, ACC, NONE, BYTE),
    [0xe7] = OP(OUT, UIMM8, ACC, NONE, IO),
    [0xe8] = OP(CALL, REL, NONE, NONE, F64),
    [0xe9] = OP(JMP, REL, NONE, NONE, F64),
    [0xea] = OP(JMP_FAR, FAR, NONE, NONE, NO64),
    [0xeb] = OP(JMP, REL8, NONE, NONE, F64),
    [0xec] = OP(IN, ACC, DX, NONE, BYTE),
    [0xed] = OP(IN, ACC, DX, NONE, IO),
    [0xee] = OP(OUT, DX, ACC, NONE, BYTE),
    [0xef] = OP(OUT, DX, ACC, NONE, IO),
    [0xf1] = NONE_(INT1, 0),
    [0xf4] = NONE_(HLT, 0),
    [0xf5] = NONE_(CMC, 0),
    [0xf6] = GROUP_(3_BYTE),
    [0xf7] = GROUP_(3),
    [0xf8] = NONE_(CLC, 0),
    [0xf9] = NONE_(STC, 0),
    [0xfa] = NONE_(CLI, 0),
    [0xfb] = NONE_(STI, 0),
    [0xfc] = NONE_(CLD, 0),
    [0xfd] = NONE_(STD, 0),
    [0xfe] = GROUP_(4),
    [0xff] = GROUP_(5),
};

const struct opcode opcode_map_0f[256] = {
    [0x00] = GROUP_(6),
    [0x01] = GROUP_(7),
    [0x02] = OP(LAR, R, RM, NONE, SRC16),
    [0x03] = OP(LSL, R, RM, NONE, SRC16),
    [0x05] = NONE_(SYSCALL, 0),
    [0x06] = NONE_(CLTS, 0),
    [0x07] = NONE_(SYSRET, 0),
    [0x08] = NONE_(INVD, 0),
    [0x09] = NONE_(WBINVD, 0),
    [0x0b] = NONE_(UD2, 0),
    [0x0d] = OP(NOP, RM, NONE, NONE, 0),
    [0x18] = OP(NOP, RM, NONE, NONE, 0),
    [0x19] = OP(NOP, RM, NONE, NONE, 0),
    [0x1c ... 0x1e] = OP(NOP, RM, NONE, NONE, 0),
    [0x1f] = OP(NOP, RM, NONE, NONE, 0),
    [0x20] = OP(MOV, GPR, CR, NONE, F64 | F32),
    [0x21] = OP(MOV, GPR, DR, NONE, F64 | F32),
    [0x22] = OP(MOV, CR, GPR, NONE, F64 | F32),
    [0x23] = OP(MOV, DR, GPR, NONE, F64 | F32),
    [0x30] = NONE_(WRMSR, 0),
    [0x31] = NONE_(RDTSC, 0),
    [0x32] = NONE_(RDMSR, 0),
    [0x33] = NONE_(RDPMC, 0),
    [0x34] = NONE_(SYSENTER, 0),
    [0x35] = NONE_(SYSEXIT, 0),
    [0x40 ... 0x4f] = OP(CMOVCC, R, RM, NONE, CC),
    [0x80 ... 0x8f] = OP(JCC, REL, NONE, NONE, F64 | CC),
    [0x90 ... 0x9f] = OP(SETCC, RM, NONE, NONE, BYTE | CC),
    [0xa0] = OP(PUSH, FS, NONE, NONE, D64),
    [0xa1] = OP(POP, FS, NONE, NONE, D64),
    [0xa2] = NONE_(CPUID, 0),
    [0xa3] = OP(BT, RM, R, NONE, 0),
    [0xa4] = OP(SHLD, RM, R, UIMM8, 0),
    [0xa5] = OP(SHLD, RM, R, CL, 0),
    [0xa8] = OP(PUSH, GS, NONE, NONE, D64),
    [0xa9] = OP(POP, GS, NONE, NONE, D64),
    [0xab] = OP(BTS, RM, R, NONE, LOCK),
    [0xac] = OP(SHRD, RM, R, UIMM8, 0),
    [0xad] = OP(SHRD, RM, R, CL, 0),
    [0xae] = GROUP_(15),
    [0xaf] = OP(IMUL, R, RM, NONE, 0),
    [0xb0] = OP(CMPXCHG, RM, R, NONE, BYTE | LOCK),
    [0xb1] = OP(CMPXCHG, RM, R, NONE, LOCK),
    [0xb2] = OP(LSS, R, RM, NONE, MEM),
    [0xb3] = OP(BTR, RM, R, NONE, LOCK),
    [0xb4] = OP(LFS, R, RM, NONE, MEM),
    [0xb5] = OP(LGS, R, RM, NONE, MEM),
    [0xb6] = OP(MOVZX, R, RM, NONE, SRC8),
    [0xb7] = OP(MOVZX, R, RM, NONE, SRC16),
    [0xba] = GROUP_(8),
    [0xbb] = OP(BTC, RM, R, NONE, LOCK),
    [0xbc] = OP(BSF, R, RM, NONE, 0),
    [0xbd] = OP(BSR, R, RM, NONE, 0),
    [0xbe] = OP(MOVSX, R, RM, NONE, SRC8),
    [0xbf] = OP(MOVSX, R, RM, NONE, SRC16),
    [0xc0] = OP(XADD, RM, R, NONE, BYTE | LOCK),
    [0xc1] = OP(XADD, RM, R, NONE, LOCK),
    [0xc3] = OP(MOVNTI, RM, R, NONE, MEM | F32),
    [0xc7] = GROUP_(9),
    [0xc8 ... 0xcf] = OP(BSWAP, OP, NONE, NONE, 0),
};

#define GROUP_1_ROWS(source, flags)                                                                                    \
    {                                                                                                                  \
        OP(ADD, RM, source, NONE, flags | LOCK), OP(OR, RM, source, NONE, flags | LOCK),                               \
            OP(ADC, RM, source, NONE, flags | LOCK), OP(SBB, RM, source, NONE, flags | LOCK),                          \
            OP(AND, RM, source, NONE, flags | LOCK), OP(SUB, RM, source, NONE, flags | LOCK),                          \
            OP(XOR, RM, source, NONE, flags | LOCK), OP(CMP, RM, source, NONE, flags)                                  \
    }
#define GROUP_2_ROWS(count, flags)                                                                                     \
    {                                                                                                                  \
        OP(ROL, RM, count, NONE, flags), OP(ROR, RM, count, NONE, flags), OP(RCL, RM, count, NONE, flags),             \
            OP(RCR, RM, count, NONE, flags), OP(SHL, RM, count, NONE, flags), OP(SHR, RM, count, NONE, flags),         \
            OP(SHL, RM, count, NONE, flags), OP(SAR, RM, count, NONE, flags)                                           \
    }
#define GROUP_3_ROWS(flags)                                                                                            \
    {                                                                                                                  \
        OP(TEST, RM, IMM, NONE, flags), OP(TEST, RM, IMM, NONE, flags), OP(NOT, RM, NONE, NONE, flags | LOCK),         \
            OP(NEG, RM, NONE, NONE, flags | LOCK), OP(MUL, RM, NONE, NONE, flags), OP(IMUL, RM, NONE, NONE, flags),    \
            OP(DIV, RM, NONE, NONE, flags), OP(IDIV, RM, NONE, NONE, flags)                                            \
    }

const struct opcode opcode_groups[GROUP_COUNT][8] = {
    [GROUP_1_BYTE] = GROUP_1_ROWS(IMM, BYTE),
    [GROUP_1] = GROUP_1_ROWS(IMM, 0),
    [GROUP_1_IMM8] = GROUP_1_ROWS(IMM8, 0),
    [GROUP_1A] = {OP(POP, RM, NONE, NONE, D64)},
    [GROUP_2_BYTE_IMM] = GROUP_2_ROWS(UIMM8, BYTE),
    [GROUP_2_IMM] = GROUP_2_ROWS(UIMM8, 0),
    [GROUP_2_BYTE_1] = GROUP_2_ROWS(ONE, BYTE),
    [GROUP_2_1] = GROUP_2_ROWS(ONE, 0),
    [GROUP_2_BYTE_CL] = GROUP_2_ROWS(CL, BYTE),
    [GROUP_2_CL] = GROUP_2_ROWS(CL, 0),
    [GROUP_3_BYTE] = GROUP_3_ROWS(BYTE),
    [GROUP_3] = GROUP_3_ROWS(0),
    [GROUP_4] = {OP(INC, RM, NONE, NONE, BYTE | LOCK), OP(DEC, RM, NONE, NONE, BYTE | LOCK)},
    [GROUP_5] = {OP(INC, RM, NONE, NONE, LOCK), OP(DEC, RM, NONE, NONE, LOCK), OP(CALL, RM, NONE, NONE, F64),
                 OP(CALL_FAR, RM, NONE, NONE, MEM), OP(JMP, RM, NONE, NONE, F64), OP(JMP_FAR, RM, NONE, NONE, MEM),
                 OP(PUSH, RM, NONE, NONE, D64)},
    [GROUP_6] = {OP(SLDT, RM, NONE, NONE, 0), OP(STR, RM, NONE, NONE, 0), OP(LLDT, RM, NONE, NONE, WORD),
                 OP(LTR, RM, NONE, NONE, WORD), OP(VERR, RM, NONE, NONE, WORD), OP(VERW, RM, NONE, NONE, WORD)},
    [GROUP_7] = {OP(SGDT, RM, NONE, NONE, MEM | F64), OP(SIDT, RM, NONE, NONE, MEM | F64),
                 OP(LGDT, RM, NONE, NONE, MEM | F64), OP(LIDT, RM, NONE, NONE, MEM | F64),
                 OP(SMSW, RM, NONE, NONE, 0), [6] = OP(LMSW, RM, NONE, NONE, WORD), OP(INVLPG, RM, NONE, NONE, MEM)},
    [GROUP_8] = {[4] = OP(BT, RM, UIMM8, NONE, 0),
                 OP(BTS, RM, UIMM8, NONE, LOCK),
                 OP(BTR, RM, UIMM8, NONE, LOCK),
                 OP(BTC, RM, UIMM8, NONE, LOCK)},
    [GROUP_9] = {[1] = OP(CMPXCHG8B, RM, NONE, NONE, MEM | LOCK)},
    [GROUP_11_BYTE] = {OP(MOV, RM, IMM, NONE, BYTE)},
    [GROUP_11] = {OP(MOV, RM, IMM, NONE, 0)},
    [GROUP_15] = {[5] = OP(LFENCE, NONE, NONE, NONE, REG),
                  OP(MFENCE, NONE, NONE, NONE, REG),
                  OP(CLFLUSH, RM, NONE, NONE, 0)},
};

uint8_t opcode_0f01_register_form(uint8_t modrm)
{
    static const struct {
        uint8_t modrm, op;
    } forms[] = {
        {0xc1, INSN_OP_VMCALL}, {0xc8, INSN_OP_MONITOR}, {0xc9, INSN_OP_MWAIT},  {0xca, INSN_OP_CLAC},
        {0xcb, INSN_OP_STAC},   {0xd0, INSN_OP_XGETBV},  {0xd1, INSN_OP_XSETBV}, {0xd9, INSN_OP_VMMCALL},
        {0xee, INSN_OP_RDPKRU}, {0xef, INSN_OP_WRPKRU},  {0xf8, INSN_OP_SWAPGS}, {0xf9, INSN_OP_RDTSCP},
    };
    for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].modrm == modrm) {
            return forms[i].op;
        }
    }
    return INSN_OP_NONE;
}

const struct opcode *opcode_0f_with_f3(uint8_t opcode)
{
    static const struct opcode popcnt = OP(POPCNT, R, RM, NONE, 0);
    static const struct opcode tzcnt = OP(TZCNT, R, RM, NONE, 0);
    static const struct opcode lzcnt = OP(LZCNT, R, RM, NONE, 0);
    switch (opcode) {
    case 0xb8:
        return &popcnt;
    case 0xbc:
        return &tzcnt;
    case 0xbd:
        return &lzcnt;
    default:
        return 0;
    }
}
