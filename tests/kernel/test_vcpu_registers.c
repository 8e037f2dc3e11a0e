// SPDX-License-Identifier: MIT
// Registers that the hardware does not switch are each vCPU's own; bad values do not reach the CPU.
#include "tests/kernel/vm.h"

GUEST(msrs, "mov $0xc0000082, %ecx\n mov $0x11223344, %eax\n mov $0x7f, %edx\n wrmsr\n out %al, $0x80\n rdmsr\n hlt");
GUEST(vectors, "movd %eax, %xmm3\n 1: out %al, $0x80\n movd %xmm3, %eax\n jmp 1b");

static uint64_t msr_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        return start_real(s);
    case VMX_EXIT_IO:
        CHECK_EQ(s->lstar, 0x7f11223344);
        s->lstar = 0xdead000000005678; // not canonical: WRMSR would fault
        s->kernel_gs_base = ~0ul;
        s->fmask = ~0ul;
        s->tsc_aux = ~0ul;
        s->spec_ctrl = ~0ul;
        s->xcr0 = ~0ul;
        s->xss = ~0ul;
        s->efer = EFER_SCE;
        for (unsigned i = 0; i < 4; i++)
            s->dr[i] = ~0ul;
        s->dr6 = s->dr7 = ~0ul;
        return skip_insn(s) | MTD_SYSCALL | MTD_XSAVE | MTD_DR | MTD_EFER;
    case VMX_EXIT_HLT:
        CHECK_EQ(s->gpr[GPR_RAX], 0x5678);
        CHECK_EQ(s->lstar, 0x5678);
        CHECK_EQ(s->xcr0, 1);
        CHECK_EQ(s->xss, 0);
        CHECK_EQ(s->dr7 >> 32, 0);
        CHECK_EQ(s->efer, EFER_SCE);
        return MTD_STOP;
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void msrs(void)
{
    if (no_vms())
        return;
    VM_START(msrs, msr_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_WRMSR], 0);
    vm_end(1);
}

static uint64_t own_answer(unsigned event, struct utcb_state *s)
{
    static unsigned started;
    if (event == EVENT_STARTUP) {
        uint64_t mtd = start_real(s), me = started++ & 1 ? 0x2222 : 0x1111;
        s->gpr[GPR_RAX] = s->gpr[GPR_RSI] = s->lstar = s->kernel_gs_base = s->dr[2] = s->cr2 = me;
        s->cr4 = CR4_OSFXSR;
        s->gpr[GPR_RDX] = 200;
        return mtd;
    }
    CHECK_EQ(event, VMX_EXIT_IO);
    uint64_t me = s->gpr[GPR_RSI];
    CHECK_EQ(s->gpr[GPR_RAX] & 0xffff, me);
    CHECK_EQ(s->lstar, me);
    CHECK_EQ(s->kernel_gs_base, me);
    CHECK_EQ(s->dr[2], me);
    CHECK_EQ(s->cr2, me);
    if (--s->gpr[GPR_RDX] == 0)
        return MTD_STOP;
    for (uint64_t until = tsc() + HIP->tsc_hz / 20000; tsc() < until;) // so that slices end in between
        __builtin_ia32_pause();
    s->gpr[GPR_RAX] = 0;
    return skip_insn(s) | MTD_ACDB;
}

static void own_registers(void)
{
    if (no_vms())
        return;
    vm_start(guest_vectors, guest_vectors_end, own_answer, 2, 10);
    vm_wait();
    vm_wait();
    vm_end(2);
}

static void own_registers_remote(void)
{
    on_the_other_cpu(own_registers);
}

static void own_registers_beside(void) // and a thread with the right to vector registers
{
    if (no_vms())
        return;
    fpu_beside_start(vm_cpu);
    own_registers();
    fpu_beside_end();
}

static void own_registers_beside_remote(void)
{
    on_the_other_cpu(own_registers_beside);
}

const struct test tests_vcpu_registers[] = {
    {"MSRs pass, bad values do not reach the CPU", msrs},
    {"two vCPUs keep their registers apart", own_registers},
    {"two vCPUs on another CPU", own_registers_remote},
    {"two vCPUs and a thread with vector registers", own_registers_beside},
    {"the same on another CPU", own_registers_beside_remote},
    {0},
};
