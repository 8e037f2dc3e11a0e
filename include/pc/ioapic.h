// SPDX-License-Identifier: MIT
// Intel 82093AA I/O APIC, with the EOI register of its successors (version 20h).
#pragma once

#define IOAPIC_BASE 0xfec00000
#define IOAPIC_SIZE 0x1000

#define IOAPIC_IOREGSEL 0x00
#define IOAPIC_IOWIN    0x10
#define IOAPIC_EOI      0x40

#define IOAPIC_ID     0x00 // index registers
#define IOAPIC_VER    0x01
#define IOAPIC_ARB    0x02
#define IOAPIC_REDTBL 0x10 // + 2 * pin: low half; the next one: high half

#define IOAPIC_RTE_VECTOR     0xff
#define IOAPIC_RTE_MODE_SHIFT 8
#define IOAPIC_RTE_MODE       0x700
#define IOAPIC_RTE_LOGICAL    0x800
#define IOAPIC_RTE_PENDING    0x1000
#define IOAPIC_RTE_ACTIVE_LOW 0x2000
#define IOAPIC_RTE_REMOTE_IRR 0x4000
#define IOAPIC_RTE_LEVEL      0x8000
#define IOAPIC_RTE_MASKED     0x10000
#define IOAPIC_RTE_DEST_SHIFT 56
