// SPDX-License-Identifier: MIT
#include "vmm-user/devices/ioapic.h"
#include "pc/ioapic.h"
#include "pc/lapic.h"

#define IOAPIC_VERSION (0x20 | (IOAPIC_PINS - 1) << 16)
#define RTE_READ_ONLY  (IOAPIC_RTE_PENDING | IOAPIC_RTE_REMOTE_IRR)
#define RTE_BITS       (0xff00000000000000ull | 0x1ffffull)

// Sends the message of `pin`. Remote IRR holds a level-triggered one back until its EOI.
static void pin_deliver(struct ioapic *io, unsigned pin)
{
    uint64_t *rte = &io->rte[pin];
    bool level = *rte & IOAPIC_RTE_LEVEL;
    struct apic_message m = {
        .dest = (uint32_t)(*rte >> IOAPIC_RTE_DEST_SHIFT),
        .logical = *rte & IOAPIC_RTE_LOGICAL,
        .level = level,
        .mode = (*rte & IOAPIC_RTE_MODE) >> IOAPIC_RTE_MODE_SHIFT,
        .vector = (uint8_t)*rte,
    };
    bool taken = io->host.deliver(io->host.ctx, &m);
    if (taken && level && m.mode <= LAPIC_MODE_LOWEST)
        *rte |= IOAPIC_RTE_REMOTE_IRR;
}

static bool pin_level_due(const struct ioapic *io, unsigned pin)
{
    uint64_t state = io->rte[pin] & (IOAPIC_RTE_MASKED | IOAPIC_RTE_LEVEL | IOAPIC_RTE_REMOTE_IRR);
    return state == IOAPIC_RTE_LEVEL && io->lines >> pin & 1;
}

void ioapic_set_irq(struct ioapic *io, unsigned pin, bool level)
{
    if (pin >= IOAPIC_PINS)
        return;
    uint32_t bit = 1u << pin;
    bool rose = level && !(io->lines & bit);
    io->lines = level ? io->lines | bit : io->lines & ~bit;
    if (!rose)
        return;
    if (pin_level_due(io, pin) || !(io->rte[pin] & (IOAPIC_RTE_MASKED | IOAPIC_RTE_LEVEL)))
        pin_deliver(io, pin);
}

void ioapic_eoi(struct ioapic *io, uint8_t vector)
{
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        if (!(io->rte[pin] & IOAPIC_RTE_REMOTE_IRR) || (uint8_t)io->rte[pin] != vector)
            continue;
        io->rte[pin] &= ~(uint64_t)IOAPIC_RTE_REMOTE_IRR;
        if (pin_level_due(io, pin))
            pin_deliver(io, pin);
    }
}

bool ioapic_nmi_open(const struct ioapic *io)
{
    const uint64_t bits = IOAPIC_RTE_MASKED | IOAPIC_RTE_MODE, nmi = LAPIC_MODE_NMI << IOAPIC_RTE_MODE_SHIFT;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        if ((io->rte[pin] & bits) == nmi)
            return true;
    return false;
}

// An edge that came while the pin was masked is lost; a level is not.
static void rte_write(struct ioapic *io, unsigned pin, uint32_t value, bool high)
{
    uint64_t *rte = &io->rte[pin];
    uint64_t next = high ? (uint32_t)*rte | (uint64_t)value << 32 : (*rte & 0xffffffff00000000ull) | value;
    *rte = (next & RTE_BITS & ~(uint64_t)RTE_READ_ONLY) | (*rte & IOAPIC_RTE_REMOTE_IRR);
    if (!(*rte & IOAPIC_RTE_LEVEL))
        *rte &= ~(uint64_t)IOAPIC_RTE_REMOTE_IRR;
    if (pin_level_due(io, pin))
        pin_deliver(io, pin);
}

static uint32_t register_read(const struct ioapic *io)
{
    unsigned index = io->selected - IOAPIC_REDTBL;
    if (index < 2 * IOAPIC_PINS)
        return (uint32_t)(io->rte[index / 2] >> (index & 1 ? 32 : 0));
    switch (io->selected) {
    case IOAPIC_ID:
    case IOAPIC_ARB:
        return io->id;
    case IOAPIC_VER:
        return IOAPIC_VERSION;
    default:
        return 0;
    }
}

static void register_write(struct ioapic *io, uint32_t value)
{
    unsigned index = io->selected - IOAPIC_REDTBL;
    if (index < 2 * IOAPIC_PINS)
        rte_write(io, index / 2, value, index & 1);
    else if (io->selected == IOAPIC_ID)
        io->id = value & 0x0f000000;
}

static uint64_t ioapic_read(struct device *dev, enum io_space space, uint64_t addr, unsigned size)
{
    (void)space;
    struct ioapic *io = (struct ioapic *)dev;
    uint32_t offset = addr & 0xff, value = 0;
    if ((offset & ~3u) == IOAPIC_IOREGSEL)
        value = io->selected;
    else if ((offset & ~3u) == IOAPIC_IOWIN)
        value = register_read(io);
    value >>= 8 * (offset & 3);
    return size < 4 ? value & ((1u << 8 * size) - 1) : value;
}

static void ioapic_write(struct device *dev, enum io_space space, uint64_t addr, unsigned size, uint64_t value)
{
    (void)space;
    struct ioapic *io = (struct ioapic *)dev;
    uint32_t offset = addr & 0xff;
    if (offset == IOAPIC_IOREGSEL)
        io->selected = value & 0xff;
    else if (offset == IOAPIC_IOWIN && size >= 4)
        register_write(io, (uint32_t)value);
    else if (offset == IOAPIC_EOI)
        ioapic_eoi(io, (uint8_t)value);
}

static void ioapic_reset(struct device *dev)
{
    struct ioapic *io = (struct ioapic *)dev;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        io->rte[pin] = IOAPIC_RTE_MASKED;
    io->selected = 0;
    io->id = 0;
}

static void ioapic_state(struct device *dev, struct state *s)
{
    struct ioapic *io = (struct ioapic *)dev;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        STATE(s, io->rte[pin]);
    STATE(s, io->lines);
    STATE(s, io->selected);
    STATE(s, io->id);
}

static bool ioapic_loaded(struct device *dev)
{
    struct ioapic *io = (struct ioapic *)dev;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        io->rte[pin] &= RTE_BITS & ~(uint64_t)IOAPIC_RTE_PENDING;
    io->lines &= (1u << IOAPIC_PINS) - 1;
    io->selected &= 0xff;
    io->id &= 0x0f000000;
    return true;
}

static const struct device_ops ioapic_ops = {
    .name = "ioapic",
    .read = ioapic_read,
    .write = ioapic_write,
    .reset = ioapic_reset,
    .version = 1,
    .state = ioapic_state,
    .loaded = ioapic_loaded,
    .max_size = 4,
};

void ioapic_init(struct ioapic *io, struct clock *clock, struct ioapic_host host)
{
    *io = (struct ioapic){.host = host};
    device_init(&io->dev, &ioapic_ops, clock);
    device_add_range(&io->dev, IO_MMIO, IOAPIC_BASE, IOAPIC_SIZE);
    ioapic_reset(&io->dev);
}
