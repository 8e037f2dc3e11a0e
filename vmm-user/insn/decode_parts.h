// SPDX-License-Identifier: MIT
// What the parts of the decoder share.
#pragma once

#include "vmm-user/insn/decode.h"
#include "vmm-user/insn/vector_forms.h"

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

struct decoder {
    const uint8_t *bytes;
    unsigned at, length;
    int error; // the first one; reads after it give 0
    uint8_t rex, modrm, opcode;
    bool operand_override, address_override, has_modrm;
    struct vector_prefixes vector; // map 0: a one-byte opcode
    struct insn *out;
};

// decode.c
uint8_t decode_byte(struct decoder *d);  // the next one
uint8_t decode_modrm(struct decoder *d); // takes it once
void decode_memory(struct decoder *d);   // the operand in memory that ModRM describes
// decode_vector.c
void decode_vex(struct decoder *d);   // behind C4, C5 or 62: the prefix, and the opcode
int decode_vector(struct decoder *d); // what the tables of opcodes do not have
