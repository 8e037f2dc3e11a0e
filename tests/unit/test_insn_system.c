// SPDX-License-Identifier: MIT
// sources: vmm-user/insn/decode.c vmm-user/insn/decode_vector.c vmm-user/insn/opcodes.c vmm-user/insn/alu.c
// sources: vmm-user/insn/memory.c vmm-user/insn/fetch.c vmm-user/insn/execute.c vmm-user/insn/modify.c
// sources: vmm-user/insn/multiply.c vmm-user/insn/stack.c vmm-user/insn/string.c vmm-user/insn/vector.c
// sources: vmm-user/insn/vector_forms.c vmm-user/insn/run.c vmm-user/insn/system.c vmm-user/guest_walk.c
//
// Segments, far transfers, descriptor tables, LDT and TSS.
#include "tests/unit/insn_machine.h"

enum { GDT = 0x2000, SEL_CODE = 8, SEL_DATA = 16, SEL_ABSENT = 24, SEL_USER = 35, SEL_GATE = 40, SEL_READ_ONLY = 48 };

// Protected mode with a GDT, a stack and a far pointer at 20000h.
static void mode_descriptors(void)
{
    static const uint64_t descriptors[] = {0,
                                           0x00cf9a000000ffff,
                                           0x00cf92000000ffff,
                                           0x00cf12000000ffff,
                                           0x00cff2000000ffff,
                                           0x00008c0000080000,
                                           0x00cf90000000ffff};
    mode_32();
    memcpy(ram + GDT, descriptors, sizeof(descriptors));
    state.seg[SEG_GDTR] = (struct utcb_seg){.limit = sizeof(descriptors) - 1, .base = GDT};
    state.seg[SEG_CS].sel = SEL_CODE;
    state.seg[SEG_LDTR].ar = 0x1000;
    state.gpr[GPR_RSP] = 0x30000;
    state.gpr[GPR_RBX] = 0x20000;
    cpu.has = MTD_SEG;
}

static void pointer_set(uint32_t offset, uint16_t selector)
{
    host_store(ram + 0x20000, 4, offset);
    host_store(ram + 0x20004, 2, selector);
}

static void test_segment_loads(void **unused)
{
    (void)unused;
    mode_descriptors();
    cpu.has = 0;
    pointer_set(SEL_DATA, 0);
    assert_int_equal(RUN(0x8e, 0x03), INSN_STATE); // mov es, [ebx]
    assert_int_equal(cpu.wanted & MTD_SEG, MTD_SEG);
    cpu.has = MTD_SEG;
    assert_int_equal(RUN(0x8e, 0x03), INSN_DONE);
    assert_int_equal(state.seg[SEG_ES].sel, SEL_DATA);
    assert_int_equal(state.seg[SEG_ES].ar, 0xc93); // accessed
    assert_int_equal(ram[GDT + SEL_DATA + 5], 0x93);
    assert_int_equal(cpu.changed, MTD_ESDS);
    assert_false(cpu.blocks);
    assert_int_equal(RUN(0x8e, 0x13), INSN_DONE); // mov ss
    assert_true(cpu.blocks);
    static const struct {
        uint16_t selector;
        uint8_t ss, vector, error;
    } refused[] = {{SEL_ABSENT, 0, EXC_NP, SEL_ABSENT},
                   {SEL_ABSENT, 1, EXC_SS, SEL_ABSENT},
                   {SEL_GATE, 0, EXC_GP, SEL_GATE},
                   {56, 0, EXC_GP, 56},
                   {0, 1, EXC_GP, 0},
                   {SEL_USER, 1, EXC_GP, SEL_USER - 3},
                   {SEL_READ_ONLY, 1, EXC_GP, SEL_READ_ONLY},
                   {SEL_DATA + 3, 0, EXC_GP, SEL_DATA},
                   {SEL_DATA + 4, 0, EXC_GP, SEL_DATA + 4}};
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        pointer_set(refused[i].selector, 0);
        enum insn_result result = refused[i].ss ? RUN(0x8e, 0x13) : RUN(0x8e, 0x03);
        assert_fault(result, refused[i].vector, true, refused[i].error);
    }
    pointer_set(0, 0);
    assert_int_equal(RUN(0x8e, 0x03), INSN_DONE); // no segment at all
    assert_fault(RUN(0x26, 0x8a, 0x03), EXC_GP, true, 0);
    pointer_set(0x12345678, SEL_READ_ONLY);
    assert_int_equal(RUN(0x0f, 0xb4, 0x0b), INSN_DONE); // lfs ecx, [ebx]
    assert_int_equal(state.gpr[GPR_RCX], 0x12345678);
    assert_int_equal(state.seg[SEG_FS].ar, 0xc91);
    mode_16();
    ram[0x20] = 0x34, ram[0x21] = 0x12;
    assert_int_equal(RUN(0x8e, 0x06, 0x20, 0x00), INSN_DONE); // mov es, [20h]
    assert_int_equal(state.seg[SEG_ES].base, 0x12340);
}

static void test_far_transfers(void **unused)
{
    (void)unused;
    mode_descriptors();
    pointer_set(0x11223, SEL_CODE);
    assert_int_equal(RUN(0xff, 0x1b), INSN_DONE); // call far [ebx]
    assert_int_equal(state.rip, 0x11223);
    assert_int_equal(state.seg[SEG_CS].ar, 0xc9b);
    assert_int_equal(host_load(ram + 0x2fff8, 4), CODE + 2);
    assert_int_equal(host_load(ram + 0x2fffc, 4), SEL_CODE);
    assert_int_equal(RUN(0xca, 0x10, 0x00), INSN_DONE); // retf 16
    assert_int_equal(state.rip, CODE + 2);
    assert_int_equal(state.gpr[GPR_RSP], 0x30010);
    state.rip = CODE;
    pointer_set(0x11223, SEL_DATA);
    assert_fault(RUN(0xff, 0x2b), EXC_GP, true, SEL_DATA); // jmp far [ebx]
    pointer_set(0x11223, 0);
    assert_fault(RUN(0xff, 0x2b), EXC_GP, true, 0);
    pointer_set(0x11223, SEL_GATE);
    assert_int_equal(RUN(0xff, 0x2b), INSN_UNSUPPORTED);
    pointer_set(0x11223, SEL_CODE);
    state.seg[SEG_SS].limit = 0xfff;
    const struct utcb_state before = state;
    assert_fault(RUN(0xff, 0x1b), EXC_SS, true, 0);
    assert_memory_equal(&state, &before, sizeof(state));
}

static void test_tables(void **unused)
{
    (void)unused;
    mode_descriptors();
    state.seg[SEG_IDTR] = (struct utcb_seg){.limit = 0x7ff, .base = 0x12345678};
    assert_int_equal(RUN(0x0f, 0x01, 0x0b), INSN_DONE); // sidt [ebx]
    assert_int_equal(host_load(ram + 0x20000, 8) & 0xffffffffffff, 0x1234567807ff);
    assert_int_equal(RUN(0x66, 0x0f, 0x01, 0x13), INSN_DONE); // lgdt with 16 bits
    assert_int_equal(state.seg[SEG_GDTR].base, 0x345678);
    assert_int_equal(state.seg[SEG_GDTR].limit, 0x7ff);
    assert_int_equal(cpu.changed, MTD_TABLES);
    state.cr0 |= CR0_TS;
    assert_int_equal(RUN(0x0f, 0x01, 0x23), INSN_DONE); // smsw
    assert_int_equal(host_load(ram + 0x20000, 2), CR0_PE | CR0_TS);
    host_store(ram + 0x20000, 2, CR0_MP);
    assert_int_equal(RUN(0x0f, 0x01, 0x33), INSN_DONE); // lmsw
    assert_int_equal(state.cr0, CR0_PE | CR0_MP);
    state.seg[SEG_SS].ar |= 0x60;
    assert_fault(RUN(0x0f, 0x01, 0x33), EXC_GP, true, 0);
    assert_fault(RUN(0x0f, 0x01, 0x13), EXC_GP, true, 0);
    assert_int_equal(RUN(0x0f, 0x01, 0x0b), INSN_DONE);
    state.cr4 |= CR4_UMIP;
    assert_fault(RUN(0x0f, 0x01, 0x0b), EXC_GP, true, 0);
    assert_fault(RUN(0x0f, 0x00, 0x0b), EXC_GP, true, 0); // str
}

static void test_selectors(void **unused)
{
    (void)unused;
    mode_descriptors();
    static const struct {
        uint16_t selector;
        bool read, write, rights;
    } cases[] = {{SEL_CODE, true, false, true},      {SEL_DATA, true, true, true}, {SEL_DATA + 3, false, false, false},
                 {SEL_READ_ONLY, true, false, true}, {0, false, false, false},     {SEL_GATE, false, false, true}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pointer_set(cases[i].selector, 0);
        assert_int_equal(RUN(0x0f, 0x00, 0x23), INSN_DONE); // verr [ebx]
        assert_int_equal(!!(state.rflags & RFLAGS_ZF), cases[i].read);
        assert_int_equal(RUN(0x0f, 0x00, 0x2b), INSN_DONE); // verw [ebx]
        assert_int_equal(!!(state.rflags & RFLAGS_ZF), cases[i].write);
        assert_int_equal(RUN(0x0f, 0x02, 0x0b), INSN_DONE); // lar ecx, [ebx]
        assert_int_equal(!!(state.rflags & RFLAGS_ZF), cases[i].rights);
    }
    pointer_set(SEL_DATA, 0);
    assert_int_equal(RUN(0x0f, 0x02, 0x0b), INSN_DONE);
    assert_int_equal(state.gpr[GPR_RCX], 0xc09200);
    assert_int_equal(RUN(0x0f, 0x03, 0x0b), INSN_DONE); // lsl
    assert_int_equal(state.gpr[GPR_RCX], 0xffffffff);
    host_store(ram + 0x20000, 8, 0x00000005fffffffe); // -2 to 5
    state.gpr[GPR_RCX] = 5;
    assert_int_equal(RUN(0x62, 0x0b), INSN_DONE); // bound ecx, [ebx]
    state.gpr[GPR_RCX] = 6;
    assert_fault(RUN(0x62, 0x0b), EXC_BR, false, 0);
}

enum { TABLE = 0x28000 };

// Two TSS of 32 bits, an LDT that is not there, an LDT; in long mode each with the upper half of its base behind it.
static void system_descriptors(bool wide, uint64_t upper)
{
    static const uint64_t low[] = {0, 0x00008912345000ff, 0x00008b1234500067, 0x0000021234500067, 0x00008212345000ff};
    unsigned step = wide ? 16 : 8;
    memset(ram + TABLE, 0, 16 * 5);
    for (unsigned i = 0; i < 5; i++) {
        host_store(ram + TABLE + i * step, 8, low[i]);
        if (wide && i) {
            host_store(ram + TABLE + i * step + 8, 8, upper);
        }
    }
    state.seg[SEG_GDTR] = (struct utcb_seg){.limit = 5 * step - 1, .base = TABLE};
    state.seg[SEG_TR] = state.seg[SEG_LDTR] = (struct utcb_seg){.ar = 0x1000};
    state.gpr[GPR_RBX] = 0x20000;
    cpu.has = MTD_SEG;
}

static void check_system_segments(unsigned step, uint64_t base)
{
    host_store(ram + 0x20000, 2, step);
    assert_int_equal(RUN(0x0f, 0x00, 0x1b), INSN_DONE); // ltr [ebx]
    assert_int_equal(state.seg[SEG_TR].base, base);
    assert_int_equal(state.seg[SEG_TR].ar, 0x8b);
    assert_int_equal(state.seg[SEG_TR].limit, 0xff);
    assert_int_equal(ram[TABLE + step + 5], 0x8b);
    assert_fault(RUN(0x0f, 0x00, 0x1b), EXC_GP, true, step); // busy now
    host_store(ram + 0x20000, 2, 3);
    assert_fault(RUN(0x0f, 0x00, 0x1b), EXC_GP, true, 0);
    assert_int_equal(RUN(0x0f, 0x00, 0x13), INSN_DONE); // lldt [ebx]
    assert_int_equal(state.seg[SEG_LDTR].sel, 3);
    assert_int_equal(state.seg[SEG_LDTR].ar, 0x1000);
    static const uint8_t refused[][2] = {{2, EXC_GP}, {3, EXC_NP}, {5, EXC_GP}};
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        host_store(ram + 0x20000, 2, refused[i][0] * step);
        assert_fault(RUN(0x0f, 0x00, 0x13), refused[i][1], true, refused[i][0] * step);
    }
    host_store(ram + 0x20000, 2, 4 * step + 4);
    assert_fault(RUN(0x0f, 0x00, 0x13), EXC_GP, true, 4 * step + 4);
    host_store(ram + 0x20000, 2, 4 * step);
    assert_int_equal(RUN(0x0f, 0x00, 0x13), INSN_DONE);
    assert_int_equal(state.seg[SEG_LDTR].base, base);
    assert_int_equal(state.seg[SEG_LDTR].ar, 0x82);
    assert_int_equal(cpu.changed, MTD_TRLDTR);
}

static void test_system_segments(void **unused)
{
    (void)unused;
    mode_descriptors();
    system_descriptors(false, 0);
    check_system_segments(8, 0x123450);
    state.seg[SEG_SS].ar |= 0x60;
    assert_fault(RUN(0x0f, 0x00, 0x13), EXC_GP, true, 0); // only the kernel
    mode_64();
    system_descriptors(true, 0xffff8000);
    check_system_segments(16, 0xffff800000123450);
    mode_64();
    system_descriptors(true, 0x8000); // not canonical
    host_store(ram + 0x20000, 2, 16);
    assert_fault(RUN(0x0f, 0x00, 0x1b), EXC_GP, true, 16);
    system_descriptors(true, 0x0000010000000000); // a type where there must be none
    assert_fault(RUN(0x0f, 0x00, 0x1b), EXC_GP, true, 16);
    state.seg[SEG_GDTR].limit = 16 + 14;
    assert_fault(RUN(0x0f, 0x00, 0x1b), EXC_GP, true, 16);
    mode_16();
    assert_fault(RUN(0x0f, 0x00, 0x1b), EXC_UD, false, 0);
}

static void test_flags_and_all(void **unused)
{
    (void)unused;
    mode_descriptors();
    for (unsigned i = 0; i < 8; i++) {
        state.gpr[i] = i == GPR_RSP ? 0x30000 : i * 0x11111111;
    }
    assert_int_equal(RUN(0x60), INSN_DONE); // pusha
    assert_int_equal(host_load(ram + 0x30000 - 20, 4), 0x30000);
    assert_int_equal(host_load(ram + 0x30000 - 32, 4), 0x77777777);
    state.gpr[GPR_RAX] = state.gpr[GPR_RDI] = 0;
    assert_int_equal(RUN(0x61), INSN_DONE); // popa
    assert_int_equal(state.gpr[GPR_RDI], 0x77777777);
    assert_int_equal(state.gpr[GPR_RSP], 0x30000);
    state.rflags = RFLAGS_ONE | RFLAGS_CF | RFLAGS_RF;
    assert_int_equal(RUN(0x9c), INSN_DONE); // pushf
    assert_int_equal(host_load(ram + 0x30000 - 4, 4), RFLAGS_ONE | RFLAGS_CF);
    host_store(ram + 0x30000 - 4, 4, RFLAGS_IF | RFLAGS_IOPL | RFLAGS_ZF | RFLAGS_VM | RFLAGS_VIP);
    assert_int_equal(RUN(0x9d), INSN_DONE); // popf
    assert_int_equal(state.rflags, RFLAGS_ONE | RFLAGS_IF | RFLAGS_IOPL | RFLAGS_ZF);
    state.seg[SEG_SS].ar |= 0x60;
    state.rflags = RFLAGS_ONE;
    state.gpr[GPR_RSP] -= 4;
    assert_int_equal(RUN(0x9d), INSN_DONE);
    assert_int_equal(state.rflags, RFLAGS_ONE | RFLAGS_ZF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment_loads),   cmocka_unit_test(test_far_transfers),
        cmocka_unit_test(test_tables),          cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_system_segments), cmocka_unit_test(test_flags_and_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
