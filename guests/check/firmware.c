// SPDX-License-Identifier: MIT
// What a kernel calls of the firmware and of a hypervisor: the 32-bit PCI BIOS through BIOS32 (PCI BIOS
// specification 2.1), at its own address and, as Linux does, at another one; hypercalls that there are not.
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

// Resets of the processor alone with shutdown code 0Ah go to the address at 40:67h, in memory that is as it was (IBM AT
// Technical Reference, BIOS, "shutdown"). What is there counts and starts the PC anew: this program begins once for
// each way of reset.
void check_warm(void)
{
    enum { CODE = 0x7d00, STATE = 0x7e00, MAGIC = 0x77617200 };
    static const uint8_t code[] = {0x2e, 0xfe, 0x06, 0x04, 0x7e, // inc byte [cs:STATE + 4]
                                   0xb0, 0x0f, 0xe6, 0x70, 0xb0,
                                   0x00, 0xe6, 0x71,              // CMOS 0Fh: the next start is a cold one
                                   0xea, 0x00, 0x00, 0xff, 0xff}; // jmp FFFFh:0
    static const char *const rules[] = {"keyboard controller's reset", "port 92h", "port CF9h, soft", "INIT to self"};
    volatile uint32_t *state = (volatile uint32_t *)(uintptr_t)STATE;
    unsigned done = state[0] - MAGIC;
    if (done > 4)
        state[0] = MAGIC + (done = 0);
    else
        check_same(state[1], 1, rules[done - 1]);
    if (done == 4)
        return;
    for (unsigned i = 0; i < sizeof(code); i++)
        ((volatile uint8_t *)(uintptr_t)CODE)[i] = code[i];
    state[0]++;
    state[1] = 0;
    asm volatile("movl %0, 0x467" : : "i"(CODE) : "memory"); // in C it looks like a null pointer
    out8(0x70, 0x0f);
    out8(0x71, 0x0a);
    apic_on();
    if (done == 0)
        out8(0x64, 0xfe);
    else if (done == 1)
        out8(0x92, in8(0x92) & ~1), out8(0x92, in8(0x92) | 1);
    else if (done == 2)
        out8(0xcf9, 0), out8(0xcf9, 4);
    else
        apic_set(0x300, 0x44500);
    for (;;)
        asm volatile("cli; hlt");
}
