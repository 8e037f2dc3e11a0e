// SPDX-License-Identifier: MIT
// The local APIC: SDM 3A chapter 11.
#include "guests/check/check.h"

#define BASE_EN  0x800ul
#define BASE_X2  0x400ul
#define ICR_SELF 0x40000u
#define ICR_ALL  0x80000u

static uint64_t base_plain; // address and BSP flag

void apic_off(void)
{
    base_plain = APIC_BASE | (rdmsr(MSR_APIC_BASE) & 0x100);
    wrmsr(MSR_APIC_BASE, base_plain);
}

void apic_on(void)
{
    base_plain = APIC_BASE | (rdmsr(MSR_APIC_BASE) & 0x100);
    if ((rdmsr(MSR_APIC_BASE) & (BASE_EN | BASE_X2)) != BASE_EN) {
        apic_off();
        wrmsr(MSR_APIC_BASE, base_plain | BASE_EN);
    }
    apic_set(0xf0, 0x1ff);
}

void apic_x2(void)
{
    if (!(rdmsr(MSR_APIC_BASE) & BASE_EN))
        wrmsr(MSR_APIC_BASE, base_plain | BASE_EN);
    wrmsr(MSR_APIC_BASE, base_plain | BASE_EN | BASE_X2);
    wrmsr(0x80f, 0x1ff);
}

static unsigned base_try(uint64_t value)
{
    return wrmsr_try(MSR_APIC_BASE, value);
}

static void modes(void)
{
    apic_x2();
    check_same(base_try(base_plain | BASE_X2), GP, "x2APIC to the invalid state");
    check_same(base_try(base_plain | BASE_EN), GP, "x2APIC to xAPIC");
    check_same(base_try(base_plain), NO_VECTOR, "x2APIC to disabled");
    check_same(base_try(base_plain | BASE_X2), GP, "disabled to the invalid state");
    check_same(base_try(base_plain | BASE_EN | BASE_X2), GP, "disabled to x2APIC");
    check_same(base_try(base_plain | BASE_EN), NO_VECTOR, "disabled to xAPIC");
    check_same(base_try(base_plain | BASE_X2), GP, "xAPIC to the invalid state");
    uint64_t base = rdmsr(MSR_APIC_BASE);
    check_same(base_try(base | 1ul << (cpuid(0x80000008, 0).eax & 0xff)), GP,
               "APIC base above the physical address width");
    check_same(base_try(base | 1), GP, "reserved bit 0 of the APIC base");
    check_same(base_try(base | 0x200), GP, "reserved bit 9 of the APIC base");
    check_same(rdmsr(MSR_APIC_BASE), base, "the APIC base after faults");
}

static void off_is_off(const char *how)
{
    uint64_t cr8 = cr8_get();
    put(how);
    put("\r\n");
    for (volatile uint8_t *p = (void *)APIC_BASE; p < (uint8_t *)APIC_BASE + 4096; p++)
        *p = 0xff;
    check_same(apic_get(0x30), 0xffffffff, "no registers in memory");
    check_same(cr8_get(), cr8, "CR8 is not in memory");
    cr8_set(cr8 ^ 15);
    check_same(cr8_get(), cr8 ^ 15, "CR8 keeps what is written");
    check_same(apic_get(0x80), 0xffffffff, "TPR is not in memory");
    cr8_set(cr8);
}

static void disabled(void)
{
    apic_on();
    uint32_t version = apic_get(0x30);
    check(version >> 16 >= 3 && (version & 0xff) >= 0x10 && (version & 0xff) <= 0x15, "version of an integrated APIC");
    apic_off();
    check(!(cpuid(1, 0).edx & 0x200), "CPUID without APIC");
    off_is_off("APIC disabled:");
    apic_on();
    check(cpuid(1, 0).edx & 0x200, "CPUID with APIC");
    check_same(apic_get(0x30), version, "version after it was disabled");
    check_same(apic_get(0x80), 0, "TPR after it was disabled");
    cr8_set(15);
    check_same(apic_get(0x80), 0xf0, "CR8 in TPR");
    apic_set(0x80, 0x35);
    check_same(cr8_get(), 3, "TPR in CR8");
    check_same(apic_get(0xa0), 0x35, "PPR is TPR");
    cr8_set(0);
    check_same(TRY("mov %0, %%cr8", : : "r"(16ul) : "memory"), GP, "CR8 has four bits");
    apic_x2();
    check(cpuid(1, 0).edx & 0x200, "CPUID with x2APIC");
    off_is_off("x2APIC:");
    apic_on();
    wrmsr(MSR_APIC_BASE, base_plain);
    wrmsr(MSR_APIC_BASE, 0xfed40000 | (base_plain & 0x100) | BASE_EN);
    check_same(*(volatile uint32_t *)0xfed40030, version, "APIC at another address");
    wrmsr(MSR_APIC_BASE, base_plain | BASE_EN);
    apic_on();
}

static void software_disabled(void)
{
    apic_on();
    apic_set(0x350, 0x8700);
    apic_set(0xf0, 0xff);
    check_same(apic_get(0x350), 0x18700, "a disabled APIC masks its LVT");
    apic_set(0x350, 0x700);
    check_same(apic_get(0x350), 0x10700, "and keeps it masked");
    apic_set(0xf0, 0x1ff);
    check_same(apic_get(0x350), 0x10700, "enabling does not unmask");
    apic_set(0x350, 0x10700);
    check_same(apic_get(0xe0), 0xffffffff, "DFR after reset");
    apic_set(0xd0, 0x12345678);
    check_same(apic_get(0xd0), 0x12000000, "LDR has eight bits");
    apic_set(0xe0, 0);
    check_same(apic_get(0xe0), 0x0fffffff, "DFR has four bits");
    apic_set(0xe0, 0xffffffff);
    apic_set(0xd0, 0);
    apic_set(0x320, 0xffffffff);
    check(!(apic_get(0x320) & 0xfff8ff00 & ~0x31000u & ~0x10000u & ~0x40000u), "reserved bits of an LVT entry");
    apic_on();
}

static void send(uint32_t low)
{
    if (rdmsr(MSR_APIC_BASE) & BASE_X2)
        wrmsr(0x830, low);
    else
        apic_set(0x300, low);
}

static volatile uint8_t order[8];
static volatile unsigned ordered;

static void ordered_handler(struct frame *f)
{
    order[ordered++ & 7] = (uint8_t)f->vector;
    if (rdmsr(MSR_APIC_BASE) & BASE_X2)
        wrmsr(0x80b, 0);
    else
        apic_set(0xb0, 0);
}

static void interrupts(const char *mode)
{
    put(mode);
    put("\r\n");
    count(0x51);
    count(0xf1);
    count_from_zero();
    asm volatile("sti");
    send(ICR_SELF | 0xf1);
    asm volatile("nop; cli");
    check_same(count_of(0xf1), 1, "IPI to self");
    send(ICR_ALL | 0xf1);
    send(ICR_ALL | 0xf1);
    check_same(count_of(0xf1), 1, "no interrupt with IF=0");
    sti_nop_cli();
    check_same(count_of(0xf1), 2, "two IPIs of one vector are one");
    cr8_set(5);
    send(ICR_SELF | 0x51);
    sti_nop_cli();
    check_same(count_of(0x51), 0, "TPR holds its class back");
    cr8_set(4);
    sti_nop_cli();
    check_same(count_of(0x51), 1, "a lower TPR lets it come");
    cr8_set(5);
    send(ICR_SELF | 0x51);
    asm volatile("sti");
    cr8_set(0);
    asm volatile("nop; cli");
    check_same(count_of(0x51), 2, "MOV to CR8 lets it come at once");
    handle(0x62, ordered_handler);
    handle(0x78, ordered_handler);
    ordered = 0;
    send(ICR_SELF | 0x62);
    send(ICR_SELF | 0x78);
    sti_nop_cli();
    check(ordered == 2 && order[0] == 0x78 && order[1] == 0x62, "the higher vector first");
    cr8_set(0);
}

static volatile uint32_t ppr, isr_bit, irr_bit;

static void inside(struct frame *f)
{
    (void)f;
    ppr = apic_get(0xa0);
    isr_bit = apic_get(0x100 + 0x10 * (0x93 >> 5)) >> (0x93 & 31) & 1;
    send(ICR_SELF | 0x92);
    send(ICR_SELF | 0xa1);
    sti_nop_cli();
    irr_bit = apic_get(0x200 + 0x10 * (0x92 >> 5)) >> (0x92 & 31) & 1;
    apic_set(0xb0, 0);
}

static void in_service(void)
{
    apic_on();
    handle(0x93, inside);
    handle(0x92, ordered_handler);
    handle(0xa1, ordered_handler);
    ordered = 0;
    send(ICR_SELF | 0x93);
    sti_nop_cli();
    sti_nop_cli();
    check_same(ppr, 0x90, "PPR while in service");
    check_same(isr_bit, 1, "ISR while in service");
    check_same(irr_bit, 1, "the same class waits in IRR");
    check(ordered == 2 && order[0] == 0xa1 && order[1] == 0x92,
          "a higher class interrupts, the same class comes after EOI");
    check_same(apic_get(0xa0), 0, "PPR at the end");
}

static void errors(void)
{
    apic_on();
    count(0x61);
    count_from_zero();
    apic_set(0x280, 0);
    send(ICR_SELF | 5);
    apic_set(0x280, 0);
    check_same(apic_get(0x280) & 0x60, 0x20 | (apic_get(0x280) & 0x40), "an illegal vector is in ESR");
    apic_set(0x280, 0);
    check_same(apic_get(0x280), 0, "ESR is empty again");
    apic_set(0x370, 0x61);
    send(ICR_SELF | 5);
    sti_nop_cli();
    check(count_of(0x61) >= 1, "the error interrupt");
    apic_set(0x370, 0x10000);
    apic_set(0x280, 0);
}

static void x2_faults(void)
{
    uint64_t value;
    apic_on();
    check_same(rdmsr_try(0x802, &value), GP, "x2APIC register in xAPIC mode");
    apic_x2();
    check_same(rdmsr(0x802), cpuid(0xb, 0).edx, "x2APIC ID");
    check_same(wrmsr_try(0x802, 1), GP, "write of the x2APIC ID");
    check_same(rdmsr_try(0x80b, &value), GP, "read of EOI");
    check_same(wrmsr_try(0x80b, 1), GP, "EOI other than 0");
    check_same(wrmsr_try(0x80b, 0), NO_VECTOR, "EOI 0");
    check_same(wrmsr_try(0x808, 0x100), GP, "reserved bits of TPR");
    check_same(wrmsr_try(0x828, 1), GP, "ESR other than 0");
    check_same(rdmsr_try(0x80e, &value), GP, "no DFR");
    check_same(rdmsr_try(0x831, &value), GP, "no ICR high");
    check_same(rdmsr_try(0x83f, &value), GP, "read of self IPI");
    check_same(rdmsr_try(0x840, &value), GP, "behind the registers");
    check_same(wrmsr_try(0x80d, 1), GP, "write of LDR");
    check_same(rdmsr(0x80d), 1u << (rdmsr(0x802) & 15) | rdmsr(0x802) >> 4 << 16, "LDR from the ID");
    check_same(wrmsr_try(0x832, 0x80000), GP, "reserved bits of an LVT entry in x2APIC mode");
    count(0xf2);
    count_from_zero();
    asm volatile("sti");
    wrmsr(0x83f, 0xf2);
    asm volatile("nop; cli");
    check_same(count_of(0xf2), 1, "self IPI register");
    wrmsr(0x830, 0xffffffff000000f2ul);
    sti_nop_cli();
    check_same(count_of(0xf2), 2, "broadcast by address");
    apic_on();
    apic_set(0x310, 0xff000000);
    send(0xf2);
    sti_nop_cli();
    check_same(count_of(0xf2), 3, "broadcast by address in xAPIC mode");
    apic_set(0xd0, 0x02000000);
    apic_set(0x310, 0x02000000);
    send(0x8f2);
    sti_nop_cli();
    check_same(count_of(0xf2), 4, "logical destination");
    apic_set(0x310, 0x04000000);
    send(0x8f2);
    sti_nop_cli();
    check_same(count_of(0xf2), 4, "another logical destination");
    apic_set(0x310, 0);
}

void check_apic(void)
{
    apic_on();
    modes();
    disabled();
    software_disabled();
    interrupts("xAPIC:");
    apic_x2();
    interrupts("x2APIC:");
    in_service();
    errors();
    x2_faults();
    apic_on();
}
