// SPDX-License-Identifier: MIT
// Events into a guest: windows, injections, and those that do not get there.
#include "lib/c/string.h"
#include "tests/kernel/vm.h"

GUEST(windows, "cli\n out %al, $0x80\n sti\n nop\n nop\n 1: inc %edx\n jmp 1b");

static uint64_t window_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        // vector 20h: 0100:0080, where the guest halts
        *(uint32_t *)(GUEST_VIEW + 0x20 * 4) = GUEST_CS << 16 | 0x80;
        *(uint8_t *)(GUEST_VIEW + GUEST_CODE + 0x80) = 0xf4;
        return start_real(s);
    case VMX_EXIT_IO:
        CHECK_EQ(s->rflags & RFLAGS_IF, 0);
        s->inj_info = INJ_INTR_WINDOW;
        return skip_insn(s) | MTD_INJ;
    case VMX_EXIT_INTERRUPT_WINDOW:
        CHECK(s->rflags & RFLAGS_IF);
        CHECK_EQ(s->intr_state & 3, 0); // STI shadow is over
        s->inj_info = INTR_VALID | INTR_TYPE_EXTERNAL | 0x20;
        return MTD_INJ;
    case VMX_EXIT_HLT:
        CHECK_EQ(s->rip, 0x80);
        CHECK_EQ(s->rflags & RFLAGS_IF, 0);
        return MTD_STOP;
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void injection(void)
{
    if (no_vms())
        return;
    VM_START(windows, window_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_INTERRUPT_WINDOW], 1);
    CHECK_EQ(vm.stats->injections, 1);
    vm_end(1);
}

// An injection that a recall comes before is reported as not delivered.
static uint64_t undelivered_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP) {
        uint64_t mtd = start_real(s);
        s->inj_info = INTR_VALID | INTR_TYPE_HW_EXCEPTION | 6;
        ctrl_ec(EC_RECALL, vm.ec[0]);
        return mtd;
    }
    CHECK_EQ(event, EVENT_RECALL);
    CHECK_EQ(s->idt_info, INTR_VALID | INTR_TYPE_HW_EXCEPTION | 6);
    CHECK_EQ(s->inj_info, 0);
    return MTD_STOP;
}

static void undelivered(void)
{
    if (no_vms())
        return;
    VM_START(spin, undelivered_answer);
    vm_wait();
    vm_end(1);
}

// NMIs are blocked until the handler's IRET is over, and no longer: the next one comes before another instruction.
static uint64_t nmi_answer(unsigned event, struct utcb_state *s)
{
    static const uint8_t code[] = {0xe6, 0x80, 0xcf}; // out %al, $0x80; iret
    switch (event) {
    case EVENT_STARTUP:
        *(uint32_t *)(GUEST_VIEW + 2 * 4) = GUEST_CS << 16 | 0x80;
        memcpy((void *)(GUEST_VIEW + GUEST_CODE + 0x80), code, sizeof code);
        start_real(s);
        s->inj_info = INTR_VALID | INTR_TYPE_NMI | 2;
        return MTD_ALL;
    case VMX_EXIT_IO:
        CHECK(s->intr_state & BLOCKING_NMI);
        CHECK_EQ(s->rflags & RFLAGS_TF, 0);
        s->inj_info = INJ_NMI_WINDOW;
        s->gpr[GPR_RAX] = 0;
        return skip_insn(s) | MTD_INJ | MTD_ACDB;
    case VMX_EXIT_NMI_WINDOW:
        CHECK_EQ(s->intr_state & BLOCKING_NMI, 0);
        CHECK_EQ(s->gpr[GPR_RAX], 0);
        CHECK_EQ(s->rflags & RFLAGS_TF, 0);
        CHECK_EQ(s->dr6, DR6_RESET);
        return MTD_STOP;
    default:
        CHECK_EQ(event, VMX_EXIT_NMI_WINDOW);
        return MTD_STOP;
    }
}

static void nmi_after_iret(void)
{
    if (no_vms())
        return;
    VM_START(spin, nmi_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_NMI_WINDOW], 1);
    vm_end(1);
}

const struct test tests_vcpu_events[] = {
    {"an NMI that waits comes right behind the IRET of the last", nmi_after_iret},
    {"interrupt window and injection", injection},
    {"an injection before which a recall came", undelivered},
    {0},
};
