// SPDX-License-Identifier: MIT
// NMIs (SDM 3A 6.7) and what holds events back for one instruction (6.8.3).
#include "guests/check/check.h"

#define ICR_NMI 0x400u

static volatile unsigned nmis, more, irqs;
static volatile uint64_t nmi_rip, irq_rip;

static void nmi_send(void)
{
    apic_set(0x310, apic_get(0x20));
    apic_set(0x300, ICR_NMI);
}

// SVM has no exit at the end of an IRET, and one that faults is not stepped over: give a hypervisor the time to see it.
static void nmi_wait(unsigned count)
{
    for (uint64_t start = rdtsc(); nmis < count && rdtsc() - start < 3000000000;)
        asm volatile("pause");
}

static void on_nmi(struct frame *f)
{
    nmis++;
    nmi_rip = f->rip;
    while (more) {
        more--;
        nmi_send();
    }
}

static void on_irq(struct frame *f)
{
    irqs++;
    irq_rip = f->rip;
    apic_set(0xb0, 0);
}

static volatile unsigned iret_faults;

static void on_nmi_bad_iret(struct frame *f)
{
    (void)f;
    nmis++;
    if (nmis > 1)
        return;
    nmi_send(); // blocked until an IRET, even one that faults
    unsigned seen = nmis;
    caught = NO_VECTOR;
    asm volatile("movq $1f, resume; mov %%rsp, %%rbx; push $0; pushq $0x4000; push $2; push $0x33; push $0; iretq; 1: "
                 "mov %%rbx, %%rsp;"
                 "movq $0, resume"
                 :
                 :
                 : "rbx", "memory");
    iret_faults = caught;
    nmi_wait(seen + 1);
    check(nmis == seen + 1, "an IRET that faults ends the blocking of NMIs");
}

static void pit_to_nmi(bool on)
{
    volatile uint32_t *select = (void *)0xfec00000, *window = (void *)0xfec00010;
    for (unsigned pin = 0; pin < 3; pin += 2) { // pin 2 on PCs, pin 0 without the override
        *select = 0x11 + 2 * pin;
        *window = apic_get(0x20);
        *select = 0x10 + 2 * pin;
        *window = on ? 0x400 : 0x10000;
    }
}

static void halted(void)
{
    nmis = irqs = 0;
    out8(0x43, 0x30);
    pit_to_nmi(true);
    apic_set(0x300, 0x40000 | 0x45); // waits: IF=0
    out8(0x40, 0);
    out8(0x40, 8);
    asm volatile("hlt" : : : "memory");
    check_same(nmis, 1, "an NMI ends a HLT with IF=0");
    check_same(irqs, 0, "an interrupt does not");
    pit_to_nmi(false);
    sti_nop_cli();
    check_same(irqs, 1, "it comes later");
}

void check_nmi(void)
{
    apic_on();
    handle(NMI, on_nmi);
    handle(0x45, on_irq);
    nmis = 0;
    nmi_send();
    asm volatile("nop");
    check_same(nmis, 1, "an NMI to self");
    for (unsigned i = 0; i < 100; i++) {
        nmis = 0;
        more = 10;
        nmi_send();
        nmi_wait(2);
        if (nmis != 2)
            break;
    }
    check_same(nmis, 2, "many NMIs during one are one");
    extern const char n0[];
    nmis = 0;
    more = 1;
    asm volatile("movl %0, (%1); nop; .global n0; n0: nop" : : "i"(ICR_NMI), "r"(APIC_BASE + 0x300ul) : "memory");
    nmi_wait(2);
    check(nmis == 2 && nmi_rip <= (uint64_t)n0, "the second of two comes right behind the first one's IRET");
    handle(NMI, on_nmi_bad_iret);
    nmis = 0;
    nmi_send();
    asm volatile("nop");
    check_same(nmis, 2, "two NMIs in all");
    check_same(iret_faults, GP, "the IRET's fault");
    handle(NMI, on_nmi);

    // STI and MOV SS hold an interrupt back for one instruction, also where that instruction exits.
    irqs = 0;
    apic_set(0x300, 0x40000 | 0x45);
    extern const char after_sti[];
    asm volatile("sti; xor %%eax, %%eax; cpuid; .global after_sti; after_sti: nop; cli"
                 :
                 :
                 : "rax", "rbx", "rcx", "rdx", "memory");
    check_same(irqs, 1, "an interrupt after STI");
    check_same(irq_rip, (uint64_t)after_sti - 2, "comes after one instruction");
    apic_set(0x300, 0x40000 | 0x45);
    extern const char after_sti_cpuid[];
    asm volatile("xor %%eax, %%eax; sti; cpuid; .global after_sti_cpuid; after_sti_cpuid: nop; cli"
                 :
                 :
                 : "rax", "rbx", "rcx", "rdx", "memory");
    check_same(irq_rip, (uint64_t)after_sti_cpuid, "STI, then CPUID");
    apic_set(0x300, 0x40000 | 0x45);
    extern const char after_sti_in[];
    asm volatile("sti; inb $0xe0, %%al; .global after_sti_in; after_sti_in: nop; cli" : : : "rax", "memory");
    check_same(irq_rip, (uint64_t)after_sti_in, "STI, then IN");
    apic_set(0x300, 0x40000 | 0x45);
    extern const char after_sti_mmio[];
    asm volatile("sti; mov 0x30(%0), %%eax; .global after_sti_mmio; after_sti_mmio: nop; cli"
                 :
                 : "r"(APIC_BASE)
                 : "rax", "memory");
    check_same(irq_rip, (uint64_t)after_sti_mmio, "STI, then MMIO");
    halted();
}
