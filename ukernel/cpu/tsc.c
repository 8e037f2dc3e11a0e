// SPDX-License-Identifier: MIT
// The clock: how fast the TSC runs, measured against the ACPI PM timer, else the HPET, else the PIT.
#include "pc/acpi_pm.h"
#include "pc/hpet.h"
#include "pc/pit8254.h"
#include "ukernel/platform.h"
#include "x86/cpuid.h"
#include "x86/regs.h"

#define MEASURE_HZ  32 // one measurement takes 1 / MEASURE_HZ seconds
#define TRIES       3
#define PM_MASK_24  0xffffffu
#define LIMIT_READS (1u << 20) // of a clock that seems to stand still

uint64_t tsc_hz;

struct reference {
    const char *name;
    uint64_t hz;
    uint32_t mask;
    uint32_t (*read)(void);
};

static volatile uint32_t *hpet_counter;

static uint32_t pm_read(void)
{
    return inl(acpi.pm_timer);
}

static uint32_t hpet_read(void)
{
    return *hpet_counter;
}

// Counter 2 of the PIT, counting down; the speaker stays off.
static uint32_t pit_read(void)
{
    outb(PIT_CONTROL, 2 << 6 | PIT_LATCH << 4);
    uint32_t low = inb(PIT_COUNTER2);
    return ~(low | (uint32_t)inb(PIT_COUNTER2) << 8);
}

static void pit_start(void)
{
    outb(PIT_PORT61, (inb(PIT_PORT61) & ~PORT61_SPEAKER) | PORT61_GATE2);
    outb(PIT_CONTROL, 2 << 6 | PIT_ACCESS_BOTH << 4 | 2 << 1);
    outb(PIT_COUNTER2, 0);
    outb(PIT_COUNTER2, 0);
}

static struct reference reference_choose(void)
{
    if (acpi.pm_timer)
        return (struct reference){"ACPI PM timer", ACPI_PM_TMR_HZ, PM_MASK_24, pm_read};
    if (acpi.hpet) {
        volatile uint32_t *hpet = kernel_map_device(acpi.hpet, HPET_SIZE);
        uint32_t period_fs = hpet[HPET_CAP / 4 + 1];
        hpet[HPET_CONFIG / 4] |= HPET_CONFIG_ENABLE;
        hpet_counter = hpet + HPET_COUNTER / 4;
        if (period_fs > 0 && period_fs <= 100000000)
            return (struct reference){"HPET", 1000000000000000ul / period_fs, UINT32_MAX, hpet_read};
    }
    pit_start();
    return (struct reference){"PIT", PIT_HZ, 0xffff, pit_read};
}

// Wait for the reference's next tick; the TSC right after it. 0 = it does not tick.
static uint64_t tick_edge(const struct reference *ref, uint32_t *at)
{
    uint32_t start = ref->read();
    for (unsigned i = 0; i < LIMIT_READS; i++) {
        *at = ref->read();
        uint64_t now = rdtsc();
        if (*at != start)
            return now;
    }
    return 0;
}

static uint64_t measure(const struct reference *ref)
{
    uint32_t first, last, ticks;
    uint64_t begin = tick_edge(ref, &first), end;
    do {
        end = tick_edge(ref, &last);
        ticks = (last - first) & ref->mask;
        if (!begin || !end)
            return 0;
    } while (ticks < ref->hz / MEASURE_HZ);
    return (end - begin) * ref->hz / ticks; // under 2^54: at most 2^28 TSC ticks by 2^27 Hz
}

// A measurement that something disturbed (SMI, the host under an emulator) is off at one end: take the middle one.
static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

static uint64_t cpuid_tsc_hz(void)
{
    if (!cpuid_has(0x15))
        return 0;
    struct cpuid c = cpuid(0x15, 0);
    return c.eax && c.ebx && c.ecx ? (uint64_t)c.ecx * c.ebx / c.eax : 0;
}

void tsc_init(void)
{
    struct reference ref = reference_choose();
    uint64_t sample[TRIES];
    for (unsigned i = 0; i < TRIES; i++)
        if (!(sample[i] = measure(&ref)))
            panic("tsc: the %s does not tick", ref.name);
    uint64_t measured = median(sample[0], sample[1], sample[2]), told = cpuid_tsc_hz();
    uint64_t difference = told > measured ? told - measured : measured - told;
    bool agree = told && difference < measured / 100;
    tsc_hz = agree ? told : measured;
    klog("tsc: %lu.%03lu MHz, measured against the %s%s", tsc_hz / 1000000, tsc_hz / 1000 % 1000, ref.name,
         agree  ? ", as CPUID says"
         : told ? "; CPUID says otherwise and is ignored"
                : "");
}

void delay_us(uint64_t us)
{
    uint64_t end = rdtsc() + (tsc_hz * us) / 1000000;
    while (rdtsc() < end)
        __builtin_ia32_pause();
}
