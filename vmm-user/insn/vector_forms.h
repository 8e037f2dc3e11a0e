// SPDX-License-Identifier: MIT
// Which vector and x87 instructions can be executed on a copy of their operand.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum vector_flag {
    VECTOR_WRITE = 1 << 0,   // the operand is written, else read
    VECTOR_ALIGNED = 1 << 1, // to its size, or #GP
    VECTOR_IMM8 = 1 << 2,
    VECTOR_MMX = 1 << 3,
    VECTOR_SSE4 = 1 << 4, // SSE3 to SSE4.2
    VECTOR_AVX = 1 << 5,
    VECTOR_AVX2 = 1 << 6,
    VECTOR_WAITS = 1 << 7, // reports x87 exceptions that are pending
};

struct vector_prefixes {
    uint8_t map;    // 1: 0F, 2: 0F 38, 3: 0F 3A
    uint8_t prefix; // as VEX.pp: 0 none, 1 66, 2 F3, 3 F2
    uint8_t vvvv;   // a register's number
    bool vex, l, vex_w;
    bool w; // a general register of the instruction has 64 bits
};

struct vector_form {
    uint8_t size; // of the operand in bytes
    uint8_t flags;
};

// False: not one of them, or not with these prefixes.
bool vector_form_find(const struct vector_prefixes *p, uint8_t opcode, struct vector_form *out);

// Of the x87 instruction D8-DF with this ModRM.reg: bytes that are read, or written if negative; 0: none with an
// operand in memory. Environments and states are shorter with 16-bit operands.
enum { X87_ENVIRONMENT = 28, X87_ENVIRONMENT_16 = 14, X87_STATE = 108, X87_STATE_16 = 94 };
int x87_operand(uint8_t opcode, uint8_t reg);
