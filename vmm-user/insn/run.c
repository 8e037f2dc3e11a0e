// SPDX-License-Identifier: MIT
// Instructions in a row, for code that accesses devices a byte at a time: an exit costs as much as many of them. The
// forms that such code is made of are done here, with what was found out when they were decoded; all others by the
// executor.
#include "vmm-user/insn/machine.h"

enum { DATA_PAGES = 8, PAGE_KNOWN = 2 };
enum quick_kind {
    QUICK_NOT,
    QUICK_REGISTERS,
    QUICK_FROM_MEMORY,
    QUICK_STORE,
    QUICK_TO_MEMORY,
    QUICK_LOOP,
    QUICK_JUMP,
    QUICK_OUT
};

// What was translated since the row began. What would change a translation ends the row, as INVLPG, a move to CR3 and a
// load of a segment do, but the A20 gate.
struct run {
    struct insn_cpu *cpu;
    struct utcb_state *state;
    uint64_t gate, rip_mask;
    unsigned mode_key;   // of the cache's entries
    uint64_t code_rip;   // of the first byte at `code`
    uint64_t code_room;  // instructions begin before this offset
    const uint8_t *code; // a page of it
    struct run_page {
        _Alignas(32) uint64_t tag; // page | access | PAGE_KNOWN
        uint64_t gpa;
        uint8_t *host; // NULL: of a device
    } data[DATA_PAGES];
};

// ---- ahead of time

static bool is_register_or_immediate(unsigned kind)
{
    return kind == INSN_REG || kind == INSN_IMM || kind == INSN_NONE;
}

static enum quick_kind kind_of(const struct insn *in)
{
    bool arithmetic = (in->op >= INSN_OP_ADD && in->op <= INSN_OP_SAR);
    if (in->mode == INSN_MODE_64 || in->flags) {
        return QUICK_NOT;
    }
    if (in->dst == INSN_REL && (in->op == INSN_OP_JCC || in->op == INSN_OP_JMP)) {
        return QUICK_JUMP;
    }
    if (in->dst == INSN_REL && in->op == INSN_OP_LOOP) {
        return QUICK_LOOP;
    }
    if (in->op == INSN_OP_OUT && in->dst == INSN_REG) {
        return QUICK_OUT;
    }
    if (!arithmetic && in->op != INSN_OP_MOV && !(in->op == INSN_OP_XCHG && in->dst == INSN_MEM)) {
        return QUICK_NOT;
    }
    if (in->dst == INSN_REG && is_register_or_immediate(in->src)) {
        return QUICK_REGISTERS;
    }
    if (in->dst == INSN_REG && in->src == INSN_MEM) {
        return QUICK_FROM_MEMORY;
    }
    if (in->dst == INSN_MEM && is_register_or_immediate(in->src)) {
        return in->op == INSN_OP_MOV ? QUICK_STORE : QUICK_TO_MEMORY;
    }
    return QUICK_NOT;
}

static uint8_t register_place(unsigned reg)
{
    return (uint8_t)(reg >= INSN_REG_HIGH ? 8 * (reg - INSN_REG_HIGH) + 1 : 8 * reg);
}

void insn_quick_make(struct insn_quick *q, const struct insn *in)
{
    bool only_flags = in->op == INSN_OP_CMP || in->op == INSN_OP_TEST;
    *q = (struct insn_quick){
        .kind = kind_of(in), .mask = size_mask(in->size), .address_mask = size_mask(in->address_size)};
    q->function = alu_of(in->op);
    q->changed = only_flags ? 0 : in->size >= 4 ? ~0ull : q->mask;
    q->dst = in->dst == INSN_REG ? register_place(in->dst_reg) : 0;
    q->src = in->src == INSN_REG ? register_place(in->src_reg) : 0;
}

// ---- memory

static __attribute__((noinline)) enum insn_result fetch_slow(struct run *r, const struct insn_cache_entry **e)
{
    struct insn_cpu *cpu = r->cpu;
    const struct utcb_seg *cs = &r->state->seg[SEG_CS];
    uint64_t rip = r->state->rip, linear = (uint32_t)(cs->base + rip), offset = linear & (GUEST_PAGE_SIZE - 1), gpa;
    const struct insn *in;
    // The processor checks the fetch of an instruction that exits; of the ones behind it, nobody has.
    if (rip + INSN_MAX_LENGTH > cs->limit) {
        return INSN_UNSUPPORTED;
    }
    enum insn_result result = insn_fetch(cpu, &in);
    *e = insn_cache_at(cpu->cache, rip);
    r->code_room = 0;
    if (result == INSN_DONE && offset <= rip &&
        address_translate(cpu, linear - offset, GUEST_FETCH, &gpa) == INSN_DONE &&
        (r->code = guest_mem_at(cpu->ram, gpa, GUEST_PAGE_SIZE))) {
        uint64_t in_segment = cs->limit - (rip - offset) - INSN_MAX_LENGTH,
                 in_page = GUEST_PAGE_SIZE - INSN_CACHE_BYTES;
        r->code_rip = rip - offset;
        r->code_room = in_segment < in_page ? in_segment : in_page;
    }
    return result;
}

static inline enum insn_result fetch(struct run *r, const struct insn_cache_entry **e)
{
    uint64_t rip = r->state->rip, offset = rip - r->code_rip;
    *e = insn_cache_at(r->cpu->cache, rip);
    bool there = offset < r->code_room && insn_cache_holds(*e, r->mode_key, r->code + offset);
    return __builtin_expect(there, 1) ? INSN_DONE : fetch_slow(r, e);
}

static __attribute__((noinline)) bool page_find(struct run *r, struct run_page *page, uint64_t first, unsigned access)
{
    page->tag = 0;
    if (address_translate(r->cpu, first, access, &page->gpa) != INSN_DONE) {
        return false;
    }
    page->host = ram_at(r->cpu, page->gpa, GUEST_PAGE_SIZE);
    page->tag = first | access | PAGE_KNOWN;
    return true;
}

struct place {
    uint8_t *host; // RAM, NULL: a device
    uint64_t gpa;
};

// The operand in memory, if it lies in one page and in an ordinary data segment.
static inline bool place_find(struct run *r, const struct insn_cache_entry *e, unsigned access, struct place *at)
{
    const struct insn *in = &e->insn;
    const struct utcb_seg *seg = &r->state->seg[in->segment];
    uint64_t base = in->base < INSN_REG_HIGH ? r->state->gpr[in->base] : 0;
    uint64_t index = in->index < INSN_REG_HIGH ? r->state->gpr[in->index] * in->scale : 0;
    uint64_t offset = (base + index + in->disp) & e->quick.address_mask, linear = (uint32_t)(seg->base + offset);
    uint64_t in_page = linear & (GUEST_PAGE_SIZE - 1), tag = (linear - in_page) | access | PAGE_KNOWN;
    struct run_page *page = &r->data[(linear / GUEST_PAGE_SIZE + 4 * access) % DATA_PAGES];
    if ((seg->ar & (AR_UNUSABLE | AR_CODE | AR_EXPAND_DOWN | AR_WRITABLE)) != AR_WRITABLE ||
        offset + in->size - 1 > seg->limit || in_page + in->size > GUEST_PAGE_SIZE ||
        (__builtin_expect(page->tag != tag, 0) && !page_find(r, page, linear - in_page, access))) {
        return false;
    }
    at->host = page->host ? page->host + in_page : (void *)0;
    at->gpa = page->gpa + in_page;
    return true;
}

static inline enum insn_result load(struct run *r, const struct insn_cache_entry *e, const struct place *at,
                                    uint64_t *value)
{
    enum insn_result result = INSN_DONE;
    if (at->host) {
        *value = host_load(at->host, e->insn.size);
    } else {
        result = r->cpu->mmio(r->cpu->context, at->gpa, e->insn.size, false, value);
        *value &= e->quick.mask;
    }
    return result;
}

static inline enum insn_result store(struct run *r, const struct insn_cache_entry *e, const struct place *at,
                                     uint64_t value)
{
    if (!at->host) {
        return r->cpu->mmio(r->cpu->context, at->gpa, e->insn.size, true, &value);
    }
    host_store(at->host, e->insn.size, value);
    return INSN_DONE;
}

// ---- instructions

static inline host_u64 *register_at(struct utcb_state *state, unsigned place)
{
    return (host_u64 *)((uint8_t *)state->gpr + place);
}

static inline uint64_t source(struct run *r, const struct insn_cache_entry *e)
{
    return (e->insn.src == INSN_REG ? *register_at(r->state, e->quick.src) : e->insn.imm) & e->quick.mask;
}

static inline void register_change(struct run *r, const struct insn_quick *q, unsigned place, uint64_t value)
{
    host_u64 *reg = register_at(r->state, place);
    *reg = (*reg & ~q->changed) | (value & q->changed);
}

static inline enum insn_result finish(struct run *r, const struct insn *in)
{
    r->state->rip = (r->state->rip + in->length) & r->rip_mask;
    return INSN_DONE;
}

// A register and a value, whose function may be none (MOV).
static inline enum insn_result combine(struct run *r, const struct insn_cache_entry *e, uint64_t src)
{
    const struct insn_quick *q = &e->quick;
    if (q->function) {
        src = q->function(*register_at(r->state, q->dst) & q->mask, src, 0, e->insn.size, &r->state->rflags);
    }
    register_change(r, q, q->dst, src);
    return finish(r, &e->insn);
}

// Arithmetic on memory, and XCHG, which is locked in RAM: that is the executor's.
static inline enum insn_result to_memory(struct run *r, const struct insn_cache_entry *e)
{
    const struct insn_quick *q = &e->quick;
    struct place at;
    uint64_t old = 0, new = source(r, e), flags = r->state->rflags;
    if (!place_find(r, e, q->changed ? GUEST_WRITE : GUEST_READ, &at) || (!q->function && at.host)) {
        return any_execute(r->cpu, &e->insn);
    }
    enum insn_result result = load(r, e, &at, &old);
    if (result == INSN_DONE && q->function) {
        new = q->function(old, new, 0, e->insn.size, &flags);
    }
    if (result == INSN_DONE && q->changed) {
        result = store(r, e, &at, new);
    }
    if (result != INSN_DONE) {
        return result;
    }
    if (!q->function) {
        register_change(r, q, q->src, old);
    }
    r->state->rflags = flags;
    return finish(r, &e->insn);
}

// A jump and, if it is a LOOP, its counter.
static inline enum insn_result branch(struct run *r, const struct insn_cache_entry *e, bool taken, uint64_t count)
{
    const struct insn *in = &e->insn;
    uint64_t target = (r->state->rip + in->length + in->imm) & e->quick.mask;
    if (taken && target > r->state->seg[SEG_CS].limit) {
        return any_execute(r->cpu, in);
    }
    r->state->gpr[GPR_RCX] = count;
    if (!taken) {
        return finish(r, in);
    }
    r->state->rip = target;
    return INSN_DONE;
}

static inline enum insn_result loop(struct run *r, const struct insn_cache_entry *e)
{
    uint64_t mask = e->quick.address_mask, rcx = r->state->gpr[GPR_RCX], count = (rcx - 1) & mask;
    return branch(r, e, count, e->insn.address_size == 2 ? (rcx & ~mask) | count : count);
}

static inline bool jumps(const struct run *r, const struct insn *in)
{
    return in->op == INSN_OP_JMP || alu_condition(in->condition, r->state->rflags);
}

static inline enum insn_result gate_check(struct run *r, enum insn_result result)
{
    if (__builtin_expect(r->gate != r->cpu->gate, 0)) {
        r->gate = r->cpu->gate;
        r->code_room = 0;
        __builtin_memset(r->data, 0, sizeof(r->data));
    }
    return result;
}

static __attribute__((noinline)) enum insn_result other(struct run *r, const struct insn *in, bool ports)
{
    if (!ports && (in->op == INSN_OP_IN || in->op == INSN_OP_OUT || in->op == INSN_OP_INS || in->op == INSN_OP_OUTS)) {
        return INSN_UNSUPPORTED;
    }
    enum insn_result result = any_execute(r->cpu, in);
    return r->cpu->changed ? INSN_RETRY : gate_check(r, result); // a segment, CR0 or AC: what is known ends here
}

// OUT DX
static inline enum insn_result out(struct run *r, const struct insn_cache_entry *e)
{
    uint64_t value = r->state->gpr[GPR_RAX] & e->quick.mask;
    enum insn_result result =
        r->cpu->port(r->cpu->context, (uint16_t)r->state->gpr[GPR_RDX], e->insn.size, true, &value);
    return gate_check(r, result == INSN_DONE ? finish(r, &e->insn) : result);
}

static inline enum insn_result step(struct run *r, bool ports)
{
    const struct insn_cache_entry *e;
    struct place at;
    uint64_t value = 0;
    enum insn_result result = fetch(r, &e);
    if (result != INSN_DONE) {
        return result;
    }
    switch (e->quick.kind) {
    case QUICK_REGISTERS:
        return combine(r, e, source(r, e));
    case QUICK_FROM_MEMORY:
        if (!place_find(r, e, GUEST_READ, &at)) {
            return any_execute(r->cpu, &e->insn);
        }
        result = load(r, e, &at, &value);
        return result == INSN_DONE ? combine(r, e, value) : result;
    case QUICK_STORE:
        value = source(r, e);
        if (!place_find(r, e, GUEST_WRITE, &at)) {
            return any_execute(r->cpu, &e->insn);
        }
        result = store(r, e, &at, value);
        return result == INSN_DONE ? finish(r, &e->insn) : result;
    case QUICK_TO_MEMORY:
        return to_memory(r, e);
    case QUICK_LOOP:
        return loop(r, e);
    case QUICK_JUMP:
        return branch(r, e, jumps(r, &e->insn), r->state->gpr[GPR_RCX]);
    case QUICK_OUT:
        return ports ? out(r, e) : INSN_UNSUPPORTED;
    default:
        return other(r, &e->insn, ports);
    }
}

bool insn_run(struct insn_cpu *cpu, unsigned most, unsigned idle, bool ports)
{
    enum insn_mode mode = insn_mode_of(cpu->state);
    struct run r = {
        .cpu = cpu, .state = cpu->state, .gate = cpu->gate, .rip_mask = rip_mask(mode), .mode_key = mode + 1};
    cpu->accessed = false;
    for (unsigned calm = idle; calm && step(&r, ports) == INSN_DONE; calm--) {
        if (cpu->accessed) {
            if (!--most || (cpu->attention && __atomic_load_n(cpu->attention, __ATOMIC_RELAXED))) {
                return !most;
            }
            cpu->accessed = false;
            calm = idle + 1;
        }
    }
    return false;
}
