// SPDX-License-Identifier: MIT
// The kernel lends the handler of a vCPU its vector registers as soon as it touches one (ukernel/cpu/fpu.c).
#include "vmm-user/insn/native.h"
#include "lib/sys/hypercall.h"
#include "vmm-user/layout.h"
#include "abi/hypercall.h"

#define STATUS_FLAGS 0x8d5ul

static _Alignas(PAGE_SIZE) uint64_t page[PAGE_SIZE / sizeof(uint64_t)]; // executed at VA_NATIVE: no page is both

uint16_t native_x87_status(void)
{
    uint16_t status;
    __asm__ volatile("fnstsw %0" : "=a"(status));
    return status;
}

// What was written elsewhere is fetched after a serialising instruction only (SDM 3A 8.1.3).
static void code_set(uint64_t code)
{
    uint32_t a = 0, b, c = 0, d;
    *(volatile uint64_t *)page = code;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
}

bool native_run(uint64_t code, void *operand, uint64_t *rflags)
{
    static bool mapped;
    if (!mapped)
        mapped =
            ctrl_pd(PD_MAP_MEM, SEL_SELF_PD, VA_NATIVE, SEL_SELF_PD, (uint64_t)page, pd_arg(1, MAP_R | MAP_X)).status ==
            ST_OK;
    if (!mapped)
        return false;
    if (*page != code)
        code_set(code);
    uint64_t flags = *rflags & STATUS_FLAGS;
    __asm__ volatile("sub $128, %%rsp\n\tpush %0\n\tpopfq\n\tcall *%2\n\tpushfq\n\tpop %0\n\tadd $128, %%rsp"
                     : "+r"(flags)
                     : "a"(operand), "r"(VA_NATIVE)
                     : "memory", "cc");
    *rflags = (*rflags & ~STATUS_FLAGS) | (flags & STATUS_FLAGS);
    return true;
}
