// SPDX-License-Identifier: MIT
// Task switches, which VT-x leaves to the VMM: SDM 3A 8.3, 3C 26.4.2. The processor has checked gate and TSS descriptor
// before it exits. Faults before the switch are the old task's; those of the new task's segments are raised in the new
// task.
#include "lib/c/string.h"
#include "vmm-user/exit.h"
#include "vmm-user/guest_walk.h"
#include "vmm-user/insn/descriptor.h"
#include "vmm-user/vm.h"
#include "x86/desc.h"
#include "x86/regs.h"
#include "x86/vmx.h"

#define TSS_MAX   104
#define TSS_BUSY  2u
#define TSS_32    8u   // of the descriptor's type
#define TSS_TRAP  0x64 // bit 0: #DB when the task begins
#define TSS_CR3   0x1c
#define DR6_BT    (1ul << 15)
#define DR7_LOCAL 0x155ul // L0-L3, LE
#define LDT_TYPE  2u

// Where the fields are that both kinds of TSS have.
struct tss_layout {
    uint8_t size, width; // of the whole; of a register's field
    uint8_t eip, eflags, gprs, segments, segment_step, segment_count, ldt;
};
static const struct tss_layout layout_16 = {44, 2, 0x0e, 0x10, 0x12, 0x22, 2, 4, 0x2a};
static const struct tss_layout layout_32 = {104, 4, 0x20, 0x24, 0x28, 0x48, 4, 6, 0x60};

struct task_image {
    uint64_t base;
    const struct tss_layout *layout;
    uint8_t bytes[TSS_MAX];
};

struct task_switch {
    struct vcpu *v;
    struct utcb_state *s;
    enum task_source { TASK_CALL, TASK_IRET, TASK_JMP, TASK_GATE } source;
    uint16_t selector;
    uint32_t external; // bit 0 of error codes: an event from outside of the program
    bool failed;       // an exception was raised
};

static void fail(struct task_switch *t, unsigned vector, uint32_t error)
{
    irq_raise(t->v, vector, true, error);
    t->failed = true;
}

// The processor's own access to descriptor tables and TSS.
static bool linear_access(struct task_switch *t, uint64_t linear, void *data, unsigned size, bool write)
{
    struct utcb_state *s = t->s;
    const struct guest_paging paging = guest_paging_of(s, t->v->cpuid.max_phys, t->v->insn.gate);
    for (unsigned done = 0; done < size;) {
        uint64_t at = (uint32_t)(linear + done), gpa = at & ~paging.gate;
        unsigned n = 4096 - (unsigned)(at & 4095) < size - done ? 4096 - (unsigned)(at & 4095) : size - done;
        uint32_t error = 0;
        if (s->cr0 & CR0_PG &&
            guest_walk(&t->v->vm->mem, &paging, at, GUEST_IMPLICIT | (write ? GUEST_WRITE : GUEST_READ), &gpa,
                       &error) != GUEST_WALK_OK) {
            s->cr2 = at;
            fail(t, EXC_PF, error);
            return false;
        }
        void *host = guest_mem_at(&t->v->vm->mem, gpa, n);
        if (host && write && guest_mem_is_rom(&t->v->vm->mem, gpa))
            ; // lost
        else if (host && write)
            memcpy(host, (uint8_t *)data + done, n);
        else if (host)
            memcpy((uint8_t *)data + done, host, n);
        else if (!write)
            memset((uint8_t *)data + done, 0xff, n);
        done += n;
    }
    return true;
}

static uint32_t field_get(const struct task_image *tss, unsigned at, unsigned width)
{
    uint32_t value = 0;
    memcpy(&value, tss->bytes + at, width);
    return value;
}

static void field_set(struct task_image *tss, unsigned at, unsigned width, uint32_t value)
{
    memcpy(tss->bytes + at, &value, width);
}

// ---- descriptors

static bool busy_set(struct task_switch *t, uint16_t selector, bool busy)
{
    uint64_t at = t->s->seg[SEG_GDTR].base + (selector & ~7u) + 5;
    uint8_t type;
    if (!linear_access(t, at, &type, 1, false))
        return false;
    type = (uint8_t)(busy ? type | TSS_BUSY : type & ~TSS_BUSY);
    return linear_access(t, at, &type, 1, true);
}

// ---- the old task

static void old_task_fill(struct task_switch *t, struct task_image *tss, uint32_t eip)
{
    static const uint8_t order[] = {SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS};
    const struct tss_layout *l = tss->layout;
    uint64_t flags = t->s->rflags;
    if (t->source == TASK_IRET)
        flags &= ~RFLAGS_NT;
    field_set(tss, l->eip, l->width, eip);
    field_set(tss, l->eflags, l->width, (uint32_t)flags);
    for (unsigned i = 0; i < 8; i++)
        field_set(tss, l->gprs + i * l->width, l->width, (uint32_t)t->s->gpr[i]);
    for (unsigned i = 0; i < l->segment_count; i++)
        field_set(tss, l->segments + i * l->segment_step, 2, t->s->seg[order[i]].sel);
}

// ---- the new task

static void segment_fail(struct task_switch *t, unsigned vector, uint16_t selector)
{
    fail(t, vector, (selector & ~3u) | t->external);
}

static bool descriptor_read(struct task_switch *t, uint16_t selector, bool allowed, uint64_t *at, uint64_t *d)
{
    if (!allowed || !descriptor_find(t->s, selector, at)) {
        segment_fail(t, EXC_TS, selector);
        return false;
    }
    return linear_access(t, *at, d, sizeof(*d), false);
}

static bool segment_check(const struct utcb_seg *seg, unsigned which, unsigned cpl)
{
    unsigned rpl = seg->sel & SEL_RPL, dpl = seg->ar >> AR_DPL_SHIFT & 3;
    if (which != SEG_CS)
        return segment_fits(seg, which, cpl);
    return seg->ar & AR_SEGMENT && seg->ar & AR_CODE && (seg->ar & AR_CONFORMING ? dpl <= rpl : dpl == rpl);
}

static void segment_load(struct task_switch *t, unsigned which, uint16_t selector, unsigned cpl)
{
    struct utcb_seg *seg = &t->s->seg[which];
    uint64_t at, d;
    seg->sel = selector;
    if (t->failed)
        return;
    if (which != SEG_CS) // SS: what VM entry wants of it with the CS that is loaded already
        *seg = (struct utcb_seg){.sel = selector, .ar = (uint16_t)(AR_UNUSABLE | (which == SEG_SS ? cpl << 5 : 0))};
    if (!(selector & ~3u) && which != SEG_CS && which != SEG_SS)
        return;
    if (!descriptor_read(t, selector, selector & ~3u, &at, &d))
        return;
    struct utcb_seg loaded = segment_of(selector, d);
    if (!segment_check(&loaded, which, cpl)) {
        segment_fail(t, EXC_TS, selector);
        return;
    }
    if (!(loaded.ar & AR_PRESENT)) {
        segment_fail(t, which == SEG_SS ? EXC_SS : EXC_NP, selector);
        return;
    }
    if (!(loaded.ar & AR_ACCESSED)) {
        uint8_t type = (uint8_t)(loaded.ar |= AR_ACCESSED);
        if (!linear_access(t, at + 5, &type, 1, true))
            return;
    }
    *seg = loaded;
}

static void ldt_load(struct task_switch *t, uint16_t selector)
{
    struct utcb_seg *ldtr = &t->s->seg[SEG_LDTR];
    uint64_t at, d;
    *ldtr = (struct utcb_seg){.sel = selector, .ar = AR_UNUSABLE};
    if (!(selector & ~3u))
        return;
    if (!descriptor_read(t, selector, !(selector & SEL_TI), &at, &d))
        return;
    struct utcb_seg loaded = segment_of(selector, d);
    if ((loaded.ar & 0x1f) != LDT_TYPE || !(loaded.ar & AR_PRESENT))
        segment_fail(t, EXC_TS, selector);
    else
        *ldtr = loaded;
}

static void segments_load(struct task_switch *t, const struct task_image *tss)
{
    static const uint8_t order[] = {SEG_CS, SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    static const uint8_t place[] = {1, 2, 0, 3, 4, 5};
    const struct tss_layout *l = tss->layout;
    bool v86 = t->s->rflags & RFLAGS_VM;
    unsigned cpl = v86 ? 3 : field_get(tss, l->segments + l->segment_step, 2) & 3;
    ldt_load(t, (uint16_t)field_get(tss, l->ldt, 2));
    for (unsigned i = 0; i < sizeof(order); i++) {
        uint16_t selector = 0;
        if (place[i] < l->segment_count)
            selector = (uint16_t)field_get(tss, l->segments + place[i] * l->segment_step, 2);
        if (v86)
            t->s->seg[order[i]] = (struct utcb_seg){selector, AR_V86, 0xffff, (uint64_t)selector << 4};
        else
            segment_load(t, order[i], selector, cpl);
    }
}

static void registers_load(struct task_switch *t, const struct task_image *tss, struct utcb_seg tr)
{
    struct utcb_state *s = t->s;
    const struct tss_layout *l = tss->layout;
    tr.ar = (uint16_t)(tr.ar | TSS_BUSY);
    s->seg[SEG_TR] = tr;
    s->cr0 |= CR0_TS;
    s->dr7 &= ~DR7_LOCAL;
    if (l == &layout_32 && s->cr0 & CR0_PG) {
        s->cr3 = field_get(tss, TSS_CR3, 4);
        if (!exit_pdptes_load(t->v, s))
            fail(t, EXC_TS, (t->selector & ~3u) | t->external);
    }
    s->rip = field_get(tss, l->eip, l->width);
    s->rflags = (field_get(tss, l->eflags, l->width) & RFLAGS_KNOWN) | RFLAGS_ONE;
    if (t->source == TASK_CALL || t->source == TASK_GATE)
        s->rflags |= RFLAGS_NT;
    for (unsigned i = 0; i < 8; i++)
        s->gpr[i] = field_get(tss, l->gprs + i * l->width, l->width);
}

// The error code of the event that came through a task gate.
static void error_push(struct task_switch *t, unsigned width, uint32_t error)
{
    struct utcb_state *s = t->s;
    uint64_t mask = s->seg[SEG_SS].ar & 0x400 ? 0xffffffff : 0xffff;
    uint64_t sp = (s->gpr[GPR_RSP] - width) & mask;
    if (!linear_access(t, s->seg[SEG_SS].base + sp, &error, width, true))
        return;
    s->gpr[GPR_RSP] = (s->gpr[GPR_RSP] & ~mask) | sp;
}

// ---- the switch

// Present, and writable if it is to be written: or nothing has happened yet.
static bool tss_read(struct task_switch *t, struct task_image *tss, uint64_t base, bool is32, bool write)
{
    tss->base = base;
    tss->layout = is32 ? &layout_32 : &layout_16;
    return linear_access(t, base, tss->bytes, tss->layout->size, false) &&
           (!write || linear_access(t, base, tss->bytes, tss->layout->size, true));
}

// Everything that can fault in the old task, then all that changes in memory.
static bool tasks_write(struct task_switch *t, struct task_image *old, struct task_image *new, struct utcb_seg *tr,
                        uint32_t eip)
{
    struct utcb_state *s = t->s;
    const struct utcb_seg *tr_old = &s->seg[SEG_TR];
    uint64_t at, d;
    uint16_t link = tr_old->sel;
    if (!descriptor_read(t, t->selector, true, &at, &d))
        return false;
    *tr = segment_of(t->selector, d);
    bool is32 = tr->ar & TSS_32, nested = t->source == TASK_CALL || t->source == TASK_GATE;
    if (tr->limit < (is32 ? layout_32.size - 1u : layout_16.size - 1u)) {
        segment_fail(t, EXC_TS, t->selector);
        return false;
    }
    if (!tss_read(t, old, tr_old->base, tr_old->ar & TSS_32, true) || !tss_read(t, new, tr->base, is32, nested))
        return false;
    old_task_fill(t, old, eip);
    if (!nested && !busy_set(t, link, false))
        return false;
    if (t->source != TASK_IRET && !busy_set(t, t->selector, true))
        return false;
    linear_access(t, old->base, old->bytes, old->layout->size, true);
    if (nested)
        linear_access(t, new->base, &link, sizeof(link), true);
    return !t->failed;
}

uint64_t exit_task_switch(struct vcpu *v, struct utcb_state *s, uint16_t selector, unsigned source)
{
    struct task_switch t = {.v = v, .s = s, .source = source, .selector = selector};
    struct task_image old, new;
    struct utcb_seg tr;
    uint32_t event = s->idt_info & INTR_VALID ? s->idt_info : 0, error = s->idt_error, type = event & INTR_TYPE;
    bool instruction = !event || type == INTR_TYPE_SW_INTERRUPT || type == INTR_TYPE_SW_EXCEPTION ||
                       type == INTR_TYPE_PRIV_SW_EXCEPTION;
    t.external = event && type != INTR_TYPE_SW_INTERRUPT && type != INTR_TYPE_SW_EXCEPTION;
    exit_vectoring(v, s); // merged with an exception of the old task
    if (!tasks_write(&t, &old, &new, &tr, (uint32_t)(s->rip + (instruction ? s->insn_len : 0))))
        return exit_settle(v, s, MTD_CR);
    v->inject_info = 0; // delivered
    registers_load(&t, &new, tr);
    if (!t.failed)
        segments_load(&t, &new);
    s->intr_state &= ~(uint32_t)(BLOCKING_STI | BLOCKING_MOV_SS);
    if (type == INTR_TYPE_NMI && event)
        s->intr_state |= BLOCKING_NMI;
    if (event & INTR_ERROR_CODE && !t.failed)
        error_push(&t, new.layout->width, error);
    if (new.layout == &layout_32 &&new.bytes[TSS_TRAP] & 1 && !t.failed) {
        s->dr6 |= DR6_BT;
        irq_raise(v, EXC_DB, false, 0);
    }
    return exit_settle(v, s, MTD_GPR | MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_CR | MTD_DR | MTD_SEG);
}
