// SPDX-License-Identifier: MIT
// Which MSRs need no exit (SDM 3C 25.6.9).
#include "vmx/vmx.h"

// A byte array of 1 = exit; reads of 0-1fffh, reads of c0000000h-c0001fffh, then writes likewise.
static void bitmap_pass(uint8_t *page, uint32_t msr, bool read, bool write)
{
    uint32_t bit = (msr & 0x1fff) + (msr >= 0xc0000000 ? 0x2000 : 0);
    if (read)
        page[bit / 8] &= ~(1u << bit % 8);
    if (write)
        page[2048 + bit / 8] &= ~(1u << bit % 8);
}

static const struct {
    uint32_t msr;
    bool write;
} passed[] = {
    {IA32_TSC, false},  {IA32_SYSENTER_CS, true}, {IA32_SYSENTER_ESP, true}, {IA32_SYSENTER_EIP, true},
    {IA32_PAT, true},   {IA32_STAR, true},        {IA32_LSTAR, true},        {IA32_CSTAR, true},
    {IA32_FMASK, true}, {IA32_FS_BASE, true},     {IA32_GS_BASE, true},      {IA32_KERNEL_GS_BASE, true},
    {IA32_EFER, false},
};

// Registers of the x2APIC that the CPU reads from the virtual-APIC page without side effects, [first, last]: not PPR
// (nobody keeps it up to date without virtual-interrupt delivery), not ICR (64 bits of the page, half of which is
// elsewhere in xAPIC mode), not the current count, none that would be #GP.
static const struct {
    uint16_t first, last;
} x2apic_reads[] = {{0x802, 0x803}, {0x808, 0x808}, {0x80d, 0x80d}, {0x80f, 0x828}, {0x832, 0x838}, {0x83e, 0x83e}};

#define X2APIC_TPR (IA32_X2APIC_BASE + 8)

void msr_bitmap_fill(uint8_t *page, bool x2apic, bool apic_registers)
{
    __builtin_memset(page, 0xff, PAGE_SIZE);
    for (unsigned i = 0; i < sizeof(passed) / sizeof(*passed); i++)
        bitmap_pass(page, passed[i].msr, true, passed[i].write);
    if (vcpu_registers.msrs >> CARRY_TSC_AUX & 1)
        bitmap_pass(page, IA32_TSC_AUX, true, true);
    if (!x2apic)
        return;
    bitmap_pass(page, X2APIC_TPR, true, true);
    for (unsigned i = 0; apic_registers && i < sizeof(x2apic_reads) / sizeof(*x2apic_reads); i++)
        for (uint32_t msr = x2apic_reads[i].first; msr <= x2apic_reads[i].last; msr++)
            bitmap_pass(page, msr, true, false);
}
