// SPDX-License-Identifier: MIT
// sources: vmm-user/insn/decode.c vmm-user/insn/decode_vector.c vmm-user/insn/opcodes.c vmm-user/insn/alu.c
// sources: vmm-user/insn/memory.c vmm-user/insn/fetch.c vmm-user/insn/execute.c vmm-user/insn/modify.c
// sources: vmm-user/insn/multiply.c vmm-user/insn/stack.c vmm-user/insn/string.c vmm-user/insn/vector.c
// sources: vmm-user/insn/vector_forms.c vmm-user/insn/run.c vmm-user/insn/system.c vmm-user/guest_walk.c
//
// Emulates arbitrary instructions in arbitrary processor states. The input is the state, then the code. A fault must
// leave the registers alone, a device access must be of a legal size, and nothing may touch memory outside of RAM.
#include "vmm-user/insn/execute.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/native_vector.h"
#include "x86/paging.h"
#include "x86/regs.h"

enum { PAGE = 4096, RAM_BYTES = 16 * PAGE, CODE_AT = 0x5ff8, GPR_BYTES = 16 * 8, HEADER = GPR_BYTES + 24 };

static uint64_t ignored;

static enum insn_result device(void *context, uint64_t gpa, unsigned size, bool write, uint64_t *value)
{
    unsigned *calls = context;
    if ((size != 1 && size != 2 && size != 4 && size != 8) || (size < 8 && write && *value >> (8 * size))) {
        abort();
    }
    if (gpa < RAM_BYTES && gpa + size > RAM_BYTES) {
        abort();
    }
    *value = write ? *value : gpa * 0x9e3779b97f4a7c15;
    return ++*calls % 37 == 0 ? INSN_RETRY : INSN_DONE;
}

static enum insn_result port(void *context, uint64_t number, unsigned size, bool write, uint64_t *value)
{
    unsigned *calls = context;
    if (number > 0xffff || (size != 1 && size != 2 && size != 4) || (write && *value >> (8 * size))) {
        abort();
    }
    *value = write ? *value : number * 0x01010101;
    return ++*calls % 37 == 0 ? INSN_RETRY : INSN_DONE;
}

// A block lies in one page of RAM and, of memory, in one page of devices.
static bool block(void *context, const struct io_block *b)
{
    unsigned *calls = context;
    uint64_t bytes = b->size * b->count;
    if (b->count < 2 || bytes > PAGE) {
        abort();
    }
    if (b->kind != IO_BLOCK_IN && b->kind != IO_BLOCK_OUT && (b->addr & (PAGE - 1)) + bytes > PAGE) {
        abort();
    }
    if (++*calls % 5 == 0) {
        return false;
    }
    if (b->kind == IO_BLOCK_IN || b->kind == IO_BLOCK_GET) {
        memset(b->host, (int)*calls, bytes);
    } else if (b->kind == IO_BLOCK_OUT || b->kind == IO_BLOCK_PUT) {
        for (uint64_t i = 0; i < bytes; i++) {
            ignored += ((uint8_t *)b->host)[i];
        }
    }
    return true;
}

// Identity-maps RAM and a window of devices in 64-bit mode, with some pages missing or read-only.
static void tables_fill(uint8_t *ram, uint64_t variant)
{
    for (unsigned level = 1; level < 4; level++) {
        uint64_t entry = (level + 1) * PAGE | PTE_P | PTE_W | PTE_U;
        memcpy(ram + level * PAGE, &entry, 8);
    }
    for (uint64_t i = 0; i < 32; i++) {
        uint64_t entry = i * PAGE | PTE_P | (i < 8 || variant >> i & 1 ? PTE_W : 0) | PTE_U;
        entry = i < 8 || variant >> (i + 32) & 1 || i == 9 ? entry : 0;
        memcpy(ram + 4 * PAGE + 8 * i, &entry, 8);
    }
}

static void state_fill(struct utcb_state *state, const uint8_t *data)
{
    memcpy(state->gpr, data, GPR_BYTES);
    uint8_t mode = data[GPR_BYTES], rights = data[GPR_BYTES + 1];
    for (unsigned i = 0; i < 16; i++) { // keep most addresses near RAM
        if (data[GPR_BYTES + 2 + i / 8] >> (i % 8) & 1) {
            state->gpr[i] &= 0x1ffff;
        }
    }
    state->rflags = RFLAGS_ONE | (data[GPR_BYTES + 4] & 0xd5) | (uint64_t)(data[GPR_BYTES + 5] & 0xc) << 8;
    state->rip = CODE_AT;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        bool flat = rights & (1 << (i % 8));
        state->seg[i] = (struct utcb_seg){.ar = flat ? 0x493 : 0x93 + 2 * (mode & 2),
                                          .limit = flat ? 0xffffffff : 0xffff,
                                          .base = flat ? 0 : data[GPR_BYTES + 6 + i] * 0x111};
    }
    state->seg[SEG_CS] = (struct utcb_seg){.ar = 0x9b, .limit = 0xffffffff};
    state->cr0 = mode & 4 ? CR0_PE : 0;
    if (mode & 8) {
        state->seg[SEG_CS].ar |= 0x400;
    }
    if (mode & 16) {
        state->seg[SEG_CS].ar = 0x29b;
        state->seg[SEG_SS].ar |= mode & 32 ? 0x60 : 0;
        state->cr0 = CR0_PE | CR0_PG | CR0_WP;
        state->cr3 = PAGE;
        state->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE;
        state->xcr0 = 7;
        state->efer = EFER_LMA | EFER_LME | EFER_NXE;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(4096) uint8_t ram[RAM_BYTES];
    static struct insn_cache cache;
    static struct utcb_state state;
    if (size < HEADER || size > HEADER + 64) {
        return 0;
    }
    unsigned calls = data[GPR_BYTES];
    const struct guest_mem mem = {.low = ram, .low_size = RAM_BYTES};
    struct insn_cpu cpu = {.state = &state,
                           .ram = &mem,
                           .cache = &cache,
                           .mmio = device,
                           .port = port,
                           .block = block,
                           .context = &calls,
                           .max_phys = 36,
                           .vector = vector_features(),
                           .has = data[GPR_BYTES + 4] & 2 ? ~0u : 0};
    memset(&state, 0, sizeof(state));
    memset(ram, 0, sizeof(ram));
    uint64_t variant;
    memcpy(&variant, data + GPR_BYTES + 16, 8);
    tables_fill(ram, variant);
    state_fill(&state, data);
    memcpy(ram + CODE_AT, data + HEADER, size - HEADER);
    vector_state_init();
    for (unsigned i = 0; i < 8; i++) {
        const struct utcb_state before = state;
        const struct insn *in;
        bool string = insn_fetch(&cpu, &in) == INSN_DONE && in->op >= INSN_OP_MOVS && in->op <= INSN_OP_OUTS;
        enum insn_result result = insn_emulate(&cpu);
        if (result == INSN_FAULT || result == INSN_UNSUPPORTED || result == INSN_STATE) {
            if (!string && memcmp(&before, &state, sizeof(state))) {
                abort();
            }
            break;
        }
        if (result == INSN_RETRY && state.rip != before.rip) {
            abort();
        }
    }
    if (insn_mode_of(&state) != INSN_MODE_64) {
        insn_run(&cpu, 8, 8, size & 1);
    }
    ignored += calls;
    return 0;
}
