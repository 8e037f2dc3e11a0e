// SPDX-License-Identifier: MIT
// sources: vmm-user/insn/decode.c vmm-user/insn/decode_vector.c vmm-user/insn/opcodes.c vmm-user/insn/alu.c
// sources: vmm-user/insn/memory.c vmm-user/insn/fetch.c vmm-user/insn/execute.c vmm-user/insn/modify.c
// sources: vmm-user/insn/multiply.c vmm-user/insn/stack.c vmm-user/insn/string.c vmm-user/insn/vector.c
// sources: vmm-user/insn/vector_forms.c vmm-user/insn/run.c vmm-user/insn/system.c vmm-user/guest_walk.c
//
// Every instruction that the executor knows, run by it and by this host's processor on the same random registers, flags
// and memory, vector and x87 registers: all must agree afterwards, but for the flags that the manual leaves undefined.
// The guest's pages are RAM or devices at random, and operands lie across their boundaries.
#include "vmm-user/insn/execute.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "tests/unit/native_vector.h"
#include "x86/desc.h"
#include "x86/paging.h"
#include "x86/regs.h"

enum {
    PAGE = 4096,
    DATA_PAGES = 3,
    DATA_BYTES = DATA_PAGES * PAGE,
    DATA_VA = 0x10000000, // the instruction's window, in the guest as on the host
    CODE_VA = 0x10100000, // the native instruction's page, then its registers
    MMIO_GPA = 0x40000000,
    RAM_PAGES = 32,
    REPORTED_MAX = 20,
};

#define STATUS_FLAGS (RFLAGS_OF | RFLAGS_SF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF | RFLAGS_CF)

struct native_frame {
    uint64_t gpr[16], rflags, host_rsp;
};

static uint8_t *native_data, *native_code;
static struct native_frame *frame;
static _Alignas(4096) uint8_t ram[RAM_PAGES * PAGE];
static uint8_t devices[DATA_BYTES];
static const unsigned data_frames[DATA_PAGES] = {20, 9, 14}; // guest-physical page numbers, not in a row
static unsigned failures, executed;
static sigjmp_buf native_fault;
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

// Values that find the edges more often than uniform ones do.
static uint64_t random_value(void)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     0x7f,
                                     0x80,
                                     0xff,
                                     0x7fff,
                                     0x8000,
                                     0xffff,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     0xffffffffffffffff};
    uint64_t r = random_next();
    switch (r & 3) {
    case 0:
        return edges[(r >> 8) % (sizeof(edges) / sizeof(edges[0]))];
    case 1:
        return (r >> 8) & 0xff;
    default:
        return random_next();
    }
}

static void fault_handler(int signal, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    siglongjmp(native_fault, signal);
}

static uint8_t *emit_frame_access(uint8_t *at, unsigned opcode, unsigned reg, const void *where)
{
    *at++ = (uint8_t)(0x48 | (reg >> 3 ? 4 : 0));
    *at++ = (uint8_t)opcode;
    *at++ = (uint8_t)(0x05 | (reg & 7) << 3);
    int32_t disp = (int32_t)((const uint8_t *)where - (at + 4));
    memcpy(at, &disp, 4);
    return at + 4;
}

static uint8_t *emit(uint8_t *at, const void *bytes, unsigned count)
{
    memcpy(at, bytes, count);
    return at + count;
}

// Builds: save the host, load flags and registers, the instruction, store them, restore the host. Returns where the
// instruction lies.
static uint64_t native_build(const uint8_t *bytes, unsigned length)
{
    uint8_t *at = native_code;
    at = emit(at, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57", 10); // push rbx rbp r12-r15
    at = emit_frame_access(at, 0x89, GPR_RSP, &frame->host_rsp);
    at = emit_frame_access(at, 0x8b, GPR_RAX, &frame->rflags);
    at = emit(at, "\x50\x9d", 2); // push rax; popfq
    for (unsigned i = 0; i < 16; i++) {
        at = emit_frame_access(at, 0x8b, i, &frame->gpr[i]);
    }
    uint64_t where = (uint64_t)at;
    at = emit(at, bytes, length);
    for (unsigned i = 0; i < 16; i++) {
        at = emit_frame_access(at, 0x89, i, &frame->gpr[i]);
    }
    at = emit_frame_access(at, 0x8b, GPR_RSP, &frame->host_rsp);
    at = emit(at, "\x9c\x58\xfc", 3); // pushfq; pop rax; cld
    at = emit_frame_access(at, 0x89, GPR_RAX, &frame->rflags);
    emit(at, "\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3", 11);
    return where;
}

// 0, or the vector of the exception.
static int processor_run(bool vector)
{
    int signal = sigsetjmp(native_fault, 1);
    if (signal) {
        if (vector) {
            VECTOR_LOAD(vector_host);
        }
        return signal == SIGFPE ? EXC_DE + 100 : EXC_GP + 100;
    }
    if (!vector) {
        ((void (*)(void))native_code)();
        return 0;
    }
    VECTOR_SAVE(vector_host);
    VECTOR_LOAD(vector_state);
    __asm__ volatile("sub $128, %%rsp\n\tcall *%0\n\tadd $128, %%rsp"
                     :
                     : "r"(native_code)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    VECTOR_SAVE(vector_state);
    VECTOR_LOAD(vector_host);
    return 0;
}

// Random registers; nothing is pending and all exceptions are masked.
static void vector_state_random(void)
{
    vector_state_init();
    for (unsigned i = 32; i < VECTOR_STATE; i++) {
        if (i < 416 || i >= 576) {
            vector_state[i] = (uint8_t)random_next();
        }
    }
    vector_state[3] = (uint8_t)(random_next() & 0x38); // TOP
    vector_state[4] = (uint8_t)random_next();          // tags
    uint64_t rflags = 0;
    native_run(0xc3, vector_host, &rflags); // as the processor writes it
}

// But for the pointers to the last x87 instruction and what software may keep there.
static bool vector_states_agree(const uint8_t *a, const uint8_t *b)
{
    return !memcmp(a, b, 6) && !memcmp(a + 24, b + 24, 416 - 24) && !memcmp(a + 576, b + 576, VECTOR_STATE - 576);
}

static enum insn_result mmio(void *context, uint64_t gpa, unsigned size, bool write, uint64_t *value)
{
    (void)context;
    assert_true(gpa >= MMIO_GPA && gpa + size <= MMIO_GPA + DATA_BYTES);
    if (write) {
        memcpy(devices + (gpa - MMIO_GPA), value, size);
    } else {
        *value = 0x5555555555555555; // what a sloppy device leaves above its size
        memcpy(value, devices + (gpa - MMIO_GPA), size);
    }
    return INSN_DONE;
}

static enum insn_result port(void *context, uint64_t number, unsigned size, bool write, uint64_t *value)
{
    (void)context, (void)number, (void)size, (void)write, (void)value;
    return INSN_UNSUPPORTED;
}

struct machine {
    struct utcb_state state;
    struct guest_mem mem;
    struct insn_cache cache;
    struct insn_cpu cpu;
    unsigned device_pages; // bit per data page
};

static void entry_set(unsigned page, unsigned index, uint64_t value)
{
    memcpy(ram + page * PAGE + index * 8, &value, 8);
}

static uint8_t *guest_page(const struct machine *m, unsigned page)
{
    return m->device_pages & (1u << page) ? devices + page * PAGE : ram + data_frames[page] * PAGE;
}

// A 64-bit guest at CPL 3 whose DATA_VA is mapped to scattered frames, or to devices.
static void machine_build(struct machine *m, unsigned device_pages)
{
    enum { PML4 = 1, PDPT, PD, PT };
    const uint64_t flags = PTE_P | PTE_W | PTE_U;
    m->device_pages = device_pages;
    entry_set(PML4, 0, PDPT * PAGE | flags);
    entry_set(PDPT, 0, PD * PAGE | flags);
    entry_set(PD, DATA_VA >> 21, PT * PAGE | flags);
    for (unsigned i = 0; i < DATA_PAGES; i++) {
        uint64_t gpa = device_pages & (1u << i) ? MMIO_GPA + i * PAGE : data_frames[i] * PAGE;
        entry_set(PT, ((DATA_VA >> 12) & 511) + i, gpa | flags);
    }
    memset(&m->state, 0, sizeof(m->state));
    m->state.cr0 = CR0_PE | CR0_PG | CR0_WP;
    m->state.cr3 = PML4 * PAGE;
    m->state.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE;
    m->state.xcr0 = 7;
    m->state.efer = EFER_LME | EFER_LMA | EFER_NXE;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        m->state.seg[i] = (struct utcb_seg){.ar = 0xf3, .limit = 0xffffffff, .base = 0xdeadbeef000};
    }
    m->state.seg[SEG_CS].ar = 0x2fb;
    m->mem = (struct guest_mem){.low = ram, .low_size = sizeof(ram)};
    m->cpu = (struct insn_cpu){.state = &m->state,
                               .ram = &m->mem,
                               .cache = &m->cache,
                               .mmio = mmio,
                               .port = port,
                               .max_phys = 46,
                               .vector = vector_features(),
                               .has = MTD_XSAVE};
}

// The status flags that the manual defines after the instruction, given what it ran on.
static uint64_t defined_flags(const struct insn *in, const uint64_t gpr[16])
{
    unsigned bits = 8 * in->size;
    bool shift = in->op >= INSN_OP_ROL && in->op <= INSN_OP_SHRD;
    uint64_t count = in->op >= INSN_OP_SHLD ? (in->third == INSN_IMM ? in->imm : gpr[GPR_RCX])
                     : in->src == INSN_IMM  ? in->imm
                                            : gpr[GPR_RCX];
    count &= in->size == 8 ? 63 : 31;
    if (shift && count) {
        bool rotate = in->op <= INSN_OP_RCR;
        uint64_t undefined = (rotate ? 0 : RFLAGS_AF) | (count != 1 ? RFLAGS_OF : 0);
        return STATUS_FLAGS & ~(undefined | (!rotate && count > bits ? RFLAGS_CF : 0));
    }
    switch (in->op) {
    case INSN_OP_AND:
    case INSN_OP_OR:
    case INSN_OP_XOR:
    case INSN_OP_TEST:
        return STATUS_FLAGS & ~RFLAGS_AF;
    case INSN_OP_MUL:
    case INSN_OP_IMUL:
        return RFLAGS_CF | RFLAGS_OF;
    case INSN_OP_DIV:
    case INSN_OP_IDIV:
        return 0;
    case INSN_OP_BT:
    case INSN_OP_BTS:
    case INSN_OP_BTR:
    case INSN_OP_BTC:
        return RFLAGS_CF | RFLAGS_ZF;
    case INSN_OP_BSF:
    case INSN_OP_BSR:
        return RFLAGS_ZF;
    case INSN_OP_TZCNT:
    case INSN_OP_LZCNT:
        return RFLAGS_CF | RFLAGS_ZF;
    default:
        return STATUS_FLAGS;
    }
}

static void report(const uint8_t *bytes, unsigned length, const char *what, uint64_t native, uint64_t ours)
{
    if (failures++ >= REPORTED_MAX) {
        return;
    }
    for (unsigned i = 0; i < length; i++) {
        print_message("%02x ", bytes[i]);
    }
    print_message(": %s: native %llx, ours %llx\n", what, (unsigned long long)native, (unsigned long long)ours);
}

// Points the memory operands into the window. False if the registers cannot be made to.
static bool registers_aim(const struct insn *in, uint64_t where, uint64_t gpr[16])
{
    bool memory = in->dst == INSN_MEM || in->src == INSN_MEM;
    bool bit_string = in->op >= INSN_OP_BT && in->op <= INSN_OP_BTC && in->src == INSN_REG && in->dst == INSN_MEM;
    uint64_t near = DATA_VA + PAGE - 16 + random_next() % 32 + (random_next() & 1) * PAGE;
    gpr[GPR_RSP] = DATA_VA + PAGE + 0x100 + random_next() % 32 - (random_next() & 1) * 0x100;
    if (in->op == INSN_OP_LEAVE) {
        gpr[GPR_RBP] = near;
        return true;
    }
    if (in->op >= INSN_OP_MOVS && in->op <= INSN_OP_SCAS) {
        gpr[GPR_RSI] = near;
        gpr[GPR_RDI] = DATA_VA + PAGE + random_next() % 64;
        gpr[GPR_RCX] = random_next() % 40;
        return true;
    }
    if (in->op == INSN_OP_XLAT) {
        gpr[GPR_RBX] = near;
        return true;
    }
    if (!memory || in->op == INSN_OP_LEA) {
        return true;
    }
    if (in->op == INSN_OP_CMPXCHG16B && random_next() & 3) {
        near &= ~15ull;
    }
    if (in->op >= INSN_OP_VECTOR && random_next() & 3) {
        near &= ~31ull;
    }
    if (bit_string) {
        if (in->src_reg == in->base || in->src_reg == in->index) {
            return false;
        }
        gpr[in->src_reg] = (uint64_t)((int64_t)(random_next() % 4096) - 2048);
    }
    uint64_t address = in->disp;
    if (in->base == INSN_REG_RIP) {
        return where + in->length + in->disp >= DATA_VA && where + in->length + in->disp < DATA_VA + DATA_BYTES - 64;
    }
    if (in->index != INSN_REG_NONE) {
        if (in->index == in->base || in->index == GPR_RSP) {
            return false;
        }
        gpr[in->index] = random_next() % 16;
        address += gpr[in->index] * in->scale;
    }
    if (in->base == INSN_REG_NONE) {
        return false;
    }
    gpr[in->base] = near - address;
    if (in->base == GPR_RSP) {
        near = gpr[GPR_RSP] + in->disp;
        return near >= DATA_VA + 64 && near < DATA_VA + DATA_BYTES - 64;
    }
    return true;
}

static void windows_fill(const struct machine *m, const uint64_t gpr[16])
{
    static unsigned age;
    for (unsigned i = 0; i < DATA_BYTES / 8 && age % 16 == 0; i++) {
        uint64_t value = random_value();
        if ((random_next() & 7) == 0) {
            value = gpr[GPR_RAX];
        }
        memcpy(native_data + 8 * i, &value, 8);
    }
    age++;
    for (unsigned i = 0; i < DATA_PAGES; i++) {
        memcpy(guest_page(m, i), native_data + i * PAGE, PAGE);
    }
}

static void results_compare(const struct machine *m, const struct insn *in, const uint8_t *bytes,
                            const uint64_t before[16], uint64_t where)
{
    static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    for (unsigned i = 0; i < 16; i++) {
        if (frame->gpr[i] != m->state.gpr[i]) {
            report(bytes, in->length, names[i], frame->gpr[i], m->state.gpr[i]);
            return;
        }
    }
    uint64_t mask = defined_flags(in, before) | RFLAGS_DF;
    if ((frame->rflags ^ m->state.rflags) & mask) {
        report(bytes, in->length, "flags", frame->rflags & mask, m->state.rflags & mask);
    }
    for (unsigned i = 0; i < DATA_PAGES; i++) {
        const uint8_t *ours = guest_page(m, i), *native = native_data + i * PAGE;
        for (unsigned k = 0; k < PAGE && memcmp(ours, native, PAGE); k++) {
            if (ours[k] != native[k]) {
                report(bytes, in->length, "memory", native[k], ours[k]);
                return;
            }
        }
    }
    if (m->state.rip != where + in->length) {
        report(bytes, in->length, "rip", where + in->length, m->state.rip);
    }
}

static void check(const uint8_t *bytes, const struct insn *in)
{
    static struct machine m;
    uint64_t before[16], rflags = (random_next() & (STATUS_FLAGS | RFLAGS_DF)) | RFLAGS_ONE | RFLAGS_IF;
    uint64_t where = native_build(bytes, in->length);
    for (unsigned i = 0; i < 16; i++) {
        before[i] = random_value();
    }
    if (!registers_aim(in, where, before)) {
        return;
    }
    memcpy(frame->gpr, before, sizeof(before));
    frame->rflags = rflags;
    machine_build(&m, random_next() % 8);
    windows_fill(&m, before);
    memcpy(m.state.gpr, before, sizeof(before));
    m.state.rflags = rflags;
    m.state.rip = where;
    executed++;
    static uint8_t initial[VECTOR_STATE], expected[VECTOR_STATE];
    bool vector = in->op >= INSN_OP_VECTOR;
    if (vector) {
        vector_state_random();
        memcpy(initial, vector_state, VECTOR_STATE);
    }
    int native = processor_run(vector);
    if (vector) {
        memcpy(expected, vector_state, VECTOR_STATE);
        memcpy(vector_state, initial, VECTOR_STATE);
    }
    enum insn_result result = insn_execute(&m.cpu, in);
    if (vector && !vector_states_agree(expected, vector_state)) {
        report(bytes, in->length, "vector registers", 0, 0);
    }
    if (native || result != INSN_DONE) {
        int ours = result == INSN_FAULT ? m.cpu.fault.vector + 100 : (int)result;
        if (native != ours) {
            report(bytes, in->length, "fault", (unsigned)native, (unsigned)ours);
        } else if (memcmp(before, m.state.gpr, sizeof(before)) || m.state.rflags != rflags || m.state.rip != where) {
            report(bytes, in->length, "registers changed by a fault", 0, 0);
        }
        return;
    }
    results_compare(&m, in, bytes, before, where);
}

// Operations that run natively in user mode and come back.
static bool testable(const struct insn *in)
{
    bool undefined = (in->op == INSN_OP_BSWAP && in->size == 2) ||
                     ((in->op == INSN_OP_SHLD || in->op == INSN_OP_SHRD) && in->size == 2);
    bool system_register = in->dst == INSN_SREG || in->dst == INSN_CR || in->dst == INSN_DR || in->src == INSN_CR ||
                           in->src == INSN_SREG || in->src == INSN_DR;
    bool branch = in->op >= INSN_OP_JCC && in->op <= INSN_OP_RET;
    return !undefined && !system_register && !branch && (in->op <= INSN_OP_LAHF + 6 || in->op >= INSN_OP_CRC32) &&
           in->segment != INSN_FS && in->segment != INSN_GS && in->address_size == 8 &&
           !(in->op >= INSN_OP_ENTER && in->op <= INSN_OP_JCXZ) && !(in->op >= INSN_OP_INS && in->op <= INSN_OP_OUT) &&
           in->dst != INSN_REL;
}

static void opcodes_check(const uint8_t *prefix, unsigned prefix_length, const uint8_t *escape, unsigned escape_length,
                          unsigned rounds)
{
    static const uint8_t modrms[][6] = {
        {0x03},
        {0x47, 0x10},
        {0x84, 0x73, 0x44, 0x33, 0x22, 0x11},
        {0x44, 0x24, 0x08}, // memory
        {0x04, 0x1e},       // [rsi + rbx]
        {0xc0},
        {0xc1},
        {0xc4},
        {0xc7}, // registers
    };
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        for (unsigned reg = 0; reg < 8; reg++) {
            for (unsigned form = 0; form < sizeof(modrms) / sizeof(modrms[0]); form++) {
                uint8_t bytes[32] = {0};
                unsigned at = 0;
                memcpy(bytes, prefix, prefix_length);
                if (escape_length) {
                    memcpy(bytes + prefix_length, escape, escape_length);
                }
                at = prefix_length + escape_length;
                bytes[at++] = (uint8_t)opcode;
                memset(bytes + at, (int)random_next(), 16);
                memcpy(bytes + at, modrms[form], sizeof(modrms[form]));
                bytes[at] |= (uint8_t)(reg << 3);
                unsigned used = at + (form == 2 ? 6 : form == 3 ? 3 : form == 1 || form == 4 ? 2 : 1);
                for (unsigned i = used; i < 24; i++) {
                    bytes[i] = (uint8_t)random_next();
                }
                struct insn in;
                if (insn_decode(&in, bytes, 15, INSN_MODE_64) == INSN_OK && testable(&in) &&
                    (in.op < INSN_OP_VECTOR || random_next() % 16 == 0)) { // those take long
                    for (unsigned round = 0; round < rounds; round++) {
                        check(bytes, &in);
                    }
                }
            }
        }
    }
}

// cmocka has handlers of its own while a test runs, so ours are set by the test.
static void native_prepare(void)
{
    static uint8_t alternate[65536];
    const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    const struct sigaction action = {.sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    const int signals[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL};
    native_data = mmap((void *)(uintptr_t)DATA_VA, DATA_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    native_code = mmap((void *)(uintptr_t)CODE_VA, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    assert_true(native_data != MAP_FAILED && native_code != MAP_FAILED);
    frame = (struct native_frame *)(native_code + PAGE);
    assert_int_equal(sigaltstack(&stack, NULL), 0);
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        assert_int_equal(sigaction(signals[i], &action, NULL), 0);
    }
}

static void test_against_processor(void **state)
{
    (void)state;
    native_prepare();
    failures = 0;
    static const struct {
        uint8_t length, bytes[3];
    } prefixes[] = {{0, {0}},          {1, {0x66}},       {1, {0x48}},       {1, {0x41}},
                    {1, {0x44}},       {1, {0x4d}},       {1, {0xf0}},       {2, {0xf0, 0x48}},
                    {2, {0xf0, 0x66}}, {1, {0xf3}},       {2, {0xf3, 0x48}}, {1, {0xf2}},
                    {2, {0xf3, 0x66}}, {2, {0xf2, 0x66}}, {1, {0x40}},       {2, {0x66, 0x45}}};
    static const uint8_t escapes[4][2] = {{0}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};
    for (unsigned p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++) {
        for (unsigned map = 0; map < 4; map++) {
            opcodes_check(prefixes[p].bytes, prefixes[p].length, escapes[map], map < 3 ? map : 2, 4);
        }
    }
    print_message("%u executions compared\n", executed);
    assert_true(executed > 50000);
    assert_int_equal(failures, 0);
}

static void test_vex_against_processor(void **state)
{
    (void)state;
    native_prepare();
    if (!(vector_features() & VECTOR_AVX2)) {
        print_message("this host has no AVX2\n");
        skip();
    }
    failures = executed = 0;
    for (unsigned i = 0; i < 3 * 4 * 2 * 3; i++) {
        static const uint8_t registers[] = {0x78, 0x48, 0xf8};
        uint8_t last = (uint8_t)(registers[i / 24] | (i & 4) | (i & 3));
        const uint8_t escape[3] = {0xc4, (uint8_t)(0xe0 | (1 + i / 8 % 3)), last};
        opcodes_check(escape, 3, escape, 0, 4);
    }
    print_message("%u executions compared\n", executed);
    assert_true(executed > 5000);
    assert_int_equal(failures, 0);
}

// Address-size prefix, which zero-extends the address and the string registers.
static void test_address_size(void **state)
{
    (void)state;
    native_prepare();
    static const uint8_t cases[][8] = {
        {0x67, 0x8b, 0x03},       // mov eax, [ebx]
        {0x67, 0x48, 0x89, 0x07}, // mov [edi], rax
        {0x67, 0xa4},             // movs with ESI, EDI
        {0x67, 0xf3, 0xaa},       // rep stosb with ECX, EDI
        {0x67, 0x48, 0x8d, 0x44, 0x1b, 0x7f},
        {0x67, 0x41, 0x8d, 0x43, 0x80},
    };
    failures = 0;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct insn in;
        assert_int_equal(insn_decode(&in, cases[i], 8, INSN_MODE_64), INSN_OK);
        for (unsigned round = 0; round < 200; round++) {
            check(cases[i], &in);
        }
    }
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_processor),
        cmocka_unit_test(test_vex_against_processor),
        cmocka_unit_test(test_address_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
