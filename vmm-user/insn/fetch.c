// SPDX-License-Identifier: MIT
// From CS:RIP to a decoded instruction, and the short way through the executor: together the hot path of an exit.
#include "vmm-user/insn/machine.h"

enum insn_mode insn_mode_of(const struct utcb_state *state)
{
    unsigned ar = state->seg[SEG_CS].ar;
    if (state->efer & EFER_LMA && ar & AR_L) {
        return INSN_MODE_64;
    }
    return ar & AR_D ? INSN_MODE_32 : INSN_MODE_16;
}

// The linear address of the instruction's first byte; the processor has checked it against the limit.
static uint64_t code_address(const struct utcb_state *state, enum insn_mode mode)
{
    return mode == INSN_MODE_64 ? state->rip : (uint32_t)(state->seg[SEG_CS].base + state->rip);
}

// Copies the bytes from `linear` to the end of its page, at most `room`; *count says how many.
static enum insn_result page_copy(struct insn_cpu *cpu, uint64_t linear, uint8_t *to, unsigned room, unsigned *count)
{
    uint64_t gpa;
    enum insn_result result = address_translate(cpu, linear, GUEST_FETCH, &gpa);
    if (result != INSN_DONE) {
        return result;
    }
    unsigned in_page = GUEST_PAGE_SIZE - (unsigned)(linear & (GUEST_PAGE_SIZE - 1));
    *count = in_page < room ? in_page : room;
    const uint8_t *from = guest_mem_at(cpu->ram, gpa, *count);
    if (!from) {
        return unsupported(cpu, "code outside of RAM");
    }
    for (unsigned i = 0; i < *count; i++) {
        to[i] = (uint8_t)host_load(from + i, 1);
    }
    return INSN_DONE;
}

static enum insn_result decode_failed(struct insn_cpu *cpu, int error, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        cpu->bytes[i] = bytes[i];
    }
    cpu->byte_count = (uint8_t)count;
    switch (error) {
    case INSN_ERROR_INVALID:
        return fault_raise(cpu, EXC_UD, false, 0);
    case INSN_ERROR_LENGTH:
        return fault_raise(cpu, EXC_GP, true, 0);
    case INSN_ERROR_VECTOR:
        return unsupported(cpu, "vector instruction");
    default:
        return unsupported(cpu, "unknown instruction");
    }
}

static void entry_fill(struct insn_cache_entry *e, const uint64_t bytes[2], enum insn_mode mode)
{
    unsigned length = e->insn.length;
    e->mask[0] = size_mask(length < 8 ? length : 8);
    e->mask[1] = length <= 8 ? 0 : size_mask(length - 8);
    e->bytes[0] = bytes[0] & e->mask[0];
    e->bytes[1] = bytes[1] & e->mask[1];
    e->mode_key = mode + 1;
    insn_quick_make(&e->quick, &e->insn);
}

static __attribute__((noinline)) enum insn_result decode_into(struct insn_cpu *cpu, struct insn_cache_entry *e,
                                                              const uint64_t bytes[2], unsigned count,
                                                              enum insn_mode mode, int *error)
{
    e->mode_key = 0;
    *error = insn_decode(&e->insn, (const uint8_t *)bytes, count, mode);
    if (*error != INSN_OK) {
        return decode_failed(cpu, *error, (const uint8_t *)bytes, count);
    }
    entry_fill(e, bytes, mode);
    return INSN_DONE;
}

// Near the end of a page: the next page is touched only if the instruction reaches into it.
static __attribute__((noinline)) enum insn_result fetch_at_page_end(struct insn_cpu *cpu, struct insn_cache_entry *e,
                                                                    uint64_t linear, enum insn_mode mode)
{
    union {
        uint64_t words[2];
        uint8_t bytes[INSN_CACHE_BYTES];
    } code = {{0, 0}};
    unsigned count, more;
    int error;
    enum insn_result result = page_copy(cpu, linear, code.bytes, INSN_CACHE_BYTES, &count);
    if (result != INSN_DONE) {
        return result;
    }
    result = decode_into(cpu, e, code.words, count, mode, &error);
    if (error != INSN_ERROR_SHORT) {
        return result;
    }
    uint64_t second = mode == INSN_MODE_64 ? linear + count : (uint32_t)(linear + count);
    result = page_copy(cpu, second, code.bytes + count, INSN_CACHE_BYTES - count, &more);
    if (result != INSN_DONE) {
        return result;
    }
    return decode_into(cpu, e, code.words, count + more, mode, &error);
}

static __attribute__((noinline)) enum insn_result fetch_slow(struct insn_cpu *cpu, struct insn_cache_entry *e,
                                                             uint64_t linear, enum insn_mode mode)
{
    uint64_t gpa;
    int error;
    if (GUEST_PAGE_SIZE - (linear & (GUEST_PAGE_SIZE - 1)) < INSN_CACHE_BYTES) {
        return fetch_at_page_end(cpu, e, linear, mode);
    }
    enum insn_result result = address_translate(cpu, linear, GUEST_FETCH, &gpa);
    if (result != INSN_DONE) {
        return result;
    }
    const uint8_t *code = guest_mem_at(cpu->ram, gpa, INSN_CACHE_BYTES);
    if (!code) {
        return unsupported(cpu, "code outside of RAM");
    }
    const uint64_t bytes[2] = {host_load(code, 8), host_load(code + 8, 8)};
    return decode_into(cpu, e, bytes, INSN_CACHE_BYTES, mode, &error);
}

// The cache's entry if it is there and its bytes are still those in memory.
static inline enum insn_result fetch_fast(struct insn_cpu *cpu, const struct insn **in)
{
    const struct utcb_state *state = cpu->state;
    enum insn_mode mode = insn_mode_of(state);
    uint64_t rip = state->rip, linear = code_address(state, mode), gpa;
    struct insn_cache_entry *e = insn_cache_at(cpu->cache, rip);
    *in = &e->insn;
    if (e->mode_key == mode + 1 && (linear & (GUEST_PAGE_SIZE - 1)) <= GUEST_PAGE_SIZE - INSN_CACHE_BYTES &&
        guest_walk_lookup(&cpu->cache->walks, regime_of(cpu), state->cr3, linear, GUEST_FETCH, &gpa)) {
        const uint8_t *code = guest_mem_at(cpu->ram, gpa, INSN_CACHE_BYTES);
        if (code && insn_cache_holds(e, mode + 1, code)) {
            return INSN_DONE;
        }
    }
    return fetch_slow(cpu, e, linear, mode);
}

enum insn_result insn_fetch(struct insn_cpu *cpu, const struct insn **in)
{
    return fetch_fast(cpu, in);
}

// A plain MOV at the address that the exit translated goes straight to the device.
static inline bool plain_applies(const struct insn_cpu *cpu, const struct insn *in)
{
    const struct insn_hint *hint = &cpu->hint;
    uint64_t offset = hint->gpa & (GUEST_PAGE_SIZE - 1);
    if (in->plain == INSN_PLAIN_NOT || in->size > GUEST_PAGE_SIZE - offset) {
        return false;
    }
    if (hint->valid) {
        return hint->write == (in->plain != INSN_PLAIN_LOAD) && effective_address(cpu, in) == hint->gla;
    }
    return hint->gpa_only && (effective_address(cpu, in) & (GUEST_PAGE_SIZE - 1)) == offset;
}

static inline enum insn_result plain_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *state = cpu->state;
    uint64_t value = 0;
    bool load = in->plain == INSN_PLAIN_LOAD;
    if (!load) {
        value = (in->plain == INSN_PLAIN_STORE ? state->gpr[in->src_reg] : in->imm) & size_mask(in->size);
    }
    cpu->hint.valid = cpu->hint.gpa_only = false;
    enum insn_result result = cpu->mmio(cpu->context, cpu->hint.gpa, in->size, !load, &value);
    if (result != INSN_DONE) {
        return result;
    }
    if (load) {
        reg_write(state, in->dst_reg, in->size, value);
    }
    state->rip += in->length;
    state->rflags &= ~RFLAGS_RF;
    return INSN_DONE;
}

enum insn_result insn_execute(struct insn_cpu *cpu, const struct insn *in)
{
    return plain_applies(cpu, in) ? plain_execute(cpu, in) : any_execute(cpu, in);
}

enum insn_result insn_emulate(struct insn_cpu *cpu)
{
    const struct insn *in;
    enum insn_result result = fetch_fast(cpu, &in);
    if (result != INSN_DONE) {
        cpu->hint.valid = cpu->hint.gpa_only = false;
        return result;
    }
    return plain_applies(cpu, in) ? plain_execute(cpu, in) : any_execute(cpu, in);
}
