// SPDX-License-Identifier: MIT
// Instructions with selectors and descriptors (SDM 3A 3.5, chapter 5). They need more of the state than others and ask
// for it. What a gate or a task switch would do is not done here.
#include "vmm-user/insn/machine.h"

enum { TYPE_MASK = 0x1f, TYPE_TSS_16 = 1, TYPE_LDT = 2, TYPE_TSS_32 = 9, TSS_BUSY = 2 };

// The groups of the state by segment register.
static const uint32_t groups[SEG_COUNT] = {
    [SEG_ES] = MTD_ESDS, [SEG_DS] = MTD_ESDS, [SEG_CS] = MTD_CSSS,
    [SEG_SS] = MTD_CSSS, [SEG_FS] = MTD_FSGS, [SEG_GS] = MTD_FSGS,
};

// Real and virtual-8086 mode: selectors are addresses.
static bool by_address(const struct utcb_state *s)
{
    return !(s->cr0 & CR0_PE) || s->rflags & RFLAGS_VM;
}

static bool long_mode(const struct utcb_state *s)
{
    return s->efer & EFER_LMA;
}

static enum insn_result selector_fault(struct insn_cpu *cpu, unsigned vector, uint16_t selector)
{
    return fault_raise(cpu, vector, true, selector & ~(unsigned)SEL_RPL);
}

// A descriptor; *there says whether a table has it.
static enum insn_result descriptor_read(struct insn_cpu *cpu, const struct insn *in, uint16_t selector, bool *there,
                                        uint64_t *d)
{
    struct operand at;
    uint64_t linear;
    *there = selector & ~(unsigned)SEL_RPL && descriptor_find(cpu->state, selector, &linear);
    if (!*there) {
        return INSN_DONE;
    }
    TRY(linear_resolve(cpu, in->mode, linear, 8, GUEST_IMPLICIT, &at));
    return operand_read(cpu, &at, d);
}

// Sets a bit of the type in the table, too: accessed, busy.
static enum insn_result type_set(struct insn_cpu *cpu, const struct insn *in, struct utcb_seg *seg, uint16_t bit)
{
    struct operand at;
    uint64_t linear;
    if (seg->ar & bit || !descriptor_find(cpu->state, seg->sel, &linear)) {
        return INSN_DONE;
    }
    seg->ar |= bit;
    TRY(linear_resolve(cpu, in->mode, linear + 5, 1, GUEST_IMPLICIT | GUEST_WRITE, &at));
    return operand_write(cpu, &at, seg->ar & 0xff);
}

static enum insn_result descriptor_load(struct insn_cpu *cpu, const struct insn *in, unsigned which, uint16_t selector,
                                        struct utcb_seg *seg)
{
    unsigned cpl = cpl_of(cpu->state);
    bool there;
    uint64_t d = 0;
    if (!(selector & ~(unsigned)SEL_RPL)) {
        if (which == SEG_SS && (in->mode != INSN_MODE_64 || cpl == 3 || selector != cpl)) {
            return selector_fault(cpu, EXC_GP, 0);
        }
        *seg = (struct utcb_seg){.sel = selector,
                                 .ar = (uint16_t)(AR_UNUSABLE | (which == SEG_SS ? cpl << AR_DPL_SHIFT : 0))};
        return INSN_DONE;
    }
    TRY(descriptor_read(cpu, in, selector, &there, &d));
    *seg = segment_of(selector, d);
    if (!there || !segment_fits(seg, which, cpl)) {
        return selector_fault(cpu, EXC_GP, selector);
    }
    if (!(seg->ar & AR_PRESENT)) {
        return selector_fault(cpu, which == SEG_SS ? EXC_SS : EXC_NP, selector);
    }
    return type_set(cpu, in, seg, AR_ACCESSED);
}

enum insn_result segment_load(struct insn_cpu *cpu, const struct insn *in, unsigned which, uint16_t selector,
                              bool blocks)
{
    struct utcb_state *s = cpu->state;
    struct utcb_seg seg = s->seg[which];
    bool wait = blocks && which == SEG_SS;
    if ((wait || !by_address(s)) && !(cpu->has & MTD_TABLES)) {
        return state_wanted(cpu, MTD_SEG | MTD_STATE);
    }
    if (by_address(s)) {
        seg.sel = selector;
        seg.base = (uint64_t)selector << 4;
    } else {
        enum insn_result result = descriptor_load(cpu, in, which, selector, &seg);
        if (result != INSN_DONE) {
            return result;
        }
    }
    s->seg[which] = seg;
    cpu->changed |= groups[which];
    cpu->blocks |= wait;
    return INSN_DONE;
}

// The code segment of a far transfer at the same privilege level, and whether its limit holds the target.
static enum insn_result code_load(struct insn_cpu *cpu, const struct insn *in, uint16_t selector, uint64_t target,
                                  struct utcb_seg *seg)
{
    const struct utcb_state *s = cpu->state;
    unsigned cpl = cpl_of(s), rpl = selector & SEL_RPL;
    bool there, ret = in->op == INSN_OP_RET_FAR;
    uint64_t d = 0;
    *seg = s->seg[SEG_CS];
    if (by_address(s)) {
        seg->sel = selector;
        seg->base = (uint64_t)selector << 4;
        return target <= seg->limit ? INSN_DONE : selector_fault(cpu, EXC_GP, 0);
    }
    if (!(cpu->has & MTD_TABLES)) {
        return state_wanted(cpu, MTD_SEG | MTD_STATE);
    }
    TRY(descriptor_read(cpu, in, selector, &there, &d));
    *seg = segment_of(selector, d);
    unsigned dpl = seg->ar >> AR_DPL_SHIFT & 3;
    if (there && (!(seg->ar & AR_SEGMENT) || (ret && rpl > cpl))) {
        return unsupported(cpu, "far transfer through a gate, to a task or to another privilege level");
    }
    bool conforming = seg->ar & AR_CONFORMING, wide = long_mode(s) && seg->ar & AR_L;
    if (!there || !(seg->ar & AR_CODE) || (conforming ? dpl > cpl : dpl != cpl || rpl > cpl) || (ret && rpl < cpl) ||
        (wide && seg->ar & AR_D)) {
        return selector_fault(cpu, EXC_GP, selector);
    }
    if (!(seg->ar & AR_PRESENT)) {
        return selector_fault(cpu, EXC_NP, selector);
    }
    if (wide ? !canonical(cpu, target) : target > seg->limit) {
        return selector_fault(cpu, EXC_GP, 0);
    }
    seg->sel = (uint16_t)((selector & ~(unsigned)SEL_RPL) | cpl);
    return type_set(cpu, in, seg, AR_ACCESSED);
}

static enum insn_result far_go(struct insn_cpu *cpu, const struct utcb_seg *cs, uint64_t target)
{
    cpu->state->seg[SEG_CS] = *cs;
    cpu->state->rip = target;
    cpu->state->rflags &= ~RFLAGS_RF;
    cpu->changed |= MTD_CSSS;
    return INSN_DONE;
}

// Offset and selector of a far pointer in memory.
static enum insn_result far_pointer_read(struct insn_cpu *cpu, const struct insn *in, uint64_t *offset,
                                         uint64_t *selector)
{
    uint64_t at = effective_address(cpu, in);
    struct operand first, second;
    TRY(operand_resolve(cpu, in->mode, in->segment, at, in->size, GUEST_READ, &first));
    at = (at + in->size) & size_mask(in->address_size);
    TRY(operand_resolve(cpu, in->mode, in->segment, at, 2, GUEST_READ, &second));
    TRY(operand_read(cpu, &first, offset));
    return operand_read(cpu, &second, selector);
}

// JMP and CALL to another segment
enum insn_result far_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *s = cpu->state;
    uint64_t target = in->imm, selector = in->disp, rsp = s->gpr[GPR_RSP];
    struct utcb_seg cs;
    enum insn_result result = in->dst == INSN_MEM ? far_pointer_read(cpu, in, &target, &selector) : INSN_DONE;
    if (result == INSN_DONE) {
        result = code_load(cpu, in, (uint16_t)selector, target, &cs);
    }
    if (result == INSN_DONE && in->op == INSN_OP_CALL_FAR) {
        result = stack_push(cpu, in, in->size, s->seg[SEG_CS].sel);
        if (result == INSN_DONE) {
            result = stack_push(cpu, in, in->size, rip_next(cpu, in) & size_mask(in->size));
        }
    }
    if (result != INSN_DONE) {
        s->gpr[GPR_RSP] = rsp;
        return result;
    }
    return far_go(cpu, &cs, target);
}

enum insn_result ret_far_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t rsp = cpu->state->gpr[GPR_RSP], target, selector;
    struct utcb_seg cs;
    TRY(stack_peek(cpu, in, rsp, in->size, &target));
    TRY(stack_peek(cpu, in, rsp + in->size, in->size, &selector));
    TRY(code_load(cpu, in, (uint16_t)selector, target, &cs));
    stack_set(cpu, in, rsp + 2 * in->size + (in->dst == INSN_IMM ? in->imm : 0));
    return far_go(cpu, &cs, target);
}

// LES LDS LSS LFS LGS
enum insn_result far_pointer_execute(struct insn_cpu *cpu, const struct insn *in)
{
    static const uint8_t registers[] = {SEG_ES, SEG_DS, SEG_SS, SEG_FS, SEG_GS};
    uint64_t offset, selector;
    TRY(far_pointer_read(cpu, in, &offset, &selector));
    TRY(segment_load(cpu, in, registers[in->op - INSN_OP_LES], (uint16_t)selector, false));
    reg_write(cpu->state, in->dst_reg, in->size, offset);
    return insn_finish(cpu, in);
}

// SLDT STR SMSW: 16 bits to memory, the operand's size to a register
enum insn_result selector_store_execute(struct insn_cpu *cpu, const struct insn *in)
{
    const struct utcb_state *s = cpu->state;
    bool smsw = in->op == INSN_OP_SMSW;
    if (s->cr4 & CR4_UMIP && s->cr0 & CR0_PE && cpl_of(s)) {
        return fault_raise(cpu, EXC_GP, true, 0);
    }
    if (!smsw && by_address(s)) {
        return fault_raise(cpu, EXC_UD, false, 0);
    }
    if (!smsw && !(cpu->has & MTD_TRLDTR)) {
        return state_wanted(cpu, MTD_SEG | MTD_STATE);
    }
    uint64_t value = smsw ? s->cr0 : s->seg[in->op == INSN_OP_SLDT ? SEG_LDTR : SEG_TR].sel;
    return value_write(cpu, in, in->dst == INSN_MEM ? 2 : in->size, value);
}

enum insn_result lmsw_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *s = cpu->state;
    uint64_t value, bits = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
    if (s->cr0 & CR0_PE && cpl_of(s)) {
        return fault_raise(cpu, EXC_GP, true, 0);
    }
    TRY(value_read(cpu, in, in->dst, in->dst_reg, 2, &value));
    s->cr0 = (s->cr0 & ~bits) | (value & bits) | (s->cr0 & CR0_PE);
    cpu->changed |= MTD_CR;
    return insn_finish(cpu, in);
}

// What LLDT and LTR load: in long mode a descriptor of 16 bytes.
static enum insn_result system_descriptor_load(struct insn_cpu *cpu, const struct insn *in, uint16_t selector,
                                               struct utcb_seg *seg)
{
    const struct utcb_state *s = cpu->state;
    bool wide = long_mode(s), there, all = true;
    uint64_t low = 0, high = 0;
    enum insn_result result = descriptor_read(cpu, in, selector, &there, &low);
    if (result == INSN_DONE && wide) {
        result = descriptor_read(cpu, in, (uint16_t)(selector + 8), &all, &high);
    }
    if (result != INSN_DONE) {
        return result;
    }
    *seg = segment_of(selector, low);
    seg->base |= high << 32;
    unsigned type = seg->ar & TYPE_MASK;
    bool fits = in->op == INSN_OP_LLDT ? type == TYPE_LDT : type == TYPE_TSS_32 || (type == TYPE_TSS_16 && !wide);
    if (selector & SEL_TI || !there || !all || !fits || high >> 40 & TYPE_MASK || !canonical(cpu, seg->base)) {
        return selector_fault(cpu, EXC_GP, selector);
    }
    if (!(seg->ar & AR_PRESENT)) {
        return selector_fault(cpu, EXC_NP, selector);
    }
    return in->op == INSN_OP_LTR ? type_set(cpu, in, seg, TSS_BUSY) : INSN_DONE;
}

// LLDT LTR
enum insn_result system_segment_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *s = cpu->state;
    struct utcb_seg seg;
    uint64_t selector;
    bool ltr = in->op == INSN_OP_LTR;
    if (by_address(s)) {
        return fault_raise(cpu, EXC_UD, false, 0);
    }
    if (cpl_of(s)) {
        return fault_raise(cpu, EXC_GP, true, 0);
    }
    if (!(cpu->has & MTD_TABLES)) {
        return state_wanted(cpu, MTD_SEG | MTD_STATE);
    }
    enum insn_result result = value_read(cpu, in, in->dst, in->dst_reg, 2, &selector);
    if (result == INSN_DONE && (ltr || selector & ~(unsigned)SEL_RPL)) {
        result = system_descriptor_load(cpu, in, (uint16_t)selector, &seg);
    } else {
        seg = (struct utcb_seg){.sel = (uint16_t)selector, .ar = AR_UNUSABLE};
    }
    if (result != INSN_DONE) {
        return result;
    }
    s->seg[ltr ? SEG_TR : SEG_LDTR] = seg;
    cpu->changed |= MTD_TRLDTR;
    return insn_finish(cpu, in);
}

// SGDT SIDT LGDT LIDT: a limit of 16 bits, then the base
enum insn_result table_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *s = cpu->state;
    bool store = in->op <= INSN_OP_SIDT;
    struct utcb_seg *table = &s->seg[in->op == INSN_OP_SGDT || in->op == INSN_OP_LGDT ? SEG_GDTR : SEG_IDTR];
    struct operand limit_at, base_at;
    unsigned width = in->mode == INSN_MODE_64 ? 8 : 4;
    uint64_t at = effective_address(cpu, in), limit = table->limit, base = table->base;
    unsigned access = store ? GUEST_WRITE : GUEST_READ;
    if (s->cr0 & CR0_PE && cpl_of(s) && (!store || s->cr4 & CR4_UMIP)) {
        return fault_raise(cpu, EXC_GP, true, 0);
    }
    if (!(cpu->has & MTD_TABLES)) {
        return state_wanted(cpu, MTD_SEG | MTD_STATE);
    }
    TRY(operand_resolve(cpu, in->mode, in->segment, at, 2, access, &limit_at));
    at = (at + 2) & size_mask(in->address_size);
    TRY(operand_resolve(cpu, in->mode, in->segment, at, width, access, &base_at));
    TRY(store ? operand_write(cpu, &limit_at, limit) : operand_read(cpu, &limit_at, &limit));
    TRY(store ? operand_write(cpu, &base_at, base) : operand_read(cpu, &base_at, &base));
    if (!store) {
        base &= in->size == 2 ? 0xffffff : size_mask(width);
        if (!canonical(cpu, base) && width == 8) {
            return fault_raise(cpu, EXC_GP, true, 0);
        }
        *table = (struct utcb_seg){.limit = (uint32_t)limit, .base = base};
        cpu->changed |= MTD_TABLES;
    }
    return insn_finish(cpu, in);
}

// Which system segments LAR (1) and LSL (2) tell of, by type: outside of long mode, in it (SDM 2A, LAR and LSL).
static bool type_shown(const struct utcb_state *s, bool lar, unsigned type)
{
    static const uint16_t shown[2][2] = {{1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11, 1 << 2 | 1 << 9 | 1 << 11},
                                         {0x1a3e, 1 << 2 | 1 << 9 | 1 << 11 | 1 << 12}};
    return shown[lar][long_mode(s)] >> type & 1;
}

// VERR VERW LAR LSL: ZF says whether the segment can be reached
enum insn_result selector_examine_execute(struct insn_cpu *cpu, const struct insn *in)
{
    struct utcb_state *s = cpu->state;
    bool lar = in->op == INSN_OP_LAR, value_wanted = lar || in->op == INSN_OP_LSL, there;
    uint64_t selector, d = 0;
    unsigned cpl = cpl_of(s);
    if (by_address(s)) {
        return fault_raise(cpu, EXC_UD, false, 0);
    }
    if (!(cpu->has & MTD_TABLES)) {
        return state_wanted(cpu, MTD_SEG | MTD_STATE);
    }
    TRY(value_wanted ? value_read(cpu, in, in->src, in->src_reg, 2, &selector)
                     : value_read(cpu, in, in->dst, in->dst_reg, 2, &selector));
    TRY(descriptor_read(cpu, in, (uint16_t)selector, &there, &d));
    struct utcb_seg seg = segment_of((uint16_t)selector, d);
    unsigned dpl = seg.ar >> AR_DPL_SHIFT & 3, type = seg.ar & TYPE_MASK;
    bool conforming = type >= (AR_SEGMENT | AR_CODE) && type & AR_CONFORMING;
    bool ok = there && (conforming || (dpl >= cpl && dpl >= (selector & SEL_RPL)));
    if (value_wanted) {
        ok &= type & AR_SEGMENT || type_shown(s, lar, type);
    } else {
        bool code = type & AR_CODE, flag = type & AR_WRITABLE;
        ok &= type & AR_SEGMENT && (in->op == INSN_OP_VERR ? !code || flag : !code && flag);
    }
    if (ok && value_wanted) {
        reg_write(s, in->dst_reg, in->size, lar ? d >> 32 & 0xf0ff00 : seg.limit);
    }
    s->rflags = ok ? s->rflags | RFLAGS_ZF : s->rflags & ~RFLAGS_ZF;
    return insn_finish(cpu, in);
}

// BOUND: a signed index and two limits in memory
enum insn_result bound_execute(struct insn_cpu *cpu, const struct insn *in)
{
    uint64_t at = effective_address(cpu, in), values[2];
    int64_t index = (int64_t)sign_extend(reg_read(cpu->state, in->dst_reg, in->size), in->size);
    for (unsigned i = 0; i < 2; i++) {
        struct operand limit;
        uint64_t offset = (at + i * in->size) & size_mask(in->address_size);
        enum insn_result result = operand_resolve(cpu, in->mode, in->segment, offset, in->size, GUEST_READ, &limit);
        if (result == INSN_DONE) {
            result = operand_read(cpu, &limit, &values[i]);
        }
        if (result != INSN_DONE) {
            return result;
        }
    }
    bool inside =
        index >= (int64_t)sign_extend(values[0], in->size) && index <= (int64_t)sign_extend(values[1], in->size);
    return inside ? insn_finish(cpu, in) : fault_raise(cpu, EXC_BR, false, 0);
}
