// SPDX-License-Identifier: MIT
#include "vmm-user/insn/machine.h"

static enum insn_result segment_fault(struct insn_cpu *cpu, unsigned segment)
{
    return fault_raise(cpu, segment == INSN_SS ? EXC_SS : EXC_GP, true, 0);
}

static enum insn_result linear_64(struct insn_cpu *cpu, unsigned segment, uint64_t offset, uint64_t size,
                                  uint64_t *linear)
{
    *linear = offset + (segment >= INSN_FS ? cpu->state->seg[segment].base : 0);
    if (!canonical(cpu, *linear) || !canonical(cpu, *linear + size - 1)) {
        return segment_fault(cpu, segment);
    }
    return INSN_DONE;
}

static bool segment_allows(const struct insn_cpu *cpu, const struct utcb_seg *seg, unsigned access)
{
    const struct utcb_state *state = cpu->state;
    if (!(state->cr0 & CR0_PE) || state->rflags & RFLAGS_VM) {
        return true; // no protection in real and virtual-8086 mode
    }
    if (seg->ar & AR_UNUSABLE) {
        return false;
    }
    if (access & GUEST_WRITE) {
        return !(seg->ar & AR_CODE) && seg->ar & AR_WRITABLE;
    }
    return !(seg->ar & AR_CODE) || seg->ar & AR_WRITABLE;
}

static bool limit_allows(const struct utcb_seg *seg, uint64_t offset, uint64_t size)
{
    uint64_t last = offset + size - 1;
    if ((seg->ar & (AR_CODE | AR_EXPAND_DOWN)) == AR_EXPAND_DOWN) {
        return offset > seg->limit && last <= (seg->ar & AR_D ? 0xffffffff : 0xffff);
    }
    return last <= seg->limit;
}

enum insn_result linear_address(struct insn_cpu *cpu, enum insn_mode mode, unsigned segment, uint64_t offset,
                                uint64_t size, unsigned access, uint64_t *linear)
{
    if (mode == INSN_MODE_64) {
        return linear_64(cpu, segment, offset, size, linear);
    }
    const struct utcb_seg *seg = &cpu->state->seg[segment];
    if (!segment_allows(cpu, seg, access) || !limit_allows(seg, offset, size)) {
        return segment_fault(cpu, segment);
    }
    *linear = (uint32_t)(seg->base + offset);
    return INSN_DONE;
}

static enum insn_result walk(struct insn_cpu *cpu, uint64_t linear, unsigned access, uint64_t *gpa)
{
    const struct utcb_state *state = cpu->state;
    struct guest_paging paging = guest_paging_of(state, cpu->max_phys, cpu->gate);
    paging.pkru = cpu->pkru;
    uint32_t error = 0;
    switch (guest_walk_remember(cpu->ram, &paging, &cpu->cache->walks, regime_of(cpu), linear, access, gpa, &error)) {
    case GUEST_WALK_OK:
        return INSN_DONE;
    case GUEST_WALK_FAULT:
        fault_raise(cpu, EXC_PF, true, error);
        cpu->fault.cr2 = linear;
        return INSN_FAULT;
    case GUEST_WALK_BUSY:
        return INSN_RETRY;
    default:
        return unsupported(cpu, "page table outside of RAM");
    }
}

enum insn_result address_translate(struct insn_cpu *cpu, uint64_t linear, unsigned access, uint64_t *gpa)
{
    const struct insn_hint *hint = &cpu->hint;
    if (hint->valid && (hint->gla ^ linear) < GUEST_PAGE_SIZE && !(access & GUEST_FETCH) &&
        (hint->write || !(access & GUEST_WRITE))) {
        *gpa = (hint->gpa & ~(GUEST_PAGE_SIZE - 1ull)) | (linear & (GUEST_PAGE_SIZE - 1));
        return INSN_DONE;
    }
    if (!(cpu->state->cr0 & CR0_PG)) {
        *gpa = (uint32_t)linear & ~cpu->gate;
        return INSN_DONE;
    }
    if (guest_walk_lookup(&cpu->cache->walks, regime_of(cpu), cpu->state->cr3, linear, access, gpa)) {
        return INSN_DONE;
    }
    return walk(cpu, linear, access, gpa);
}

void *ram_at(const struct insn_cpu *cpu, uint64_t gpa, uint64_t len)
{
    if (gpa < cpu->hole_end && gpa + len > cpu->hole_first) {
        return (void *)0;
    }
    return guest_mem_at(cpu->ram, gpa, len);
}

static inline enum insn_result resolve(struct insn_cpu *cpu, enum insn_mode mode, uint64_t linear, unsigned size,
                                       unsigned access, struct operand *out)
{
    enum insn_result result = address_translate(cpu, linear, access, &out->gpa[0]);
    if (result != INSN_DONE) {
        return result;
    }
    unsigned room = GUEST_PAGE_SIZE - (linear & (GUEST_PAGE_SIZE - 1));
    out->size = (uint8_t)size;
    if (size <= room) {
        out->first = (uint8_t)size;
        out->host = ram_at(cpu, out->gpa[0], size);
        return INSN_DONE;
    }
    uint64_t second = linear + room;
    out->first = (uint8_t)room;
    out->host = (void *)0;
    return address_translate(cpu, mode == INSN_MODE_64 ? second : (uint32_t)second, access, &out->gpa[1]);
}

enum insn_result linear_resolve(struct insn_cpu *cpu, enum insn_mode mode, uint64_t linear, unsigned size,
                                unsigned access, struct operand *out)
{
    return resolve(cpu, mode, linear, size, access, out);
}

// SDM 3B 17.2.4, 17.2.5
static __attribute__((noinline)) void breakpoints_match(struct insn_cpu *cpu, uint64_t linear, unsigned size,
                                                        unsigned access)
{
    static const uint8_t lengths[4] = {1, 2, 8, 4};
    const struct utcb_state *s = cpu->state;
    for (unsigned i = 0; i < 4; i++) {
        unsigned kind = s->dr7 >> (16 + 4 * i) & 3, length = lengths[s->dr7 >> (18 + 4 * i) & 3];
        bool enabled = s->dr7 >> 2 * i & 3 && (kind == 3 || (kind == 1 && access & GUEST_WRITE));
        uint64_t at = s->dr[i] & ~(length - 1ull);
        if (enabled && linear < at + length && at < linear + size) {
            cpu->hits |= 1 << i;
        }
    }
}

enum insn_result operand_resolve(struct insn_cpu *cpu, enum insn_mode mode, unsigned segment, uint64_t offset,
                                 unsigned size, unsigned access, struct operand *out)
{
    uint64_t linear;
    enum insn_result result = linear_address(cpu, mode, segment, offset, size, access, &linear);
    if (result == INSN_DONE && __builtin_expect(cpu->watch, 0)) {
        breakpoints_match(cpu, linear, size, access);
    }
    return result == INSN_DONE ? resolve(cpu, mode, linear, size, access, out) : result;
}

static enum insn_result byte_access(struct insn_cpu *cpu, uint64_t gpa, bool write, uint64_t *value)
{
    void *host = ram_at(cpu, gpa, 1);
    if (!host) {
        return cpu->mmio(cpu->context, gpa, 1, write, value);
    }
    if (write) {
        host_store(host, 1, *value);
    } else {
        *value = host_load(host, 1);
    }
    return INSN_DONE;
}

// An access over a page boundary goes byte by byte, each page to where it belongs.
static enum insn_result split_access(struct insn_cpu *cpu, const struct operand *at, bool write, uint64_t *value)
{
    uint64_t whole = 0;
    for (unsigned i = 0; i < at->size; i++) {
        uint64_t gpa = i < at->first ? at->gpa[0] + i : at->gpa[1] + (i - at->first);
        uint64_t byte = (*value >> (8 * i)) & 0xff;
        enum insn_result result = byte_access(cpu, gpa, write, &byte);
        if (result != INSN_DONE) {
            return result;
        }
        whole |= (byte & 0xff) << (8 * i);
    }
    if (!write) {
        *value = whole;
    }
    return INSN_DONE;
}

enum insn_result operand_read(struct insn_cpu *cpu, const struct operand *at, uint64_t *value)
{
    *value = 0;
    if (at->host) {
        *value = host_load(at->host, at->size);
        return INSN_DONE;
    }
    if (at->first == at->size) {
        enum insn_result result = cpu->mmio(cpu->context, at->gpa[0], at->size, false, value);
        *value &= size_mask(at->size);
        return result;
    }
    return split_access(cpu, at, false, value);
}

enum insn_result operand_write(struct insn_cpu *cpu, const struct operand *at, uint64_t value)
{
    value &= size_mask(at->size);
    if (at->host) {
        host_store(at->host, at->size, value);
        return INSN_DONE;
    }
    if (at->first == at->size) {
        return cpu->mmio(cpu->context, at->gpa[0], at->size, true, &value);
    }
    return split_access(cpu, at, true, &value);
}

enum insn_result value_read(struct insn_cpu *cpu, const struct insn *in, unsigned kind, unsigned reg, unsigned size,
                            uint64_t *value)
{
    struct operand at;
    enum insn_result result;
    switch (kind) {
    case INSN_REG:
        *value = reg_read(cpu->state, reg, size);
        return INSN_DONE;
    case INSN_IMM:
        *value = in->imm & size_mask(size);
        return INSN_DONE;
    case INSN_SREG:
        *value = cpu->state->seg[reg].sel;
        return INSN_DONE;
    case INSN_MEM:
        result = operand_resolve(cpu, in->mode, in->segment, effective_address(cpu, in), size, GUEST_READ, &at);
        return result == INSN_DONE ? operand_read(cpu, &at, value) : result;
    default:
        return unsupported(cpu, "operand");
    }
}
