// SPDX-License-Identifier: MIT
#include "vmm-user/devices/lapic.h"
#include "vmm-user/devices/lapic_parts.h"

// ---- interrupts in and out of IRR and ISR

static uint32_t *irr_word(struct lapic *l, unsigned n)
{
    return &REG(l, LAPIC_IRR + 16 * n);
}

void lapic_error(struct lapic *l, uint32_t error)
{
    uint32_t lvt = REG(l, LAPIC_LVT_ERROR);
    __atomic_fetch_or(&l->esr, error, __ATOMIC_RELAXED);
    if (!(lvt & LAPIC_LVT_MASKED) && (lvt & 0xff) > 15)
        lapic_accept(l, (uint8_t)lvt, false);
}

bool lapic_accept(struct lapic *l, uint8_t vector, bool level)
{
    if (!lapic_enabled(l) || !(REG(l, LAPIC_SVR) & LAPIC_SVR_ENABLE))
        return false;
    if (vector < 16) {
        lapic_error(l, LAPIC_ESR_RECEIVE_VECTOR);
        return false;
    }
    unsigned n = vector >> 5;
    uint32_t bit = 1u << (vector & 31), *tmr = &REG(l, LAPIC_TMR + 16 * n);
    bool was_level = __atomic_load_n(tmr, __ATOMIC_RELAXED) & bit;
    if (level && !was_level)
        __atomic_fetch_or(tmr, bit, __ATOMIC_RELAXED);
    else if (!level && was_level)
        __atomic_fetch_and(tmr, ~bit, __ATOMIC_RELAXED);
    if (__atomic_fetch_or(irr_word(l, n), bit, __ATOMIC_ACQ_REL) & bit)
        return true;
    __atomic_fetch_or(&l->irr_words, 1u << n, __ATOMIC_ACQ_REL);
    l->host.signal(l->host.ctx, LAPIC_SIGNAL_WAKE, vector);
    return true;
}

// Word n of IRR seems empty: its summary bit goes, unless a request came meanwhile.
static void irr_word_empty(struct lapic *l, unsigned n)
{
    __atomic_fetch_and(&l->irr_words, ~(1u << n), __ATOMIC_ACQ_REL);
    if (__atomic_load_n(irr_word(l, n), __ATOMIC_ACQUIRE))
        __atomic_fetch_or(&l->irr_words, 1u << n, __ATOMIC_ACQ_REL);
}

int lapic_pending_slow(struct lapic *l)
{
    uint32_t words;
    while ((words = __atomic_load_n(&l->irr_words, __ATOMIC_ACQUIRE))) {
        unsigned n = 31 - (unsigned)__builtin_clz(words);
        uint32_t irr = __atomic_load_n(irr_word(l, n), __ATOMIC_ACQUIRE);
        if (!irr) {
            irr_word_empty(l, n);
            continue;
        }
        int vector = (int)(n * 32 + 31 - (unsigned)__builtin_clz(irr)), threshold = lapic_in_service(l) >> 4;
        int tpr = (int)(REG(l, LAPIC_TPR) >> 4 & 15);
        if (tpr > threshold)
            threshold = tpr;
        return vector >> 4 > threshold ? vector : -1;
    }
    return -1;
}

void lapic_ack(struct lapic *l, uint8_t vector)
{
    unsigned n = vector >> 5;
    uint32_t bit = 1u << (vector & 31);
    if (!(__atomic_and_fetch(irr_word(l, n), ~bit, __ATOMIC_ACQ_REL)))
        irr_word_empty(l, n);
    REG(l, LAPIC_ISR + 16 * n) |= bit;
    l->isr_words |= 1u << n;
}

void lapic_end_of_interrupt(struct lapic *l)
{
    int vector = lapic_in_service(l);
    if (vector < 0)
        return;
    unsigned n = (unsigned)vector >> 5;
    uint32_t bit = 1u << (vector & 31);
    if (!(REG(l, LAPIC_ISR + 16 * n) &= ~bit))
        l->isr_words &= ~(1u << n);
    if (REG(l, LAPIC_TMR + 16 * n) & bit)
        l->host.eoi(l->host.ctx, (uint8_t)vector);
}

bool lapic_receive(struct lapic *l, const struct apic_message *m)
{
    static const uint8_t signals[8] = {
        [LAPIC_MODE_SMI] = LAPIC_SIGNAL_SMI,     [LAPIC_MODE_NMI] = LAPIC_SIGNAL_NMI,
        [LAPIC_MODE_INIT] = LAPIC_SIGNAL_INIT,   [LAPIC_MODE_SIPI] = LAPIC_SIGNAL_SIPI,
        [LAPIC_MODE_EXTINT] = LAPIC_SIGNAL_WAKE,
    };
    if (!lapic_enabled(l))
        return false;
    if (m->mode == LAPIC_MODE_FIXED || m->mode == LAPIC_MODE_LOWEST)
        return lapic_accept(l, m->vector, m->level);
    if (m->mode == 3 || m->mode > LAPIC_MODE_EXTINT)
        return false;
    l->host.signal(l->host.ctx, signals[m->mode], m->vector);
    return true;
}

void lapic_set_lint(struct lapic *l, unsigned pin, bool level)
{
    bool rose = level && !l->lint[pin & 1];
    l->lint[pin & 1] = level;
    if (!rose)
        return;
    uint32_t lvt = REG(l, pin & 1 ? LAPIC_LVT_LINT1 : LAPIC_LVT_LINT0);
    if (lvt & LAPIC_LVT_MASKED)
        return;
    struct apic_message m = {
        .mode = (lvt & LAPIC_MODE_MASK) >> LAPIC_MODE_SHIFT,
        .vector = (uint8_t)lvt,
        .level = lvt & LAPIC_LVT_LEVEL,
    };
    lapic_receive(l, &m);
}

bool lapic_extint_open(const struct lapic *l)
{
    if (!lapic_enabled(l))
        return l->bsp;
    return (REG(l, LAPIC_LVT_LINT0) & (LAPIC_LVT_MASKED | LAPIC_MODE_MASK)) == LAPIC_MODE_EXTINT << LAPIC_MODE_SHIFT;
}

bool lapic_nmi_open(const struct lapic *l)
{
    const uint32_t bits = LAPIC_LVT_MASKED | LAPIC_MODE_MASK, nmi = LAPIC_MODE_NMI << LAPIC_MODE_SHIFT;
    return lapic_enabled(l) && (REG(l, LAPIC_LVT_LINT0) & bits) == nmi;
}

// ---- destinations

bool lapic_is_destination(const struct lapic *l, uint32_t dest, bool logical)
{
    if (dest == UINT32_MAX)
        return true;
    if (!logical)
        return dest == l->id;
    uint32_t ldr = REG(l, LAPIC_LDR);
    if (lapic_x2apic(l))
        return ldr >> 16 == dest >> 16 && ldr & dest & 0xffff;
    ldr >>= 24;
    if (REG(l, LAPIC_DFR) >> 28 == 15)
        return ldr & dest & 0xff;
    return ldr >> 4 == (dest >> 4 & 15) && ldr & dest & 15;
}

unsigned lapic_priority(const struct lapic *l)
{
    return REG(l, LAPIC_TPR) >> 4 & 15;
}

void lapic_send(struct lapic *l)
{
    uint32_t low = REG(l, LAPIC_ICR);
    struct apic_message m = {
        .dest = lapic_x2apic(l) ? REG(l, LAPIC_ICR + 4) : REG(l, LAPIC_ICR_HIGH) >> 24,
        .logical = low & LAPIC_ICR_LOGICAL,
        .mode = (low & LAPIC_MODE_MASK) >> LAPIC_MODE_SHIFT,
        .vector = (uint8_t)low,
    };
    if (m.mode == LAPIC_MODE_EXTINT ||
        (m.mode == LAPIC_MODE_INIT && (low & LAPIC_ICR_LEVEL) && !(low & LAPIC_ICR_ASSERT)))
        return; // reserved; INIT level de-assert is for the APICs of the 486
    if (m.mode <= LAPIC_MODE_LOWEST && m.vector < 16) {
        lapic_error(l, LAPIC_ESR_SEND_VECTOR);
        return;
    }
    apic_bus_deliver(l->bus, &m, (low & LAPIC_ICR_SHORTHAND) >> LAPIC_ICR_SHORTHAND_SHIFT, l);
}

// ---- life

void lapic_init_reset(struct lapic *l)
{
    for (unsigned i = 0; i < LAPIC_REGS * 4; i++)
        __atomic_store_n(&l->regs[i], 0, __ATOMIC_RELAXED);
    __atomic_store_n(&l->irr_words, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&l->esr, 0, __ATOMIC_RELAXED);
    l->isr_words = 0;
    lapic_id_written(l);
    REG(l, LAPIC_VERSION) = LAPIC_VERSION_VALUE;
    REG(l, LAPIC_DFR) = LAPIC_DFR_FLAT;
    REG(l, LAPIC_SVR) = 0xff;
    lapic_svr_written(l);
    lapic_timer_reset(l);
}

// Power-on. The boot CPU's LINT0 is left open for the 8259, as firmware does, so that a guest may do without the APIC.
static void lapic_reset(struct device *dev)
{
    struct lapic *l = (struct lapic *)dev;
    l->base = LAPIC_BASE | LAPIC_BASE_ENABLE | (l->bsp ? LAPIC_BASE_BSP : 0);
    l->tsc_offset = 0;
    lapic_init_reset(l);
    if (l->bsp)
        REG(l, LAPIC_LVT_LINT0) = LAPIC_MODE_EXTINT << LAPIC_MODE_SHIFT;
}

static uint64_t lapic_read(struct device *dev, enum io_space space, uint64_t addr, unsigned size)
{
    (void)space;
    return lapic_mmio_read((struct lapic *)dev, addr & (LAPIC_SIZE - 1), size);
}

static void lapic_write(struct device *dev, enum io_space space, uint64_t addr, unsigned size, uint64_t value)
{
    (void)space;
    lapic_mmio_write((struct lapic *)dev, addr & (LAPIC_SIZE - 1), size, (uint32_t)value);
}

static void lapic_state(struct device *dev, struct state *s)
{
    struct lapic *l = (struct lapic *)dev;
    for (unsigned n = 0; n < LAPIC_REGS; n++)
        STATE(s, REG(l, 16 * n));
    STATE(s, REG(l, LAPIC_ICR + 4));
    STATE(s, l->base);
    STATE(s, l->esr);
    STATE(s, l->timer_mode);
    STATE(s, l->deadline);
    STATE(s, l->timer_start);
    STATE(s, l->tsc_offset);
    STATE(s, l->timer_running);
    STATE(s, l->lint[0]);
    STATE(s, l->lint[1]);
}

static bool lapic_loaded(struct device *dev)
{
    struct lapic *l = (struct lapic *)dev;
    bool x2 = l->base & LAPIC_BASE_X2APIC;
    if (l->base & LAPIC_BASE_RESERVED || (x2 && !lapic_enabled(l)) ||
        l->timer_mode != (REG(l, LAPIC_LVT_TIMER) & LAPIC_LVT_TIMER_MODE) || l->timer_mode == LAPIC_LVT_TIMER_MODE)
        return false;
    lapic_registers_trim(l);
    l->isr_words = l->irr_words = 0;
    for (unsigned n = 0; n < 8; n++) {
        l->isr_words |= (REG(l, LAPIC_ISR + 16 * n) != 0) << n;
        l->irr_words |= (REG(l, LAPIC_IRR + 16 * n) != 0) << n;
    }
    l->timer_divide = REG(l, LAPIC_TIMER_DIVIDE);
    l->timer.deadline = TIMER_NEVER;
    lapic_timer_arm(l, dev->clock->now(dev->clock));
    return true;
}

static const struct device_ops lapic_ops = {
    .name = "lapic",
    .read = lapic_read,
    .write = lapic_write,
    .reset = lapic_reset,
    .version = 1,
    .state = lapic_state,
    .loaded = lapic_loaded,
};

void lapic_init(struct lapic *l, struct clock *clock, uint32_t id, uint32_t *regs, struct apic_bus *bus,
                struct lapic_host host)
{
    *l = (struct lapic){.regs = regs, .bus = bus, .host = host, .id = id, .bsp = id == 0};
    device_init(&l->dev, &lapic_ops, clock);
    device_add_range(&l->dev, IO_MMIO, LAPIC_BASE, LAPIC_SIZE);
    lapic_timer_init(l);
    lapic_reset(&l->dev);
}
