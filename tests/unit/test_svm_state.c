// SPDX-License-Identifier: MIT
// sources: svm/state.c svm/events.c
// A vCPU's state to and from the UTCB, and events in both formats. What switches real registers is replaced.
#include <string.h>
#include "svm/svm.h"
#include "tests/unit/cmocka_all.h"

struct svm svm;
struct vcpu_registers vcpu_registers = {.efer_allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE};

static struct cpu cpu;
static struct vcpu_stats stats;
static struct vmcb vmcb;
static struct vcpu v;
static struct ec ec;
static struct utcb_state s;

void vcpu_carried_read(struct vcpu_base *base)
{
    (void)base;
}

void vcpu_carried_set(struct vcpu_base *base, enum carried which, uint64_t value)
{
    base->msr[which] = value;
}

void vcpu_debug_set(struct vcpu_base *base, const struct utcb_state *state)
{
    memcpy(base->dr, state->dr, sizeof(base->dr));
}

void vcpu_xsave_save(struct vcpu_base *base, struct utcb_state *state)
{
    state->xcr0 = base->ec->xcr0;
}

void vcpu_xsave_load(struct vcpu_base *base, const struct utcb_state *state)
{
    base->ec->xcr0 = state->xcr0;
}

static int setup(void **state)
{
    (void)state;
    memset(&vmcb, 0, sizeof(vmcb));
    memset(&s, 0, sizeof(s));
    v = (struct vcpu){.base = {.cpu = &cpu, .ec = &ec, .stats = &stats, .deadline = UINT64_MAX},
                      .vmcb = &vmcb,
                      .reason = REASON_NONE};
    ec.vcpu = &v;
    vmcb.efer = EFER_SVME;
    vmcb.vintr = SVM_V_INTR_MASKING;
    svm.nrips = false;
    return 0;
}

static void save(uint32_t mtd)
{
    svm_state_save(&ec, &s, mtd);
}

static void load(uint32_t mtd)
{
    svm_state_load(&ec, &s, mtd);
}

static void a_state_comes_back(void **state)
{
    (void)state;
    uint8_t *bytes = (uint8_t *)&s;
    for (unsigned i = 0; i < sizeof(s); i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    s.cr0 = CR0_PE | CR0_PG | CR0_ET;
    s.cr4 = CR4_PAE;
    s.cr8 = 9;
    s.rflags |= RFLAGS_ONE;
    s.efer = EFER_LME | EFER_LMA | EFER_SCE;
    s.intr_state = BLOCKING_STI;
    s.inj_info = s.activity = s.apic_mode = s.tpr_threshold = 0;
    s.xss = s.spec_ctrl = 0;
    s.dr6 = (uint32_t)s.dr6;
    s.dr7 = (uint32_t)s.dr7 | DR7_RESET;
    s.fmask = (uint32_t)s.fmask;
    s.lstar = s.cstar = s.kernel_gs_base = 0x7fff12345678;
    s.sysenter_esp = s.sysenter_eip = ~0xffful;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        s.seg[i].ar = 0x893;
        s.seg[i].base = 0x7000000000 + i;
    }
    struct utcb_state wanted = s;
    load(MTD_ALL);
    memset(&s, 0, sizeof(s));
    save(MTD_ALL);
    static const unsigned carried[] = {GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RSI};
    for (unsigned i = 0; i < sizeof(carried) / sizeof(*carried); i++)
        assert_int_equal(s.gpr[carried[i]], wanted.gpr[carried[i]]);
#define SAME(field) assert_memory_equal(&s.field, &wanted.field, sizeof(s.field))
    SAME(rip), SAME(rflags), SAME(cr0), SAME(cr2), SAME(cr3), SAME(cr4), SAME(cr8), SAME(dr), SAME(dr6), SAME(dr7),
        SAME(efer);
    SAME(pat), SAME(sysenter_cs), SAME(sysenter_esp), SAME(sysenter_eip), SAME(star), SAME(lstar), SAME(cstar),
        SAME(fmask);
    SAME(kernel_gs_base), SAME(tsc_aux), SAME(xcr0), SAME(tsc_offset), SAME(deadline), SAME(seg), SAME(intr_state);
}

static void only_what_was_asked_for(void **state)
{
    (void)state;
    struct utcb_state before;
    memset(&s, 0xa5, sizeof(s));
    before = s;
    vmcb.rip = 0x1234;
    v.reason = SVM_EXIT_CPUID;
    save(MTD_RIP);
    assert_int_equal(s.rip, 0x1234);
    before.rip = 0x1234;
    before.insn_len = 0;
    assert_memory_equal(&s, &before, sizeof(s));
    s.rip = 0x55;
    s.rflags = 0x246;
    load(MTD_RFLAGS);
    assert_int_equal(vmcb.rip, 0x1234);
    assert_int_equal(vmcb.rflags, 0x246);
}

static void bad_values_become_harmless(void **state)
{
    (void)state;
    memset(&s, 0xff, sizeof(s));
    s.lstar = 0xdead000000005678;
    s.inj_info = 0;
    load(MTD_ALL & ~MTD_XSAVE);
    assert_int_equal(vmcb.lstar, 0x5678);
    assert_int_equal(vmcb.fmask, 0xffffffff);
    assert_int_equal(vmcb.dr6 >> 32, 0);
    assert_int_equal(vmcb.dr7 >> 32, 0);
    assert_int_equal(vmcb.efer & ~(EFER_SVME | vcpu_registers.efer_allowed), 0);
    assert_true(vmcb.efer & EFER_SVME);
    assert_int_equal(vmcb.vintr, SVM_V_INTR_MASKING | 15);
    s.seg[SEG_GS].base = 0x8000000000000000;
    load(MTD_FSGS);
    assert_int_equal(vmcb.gs.base, 0);
}

static void efer(void **state)
{
    (void)state;
    s.efer = EFER_LMA; // the hardware's own bit
    load(MTD_EFER);
    assert_int_equal(vmcb.efer, EFER_SVME);
    s.efer = EFER_LME;
    load(MTD_EFER);
    assert_int_equal(vmcb.efer, EFER_SVME | EFER_LME);
    assert_true(vmcb.cr4 & CR4_PAE);
    save(MTD_EFER);
    assert_int_equal(s.efer, EFER_LME);
    s.cr0 = CR0_PE | CR0_PG;
    s.cr4 = CR4_PAE;
    load(MTD_CR);
    assert_int_equal(vmcb.efer, EFER_SVME | EFER_LME | EFER_LMA);
}

static void segments(void **state)
{
    (void)state;
    s.seg[SEG_SS] = (struct utcb_seg){.sel = 0x33, .ar = 0xcf3, .limit = ~0u};
    s.seg[SEG_CS] = (struct utcb_seg){.sel = 0x2b, .ar = 0xafb, .limit = ~0u};
    s.seg[SEG_LDTR] = (struct utcb_seg){.ar = 0x1000};
    load(MTD_CSSS | MTD_TRLDTR);
    assert_int_equal(vmcb.cpl, 3);
    assert_int_equal(vmcb.ldtr.attr, 0);
    vmcb.ss.attr = 0; // null after SYSRET or an interrupt
    vmcb.cpl = 3;
    save(MTD_CSSS | MTD_TRLDTR);
    assert_int_equal(s.seg[SEG_SS].ar, 0x1060);
    assert_int_equal(s.seg[SEG_LDTR].ar, 0x1000);
    assert_int_equal(s.seg[SEG_CS].ar, 0xafb);
}

static void instruction_length(void **state)
{
    (void)state;
    vmcb.rip = 0x1000;
    vmcb.nrip = 0x1002;
    vmcb.exit_info2 = 0x1001;
    v.reason = SVM_EXIT_CPUID;
    save(MTD_RIP);
    assert_int_equal(s.insn_len, 0);
    svm.nrips = true;
    save(MTD_RIP);
    assert_int_equal(s.insn_len, 2);
    v.reason = SVM_EXIT_IOIO;
    save(MTD_RIP);
    assert_int_equal(s.insn_len, 1);
    vmcb.exit_info2 = 0x1010;
    save(MTD_RIP);
    assert_int_equal(s.insn_len, 0);
}

static void inject(uint32_t info, uint32_t error, uint32_t length)
{
    s.inj_info = info;
    s.inj_error = error;
    s.inj_len = length;
    load(MTD_INJ);
}

static void injection(void **state)
{
    (void)state;
    vmcb.rip = 0x100;
    inject(INTR_VALID | INTR_TYPE_EXTERNAL | 0x30, 0, 0);
    assert_int_equal(vmcb.event_inj, INTR_VALID | 0x30);
    inject(INTR_VALID | INTR_TYPE_HW_EXCEPTION | INTR_ERROR_CODE | EXC_PF, 7, 0);
    assert_int_equal(vmcb.event_inj, 7ul << 32 | INTR_VALID | INTR_TYPE_HW_EXCEPTION | INTR_ERROR_CODE | EXC_PF);
    assert_int_equal(vmcb.rip, 0x100);
    inject(INTR_VALID | INTR_TYPE_SW_INTERRUPT | 0x80, 0, 2);
    assert_int_equal(vmcb.event_inj, INTR_VALID | INTR_TYPE_SW_INTERRUPT | 0x80);
    assert_int_equal(vmcb.rip, 0x102);
    inject(INTR_VALID | INTR_TYPE_SW_EXCEPTION | EXC_BP, 0, 1);
    assert_int_equal(vmcb.event_inj, INTR_VALID | INTR_TYPE_HW_EXCEPTION | EXC_BP);
    assert_int_equal(vmcb.rip, 0x103);
    inject(0x30, 0, 0);
    assert_int_equal(vmcb.event_inj, 0);
    assert_false(v.unchecked);
    inject(INTR_VALID | INTR_TYPE_OTHER, 0, 0);
    assert_true(v.unchecked);
}

static void windows(void **state)
{
    (void)state;
    inject(INJ_INTR_WINDOW, 0, 0);
    assert_true(vmcb.vintr & SVM_V_IRQ && vmcb.vintr & SVM_V_IGN_TPR && vmcb.vintr & SVM_V_INTR_MASKING);
    assert_true(vmcb.intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_VINTR));
    inject(INJ_NMI_WINDOW, 0, 0);
    assert_int_equal(vmcb.vintr, SVM_V_INTR_MASKING);
    assert_false(vmcb.intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_VINTR));
    assert_int_equal(v.later, LATER_NMI_WINDOW);
}

// What an exit interrupted is said and not said twice.
static void interrupted(void **state)
{
    (void)state;
    vmcb.rip = 0x200;
    v.reason = SVM_EXIT_NPF;
    vmcb.exit_int_info = 5ul << 32 | INTR_VALID | INTR_TYPE_HW_EXCEPTION | INTR_ERROR_CODE | EXC_GP;
    save(MTD_INJ);
    assert_int_equal(s.idt_info, INTR_VALID | INTR_TYPE_HW_EXCEPTION | INTR_ERROR_CODE | EXC_GP);
    assert_int_equal(s.idt_error, 5);
    save(MTD_INJ);
    assert_int_equal(s.idt_info, 0);
    vmcb.exit_int_info = INTR_VALID | INTR_TYPE_SW_INTERRUPT | 0x80; // INT 80h of the guest: executed again
    save(MTD_INJ);
    assert_int_equal(s.idt_info, 0);
    inject(INTR_VALID | INTR_TYPE_SW_INTERRUPT | 0x80, 0, 2); // ours: is not
    v.reason = SVM_EXIT_NPF;
    vmcb.exit_int_info = vmcb.event_inj;
    vmcb.event_inj = 0;
    save(MTD_INJ | MTD_RIP);
    assert_int_equal(s.idt_info, INTR_VALID | INTR_TYPE_SW_INTERRUPT | 0x80);
    assert_int_equal(s.insn_len, 2);
    assert_int_equal(s.rip, 0x200);
}

static void not_delivered_at_all(void **state)
{
    (void)state;
    inject(INTR_VALID | INTR_TYPE_NMI | EXC_NMI, 0, 0);
    assert_int_equal(v.nmi, NMI_BLOCKED);
    save(MTD_INJ | MTD_STATE); // a recall came first
    assert_int_equal(s.idt_info, INTR_VALID | INTR_TYPE_NMI | EXC_NMI);
    assert_int_equal(s.intr_state, 0);
    assert_int_equal(vmcb.event_inj, 0);
}

static void kept_by_the_kernel(void **state)
{
    (void)state;
    vmcb.exit_int_info = INTR_VALID | INTR_TYPE_EXTERNAL | 0x41;
    event_keep(&v);
    assert_int_equal(vmcb.event_inj, INTR_VALID | 0x41);
    v.reason = SVM_EXIT_INTR; // then the deadline passes
    save(MTD_INJ);
    assert_int_equal(s.idt_info, INTR_VALID | 0x41);
    assert_int_equal(vmcb.event_inj, 0);
}

#define IRQ(vector) (INTR_VALID | INTR_TYPE_EXTERNAL | (vector))

static unsigned virtual_vector(void)
{
    return vmcb.vintr & SVM_V_IRQ ? (unsigned)(vmcb.vintr >> SVM_V_INTR_VECTOR_SHIFT & INTR_VECTOR) : 0;
}

// An emulator forgot the virtual interrupt, and the guest ran on: it is delivered all the same, when the guest can take
// it.
static void virtual_interrupt_not_taken(void **state)
{
    (void)state;
    vmcb.rflags = RFLAGS_IF;
    inject(IRQ(0x25), 0, 0);
    assert_int_equal(virtual_vector(), 0x25);
    v.reason = SVM_EXIT_IOIO;
    save(MTD_RFLAGS);
    inject(IRQ(0xec), 0, 0); // another one at an exit that did not ask what was interrupted
    assert_int_equal(virtual_vector(), 0xec);
    vmcb.vintr &= ~SVM_V_IRQ; // that one is taken
    vmcb.rflags = 0;
    v.reason = SVM_EXIT_NPF;
    save(MTD_INJ);
    assert_int_equal(s.idt_info, 0); // it cannot be taken here
    inject(INJ_INTR_WINDOW, 0, 0);
    assert_int_equal(virtual_vector(), 0x25);
    assert_false(vmcb.intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_VINTR));
    vmcb.rflags = RFLAGS_IF;
    v.reason = SVM_EXIT_INTR;
    save(MTD_INJ);
    assert_int_equal(s.idt_info, IRQ(0x25)); // a deadline came first
    save(MTD_INJ);
    assert_int_equal(s.idt_info, 0);
}

// With an interrupt a window for the next one may be asked for: it opens when the first one has been taken.
static void virtual_interrupt_and_window(void **state)
{
    (void)state;
    vmcb.rflags = RFLAGS_IF;
    inject(IRQ(0x25) | INJ_INTR_WINDOW, 0, 0);
    assert_int_equal(vmcb.event_inj, 0);
    assert_int_equal(virtual_vector(), 0x25);
    assert_false(vmcb.intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_VINTR));
    event_later(&v); // the kernel's own exit came before
    assert_int_equal(virtual_vector(), 0x25);
    vmcb.vintr &= ~SVM_V_IRQ; // taken
    event_later(&v);
    assert_true(vmcb.vintr & SVM_V_IRQ && vmcb.intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_VINTR));
    assert_int_equal(v.later, 0);
}

static void virtual_interrupt_waits(void **state)
{
    (void)state;
    vmcb.rflags = RFLAGS_IF;
    inject(IRQ(0x25), 0, 0);
    v.reason = SVM_EXIT_NPF; // the guest ran on, to a device's memory
    save(MTD_INJ);
    assert_int_equal(s.idt_info, 0);
    vmcb.rflags = 0; // and to a CLI
    v.reason = SVM_EXIT_INTR;
    save(MTD_INJ);
    assert_int_equal(s.idt_info, 0);
    inject(0, 0, 0);
    assert_int_equal(virtual_vector(), 0x25); // taken as soon as IF is set
    assert_false(vmcb.intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_VINTR));
}

static void virtual_interrupt_interrupted(void **state)
{
    (void)state;
    vmcb.rflags = RFLAGS_IF;
    inject(IRQ(0x25), 0, 0);
    v.reason = SVM_EXIT_NPF; // in its delivery: V_IRQ is still set
    vmcb.exit_int_info = IRQ(0x25);
    save(MTD_INJ);
    assert_int_equal(s.idt_info, IRQ(0x25));
    inject(0, 0, 0);
    assert_int_equal(virtual_vector(), 0); // once is enough
}

static void nmi_blocking(void **state)
{
    (void)state;
    vmcb.rip = 0x300;
    inject(INTR_VALID | INTR_TYPE_NMI | EXC_NMI, 0, 0);
    assert_true(vmcb.intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_IRET));
    vmcb.event_inj = 0; // delivered
    save(MTD_STATE);
    assert_int_equal(s.intr_state, BLOCKING_NMI);
    vmcb.rip = 0x400;
    nmi_iret(&v);
    assert_false(vmcb.intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_IRET));
    nmi_settle(&v); // an exit on the IRET itself
    assert_int_equal(v.nmi, NMI_IRET);
    vmcb.rip = 0x300;
    nmi_settle(&v);
    save(MTD_STATE);
    assert_int_equal(s.intr_state, 0);
    s.intr_state = BLOCKING_NMI;
    load(MTD_STATE);
    assert_int_equal(v.nmi, NMI_BLOCKED);
    s.intr_state = 0;
    load(MTD_STATE);
    assert_int_equal(v.nmi, NMI_OPEN);
    assert_false(vmcb.intercept_1 & SVM_INTERCEPT_1(SVM_EXIT_IRET));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(a_state_comes_back),
        TEST(only_what_was_asked_for),
        TEST(bad_values_become_harmless),
        TEST(efer),
        TEST(segments),
        TEST(instruction_length),
        TEST(injection),
        TEST(windows),
        TEST(interrupted),
        TEST(not_delivered_at_all),
        TEST(kept_by_the_kernel),
        TEST(virtual_interrupt_not_taken),
        TEST(virtual_interrupt_and_window),
        TEST(virtual_interrupt_waits),
        TEST(virtual_interrupt_interrupted),
        TEST(nmi_blocking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
