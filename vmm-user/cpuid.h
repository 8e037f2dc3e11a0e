// SPDX-License-Identifier: MIT
// What the guest's CPUID says: the host's, filtered by tables of what a vCPU can really do. Everything but the few bits
// that follow the vCPU's state is computed once.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "x86/cpuid.h"

#define CPUID_BASIC_LEAVES    0x20
#define CPUID_EXTENDED_LEAVES 0x09
#define CPUID_HYPER_LEAVES    0x11
#define CPUID_CACHES          8
#define CPUID_XSAVE_LEAVES    10

struct cpuid_table {
    struct cpuid basic[CPUID_BASIC_LEAVES];
    struct cpuid extended[CPUID_EXTENDED_LEAVES];
    struct cpuid hyper[CPUID_HYPER_LEAVES];
    struct cpuid caches[CPUID_CACHES];
    struct cpuid xsave[CPUID_XSAVE_LEAVES];
    uint32_t basic_max;
    uint32_t simple; // bit n: basic leaf n has no subleaves and does not follow the vCPU's state
    uint64_t xcr0;   // bits that the guest may set
    uint64_t cr4;    // bits that the guest may set
    uint8_t max_phys;
};

// What some leaves follow.
struct cpuid_state {
    uint64_t cr4, xcr0;
    bool apic_enabled;
    uint32_t apic_id;
};

// `host` is CPUID, or a test's. The local APIC's timer counts the TSC.
void cpuid_build(struct cpuid_table *table, struct cpuid (*host)(uint32_t leaf, uint32_t subleaf), uint64_t tsc_hz);

// Any leaf.
struct cpuid cpuid_guest(const struct cpuid_table *table, uint32_t leaf, uint32_t subleaf,
                         const struct cpuid_state *state);

// Would XSETBV(0, value) be a #GP? (SDM 1 13.3)
bool cpuid_xcr0_valid(const struct cpuid_table *table, uint64_t value);
