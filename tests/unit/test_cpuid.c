// SPDX-License-Identifier: MIT
// sources: vmm-user/cpuid.c
#include "vmm-user/cpuid.h"
#include <string.h>
#include "tests/unit/cmocka_all.h"
#include "x86/regs.h"

#define HZ 2994537123ull

static uint64_t host_xcr0;

// A host that has everything: what the guest has then is what the tables let through.
static struct cpuid rich_host(uint32_t leaf, uint32_t subleaf)
{
    switch (leaf) {
    case 0:
        return (struct cpuid){0x20, 0x756e6547, 0x6c65746e, 0x49656e69};
    case 0x80000000:
        return (struct cpuid){.eax = 0x80000008};
    case 0x80000008:
        return (struct cpuid){.eax = 0x3027};
    case 4:
        return subleaf < 3 ? (struct cpuid){.eax = 0xfc004121} : (struct cpuid){0};
    case 0xd:
        if (subleaf == 0)
            return (struct cpuid){.eax = (uint32_t)host_xcr0};
        if (subleaf == 1)
            return (struct cpuid){.eax = 0xffffffff};
        return subleaf == 2   ? (struct cpuid){256, 576, 0, 0}
               : subleaf == 5 ? (struct cpuid){64, 1088, 0, 0}
               : subleaf == 6 ? (struct cpuid){512, 1152, 2, 0}
               : subleaf == 7 ? (struct cpuid){1024, 1664, 0, 0}
                              : (struct cpuid){0};
    default:
        return (struct cpuid){~0u, ~0u, ~0u, ~0u};
    }
}

static const struct cpuid_state plain = {.apic_enabled = true, .apic_id = 3, .xcr0 = 1};

static struct cpuid_table *build(uint64_t xcr0)
{
    static struct cpuid_table t;
    host_xcr0 = xcr0;
    cpuid_build(&t, rich_host, HZ);
    return &t;
}

static void features(void **state)
{
    const struct cpuid_table *t = build(0xe7);
    struct cpuid one = cpuid_guest(t, 1, 0, &plain), seven = cpuid_guest(t, 7, 0, &plain);
    (void)state;
    assert_int_equal(
        one.ecx & (CPUID_1_ECX_MONITOR | CPUID_1_ECX_VMX | CPUID_1_ECX_SMX | CPUID_1_ECX_PDCM | CPUID_1_ECX_EST), 0);
    assert_int_equal(one.ecx & CPUID_1_ECX_OSXSAVE, 0);
    assert_true(one.ecx & CPUID_1_ECX_HYPERVISOR && one.ecx & CPUID_1_ECX_X2APIC && one.ecx & CPUID_1_ECX_TSC_DEADLINE);
    assert_int_equal(one.ebx, 3u << 24 | 1 << 16 | 8 << 8);
    assert_int_equal(one.edx & (CPUID_1_EDX_HTT | CPUID_1_EDX_DS | CPUID_1_EDX_TM), 0);
    assert_int_equal(
        seven.ebx & (CPUID_7_EBX_SGX | CPUID_7_EBX_HLE | CPUID_7_EBX_RTM | CPUID_7_EBX_MPX | CPUID_7_EBX_PT), 0);
    assert_true(seven.ebx & CPUID_7_EBX_AVX512F);
    assert_int_equal(seven.ecx & CPUID_7_ECX_WAITPKG, 0);
    assert_int_equal(cpuid_guest(t, 0xa, 0, &plain).eax, 0);
    assert_int_equal(cpuid_guest(t, 5, 0, &plain).eax, 0);
    assert_int_equal(cpuid_guest(t, 0x80000001, 0, &plain).ecx & CPUID_EXT1_ECX_SVM, 0);
    assert_true(cpuid_guest(t, 0x80000007, 0, &plain).edx & CPUID_EXT7_EDX_INVARIANT_TSC);
}

static void follows_state(void **state)
{
    const struct cpuid_table *t = build(7);
    struct cpuid_state s = plain;
    (void)state;
    s.cr4 = CR4_OSXSAVE;
    s.apic_enabled = false;
    assert_true(cpuid_guest(t, 1, 0, &s).ecx & CPUID_1_ECX_OSXSAVE);
    assert_int_equal(cpuid_guest(t, 1, 0, &s).edx & CPUID_1_EDX_APIC, 0);
}

static void clocks(void **state)
{
    const struct cpuid_table *t = build(7);
    struct cpuid crystal = cpuid_guest(t, 0x15, 0, &plain);
    (void)state;
    assert_int_equal(crystal.ecx / crystal.eax * crystal.ebx, HZ);
    assert_int_equal(cpuid_guest(t, 0x16, 0, &plain).eax, 2995);
    assert_int_equal(cpuid_guest(t, 0x40000010, 0, &plain).eax, HZ / 1000);
    assert_int_equal(cpuid_guest(t, 0x40000010, 0, &plain).ebx, HZ / 1000);
    struct cpuid name = cpuid_guest(t, 0x40000000, 0, &plain);
    assert_int_equal(name.eax, 0x40000010);
    assert_memory_equal(&name.ebx, "MicaMicaMica", 12);
}

// Without their state in XCR0 the vector features are not there.
static void vectors(void **state)
{
    const struct cpuid_table *t = build(3);
    (void)state;
    assert_int_equal(t->xcr0, 3);
    assert_int_equal(cpuid_guest(t, 1, 0, &plain).ecx & (CPUID_1_ECX_AVX | CPUID_1_ECX_FMA | CPUID_1_ECX_F16C), 0);
    assert_int_equal(cpuid_guest(t, 7, 0, &plain).ebx & (CPUID_7_EBX_AVX2 | CPUID_7_EBX_AVX512F), 0);
    t = build(0x27); // AVX-512 by halves
    assert_int_equal(t->xcr0, 7);
}

static void xsave(void **state)
{
    const struct cpuid_table *t = build(0x2ff);
    struct cpuid_state s = plain;
    (void)state;
    assert_int_equal(t->xcr0, 0xe7);
    assert_int_equal(cpuid_guest(t, 0xd, 0, &s).ebx, 576);
    assert_int_equal(cpuid_guest(t, 0xd, 0, &s).ecx, 2688);
    s.xcr0 = 7;
    assert_int_equal(cpuid_guest(t, 0xd, 0, &s).ebx, 832);
    s.xcr0 = 0xe3; // compacted: 576 + 64, to 64 bytes, 512, 1024
    assert_int_equal(cpuid_guest(t, 0xd, 1, &s).ebx, 576 + 64 + 512 + 1024);
    assert_int_equal(cpuid_guest(t, 0xd, 1, &s).eax & CPUID_D1_EAX_XSAVES, 0);
    assert_int_equal(cpuid_guest(t, 0xd, 9, &s).eax, 0);
    assert_int_equal(cpuid_guest(t, 0xd, 0xffffffff, &s).eax, 0);
    const struct {
        uint64_t value;
        bool valid;
    } cases[] = {{0, false},    {1, true},     {3, true},    {5, false},     {7, true},
                 {0x27, false}, {0xe3, false}, {0xe7, true}, {0x207, false}, {1ull << 63 | 1, false}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(cpuid_xcr0_valid(t, cases[i].value), cases[i].valid);
}

static void odd_leaves(void **state)
{
    const struct cpuid_table *t = build(7);
    (void)state;
    assert_int_equal(cpuid_guest(t, 0x17, 0, &plain).eax, cpuid_guest(t, 0x16, 0, &plain).eax);
    assert_int_equal(cpuid_guest(t, 0x3fffffff, 0, &plain).eax, cpuid_guest(t, 0x16, 0, &plain).eax);
    assert_int_equal(cpuid_guest(t, 4, 2, &plain).eax, 0x121);
    assert_int_equal(cpuid_guest(t, 4, 3, &plain).eax, 0);
    assert_int_equal(cpuid_guest(t, 4, ~0u, &plain).eax, 0);
    assert_int_equal(cpuid_guest(t, 0xb, 0, &plain).ecx, 0x100);
    assert_int_equal(cpuid_guest(t, 0xb, 1, &plain).ecx, 0x201);
    assert_int_equal(cpuid_guest(t, 0xb, 2, &plain).ecx, 2);
    assert_int_equal(cpuid_guest(t, 7, 1, &plain).eax, 0);
    assert_int_equal(t->max_phys, 0x27);
    assert_true(t->cr4 & CR4_OSXSAVE && !(t->cr4 & CR4_VMXE) && !(t->cr4 & CR4_LA57));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features), cmocka_unit_test(follows_state), cmocka_unit_test(clocks),
        cmocka_unit_test(vectors),  cmocka_unit_test(xsave),         cmocka_unit_test(odd_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
