// SPDX-License-Identifier: MIT
// Events into a guest: windows, injections, and those that do not get there.
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

const struct test tests_vcpu_events[] = {
    {"interrupt window and injection", injection},
    {"an injection before which a recall came", undelivered},
    {0},
};
