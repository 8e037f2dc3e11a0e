// SPDX-License-Identifier: MIT
// What a kernel calls of the firmware and of a hypervisor: the 32-bit PCI BIOS through BIOS32 (PCI BIOS specification 2.1), at its
// own address and, as Linux does, at another one; hypercalls that there are not.
#include "guests/check/check.h"

#define FOUR(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define HIGH             0xc0000000u

// The entry of BIOS32, 0: there is none.
static uint32_t directory_find(void)
{
    for (uint32_t at = 0xe0000; at < 0x100000; at += 16) {
        const uint8_t *bytes = (const uint8_t *)(uintptr_t)at;
        uint8_t sum = 0;
        for (unsigned i = 0; i < 16; i++)
            sum = (uint8_t)(sum + bytes[i]);
        if (*(const uint32_t *)bytes == FOUR('_', '3', '2', '_') && sum == 0)
            return *(const uint32_t *)(bytes + 4);
    }
    return 0;
}

static void pci_bios(uint32_t directory, uint32_t moved, const char *rule)
{
    struct cpuid r = bios32_call(directory + moved, (struct cpuid){.eax = FOUR('$', 'P', 'C', 'I')});
    bool found = !(r.eax & 0xff) && r.ebx >= 0xe0000 && r.ebx < 0x100000;
    if (found) // EDX: from EBX on
        r = bios32_call(r.ebx + r.edx + moved, (struct cpuid){.eax = 0xb101});
    check(found && r.edx == FOUR('P', 'C', 'I', ' ') && !(r.eax >> 8 & 0xff), rule);
}

static void hypercalls(void)
{
    if (!(cpuid(1, 0).ecx & 1u << 31) || cpuid(0x40000000, 0).ebx != FOUR('M', 'i', 'c', 'a')) {
        skip("hypercalls", "not below Mica");
        return;
    }
    int64_t rax = -1;
    unsigned vector = is_amd() ? TRY("vmmcall", : "+a"(rax) : : "memory") : TRY("vmcall", : "+a"(rax) : : "memory");
    check_same(vector, NO_VECTOR, "a hypercall that there is not");
    check(rax < 0 && rax != -1, "is answered by an error");
}

void check_firmware(void)
{
    uint32_t directory = directory_find();
    hypercalls();
    if (!directory) {
        skip("PCI BIOS", "no BIOS32 directory");
        return;
    }
    pci_bios(directory, 0, "PCI BIOS in protected mode");
    uint64_t *entry = &tables[1024 + HIGH / 0x200000], old = *entry;
    *entry = tables[1024];
    asm volatile("invlpg (%0)" : : "r"((uintptr_t)HIGH) : "memory");
    pci_bios(directory, HIGH, "PCI BIOS mapped elsewhere");
    *entry = old;
    asm volatile("invlpg (%0)" : : "r"((uintptr_t)HIGH) : "memory");
}
