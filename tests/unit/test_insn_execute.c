// SPDX-License-Identifier: MIT
// sources: vmm-user/insn/decode.c vmm-user/insn/decode_vector.c vmm-user/insn/opcodes.c vmm-user/insn/alu.c vmm-user/insn/memory.c
// sources: vmm-user/insn/fetch.c vmm-user/insn/execute.c vmm-user/insn/modify.c vmm-user/insn/multiply.c
// sources: vmm-user/insn/stack.c vmm-user/insn/string.c vmm-user/insn/vector.c vmm-user/insn/vector_forms.c
// sources: vmm-user/insn/run.c vmm-user/insn/system.c vmm-user/guest_walk.c
//
// What a comparison with the host's processor cannot show: fetching, the decode cache, segments of 16- and 32-bit code,
// branches, ports, faults, device accesses and their hints, and the bounds of REP.
#include "vmm-user/insn/execute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/native_vector.h"
#include "x86/desc.h"
#include "x86/paging.h"
#include "x86/regs.h"

enum {
    PAGE = 4096,
    RAM_BYTES = 64 * PAGE,
    CODE = 0x10000,
    DEVICE_GPA = 0xfee00000,
    DEVICE_GVA = 0x180000, // where 64-bit code sees the device
    LOG = 64,
    AR_DATA = 0x93,
    AR_CODE = 0x9b,
    AR_LONG = 0x200,
    AR_32 = 0x400,
};

struct access {
    uint64_t address, value;
    unsigned size;
    bool write, port;
};

static _Alignas(4096) uint8_t ram[RAM_BYTES];
static struct utcb_state state;
static struct insn_cache cache;
static const struct guest_mem mem = {.low = ram, .low_size = RAM_BYTES};
static struct insn_cpu cpu;
static struct access log_[LOG];
static unsigned logged, device_calls, retry_at; // the retry_at-th call of the device asks for a retry

static enum insn_result note(uint64_t address, unsigned size, bool write, bool port, uint64_t *value)
{
    device_calls++;
    cpu.accessed = true;
    if (device_calls == retry_at) {
        return INSN_RETRY;
    }
    if (!write) {
        *value = 0xa1b2c3d4e5f60718;
    }
    if (logged < LOG) {
        log_[logged++] = (struct access){address, *value, size, write, port};
    }
    return INSN_DONE;
}

static enum insn_result device_access(void *context, uint64_t gpa, unsigned size, bool write, uint64_t *value)
{
    assert_ptr_equal(context, &cpu);
    return note(gpa, size, write, false, value);
}

static enum insn_result port_access(void *context, uint64_t port, unsigned size, bool write, uint64_t *value)
{
    assert_ptr_equal(context, &cpu);
    return note(port, size, write, true, value);
}

static void entry_set(unsigned page, unsigned index, uint64_t value)
{
    memcpy(ram + page * PAGE + index * 8, &value, 8);
}

static void machine_reset(void)
{
    memset(ram, 0, sizeof(ram));
    memset(&state, 0, sizeof(state));
    logged = device_calls = retry_at = 0;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        state.seg[i] = (struct utcb_seg){.ar = AR_DATA, .limit = 0xffff};
    }
    state.rip = CODE;
    state.rflags = RFLAGS_ONE;
    cpu = (struct insn_cpu){.state = &state,
                            .ram = &mem,
                            .cache = &cache,
                            .mmio = device_access,
                            .port = port_access,
                            .context = &cpu,
                            .max_phys = 40};
}

// Real mode, code at CODE with CS.base there.
static void mode_16(void)
{
    machine_reset();
    state.seg[SEG_CS].ar = AR_CODE;
    state.seg[SEG_CS].base = CODE;
    state.rip = 0;
}

// Protected mode without paging, flat.
static void mode_32(void)
{
    machine_reset();
    state.cr0 = CR0_PE;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        state.seg[i] = (struct utcb_seg){.ar = AR_DATA | AR_32, .limit = 0xffffffff};
    }
    state.seg[SEG_CS].ar = AR_CODE | AR_32;
}

// Long mode, first 2 MiB identity-mapped by 4K pages but for DEVICE_GVA.
static void mode_64(void)
{
    machine_reset();
    state.cr0 = CR0_PE | CR0_PG | CR0_WP;
    state.cr3 = PAGE;
    state.cr4 = CR4_PAE;
    state.efer = EFER_LME | EFER_LMA | EFER_NXE;
    state.seg[SEG_CS].ar = AR_CODE | AR_LONG;
    for (unsigned i = 1; i < 4; i++) {
        entry_set(i, 0, (i + 1) * PAGE | PTE_P | PTE_W);
    }
    for (unsigned i = 0; i < 512; i++) {
        entry_set(4, i, i * PAGE | PTE_P | PTE_W);
    }
    entry_set(4, DEVICE_GVA / PAGE, DEVICE_GPA | PTE_P | PTE_W);
}

static enum insn_result run(const uint8_t *code, unsigned length)
{
    memcpy(ram + state.seg[SEG_CS].base + state.rip, code, length);
    return insn_emulate(&cpu);
}

#define RUN(...) run((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void assert_fault(enum insn_result result, unsigned vector, bool has_error, uint32_t error)
{
    assert_int_equal(result, INSN_FAULT);
    assert_int_equal(cpu.fault.vector, vector);
    assert_int_equal(cpu.fault.has_error, has_error);
    assert_int_equal(cpu.fault.error, error);
}

static void assert_access(unsigned index, uint64_t address, unsigned size, bool write, uint64_t value)
{
    assert_true(index < logged);
    assert_int_equal(log_[index].address, address);
    assert_int_equal(log_[index].size, size);
    assert_int_equal(log_[index].write, write);
    if (write) {
        assert_int_equal(log_[index].value, value);
    }
}

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

static struct io_block blocks[LOG];
static unsigned block_count;
static uint32_t attention;
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

// ---- insn_run against one instruction after the other

static uint64_t random_state;

static unsigned random_below(unsigned n)
{
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(random_state >> 33) % n;
}

// What drawing code is made of, and some of what ends it: ALU and MOV forms, INC, PUSH, XCHG, shifts, Jcc, STOS, LOOP, OUT,
// IN, a load of a segment, prefixes.
static void program_make(uint8_t *code, unsigned count)
{
    static const uint8_t opcodes[] = {0x00, 0x03, 0x2a, 0x31, 0x39, 0x84, 0x86, 0x87, 0x88, 0x8a, 0x89, 0x8b, 0xc6, 0x80, 0xfe, 0xff,
                                      0xd0, 0xd3, 0xc1, 0x40, 0x4f, 0x50, 0x58, 0xb0, 0xb8, 0xa2, 0xa0, 0x74, 0x75, 0xeb, 0xe2, 0xe0,
                                      0xaa, 0xac, 0xee, 0xef, 0xec, 0xe6, 0x8e, 0xc3, 0xe8, 0xf6, 0x98, 0xf8};
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x64, 0x66, 0x67, 0xf0, 0xf3};
    for (unsigned i = 0; i < count;) {
        if (random_below(4) == 0) {
            code[i++] = prefixes[random_below(sizeof(prefixes))];
        }
        code[i++] = opcodes[random_below(sizeof(opcodes))];
        for (unsigned n = random_below(5); n; n--) {
            unsigned byte = random_below(3) ? random_below(15) : random_below(256);
            code[i++] = (uint8_t)(byte == 0x0f || (byte & 0xf8) == 0xd8 ? 0x90 : byte); // x87 and vectors have state of their own
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

static void mode_vector(void)
{
    mode_64();
    vector_state_init();
    state.cr4 |= CR4_OSFXSR;
    state.gpr[GPR_RBX] = DEVICE_GVA;
    cpu.vector = VECTOR_SSE4 | VECTOR_AVX;
}

// A register is stored to a device in accesses of eight bytes and loaded from it; what is written by another size is not.
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
    assert_int_equal(RUN(0xf3, 0x0f, 0x7f, 0x03), INSN_DONE); // movdqu [rbx], xmm0
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
    assert_fault(RUN(0x0f, 0xae, 0x13), EXC_GP, true, 0); // ldmxcsr of what the device reads as
}

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
    } refused[] = {{SEL_ABSENT, 0, EXC_NP, SEL_ABSENT},     {SEL_ABSENT, 1, EXC_SS, SEL_ABSENT}, {SEL_GATE, 0, EXC_GP, SEL_GATE},
                   {56, 0, EXC_GP, 56},                     {0, 1, EXC_GP, 0},                   {SEL_USER, 1, EXC_GP, SEL_USER - 3},
                   {SEL_READ_ONLY, 1, EXC_GP, SEL_READ_ONLY}, {SEL_DATA + 3, 0, EXC_GP, SEL_DATA}, {SEL_DATA + 4, 0, EXC_GP, SEL_DATA + 4}};
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
    } cases[] = {{SEL_CODE, true, false, true},       {SEL_DATA, true, true, true}, {SEL_DATA + 3, false, false, false},
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
        cmocka_unit_test(test_rep),
        cmocka_unit_test(test_rep_16),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_no_blocks),
        cmocka_unit_test(test_rep_pauses),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_run_notices),
        cmocka_unit_test(test_vector_moves),
        cmocka_unit_test(test_vector_faults),
        cmocka_unit_test(test_segment_loads),
        cmocka_unit_test(test_far_transfers),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_system_segments),
        cmocka_unit_test(test_flags_and_all),
        cmocka_unit_test(test_divide_error),
        cmocka_unit_test(test_cmpxchg8b_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
