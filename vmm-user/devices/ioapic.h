// SPDX-License-Identifier: MIT
// I/O APIC with 24 pins. Intel 82093AA data sheet, 3.0; EOI register as in later chipsets (version 20h).
#pragma once
#include "vmm-user/device.h"
#include "vmm-user/devices/apic_bus.h"

#define IOAPIC_PINS 24

// Where its messages go; false if no local APIC took one.
struct ioapic_host {
    bool (*deliver)(void *ctx, const struct apic_message *message);
    void *ctx;
};

struct ioapic {
    struct device dev;
    struct ioapic_host host;
    uint64_t rte[IOAPIC_PINS]; // redirection table; bit 14 is remote IRR
    uint32_t lines;            // pins as they are now: 1 = asserted, whatever the polarity in the RTE
    uint32_t selected;         // IOREGSEL
    uint32_t id;
};

void ioapic_init(struct ioapic *io, struct clock *clock, struct ioapic_host host);

// Pin 0..23 becomes asserted or not.
void ioapic_set_irq(struct ioapic *io, unsigned pin, bool level);

// A local APIC ended the level-triggered interrupt `vector`.
void ioapic_eoi(struct ioapic *io, uint8_t vector);

// Whether an open pin sends NMIs.
bool ioapic_nmi_open(const struct ioapic *io);
