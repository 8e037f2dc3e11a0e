// SPDX-License-Identifier: MIT
// The local APIC's page and registers, where the CPU answers for them.
#include "pc/lapic.h"
#include "tests/kernel/vm.h"

// DS is at the local APIC: identity, TPR, EOI, current count
GUEST(xapic, "mov 0x20, %ebx\n movl $0x35, 0x80\n mov 0x80, %edx\n movl $0, 0xb0\n mov 0x390, %eax\n hlt");
GUEST(x2apic,
      "mov $0x802, %ecx\n rdmsr\n mov %eax, %ebx\n mov $0x808, %ecx\n mov $0x45, %eax\n xor %edx, %edx\n wrmsr\n"
      "mov $0x80b, %ecx\n xor %eax, %eax\n wrmsr\n hlt");

static volatile uint32_t *apic_register(unsigned offset)
{
    return (volatile uint32_t *)(VCPU_PAGES + offset);
}

static uint64_t xapic_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        *apic_register(LAPIC_ID) = 0x07000000;
        *apic_register(LAPIC_TPR) = 0;
        start_real(s);
        s->apic_mode = APIC_XAPIC;
        s->seg[SEG_DS].base = LAPIC_BASE;
        return MTD_ALL;
    case VMX_EXIT_APIC_WRITE:
        CHECK_EQ(s->qual[0], LAPIC_EOI);
        CHECK_EQ(s->gpr[GPR_RBX], 0x07000000);
        CHECK_EQ(s->gpr[GPR_RDX], 0x35);
        CHECK_EQ(s->cr8, 3);
        CHECK_EQ(*apic_register(LAPIC_TPR), 0x35);
        CHECK_EQ(s->apic_mode, APIC_XAPIC);
        return 0; // trap-like: RIP is behind it already
    case VMX_EXIT_APIC_ACCESS:
        CHECK_EQ(s->qual[0] & 0xfff, LAPIC_TIMER_CURRENT);
        s->apic_mode = APIC_NONE;
        return MTD_APIC; // and again, now as plain memory that is not there
    default:
        CHECK_EQ(event, VMX_EXIT_EPT_VIOLATION);
        CHECK_EQ(s->qual[1], LAPIC_BASE + LAPIC_TIMER_CURRENT);
        return MTD_STOP;
    }
}

static void xapic(void)
{
    if (no_vms())
        return;
    if (!(HIP->virt & HIP_APIC_REGS)) {
        skip("no APIC-register virtualisation");
        return;
    }
    VM_START(xapic, xapic_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_APIC_WRITE], 1);
    CHECK_EQ(vm.seen[VMX_EXIT_APIC_ACCESS], 1);
    vm_end(1);
}

static uint64_t x2apic_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        *apic_register(LAPIC_ID) = 7;
        start_real(s);
        s->apic_mode = APIC_X2APIC;
        return MTD_ALL;
    case VMX_EXIT_WRMSR:
        CHECK_EQ(s->gpr[GPR_RCX], 0x80b);
        CHECK_EQ(s->gpr[GPR_RBX], 7);
        CHECK_EQ(*apic_register(LAPIC_TPR), 0x45);
        return skip_insn(s);
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void x2apic(void)
{
    if (no_vms())
        return;
    if (!(HIP->virt & HIP_APIC_REGS)) {
        skip("no APIC-register virtualisation");
        return;
    }
    VM_START(x2apic, x2apic_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_WRMSR], 1);
    vm_end(1);
}

const struct test tests_vcpu_apic[] = {
    {"local APIC in xAPIC mode", xapic},
    {"local APIC in x2APIC mode", x2apic},
    {0},
};
