// SPDX-License-Identifier: MIT
// sources: vmm-user/insn/decode.c vmm-user/insn/decode_vector.c vmm-user/insn/opcodes.c vmm-user/insn/alu.c
// sources: vmm-user/insn/memory.c vmm-user/insn/fetch.c vmm-user/insn/execute.c vmm-user/insn/modify.c
// sources: vmm-user/insn/multiply.c vmm-user/insn/stack.c vmm-user/insn/string.c vmm-user/insn/vector.c
// sources: vmm-user/insn/vector_forms.c vmm-user/insn/run.c vmm-user/insn/system.c vmm-user/guest_walk.c
//
// The bounds of REP: by blocks, one by one, interrupted.
#include "tests/unit/insn_machine.h"

static void test_rep(void **unused)
{
    (void)unused;
    mode_64();
    state.gpr[GPR_RCX] = 10000;
    state.gpr[GPR_RDI] = 0x20000;
    state.gpr[GPR_RAX] = 0x5a;
    assert_int_equal(RUN(0xf3, 0xaa), INSN_RETRY); // rep stosb stops after 4096
    assert_int_equal(state.gpr[GPR_RCX], 10000 - 4096);
    assert_int_equal(state.rip, CODE);
    assert_int_equal(insn_emulate(&cpu), INSN_RETRY);
    assert_int_equal(insn_emulate(&cpu), INSN_DONE);
    assert_int_equal(state.gpr[GPR_RDI], 0x20000 + 10000);
    assert_int_equal(ram[0x20000 + 9999], 0x5a);
    assert_int_equal(ram[0x20000 + 10000], 0);

    state.gpr[GPR_RCX] = 0;
    state.gpr[GPR_RDI] = 0x0000900000000000;
    assert_int_equal(RUN(0xf3, 0xaa), INSN_DONE); // nothing, not even the address

    state.gpr[GPR_RCX] = 4;
    state.gpr[GPR_RSI] = DEVICE_GVA + 8;
    state.gpr[GPR_RDI] = 0x28000;
    retry_at = device_calls + 3;
    assert_int_equal(RUN(0xf3, 0xa5), INSN_RETRY); // rep movsd from a device that stops
    assert_int_equal(state.gpr[GPR_RCX], 2);
    assert_int_equal(state.gpr[GPR_RSI], DEVICE_GVA + 16);
    assert_int_equal(state.gpr[GPR_RDI], 0x28008);
    assert_int_equal(insn_emulate(&cpu), INSN_DONE);
    assert_access(3, DEVICE_GPA + 20, 4, false, 0);

    state.gpr[GPR_RCX] = 100;
    state.gpr[GPR_RDI] = 0x20000;
    assert_int_equal(RUN(0xf2, 0xae), INSN_DONE); // repne scasb: the first byte matches
    assert_int_equal(state.gpr[GPR_RCX], 99);
    state.gpr[GPR_RDI] = 0x20000 + 9990;
    assert_int_equal(RUN(0xf3, 0xae), INSN_DONE); // repe scasb: to the first zero
    assert_int_equal(state.gpr[GPR_RDI], 0x20000 + 10001);
}

static void test_rep_16(void **unused)
{
    (void)unused;
    mode_16();
    state.seg[SEG_ES].base = 0x20000;
    state.gpr[GPR_RCX] = 0x77770008;
    state.gpr[GPR_RDI] = 0x8888fffc;
    assert_int_equal(RUN(0xf3, 0xaa), INSN_DONE); // DI wraps
    assert_int_equal(state.gpr[GPR_RDI], 0x88880004);
    assert_int_equal(state.gpr[GPR_RCX], 0x77770000);
    state.gpr[GPR_RCX] = 2;
    state.gpr[GPR_RDI] = 0xfffd;
    assert_fault(RUN(0xf3, 0xab), EXC_GP, true, 0); // the second word crosses the limit
    assert_int_equal(state.gpr[GPR_RCX], 1);
    assert_int_equal(state.gpr[GPR_RDI], 0xffff);
    state.rflags |= RFLAGS_DF;
    state.gpr[GPR_RCX] = 4;
    state.gpr[GPR_RDI] = 2;
    assert_int_equal(RUN(0xf3, 0xaa), INSN_DONE); // downwards through 0
    assert_int_equal(state.gpr[GPR_RDI], 0xfffe);
}

static uint32_t attention;
static struct io_block blocks[LOG];
static unsigned block_count;
static bool block_refused;

static bool block_access(void *context, const struct io_block *b)
{
    assert_ptr_equal(context, &cpu);
    if (block_refused) {
        return false;
    }
    blocks[block_count++] = *b;
    if (b->kind == IO_BLOCK_IN || b->kind == IO_BLOCK_GET) {
        memset(b->host, 0x5a, b->size * b->count);
    }
    return true;
}

static void block_mode(void)
{
    mode_64();
    cpu.block = block_access;
    cpu.attention = &attention;
    block_count = attention = 0;
    block_refused = false;
}

// What a REP does with a device goes to it page by page.
static void test_blocks(void **unused)
{
    (void)unused;
    block_mode();
    state.gpr[GPR_RDI] = 0x8ff0;
    state.gpr[GPR_RCX] = 256;
    state.gpr[GPR_RDX] = 0xabcd01f0;
    assert_int_equal(RUN(0xf3, 0x66, 0x6d), INSN_DONE); // rep insw
    assert_int_equal(block_count, 2);
    assert_int_equal(blocks[0].kind, IO_BLOCK_IN);
    assert_int_equal(blocks[0].addr, 0x01f0);
    assert_int_equal(blocks[0].size, 2);
    assert_int_equal(blocks[0].count, 8);
    assert_ptr_equal(blocks[0].host, ram + 0x8ff0);
    assert_int_equal(blocks[1].count, 248);
    assert_int_equal(state.gpr[GPR_RDI], 0x8ff0 + 512);
    assert_int_equal(state.gpr[GPR_RCX], 0);
    assert_int_equal(ram[0x8ff0 + 511], 0x5a);
    assert_int_equal(ram[0x8ff0 + 512], 0);

    block_mode();
    state.gpr[GPR_RSI] = 0x8000;
    state.gpr[GPR_RDI] = DEVICE_GVA + 16;
    state.gpr[GPR_RCX] = 5;
    assert_int_equal(RUN(0xf3, 0xa5), INSN_DONE); // rep movsd to the device
    assert_int_equal(blocks[0].kind, IO_BLOCK_PUT);
    assert_int_equal(blocks[0].addr, DEVICE_GPA + 16);
    assert_ptr_equal(blocks[0].host, ram + 0x8000);
    state.rip = CODE;
    state.gpr[GPR_RSI] = DEVICE_GVA;
    state.gpr[GPR_RCX] = 5;
    assert_int_equal(RUN(0xf3, 0xa5), INSN_DONE); // inside of it
    assert_int_equal(blocks[1].kind, IO_BLOCK_COPY);
    assert_int_equal(blocks[1].from, DEVICE_GPA);
    assert_int_equal(blocks[1].addr, DEVICE_GPA + 36);
    state.rip = CODE;
    state.gpr[GPR_RDI] = 0x9000;
    state.gpr[GPR_RCX] = 5;
    assert_int_equal(RUN(0xf3, 0xa5), INSN_DONE); // from it
    assert_int_equal(blocks[2].kind, IO_BLOCK_GET);
    assert_int_equal(blocks[2].addr, DEVICE_GPA + 20);
    assert_ptr_equal(blocks[2].host, ram + 0x9000);
    state.rip = CODE;
    state.gpr[GPR_RDI] = DEVICE_GVA + 0xffc;
    state.gpr[GPR_RAX] = 0x1122334455667788;
    state.gpr[GPR_RCX] = 4;
    assert_int_equal(RUN(0xf3, 0xaa), INSN_DONE); // rep stosb up to the end of the page
    assert_int_equal(blocks[3].kind, IO_BLOCK_FILL);
    assert_int_equal(blocks[3].value, 0x88);
    assert_int_equal(blocks[3].count, 4);
    assert_int_equal(device_calls, 0);
}

// Downwards, by one element, or where the device will not: one by one.
static void test_no_blocks(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        block_mode();
        block_refused = i == 2;
        state.rflags |= i == 0 ? RFLAGS_DF : 0;
        state.gpr[GPR_RDI] = DEVICE_GVA + 100;
        state.gpr[GPR_RCX] = i == 1 ? 1 : 7;
        assert_int_equal(RUN(0xf3, 0xaa), INSN_DONE); // rep stosb
        assert_int_equal(block_count, 0);
        assert_int_equal(device_calls, i == 1 ? 1 : 7);
        assert_int_equal(log_[0].address, DEVICE_GPA + 100);
    }
}

static enum insn_result alarming_port(void *context, uint64_t port, unsigned size, bool write, uint64_t *value)
{
    attention = device_calls == 2;
    return port_access(context, port, size, write, value);
}

// An interrupt comes between two elements; a single step after each.
static void test_rep_pauses(void **unused)
{
    (void)unused;
    block_mode();
    block_refused = true;
    cpu.port = alarming_port;
    state.gpr[GPR_RSI] = 0x8000;
    state.gpr[GPR_RCX] = 10;
    assert_int_equal(RUN(0xf3, 0x6e), INSN_RETRY); // rep outsb
    assert_int_equal(device_calls, 3);
    assert_int_equal(state.gpr[GPR_RCX], 7);
    assert_int_equal(state.gpr[GPR_RSI], 0x8003);
    assert_int_equal(state.rip, CODE);
    attention = 1; // from before: there is progress all the same
    device_calls = 10;
    cpu.port = port_access;
    assert_int_equal(insn_emulate(&cpu), INSN_RETRY);
    assert_int_equal(state.gpr[GPR_RCX], 6);
    attention = 0;
    state.rflags |= RFLAGS_TF;
    assert_int_equal(insn_emulate(&cpu), INSN_DONE);
    assert_int_equal(state.gpr[GPR_RCX], 5);
    assert_int_equal(state.rip, CODE);
    state.gpr[GPR_RCX] = 1;
    assert_int_equal(insn_emulate(&cpu), INSN_DONE);
    assert_int_equal(state.rip, CODE + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rep),       cmocka_unit_test(test_rep_16),     cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_no_blocks), cmocka_unit_test(test_rep_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
