// SPDX-License-Identifier: MIT
// What tests of the instruction emulator stand on: RAM, a device, ports, a state for each mode.
#pragma once
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

static inline enum insn_result note(uint64_t address, unsigned size, bool write, bool port, uint64_t *value)
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

static inline enum insn_result device_access(void *context, uint64_t gpa, unsigned size, bool write, uint64_t *value)
{
    assert_ptr_equal(context, &cpu);
    return note(gpa, size, write, false, value);
}

static inline enum insn_result port_access(void *context, uint64_t port, unsigned size, bool write, uint64_t *value)
{
    assert_ptr_equal(context, &cpu);
    return note(port, size, write, true, value);
}

static inline void entry_set(unsigned page, unsigned index, uint64_t value)
{
    memcpy(ram + page * PAGE + index * 8, &value, 8);
}

static inline void machine_reset(void)
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
static inline void mode_16(void)
{
    machine_reset();
    state.seg[SEG_CS].ar = AR_CODE;
    state.seg[SEG_CS].base = CODE;
    state.rip = 0;
}

// Protected mode without paging, flat.
static inline void mode_32(void)
{
    machine_reset();
    state.cr0 = CR0_PE;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        state.seg[i] = (struct utcb_seg){.ar = AR_DATA | AR_32, .limit = 0xffffffff};
    }
    state.seg[SEG_CS].ar = AR_CODE | AR_32;
}

// Long mode, first 2 MiB identity-mapped by 4K pages but for DEVICE_GVA.
static inline void mode_64(void)
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

static inline enum insn_result run(const uint8_t *code, unsigned length)
{
    memcpy(ram + state.seg[SEG_CS].base + state.rip, code, length);
    return insn_emulate(&cpu);
}

#define RUN(...) run((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void assert_fault(enum insn_result result, unsigned vector, bool has_error, uint32_t error)
{
    assert_int_equal(result, INSN_FAULT);
    assert_int_equal(cpu.fault.vector, vector);
    assert_int_equal(cpu.fault.has_error, has_error);
    assert_int_equal(cpu.fault.error, error);
}

static inline void assert_access(unsigned index, uint64_t address, unsigned size, bool write, uint64_t value)
{
    assert_true(index < logged);
    assert_int_equal(log_[index].address, address);
    assert_int_equal(log_[index].size, size);
    assert_int_equal(log_[index].write, write);
    if (write) {
        assert_int_equal(log_[index].value, value);
    }
}
