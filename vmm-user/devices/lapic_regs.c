// SPDX-License-Identifier: MIT
// The register page as software sees it, by memory accesses (xAPIC) and by MSRs (x2APIC): SDM 3A, 11.4.1 and 11.12.1.
#include "vmm-user/devices/lapic_parts.h"

#define BIT(offset)   (1ull << ((offset) / 16))
#define BITS8(offset) (0xffull << ((offset) / 16))

void lapic_svr_written(struct lapic *l)
{
    static const uint16_t lvts[] = {LAPIC_LVT_THERMAL, LAPIC_LVT_PERF,  LAPIC_LVT_LINT0,
                                    LAPIC_LVT_LINT1,   LAPIC_LVT_ERROR, LAPIC_LVT_TIMER};
    if (REG(l, LAPIC_SVR) & LAPIC_SVR_ENABLE)
        return;
    for (unsigned i = 0; i < sizeof(lvts) / sizeof(*lvts); i++)
        REG(l, lvts[i]) |= LAPIC_LVT_MASKED;
    lapic_timer_lvt_written(l);
}

static void lvt_written(struct lapic *l)
{
    lapic_svr_written(l); // masks it again while the APIC is disabled
}

static void lvt_timer_written(struct lapic *l)
{
    if ((REG(l, LAPIC_LVT_TIMER) & LAPIC_LVT_TIMER_MODE) == LAPIC_LVT_TIMER_MODE)
        REG(l, LAPIC_LVT_TIMER) &= ~LAPIC_LVT_TIMER_MODE; // reserved
    lapic_svr_written(l);
    lapic_timer_lvt_written(l);
}

static void eoi_written(struct lapic *l)
{
    REG(l, LAPIC_EOI) = 0;
    lapic_end_of_interrupt(l);
}

static void esr_written(struct lapic *l)
{
    REG(l, LAPIC_ESR) = __atomic_exchange_n(&l->esr, 0, __ATOMIC_RELAXED);
}

static void dfr_written(struct lapic *l)
{
    REG(l, LAPIC_DFR) |= LAPIC_DFR_CLUSTER;
}

// The ID is not writable; x2APIC derives the logical ID from it.
void lapic_id_written(struct lapic *l)
{
    REG(l, LAPIC_ID) = lapic_x2apic(l) ? l->id : l->id << 24;
    if (lapic_x2apic(l))
        REG(l, LAPIC_LDR) = l->id >> 4 << 16 | 1u << (l->id & 15);
}

static void self_ipi_written(struct lapic *l)
{
    lapic_accept(l, (uint8_t)REG(l, LAPIC_SELF_IPI), false);
    REG(l, LAPIC_SELF_IPI) = 0;
}

// Bits that software can write, and what a write does. Registers that are not here are read-only or absent.
static const struct {
    uint32_t bits;
    void (*written)(struct lapic *l);
} writable[LAPIC_REGS] = {
    [LAPIC_ID / 16] = {0xff000000, lapic_id_written},
    [LAPIC_TPR / 16] = {0xff, 0},
    [LAPIC_EOI / 16] = {0, eoi_written},
    [LAPIC_LDR / 16] = {0xff000000, 0},
    [LAPIC_DFR / 16] = {0xf0000000, dfr_written},
    [LAPIC_SVR / 16] = {0x3ff, lapic_svr_written},
    [LAPIC_ESR / 16] = {0, esr_written},
    [LAPIC_ICR / 16] = {0xccfff & ~LAPIC_ICR_PENDING, lapic_send},
    [LAPIC_ICR_HIGH / 16] = {0xff000000, 0},
    [LAPIC_LVT_TIMER / 16] = {0x700ff, lvt_timer_written},
    [LAPIC_LVT_THERMAL / 16] = {0x107ff, lvt_written},
    [LAPIC_LVT_PERF / 16] = {0x107ff, lvt_written},
    [LAPIC_LVT_LINT0 / 16] = {0x1a7ff, lvt_written},
    [LAPIC_LVT_LINT1 / 16] = {0x1a7ff, lvt_written},
    [LAPIC_LVT_ERROR / 16] = {0x100ff, lvt_written},
    [LAPIC_TIMER_INITIAL / 16] = {0xffffffff, lapic_timer_initial_written},
    [LAPIC_TIMER_DIVIDE / 16] = {0xb, lapic_timer_divide_written},
    [LAPIC_SELF_IPI / 16] = {0xff, self_ipi_written},
};

#define LAPIC_READABLE                                                                                                 \
    (BIT(LAPIC_ID) | BIT(LAPIC_VERSION) | BIT(LAPIC_TPR) | BIT(LAPIC_PPR) | BIT(LAPIC_LDR) | BIT(LAPIC_SVR) |          \
     BITS8(LAPIC_ISR) | BITS8(LAPIC_TMR) | BITS8(LAPIC_IRR) | BIT(LAPIC_ESR) | BIT(LAPIC_ICR) | BIT(LAPIC_LVT_TIMER) | \
     BIT(LAPIC_LVT_THERMAL) | BIT(LAPIC_LVT_PERF) | BIT(LAPIC_LVT_LINT0) | BIT(LAPIC_LVT_LINT1) |                      \
     BIT(LAPIC_LVT_ERROR) | BIT(LAPIC_TIMER_INITIAL) | BIT(LAPIC_TIMER_CURRENT) | BIT(LAPIC_TIMER_DIVIDE))
#define XAPIC_READABLE                                                                                                 \
    (LAPIC_READABLE | BIT(LAPIC_APR) | BIT(LAPIC_EOI) | BIT(LAPIC_RRD) | BIT(LAPIC_DFR) | BIT(LAPIC_ICR_HIGH))
#define LAPIC_WRITABLE                                                                                                 \
    (BIT(LAPIC_TPR) | BIT(LAPIC_EOI) | BIT(LAPIC_SVR) | BIT(LAPIC_ESR) | BIT(LAPIC_ICR) | BIT(LAPIC_LVT_TIMER) |       \
     BIT(LAPIC_LVT_THERMAL) | BIT(LAPIC_LVT_PERF) | BIT(LAPIC_LVT_LINT0) | BIT(LAPIC_LVT_LINT1) |                      \
     BIT(LAPIC_LVT_ERROR) | BIT(LAPIC_TIMER_INITIAL) | BIT(LAPIC_TIMER_DIVIDE))
#define XAPIC_WRITABLE  (LAPIC_WRITABLE | BIT(LAPIC_ID) | BIT(LAPIC_LDR) | BIT(LAPIC_DFR) | BIT(LAPIC_ICR_HIGH))
#define X2APIC_WRITABLE (LAPIC_WRITABLE | BIT(LAPIC_SELF_IPI))

static uint32_t lapic_ppr(const struct lapic *l)
{
    int isr = lapic_in_service(l);
    uint32_t tpr = REG(l, LAPIC_TPR) & 0xff;
    return isr < 0 || tpr >> 4 >= (uint32_t)isr >> 4 ? tpr : (uint32_t)isr & 0xf0;
}

static uint32_t lapic_read_register(struct lapic *l, uint32_t offset)
{
    if (offset == LAPIC_TIMER_CURRENT)
        REG(l, offset) = lapic_timer_current(l);
    else if (offset == LAPIC_PPR)
        REG(l, offset) = lapic_ppr(l);
    return __atomic_load_n(&REG(l, offset), __ATOMIC_RELAXED);
}

void lapic_write_done(struct lapic *l, uint32_t offset)
{
    unsigned n = offset / 16 % LAPIC_REGS;
    REG(l, 16 * n) &= writable[n].bits;
    if (writable[n].written)
        writable[n].written(l);
}

uint32_t lapic_mmio_read(struct lapic *l, uint32_t offset, unsigned size)
{
    unsigned n = offset / 16, shift = offset % 16 * 8;
    if (!lapic_enabled(l) || lapic_x2apic(l))
        return UINT32_MAX;
    if (n >= LAPIC_REGS || !(XAPIC_READABLE >> n & 1)) {
        lapic_error(l, LAPIC_ESR_REGISTER);
        return 0;
    }
    uint32_t value = shift < 32 ? lapic_read_register(l, n * 16) >> shift : 0;
    return size < 4 ? value & ((1u << 8 * size) - 1) : value;
}

void lapic_mmio_write(struct lapic *l, uint32_t offset, unsigned size, uint32_t value)
{
    unsigned n = offset / 16;
    if (!lapic_enabled(l) || lapic_x2apic(l) || offset % 16 || size != 4)
        return;
    if (n >= LAPIC_REGS || !(XAPIC_WRITABLE >> n & 1)) {
        lapic_error(l, LAPIC_ESR_REGISTER);
        return;
    }
    REG(l, 16 * n) = value;
    lapic_write_done(l, offset);
}

// ---- MSRs

static bool base_msr_write(struct lapic *l, uint64_t value)
{
    bool enable = value & LAPIC_BASE_ENABLE, x2 = value & LAPIC_BASE_X2APIC;
    if (value & LAPIC_BASE_RESERVED || (x2 && !enable) || (x2 && !lapic_enabled(l)) ||
        (lapic_x2apic(l) && enable && !x2)) // SDM 3A, figure 11-25
        return false;
    uint64_t changed = value ^ l->base;
    l->base = value;
    if (changed & LAPIC_BASE_ENABLE)
        lapic_init_reset(l);
    if (changed & LAPIC_BASE_X2APIC && x2) {
        lapic_id_written(l);
        REG(l, LAPIC_ICR + 4) = REG(l, LAPIC_ICR_HIGH) = 0;
    }
    if (changed)
        l->host.signal(l->host.ctx, LAPIC_SIGNAL_ENABLED, 0);
    return true;
}

static bool x2apic_read(struct lapic *l, unsigned n, uint64_t *value)
{
    if (!lapic_x2apic(l) || n >= LAPIC_REGS || !(LAPIC_READABLE >> n & 1))
        return false;
    *value = lapic_read_register(l, n * 16);
    if (n == LAPIC_ICR / 16)
        *value |= (uint64_t)REG(l, LAPIC_ICR + 4) << 32;
    return true;
}

static bool x2apic_write(struct lapic *l, unsigned n, uint64_t value)
{
    if (!lapic_x2apic(l) || n >= LAPIC_REGS || !(X2APIC_WRITABLE >> n & 1))
        return false;
    uint32_t bits = writable[n].bits;
    bool icr = n == LAPIC_ICR / 16, lvt = n >= LAPIC_LVT_TIMER / 16 && n <= LAPIC_LVT_ERROR / 16;
    if (lvt)
        bits |= LAPIC_LVT_PENDING | LAPIC_LVT_REMOTE_IRR; // read-only, not reserved
    if ((uint32_t)value & ~bits || (value >> 32 && !icr))
        return false;
    if (icr)
        REG(l, LAPIC_ICR + 4) = (uint32_t)(value >> 32);
    REG(l, 16 * n) = (uint32_t)value;
    lapic_write_done(l, n * 16);
    return true;
}

bool lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *value)
{
    if (msr - LAPIC_X2APIC_MSR <= LAPIC_X2APIC_MSR_LAST - LAPIC_X2APIC_MSR)
        return x2apic_read(l, msr - LAPIC_X2APIC_MSR, value);
    if (msr == LAPIC_BASE_MSR)
        *value = l->base;
    else if (msr == LAPIC_DEADLINE_MSR)
        *value = lapic_timer_deadline(l);
    else
        return false;
    return true;
}

bool lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t value)
{
    if (msr == LAPIC_DEADLINE_MSR) {
        lapic_timer_set_deadline(l, value);
        return true;
    }
    if (msr - LAPIC_X2APIC_MSR <= LAPIC_X2APIC_MSR_LAST - LAPIC_X2APIC_MSR)
        return x2apic_write(l, msr - LAPIC_X2APIC_MSR, value);
    return msr == LAPIC_BASE_MSR && base_msr_write(l, value);
}

void lapic_set_tsc_offset(struct lapic *l, uint64_t offset)
{
    l->tsc_offset = offset;
    lapic_timer_arm(l, l->dev.clock->now(l->dev.clock));
}

void lapic_registers_trim(struct lapic *l)
{
    for (unsigned n = 0; n < LAPIC_REGS; n++)
        if (writable[n].bits && n != LAPIC_LDR / 16 && n != LAPIC_DFR / 16)
            REG(l, 16 * n) &= writable[n].bits;
    REG(l, LAPIC_ISR) &= ~0xffffu; // there are no vectors below 16
    REG(l, LAPIC_IRR) &= ~0xffffu;
    REG(l, LAPIC_VERSION) = LAPIC_VERSION_VALUE;
    lapic_id_written(l);
}
