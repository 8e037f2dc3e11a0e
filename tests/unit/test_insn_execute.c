// SPDX-License-Identifier: MIT
// sources: vmm-user/insn/decode.c vmm-user/insn/decode_vector.c vmm-user/insn/opcodes.c vmm-user/insn/alu.c
// sources: vmm-user/insn/memory.c vmm-user/insn/fetch.c vmm-user/insn/execute.c vmm-user/insn/modify.c
// sources: vmm-user/insn/multiply.c vmm-user/insn/stack.c vmm-user/insn/string.c vmm-user/insn/vector.c
// sources: vmm-user/insn/vector_forms.c vmm-user/insn/run.c vmm-user/insn/system.c vmm-user/guest_walk.c
//
// What a comparison with the host's processor cannot show: fetching, the decode cache, segments of 16- and 32-bit code,
// branches, ports, faults, device accesses and their hints.
#include "tests/unit/insn_machine.h"

static void test_device_moves(void **unused)
{
    (void)unused;
    for (unsigned hinted = 0; hinted < 3; hinted++) { // not at all, in full, by the physical address alone
        mode_64();
        state.gpr[GPR_RAX] = 0x1122334455667788;
        state.gpr[GPR_RBX] = DEVICE_GVA;
        state.rflags |= RFLAGS_RF;
        cpu.hint = (struct insn_hint){hinted == 1, true, DEVICE_GVA + 0xb0, DEVICE_GPA + 0xb0, hinted == 2};
        assert_int_equal(RUN(0x89, 0x83, 0xb0, 0, 0, 0), INSN_DONE); // mov [rbx + 0xb0], eax
        assert_access(0, DEVICE_GPA + 0xb0, 4, true, 0x55667788);
        assert_int_equal(state.rip, CODE + 6);
        assert_int_equal(state.rflags, RFLAGS_ONE);
        assert_false(cpu.hint.valid || cpu.hint.gpa_only);

        cpu.hint = (struct insn_hint){hinted == 1, false, DEVICE_GVA + 0x20, DEVICE_GPA + 0x20, hinted == 2};
        assert_int_equal(RUN(0x8b, 0x4b, 0x20), INSN_DONE); // mov ecx, [rbx + 0x20]
        assert_access(1, DEVICE_GPA + 0x20, 4, false, 0);
        assert_int_equal(state.gpr[GPR_RCX], 0xe5f60718);

        cpu.hint = (struct insn_hint){hinted == 1, false, DEVICE_GVA, DEVICE_GPA, hinted == 2};
        state.gpr[GPR_RDX] = ~0ull;
        assert_int_equal(RUN(0x8a, 0x33), INSN_DONE); // mov dh, [rbx]
        assert_int_equal(state.gpr[GPR_RDX], 0xffffffffffff18ff);

        cpu.hint = (struct insn_hint){hinted == 1, true, DEVICE_GVA, DEVICE_GPA, hinted == 2};
        assert_int_equal(RUN(0x48, 0xc7, 0x03, 0xfe, 0xff, 0xff, 0xff), INSN_DONE); // mov qword [rbx], -2
        assert_access(3, DEVICE_GPA, 8, true, 0xfffffffffffffffe);

        cpu.hint = (struct insn_hint){hinted == 1, false, DEVICE_GVA, DEVICE_GPA, hinted == 2};
        assert_int_equal(RUN(0x0f, 0xb6, 0x03), INSN_DONE); // movzx eax, byte [rbx]
        assert_int_equal(state.gpr[GPR_RAX], 0x18);

        cpu.hint = (struct insn_hint){hinted == 1, true, DEVICE_GVA, DEVICE_GPA, hinted == 2};
        assert_int_equal(RUN(0x80, 0x0b, 0x01), INSN_DONE); // or byte [rbx], 1: read, then write
        assert_access(5, DEVICE_GPA, 1, false, 0);
        assert_access(6, DEVICE_GPA, 1, true, 0x19);
        assert_int_equal(logged, 7);
    }
}

// A hint for another address, or for a read when the instruction writes, is not believed.
static void test_hint_mismatch(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RBX] = 0x20000;
    cpu.hint = (struct insn_hint){true, true, DEVICE_GVA, DEVICE_GPA, false};
    assert_int_equal(RUN(0xc6, 0x03, 0x5a), INSN_DONE);
    assert_int_equal(ram[0x20000], 0x5a);
    assert_int_equal(logged, 0);
    cpu.hint = (struct insn_hint){false, false, 0, DEVICE_GPA + 4, true}; // another place in the page
    assert_int_equal(RUN(0xc6, 0x03, 0x5c), INSN_DONE);
    assert_int_equal(ram[0x20000], 0x5c);
    assert_int_equal(logged, 0);
    entry_set(4, 0x20, 0x20000 | PTE_P);
    cpu.hint = (struct insn_hint){true, false, 0x20000, DEVICE_GPA, false};
    assert_fault(RUN(0xc6, 0x03, 0x5b), EXC_PF, true, PF_PRESENT | PF_WRITE);
    assert_int_equal(cpu.fault.cr2, 0x20000);
}

static void test_device_retry(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RBX] = DEVICE_GVA;
    const struct utcb_state before = state;
    retry_at = 1;
    assert_int_equal(RUN(0x8b, 0x03), INSN_RETRY);
    assert_memory_equal(&state, &before, sizeof(state));
    retry_at = 3; // the write of the second
    assert_int_equal(RUN(0x87, 0x03), INSN_RETRY);
    assert_memory_equal(&state, &before, sizeof(state));
}

// The RAM behind a hole is not what data accesses see.
static void test_hole(void **unused)
{
    (void)unused;
    mode_16();
    cpu.hole_first = 0x20000;
    cpu.hole_end = 0x28000;
    state.seg[SEG_DS].base = 0x20000;
    assert_int_equal(RUN(0xa0, 0x34, 0x12), INSN_DONE); // mov al, [0x1234]
    assert_access(0, 0x21234, 1, false, 0);
    assert_int_equal(state.gpr[GPR_RAX], 0x18);
}

static void test_decode_cache(void **unused)
{
    (void)unused;
    mode_64();
    const struct insn *in;
    ram[CODE] = 0x90;
    assert_int_equal(insn_fetch(&cpu, &in), INSN_DONE);
    assert_int_equal(in->op, INSN_OP_NOP);
    ram[CODE] = 0xf4; // the guest changes its code
    assert_int_equal(insn_fetch(&cpu, &in), INSN_DONE);
    assert_int_equal(in->op, INSN_OP_HLT);
    memcpy(ram + CODE, "\x48\xff\xc0", 3);
    assert_int_equal(insn_fetch(&cpu, &in), INSN_DONE);
    assert_int_equal(in->size, 8);
    state.seg[SEG_CS].ar = AR_CODE | AR_32; // the same bytes in another mode
    assert_int_equal(insn_fetch(&cpu, &in), INSN_DONE);
    assert_int_equal(in->length, 1);
    assert_int_equal(in->op, INSN_OP_DEC);
}

// The code page is mapped elsewhere between two fetches at the same address.
static void test_fetch_remapped(void **unused)
{
    (void)unused;
    mode_64();
    const struct insn *in;
    ram[CODE] = 0x90;
    ram[CODE + PAGE] = 0xf4;
    assert_int_equal(insn_fetch(&cpu, &in), INSN_DONE);
    assert_int_equal(in->op, INSN_OP_NOP);
    entry_set(4, CODE / PAGE, (CODE + PAGE) | PTE_P);
    assert_int_equal(insn_fetch(&cpu, &in), INSN_DONE);
    assert_int_equal(in->op, INSN_OP_HLT);
    entry_set(4, CODE / PAGE, (CODE + PAGE) | PTE_P | PTE_NX);
    assert_fault(insn_fetch(&cpu, &in), EXC_PF, true, PF_PRESENT | PF_FETCH);
    assert_int_equal(cpu.fault.cr2, CODE);
}

static void test_fetch_across_pages(void **unused)
{
    (void)unused;
    mode_64();
    state.rip = CODE + PAGE - 2;
    state.gpr[GPR_RBX] = 0x20000;
    entry_set(4, CODE / PAGE + 1, (CODE + 3 * PAGE) | PTE_P);
    memcpy(ram + CODE + PAGE - 2, "\xc7\x03", 2);
    memcpy(ram + CODE + 3 * PAGE, "\x11\x22\x33\x44", 4);
    assert_int_equal(insn_emulate(&cpu), INSN_DONE);
    assert_int_equal(host_load(ram + 0x20000, 4), 0x44332211);
    assert_int_equal(state.rip, CODE + PAGE + 4);

    state.rip = CODE + PAGE - 2;
    entry_set(4, CODE / PAGE + 1, 0);
    assert_fault(insn_emulate(&cpu), EXC_PF, true, PF_FETCH);
    assert_int_equal(cpu.fault.cr2, CODE + PAGE);
    memcpy(ram + CODE + PAGE - 2, "\x31\xc0", 2); // fits: the next page is not touched
    assert_int_equal(insn_emulate(&cpu), INSN_DONE);
}

static void test_fetch_errors(void **unused)
{
    (void)unused;
    mode_64();
    assert_fault(RUN(0xf0, 0x90), EXC_UD, false, 0);
    assert_fault(RUN(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90),
                 EXC_GP, true, 0);
    assert_int_equal(RUN(0x0f, 0x58, 0x00), INSN_UNSUPPORTED); // addps
    assert_string_equal(cpu.reason, "unknown instruction");
    assert_int_equal(cpu.bytes[1], 0x58);
    assert_int_equal(RUN(0xc5, 0xf8, 0x58, 0x00), INSN_UNSUPPORTED);
    assert_string_equal(cpu.reason, "vector instruction");
    assert_int_equal(RUN(0xf4), INSN_UNSUPPORTED);
    assert_int_equal(RUN(0x0f, 0x22, 0xd8), INSN_UNSUPPORTED);
    entry_set(3, 0, 0x40000000 | PTE_P);
    assert_int_equal(insn_emulate(&cpu), INSN_UNSUPPORTED);
    assert_string_equal(cpu.reason, "page table outside of RAM");
}

static void test_canonical(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RBX] = 0x0000800000000000;
    assert_fault(RUN(0x8b, 0x03), EXC_GP, true, 0);
    state.gpr[GPR_RBP] = 0x00007ffffffffffd;
    assert_fault(RUN(0x8b, 0x45, 0x00), EXC_SS, true, 0);
    state.gpr[GPR_RBX] = 0x0100000000000000;
    assert_fault(RUN(0xff, 0xe3), EXC_GP, true, 0); // jmp rbx
    state.cr4 |= CR4_LA57;
    state.cr3 = 5 * PAGE;
    entry_set(5, 0, PAGE | PTE_P | PTE_W);
    state.gpr[GPR_RBX] = 0x0000800000000000;
    assert_fault(RUN(0x8b, 0x03), EXC_PF, true, 0); // canonical with five levels
}

static void test_page_fault(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RBX] = 0x30ffe;
    entry_set(4, 0x31, 0);
    ram[0x30ffe] = 0x11;
    const struct utcb_state before = state;
    assert_fault(RUN(0x01, 0x03), EXC_PF, true, PF_WRITE); // add [rbx], eax over the boundary
    assert_int_equal(cpu.fault.cr2, 0x31000);
    assert_int_equal(ram[0x30ffe], 0x11);
    assert_memory_equal(&state, &before, sizeof(state));
    state.seg[SEG_SS].ar |= 3 << 5;
    assert_fault(RUN(0x01, 0x03), EXC_PF, true, PF_PRESENT | PF_USER | PF_FETCH); // CPL 3 fetches a supervisor page
}

static void test_segments_16(void **unused)
{
    (void)unused;
    mode_16();
    state.seg[SEG_DS].base = 0x20000;
    state.seg[SEG_SS].base = 0x30000;
    state.gpr[GPR_RBX] = 0x5555fff0;
    state.gpr[GPR_RSI] = 0x20;
    state.gpr[GPR_RBP] = 0x100;
    assert_int_equal(RUN(0xc6, 0x00, 0x77), INSN_DONE); // mov byte [bx + si], wraps at 64K
    assert_int_equal(ram[0x20010], 0x77);
    assert_int_equal(RUN(0xc6, 0x46, 0x02, 0x78), INSN_DONE); // mov byte [bp + 2]: SS
    assert_int_equal(ram[0x30102], 0x78);
    assert_int_equal(RUN(0x2e, 0xc6, 0x06, 0x00, 0x08, 0x79), INSN_DONE); // real mode writes to CS
    assert_int_equal(ram[CODE + 0x800], 0x79);
    state.gpr[GPR_RBX] = 0xffff;
    assert_fault(RUN(0x8b, 0x07), EXC_GP, true, 0); // a word at offset FFFF
    state.gpr[GPR_RBP] = 0xffff;
    assert_fault(RUN(0x8b, 0x46, 0x00), EXC_SS, true, 0);
    assert_int_equal(state.rip, 3 + 4 + 6);
}

static void test_segments_32(void **unused)
{
    (void)unused;
    mode_32();
    state.gpr[GPR_RBX] = 0x20000;
    assert_fault(RUN(0x2e, 0x89, 0x03), EXC_GP, true, 0); // write to code
    state.seg[SEG_CS].ar = AR_32 | 0x99;
    assert_fault(RUN(0x2e, 0x8b, 0x03), EXC_GP, true, 0); // read from execute-only code
    state.seg[SEG_DS].ar = AR_32 | 0x91;
    assert_int_equal(RUN(0x8b, 0x03), INSN_DONE);
    assert_fault(RUN(0x89, 0x03), EXC_GP, true, 0); // read-only data
    state.seg[SEG_DS].ar = AR_32 | AR_DATA;
    state.seg[SEG_DS].limit = 0x20002;
    assert_fault(RUN(0x8b, 0x03), EXC_GP, true, 0);
    state.seg[SEG_DS].limit = 0x20003;
    assert_int_equal(RUN(0x8b, 0x03), INSN_DONE);
    state.seg[SEG_DS].ar = AR_32 | 0x97; // expands down: offsets above the limit
    assert_fault(RUN(0x8b, 0x03), EXC_GP, true, 0);
    state.seg[SEG_DS].limit = 0x1ffff;
    assert_int_equal(RUN(0x8b, 0x03), INSN_DONE);
    state.seg[SEG_DS].ar = 0x97; // 16-bit: up to FFFF
    assert_fault(RUN(0x8b, 0x03), EXC_GP, true, 0);
    state.seg[SEG_ES].ar = 1 << 12;
    assert_fault(RUN(0x26, 0x8b, 0x03), EXC_GP, true, 0); // unusable
    state.seg[SEG_FS].base = 0xfffff000;                  // the sum wraps at 4 GiB
    state.gpr[GPR_RBX] = 0x21000;
    ram[0x20000] = 0x42;
    assert_int_equal(RUN(0x64, 0x8a, 0x03), INSN_DONE);
    assert_int_equal(state.gpr[GPR_RAX] & 0xff, 0x42);
}

static void test_stack(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RSP] = 0x30000;
    state.gpr[GPR_RBX] = DEVICE_GVA;
    assert_int_equal(RUN(0xff, 0x33), INSN_DONE); // push qword [rbx]
    assert_int_equal(state.gpr[GPR_RSP], 0x2fff8);
    assert_int_equal(host_load(ram + 0x2fff8, 8), 0xa1b2c3d4e5f60718);
    assert_int_equal(RUN(0x8f, 0x03), INSN_DONE); // pop qword [rbx]
    assert_access(1, DEVICE_GPA, 8, true, 0xa1b2c3d4e5f60718);
    assert_int_equal(state.gpr[GPR_RSP], 0x30000);

    mode_32();
    state.gpr[GPR_RSP] = 0x12340010;
    state.seg[SEG_SS].ar = AR_DATA; // 16-bit stack
    assert_int_equal(RUN(0x68, 0x78, 0x56, 0x34, 0x12), INSN_DONE);
    assert_int_equal(state.gpr[GPR_RSP], 0x1234000c);
    assert_int_equal(host_load(ram + 0xc, 4), 0x12345678);
    state.gpr[GPR_RSP] = 0x30000;
    state.seg[SEG_SS].ar = AR_DATA | AR_32;
    state.seg[SEG_ES].sel = 0x1b;
    assert_int_equal(RUN(0x06), INSN_DONE); // push es
    assert_int_equal(host_load(ram + 0x2fffc, 4), 0x1b);
    state.seg[SEG_SS].limit = 0x2fffb;
    assert_fault(RUN(0x58), EXC_SS, true, 0);
    assert_int_equal(state.gpr[GPR_RSP], 0x2fffc);
}

static void test_branches(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RSP] = 0x30000;
    host_store(ram + 0x20000, 8, 0x11000);
    state.gpr[GPR_RBX] = 0x20000;
    assert_int_equal(RUN(0xff, 0x13), INSN_DONE); // call [rbx]
    assert_int_equal(state.rip, 0x11000);
    assert_int_equal(host_load(ram + 0x2fff8, 8), CODE + 2);
    assert_int_equal(RUN(0xc2, 0x10, 0x00), INSN_DONE); // ret 16
    assert_int_equal(state.rip, CODE + 2);
    assert_int_equal(state.gpr[GPR_RSP], 0x30010);
    assert_int_equal(RUN(0xeb, 0xfc), INSN_DONE); // jmp -4
    assert_int_equal(state.rip, CODE);
    state.rflags |= RFLAGS_ZF;
    assert_int_equal(RUN(0x75, 0x10), INSN_DONE);
    assert_int_equal(state.rip, CODE + 2);
    assert_int_equal(RUN(0x74, 0x10), INSN_DONE);
    assert_int_equal(state.rip, CODE + 0x14);
    state.gpr[GPR_RCX] = 1;
    assert_int_equal(RUN(0xe2, 0x10), INSN_DONE); // loop: not taken
    assert_int_equal(state.rip, CODE + 0x16);
    assert_int_equal(RUN(0xe3, 0x10), INSN_DONE); // jrcxz: taken
    assert_int_equal(state.rip, CODE + 0x28);
    assert_int_equal(RUN(0xe0, 0x10), INSN_DONE); // loopne with ZF: not taken, counts all the same
    assert_int_equal(state.gpr[GPR_RCX], ~0ull);
    assert_int_equal(state.rip, CODE + 0x2a);

    mode_16();
    state.gpr[GPR_RSP] = 0x100;
    state.rip = 0xfff0;
    assert_int_equal(RUN(0xe8, 0x20, 0x00), INSN_DONE); // wraps at 64K
    assert_int_equal(state.rip, 0x13);
    assert_int_equal(host_load(ram + 0xfe, 2), 0xfff3);
    state.seg[SEG_CS].limit = 0xfff;
    assert_fault(RUN(0xe9, 0x00, 0x20), EXC_GP, true, 0);
    assert_int_equal(state.rip, 0x13);
}

static void test_ports(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RAX] = 0x1122334455667788;
    state.gpr[GPR_RDX] = 0xabcd03f8;
    assert_int_equal(RUN(0xee), INSN_DONE); // out dx, al
    assert_access(0, 0x3f8, 1, true, 0x88);
    assert_int_equal(RUN(0xe7, 0x80), INSN_DONE); // out 0x80, eax
    assert_access(1, 0x80, 4, true, 0x55667788);
    assert_int_equal(RUN(0x66, 0xed), INSN_DONE); // in ax, dx
    assert_access(2, 0x3f8, 2, false, 0);
    assert_int_equal(state.gpr[GPR_RAX], 0x1122334455660718);
    assert_int_equal(RUN(0xed), INSN_DONE);
    assert_int_equal(state.gpr[GPR_RAX], 0xe5f60718);
    assert_true(log_[0].port && log_[1].port && log_[2].port && log_[3].port);
}

static void test_port_strings(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RDX] = 0x1f0;
    state.gpr[GPR_RCX] = 5;
    state.gpr[GPR_RDI] = 0x20ffc;                       // over a page boundary
    assert_int_equal(RUN(0xf3, 0x66, 0x6d), INSN_DONE); // rep insw
    assert_int_equal(logged, 5);
    assert_int_equal(state.gpr[GPR_RCX], 0);
    assert_int_equal(state.gpr[GPR_RDI], 0x21006);
    assert_int_equal(host_load(ram + 0x20ffc, 8), 0x0718071807180718);
    assert_int_equal(host_load(ram + 0x21004, 4), 0x0718);
    state.gpr[GPR_RCX] = 2;
    state.gpr[GPR_RSI] = 0x20ffc;
    assert_int_equal(RUN(0xf3, 0x6e), INSN_DONE); // rep outsb
    assert_access(5, 0x1f0, 1, true, 0x18);
    assert_access(6, 0x1f0, 1, true, 0x07);
    assert_int_equal(state.rip, CODE + 5);

    entry_set(4, 0x31, 0); // faults before the port is read
    state.gpr[GPR_RCX] = 3;
    state.gpr[GPR_RDI] = 0x30ffc;
    logged = 0;
    assert_fault(RUN(0xf3, 0x6d), EXC_PF, true, PF_WRITE);
    assert_int_equal(logged, 1);
    assert_int_equal(state.gpr[GPR_RCX], 2);
    assert_int_equal(state.gpr[GPR_RDI], 0x31000);
    assert_int_equal(state.rip, CODE + 5);
}

static void test_divide_error(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RBX] = 0x20000;
    assert_fault(RUN(0xf7, 0x33), EXC_DE, false, 0); // div dword [rbx] = 0
    assert_int_equal(state.rip, CODE);
}

static void test_cmpxchg8b_device(void **unused)
{
    (void)unused;
    mode_32();
    state.gpr[GPR_RBX] = 1;
    state.gpr[GPR_RSI] = DEVICE_GPA;
    assert_int_equal(RUN(0x0f, 0xc7, 0x0e), INSN_DONE);
    assert_access(1, DEVICE_GPA, 8, true, 0xa1b2c3d4e5f60718); // unequal: written back
    assert_int_equal(state.gpr[GPR_RAX], 0xe5f60718);
    assert_int_equal(state.gpr[GPR_RDX], 0xa1b2c3d4);
    assert_int_equal(state.rflags & RFLAGS_ZF, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_moves),
        cmocka_unit_test(test_hint_mismatch),
        cmocka_unit_test(test_device_retry),
        cmocka_unit_test(test_hole),
        cmocka_unit_test(test_decode_cache),
        cmocka_unit_test(test_fetch_remapped),
        cmocka_unit_test(test_fetch_across_pages),
        cmocka_unit_test(test_fetch_errors),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_page_fault),
        cmocka_unit_test(test_segments_16),
        cmocka_unit_test(test_segments_32),
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_port_strings),
        cmocka_unit_test(test_divide_error),
        cmocka_unit_test(test_cmpxchg8b_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
