// SPDX-License-Identifier: MIT
// sources: vmm-user/insn/decode.c vmm-user/insn/decode_vector.c vmm-user/insn/opcodes.c vmm-user/insn/alu.c
// sources: vmm-user/insn/memory.c vmm-user/insn/fetch.c vmm-user/insn/execute.c vmm-user/insn/modify.c
// sources: vmm-user/insn/multiply.c vmm-user/insn/stack.c vmm-user/insn/string.c vmm-user/insn/vector.c
// sources: vmm-user/insn/vector_forms.c vmm-user/insn/run.c vmm-user/insn/system.c vmm-user/guest_walk.c
//
// Vector instructions with their operand in a device.
#include "tests/unit/insn_machine.h"

static void mode_vector(void)
{
    mode_64();
    vector_state_init();
    state.cr4 |= CR4_OSFXSR;
    state.gpr[GPR_RBX] = DEVICE_GVA;
    cpu.vector = VECTOR_SSE4 | VECTOR_AVX;
}

// A register is stored to a device in accesses of eight bytes and loaded from it; what is written by another size is
// not.
static void test_vector_moves(void **unused)
{
    (void)unused;
    mode_vector();
    for (unsigned i = 0; i < 16; i++) {
        vector_state[160 + i] = (uint8_t)(0x11 * i); // XMM0
    }
    assert_int_equal(RUN(0x0f, 0x11, 0x43, 0x04), INSN_DONE); // movups [rbx + 4], xmm0
    assert_access(0, DEVICE_GPA + 4, 8, true, 0x7766554433221100);
    assert_access(1, DEVICE_GPA + 12, 8, true, 0xffeeddccbbaa9988);
    assert_int_equal(state.rip, CODE + 4);
    assert_int_equal(RUN(0xf3, 0x0f, 0x10, 0x0b), INSN_DONE); // movss xmm1, [rbx]
    assert_access(2, DEVICE_GPA, 4, false, 0);
    assert_int_equal(host_load(vector_state + 176, 8), 0xe5f60718);
    assert_int_equal(host_load(vector_state + 184, 8), 0);
    state.gpr[GPR_RBX] = DEVICE_GVA - 6;
    entry_set(4, DEVICE_GVA / PAGE - 1, 0x20000 | PTE_P | PTE_W); // RAM
    assert_int_equal(RUN(0xf3, 0x0f, 0x7f, 0x03), INSN_DONE);     // movdqu [rbx], xmm0
    assert_int_equal(host_load(ram + 0x20000 + PAGE - 6, 4), 0x33221100);
    assert_int_equal(logged, 3 + 2 + 1); // two bytes of the first half, and the second
    entry_set(4, DEVICE_GVA / PAGE - 1, 0x20000 | PTE_P);
    assert_fault(RUN(0xf3, 0x0f, 0x7f, 0x03), EXC_PF, true, PF_PRESENT | PF_WRITE);
    assert_int_equal(cpu.fault.cr2, DEVICE_GVA - 6);
    assert_int_equal(logged, 6);
}

static void test_vector_faults(void **unused)
{
    (void)unused;
    mode_vector();
    state.gpr[GPR_RBX] += 8;
    assert_fault(RUN(0x0f, 0x28, 0x03), EXC_GP, true, 0); // movaps
    assert_int_equal(RUN(0x0f, 0x10, 0x03), INSN_DONE);   // movups
    state.gpr[GPR_RBX] -= 8;
    state.cr0 |= CR0_TS;
    assert_fault(RUN(0x0f, 0x28, 0x03), EXC_NM, false, 0);
    assert_fault(RUN(0xd9, 0x03), EXC_NM, false, 0); // fld
    state.cr0 ^= CR0_TS | CR0_EM;
    assert_fault(RUN(0x0f, 0x28, 0x03), EXC_UD, false, 0);
    assert_fault(RUN(0xd9, 0x03), EXC_NM, false, 0);
    state.cr0 &= ~CR0_EM;
    state.cr4 &= ~CR4_OSFXSR;
    assert_fault(RUN(0x0f, 0x28, 0x03), EXC_UD, false, 0);
    state.cr4 |= CR4_OSFXSR;
    assert_fault(RUN(0xc5, 0xf8, 0x28, 0x03), EXC_UD, false, 0); // vmovaps without OSXSAVE
    state.cr4 |= CR4_OSXSAVE;
    assert_int_equal(RUN(0xc5, 0xf8, 0x28, 0x03), INSN_STATE);
    assert_int_equal(cpu.wanted, MTD_XSAVE);
    cpu.has = MTD_XSAVE;
    state.xcr0 = 3;
    assert_fault(RUN(0xc5, 0xf8, 0x28, 0x03), EXC_UD, false, 0);
    state.xcr0 = 7;
    assert_int_equal(RUN(0xc5, 0xf8, 0x28, 0x03), vector_features() & VECTOR_AVX ? INSN_DONE : INSN_FAULT);
    assert_fault(RUN(0xc5, 0xfd, 0xfe, 0x03), EXC_UD, false, 0); // vpaddd of 256 bits: no AVX2
    vector_state[2] = 0x80;                                      // an x87 exception waits
    assert_int_equal(RUN(0xd9, 0x03), INSN_UNSUPPORTED);
    state.cr0 |= CR0_NE;
    assert_fault(RUN(0xd9, 0x03), EXC_MF, false, 0);
    assert_fault(RUN(0x0f, 0x6f, 0x03), EXC_MF, false, 0); // movq mm0
    assert_int_equal(RUN(0xdd, 0x3b), INSN_DONE);          // fnstsw
    assert_fault(RUN(0x0f, 0xae, 0x13), EXC_GP, true, 0);  // ldmxcsr of what the device reads as
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_moves),
        cmocka_unit_test(test_vector_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
