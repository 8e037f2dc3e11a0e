// SPDX-License-Identifier: MIT
// MOVS CMPS STOS LODS SCAS INS OUTS with their REP forms. Elements that lie in one page are translated at once.
#include "vmm-user/insn/machine.h"

enum { ITERATIONS_MAX = 4096 };

// Some elements of the source or the destination, one after the other.
struct run {
    bool used;
    struct operand first; // valid for `count` elements, host and gpa[0] advancing, if count > 1
    unsigned reg;         // RSI or RDI
};

struct string {
    struct insn_cpu *cpu;
    const struct insn *in;
    struct run source, dest;
    uint64_t address_mask;
    uint64_t accumulator;
    uint16_t port;
};

static uint64_t string_offset(const struct string *s, const struct run *run)
{
    return s->cpu->state->gpr[run->reg] & s->address_mask;
}

static void counter_add(struct string *s, unsigned reg, uint64_t amount)
{
    reg_write(s->cpu->state, reg, s->in->address_size, s->cpu->state->gpr[reg] + amount);
}

// How many elements from `offset` lie in one page, upwards and without a wrap of the offset; 1 if in doubt.
static uint64_t elements_in_page(const struct string *s, unsigned segment, uint64_t offset, unsigned access)
{
    unsigned size = s->in->size;
    uint64_t linear;
    if (s->cpu->state->rflags & RFLAGS_DF || s->cpu->watch ||
        linear_address(s->cpu, s->in->mode, segment, offset, size, access, &linear) != INSN_DONE) {
        return 1;
    }
    uint64_t count = (GUEST_PAGE_SIZE - (linear & (GUEST_PAGE_SIZE - 1))) / size;
    uint64_t to_wrap = (s->address_mask - offset) / size; // one less than there are, so that the sum does not overflow
    count = count < to_wrap ? count : to_wrap;
    if (count <= 1 ||
        linear_address(s->cpu, s->in->mode, segment, offset, count * size, access, &linear) != INSN_DONE) {
        return 1;
    }
    return count;
}

// Resolves the next elements of one side; *count goes down to what holds for it.
static enum insn_result run_resolve(struct string *s, struct run *run, unsigned segment, unsigned access,
                                    uint64_t *count)
{
    uint64_t offset = string_offset(s, run);
    if (*count > 1) {
        uint64_t fitting = elements_in_page(s, segment, offset, access);
        *count = fitting < *count ? fitting : *count;
    }
    return operand_resolve(s->cpu, s->in->mode, segment, offset, s->in->size, access, &run->first);
}

// RAM and devices do not mix within one run: after the first element, all must be where it is.
static void run_clip(const struct string *s, const struct run *run, uint64_t *count)
{
    if (run->used && run->first.host && *count > 1 && !ram_at(s->cpu, run->first.gpa[0], *count * s->in->size)) {
        *count = 1;
    }
    if (run->used && !run->first.host && run->first.first != run->first.size) {
        *count = 1;
    }
}

// One element. A device's run may reach RAM only at a page boundary, where runs end; so do the hole's edges.
static inline enum insn_result run_access(struct string *s, const struct run *run, uint64_t index, bool write,
                                          uint64_t *value)
{
    const struct operand *at = &run->first;
    unsigned size = s->in->size;
    if (at->host) {
        uint8_t *host = (uint8_t *)at->host + index * size;
        if (write) {
            host_store(host, size, *value);
        } else {
            *value = host_load(host, size);
        }
        return INSN_DONE;
    }
    if (at->first != size) {
        return write ? operand_write(s->cpu, at, *value) : operand_read(s->cpu, at, value);
    }
    enum insn_result result = s->cpu->mmio(s->cpu->context, at->gpa[0] + index * size, size, write, value);
    *value &= size_mask(size);
    return result;
}

static inline enum insn_result element_execute(struct string *s, uint64_t index)
{
    struct insn_cpu *cpu = s->cpu;
    const struct insn *in = s->in;
    uint64_t left = s->accumulator, right = 0;
    enum insn_result result = s->source.used ? run_access(s, &s->source, index, false, &left) : INSN_DONE;
    if (result != INSN_DONE) {
        return result;
    }
    switch (in->op) {
    case INSN_OP_INS:
        result = cpu->port(cpu->context, s->port, in->size, false, &left);
        left &= size_mask(in->size);
        return result == INSN_DONE ? run_access(s, &s->dest, index, true, &left) : result;
    case INSN_OP_OUTS:
        return cpu->port(cpu->context, s->port, in->size, true, &left);
    case INSN_OP_LODS:
        reg_write(cpu->state, GPR_RAX, in->size, left);
        return INSN_DONE;
    case INSN_OP_CMPS:
    case INSN_OP_SCAS:
        result = run_access(s, &s->dest, index, false, &right);
        if (result == INSN_DONE) {
            alu_of(INSN_OP_CMP)(left, right, 0, in->size, &cpu->state->rflags);
        }
        return result;
    default: // MOVS STOS
        return run_access(s, &s->dest, index, true, &left);
    }
}

// Does CMPS or SCAS with REPE or REPNE end here?
static bool comparison_ends(const struct string *s)
{
    bool compares = s->in->op == INSN_OP_CMPS || s->in->op == INSN_OP_SCAS, zero = s->cpu->state->rflags & RFLAGS_ZF;
    return compares && zero != (bool)(s->in->flags & INSN_REP);
}

// All elements at once, by the device that one side or both are. False: one by one.
static bool block_execute(struct string *s, uint64_t count)
{
    struct insn_cpu *cpu = s->cpu;
    const struct operand *source = &s->source.first, *dest = &s->dest.first;
    bool from_device = s->source.used && !source->host, to_device = s->dest.used && !dest->host;
    struct io_block b = {.size = s->in->size,
                         .count = count,
                         .value = s->accumulator,
                         .addr = to_device ? dest->gpa[0] : source->gpa[0]};
    switch (s->in->op) {
    case INSN_OP_INS:
        b.kind = IO_BLOCK_IN, b.addr = s->port, b.host = dest->host;
        return !to_device && cpu->block(cpu->context, &b);
    case INSN_OP_OUTS:
        b.kind = IO_BLOCK_OUT, b.addr = s->port, b.host = source->host;
        return !from_device && cpu->block(cpu->context, &b);
    case INSN_OP_STOS:
        b.kind = IO_BLOCK_FILL;
        return to_device && cpu->block(cpu->context, &b);
    case INSN_OP_MOVS:
        b.kind = !to_device ? IO_BLOCK_GET : from_device ? IO_BLOCK_COPY : IO_BLOCK_PUT;
        b.from = source->gpa[0];
        b.host = to_device ? source->host : dest->host;
        return (from_device || to_device) && cpu->block(cpu->context, &b);
    default:
        return false;
    }
}

static bool attention_wanted(const struct string *s)
{
    return s->cpu->attention && __atomic_load_n(s->cpu->attention, __ATOMIC_RELAXED);
}

// Executes up to `count` elements that both sides can do at once; *done says how many were.
static enum insn_result elements_execute(struct string *s, uint64_t count, uint64_t *done, bool *ended)
{
    unsigned dest_access = s->in->op == INSN_OP_CMPS || s->in->op == INSN_OP_SCAS ? GUEST_READ : GUEST_WRITE;
    uint64_t step = s->cpu->state->rflags & RFLAGS_DF ? -(uint64_t)s->in->size : s->in->size;
    enum insn_result result = INSN_DONE;
    *done = 0;
    if (s->source.used) {
        result = run_resolve(s, &s->source, s->in->segment, GUEST_READ, &count);
    }
    if (result == INSN_DONE && s->dest.used) {
        result = run_resolve(s, &s->dest, INSN_ES, dest_access, &count);
    }
    if (result != INSN_DONE) {
        return result;
    }
    run_clip(s, &s->source, &count);
    run_clip(s, &s->dest, &count);
    if (count > 1 && s->cpu->block && block_execute(s, count)) {
        *done = count;
    }
    while (*done < count && !*ended) {
        result = element_execute(s, *done);
        if (result != INSN_DONE) {
            break;
        }
        ++*done;
        *ended = comparison_ends(s);
        if (attention_wanted(s)) {
            break;
        }
    }
    if (s->source.used) {
        counter_add(s, GPR_RSI, *done * step);
    }
    if (s->dest.used) {
        counter_add(s, GPR_RDI, *done * step);
    }
    return result;
}

enum insn_result string_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct string s = {.cpu = cpu,
                       .in = in,
                       .source = {.used = in->dst == INSN_SOURCE || in->src == INSN_SOURCE, .reg = GPR_RSI},
                       .dest = {.used = in->dst == INSN_DEST || in->src == INSN_DEST, .reg = GPR_RDI},
                       .address_mask = size_mask(in->address_size),
                       .accumulator = reg_read(cpu->state, GPR_RAX, in->size),
                       .port = (uint16_t)cpu->state->gpr[GPR_RDX]};
    bool repeated = in->flags & (INSN_REP | INSN_REPNE), ended = false, stepped = cpu->state->rflags & RFLAGS_TF;
    uint64_t budget = stepped ? 1 : ITERATIONS_MAX, done = 0;
    if (!repeated) {
        bool once = false;
        enum insn_result result = elements_execute(&s, 1, &done, &once);
        return result == INSN_DONE ? insn_finish(cpu, in) : result;
    }
    for (;;) {
        uint64_t left = reg_read(cpu->state, GPR_RCX, in->address_size);
        if (left == 0 || ended) {
            return insn_finish(cpu, in);
        }
        if (budget == 0 || (done && attention_wanted(&s))) {
            return stepped ? INSN_DONE : INSN_RETRY;
        }
        if (cpu->hits) {
            return INSN_DONE;
        }
        enum insn_result result = elements_execute(&s, left < budget ? left : budget, &done, &ended);
        counter_add(&s, GPR_RCX, -done);
        budget -= done;
        if (result != INSN_DONE) {
            return result;
        }
    }
}
