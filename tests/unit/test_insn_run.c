// SPDX-License-Identifier: MIT
// sources: vmm-user/insn/decode.c vmm-user/insn/decode_vector.c vmm-user/insn/opcodes.c vmm-user/insn/alu.c
// sources: vmm-user/insn/memory.c vmm-user/insn/fetch.c vmm-user/insn/execute.c vmm-user/insn/modify.c
// sources: vmm-user/insn/multiply.c vmm-user/insn/stack.c vmm-user/insn/string.c vmm-user/insn/vector.c
// sources: vmm-user/insn/vector_forms.c vmm-user/insn/run.c vmm-user/insn/system.c vmm-user/guest_walk.c
//
// insn_run against one instruction after the other.
#include "tests/unit/insn_machine.h"

static uint32_t attention;
static uint64_t random_state;

static unsigned random_below(unsigned n)
{
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(random_state >> 33) % n;
}

// What drawing code is made of, and some of what ends it: ALU and MOV forms, INC, PUSH, XCHG, shifts, Jcc, STOS, LOOP,
// OUT, IN, a load of a segment, prefixes.
static void program_make(uint8_t *code, unsigned count)
{
    static const uint8_t opcodes[] = {0x00, 0x03, 0x2a, 0x31, 0x39, 0x84, 0x86, 0x87, 0x88, 0x8a, 0x89,
                                      0x8b, 0xc6, 0x80, 0xfe, 0xff, 0xd0, 0xd3, 0xc1, 0x40, 0x4f, 0x50,
                                      0x58, 0xb0, 0xb8, 0xa2, 0xa0, 0x74, 0x75, 0xeb, 0xe2, 0xe0, 0xaa,
                                      0xac, 0xee, 0xef, 0xec, 0xe6, 0x8e, 0xc3, 0xe8, 0xf6, 0x98, 0xf8};
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x64, 0x66, 0x67, 0xf0, 0xf3};
    for (unsigned i = 0; i < count;) {
        if (random_below(4) == 0) {
            code[i++] = prefixes[random_below(sizeof(prefixes))];
        }
        code[i++] = opcodes[random_below(sizeof(opcodes))];
        for (unsigned n = random_below(5); n; n--) {
            unsigned byte = random_below(3) ? random_below(15) : random_below(256);
            code[i++] =
                (uint8_t)(byte == 0x0f || (byte & 0xf8) == 0xd8 ? 0x90
                                                                : byte); // x87 and vectors have state of their own
        }
    }
}

static void random_machine(void)
{
    bool wide = random_below(2);
    if (wide) {
        mode_32();
    } else {
        mode_16();
        state.cr0 = random_below(2) ? CR0_PE : 0;
    }
    cpu.hole_first = 4 * PAGE;
    cpu.hole_end = 6 * PAGE;
    cpu.attention = &attention;
    retry_at = random_below(8) ? 0 : 1 + random_below(8);
    for (unsigned i = 0; i < 8; i++) {
        state.gpr[i] = random_below(4) ? random_below(8 * PAGE) : random_state;
    }
    state.gpr[GPR_RCX] = random_below(8);
    state.gpr[GPR_RSP] = 0x4000;
    state.rflags |= random_below(256) & (RFLAGS_CF | RFLAGS_ZF | RFLAGS_SF);
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        if (i != SEG_CS && random_below(3) == 0) {
            static const uint16_t rights[] = {0x91, 0x93, 0x97, 0x9b, 0x1093, 0x493};
            state.seg[i].base = random_below(3 * PAGE);
            state.seg[i].limit = random_below(4) ? 0xffff : random_below(6 * PAGE);
            state.seg[i].ar = rights[random_below(6)];
        }
    }
    state.seg[SEG_CS].limit = random_below(4) ? 0xffff : random_below(PAGE);
    if (wide) {
        state.seg[SEG_CS].limit += CODE;
    }
    state.rip = (wide ? CODE : 0) + (random_below(3) ? random_below(256) : PAGE - random_below(64));
    program_make(ram + CODE, PAGE + 128);
}

// As insn_run says that it ends.
static bool run_slowly(unsigned most, unsigned idle, bool ports)
{
    const struct insn *in;
    for (unsigned calm = idle; calm; calm--) {
        unsigned before = device_calls;
        if (state.rip + INSN_MAX_LENGTH > state.seg[SEG_CS].limit || insn_fetch(&cpu, &in) != INSN_DONE ||
            (!ports && in->op >= INSN_OP_INS && in->op <= INSN_OP_OUT) || insn_execute(&cpu, in) != INSN_DONE ||
            cpu.changed) {
            return false;
        }
        if (device_calls != before) {
            calm = idle + 1;
            if (!--most) {
                return true;
            }
        }
    }
    return false;
}

static void test_run(void **unused)
{
    (void)unused;
    static uint8_t first_ram[RAM_BYTES], quick_ram[RAM_BYTES];
    unsigned accesses = 0, ended = 0;
    attention = 0;
    for (random_state = 1; accesses < 4000; random_state++) {
        uint64_t seed = random_state * 7919;
        random_state = seed;
        random_machine();
        unsigned most = 1 + random_below(20), idle = 1 + random_below(20), ports = random_below(2);
        struct utcb_state first = state;
        struct access quick_log[LOG];
        memcpy(first_ram, ram, sizeof(ram));
        bool quick = insn_run(&cpu, most, idle, ports);
        struct utcb_state quick_state = state;
        unsigned quick_logged = logged;
        memcpy(quick_ram, ram, sizeof(ram));
        memcpy(quick_log, log_, sizeof(log_));
        memcpy(ram, first_ram, sizeof(ram));
        state = first;
        logged = device_calls = 0;
        cpu.changed = 0;
        bool slow = run_slowly(most, idle, ports);
        assert_int_equal(quick, slow);
        assert_memory_equal(&quick_state, &state, sizeof(state));
        assert_int_equal(quick_logged, logged);
        assert_memory_equal(quick_log, log_, logged * sizeof(*log_));
        assert_memory_equal(quick_ram, ram, sizeof(ram));
        accesses += logged;
        ended += quick;
        random_state = seed / 7919;
    }
    assert_true(ended > 50);
}

// Code that changes itself, an interrupt that is wanted, and the A20 gate, closed by a port.
static enum insn_result gate_port(void *context, uint64_t port, unsigned size, bool write, uint64_t *value)
{
    cpu.gate = port == 0x92 ? 0x8000 : 0;
    return port_access(context, port, size, write, value);
}

static void test_run_notices(void **unused)
{
    (void)unused;
    static const uint8_t code[] = {0x2e, 0xc6, 0x06, 0x06, 0x00, 0x43, // mov byte [cs:6], 43h: inc bx
                                   0x40,                               // inc ax
                                   0x88, 0x17,                         // mov [bx], dl
                                   0xe6, 0x92,                         // out 92h, al
                                   0x88, 0x17, 0xf4};
    mode_16();
    memcpy(ram + CODE, code, sizeof(code));
    cpu.port = gate_port;
    cpu.attention = &attention;
    state.gpr[GPR_RBX] = 0x8fff;
    state.gpr[GPR_RDX] = 0x5a;
    attention = 0;
    assert_false(insn_run(&cpu, 100, 5, true));
    assert_int_equal(state.gpr[GPR_RAX], 0);
    assert_int_equal(state.gpr[GPR_RBX], 0x9000);
    assert_int_equal(ram[0x9000], 0x5a);
    assert_int_equal(ram[0x1000], 0x5a);
    assert_int_equal(state.rip, 0xd);
    mode_16();
    memcpy(ram + CODE, code, sizeof(code));
    cpu.hole_end = 0x10000;
    cpu.attention = &attention;
    state.rip = 7;
    attention = 1;
    assert_false(insn_run(&cpu, 100, 5, true));
    assert_int_equal(state.rip, 9);
    attention = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_run_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
