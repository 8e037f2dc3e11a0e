// SPDX-License-Identifier: MIT
// Vector state: XSAVE areas for all components the host supports, FXSAVE where there is no XSAVE (SDM 1, 13). CR0.TS is
// set but while an EC with the right to them runs that has touched a vector register: #NM is what switches the state.
#include "lib/c/string.h"
#include "ukernel/kobject.h"
#include "ukernel/platform.h"
#include "x86/cpuid.h"
#include "x86/regs.h"

#define FXSAVE_SIZE 512
#define FCW_RESET   0x037f
#define MXCSR_RESET 0x1f80
#define MXCSR_PLACE 24 // offset in the area

static uint32_t state_size = FXSAVE_SIZE;
static unsigned state_order;
static uint64_t components; // XCR0, 0 = no XSAVE

void fpu_init(void)
{
    if (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) {
        struct cpuid c = cpuid(0xd, 0);
        components = (uint64_t)c.edx << 32 | c.eax;
        xsetbv(0, components);
        state_size = cpuid(0xd, 0).ebx;
    }
    while ((PAGE_SIZE << state_order) < state_size)
        state_order++;
    klog("fpu: XCR0 %#lx, %u bytes of state", components, state_size);
}

void fpu_init_cpu(void)
{
    if (components)
        xsetbv(0, components);
    stts();
}

// The XSAVE header of zeros says: all components as at reset. MXCSR is loaded all the same.
bool fpu_state_create(struct ec *ec)
{
    char *area = account_alloc(&ec->pd->account, state_order);
    if (!area)
        return false;
    *(uint16_t *)area = FCW_RESET;
    *(uint32_t *)(area + MXCSR_PLACE) = MXCSR_RESET;
    ec->vector = area;
    ec->xcr0 = components;
    return true;
}

void fpu_state_free(struct ec *ec)
{
    if (ec->vector)
        account_free(&ec->pd->account, ec->vector, state_order);
    ec->vector = NULL;
}

static void save(void *area)
{
    if (components)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void restore(const void *area)
{
    if (components)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

// All components are switched, whatever either may use. A guest may have changed its XCR0 without an exit (emulators).
void fpu_switch(struct cpu *cpu, struct ec *ec)
{
    struct ec *other = cpu->fpu_owner;
    clts();
    if (components) {
        uint64_t xcr0 = xgetbv(0);
        if (other)
            other->xcr0 = xcr0;
        xsetbv(0, components);
    }
    if (other)
        save(other->vector);
    restore(ec->vector);
    cpu->fpu_owner = ec;
    if (components)
        xsetbv(0, ec->xcr0);
    stts();
}

// Who answers a vCPU's exit and has no vector state of its own works with that of the vCPU.
bool fpu_open(struct cpu *cpu, struct ec *ec)
{
    if (!ec->vector && ec->caller && ec->caller->type == EC_VCPU)
        ec = ec->caller;
    if (!ec->vector || cpu->vector_pd)
        return false;
    if (cpu->fpu_owner != ec)
        fpu_switch(cpu, ec);
    clts();
    cpu->vector_pd = cpu->current_pd;
    cpu->current_pd = NULL;
    cpu->special = true;
    return true;
}

void fpu_close(struct cpu *cpu)
{
    if (!cpu->vector_pd)
        return;
    cpu->vector_pd = NULL;
    stts();
}
