// SPDX-License-Identifier: MIT
// The guest's vector registers for tests of the executor, which may use the host's meanwhile: they are loaded for the
// one instruction that the processor executes and saved after it.
#pragma once
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm-user/insn/native.h"
#include "vmm-user/insn/vector_forms.h"

enum { VECTOR_STATE = 832 }; // x87, SSE and AVX components of XSAVE

static _Alignas(64) uint8_t vector_state[VECTOR_STATE], vector_host[VECTOR_STATE];

#define VECTOR_SAVE(area)                                                                                              \
    __asm__ volatile("xsave64 %0" : "+m"(*(uint8_t(*)[VECTOR_STATE])(area)) : "a"(7), "d"(0) : "memory")
#define VECTOR_LOAD(area)                                                                                              \
    __asm__ volatile("xrstor64 %0" : : "m"(*(const uint8_t(*)[VECTOR_STATE])(area)), "a"(7), "d"(0) : "memory")

// What the host has, as struct insn_cpu wants it.
static inline uint8_t vector_features(void)
{
    static uint8_t features;
    unsigned a, b, c, d;
    if (features) { // CPUID takes long in a VM
        return features;
    }
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        features |= c & bit_SSE4_2 ? VECTOR_SSE4 : 0;
        features |= c & bit_AVX ? VECTOR_AVX : 0;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        features |= b & bit_AVX2 ? VECTOR_AVX2 : 0;
    }
    return features;
}

static inline void vector_state_init(void)
{
    memset(vector_state, 0, sizeof(vector_state));
    vector_state[0] = 0x7f, vector_state[1] = 0x03;   // FCW
    vector_state[24] = 0x80, vector_state[25] = 0x1f; // MXCSR
    vector_state[512] = 7;                            // XSTATE_BV
}

uint16_t native_x87_status(void)
{
    uint16_t status;
    memcpy(&status, vector_state + 2, 2);
    return status;
}

bool native_run(uint64_t code, void *operand, uint64_t *rflags)
{
    static uint64_t *page;
    uint64_t flags = *rflags & 0x8d5;
    if (!page) {
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) {
            abort();
        }
    }
    *page = code;
    VECTOR_SAVE(vector_host);
    VECTOR_LOAD(vector_state);
    __asm__ volatile("sub $128, %%rsp\n\tpush %0\n\tpopfq\n\tcall *%2\n\tpushfq\n\tpop %0\n\tadd $128, %%rsp"
                     : "+r"(flags)
                     : "a"(operand), "r"(page)
                     : "memory", "cc");
    VECTOR_SAVE(vector_state);
    VECTOR_LOAD(vector_host);
    *rflags = (*rflags & ~0x8d5ull) | (flags & 0x8d5);
    return true;
}
