// SPDX-License-Identifier: MIT
// sources: vmm-user/insn/decode.c vmm-user/insn/decode_vector.c vmm-user/insn/opcodes.c vmm-user/insn/vector_forms.c
// libs: Zydis
//
// Every opcode, ModRM byte and prefix combination in all three modes against Zydis: what we accept has its length and
// operands, and what it knows of our mnemonics we accept.
#include "vmm-user/insn/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <Zydis/Zydis.h>

enum { REPORTED_MAX = 20, BUFFER = 24 };

static unsigned failures;
static unsigned long accepted, compared;
static uint8_t op_of_mnemonic[ZYDIS_MNEMONIC_MAX_VALUE + 1]; // our operation by Zydis' mnemonic

static const ZydisMachineMode machine_modes[] = {ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_MACHINE_MODE_LEGACY_32,
                                                 ZYDIS_MACHINE_MODE_LONG_64};
static const ZydisStackWidth stack_widths[] = {ZYDIS_STACK_WIDTH_16, ZYDIS_STACK_WIDTH_32, ZYDIS_STACK_WIDTH_64};

// Names that differ: one name of ours stands for a family of theirs.
static const struct {
    const char *theirs;
    unsigned op;
} families[] = {
    {"movsxd", INSN_OP_MOVSX},    {"cbw", INSN_OP_CBW},
    {"cwde", INSN_OP_CBW},        {"cdqe", INSN_OP_CBW},
    {"cwd", INSN_OP_CWD},         {"cdq", INSN_OP_CWD},
    {"cqo", INSN_OP_CWD},         {"pusha", INSN_OP_PUSHA},
    {"pushad", INSN_OP_PUSHA},    {"popa", INSN_OP_POPA},
    {"popad", INSN_OP_POPA},      {"pushf", INSN_OP_PUSHF},
    {"pushfd", INSN_OP_PUSHF},    {"pushfq", INSN_OP_PUSHF},
    {"popf", INSN_OP_POPF},       {"popfd", INSN_OP_POPF},
    {"popfq", INSN_OP_POPF},      {"iret", INSN_OP_IRET},
    {"iretd", INSN_OP_IRET},      {"iretq", INSN_OP_IRET},
    {"jcxz", INSN_OP_JCXZ},       {"jecxz", INSN_OP_JCXZ},
    {"jrcxz", INSN_OP_JCXZ},      {"movsb", INSN_OP_MOVS},
    {"movsw", INSN_OP_MOVS},      {"movsd", INSN_OP_MOVS},
    {"movsq", INSN_OP_MOVS},      {"cmpsb", INSN_OP_CMPS},
    {"cmpsw", INSN_OP_CMPS},      {"cmpsd", INSN_OP_CMPS},
    {"cmpsq", INSN_OP_CMPS},      {"stosb", INSN_OP_STOS},
    {"stosw", INSN_OP_STOS},      {"stosd", INSN_OP_STOS},
    {"stosq", INSN_OP_STOS},      {"lodsb", INSN_OP_LODS},
    {"lodsw", INSN_OP_LODS},      {"lodsd", INSN_OP_LODS},
    {"lodsq", INSN_OP_LODS},      {"scasb", INSN_OP_SCAS},
    {"scasw", INSN_OP_SCAS},      {"scasd", INSN_OP_SCAS},
    {"scasq", INSN_OP_SCAS},      {"insb", INSN_OP_INS},
    {"insw", INSN_OP_INS},        {"insd", INSN_OP_INS},
    {"outsb", INSN_OP_OUTS},      {"outsw", INSN_OP_OUTS},
    {"outsd", INSN_OP_OUTS},      {"clflushopt", INSN_OP_CLFLUSH},
    {"clwb", INSN_OP_CLFLUSH},    {"prefetchw", INSN_OP_NOP},
    {"prefetchnta", INSN_OP_NOP}, {"prefetcht0", INSN_OP_NOP},
    {"prefetcht1", INSN_OP_NOP},  {"prefetcht2", INSN_OP_NOP},
    {"prefetchwt1", INSN_OP_NOP}, {"endbr32", INSN_OP_NOP},
    {"endbr64", INSN_OP_NOP},     {"rdsspd", INSN_OP_NOP},
    {"rdsspq", INSN_OP_NOP},      {"cldemote", INSN_OP_NOP},
    {"prefetch", INSN_OP_NOP},    {"xlat", INSN_OP_XLAT},
};

static unsigned family_of(const char *name)
{
    for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (!strcmp(name, families[i].theirs)) {
            return families[i].op;
        }
    }
    for (unsigned op = 1; op < INSN_OP_COUNT; op++) {
        if (!strcmp(name, insn_name(op))) {
            return op;
        }
    }
    if (!strncmp(name, "set", 3) && strcmp(name, "setssbsy")) {
        return INSN_OP_SETCC;
    }
    return !strncmp(name, "cmov", 4)                                         ? INSN_OP_CMOVCC
           : name[0] == 'j' && strcmp(name, "jknzd") && strcmp(name, "jkzd") ? INSN_OP_JCC
                                                                             : INSN_OP_NONE;
}

static void report(const uint8_t *bytes, unsigned mode, const char *what, const struct insn *in, const char *name)
{
    static const char *last_what;
    static const char *last_name;
    bool repeated = last_what == what && last_name == name;
    last_what = what;
    last_name = name;
    if (failures++ >= REPORTED_MAX && repeated) {
        return;
    }
    static const char *const modes[] = {"16", "32", "64"};
    print_message("mode %s:", modes[mode]);
    for (unsigned i = 0; i < 15; i++) {
        print_message(" %02x", bytes[i]);
    }
    print_message(
        ": %s; ours %s length %u size %u/%u as %u seg %u base %x index %x scale %u disp %llx imm %llx; Zydis %s\n",
        what, insn_name(in->op), in->length, in->size, in->source_size, in->address_size, in->segment, in->base,
        in->index, in->scale, (unsigned long long)in->disp, (unsigned long long)in->imm, name);
}

static unsigned register_number(ZydisRegister reg)
{
    if (reg == ZYDIS_REGISTER_NONE) {
        return INSN_REG_NONE;
    }
    if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP) {
        return INSN_REG_RIP;
    }
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH) {
        return INSN_REG_HIGH + (reg - ZYDIS_REGISTER_AH);
    }
    if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_DIL) {
        return 4 + (reg - ZYDIS_REGISTER_SPL);
    }
    if (reg >= ZYDIS_REGISTER_R8B && reg <= ZYDIS_REGISTER_R15B) {
        return 8 + (reg - ZYDIS_REGISTER_R8B);
    }
    return (unsigned)ZydisRegisterGetId(reg);
}

static const char *operand_compare(const struct insn *in, unsigned kind, unsigned reg, unsigned size,
                                   const ZydisDecodedOperand *theirs)
{
    switch (theirs->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER: {
        ZydisRegisterClass class = ZydisRegisterGetClass(theirs->reg.value);
        unsigned wanted = class == ZYDIS_REGCLASS_SEGMENT   ? INSN_SREG
                          : class == ZYDIS_REGCLASS_CONTROL ? INSN_CR
                          : class == ZYDIS_REGCLASS_DEBUG   ? INSN_DR
                                                            : INSN_REG;
        if (kind != wanted || reg != register_number(theirs->reg.value)) {
            return "register";
        }
        return wanted == INSN_REG && size && theirs->size != size * 8u ? "register width" : NULL;
    }
    case ZYDIS_OPERAND_TYPE_MEMORY:
        if (kind == INSN_SOURCE) {
            return in->segment + (unsigned)ZYDIS_REGISTER_ES != (unsigned)theirs->mem.segment ? "source segment" : NULL;
        }
        if (kind == INSN_DEST) {
            return theirs->mem.segment != ZYDIS_REGISTER_ES ? "destination segment" : NULL;
        }
        if (kind != INSN_MEM) {
            return "memory operand";
        }
        if (in->index != INSN_REG_NONE && in->base == INSN_REG_NONE && in->mode == INSN_MODE_64 &&
            in->address_size == 4) {
            return NULL; // Zydis 4.0 reports R13D as base where the SIB byte means none
        }
        if (in->base != register_number(theirs->mem.base) || in->index != register_number(theirs->mem.index) ||
            (in->index != INSN_REG_NONE && in->scale != (theirs->mem.scale ? theirs->mem.scale : 1))) {
            return "base, index or scale";
        }
        bool unused = in->op == INSN_OP_LEA || // no access; and Zydis takes 3E before a branch for CET's NOTRACK
                      (in->segment == INSN_DS && (in->op == INSN_OP_JMP || in->op == INSN_OP_CALL));
        if (!unused && in->segment + (unsigned)ZYDIS_REGISTER_ES != (unsigned)theirs->mem.segment) {
            return "segment";
        }
        {
            uint64_t mask = in->address_size == 8 ? ~0ull : (1ull << (8 * in->address_size)) - 1;
            return (in->disp & mask) != ((uint64_t)theirs->mem.disp.value & mask) ? "displacement" : NULL;
        }
    case ZYDIS_OPERAND_TYPE_POINTER:
        return kind != INSN_FAR || in->imm != theirs->ptr.offset || in->disp != theirs->ptr.segment ? "far pointer"
                                                                                                    : NULL;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE: {
        uint64_t mask = in->size == 8 ? ~0ull : (1ull << (8 * in->size)) - 1;
        if (kind != INSN_IMM && kind != INSN_REL) {
            return "immediate operand";
        }
        return (in->imm & mask) != (theirs->imm.value.u & mask) ? "immediate" : NULL;
    }
    default:
        return "operand type";
    }
}

static bool is_vector(const struct insn *in)
{
    return in->op >= INSN_OP_VECTOR;
}

// An instruction that the processor is to execute on a copy of its operand: size and direction of that, the operand
// itself, and the code, which must be the same instruction with it at [RAX]. Nothing may raise #XM.
static const char *vector_compare(const struct insn *in, const ZydisDecodedInstruction *theirs,
                                  const ZydisDecodedOperand *operands)
{
    static ZydisDecoder decoder;
    ZydisDecodedInstruction native;
    ZydisDecodedOperand others[ZYDIS_MAX_OPERAND_COUNT];
    unsigned class = theirs->meta.exception_class;
    uint8_t code[9] = {0};
    memcpy(code, &in->imm, 8);
    if (!decoder.stack_width) {
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    }
    if (in->length != theirs->length) {
        return "length";
    }
    if (class == ZYDIS_EXCEPTION_CLASS_SSE2 || class == ZYDIS_EXCEPTION_CLASS_SSE3 ||
        class == ZYDIS_EXCEPTION_CLASS_AVX2 || class == ZYDIS_EXCEPTION_CLASS_AVX3) {
        return "floating-point exceptions";
    }
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, sizeof(code), &native, others)) ||
        native.mnemonic != theirs->mnemonic || code[native.length] != 0xc3) {
        return "native code";
    }
    for (unsigned i = 0; i < theirs->operand_count; i++) {
        const ZydisDecodedOperand *operand = &operands[i], *other = &others[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
            bool write = operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
            const char *error = operand_compare(in, write ? in->dst : in->src, 0, 0, operand);
            if (error) {
                return error;
            }
            unsigned size = in->op == INSN_OP_FXSAVE || in->op == INSN_OP_FXRSTOR ? 512 : in->size;
            if (operand->size != 8 * size || other->size != 8 * size || other->mem.base != ZYDIS_REGISTER_RAX) {
                return "operand size";
            }
        } else if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
                   operand->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN && operand->reg.value != other->reg.value) {
            return "native register";
        } else if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operand->imm.value.u != other->imm.value.u) {
            return "native immediate";
        }
    }
    return NULL;
}

static const char *compare(const struct insn *in, const ZydisDecodedInstruction *theirs,
                           const ZydisDecodedOperand *operands)
{
    unsigned op = op_of_mnemonic[theirs->mnemonic];
    if (theirs->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) {
        op = op == INSN_OP_JMP    ? INSN_OP_JMP_FAR
             : op == INSN_OP_CALL ? INSN_OP_CALL_FAR
             : op == INSN_OP_RET  ? INSN_OP_RET_FAR
                                  : op;
    }
    if (in->op != op) {
        return "operation";
    }
    if (in->length != theirs->length) {
        return "length";
    }
    if (in->op == INSN_OP_NOP || in->op == INSN_OP_ENTER) {
        return NULL; // Zydis names registers in multi-byte NOPs; ENTER keeps its second immediate elsewhere
    }
    const unsigned kinds[3] = {in->dst, in->src, in->third}, regs[3] = {in->dst_reg, in->src_reg, in->third_reg};
    const unsigned sizes[3] = {in->dst == INSN_REG && in->src == INSN_REG && in->op == INSN_OP_OUT ? 0 : in->size,
                               in->op == INSN_OP_IN || in->op == INSN_OP_OUT || in->src_reg == 1 ||
                                       in->op == INSN_OP_LAR || in->op == INSN_OP_LSL // of which 16 bits count
                                   ? 0
                                   : in->source_size,
                               0};
    unsigned ours = 0, at = 0;
    for (unsigned i = 0; i < theirs->operand_count && ours < 3; i++) {
        const ZydisDecodedOperand *operand = &operands[i];
        bool string = operand->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
                      operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
                      (kinds[ours] == INSN_SOURCE || kinds[ours] == INSN_DEST);
        if (operand->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && !string) {
            continue;
        }
        const char *error = operand_compare(in, kinds[ours], regs[ours], sizes[ours], operand);
        if (error) {
            return error;
        }
        ours++;
        at++;
    }
    return at < theirs->operand_count_visible ? "operand count" : NULL;
}

static void check(const ZydisDecoder *decoder, const uint8_t *bytes, unsigned mode)
{
    struct insn in;
    int error = insn_decode(&in, bytes, INSN_MAX_LENGTH, (enum insn_mode)mode);
    ZydisDecodedInstruction theirs;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    bool valid = ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, bytes, INSN_MAX_LENGTH, &theirs, operands));
    compared++;
    if (error == INSN_OK) {
        accepted++;
        const char *name = valid ? ZydisMnemonicGetString(theirs.mnemonic) : "invalid";
        const char *what = !valid           ? "accepted"
                           : is_vector(&in) ? vector_compare(&in, &theirs, operands)
                                            : compare(&in, &theirs, operands);
        if (what) {
            report(bytes, mode, what, &in, name);
            return;
        }
        struct insn again;
        for (unsigned len = 0; len < in.length; len++) {
            if (insn_decode(&again, bytes, len, (enum insn_mode)mode) != INSN_ERROR_SHORT) {
                report(bytes, mode, "truncated", &in, name);
                return;
            }
        }
    } else if (valid && theirs.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY && op_of_mnemonic[theirs.mnemonic] &&
               theirs.meta.isa_ext != ZYDIS_ISA_EXT_MPX && theirs.meta.isa_ext != ZYDIS_ISA_EXT_SSE2 &&
               !(theirs.opcode_map == ZYDIS_OPCODE_MAP_0F && (theirs.opcode & 0xfe) == 0x1a)) {
        in.op = 0;
        report(bytes, mode, "refused", &in, ZydisMnemonicGetString(theirs.mnemonic));
    }
}

struct prefix {
    uint8_t length, bytes[4];
    bool only64;
};

static const struct prefix prefixes[] = {
    {0, {0}, false},
    {1, {0x66}, false},
    {1, {0x67}, false},
    {2, {0x66, 0x67}, false},
    {1, {0xf2}, false},
    {1, {0xf3}, false},
    {1, {0xf0}, false},
    {2, {0xf3, 0x66}, false},
    {2, {0x67, 0xf2}, false},
    {2, {0xf2, 0xf3}, false},
    {2, {0xf0, 0x66}, false},
    {1, {0x26}, false},
    {1, {0x2e}, false},
    {1, {0x36}, false},
    {1, {0x3e}, false},
    {1, {0x64}, false},
    {1, {0x65}, false},
    {2, {0x64, 0x67}, false},
    {2, {0x3e, 0x65}, false},
    {2, {0x65, 0x36}, false},
    {1, {0x40}, true},
    {1, {0x41}, true},
    {1, {0x42}, true},
    {1, {0x44}, true},
    {1, {0x47}, true},
    {1, {0x48}, true},
    {1, {0x4f}, true},
    {2, {0x66, 0x48}, true},
    {2, {0x67, 0x4f}, true},
    {2, {0xf0, 0x48}, true},
    {2, {0xf3, 0x48}, true},
    {2, {0xf3, 0x4d}, true},
    {2, {0x48, 0x66}, true},
    {3, {0x66, 0x64, 0x45}, true},
    {3, {0x48, 0x41, 0x42}, true},
};

static void opcodes_check(const ZydisDecoder *decoder, unsigned mode, const struct prefix *prefix,
                          const uint8_t *escape, unsigned escape_length)
{
    static const uint8_t sibs[] = {0x00, 0x24, 0x25, 0x65, 0xac, 0xcd, 0xe5, 0xff};
    static const uint8_t tail[8] = {0x81, 0x7f, 0xfe, 0x92, 0x12, 0x34, 0x56, 0xf8};
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        for (unsigned modrm = 0; modrm < 256; modrm++) {
            uint8_t bytes[BUFFER] = {0};
            unsigned at = prefix->length;
            memcpy(bytes, prefix->bytes, prefix->length);
            memcpy(bytes + at, escape, escape_length);
            at += escape_length;
            bytes[at++] = (uint8_t)opcode;
            bytes[at++] = (uint8_t)modrm;
            bool sib = (modrm & 7) == 4 && modrm < 0xc0;
            for (unsigned s = 0; s < (sib ? sizeof(sibs) : 1); s++) {
                bytes[at] = sibs[s];
                memcpy(bytes + at + 1, tail, sizeof(tail));
                check(decoder, bytes, mode);
            }
        }
    }
}

static void check_mode(unsigned mode)
{
    static const uint8_t escapes[4][2] = {{0}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};
    ZydisDecoder decoder;
    assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, machine_modes[mode], stack_widths[mode])));
    failures = 0;
    for (unsigned p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++) {
        for (unsigned map = 0; map < 4; map++) {
            if ((!prefixes[p].only64 || mode == INSN_MODE_64) && (map < 3 || prefixes[p].length < 2)) {
                opcodes_check(&decoder, mode, &prefixes[p], escapes[map], map < 3 ? map : 2);
            }
        }
    }
    print_message("%lu accepted of %lu\n", accepted, compared);
    assert_int_equal(failures, 0);
}

static void test_mode_16(void **state)
{
    (void)state;
    check_mode(INSN_MODE_16);
}

static void test_mode_32(void **state)
{
    (void)state;
    check_mode(INSN_MODE_32);
}

static void test_mode_64(void **state)
{
    (void)state;
    check_mode(INSN_MODE_64);
}

// All SIB bytes with all REX.XB, address sizes and mods of a plain load.
static void test_sib(void **state)
{
    (void)state;
    failures = 0;
    for (unsigned mode = INSN_MODE_32; mode <= INSN_MODE_64; mode++) {
        ZydisDecoder decoder;
        assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, machine_modes[mode], stack_widths[mode])));
        for (unsigned i = 0; i < 256 * 3 * 16; i++) {
            unsigned at = 0;
            uint8_t bytes[BUFFER] = {0};
            if (mode == INSN_MODE_64) {
                bytes[at++] = (uint8_t)(0x40 | (i & 15));
            }
            bytes[at++] = 0x8b;
            bytes[at++] = (uint8_t)(((i >> 4) % 3) << 6 | 0x1c);
            bytes[at++] = (uint8_t)((i >> 4) / 3);
            bytes[at++] = 0x80;
            check(&decoder, bytes, mode);
        }
    }
    assert_int_equal(failures, 0);
}

static void short_vex_check(const ZydisDecoder *decoder, unsigned mode, unsigned last, unsigned opcode, unsigned modrm)
{
    const uint8_t bytes[BUFFER] = {0xc5, (uint8_t)last, (uint8_t)opcode, (uint8_t)modrm};
    check(decoder, bytes, mode);
}

// VEX: all second and third bytes of both forms, with every opcode.
static void test_vex(void **state)
{
    (void)state;
    static const uint8_t modrms[] = {0x00, 0x08, 0x45, 0x9c, 0xc1};
    failures = 0;
    accepted = 0;
    for (unsigned mode = INSN_MODE_16; mode <= INSN_MODE_64; mode++) {
        ZydisDecoder decoder;
        assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, machine_modes[mode], stack_widths[mode])));
        for (unsigned i = 0; i < 256 * 256 * 4; i++) {
            unsigned map = i & 3, last = i >> 2 & 255, opcode = i >> 10;
            for (unsigned top = 0; top < 8; top++) {
                uint8_t bytes[BUFFER] = {0xc4, (uint8_t)(top << 5 | map), (uint8_t)last, (uint8_t)opcode};
                bytes[4] = modrms[(top + last) % sizeof(modrms)];
                check(&decoder, bytes, mode);
            }
            short_vex_check(&decoder, mode, last, opcode, modrms[map]);
        }
    }
    print_message("%lu accepted\n", accepted);
    assert_true(accepted > 20000);
    assert_int_equal(failures, 0);
}

static void test_errors(void **state)
{
    (void)state;
    struct insn in;
    uint8_t prefixed[16];
    memset(prefixed, 0x66, sizeof(prefixed));
    assert_int_equal(insn_decode(&in, prefixed, 16, INSN_MODE_32), INSN_ERROR_LENGTH);
    assert_int_equal(insn_decode(&in, prefixed, 15, INSN_MODE_32), INSN_ERROR_LENGTH);
    assert_int_equal(insn_decode(&in, prefixed, 14, INSN_MODE_32), INSN_ERROR_SHORT);
    prefixed[14] = 0x90;
    assert_int_equal(insn_decode(&in, prefixed, 16, INSN_MODE_32), INSN_OK);
    assert_int_equal(in.length, 15);
    assert_int_equal(insn_decode(&in, (const uint8_t[]){0xc5, 0xf8, 0x77, 0}, 4, INSN_MODE_64), INSN_ERROR_VECTOR);
    assert_int_equal(insn_decode(&in, (const uint8_t[]){0xc5, 0xf8, 0x77, 0}, 4, INSN_MODE_32), INSN_ERROR_VECTOR);
    assert_int_equal(insn_decode(&in, (const uint8_t[]){0x62, 0xf1, 0x7c, 0x48}, 4, INSN_MODE_64), INSN_ERROR_VECTOR);
    assert_int_equal(insn_decode(&in, (const uint8_t[]){0xf0, 0x89, 0x00}, 3, INSN_MODE_64), INSN_ERROR_INVALID);
    assert_int_equal(insn_decode(&in, (const uint8_t[]){0xf0, 0x01, 0xc0}, 3, INSN_MODE_64), INSN_ERROR_INVALID);
    assert_int_equal(insn_decode(&in, (const uint8_t[]){0x0f, 0x58, 0xc0}, 3, INSN_MODE_64), INSN_ERROR_UNKNOWN);
    assert_string_equal(insn_name(INSN_OP_MOVS), "movs");
    assert_string_equal(insn_name(9999), "?");
}

static int mnemonics_prepare(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= ZYDIS_MNEMONIC_MAX_VALUE; i++) {
        op_of_mnemonic[i] = (uint8_t)family_of(ZydisMnemonicGetString((ZydisMnemonic)i));
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),  cmocka_unit_test(test_sib),     cmocka_unit_test(test_mode_16),
        cmocka_unit_test(test_mode_32), cmocka_unit_test(test_mode_64), cmocka_unit_test(test_vex),
    };
    return cmocka_run_group_tests(tests, mnemonics_prepare, NULL);
}
