// SPDX-License-Identifier: MIT
// What a handler sees of a guest's exits, what its answers do, and what one costs.
#include "tests/kernel/vm.h"

GUEST(plain, "mov $0x1234, %ebx\n mov $7, %eax\n mov $9, %ecx\n cpuid\n out %al, $0x80\n in $0x81, %al\n hlt");
GUEST(many, "mov $1000, %edi\n 1: cpuid\n dec %edi\n jnz 1b\n hlt");
GUEST(ports, "mov $1000, %edi\n 1: out %al, $0x80\n dec %edi\n jnz 1b\n hlt");
GUEST(triple, "lidt %cs:2f-guest_triple\n int3\n 2: .word 0, 0, 0");
GUEST(badmsr, "mov $0xc0011029, %ecx\n rdmsr\n hlt");

static uint64_t plain_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        CHECK_EQ(s->rflags, 2);
        return start_real(s);
    case VMX_EXIT_CPUID:
        CHECK_EQ(s->gpr[GPR_RAX], 7);
        CHECK_EQ(s->gpr[GPR_RCX], 9);
        CHECK_EQ(s->gpr[GPR_RBX], 0x1234);
        CHECK_EQ(s->insn_len, 2);
        CHECK_EQ(s->cr0, CR0_ET);
        CHECK_EQ(s->seg[SEG_CS].sel, GUEST_CS);
        CHECK_EQ(s->seg[SEG_CS].ar & ~8, 0x93); // Bochs makes it a data segment in real mode
        CHECK_EQ(s->gpr[GPR_RSP], 0x8000);
        s->gpr[GPR_RAX] = 0x77;
        return skip_insn(s) | MTD_ACDB;
    case VMX_EXIT_IO:
        if (s->qual[0] & IO_QUAL_IN) {
            CHECK_EQ(s->qual[0] >> 16, 0x81);
            s->gpr[GPR_RAX] = 0x99;
            return skip_insn(s) | MTD_ACDB;
        }
        CHECK_EQ(s->qual[0] >> 16, 0x80);
        CHECK_EQ(s->gpr[GPR_RAX], 0x77);
        return skip_insn(s);
    case VMX_EXIT_HLT:
        CHECK_EQ(s->gpr[GPR_RAX], 0x99);
        return MTD_STOP;
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void exits(void)
{
    if (no_vms())
        return;
    VM_START(plain, plain_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_CPUID], 1);
    CHECK_EQ(vm.seen[VMX_EXIT_IO], 2);
    CHECK_EQ(vm.stats->exits[vendor_event(VMX_EXIT_CPUID)], 1);
    CHECK_EQ(vm.stats->exits[vendor_event(VMX_EXIT_IO)], 2);
    CHECK_EQ(vm.stats->exits[vendor_event(VMX_EXIT_HLT)], 1);
    CHECK(vm.stats->guest && vm.stats->kernel && vm.stats->vmm);
    vm_end(1);
}

static void no_virtualisation(void)
{
    if (HIP->virt) {
        skip("this machine has it");
        return;
    }
    CHECK(HIP->virt_refusal);
    uint64_t s = sels(1);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_VCPU, VCPU_PAGES, 0, 0).status, ST_BAD_FTR);
}

static uint64_t many_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    if (event == VMX_EXIT_CPUID || event == VMX_EXIT_IO)
        return skip_insn(s) | MTD_ACDB;
    CHECK_EQ(event, VMX_EXIT_HLT);
    return MTD_STOP;
}

static void cost_of(const char *what, const char *code, const char *end, unsigned event, uint64_t mtd)
{
    vm_start(code, end, many_answer, 1, 10);
    // The first portal of the VM's events is that of event 0: find ours by the order in which vm_start took selectors.
    uint64_t events = vm.done + 1;
    CHECK_EQ(ctrl_pt(PT_SET_MTD, events + vendor_event(event), mtd).status, ST_OK);
    vm_wait();
    const struct vcpu_stats *t = vm.stats;
    CHECK_EQ(t->exits[vendor_event(event)], 1000);
    say("ktest: %s exit: %lu kernel, %lu handler ticks", what, t->kernel / 1000, t->vmm / 1000);
    vm_end(1);
}

static void costs(void)
{
    if (no_vms())
        return;
    cost_of("CPUID", guest_many, guest_many_end, VMX_EXIT_CPUID, MTD_ACDB | MTD_RIP | MTD_RFLAGS | MTD_STATE);
    cost_of("CPUID with all that decoding needs", guest_many, guest_many_end, VMX_EXIT_CPUID,
            MTD_GPR | MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_QUAL | MTD_INJ | MTD_CR | MTD_EFER | MTD_CSSS | MTD_ESDS |
                MTD_FSGS);
    cost_of("port", guest_ports, guest_ports_end, VMX_EXIT_IO, MTD_ACDB | MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_QUAL);
}

static uint64_t triple_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    CHECK_EQ(event, VMX_EXIT_TRIPLE_FAULT);
    return MTD_STOP;
}

static void triple_fault(void)
{
    if (no_vms())
        return;
    VM_START(triple, triple_answer);
    vm_wait();
    vm_end(1);
}

static uint64_t unknown_msr_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    CHECK_EQ(event, VMX_EXIT_RDMSR);
    CHECK_EQ(s->gpr[GPR_RCX], 0xc0011029);
    return MTD_STOP;
}

static void unknown_msr(void)
{
    if (no_vms())
        return;
    VM_START(badmsr, unknown_msr_answer);
    vm_wait();
    vm_end(1);
}

const struct test tests_vcpu_exits[] = {
    {"a machine without virtualisation says so", no_virtualisation},
    {"exits carry state, answers change it", exits},
    {"what an exit costs", costs},
    {"triple fault", triple_fault},
    {"unknown MSR", unknown_msr},
    {0},
};
