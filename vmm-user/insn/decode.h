// SPDX-License-Identifier: MIT
// Instruction decoder: bytes -> a small flat record. Covers what can touch memory-mapped or port I/O and what a
// hypervisor must emulate; vector and x87 instructions with an operand in memory are written anew for the processor
// to execute on a copy of it (SDM vol. 2, chapter 2 and appendix A). Pure code, no state.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { INSN_MAX_LENGTH = 15 };

enum insn_mode { INSN_MODE_16, INSN_MODE_32, INSN_MODE_64 };

// Every operation, with the manual's mnemonic. The executor's table counts on the order of neighbours.
// clang-format off
#define INSN_OPS(X)                                                                                                   \
    X(MOV, "mov") X(MOVZX, "movzx") X(MOVSX, "movsx") X(MOVBE, "movbe") X(MOVNTI, "movnti") X(LEA, "lea")             \
    X(ADD, "add") X(OR, "or") X(ADC, "adc") X(SBB, "sbb") X(AND, "and") X(SUB, "sub") X(XOR, "xor") X(CMP, "cmp")     \
    X(TEST, "test") X(NOT, "not") X(NEG, "neg") X(INC, "inc") X(DEC, "dec") X(ROL, "rol") X(ROR, "ror")               \
    X(RCL, "rcl") X(RCR, "rcr") X(SHL, "shl") X(SHR, "shr") X(SAR, "sar") X(SHLD, "shld") X(SHRD, "shrd")             \
    X(MUL, "mul") X(IMUL, "imul") X(DIV, "div") X(IDIV, "idiv") X(BT, "bt") X(BTS, "bts") X(BTR, "btr")               \
    X(BTC, "btc") X(BSF, "bsf") X(BSR, "bsr") X(TZCNT, "tzcnt") X(LZCNT, "lzcnt") X(POPCNT, "popcnt")                 \
    X(BSWAP, "bswap") X(XCHG, "xchg") X(CMPXCHG, "cmpxchg") X(CMPXCHG8B, "cmpxchg8b") X(CMPXCHG16B, "cmpxchg16b")     \
    X(XADD, "xadd") X(SETCC, "setcc") X(CMOVCC, "cmovcc") X(JCC, "jcc") X(JMP, "jmp") X(CALL, "call") X(RET, "ret")   \
    X(PUSH, "push") X(POP, "pop") X(LEAVE, "leave") X(ENTER, "enter") X(PUSHA, "pusha") X(POPA, "popa")               \
    X(PUSHF, "pushf") X(POPF, "popf") X(LOOP, "loop") X(LOOPE, "loope") X(LOOPNE, "loopne") X(JCXZ, "jcxz")           \
    X(MOVS, "movs") X(CMPS, "cmps") X(STOS, "stos") X(LODS, "lods") X(SCAS, "scas") X(INS, "ins") X(OUTS, "outs")     \
    X(IN, "in") X(OUT, "out") X(XLAT, "xlat") X(CBW, "cbw") X(CWD, "cwd") X(LAHF, "lahf") X(SAHF, "sahf")             \
    X(CLC, "clc") X(STC, "stc") X(CMC, "cmc") X(CLD, "cld") X(STD, "std") X(CLI, "cli") X(STI, "sti") X(NOP, "nop")   \
    X(PAUSE, "pause") X(CLFLUSH, "clflush") X(LFENCE, "lfence") X(MFENCE, "mfence") X(SFENCE, "sfence")               \
    X(HLT, "hlt") X(CLTS, "clts") X(INVD, "invd") X(WBINVD, "wbinvd") X(UD2, "ud2") X(CPUID, "cpuid")                 \
    X(RDTSC, "rdtsc") X(RDTSCP, "rdtscp") X(RDPMC, "rdpmc") X(RDMSR, "rdmsr") X(WRMSR, "wrmsr")                       \
    X(SYSCALL, "syscall") X(SYSRET, "sysret") X(SYSENTER, "sysenter") X(SYSEXIT, "sysexit") X(SLDT, "sldt")           \
    X(STR, "str") X(LLDT, "lldt") X(LTR, "ltr") X(VERR, "verr") X(VERW, "verw") X(SGDT, "sgdt") X(SIDT, "sidt")       \
    X(LGDT, "lgdt") X(LIDT, "lidt") X(SMSW, "smsw") X(LMSW, "lmsw") X(INVLPG, "invlpg") X(INVPCID, "invpcid")         \
    X(SWAPGS, "swapgs") X(CLAC, "clac") X(STAC, "stac") X(MONITOR, "monitor") X(MWAIT, "mwait") X(XGETBV, "xgetbv")   \
    X(XSETBV, "xsetbv") X(RDPKRU, "rdpkru") X(WRPKRU, "wrpkru") X(VMCALL, "vmcall") X(VMMCALL, "vmmcall")             \
    X(JMP_FAR, "jmp far") X(CALL_FAR, "call far") X(RET_FAR, "retf") X(IRET, "iret") X(INT, "int") X(INT3, "int3")    \
    X(INT1, "int1") X(INTO, "into") X(LES, "les") X(LDS, "lds") X(LSS, "lss") X(LFS, "lfs") X(LGS, "lgs")     \
    X(LAR, "lar") X(LSL, "lsl") X(BOUND, "bound") X(CRC32, "crc32") X(VECTOR, "vector") X(X87, "x87")           \
    X(FXSAVE, "fxsave") X(FXRSTOR, "fxrstor") X(LDMXCSR, "ldmxcsr")
// clang-format on

enum insn_op {
    INSN_OP_NONE,
#define X(name, text) INSN_OP_##name,
    INSN_OPS(X)
#undef X
        INSN_OP_COUNT
};

enum insn_operand {
    INSN_NONE,
    INSN_REG,    // general register: 0-15, or INSN_REG_HIGH + 0..3 for AH CH DH BH
    INSN_MEM,    // the one memory operand: segment, base, index, scale, disp
    INSN_IMM,    // imm
    INSN_SREG,   // segment register, enum insn_segment_name
    INSN_CR,     // control register
    INSN_DR,     // debug register
    INSN_SOURCE, // segment:[rSI] of a string instruction
    INSN_DEST,   // ES:[rDI] of a string instruction
    INSN_REL,    // imm is relative to the next instruction
    INSN_FAR,    // imm is the offset, disp the selector
};

enum insn_segment_name { INSN_ES, INSN_CS, INSN_SS, INSN_DS, INSN_FS, INSN_GS, INSN_SEGMENTS };

enum {
    INSN_REG_HIGH = 16,
    INSN_REG_RIP = 0xfe, // base only: the address of the next instruction
    INSN_REG_NONE = 0xff,
};

enum insn_flag {
    INSN_LOCK = 1,
    INSN_REP = 2,   // F3: REP, REPE
    INSN_REPNE = 4, // F2
};

// MOV between memory and a whole general register or an immediate, 64-bit mode and addresses, no segment base: what
// drivers do to their devices.
enum insn_plain { INSN_PLAIN_NOT, INSN_PLAIN_LOAD, INSN_PLAIN_STORE, INSN_PLAIN_STORE_IMM };

struct insn {
    uint64_t imm;                        // sign-extended to 64 bits unless the manual has it unsigned (ports, counts);
                                         // INSN_OP_VECTOR and behind: code for the processor, operand at [RAX]
    uint64_t disp;                       // sign-extended; an absolute offset is zero-extended
    uint8_t op;                          // enum insn_op
    uint8_t length;                      // 1-15
    uint8_t size;                        // operand size in bytes
    uint8_t source_size;                 // of the source where it differs (MOVZX, MOVSX), else equal to size
    uint8_t dst, src, third;             // enum insn_operand
    uint8_t dst_reg, src_reg, third_reg; // for INSN_REG, INSN_SREG, INSN_CR, INSN_DR
    uint8_t segment;                     // of INSN_MEM and INSN_SOURCE, overrides applied
    uint8_t base, index, scale;          // scale: 1 2 4 8
    uint8_t address_size;                // 2 4 8
    uint8_t mode;                        // enum insn_mode
    uint8_t flags;                       // enum insn_flag
    uint8_t condition;                   // 0-15 for SETcc CMOVcc Jcc; enum vector_flag
    uint8_t plain;                       // enum insn_plain
};

enum insn_error {
    INSN_OK,
    INSN_ERROR_SHORT,   // the bytes end inside the instruction: give more
    INSN_ERROR_UNKNOWN, // not an instruction of this decoder
    INSN_ERROR_INVALID, // #UD on every processor: LOCK where it may not be, wrong operand kind
    INSN_ERROR_LENGTH,  // more than 15 bytes: #GP
    INSN_ERROR_VECTOR,  // VEX, EVEX or XOP encoded, and not emulated
};

// Decodes the instruction at bytes[0..len). On INSN_OK *out is complete; on an error it is undefined.
int insn_decode(struct insn *out, const uint8_t *bytes, unsigned len, enum insn_mode mode);

// The manual's mnemonic, for log lines; "?" for a number that is no operation.
const char *insn_name(unsigned op);
