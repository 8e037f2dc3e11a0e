// SPDX-License-Identifier: MIT
// Which ports and MSRs need no exit (AMD APM 2 15.10, 15.11).
#include "svm/svm.h"
#include "x86/msr.h"

void iopm_fill(uint8_t *map)
{
    __builtin_memset(map, 0xff, PAGE_SIZE << IOPM_ORDER);
}

// Two bits per MSR, read and write, 1 = exit; 2 KiB for each range of 2000h MSRs.
static void msrpm_pass(uint8_t *map, uint32_t msr, bool write)
{
    uint32_t base = msr < 0x2000 ? 0 : 0x800;
    uint32_t bit = 2 * (msr & 0x1fff);
    map[base + bit / 8] &= ~((write ? 3u : 1u) << bit % 8);
}

// Those that VMLOAD, VMSAVE and VMRUN switch. Not EFER, whose SVME the guest must not see, nor PAT, which emulators do
// not switch.
static const struct {
    uint32_t msr;
    bool write;
} passed[] = {
    {IA32_SYSENTER_CS, true}, {IA32_SYSENTER_ESP, true},   {IA32_SYSENTER_EIP, true}, {IA32_STAR, true},
    {IA32_LSTAR, true},       {IA32_CSTAR, true},          {IA32_FMASK, true},        {IA32_FS_BASE, true},
    {IA32_GS_BASE, true},     {IA32_KERNEL_GS_BASE, true},
};

void msrpm_fill(uint8_t *map, bool tsc_aux)
{
    __builtin_memset(map, 0xff, PAGE_SIZE << MSRPM_ORDER);
    for (unsigned i = 0; i < sizeof(passed) / sizeof(*passed); i++)
        msrpm_pass(map, passed[i].msr, passed[i].write);
    if (tsc_aux)
        msrpm_pass(map, IA32_TSC_AUX, true);
}
