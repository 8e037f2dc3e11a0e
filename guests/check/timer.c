// SPDX-License-Identifier: MIT
// The local APIC's timer in its three modes (SDM 3A 11.5.4) and the TSC (3B 18.17).
#include "guests/check/check.h"

#define LVT      0x320
#define INITIAL  0x380
#define CURRENT  0x390
#define DIVIDE   0x3e0
#define PERIODIC 0x20000u
#define DEADLINE 0x40000u
#define MASKED   0x10000u
#define VECTOR   0xee
#define COUNT    0x999999u

#define TSC_ADJUST   0x3b
#define TSC          0x10
#define TSC_DEADLINE 0x6e0

static void until(uint32_t low, uint32_t high)
{
    uint32_t now;
    do
        now = apic_get(CURRENT);
    while (now < low || now > high);
}

static void one_shot(void)
{
    count(VECTOR);
    count_from_zero();
    apic_set(DIVIDE, 11);
    apic_set(LVT, VECTOR);
    asm volatile("sti");
    uint64_t start = rdtsc();
    apic_set(INITIAL, 0x10000);
    while (!count_of(VECTOR)) {
    }
    uint64_t end = rdtsc();
    asm volatile("cli");
    check(end - start >= 0x10000, "a one-shot timer is not early");
    check_same(apic_get(CURRENT), 0, "its count is over");
    sti_nop_cli();
    check_same(count_of(VECTOR), 1, "it comes once");
}

// A change of mode in the second half of a count: what the count is behind it. The moment may pass while a hypervisor's
// host does something else: then it is tried again.
static uint32_t changed_past_half(uint32_t from, uint32_t to)
{
    uint32_t now = 0;
    for (unsigned i = 0; i < 100 && (!now || now >= COUNT / 2); i++) {
        apic_set(LVT, MASKED | from | VECTOR);
        apic_set(INITIAL, COUNT);
        until(0, COUNT / 2);
        apic_set(LVT, MASKED | to | VECTOR);
        now = apic_get(CURRENT);
    }
    return now;
}

static void mode_changes(void)
{
    apic_set(LVT, MASKED | VECTOR);
    apic_set(DIVIDE, 11);
    apic_set(INITIAL, COUNT);
    apic_set(LVT, MASKED | PERIODIC | VECTOR);
    check_same(apic_get(INITIAL), COUNT, "initial count after a change of mode");
    check(apic_get(CURRENT), "it counts");
    apic_set(LVT, MASKED | VECTOR);
    apic_set(INITIAL, COUNT);
    until(0, 0);
    check_same(apic_get(CURRENT), 0, "one-shot ends at 0");
    uint32_t now = changed_past_half(0, PERIODIC);
    check(now && now < COUNT / 2, "to periodic: the count goes on");
    until(COUNT / 2 + 1, COUNT);
    check(true, "periodic: it starts again");
    now = changed_past_half(PERIODIC, 0);
    check(now && now < COUNT / 2, "to one-shot: the count goes on");
    until(0, 0);
    apic_set(LVT, MASKED | PERIODIC | VECTOR);
    check_same(apic_get(CURRENT), 0, "to periodic after the end: it stays there");
    apic_set(INITIAL, 0);
    apic_set(LVT, MASKED | VECTOR);
    count_from_zero();
    apic_set(INITIAL, 1000);
    until(0, 0);
    apic_set(LVT, VECTOR);
    sti_nop_cli();
    check_same(count_of(VECTOR), 0, "what came while masked is lost");
}

static void periodic(void)
{
    count_from_zero();
    apic_set(LVT, PERIODIC | VECTOR);
    apic_set(INITIAL, 0x40000);
    asm volatile("sti");
    while (count_of(VECTOR) < 5) {
    }
    asm volatile("cli");
    apic_set(INITIAL, 0);
    sti_nop_cli();
    uint64_t n = count_of(VECTOR);
    for (uint64_t start = rdtsc(); rdtsc() - start < 0x100000;)
        sti_nop_cli();
    check_same(count_of(VECTOR), n, "initial count 0 stops it");
}

// A handler that takes longer than the next timer: while it has interrupts off, nothing comes, and its own not twice.
static volatile unsigned entered, within, nested;

static void slow(struct frame *f)
{
    (void)f;
    entered++;
    nested += within++;
    for (uint64_t start = rdtsc(); rdtsc() - start < 0x100000;) {
    }
    within--;
    apic_set(0xb0, 0);
}

static void slow_handler(void)
{
    enum { ROUNDS = 8 };
    apic_set(DIVIDE, 11);
    apic_set(LVT, VECTOR);
    handle(0xed, slow);
    for (unsigned i = 0; i < ROUNDS; i++) {
        apic_set(0x300, 0x400ed); // to itself
        apic_set(INITIAL, 0x40000);
        sti_nop_cli();
    }
    check_same(entered, ROUNDS, "an interrupt comes once, however long its handler takes");
    check_same(nested, 0, "none comes in a handler with IF=0");
}

static void deadline(void)
{
    if (!(cpuid(1, 0).ecx & 1u << 24)) {
        skip("TSC deadline", "the CPU has none");
        return;
    }
    count_from_zero();
    apic_set(LVT, VECTOR);
    wrmsr(TSC_DEADLINE, rdtsc() + 1000000);
    check_same(rdmsr(TSC_DEADLINE), 0, "no deadline in other modes");
    apic_set(LVT, DEADLINE | VECTOR);
    apic_set(INITIAL, 1000);
    check_same(apic_get(CURRENT), 0, "no count in deadline mode");
    asm volatile("sti");
    wrmsr(TSC_DEADLINE, rdmsr(TSC));
    asm volatile("nop; cli");
    check_same(count_of(VECTOR), 1, "a deadline that is over comes at once");
    check_same(rdmsr(TSC_DEADLINE), 0, "it is disarmed");
    uint64_t end = rdtsc() + (1ul << 36);
    wrmsr(TSC_DEADLINE, end);
    check_same(rdmsr(TSC_DEADLINE), end, "deadline to come");
    end = rdtsc() + 0x200000;
    wrmsr(TSC_DEADLINE, end);
    asm volatile("sti");
    while (count_of(VECTOR) < 2) {
    }
    check(rdtsc() >= end, "a deadline is not early");
    end = rdtsc() + 0x200000;
    asm volatile("cli"); // it may pass before the HLT
    wrmsr(TSC_DEADLINE, end);
    asm volatile("sti; hlt; cli");
    check(rdtsc() >= end && count_of(VECTOR) == 3, "HLT until the deadline");
    uint64_t come;
    do { // again if it has passed before it is disarmed: a hypervisor's host may do something else meanwhile
        sti_nop_cli();
        come = count_of(VECTOR);
        end = rdtsc() + 0x100000;
        wrmsr(TSC_DEADLINE, end);
        wrmsr(TSC_DEADLINE, 0);
    } while (rdtsc() >= end);
    while (rdtsc() < end + 0x100000)
        sti_nop_cli();
    check_same(count_of(VECTOR), come, "0 disarms");
    wrmsr(TSC_DEADLINE, rdtsc() + (1ul << 40));
    apic_set(LVT, VECTOR);
    apic_set(LVT, DEADLINE | VECTOR);
    check_same(rdmsr(TSC_DEADLINE), 0, "a change of mode disarms");
    apic_set(LVT, DEADLINE | MASKED | VECTOR);
    wrmsr(TSC_DEADLINE, rdtsc() + 100);
    for (uint64_t start = rdtsc(); rdtsc() - start < 0x100000;)
        sti_nop_cli();
    check_same(rdmsr(TSC_DEADLINE), 0, "a masked deadline passes");
    apic_set(LVT, DEADLINE | VECTOR);
    sti_nop_cli();
    check_same(count_of(VECTOR), come, "and is lost");
    apic_set(LVT, MASKED);
}

static void adjust(void)
{
    const uint64_t far = 100000000000ul;
    if (!(cpuid(7, 0).ebx & 2)) {
        skip("TSC_ADJUST", "the CPU has none");
        return;
    }
    check_same(rdmsr(TSC_ADJUST), 0, "TSC_ADJUST at the start");
    uint64_t before = rdtsc();
    wrmsr(TSC_ADJUST, far);
    uint64_t after = rdtsc();
    check_same(rdmsr(TSC_ADJUST), far, "TSC_ADJUST");
    check(after - before >= far, "the TSC moves by it");
    wrmsr(TSC_ADJUST, 0);
    before = rdtsc();
    wrmsr(TSC, far);
    after = rdtsc();
    check(after >= far, "a write of the TSC");
    check(before <= far - rdmsr(TSC_ADJUST), "moves TSC_ADJUST");
    wrmsr(TSC_ADJUST, 0);
    check(rdtsc() >= before, "the TSC is back");
}

void check_timer(void)
{
    apic_on();
    one_shot();
    mode_changes();
    periodic();
    slow_handler();
    deadline();
    adjust();
    apic_on();
}
