// SPDX-License-Identifier: MIT
// Which MSRs there are and what they take: SDM 4, 3A 12.11 (MTRRs), 12.12 (PAT).
#include "guests/check/check.h"

#define NONCANONICAL 0xaaaaaaaaaaaaaaaaul
#define ADDRESS      0x0000123456789abcul

static void keeps(uint32_t msr, uint64_t value, const char *name)
{
    uint64_t old, got = 0;
    if (rdmsr_try(msr, &old) != NO_VECTOR || wrmsr_try(msr, value) != NO_VECTOR) {
        check(false, name);
        return;
    }
    got = rdmsr(msr);
    wrmsr(msr, old);
    check_same(got, value, name);
}

static void refuses(uint32_t msr, uint64_t value, const char *name)
{
    uint64_t old = 0, now = 0;
    rdmsr_try(msr, &old);
    check_same(wrmsr_try(msr, value), GP, name);
    rdmsr_try(msr, &now);
    if (now != old)
        wrmsr_try(msr, old);
}

static void absent(uint32_t msr, const char *name)
{
    uint64_t value;
    check_same(rdmsr_try(msr, &value), GP, name);
    check_same(wrmsr_try(msr, 0), GP, name);
}

static void system_calls(void)
{
    keeps(0x174, 0x1234, "SYSENTER_CS");
    keeps(0x175, ADDRESS, "SYSENTER_ESP");
    keeps(0x176, ADDRESS, "SYSENTER_EIP");
    keeps(0xc0000081, 0x0023001000000000, "STAR");
    keeps(0xc0000082, ADDRESS, "LSTAR");
    keeps(0xc0000083, ADDRESS, "CSTAR");
    keeps(0xc0000084, 0xffffffff, "FMASK");
    keeps(0xc0000100, ADDRESS, "FS base");
    keeps(0xc0000101, ADDRESS, "GS base");
    keeps(0xc0000102, ADDRESS, "kernel GS base");
    refuses(0xc0000082, NONCANONICAL, "LSTAR not canonical");
    refuses(0xc0000083, NONCANONICAL, "CSTAR not canonical");
    refuses(0xc0000100, NONCANONICAL, "FS base not canonical");
    refuses(0xc0000101, NONCANONICAL, "GS base not canonical");
    refuses(0xc0000102, NONCANONICAL, "kernel GS base not canonical");
    if (!is_amd())
        refuses(0x176, NONCANONICAL, "SYSENTER_EIP not canonical");
    uint64_t efer = rdmsr(0xc0000080);
    if (cpuid(0x80000001, 0).edx & 1u << 11)
        keeps(0xc0000080, efer ^ 1, "EFER.SCE");
    refuses(0xc0000080, efer & ~0x100ul, "EFER.LME with paging on");
    refuses(0xc0000080, efer | 2, "reserved bit of EFER");
    check_same(wrmsr_try(0xc0000080, efer & ~0x400ul), NO_VECTOR, "EFER.LMA is not written");
    check_same(rdmsr(0xc0000080), efer, "and stays");
}

static void memory_types(void)
{
    uint8_t bits = (uint8_t)cpuid(0x80000008, 0).eax;
    uint64_t cap = rdmsr(0xfe);
    keeps(0x277, 0x0007040600070406, "PAT");
    keeps(0x277, 0x07070707, "PAT of four entries");
    refuses(0x277, 0x0007040600070402, "PAT with type 2");
    refuses(0x277, 0x0807040600070406, "PAT with type 8");
    check_same(wrmsr_try(0xfe, cap), GP, "MTRRCAP is read-only");
    keeps(0x2ff, 0xc00, "MTRR default type UC");
    refuses(0x2ff, 0xc02, "MTRR default type 2");
    refuses(0x2ff, 0x1c06, "reserved bit of the MTRR default type");
    if (!(cap & 0xff))
        return;
    keeps(0x200, 0xc0000000, "base of a variable MTRR");
    keeps(0x201, 0x800 | ((1ul << bits) - (1ul << 30)), "mask of a variable MTRR");
    refuses(0x200, 0xc0000003, "variable MTRR of type 3");
    refuses(0x200, 0xc0000100, "reserved bit of a variable MTRR");
    refuses(0x200, 1ul << bits, "variable MTRR above the physical address width");
    refuses(0x201, 0x400, "reserved bit of a mask");
    refuses(0x201, 1ul << bits, "mask above the physical address width");
    absent(0x200 + 2 * (uint32_t)(cap & 0xff), "behind the last variable MTRR");
    if (cap & 0x100) {
        keeps(0x250, 0x0505050505050505, "fixed MTRR");
        refuses(0x250, 0x0202020202020202, "fixed MTRR of type 2");
        absent(0x251, "between the fixed MTRRs");
    }
}

static void machine_check(void)
{
    unsigned banks = rdmsr(0x179) & 0xff;
    for (unsigned i = banks; i < 32; i++)
        for (unsigned j = 0; j < 4; j++) {
            uint64_t value;
            uint32_t msr = 0x400 + 4 * i + j;
            if (rdmsr_try(msr, &value) != GP || wrmsr_try(msr, 0) != GP) {
                check(false, "no machine check banks but those in MCG_CAP");
                return;
            }
        }
    check(true, "no machine check banks but those in MCG_CAP");
}

void check_msr(void)
{
    system_calls();
    memory_types();
    machine_check();
    if (!is_amd())
        keeps(0x1a0, (0x400c50809ul & ~0x1880ul) | (rdmsr(0x1a0) & 0x1880), "MISC_ENABLE");
    absent(0x12345678, "an MSR that nobody has");
    absent(0x4b564d00, "no kvmclock");
    absent(0x40000000, "no Hyper-V");
    if (!(cpuid(0xa, 0).eax & 0xff)) {
        absent(0x186, "no event select without performance monitoring");
        absent(0x38f, "no global control without performance monitoring");
    }
}
