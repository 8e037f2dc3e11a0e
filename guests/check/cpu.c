// SPDX-License-Identifier: MIT
// CPUID and what it promises, control registers, XCR0: SDM 2A, 3A 2.5, 1 13.3.
#include "guests/check/check.h"

static unsigned cr0_try(uint64_t value)
{
    return TRY("mov %0, %%cr0", : : "r"(value) : "memory");
}

static unsigned cr3_try(uint64_t value)
{
    return TRY("mov %0, %%cr3", : : "r"(value) : "memory");
}

static unsigned cr4_try(uint64_t value)
{
    return TRY("mov %0, %%cr4", : : "r"(value) : "memory");
}

static unsigned xsetbv(uint64_t xcr, uint64_t value)
{
    return TRY("xsetbv", : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(xcr) : "memory");
}

static unsigned xgetbv(uint64_t xcr, uint64_t *value)
{
    uint32_t low = 0, high = 0;
    unsigned vector = TRY("xgetbv", : "+a"(low), "+d"(high) : "c"(xcr) : "memory");
    *value = low | (uint64_t)high << 32;
    return vector;
}

// QEMU 7.2 lets an AMD CPU take what control registers must not hold, and then refuses to enter a VM with it.
static bool strict(void)
{
    return !is_amd();
}

static void control_registers(void)
{
    uint64_t cr0 = cr0_get(), cr3 = cr3_get(), cr4 = cr4_get();
    if (strict()) {
        check_same(cr0_try(cr0 | 1ul << 32), GP, "upper half of CR0");
        check_same(cr0_try(cr0 & ~1ul), GP, "paging without protection");
        check_same(cr0_try((cr0 | 1ul << 29) & ~(1ul << 30)), GP, "NW without CD");
        check_same(cr0_try(cr0 & ~(1ul << 31)), GP, "no end of paging in 64-bit mode");
        check_same(cr4_try(cr4 & ~0x20ul), GP, "no end of PAE in 64-bit mode");
        check_same(cr4_try(cr4 | 1ul << 32), GP, "upper half of CR4");
        check_same(cr4_try(cr4 | 1ul << 31), GP, "reserved bit 31 of CR4");
        check_same(cr3_try(cr3 | 1ul << 63), GP, "bit 63 of CR3 without PCIDE");
        check_same(cr3_try(cr3 | 1ul << 52), GP, "reserved bits of CR3");
        check_same(cr4_try(cr4 | 1ul << 15), GP, "reserved bit 15 of CR4");
    }
    check_same(cr0_try(cr0 & ~0x10ul), NO_VECTOR, "CR0.ET");
    check_same(cr0_get(), cr0, "is always 1");
    check_same(cr0_try(cr0 | 0x8), NO_VECTOR, "CR0.TS");
    check_same(cr0_get(), cr0 | 8, "CR0.TS is set");
    asm volatile("clts");
    check_same(cr0_get(), cr0, "CLTS");
    check_same(cr0_try(cr0 | 1ul << 30), NO_VECTOR, "CR0.CD");
    check_same(cr0_get(), cr0 | 1ul << 30, "CR0.CD reads back");
    cr0_set(cr0);
    uint16_t msw = (uint16_t)cr0 ^ 8;
    asm volatile("lmsw %0" : : "r"(msw) : "memory");
    check_same(cr0_get(), cr0 ^ 8, "LMSW of TS");
    msw = (uint16_t)(cr0 & ~1ul) ^ 4;
    asm volatile("lmsw %0" : : "m"(msw) : "memory");
    check_same(cr0_get(), cr0 ^ 4, "LMSW does not clear PE");
    msw = (uint16_t)cr0;
    asm volatile("lmsw %0" : : "r"(msw) : "memory");
    check_same(cr0_get(), cr0, "LMSW back");
    uint64_t wide;
    asm volatile("smsw %0" : "=r"(wide));
    check_same(wide, cr0, "SMSW of 64 bits");

    check_same(cr4_get(), cr4, "CR4 after faults");
}

static const struct {
    uint32_t leaf;
    char reg;
    uint8_t bit, cr4;
    const char *with, *without;
} cr4_bits[] = {
    {1, 'c', 17, 17, "CR4.PCIDE as in CPUID", "no CR4.PCIDE as in CPUID"},
    {1, 'c', 26, 18, "CR4.OSXSAVE as in CPUID", "no CR4.OSXSAVE as in CPUID"},
    {1, 'c', 5, 13, "CR4.VMXE as in CPUID", "no CR4.VMXE as in CPUID"},
    {1, 'c', 6, 14, "CR4.SMXE as in CPUID", "no CR4.SMXE as in CPUID"},
    {7, 'b', 0, 16, "CR4.FSGSBASE as in CPUID", "no CR4.FSGSBASE as in CPUID"},
    {7, 'b', 7, 20, "CR4.SMEP as in CPUID", "no CR4.SMEP as in CPUID"},
    {7, 'b', 20, 21, "CR4.SMAP as in CPUID", "no CR4.SMAP as in CPUID"},
    {7, 'c', 2, 11, "CR4.UMIP as in CPUID", "no CR4.UMIP as in CPUID"},
    {7, 'c', 3, 22, "CR4.PKE as in CPUID", "no CR4.PKE as in CPUID"},
    {7, 'c', 7, 23, "CR4.CET as in CPUID", "no CR4.CET as in CPUID"},
    {7, 'c', 31, 24, "CR4.PKS as in CPUID", "no CR4.PKS as in CPUID"},
};

static void features(void)
{
    uint64_t cr4 = cr4_get();
    for (unsigned i = 0; strict() && i < sizeof(cr4_bits) / sizeof(*cr4_bits); i++) {
        struct cpuid r = cpuid(cr4_bits[i].leaf, 0);
        bool has = (cr4_bits[i].reg == 'b' ? r.ebx : r.ecx) >> cr4_bits[i].bit & 1;
        uint64_t value = cr4 | 1ul << cr4_bits[i].cr4;
        if (cr4_bits[i].cr4 == 21 || cr4_bits[i].cr4 == 20 || cr4_bits[i].cr4 == 23)
            continue; // the tables are user pages
        check_same(cr4_try(value), has ? NO_VECTOR : GP, has ? cr4_bits[i].with : cr4_bits[i].without);
        if (has)
            check_same(cr4_get(), value, cr4_bits[i].with);
        cr4_set(cr4);
    }
    if (strict() && !(cpuid(7, 0).ecx & 1u << 16))
        check_same(cr4_try(cr4 | 1ul << 12), GP, "no CR4.LA57 as in CPUID");
    if (!(cpuid(1, 0).ecx & 8))
        check_same(TRY("monitor", : : "a"(0), "c"(0), "d"(0) : "memory"), UD, "no MONITOR as in CPUID");
    if (!(cpuid(0x80000008, 0).ebx & 16) || !is_amd())
        check_same(TRY(".byte 0x0f, 0x01, 0xfd", : : "c"(0) : "rax", "rdx", "memory"), UD, "no RDPRU as in CPUID");
    if (!(cpuid(1, 0).ecx & 32)) {
        uint64_t at = 0x1000;
        check_same(TRY("vmxon %0", : : "m"(at) : "memory"), UD, "no VMXON as in CPUID");
    }
    if (!(cpuid(0x80000001, 0).ecx & 4))
        check_same(TRY(".byte 0x0f, 0x01, 0xd8", : : "a"(0x1000) : "memory"), UD, "no VMRUN as in CPUID");
    if (!(cpuid(1, 0).ecx & 64))
        check_same(TRY("getsec", : : "a"(0), "b"(0) : "memory"), UD, "no GETSEC as in CPUID");
    check_same(TRY("rsm", : : : "memory"), UD, "RSM outside of SMM");
    check_same(TRY("rdpmc", : : "c"(0xffffff) : "rax", "rdx", "memory"), GP, "RDPMC of no counter");
    if (!(cpuid(7, 0).ebx & 1u << 10)) {
        static uint64_t descriptor[2];
        check_same(TRY("invpcid %0, %1", : : "m"(descriptor), "r"(0ul) : "memory"), UD, "no INVPCID as in CPUID");
    }
    if (!(cpuid(0x80000001, 0).edx & 1u << 27)) {
        check_same(TRY("rdtscp", : : : "rax", "rcx", "rdx", "memory"), UD, "no RDTSCP as in CPUID");
    }
}

static void pcid(void)
{
    uint64_t cr3 = cr3_get(), cr4 = cr4_get();
    if (!(cpuid(1, 0).ecx & 1u << 17)) {
        skip("PCID", "the CPU has none");
        return;
    }
    cr3_set(cr3 | 8);
    check_same(cr4_try(cr4 | 1ul << 17), GP, "PCIDE with a CR3 whose low bits are not 0");
    cr3_set(cr3);
    check_same(cr4_try(cr4 | 1ul << 17), NO_VECTOR, "PCIDE");
    check_same(cr3_try(cr3 | 0x123), NO_VECTOR, "CR3 with a PCID");
    check_same(cr3_get(), cr3 | 0x123, "CR3 keeps the PCID");
    check_same(cr3_try(cr3 | 1ul << 63), NO_VECTOR, "bit 63 of CR3 with PCIDE");
    check_same(cr3_get(), cr3, "reads as 0");
    cr4_set(cr4);
}

static void xsave(void)
{
    uint64_t cr4 = cr4_get(), value;
    cr4_set(cr4 & ~(1ul << 18));
    check(!(cpuid(1, 0).ecx & 1u << 27), "OSXSAVE in CPUID follows CR4: off");
    check_same(xgetbv(0, &value), UD, "XGETBV without OSXSAVE");
    check_same(xsetbv(0, 3), UD, "XSETBV without OSXSAVE");
    if (!(cpuid(1, 0).ecx & 1u << 26)) {
        skip("XCR0", "the CPU has no XSAVE");
        return;
    }
    cr4_set(cr4 | 1ul << 18);
    check(cpuid(1, 0).ecx & 1u << 27, "OSXSAVE in CPUID follows CR4: on");
    struct cpuid all = cpuid(0xd, 0);
    check_same(all.eax & 3, 3, "x87 and SSE");
    xsetbv(0, 1);
    check_same(cpuid(0xd, 0).ebx, 576, "XSAVE area of x87");
    check_same(xsetbv(0x100000000ul, 3), NO_VECTOR, "upper half of RCX does not matter");
    check(xgetbv(0x500000000ul, &value) == NO_VECTOR && value == 3, "XCR0");
    check_same(xsetbv(0, all.eax), NO_VECTOR, "XCR0 with all components");
    check_same(cpuid(0xd, 0).ebx, all.ecx, "XSAVE area of all components");
    check_same(xsetbv(0, 0), GP, "XCR0 of 0");
    check_same(xsetbv(0, 2), GP, "XCR0 without x87");
    check_same(xsetbv(0, 5), GP, "AVX without SSE");
    check_same(xsetbv(0, 1ul << 63 | 3), GP, "reserved bit of XCR0");
    check_same(xsetbv(0, 1ul << 33 | 3), GP, "reserved bit 33 of XCR0");
    if (all.eax & 0xe0) {
        check_same(xsetbv(0, 0x27), GP, "a part of AVX-512");
        check_same(xsetbv(0, 0xe3), GP, "AVX-512 without AVX");
    }
    check_same(xsetbv(1, 3), GP, "XCR1 is not written");
    check_same(xsetbv(0x80000000, 3), GP, "no such XCR");
    check_same(xgetbv(2, &value), GP, "no XCR2");
    xsetbv(0, all.eax);
    cr4_set(cr4);
}

static volatile unsigned user_vector[8];

static __attribute__((noinline)) void user_part(void)
{
    uint64_t value;
    user_vector[0] = TRY("hlt", : : : "memory");
    user_vector[1] = rdmsr_try(0x10, &value);
    user_vector[2] = TRY("mov %%cr0, %%rax", : : : "rax", "memory");
    user_vector[3] = TRY("xor %%eax, %%eax; cpuid", : : : "rax", "rbx", "rcx", "rdx", "memory");
    user_vector[4] = TRY("invd", : : : "memory");
    user_vector[5] = TRY("inb $0xe0, %%al", : : : "rax", "memory");
    user_vector[6] = TRY("wbinvd", : : : "memory");
    user_vector[7] = TRY("mov %%dr6, %%rax", : : : "rax", "memory");
}

static void ring3(void)
{
    static const struct {
        const char *rule;
        unsigned vector;
    } rules[8] = {{"HLT in ring 3", GP},          {"RDMSR in ring 3", GP},
                  {"MOV from CR0 in ring 3", GP}, {"CPUID in ring 3", NO_VECTOR},
                  {"INVD in ring 3", GP},         {"IN in ring 3 with IOPL 3", NO_VECTOR},
                  {"WBINVD in ring 3", GP},       {"MOV from DR6 in ring 3", GP}};
    ring3_call(user_part);
    for (unsigned i = 0; i < 8; i++)
        check_same(user_vector[i], rules[i].vector, rules[i].rule);
}

static void leaves(void)
{
    check(cpuid(0, 0).eax >= 1 && cpuid(0x80000000, 0).eax >= 0x80000008, "leaves of CPUID");
    unsigned bits = cpuid(0x80000008, 0).eax & 0xff;
    check(bits >= 36 && bits <= 52, "physical address width");
    check_same(cpuid(1, 0).ebx >> 24, rdmsr(0x1b) & 0x400 ? rdmsr(0x802) : apic_get(0x20) >> 24, "APIC ID in CPUID");
    bool x2 = cpuid(1, 0).ecx & 1u << 21;
    if (x2 && cpuid(0, 0).eax >= 0xb)
        check_same(cpuid(0xb, 0).edx, cpuid(1, 0).ebx >> 24, "x2APIC ID in CPUID");
    if (cpuid(0, 0).eax >= 0xa && !is_amd()) {
        uint64_t value;
        if ((cpuid(0xa, 0).eax & 0xff) >= 2)
            check_same(rdmsr_try(0x38f, &value), NO_VECTOR, "performance monitoring that CPUID promises");
    }
}

void check_cpu(void)
{
    apic_on();
    leaves();
    control_registers();
    features();
    pcid();
    xsave();
    ring3();
}
