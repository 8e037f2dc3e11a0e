// SPDX-License-Identifier: MIT
// CPUID leaves and feature bits (SDM 2A CPUID, AMD APM 3 appendix E): CPUID_LEAF_REGISTER_FEATURE.
#pragma once
#include <stdint.h>

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

// Does the CPU have that leaf (basic or extended)?
static inline int cpuid_has(uint32_t leaf)
{
    return leaf <= cpuid(leaf & 0xffff0000u, 0).eax;
}

// Leaf 0: vendor in EBX, EDX, ECX
#define CPUID_VENDOR_INTEL_EBX 0x756e6547u // "Genu"
#define CPUID_VENDOR_AMD_EBX   0x68747541u // "Auth"
#define CPUID_VENDOR_HYGON_EBX 0x6f677948u // "Hygo"

// Leaf 1
#define CPUID_1_ECX_SSE3         (1u << 0)
#define CPUID_1_ECX_PCLMUL       (1u << 1)
#define CPUID_1_ECX_MONITOR      (1u << 3)
#define CPUID_1_ECX_VMX          (1u << 5)
#define CPUID_1_ECX_SMX          (1u << 6)
#define CPUID_1_ECX_EST          (1u << 7)
#define CPUID_1_ECX_TM2          (1u << 8)
#define CPUID_1_ECX_SSSE3        (1u << 9)
#define CPUID_1_ECX_FMA          (1u << 12)
#define CPUID_1_ECX_CX16         (1u << 13)
#define CPUID_1_ECX_PDCM         (1u << 15)
#define CPUID_1_ECX_PCID         (1u << 17)
#define CPUID_1_ECX_SSE41        (1u << 19)
#define CPUID_1_ECX_SSE42        (1u << 20)
#define CPUID_1_ECX_X2APIC       (1u << 21)
#define CPUID_1_ECX_MOVBE        (1u << 22)
#define CPUID_1_ECX_POPCNT       (1u << 23)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_ECX_AES          (1u << 25)
#define CPUID_1_ECX_XSAVE        (1u << 26)
#define CPUID_1_ECX_OSXSAVE      (1u << 27)
#define CPUID_1_ECX_AVX          (1u << 28)
#define CPUID_1_ECX_F16C         (1u << 29)
#define CPUID_1_ECX_RDRAND       (1u << 30)
#define CPUID_1_ECX_HYPERVISOR   (1u << 31)
#define CPUID_1_EDX_FPU          (1u << 0)
#define CPUID_1_EDX_VME          (1u << 1)
#define CPUID_1_EDX_DE           (1u << 2)
#define CPUID_1_EDX_PSE          (1u << 3)
#define CPUID_1_EDX_TSC          (1u << 4)
#define CPUID_1_EDX_MSR          (1u << 5)
#define CPUID_1_EDX_PAE          (1u << 6)
#define CPUID_1_EDX_MCE          (1u << 7)
#define CPUID_1_EDX_CX8          (1u << 8)
#define CPUID_1_EDX_APIC         (1u << 9)
#define CPUID_1_EDX_SEP          (1u << 11)
#define CPUID_1_EDX_MTRR         (1u << 12)
#define CPUID_1_EDX_PGE          (1u << 13)
#define CPUID_1_EDX_MCA          (1u << 14)
#define CPUID_1_EDX_CMOV         (1u << 15)
#define CPUID_1_EDX_PAT          (1u << 16)
#define CPUID_1_EDX_PSE36        (1u << 17)
#define CPUID_1_EDX_CLFSH        (1u << 19)
#define CPUID_1_EDX_DS           (1u << 21)
#define CPUID_1_EDX_ACPI         (1u << 22)
#define CPUID_1_EDX_MMX          (1u << 23)
#define CPUID_1_EDX_FXSR         (1u << 24)
#define CPUID_1_EDX_SSE          (1u << 25)
#define CPUID_1_EDX_SSE2         (1u << 26)
#define CPUID_1_EDX_SS           (1u << 27)
#define CPUID_1_EDX_HTT          (1u << 28)
#define CPUID_1_EDX_TM           (1u << 29)
#define CPUID_1_EDX_PBE          (1u << 31)

// Leaf 5, 6
#define CPUID_6_EAX_ARAT (1u << 2)

// Leaf 7, subleaf 0
#define CPUID_7_EBX_FSGSBASE   (1u << 0)
#define CPUID_7_EBX_TSC_ADJUST (1u << 1)
#define CPUID_7_EBX_SGX        (1u << 2)
#define CPUID_7_EBX_BMI1       (1u << 3)
#define CPUID_7_EBX_HLE        (1u << 4)
#define CPUID_7_EBX_AVX2       (1u << 5)
#define CPUID_7_EBX_SMEP       (1u << 7)
#define CPUID_7_EBX_BMI2       (1u << 8)
#define CPUID_7_EBX_ERMS       (1u << 9)
#define CPUID_7_EBX_INVPCID    (1u << 10)
#define CPUID_7_EBX_RTM        (1u << 11)
#define CPUID_7_EBX_MPX        (1u << 14)
#define CPUID_7_EBX_AVX512F    (1u << 16)
#define CPUID_7_EBX_RDSEED     (1u << 18)
#define CPUID_7_EBX_ADX        (1u << 19)
#define CPUID_7_EBX_SMAP       (1u << 20)
#define CPUID_7_EBX_CLFLUSHOPT (1u << 23)
#define CPUID_7_EBX_CLWB       (1u << 24)
#define CPUID_7_EBX_PT         (1u << 25)
#define CPUID_7_EBX_SHA        (1u << 29)
#define CPUID_7_ECX_UMIP       (1u << 2)
#define CPUID_7_ECX_PKU        (1u << 3)
#define CPUID_7_ECX_OSPKE      (1u << 4)
#define CPUID_7_ECX_WAITPKG    (1u << 5)
#define CPUID_7_ECX_LA57       (1u << 16)
#define CPUID_7_ECX_RDPID      (1u << 22)
#define CPUID_7_EDX_SPEC_CTRL  (1u << 26)
#define CPUID_7_EDX_STIBP      (1u << 27)
#define CPUID_7_EDX_ARCH_CAPS  (1u << 29)
#define CPUID_7_EDX_SSBD       (1u << 31)

// Leaf 0dh
#define CPUID_D1_EAX_XSAVEOPT (1u << 0)
#define CPUID_D1_EAX_XSAVEC   (1u << 1)
#define CPUID_D1_EAX_XGETBV1  (1u << 2)
#define CPUID_D1_EAX_XSAVES   (1u << 3)

// Leaf 80000001h
#define CPUID_EXT1_ECX_LAHF      (1u << 0)
#define CPUID_EXT1_ECX_SVM       (1u << 2)
#define CPUID_EXT1_ECX_LZCNT     (1u << 5)
#define CPUID_EXT1_ECX_PREFETCHW (1u << 8)
#define CPUID_EXT1_EDX_SYSCALL   (1u << 11)
#define CPUID_EXT1_EDX_NX        (1u << 20)
#define CPUID_EXT1_EDX_PAGE1G    (1u << 26)
#define CPUID_EXT1_EDX_RDTSCP    (1u << 27)
#define CPUID_EXT1_EDX_LM        (1u << 29)

// Leaf 80000007h
#define CPUID_EXT7_EDX_INVARIANT_TSC (1u << 8)
