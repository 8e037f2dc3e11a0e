// SPDX-License-Identifier: MIT
// Objects of a vCPU, and its state at the start. SDM 3A 9.1.1 (after reset), and as the loaders want it.
#include "vmm-user/vcpu.h"
#include "abi/hypercall.h"
#include "lib/c/string.h"
#include "lib/sys/hypercall.h"
#include "lib/sys/root.h"
#include "lib/sys/thread.h"
#include "vmm-user/exit.h"
#include "vmm-user/firmware.h"
#include "vmm-user/insn/vector_forms.h"
#include "vmm-user/layout.h"
#include "vmm-user/vm.h"
#include "x86/msr.h"
#include "x86/paging.h"
#include "x86/regs.h"

// Access rights of a segment as struct utcb_seg folds them.
#define AR_CODE64   0xa9b
#define AR_CODE32   0xc9b
#define AR_DATA     0xc93
#define AR_TSS      0x08b
#define AR_UNUSABLE 0x1000

void exit_entry(void); // exit_entry.asm

_Static_assert(offsetof(struct vcpu, state) == 0 && offsetof(struct vcpu, event) == 8, "exit_entry.asm");
_Static_assert(offsetof(struct thread, arg) == 40 && HC_ipc_reply == 1, "exit_entry.asm");
_Static_assert(START_PUBLIC == 0x10001000 && offsetof(struct vm_public, exits) == 0, "exit_entry.asm");

enum apic_mode vcpu_apic_mode(const struct vcpu *v)
{
    const uint32_t shadow = HIP_APIC_REGS | HIP_TPR_SHADOW;
    if (!(start_info()->virt & shadow) || !lapic_enabled(&v->lapic) ||
        (v->lapic.base & APIC_BASE_ADDR) != LAPIC_ADDRESS)
        return APIC_NONE;
    return lapic_x2apic(&v->lapic) ? APIC_X2APIC : APIC_XAPIC;
}

static const char *portals_create(const struct vcpu *v, uint64_t handler)
{
    for (unsigned event = 0; event < EVENT_COUNT; event++) {
        if (!exit_comes(event))
            continue;
        if (create_pt(v->portals + event, SEL_SELF_PD, handler, (uint64_t)exit_entry, event, exit_mtd(event)).status !=
            ST_OK)
            return "the kernel makes no portal for the vCPU's exits: its memory for this process is used up";
    }
    return NULL;
}

const char *vcpu_create(struct vcpu *v, struct vm *vm, unsigned cpu)
{
    memset(v, 0, sizeof(*v));
    v->vm = vm;
    v->state = (struct utcb_state *)VA_HANDLER_UTCB;
    v->halt_sm = SEL_VCPU_HALT;
    v->ec = SEL_VCPU_EC;
    v->portals = SEL_VCPU_PORTALS;
    v->stats = (struct vcpu_stats *)(VA_VCPU_PAGES + PAGE_SIZE);
    if (root_mem_alloc((void *)(VA_HANDLER_STACK - HANDLER_STACK_SIZE), HANDLER_STACK_SIZE, 0, NULL) != ROOT_OK)
        return "no memory for the vCPU's handler";
    struct thread *t = thread_prepare((void *)VA_HANDLER_STACK, (void *)VA_HANDLER_UTCB, cpu);
    t->arg = v;
    if (create_sm(v->halt_sm, SEL_SELF_PD, 0).status != ST_OK ||
        create_sm(SEL_INSPECTION, SEL_SELF_PD, 0).status != ST_OK ||
        handler_create(SEL_VCPU_HANDLER, SEL_SELF_PD, t, SEL_EXCEPTIONS) != ST_OK)
        return "the kernel makes no handler for the vCPU";
    const char *error = portals_create(v, SEL_VCPU_HANDLER);
    if (error)
        return error;
    enum status st = create_ec(v->ec, SEL_SELF_PD, EC_VCPU | (uint64_t)cpu << 8, VA_VCPU_PAGES, 0, v->portals).status;
    if (st != ST_OK)
        return st == ST_BAD_FTR ? "this CPU has no virtualisation" : "the kernel makes no vCPU";
    v->lapic.regs = (uint32_t *)VA_VCPU_PAGES;
    v->insn = (struct insn_cpu){.state = v->state,
                                .ram = &vm->mem,
                                .hole_first = VGA_MEMORY_BASE,
                                .hole_end = GUEST_MEM_SHADOW_END,
                                .cache = &v->insn_cache,
                                .mmio = exit_insn_mmio,
                                .port = exit_insn_port,
                                .block = exit_insn_block,
                                .context = v,
                                .attention = &v->attention};
    return NULL;
}

const char *vcpu_start(struct vcpu *v)
{
    return root_thread(v->ec, false) == ROOT_OK ? NULL : "root gives the vCPU no time";
}

void vcpu_kick(struct vcpu *v, uint32_t bits)
{
    __atomic_fetch_or(&v->attention, bits, __ATOMIC_SEQ_CST);
    sm_up(v->halt_sm);
    ctrl_ec(EC_RECALL, v->ec);
}

void vcpu_sleep(struct vcpu *v)
{
    sm_take_all(v->halt_sm, vm_clock_deadline(&v->vm->clock));
}

void vcpu_log(struct vcpu *v, const char *text)
{
    struct utcb_state kept = *v->state;
    root_log(text);
    *v->state = kept;
}

uint64_t vcpu_widen(struct vcpu *v, uint64_t mtd)
{
    if (v->wide_mtd && v->wide_event != v->event)
        vcpu_narrow_now(v);
    v->wide_event = v->event;
    v->wide_mtd |= mtd;
    v->widened = VCPU_WIDE_EXITS;
    ctrl_pt(PT_SET_MTD, v->portals + v->event, exit_mtd((unsigned)v->event) | v->wide_mtd);
    return v->state->rflags & RFLAGS_TF ? MTD_STATE : 0; // no step is pending before the instruction is done
}

void vcpu_narrow_now(struct vcpu *v)
{
    ctrl_pt(PT_SET_MTD, v->portals + v->wide_event, exit_mtd((unsigned)v->wide_event));
    v->wide_mtd = 0;
    v->widened = 0;
}

static uint8_t vector_features(const struct cpuid_table *t)
{
    const uint32_t sse4 = CPUID_1_ECX_SSE3 | CPUID_1_ECX_SSSE3 | CPUID_1_ECX_SSE41 | CPUID_1_ECX_SSE42;
    return ((t->basic[1].ecx & sse4) == sse4 ? VECTOR_SSE4 : 0) | (t->basic[1].ecx & CPUID_1_ECX_AVX ? VECTOR_AVX : 0) |
           (t->basic[7].ebx & CPUID_7_EBX_AVX2 ? VECTOR_AVX2 : 0);
}

void vcpu_reset(struct vcpu *v)
{
    if (v->wide_mtd)
        vcpu_narrow_now(v);
    v->attention = ATTENTION_IRQ | ATTENTION_DEADLINE;
    v->inject_info = 0;
    v->held_interrupt = 0;
    v->windows = 0;
    v->tpr_threshold = 0;
    v->nmi_pending = false;
    v->xcr0 = XCR0_X87;
    v->insn.max_phys = v->cpuid.max_phys;
    v->insn.vector = vector_features(&v->cpuid);
    msr_reset(v);
}

static struct utcb_seg flat(uint16_t sel, uint16_t ar)
{
    return (struct utcb_seg){.sel = sel, .ar = ar, .limit = 0xffffffff};
}

uint64_t vcpu_startup(struct vcpu *v, struct utcb_state *s)
{
    const struct load_entry *e = &v->vm->entry;
    bool wide = e->mode == LOAD_MODE_64;
    memset(s, 0, sizeof(*s));
    s->rip = e->rip;
    s->rflags = RFLAGS_ONE;
    s->gpr[GPR_RAX] = e->rax;
    s->gpr[GPR_RBX] = e->rbx;
    s->gpr[GPR_RSI] = e->rsi;
    s->gpr[GPR_RSP] = e->rsp;
    s->cr0 = CR0_PE | CR0_ET | CR0_NE | (wide ? CR0_PG | CR0_WP : 0);
    s->cr3 = wide ? LOAD_PAGE_TABLES : 0;
    s->cr4 = wide ? CR4_PAE : 0;
    s->efer = wide ? EFER_LME | EFER_LMA : 0;
    s->pat = PAT_RESET;
    s->dr6 = DR6_RESET;
    s->dr7 = DR7_RESET;
    s->xcr0 = v->xcr0;
    s->seg[SEG_CS] = flat(e->cs, wide ? AR_CODE64 : AR_CODE32);
    const uint8_t data[] = {SEG_ES, SEG_SS, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < sizeof(data); i++)
        s->seg[data[i]] = flat(e->ds, AR_DATA);
    s->seg[SEG_TR] = (struct utcb_seg){.ar = AR_TSS, .limit = 0x67};
    s->seg[SEG_LDTR] = (struct utcb_seg){.ar = AR_UNUSABLE};
    s->seg[SEG_GDTR] = (struct utcb_seg){.limit = 4 * 8 - 1, .base = e->gdt};
    s->seg[SEG_IDTR] = (struct utcb_seg){0};
    if (e->mode == LOAD_MODE_16)
        firmware_registers(e, s);
    s->tsc_offset = v->vm->clock.offset + v->tsc_adjust;
    s->deadline = vm_clock_deadline(&v->vm->clock);
    s->apic_mode = v->apic_mode = vcpu_apic_mode(v);
    return exit_settle(v, s, MTD_ALL);
}
