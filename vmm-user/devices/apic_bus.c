// SPDX-License-Identifier: MIT
#include "vmm-user/devices/apic_bus.h"
#include "vmm-user/devices/lapic.h"

// In the eight-bit destinations of devices and xAPICs, FFh is everyone.
static uint32_t wide_destination(const struct apic_message *m, const struct lapic *sender)
{
    bool narrow = !sender || !lapic_x2apic(sender);
    return narrow && (m->dest & 0xff) == 0xff ? UINT32_MAX : m->dest;
}

static bool is_target(const struct lapic *l, const struct apic_message *m, uint32_t dest, unsigned shorthand,
                      const struct lapic *sender)
{
    switch (shorthand) {
    case LAPIC_SHORTHAND_SELF:
        return l == sender;
    case LAPIC_SHORTHAND_ALL:
        return true;
    case LAPIC_SHORTHAND_OTHERS:
        return l != sender;
    default:
        return lapic_is_destination(l, dest, m->logical);
    }
}

static bool deliver_lowest(struct apic_bus *bus, const struct apic_message *m, uint32_t dest, unsigned shorthand,
                           const struct lapic *sender)
{
    struct lapic *best = 0;
    unsigned first = __atomic_fetch_add(&bus->next, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < bus->count; i++) {
        struct lapic *l = bus->cpus[(first + i) % bus->count];
        bool on = lapic_enabled(l) && l->regs[LAPIC_SVR / 4] & LAPIC_SVR_ENABLE;
        if (on && is_target(l, m, dest, shorthand, sender) && (!best || lapic_priority(l) < lapic_priority(best)))
            best = l;
    }
    return best && lapic_receive(best, m);
}

bool apic_bus_deliver(struct apic_bus *bus, const struct apic_message *m, unsigned shorthand, struct lapic *sender)
{
    uint32_t dest = wide_destination(m, sender);
    if (m->mode == LAPIC_MODE_LOWEST)
        return deliver_lowest(bus, m, dest, shorthand, sender);
    bool taken = false;
    for (unsigned i = 0; i < bus->count; i++)
        if (is_target(bus->cpus[i], m, dest, shorthand, sender))
            taken |= lapic_receive(bus->cpus[i], m);
    return taken;
}
