// SPDX-License-Identifier: MIT
// The opcode maps as tables (SDM vol. 2D, appendix A); private to the decoder.
#pragma once

#include <stdint.h>

// Where an operand is found.
enum operand_spec {
    O_NONE,
    O_RM,  // ModRM.rm: register or memory
    O_R,   // ModRM.reg: general register
    O_SEG, // ModRM.reg: segment register
    O_CR,  // ModRM.reg: control register
    O_DR,  // ModRM.reg: debug register
    O_GPR, // ModRM.rm: register whatever mod says (MOV to and from CR and DR)
    O_OP,  // register in the low three bits of the opcode
    O_ACC, // AL, AX, EAX, RAX
    O_CL,  // CL
    O_DX,  // DX
    O_ES,  // a fixed segment register
    O_CS,
    O_SS,
    O_DS,
    O_FS,
    O_GS,
    O_IMM,   // operand size, at most 4 bytes, sign-extended
    O_IMMV,  // operand size, up to 8 bytes
    O_IMM8,  // one byte, sign-extended
    O_UIMM8, // one byte, zero-extended
    O_IMM16, // two bytes, zero-extended
    O_ONE,   // the constant 1
    O_REL,   // branch displacement of operand size
    O_REL8,  // branch displacement of one byte
    O_MOFFS, // absolute offset of address size
    O_FAR,   // ptr16:16, ptr16:32
    O_SI,    // string source
    O_DI,    // string destination
};

enum opcode_flag {
    BYTE = 1 << 0,   // operand size 1
    D64 = 1 << 1,    // operand size 8 by default in 64-bit mode
    F64 = 1 << 2,    // operand size always 8 in 64-bit mode
    NO64 = 1 << 3,   // invalid in 64-bit mode
    ONLY64 = 1 << 4, // another instruction outside 64-bit mode
    LOCK = 1 << 5,   // LOCK allowed if the destination is memory
    MEM = 1 << 6,    // ModRM.rm must be memory
    REG = 1 << 7,    // ModRM.rm must be a register
    GROUP = 1 << 8,  // op numbers a group that ModRM.reg selects from
    SRC8 = 1 << 9,   // the source is a byte
    SRC16 = 1 << 10, // the source is a word
    SRC32 = 1 << 11, // the source is a doubleword
    IO = 1 << 12,    // operand size at most 4
    CC = 1 << 13,    // condition in the low four bits of the opcode
    WORD = 1 << 14,  // operand size 2
    F32 = 1 << 15,   // operand size at least 4
    MODRM = 1 << 16, // has a ModRM byte though no operand says so
};

struct opcode {
    uint8_t op;              // enum insn_op, or enum opcode_group with GROUP; INSN_OP_NONE: unknown
    uint8_t dst, src, third; // enum operand_spec
    uint32_t flags;
};

enum opcode_group {
    GROUP_NONE,
    GROUP_1_BYTE,
    GROUP_1,
    GROUP_1_IMM8,
    GROUP_1A,
    GROUP_2_BYTE_IMM,
    GROUP_2_IMM,
    GROUP_2_BYTE_1,
    GROUP_2_1,
    GROUP_2_BYTE_CL,
    GROUP_2_CL,
    GROUP_3_BYTE,
    GROUP_3,
    GROUP_4,
    GROUP_5,
    GROUP_6,
    GROUP_7,
    GROUP_8,
    GROUP_9,
    GROUP_11_BYTE,
    GROUP_11,
    GROUP_15,
    GROUP_COUNT
};

extern const struct opcode opcode_map_1[256];             // one byte
extern const struct opcode opcode_map_0f[256];            // 0F xx
extern const struct opcode opcode_groups[GROUP_COUNT][8]; // by ModRM.reg

// Opcodes of 0F 01 and 0F AE whose whole ModRM byte (mod = 3) selects the instruction, and those of the 0F map that an
// F3 prefix turns into another; INSN_OP_NONE if there is none.
uint8_t opcode_0f01_register_form(uint8_t modrm);
const struct opcode *opcode_0f_with_f3(uint8_t opcode);
