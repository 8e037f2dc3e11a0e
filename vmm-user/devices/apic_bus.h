// SPDX-License-Identifier: MIT
// Interrupt messages and their way to the local APICs of a VM: from the I/O APIC, from MSIs and between CPUs.
// SDM 3A, 11.6 (destinations) and 11.11 (MSI).
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct lapic;

struct apic_message {
    uint32_t dest;
    bool logical;
    bool level;   // trigger mode
    uint8_t mode; // LAPIC_MODE_...
    uint8_t vector;
};

struct apic_bus {
    struct lapic **cpus; // by number of the vCPU
    unsigned count;
    unsigned next; // first candidate of the next lowest-priority message
};

// Delivers to all local APICs that the destination names; false if none accepted it. `sender` is NULL for devices.
// `shorthand` is LAPIC_SHORTHAND_...; all but NONE need a sender. Callable from every thread of the VMM.
bool apic_bus_deliver(struct apic_bus *bus, const struct apic_message *message, unsigned shorthand,
                      struct lapic *sender);
