// SPDX-License-Identifier: MIT
// Vector and x87 instructions whose operand lies in a device: the processor executes them on a copy of it.
#include "vmm-user/insn/machine.h"
#include "vmm-user/insn/native.h"
#include "vmm-user/insn/vector_forms.h"

enum { FXSAVE_SIZE = 512, FXSAVE_USED_64 = 416, FXSAVE_USED = 288, MXCSR_AT = 24, X87_ERROR = 0x80 };

#define FXSAVE_CODE 0xc300ae0ful // FXSAVE [RAX]; RET
#define MXCSR_BITS  0xffffu

// Reads or writes the operand, in pieces that devices take. All of them are resolved before one is accessed; without
// `bytes` none is.
static enum insn_result block_access(struct insn_cpu *cpu, const struct insn *in, uint8_t *bytes, unsigned size,
                                     unsigned access)
{
    uint64_t offset = effective_address(cpu, in);
    for (unsigned pass = 0; pass <= (bytes != NULL); pass++) {
        for (unsigned at = 0, n; at < size; at += n) {
            struct operand piece;
            uint64_t value = 0, address = (offset + at) & size_mask(in->address_size);
            n = size - at >= 8 ? 8 : size - at >= 4 ? 4 : size - at >= 2 ? 2 : 1;
            enum insn_result result = operand_resolve(cpu, in->mode, in->segment, address, n, access, &piece);
            if (result == INSN_DONE && pass && access == GUEST_WRITE) {
                result = operand_write(cpu, &piece, host_load(bytes + at, n));
            } else if (result == INSN_DONE && pass) {
                result = operand_read(cpu, &piece, &value);
                host_store(bytes + at, n, value);
            }
            if (result != INSN_DONE) {
                return result;
            }
        }
    }
    return INSN_DONE;
}

// SDM 2A 2.4, 3A 2.5, 13.1: may the guest execute it now? Most often its processor has said so already.
static enum insn_result allowed(struct insn_cpu *cpu, const struct insn *in)
{
    const struct utcb_state *s = cpu->state;
    unsigned flags = in->condition;
    bool protected = s->cr0 & CR0_PE && !(s->rflags & RFLAGS_VM), em = s->cr0 & CR0_EM;
    bool x87 = in->op == INSN_OP_X87 || in->op == INSN_OP_FXSAVE || in->op == INSN_OP_FXRSTOR;
    if (flags & (VECTOR_AVX | VECTOR_AVX2)) {
        if (!protected || !(s->cr4 & CR4_OSXSAVE)) {
            return fault_raise(cpu, EXC_UD, false, 0);
        }
        if (!(cpu->has & MTD_XSAVE)) {
            return state_wanted(cpu, MTD_XSAVE);
        }
        if ((s->xcr0 & (XCR0_SSE | XCR0_AVX)) != (XCR0_SSE | XCR0_AVX)) {
            return fault_raise(cpu, EXC_UD, false, 0);
        }
    } else if (!x87 && (em || (!(flags & VECTOR_MMX) && !(s->cr4 & CR4_OSFXSR)))) {
        return fault_raise(cpu, EXC_UD, false, 0);
    }
    if (flags & (VECTOR_SSE4 | VECTOR_AVX | VECTOR_AVX2) & ~cpu->vector) {
        return fault_raise(cpu, EXC_UD, false, 0);
    }
    if (s->cr0 & CR0_TS || (x87 && em)) {
        return fault_raise(cpu, EXC_NM, false, 0);
    }
    if (flags & VECTOR_WAITS && native_x87_status() & X87_ERROR) {
        return s->cr0 & CR0_NE ? fault_raise(cpu, EXC_MF, false, 0) : unsupported(cpu, "x87 exception by interrupt");
    }
    bool real_format = in->op == INSN_OP_X87 && in->size >= X87_ENVIRONMENT_16 && !protected;
    return real_format ? unsupported(cpu, "x87 state in its real-mode format") : INSN_DONE;
}

static bool aligned(const struct insn_cpu *cpu, const struct insn *in)
{
    bool fx = in->op == INSN_OP_FXSAVE || in->op == INSN_OP_FXRSTOR;
    unsigned to = fx ? 16 : in->condition & VECTOR_ALIGNED ? in->size : 1;
    bool based = in->mode != INSN_MODE_64 || in->segment >= INSN_FS;
    return !((effective_address(cpu, in) + (based ? cpu->state->seg[in->segment].base : 0)) & (to - 1));
}

// VECTOR X87 FXSAVE FXRSTOR LDMXCSR
enum insn_result vector_execute(struct insn_cpu *cpu, const struct insn *in)
{
    _Alignas(64) uint8_t bytes[FXSAVE_SIZE];
    uint64_t rflags = cpu->state->rflags;
    bool fx = in->op == INSN_OP_FXSAVE || in->op == INSN_OP_FXRSTOR, write = in->dst == INSN_MEM;
    unsigned size = !fx ? in->size : in->mode == INSN_MODE_64 ? FXSAVE_USED_64 : FXSAVE_USED;
    enum insn_result result = allowed(cpu, in);
    if (result != INSN_DONE) {
        return result;
    }
    if (!aligned(cpu, in)) {
        return fault_raise(cpu, EXC_GP, true, 0);
    }
    if (in->op == INSN_OP_FXRSTOR &&
        !native_run(FXSAVE_CODE, bytes, &rflags)) { // registers that 32-bit code does not have
        return unsupported(cpu, "no memory for native code");
    }
    result = block_access(cpu, in, write ? NULL : bytes, size, write ? GUEST_WRITE : GUEST_READ);
    if (result != INSN_DONE) {
        return result;
    }
    bool mxcsr = in->op == INSN_OP_FXRSTOR || in->op == INSN_OP_LDMXCSR;
    if (mxcsr && host_load(bytes + (fx ? MXCSR_AT : 0), 4) & ~(uint64_t)MXCSR_BITS) {
        return fault_raise(cpu, EXC_GP, true, 0);
    }
    if (!native_run(in->imm, bytes, &rflags)) {
        return unsupported(cpu, "no memory for native code");
    }
    bool stored = write && !(in->condition & VECTOR_WAITS && native_x87_status() & X87_ERROR);
    if (stored && (result = block_access(cpu, in, bytes, size, GUEST_WRITE)) != INSN_DONE) {
        return result;
    }
    cpu->state->rflags = rflags;
    return insn_finish(cpu, in);
}
