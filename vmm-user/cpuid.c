// SPDX-License-Identifier: MIT
// SDM 2A, CPUID; SDM 1, chapter 13 for the XSAVE leaves. Hypervisor leaves: 40000000h the signature, 40000010h TSC and
// local APIC clock in kHz, as other hypervisors have them.
#include "vmm-user/cpuid.h"
#include "x86/regs.h"

#define BASIC_MAX    0x16
#define EXTENDED_MAX 0x80000008u
#define HYPER_BASE   0x40000000u
#define HYPER_MAX    0x40000010u
#define EXTENDED     0x80000000u

// AVX-512 and what came with it in leaf 7.
#define AVX512_7_EBX (1u << 16 | 1u << 17 | 1u << 21 | 1u << 28 | 1u << 30 | 1u << 31)
#define AVX512_7_ECX (1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14)
#define AVX_7_ECX    (1u << 8 | 1u << 9 | 1u << 10) // GFNI VAES VPCLMULQDQ
#define AVX512_7_EDX (1u << 2 | 1u << 3 | 1u << 8)
#define XCR0_AVX512  (XCR0_OPMASK | XCR0_ZMM_HI256 | XCR0_HI16_ZMM)

// Feature bits that pass from the host, and those that every vCPU has.
static const struct {
    uint32_t leaf;
    struct cpuid pass, force;
} features[] = {
    {1,
     {.eax = ~0u,
      .ecx = CPUID_1_ECX_SSE3 | CPUID_1_ECX_PCLMUL | CPUID_1_ECX_SSSE3 | CPUID_1_ECX_FMA | CPUID_1_ECX_CX16 |
             CPUID_1_ECX_PCID | CPUID_1_ECX_SSE41 | CPUID_1_ECX_SSE42 | CPUID_1_ECX_MOVBE | CPUID_1_ECX_POPCNT |
             CPUID_1_ECX_AES | CPUID_1_ECX_XSAVE | CPUID_1_ECX_AVX | CPUID_1_ECX_F16C | CPUID_1_ECX_RDRAND,
      .edx = CPUID_1_EDX_FPU | CPUID_1_EDX_VME | CPUID_1_EDX_DE | CPUID_1_EDX_PSE | CPUID_1_EDX_TSC | CPUID_1_EDX_MSR |
             CPUID_1_EDX_PAE | CPUID_1_EDX_CX8 | CPUID_1_EDX_SEP | CPUID_1_EDX_PGE | CPUID_1_EDX_CMOV |
             CPUID_1_EDX_PAT | CPUID_1_EDX_PSE36 | CPUID_1_EDX_CLFSH | CPUID_1_EDX_MMX | CPUID_1_EDX_FXSR |
             CPUID_1_EDX_SSE | CPUID_1_EDX_SSE2 | CPUID_1_EDX_SS},
     {.ecx = CPUID_1_ECX_X2APIC | CPUID_1_ECX_TSC_DEADLINE | CPUID_1_ECX_HYPERVISOR,
      .edx = CPUID_1_EDX_MCE | CPUID_1_EDX_MCA | CPUID_1_EDX_APIC | CPUID_1_EDX_MTRR}},
    {2, {~0u, ~0u, ~0u, ~0u}, {0}},
    {6, {0}, {.eax = CPUID_6_EAX_ARAT}},
    {7,
     {.ebx = CPUID_7_EBX_FSGSBASE | CPUID_7_EBX_BMI1 | CPUID_7_EBX_AVX2 | 1u << 6 | CPUID_7_EBX_SMEP |
             CPUID_7_EBX_BMI2 | CPUID_7_EBX_ERMS | CPUID_7_EBX_INVPCID | 1u << 13 | CPUID_7_EBX_RDSEED |
             CPUID_7_EBX_ADX | CPUID_7_EBX_SMAP | CPUID_7_EBX_CLFLUSHOPT | CPUID_7_EBX_CLWB | CPUID_7_EBX_SHA |
             AVX512_7_EBX,
      .ecx = CPUID_7_ECX_UMIP | AVX512_7_ECX | AVX_7_ECX | CPUID_7_ECX_RDPID,
      .edx = AVX512_7_EDX | 1u << 4 | 1u << 10 /* FSRM MD_CLEAR */},
     {.ebx = CPUID_7_EBX_TSC_ADJUST}},
    {EXTENDED + 1,
     {.eax = ~0u,
      .ecx = CPUID_EXT1_ECX_LAHF | CPUID_EXT1_ECX_LZCNT | CPUID_EXT1_ECX_PREFETCHW,
      .edx = CPUID_EXT1_EDX_SYSCALL | CPUID_EXT1_EDX_NX | CPUID_EXT1_EDX_PAGE1G | CPUID_EXT1_EDX_RDTSCP |
             CPUID_EXT1_EDX_LM},
     {0}},
    {EXTENDED + 2, {~0u, ~0u, ~0u, ~0u}, {0}},
    {EXTENDED + 3, {~0u, ~0u, ~0u, ~0u}, {0}},
    {EXTENDED + 4, {~0u, ~0u, ~0u, ~0u}, {0}},
    {EXTENDED + 6, {~0u, ~0u, ~0u, ~0u}, {0}},
    {EXTENDED + 7, {0}, {.edx = CPUID_EXT7_EDX_INVARIANT_TSC}},
    {EXTENDED + 8, {.eax = 0xffff}, {0}},
};

// CR4 bits that come with a feature of leaf 1 or 7; those that every CPU with VT-x has are in `CR4_ALWAYS`.
#define CR4_ALWAYS                                                                                                     \
    (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_PCE | CR4_OSFXSR |             \
     CR4_OSXMMEXCPT)
static const struct {
    uint8_t leaf;
    char reg; // 'b' or 'c'
    uint32_t feature;
    uint64_t bit;
} cr4_features[] = {
    {1, 'c', CPUID_1_ECX_PCID, CR4_PCIDE},        {1, 'c', CPUID_1_ECX_XSAVE, CR4_OSXSAVE},
    {7, 'b', CPUID_7_EBX_FSGSBASE, CR4_FSGSBASE}, {7, 'b', CPUID_7_EBX_SMEP, CR4_SMEP},
    {7, 'b', CPUID_7_EBX_SMAP, CR4_SMAP},         {7, 'c', CPUID_7_ECX_UMIP, CR4_UMIP},
};

static void features_filter(struct cpuid_table *t, struct cpuid (*host)(uint32_t, uint32_t), uint32_t basic,
                            uint32_t extended)
{
    for (unsigned i = 0; i < sizeof(features) / sizeof(*features); i++) {
        uint32_t leaf = features[i].leaf;
        struct cpuid in = {0};
        if (leaf <= (leaf & EXTENDED ? extended : basic))
            in = host(leaf, 0);
        struct cpuid *out = leaf & EXTENDED ? &t->extended[leaf - EXTENDED] : &t->basic[leaf];
        const struct cpuid *pass = &features[i].pass, *force = &features[i].force;
        *out = (struct cpuid){(in.eax & pass->eax) | force->eax, (in.ebx & pass->ebx) | force->ebx,
                              (in.ecx & pass->ecx) | force->ecx, (in.edx & pass->edx) | force->edx};
    }
    t->basic[1].ebx = 1u << 16 | 8u << 8; // one logical CPU, CLFLUSH lines of 64 bytes
    t->basic[7].eax = 0;                  // no further subleaves
}

static void xsave_build(struct cpuid_table *t, struct cpuid (*host)(uint32_t, uint32_t), uint32_t basic)
{
    if (basic < 0xd || !(t->basic[1].ecx & CPUID_1_ECX_XSAVE)) {
        t->basic[1].ecx &= ~(CPUID_1_ECX_XSAVE | CPUID_1_ECX_AVX | CPUID_1_ECX_FMA | CPUID_1_ECX_F16C);
    } else {
        t->xcr0 = host(0xd, 0).eax & (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512);
        if ((t->xcr0 & XCR0_AVX512) != XCR0_AVX512)
            t->xcr0 &= ~XCR0_AVX512;
        for (unsigned i = 2; i < CPUID_XSAVE_LEAVES; i++)
            if (t->xcr0 >> i & 1)
                t->xsave[i] = host(0xd, i);
        t->xsave[1].eax = host(0xd, 1).eax & (CPUID_D1_EAX_XSAVEOPT | CPUID_D1_EAX_XSAVEC | CPUID_D1_EAX_XGETBV1);
    }
    if (!(t->xcr0 & XCR0_AVX)) {
        t->basic[1].ecx &= ~(CPUID_1_ECX_AVX | CPUID_1_ECX_FMA | CPUID_1_ECX_F16C);
        t->basic[7].ebx &= ~CPUID_7_EBX_AVX2;
        t->basic[7].ecx &= ~AVX_7_ECX;
    }
    if (!(t->xcr0 & XCR0_OPMASK)) {
        t->basic[7].ebx &= ~AVX512_7_EBX;
        t->basic[7].ecx &= ~AVX512_7_ECX;
        t->basic[7].edx &= ~AVX512_7_EDX;
    }
}

static void hypervisor_build(struct cpuid_table *t, uint64_t tsc_hz)
{
    t->hyper[0] = (struct cpuid){HYPER_MAX, 0x6163694d, 0x6163694d, 0x6163694d}; // "MicaMicaMica"
    t->hyper[0x10] = (struct cpuid){(uint32_t)(tsc_hz / 1000), (uint32_t)(tsc_hz / 1000), 0, 0};
    // The crystal, which the local APIC's timer counts too, is the TSC itself: so the ratio is exact. Halved until it
    // fits.
    uint32_t ratio = 1;
    while (tsc_hz / ratio > UINT32_MAX)
        ratio *= 2;
    t->basic[0x15] = (struct cpuid){1, ratio, (uint32_t)(tsc_hz / ratio), 0};
    uint32_t mhz = (uint32_t)((tsc_hz + 500000) / 1000000);
    t->basic[0x16] = (struct cpuid){mhz, mhz, 100, 0};
}

void cpuid_build(struct cpuid_table *t, struct cpuid (*host)(uint32_t leaf, uint32_t subleaf), uint64_t tsc_hz)
{
    __builtin_memset(t, 0, sizeof(*t));
    struct cpuid vendor = host(0, 0);
    uint32_t extended = host(EXTENDED, 0).eax;
    t->basic_max = BASIC_MAX;
    t->basic[0] = (struct cpuid){BASIC_MAX, vendor.ebx, vendor.ecx, vendor.edx};
    t->extended[0].eax = EXTENDED_MAX;
    features_filter(t, host, vendor.eax, extended);
    xsave_build(t, host, vendor.eax);
    for (unsigned i = 0; i < CPUID_CACHES && vendor.eax >= 4; i++) {
        struct cpuid cache = host(4, i);
        if (!(cache.eax & 0x1f))
            break;
        cache.eax &= 0x3fff; // shared by no other CPU, one core
        t->caches[i] = cache;
    }
    hypervisor_build(t, tsc_hz);
    t->simple = ~(1u << 1 | 1u << 4 | 1u << 7 | 1u << 0xb | 1u << 0xd);
    t->max_phys = (uint8_t)t->extended[8].eax;
    if (t->max_phys < 32 || t->max_phys > 52)
        t->max_phys = 36;
    t->cr4 = CR4_ALWAYS;
    for (unsigned i = 0; i < sizeof(cr4_features) / sizeof(*cr4_features); i++) {
        const struct cpuid *leaf = &t->basic[cr4_features[i].leaf];
        if ((cr4_features[i].reg == 'b' ? leaf->ebx : leaf->ecx) & cr4_features[i].feature)
            t->cr4 |= cr4_features[i].bit;
    }
}

// Bytes of the XSAVE area for the components in xcr0.
static uint32_t xsave_size(const struct cpuid_table *t, uint64_t xcr0, bool compacted)
{
    uint32_t size = 512 + 64;
    for (unsigned i = 2; i < CPUID_XSAVE_LEAVES; i++) {
        if (!(xcr0 >> i & 1))
            continue;
        uint32_t offset = t->xsave[i].ebx;
        if (compacted)
            offset = t->xsave[i].ecx & 2 ? (size + 63) & ~63u : size;
        if (offset + t->xsave[i].eax > size)
            size = offset + t->xsave[i].eax;
    }
    return size;
}

bool cpuid_xcr0_valid(const struct cpuid_table *t, uint64_t value)
{
    if (!(value & XCR0_X87) || value & ~t->xcr0)
        return false;
    if (value & XCR0_AVX && !(value & XCR0_SSE))
        return false;
    uint64_t wide = value & XCR0_AVX512;
    return !wide || (wide == XCR0_AVX512 && value & XCR0_AVX);
}

static struct cpuid xsave_leaf(const struct cpuid_table *t, uint32_t subleaf, uint64_t xcr0)
{
    if (!t->xcr0 || subleaf >= CPUID_XSAVE_LEAVES)
        return (struct cpuid){0};
    struct cpuid r = t->xsave[subleaf];
    if (subleaf == 0)
        r = (struct cpuid){(uint32_t)t->xcr0, xsave_size(t, xcr0, false), xsave_size(t, t->xcr0, false),
                           (uint32_t)(t->xcr0 >> 32)};
    else if (subleaf == 1)
        r.ebx = r.eax & CPUID_D1_EAX_XSAVEC ? xsave_size(t, xcr0, true) : 0;
    return r;
}

// One thread, one core: the levels of x2APIC IDs (SDM 2A, leaf 0Bh).
static struct cpuid topology_leaf(uint32_t level, uint32_t apic_id)
{
    struct cpuid r = {.ecx = level & 0xff, .edx = apic_id};
    if (level < 2) {
        r.ebx = 1;
        r.ecx |= (level + 1) << 8;
    }
    return r;
}

struct cpuid cpuid_guest(const struct cpuid_table *t, uint32_t leaf, uint32_t subleaf, const struct cpuid_state *state)
{
    if (leaf - HYPER_BASE <= HYPER_MAX - HYPER_BASE)
        return t->hyper[leaf - HYPER_BASE];
    if (leaf - EXTENDED <= EXTENDED_MAX - EXTENDED)
        return t->extended[leaf - EXTENDED];
    if (leaf > t->basic_max)
        leaf = t->basic_max; // as Intel's CPUs do
    struct cpuid r = t->basic[leaf];
    switch (leaf) {
    case 1:
        r.ebx |= state->apic_id << 24;
        if (state->cr4 & CR4_OSXSAVE)
            r.ecx |= CPUID_1_ECX_OSXSAVE;
        if (!state->apic_enabled)
            r.edx &= ~CPUID_1_EDX_APIC;
        return r;
    case 4:
        return subleaf < CPUID_CACHES ? t->caches[subleaf] : (struct cpuid){0};
    case 7:
        return subleaf == 0 ? r : (struct cpuid){0};
    case 0xb:
        return topology_leaf(subleaf, state->apic_id);
    case 0xd:
        return xsave_leaf(t, subleaf, state->xcr0);
    default:
        return r;
    }
}
