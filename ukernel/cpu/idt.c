// SPDX-License-Identifier: MIT
// The interrupt descriptor table, one for all CPUs: interrupt gates to the stubs of entry.asm.
#include "ukernel/platform.h"
#include "x86/desc.h"

#define VECTORS 256

extern const uint64_t isr_table[VECTORS];
static struct gate idt[VECTORS] __attribute__((aligned(4096)));

static unsigned vector_ist(unsigned vector) // 0 = the CPU's own stack
{
    return vector == EXC_NMI ? 1 : vector == EXC_MC ? 2 : vector == EXC_DF ? 3 : 0;
}

static void gate_set(unsigned vector)
{
    unsigned dpl = vector == EXC_BP || vector == EXC_OF ? 3 : 0;
    uint64_t to = isr_table[vector];
    idt[vector] = (struct gate){
        .offset_low = to & 0xffff,
        .offset_mid = to >> 16 & 0xffff,
        .offset_high = to >> 32,
        .selector = SEL_KCODE,
        .ist = vector_ist(vector),
        .type = DESC_PRESENT | DESC_DPL(dpl) | DESC_INTERRUPT,
    };
}

void idt_init(void)
{
    if (!idt[0].type)
        for (unsigned i = 0; i < VECTORS; i++)
            gate_set(i);
    struct desc_ptr idtr = {sizeof(idt) - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" : : "m"(idtr));
}
