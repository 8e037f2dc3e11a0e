// SPDX-License-Identifier: MIT
#include "vmm-user/insn/decode.h"

#include "vmm-user/insn/decode_parts.h"
#include "vmm-user/insn/opcodes.h"

uint8_t decode_byte(struct decoder *d)
{
    if (d->at >= INSN_MAX_LENGTH || d->at >= d->length) {
        if (d->error == INSN_OK) {
            d->error = d->at >= INSN_MAX_LENGTH ? INSN_ERROR_LENGTH : INSN_ERROR_SHORT;
        }
        return 0;
    }
    return d->bytes[d->at++];
}

static uint64_t unsigned_next(struct decoder *d, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)decode_byte(d) << (8 * i);
    }
    return value;
}

static uint64_t signed_next(struct decoder *d, unsigned size)
{
    unsigned unused = 64 - 8 * size;
    return (uint64_t)((int64_t)(unsigned_next(d, size) << unused) >> unused);
}

// Takes the prefixes and leaves the first opcode byte in d->opcode (SDM 2A 2.1.1, 2.2.1).
static void prefixes_take(struct decoder *d)
{
    struct insn *out = d->out;
    bool mode64 = out->mode == INSN_MODE_64;
    for (;;) {
        uint8_t byte = decode_byte(d);
        switch (byte) {
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
            if (!mode64) {
                out->segment = INSN_ES + ((byte - 0x26) >> 3);
            }
            break;
        case 0x64:
        case 0x65:
            out->segment = INSN_FS + (byte - 0x64);
            break;
        case 0x66:
            d->operand_override = true;
            break;
        case 0x67:
            d->address_override = true;
            break;
        case 0xf0:
            out->flags |= INSN_LOCK;
            break;
        case 0xf2: // of F2 and F3 the last one counts
            out->flags = (out->flags & ~INSN_REP) | INSN_REPNE;
            break;
        case 0xf3:
            out->flags = (out->flags & ~INSN_REPNE) | INSN_REP;
            break;
        default:
            if (mode64 && (byte & 0xf0) == 0x40) {
                d->rex = byte;
                continue; // a REX prefix counts only right before the opcode
            }
            d->opcode = byte;
            return;
        }
        d->rex = 0;
        if (d->error) {
            return;
        }
    }
}

uint8_t decode_modrm(struct decoder *d)
{
    if (!d->has_modrm) {
        d->modrm = decode_byte(d);
        d->has_modrm = true;
    }
    return d->modrm;
}

static uint8_t register_byte(const struct decoder *d, uint8_t reg)
{
    return d->out->size == 1 && !d->rex && reg >= 4 ? (uint8_t)(INSN_REG_HIGH + reg - 4) : reg;
}

// SDM 2A table 2-1
static void memory_16(struct decoder *d)
{
    static const uint8_t bases[8] = {3, 3, 5, 5, 6, 7, 5, 3};
    static const uint8_t indices[4] = {6, 7, 6, 7};
    struct insn *out = d->out;
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
    if (mod == 0 && rm == 6) {
        out->disp = signed_next(d, 2);
        return;
    }
    out->base = bases[rm];
    if (rm < 4) {
        out->index = indices[rm];
    }
    out->disp = mod == 0 ? 0 : signed_next(d, mod);
}

// SDM 2A tables 2-2 and 2-3
static void memory_32(struct decoder *d)
{
    struct insn *out = d->out;
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7, base = rm;
    if (rm == 4) {
        uint8_t sib = decode_byte(d);
        unsigned index = ((sib >> 3) & 7) | (d->rex & REX_X ? 8 : 0);
        base = sib & 7;
        if (index != 4) {
            out->index = (uint8_t)index;
            out->scale = (uint8_t)(1u << (sib >> 6));
        }
    }
    if (mod == 0 && base == 5) {
        if (rm == 5 && out->mode == INSN_MODE_64) {
            out->base = INSN_REG_RIP;
        }
        out->disp = signed_next(d, 4);
        return;
    }
    out->base = (uint8_t)(base | (d->rex & REX_B ? 8 : 0));
    out->disp = mod == 0 ? 0 : signed_next(d, mod == 1 ? 1 : 4);
}

void decode_memory(struct decoder *d)
{
    struct insn *out = d->out;
    if (out->address_size == 2) {
        memory_16(d);
    } else {
        memory_32(d);
    }
    if (out->segment == INSN_SEGMENTS) {
        out->segment = out->base == 4 || out->base == 5 ? INSN_SS : INSN_DS;
    }
}

static unsigned immediate_size(const struct insn *out)
{
    return out->size > 4 ? 4 : out->size;
}

// Resolves one operand; immediates and displacements are read in the order of the table's columns, which is that of
// the bytes.
static void operand_take(struct decoder *d, unsigned spec, uint8_t *kind, uint8_t *reg)
{
    static const uint8_t kinds[] = {
        [O_NONE] = INSN_NONE, [O_RM] = INSN_MEM,    [O_R] = INSN_REG,     [O_SEG] = INSN_SREG, [O_CR] = INSN_CR,
        [O_DR] = INSN_DR,     [O_GPR] = INSN_REG,   [O_OP] = INSN_REG,    [O_ACC] = INSN_REG,  [O_CL] = INSN_REG,
        [O_DX] = INSN_REG,    [O_ES] = INSN_SREG,   [O_CS] = INSN_SREG,   [O_SS] = INSN_SREG,  [O_DS] = INSN_SREG,
        [O_FS] = INSN_SREG,   [O_GS] = INSN_SREG,   [O_IMM] = INSN_IMM,   [O_IMMV] = INSN_IMM, [O_IMM8] = INSN_IMM,
        [O_UIMM8] = INSN_IMM, [O_IMM16] = INSN_IMM, [O_ONE] = INSN_IMM,   [O_REL] = INSN_REL,  [O_REL8] = INSN_REL,
        [O_MOFFS] = INSN_MEM, [O_FAR] = INSN_FAR,   [O_SI] = INSN_SOURCE, [O_DI] = INSN_DEST,
    };
    struct insn *out = d->out;
    uint8_t modrm_reg = ((d->modrm >> 3) & 7) | (d->rex & REX_R ? 8 : 0);
    uint8_t modrm_rm = (d->modrm & 7) | (d->rex & REX_B ? 8 : 0);
    *kind = kinds[spec];
    switch (spec) {
    case O_RM:
        if (d->modrm >> 6 != 3) {
            decode_memory(d);
            break;
        }
        *kind = INSN_REG;
        *reg = out->source_size == 1 && out->size > 1 && !d->rex && modrm_rm >= 4
                   ? (uint8_t)(INSN_REG_HIGH + modrm_rm - 4)
                   : register_byte(d, modrm_rm);
        break;
    case O_R:
        *reg = register_byte(d, modrm_reg);
        break;
    case O_SEG:
        *reg = modrm_reg & 7;
        break;
    case O_CR:
    case O_DR:
        *reg = modrm_reg;
        break;
    case O_GPR:
        *reg = modrm_rm;
        break;
    case O_OP:
        *reg = register_byte(d, (d->opcode & 7) | (d->rex & REX_B ? 8 : 0));
        break;
    case O_ACC:
    case O_CL:
    case O_DX:
        *reg = (uint8_t)(spec - O_ACC);
        break;
    case O_ES ... O_GS:
        *reg = (uint8_t)(spec - O_ES);
        break;
    case O_IMM:
    case O_REL:
        out->imm = signed_next(d, immediate_size(out));
        break;
    case O_IMMV:
        out->imm = signed_next(d, out->size);
        break;
    case O_IMM8:
    case O_REL8:
        out->imm = signed_next(d, 1);
        break;
    case O_UIMM8: // ENTER's nesting level stands beside the frame size
        *(out->op == INSN_OP_ENTER ? &out->disp : &out->imm) = decode_byte(d);
        break;
    case O_IMM16:
        out->imm = unsigned_next(d, 2);
        break;
    case O_ONE:
        out->imm = 1;
        break;
    case O_FAR:
        out->imm = unsigned_next(d, out->size);
        out->disp = unsigned_next(d, 2);
        break;
    case O_MOFFS:
        out->disp = unsigned_next(d, out->address_size);
        // fall through
    case O_SI:
        if (out->segment == INSN_SEGMENTS) {
            out->segment = INSN_DS;
        }
        break;
    }
}

// SDM 2A 2.2.1.2 and 3.1.1.3: the operand size from mode, 66 and REX.W.
static uint8_t operand_size(const struct decoder *d, uint32_t flags)
{
    bool mode64 = d->out->mode == INSN_MODE_64;
    uint8_t size = (d->out->mode == INSN_MODE_16) != d->operand_override ? 2 : 4;
    if (flags & BYTE) {
        return 1;
    }
    if (flags & WORD) {
        return 2;
    }
    if (mode64 && (flags & F64 || d->rex & REX_W)) {
        size = 8;
    } else if (mode64 && flags & D64) {
        size = d->operand_override ? 2 : 8;
    }
    if (flags & F32 && size < 4) {
        return 4;
    }
    return flags & IO && size > 4 ? 4 : size;
}

// The instructions that their table entry does not describe alone: prefixes or the whole ModRM byte select.
static struct opcode special_form(struct decoder *d, struct opcode entry, unsigned map)
{
    const struct opcode *repeated = map == 0x0f && d->out->flags & INSN_REP ? opcode_0f_with_f3(d->opcode) : 0;
    bool register_form = d->has_modrm && d->modrm >> 6 == 3;
    bool repeat = d->out->flags & (INSN_REP | INSN_REPNE), prefixed = repeat || d->operand_override;
    unsigned reg = (d->modrm >> 3) & 7;
    if (repeated) {
        return *repeated;
    }
    if (map == 1 && d->opcode == 0x90 && d->out->flags & INSN_REP) {
        entry = (struct opcode){.op = INSN_OP_PAUSE};
    } else if (map == 1 && d->opcode == 0x90 && !(d->rex & REX_B)) {
        entry = (struct opcode){.op = INSN_OP_NOP};
    } else if (map == 0x0f && d->opcode == 0x01 && register_form && reg != 4 && reg != 6) {
        uint8_t op = opcode_0f01_register_form(d->modrm);
        bool any_prefix = op == INSN_OP_VMMCALL || op == INSN_OP_SWAPGS || op == INSN_OP_RDTSCP;
        if (prefixed && !any_prefix) {
            op = INSN_OP_NONE;
        }
        entry = (struct opcode){.op = op, .flags = op == INSN_OP_SWAPGS ? ONLY64 : 0};
    } else if (map == 0x0f && d->opcode == 0xae) {
        if (reg == 7 && register_form) {
            entry = (struct opcode){.op = INSN_OP_SFENCE};
        } else if (reg == 6 && !register_form && d->operand_override) {
            entry = opcode_groups[GROUP_15][7]; // CLWB
        }
        if (repeat || (register_form && prefixed)) {
            entry.op = INSN_OP_NONE;
        }
    } else if (map == 0x0f && d->opcode == 0xc3 && prefixed) {
        entry.op = INSN_OP_NONE; // MOVNTI takes none
    } else if (map == 0x0f && d->opcode == 0xc7 && d->rex & REX_W && entry.op) {
        entry.op = INSN_OP_CMPXCHG16B;
    }
    return entry;
}

// CRC32: a 32- or 64-bit register from a source of any size.
static struct opcode crc32(const struct decoder *d)
{
    bool word = (d->out->mode == INSN_MODE_16) != d->operand_override && !(d->rex & REX_W);
    return (struct opcode){INSN_OP_CRC32, O_R, O_RM, O_NONE, F32 | (d->opcode == 0xf0 ? SRC8 : word ? SRC16 : 0)};
}

// The entry for the opcode at hand, which may be two or three bytes; has_modrm is set once ModRM has been read.
static struct opcode opcode_take(struct decoder *d)
{
    static const struct opcode movbe_load = {INSN_OP_MOVBE, O_R, O_RM, O_NONE, MEM};
    static const struct opcode movbe_store = {INSN_OP_MOVBE, O_RM, O_R, O_NONE, MEM};
    static const struct opcode invpcid = {INSN_OP_INVPCID, O_R, O_RM, O_NONE, MEM | F64 | F32};
    static const struct opcode unknown = {INSN_OP_NONE, O_NONE, O_NONE, O_NONE, 0};
    bool mode64 = d->out->mode == INSN_MODE_64;
    struct opcode entry;
    unsigned map = 1;

    if (d->opcode == 0x0f) {
        map = 0x0f;
        d->vector.map = 1;
        d->opcode = decode_byte(d);
        if (d->opcode == 0x38 || d->opcode == 0x3a) {
            d->vector.map = d->opcode == 0x38 ? 2 : 3;
            d->opcode = decode_byte(d);
            bool repeat = d->out->flags & (INSN_REP | INSN_REPNE);
            if (d->vector.map == 3) {
                return unknown;
            }
            if (d->opcode == 0x82 && d->operand_override && !repeat) {
                return invpcid;
            }
            if (d->out->flags & INSN_REPNE && (d->opcode & 0xfe) == 0xf0) {
                return crc32(d);
            }
            return repeat ? unknown : d->opcode == 0xf0 ? movbe_load : d->opcode == 0xf1 ? movbe_store : unknown;
        }
        entry = opcode_map_0f[d->opcode];
    } else {
        bool vector = d->opcode == 0xc4 || d->opcode == 0xc5 || d->opcode == 0x62;
        if (vector && (mode64 || decode_modrm(d) >> 6 == 3)) {
            decode_vex(d);
            return unknown;
        }
        if (d->opcode == 0x8f && decode_modrm(d) & 0x38) {
            d->error = d->error ? d->error : INSN_ERROR_VECTOR; // XOP
            return unknown;
        }
        entry = opcode_map_1[d->opcode];
    }
    if (entry.flags & GROUP) {
        uint32_t outer = entry.flags & NO64;
        entry = opcode_groups[entry.op][(decode_modrm(d) >> 3) & 7];
        entry.flags |= outer;
    }
    return special_form(d, entry, map);
}

static bool operand_has_modrm(unsigned spec)
{
    return spec >= O_RM && spec <= O_GPR;
}

static int entry_check(const struct decoder *d, const struct opcode *entry)
{
    bool mode64 = d->out->mode == INSN_MODE_64;
    bool register_form = d->has_modrm && d->modrm >> 6 == 3;
    if (entry->flags & ONLY64 && !mode64) {
        return INSN_ERROR_UNKNOWN;
    }
    if ((entry->flags & NO64 && mode64) || (entry->flags & MEM && register_form) ||
        (entry->flags & REG && !register_form)) {
        return INSN_ERROR_INVALID;
    }
    if (d->out->flags & INSN_LOCK && (!(entry->flags & LOCK) || !d->has_modrm || register_form)) {
        return INSN_ERROR_INVALID;
    }
    return INSN_OK;
}

// MOV from and to segment, control and debug registers that do not exist; CS cannot be loaded.
static int register_check(const struct insn *out)
{
    const uint8_t kinds[2] = {out->dst, out->src}, regs[2] = {out->dst_reg, out->src_reg};
    for (unsigned i = 0; i < 2; i++) {
        bool bad = (kinds[i] == INSN_SREG &&
                    (regs[i] > INSN_GS || (i == 0 && out->op == INSN_OP_MOV && regs[i] == INSN_CS))) ||
                   (kinds[i] == INSN_CR && !((1u << regs[i]) & 0x11d)) || (kinds[i] == INSN_DR && regs[i] > 7);
        if (bad) {
            return INSN_ERROR_INVALID;
        }
    }
    return INSN_OK;
}

static uint8_t plain_kind(const struct insn *out)
{
    bool simple = out->op == INSN_OP_MOV && out->address_size == 8 && out->segment < INSN_FS;
    if (simple && out->dst == INSN_REG && out->dst_reg < INSN_REG_HIGH) {
        return INSN_PLAIN_LOAD;
    }
    if (simple && out->src == INSN_REG && out->src_reg < INSN_REG_HIGH) {
        return INSN_PLAIN_STORE;
    }
    return simple && out->src == INSN_IMM ? INSN_PLAIN_STORE_IMM : INSN_PLAIN_NOT;
}

int insn_decode(struct insn *out, const uint8_t *bytes, unsigned len, enum insn_mode mode)
{
    struct decoder d = {.bytes = bytes, .length = len, .out = out};
    *out = (struct insn){
        .mode = (uint8_t)mode, .segment = INSN_SEGMENTS, .base = INSN_REG_NONE, .index = INSN_REG_NONE, .scale = 1};
    prefixes_take(&d);
    unsigned native = mode == INSN_MODE_64 ? 8 : mode == INSN_MODE_32 ? 4 : 2;
    out->address_size = (uint8_t)(!d.address_override ? native : native == 4 ? 2 : 4);
    struct opcode entry = opcode_take(&d);
    if (d.error) {
        return d.error;
    }
    if (entry.op == INSN_OP_NONE) {
        return decode_vector(&d);
    }
    if (operand_has_modrm(entry.dst) || operand_has_modrm(entry.src) || entry.flags & MODRM) {
        decode_modrm(&d);
    }
    int error = entry_check(&d, &entry);
    if (d.error || error) {
        return d.error ? d.error : error;
    }
    out->op = entry.op;
    out->size = operand_size(&d, entry.flags);
    out->source_size = entry.flags & SRC8                     ? 1
                       : entry.flags & SRC16                  ? 2
                       : entry.flags & SRC32 && out->size > 4 ? 4
                                                              : out->size;
    if (entry.flags & CC) {
        out->condition = d.opcode & 15;
    }
    operand_take(&d, entry.dst, &out->dst, &out->dst_reg);
    operand_take(&d, entry.src, &out->src, &out->src_reg);
    operand_take(&d, entry.third, &out->third, &out->third_reg);
    out->length = (uint8_t)d.at;
    out->plain = plain_kind(out);
    return d.error ? d.error : register_check(out);
}

const char *insn_name(unsigned op)
{
    static const char *const names[INSN_OP_COUNT] = {
#define X(name, text) [INSN_OP_##name] = text,
        INSN_OPS(X)
#undef X
    };
    return op < INSN_OP_COUNT && names[op] ? names[op] : "?";
}
