// SPDX-License-Identifier: GPL-2.0-only
// Vector state: XSAVE areas for all components the host supports, FXSAVE where there is no XSAVE (SDM 1, 13).
#include "lib/c/string.h"
#include "ukernel/platform.h"
#include "x86/cpuid.h"
#include "x86/regs.h"

#define FXSAVE_SIZE 512
#define FCW_RESET   0x037f
#define MXCSR_RESET 0x1f80
#define MXCSR_PLACE 24 // offset in the area

uint32_t fpu_state_size = FXSAVE_SIZE;
unsigned fpu_state_order;
static uint64_t components; // XCR0, 0 = no XSAVE

void fpu_init(void)
{
    if (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) {
        struct cpuid c = cpuid(0xd, 0);
        components = (uint64_t)c.edx << 32 | c.eax;
        xsetbv(0, components);
        fpu_state_size = cpuid(0xd, 0).ebx;
    }
    while ((PAGE_SIZE << fpu_state_order) < fpu_state_size)
        fpu_state_order++;
    klog("fpu: XCR0 %#lx, %u bytes of state", components, fpu_state_size);
}

void fpu_init_cpu(void)
{
    if (components)
        xsetbv(0, components);
    write_cr0(read_cr0() | CR0_TS);
}

// The XSAVE header of zeros says: all components as at reset. MXCSR is loaded all the same.
void fpu_state_init(void *area)
{
    memset(area, 0, fpu_state_size);
    *(uint16_t *)area = FCW_RESET;
    *(uint32_t *)((char *)area + MXCSR_PLACE) = MXCSR_RESET;
}

void fpu_save(void *area)
{
    if (components)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void fpu_restore(void *area)
{
    if (components)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}
