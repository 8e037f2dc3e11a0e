// SPDX-License-Identifier: MIT
// The local APIC, by MSRs (x2APIC) where the CPU has them, else by its page; its timer in TSC-deadline mode or
// periodic.
#include "pc/lapic.h"
#include "ukernel/platform.h"
#include "x86/cpuid.h"
#include "x86/msr.h"
#include "x86/regs.h"

#define DIVIDE_BY_1    0xb
#define CALIBRATE_US   10000
#define DEADLINE_TRIAL (1ul << 22) // TSC ticks, less than any time to a reset
#define RATIO_SHIFT    32
#define COUNT_MIN      1000    // of a period: shorter ones come faster than they are taken
#define SEND_LIMIT     1000000 // polls of the delivery status before an IPI is given up

static bool x2apic, deadline_mode;
static volatile uint32_t *page;
static uint64_t timer_ratio; // timer ticks per TSC tick, 32.32

static uint32_t reg_read(unsigned offset)
{
    return x2apic ? (uint32_t)rdmsr(IA32_X2APIC_BASE + offset / LAPIC_STRIDE) : page[offset / 4];
}

static void reg_write(unsigned offset, uint32_t value)
{
    if (x2apic)
        wrmsr(IA32_X2APIC_BASE + offset / LAPIC_STRIDE, value);
    else
        page[offset / 4] = value;
}

uint32_t lapic_id(void)
{
    return x2apic ? reg_read(LAPIC_ID) : reg_read(LAPIC_ID) >> 24;
}

void lapic_eoi(void)
{
    reg_write(LAPIC_EOI, 0);
}

static void icr_write(uint32_t id, uint32_t command)
{
    if (x2apic) {
        __asm__ volatile("mfence; lfence" ::: "memory"); // the WRMSR does not wait for earlier stores
        wrmsr(IA32_X2APIC_BASE + LAPIC_ICR / LAPIC_STRIDE, (uint64_t)id << 32 | command);
        return;
    }
    for (unsigned i = 0; i < SEND_LIMIT && page[LAPIC_ICR / 4] & LAPIC_ICR_PENDING; i++)
        __builtin_ia32_pause();
    page[LAPIC_ICR_HIGH / 4] = id << 24;
    page[LAPIC_ICR / 4] = command;
}

void lapic_ipi(unsigned cpu, unsigned vector)
{
    icr_write(cpus[cpu]->lapic_id, LAPIC_ICR_ASSERT | vector);
}

void lapic_start_ipi(uint32_t id, uint32_t mode, unsigned vector)
{
    icr_write(id, LAPIC_ICR_ASSERT | mode << LAPIC_MODE_SHIFT | vector);
}

void lapic_nmi_others(void)
{
    if (x2apic || page)
        icr_write(0, LAPIC_ICR_ASSERT | LAPIC_MODE_NMI << LAPIC_MODE_SHIFT |
                         LAPIC_SHORTHAND_OTHERS << LAPIC_ICR_SHORTHAND_SHIFT);
}

// Where it counts, it repeats: QEMU 7.2 notes requests without a lock, so that one which comes in the moment of a VMRUN
// with V_IRQ or of a #VMEXIT can be lost, be it of the timer or of another CPU. The next one brings both.
void lapic_timer_set(uint64_t deadline)
{
    if (deadline_mode) {
        wrmsr(IA32_TSC_DEADLINE, deadline == UINT64_MAX ? 0 : deadline ? deadline : 1);
        return;
    }
    uint64_t now = rdtsc(), count = 0;
    if (deadline != UINT64_MAX) { // rounded up: never early, but for what the counter cannot hold
        unsigned __int128 ticks = deadline > now ? (unsigned __int128)(deadline - now) * timer_ratio >> RATIO_SHIFT : 0;
        count = ticks >= UINT32_MAX ? UINT32_MAX : ticks < COUNT_MIN ? COUNT_MIN : (uint64_t)ticks + 1;
    }
    reg_write(LAPIC_TIMER_INITIAL, (uint32_t)count);
}

static void timer_calibrate(void)
{
    reg_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
    reg_write(LAPIC_LVT_TIMER, LAPIC_LVT_MASKED | VECTOR_TIMER);
    uint64_t begin = rdtsc();
    reg_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
    delay_us(CALIBRATE_US);
    uint32_t left = reg_read(LAPIC_TIMER_CURRENT);
    uint64_t spent = rdtsc() - begin;
    reg_write(LAPIC_TIMER_INITIAL, 0);
    timer_ratio = ((uint64_t)(UINT32_MAX - left) << RATIO_SHIFT) / spent;
    if (!timer_ratio)
        panic("lapic: the timer does not count");
}

// Bochs 2.7 counts deadlines from its power-on, while the TSC begins again at a reset: from then on they come at once.
static bool deadlines_hold(void)
{
    reg_write(LAPIC_SVR, LAPIC_SVR_ENABLE | VECTOR_SPURIOUS);
    reg_write(LAPIC_LVT_TIMER, VECTOR_TIMER | LAPIC_LVT_TIMER_DEADLINE);
    __asm__ volatile("mfence" ::: "memory");
    uint64_t deadline = rdtsc() + DEADLINE_TRIAL;
    wrmsr(IA32_TSC_DEADLINE, deadline);
    delay_us(1);
    bool early = reg_read(LAPIC_IRR + VECTOR_TIMER / 32 * LAPIC_STRIDE) >> VECTOR_TIMER % 32 & 1 && rdtsc() < deadline;
    wrmsr(IA32_TSC_DEADLINE, 0);
    return !early;
}

static void lapic_enable(void)
{
    uint64_t base = rdmsr(IA32_APIC_BASE);
    if (!(base & APIC_BASE_ENABLE) || (x2apic && !(base & APIC_BASE_X2APIC)))
        wrmsr(IA32_APIC_BASE, base | APIC_BASE_ENABLE | (x2apic ? APIC_BASE_X2APIC : 0));
}

void lapic_init(void)
{
    uint32_t features = cpuid(1, 0).ecx;
    uint64_t base = rdmsr(IA32_APIC_BASE) & APIC_BASE_ADDR;
    x2apic = features & CPUID_1_ECX_X2APIC;
    phys_keep_device(base, PAGE_SIZE);
    if (!x2apic)
        page = kernel_map_device(base, LAPIC_SIZE);
    lapic_enable();
    deadline_mode = features & CPUID_1_ECX_TSC_DEADLINE && deadlines_hold();
    if (!deadline_mode)
        timer_calibrate();
    klog("lapic: %s mode, timer %s", x2apic ? "x2APIC" : "xAPIC",
         deadline_mode ? "by TSC deadline" : "calibrated against the TSC");
}

void lapic_init_cpu(void)
{
    lapic_enable();
    reg_write(LAPIC_SVR, LAPIC_SVR_ENABLE | VECTOR_SPURIOUS);
    reg_write(LAPIC_TPR, 0);
    reg_write(LAPIC_LVT_LINT0, LAPIC_LVT_MASKED);
    reg_write(LAPIC_LVT_LINT1, LAPIC_MODE_NMI << LAPIC_MODE_SHIFT);
    reg_write(LAPIC_LVT_ERROR, LAPIC_LVT_MASKED);
    reg_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
    reg_write(LAPIC_LVT_TIMER, VECTOR_TIMER | (deadline_mode ? LAPIC_LVT_TIMER_DEADLINE : LAPIC_LVT_TIMER_PERIODIC));
    __asm__ volatile("mfence" ::: "memory"); // SDM 3A 11.5.4.1: the mode before the first deadline
    lapic_timer_set(UINT64_MAX);
    lapic_eoi();
}
