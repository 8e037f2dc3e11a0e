// SPDX-License-Identifier: MIT
// What the parts of the executor share: registers, addresses, memory operands. Private to vmm-user/insn.
#pragma once

#include "vmm-user/insn/alu.h"
#include "vmm-user/insn/descriptor.h"
#include "vmm-user/insn/execute.h"
#include "x86/desc.h"
#include "x86/regs.h"

enum { GUEST_PAGE_SIZE = 4096 };

// Returns what is not INSN_DONE to the caller.
#define TRY(...)                                                                                                       \
    do {                                                                                                               \
        enum insn_result try_ = (__VA_ARGS__);                                                                         \
        if (try_ != INSN_DONE) {                                                                                       \
            return try_;                                                                                               \
        }                                                                                                              \
    } while (0)

// A place in memory of `size` bytes for one access: RAM at `host`, or devices at gpa; at most two pages.
struct operand {
    void *host; // NULL: devices, or split over two pages
    uint64_t gpa[2];
    uint8_t size;
    uint8_t first; // bytes at gpa[0]
};

typedef enum insn_result insn_handler(struct insn_cpu *cpu, const struct insn *in);

insn_handler string_execute; // MOVS CMPS STOS LODS SCAS INS OUTS
insn_handler modify_execute, examine_execute, exchange_execute, compare_exchange_execute, compare_exchange_pair_execute;
insn_handler vector_execute;
insn_handler bound_execute, pusha_execute, popa_execute, pushf_execute, popf_execute;
insn_handler far_execute, ret_far_execute, far_pointer_execute, selector_store_execute, table_execute, lmsw_execute,
    selector_examine_execute, system_segment_execute;
insn_handler multiply_execute; // MUL IMUL DIV IDIV
insn_handler push_execute, pop_execute, call_execute, jump_execute, ret_execute, leave_execute, enter_execute,
    jcc_execute, loop_execute;

static inline enum insn_result fault_raise(struct insn_cpu *cpu, unsigned vector, bool has_error, uint32_t error)
{
    cpu->fault = (struct insn_fault){.vector = (uint8_t)vector, .has_error = has_error, .error = error};
    return INSN_FAULT;
}

static inline enum insn_result unsupported(struct insn_cpu *cpu, const char *reason)
{
    cpu->reason = reason;
    return INSN_UNSUPPORTED;
}

static inline enum insn_result state_wanted(struct insn_cpu *cpu, uint32_t mtd)
{
    cpu->wanted = mtd;
    return INSN_STATE;
}

static inline uint64_t reg_read(const struct utcb_state *state, unsigned reg, unsigned size)
{
    if (reg >= INSN_REG_HIGH) {
        return (state->gpr[reg - INSN_REG_HIGH] >> 8) & 0xff;
    }
    return state->gpr[reg] & size_mask(size);
}

// Writes of 4 bytes clear the upper half, smaller ones leave the rest (SDM 1 3.4.1.1).
static inline void reg_write(struct utcb_state *state, unsigned reg, unsigned size, uint64_t value)
{
    if (size >= 4) {
        state->gpr[reg] = value & size_mask(size);
    } else if (reg >= INSN_REG_HIGH) {
        uint64_t *at = &state->gpr[reg - INSN_REG_HIGH];
        *at = (*at & ~0xff00ull) | (value & 0xff) << 8;
    } else {
        state->gpr[reg] = (state->gpr[reg] & ~size_mask(size)) | (value & size_mask(size));
    }
}

// Truncates an instruction pointer as the mode does.
static inline uint64_t rip_mask(enum insn_mode mode)
{
    return mode == INSN_MODE_64 ? ~0ull : mode == INSN_MODE_32 ? 0xffffffff : 0xffff;
}

static inline uint64_t rip_next(const struct insn_cpu *cpu, const struct insn *in)
{
    return (cpu->state->rip + in->length) & rip_mask(in->mode);
}

static inline enum insn_result insn_finish(struct insn_cpu *cpu, const struct insn *in)
{
    cpu->state->rip = rip_next(cpu, in);
    cpu->state->rflags &= ~RFLAGS_RF;
    return INSN_DONE;
}

// The offset of the memory operand in its segment.
static inline uint64_t effective_address(const struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t address = in->disp;
    if (in->base < INSN_REG_HIGH) {
        address += cpu->state->gpr[in->base];
    } else if (in->base == INSN_REG_RIP) {
        address += cpu->state->rip + in->length;
    }
    if (in->index < INSN_REG_HIGH) {
        address += cpu->state->gpr[in->index] * in->scale;
    }
    return in->address_size == 8 ? address : address & size_mask(in->address_size);
}

static inline bool canonical(const struct insn_cpu *cpu, uint64_t address)
{
    unsigned unused = cpu->state->cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;
    return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}

static inline unsigned cpl_of(const struct utcb_state *state)
{
    return (state->seg[SEG_SS].ar >> AR_DPL_SHIFT) & 3;
}

static inline uint64_t regime_of(const struct insn_cpu *cpu)
{
    const struct utcb_state *state = cpu->state;
    return guest_walk_regime(state->cr0, state->cr4, state->efer, state->rflags, cpl_of(state), cpu->pkru);
}

static inline struct insn_cache_entry *insn_cache_at(struct insn_cache *cache, uint64_t rip)
{
    return &cache->entries[(rip ^ rip >> 7) % INSN_CACHE_ENTRIES];
}

// Are its bytes still those of the code?
static inline bool insn_cache_holds(const struct insn_cache_entry *e, unsigned mode_key, const uint8_t *code)
{
    return e->mode_key == mode_key && (host_load(code, 8) & e->mask[0]) == e->bytes[0] &&
           (!e->mask[1] || (host_load(code + 8, 8) & e->mask[1]) == e->bytes[1]);
}

void insn_quick_make(struct insn_quick *q, const struct insn *in);

// Segmentation (SDM 3A 5.3, 5.4): the linear address of `size` bytes at segment:offset, or #GP, #SS.
enum insn_result linear_address(struct insn_cpu *cpu, enum insn_mode mode, unsigned segment, uint64_t offset,
                                uint64_t size, unsigned access, uint64_t *linear);

// Paging: one linear address, or #PF. Uses the exit's hint, then the walk cache.
enum insn_result address_translate(struct insn_cpu *cpu, uint64_t linear, unsigned access, uint64_t *gpa);

// The same for an operand, and both for one of 1, 2, 4 or 8 bytes.
enum insn_result linear_resolve(struct insn_cpu *cpu, enum insn_mode mode, uint64_t linear, unsigned size,
                                unsigned access, struct operand *out);
enum insn_result operand_resolve(struct insn_cpu *cpu, enum insn_mode mode, unsigned segment, uint64_t offset,
                                 unsigned size, unsigned access, struct operand *out);
enum insn_result operand_read(struct insn_cpu *cpu, const struct operand *at, uint64_t *value);
enum insn_result operand_write(struct insn_cpu *cpu, const struct operand *at, uint64_t value);

// RAM for a data access, NULL for a device.
void *ram_at(const struct insn_cpu *cpu, uint64_t gpa, uint64_t len);

// Any instruction, without the short cut of insn_execute.
insn_handler any_execute;

// Source or destination value of an instruction, from register, memory or immediate.
enum insn_result value_read(struct insn_cpu *cpu, const struct insn *in, unsigned kind, unsigned reg, unsigned size,
                            uint64_t *value);

// The stack. A push that fails leaves the pointer alone; a peek always does.
enum insn_result stack_push(struct insn_cpu *cpu, const struct insn *in, unsigned size, uint64_t value);
enum insn_result stack_peek(struct insn_cpu *cpu, const struct insn *in, uint64_t pointer, unsigned size,
                            uint64_t *value);
void stack_set(struct insn_cpu *cpu, const struct insn *in, uint64_t pointer);

// Loads a segment register but CS. MOV and POP load SS with `blocks`: nothing comes between them and the next
// instruction.
enum insn_result segment_load(struct insn_cpu *cpu, const struct insn *in, unsigned which, uint16_t selector,
                              bool blocks);

// Writes the destination of an instruction that does not read it, and ends the instruction.
enum insn_result value_write(struct insn_cpu *cpu, const struct insn *in, unsigned size, uint64_t value);
