// SPDX-License-Identifier: MIT
// Vector and x87 instructions with an operand in memory, decoded to the same instruction on a copy of it.
#include "vmm-user/insn/decode_parts.h"

// VEX prefixes (SDM 2A 2.3.5): they take the place of REX, 66, F2, F3, 0F and 0F 38.
void decode_vex(struct decoder *d)
{
    bool mode64 = d->out->mode == INSN_MODE_64, three = d->opcode == 0xc4;
    uint8_t first = d->has_modrm ? d->modrm : decode_byte(d), last = three ? decode_byte(d) : first;
    if (d->error || d->opcode == 0x62) {
        d->error = d->error ? d->error : INSN_ERROR_VECTOR;
        return;
    }
    if (d->rex || d->operand_override || d->out->flags) {
        d->error = INSN_ERROR_INVALID;
        return;
    }
    d->rex = mode64 ? 0x40 | (~first >> 5 & (three ? 7 : REX_R)) | (three && last & 0x80 ? REX_W : 0) : 0;
    d->vector = (struct vector_prefixes){.map = three ? first & 31 : 1,
                                         .prefix = last & 3,
                                         .vvvv = ~last >> 3 & 15,
                                         .vex = true,
                                         .l = last & 4,
                                         .vex_w = three && last & 0x80};
    d->has_modrm = false;
    d->opcode = decode_byte(d);
}

// The same instruction as 64-bit code with its operand at [RAX], and RET: at most eight bytes.
static uint64_t vector_native(const struct decoder *d, bool has_imm8, uint8_t imm8)
{
    static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};
    const struct vector_prefixes *p = &d->vector;
    uint8_t rex = d->rex & (REX_W | REX_R), bytes[8] = {0}, n = 0;
    if (p->vex) {
        bytes[n++] = 0xc4;
        bytes[n++] = (rex & REX_R ? 0x60 : 0xe0) | p->map;
        uint8_t registers = d->out->mode == INSN_MODE_64 ? 15 : 7;
        bytes[n++] = (uint8_t)(p->w << 7 | (~(p->vvvv & registers) & 15) << 3 | p->l << 2 | p->prefix);
    } else {
        bytes[n] = prefixes[p->prefix];
        n += p->prefix != 0;
        bytes[n] = 0x40 | rex;
        n += rex != 0;
        bytes[n] = 0x0f;
        n += p->map != 0;
        bytes[n] = p->map == 2 ? 0x38 : 0x3a;
        n += p->map > 1;
    }
    bytes[n++] = d->opcode;
    bytes[n++] = d->modrm & 0x38;
    bytes[n] = imm8;
    n += has_imm8;
    bytes[n] = 0xc3;
    uint64_t code = 0;
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        code |= (uint64_t)bytes[i] << (8 * i);
    }
    return code;
}

// Which of the instructions with an x87 state it is: FXSAVE FXRSTOR LDMXCSR STMXCSR (0F AE), or D8 to DF.
static bool state_form(struct decoder *d, struct vector_form *form)
{
    static const uint8_t ops[4] = {INSN_OP_FXSAVE, INSN_OP_FXRSTOR, INSN_OP_LDMXCSR, INSN_OP_VECTOR};
    uint8_t reg = (d->modrm >> 3) & 7;
    int size = 0;
    if (d->vector.map == 1 && d->opcode == 0xae && reg < 4 && !d->vector.prefix && !d->vector.vex) {
        d->out->op = ops[reg];
        *form = (struct vector_form){reg < 2 ? 0 : 4, reg == 0 || reg == 3 ? VECTOR_WRITE : 0};
        return true;
    }
    if (d->vector.map == 0 && !d->vector.vex && (d->opcode & 0xf8) == 0xd8) {
        size = x87_operand(d->opcode, reg);
    }
    bool word = (d->out->mode == INSN_MODE_16) != d->operand_override && !d->vector.w;
    bool small = word && (size >= X87_ENVIRONMENT || -size >= X87_ENVIRONMENT);
    d->vector.prefix = small; // 66 is what makes it 16-bit in 64-bit code
    d->out->op = INSN_OP_X87;
    bool control = (d->opcode == 0xd9 || d->opcode == 0xdd) && reg >= 6; // FNSTENV FNSTCW FNSAVE FNSTSW
    *form = (struct vector_form){(uint8_t)(size < 0 ? -size : size),
                                 (size < 0 ? VECTOR_WRITE : 0) | (control ? 0 : VECTOR_WAITS)};
    form->size -= !small                    ? 0
                  : form->size == X87_STATE ? X87_STATE - X87_STATE_16
                                            : X87_ENVIRONMENT - X87_ENVIRONMENT_16;
    return size != 0;
}

int decode_vector(struct decoder *d)
{
    struct insn *out = d->out;
    struct vector_form form;
    uint8_t modrm = decode_modrm(d), imm8 = 0;
    if (d->error) {
        return d->error;
    }
    if (!d->vector.vex) {
        d->vector.prefix = out->flags & INSN_REPNE ? 3 : out->flags & INSN_REP ? 2 : d->operand_override;
    }
    d->vector.w = out->mode == INSN_MODE_64 && d->rex & REX_W;
    out->op = INSN_OP_VECTOR;
    if (modrm >> 6 == 3 || (!vector_form_find(&d->vector, d->opcode, &form) && !state_form(d, &form))) {
        return d->vector.vex ? INSN_ERROR_VECTOR : INSN_ERROR_UNKNOWN;
    }
    if (out->flags & INSN_LOCK) {
        return INSN_ERROR_INVALID;
    }
    out->size = out->source_size = form.size;
    *(form.flags & VECTOR_WRITE ? &out->dst : &out->src) = INSN_MEM;
    out->condition = form.flags;
    decode_memory(d);
    if (form.flags & VECTOR_IMM8) {
        imm8 = decode_byte(d);
    }
    out->imm = vector_native(d, form.flags & VECTOR_IMM8, imm8);
    out->length = (uint8_t)d->at;
    return d->error;
}
