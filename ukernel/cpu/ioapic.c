// SPDX-License-Identifier: MIT
// I/O APICs: routing of interrupt lines, all masked at first; and the 8259s, masked for good.
// Interrupts below 16 are ISA lines: the MADT's overrides say where they arrive and how.
#include "abi/hypercall.h"
#include "pc/ioapic.h"
#include "pc/pic8259.h"
#include "ukernel/platform.h"
#include "ukernel/spinlock.h"
#include "x86/regs.h"

struct ioapic {
    volatile uint32_t *regs;
    unsigned first, pins; // GSIs
};

static struct ioapic ioapics[ACPI_IOAPICS];
static unsigned ioapic_count, gsi_count;
static uint32_t lock;

static uint32_t reg_read(const struct ioapic *io, unsigned index)
{
    io->regs[IOAPIC_IOREGSEL / 4] = index;
    return io->regs[IOAPIC_IOWIN / 4];
}

static void reg_write(const struct ioapic *io, unsigned index, uint32_t value)
{
    io->regs[IOAPIC_IOREGSEL / 4] = index;
    io->regs[IOAPIC_IOWIN / 4] = value;
}

void pic_disable(void)
{
    // Programmed first: a spurious interrupt of theirs must not look like an exception.
    static const struct {
        uint16_t port;
        uint8_t value;
    } sequence[] = {
        {PIC_MASTER_COMMAND, PIC_ICW1_INIT | PIC_ICW1_IC4},
        {PIC_SLAVE_COMMAND, PIC_ICW1_INIT | PIC_ICW1_IC4},
        {PIC_MASTER_DATA, 0xf8},
        {PIC_SLAVE_DATA, 0xf8},
        {PIC_MASTER_DATA, 1 << PIC_CASCADE},
        {PIC_SLAVE_DATA, PIC_CASCADE},
        {PIC_MASTER_DATA, PIC_ICW4_8086},
        {PIC_SLAVE_DATA, PIC_ICW4_8086},
        {PIC_MASTER_DATA, 0xff},
        {PIC_SLAVE_DATA, 0xff},
    };
    for (unsigned i = 0; i < sizeof(sequence) / sizeof(*sequence); i++)
        outb(sequence[i].port, sequence[i].value);
}

static void ioapic_add(const struct acpi_ioapic *found)
{
    struct ioapic *io = &ioapics[ioapic_count++];
    io->regs = kernel_map_device(found->base, IOAPIC_SIZE);
    phys_keep_device(found->base & ~(PAGE_SIZE - 1), PAGE_SIZE);
    io->first = found->gsi_base;
    io->pins = (reg_read(io, IOAPIC_VER) >> 16 & 0xff) + 1;
    for (unsigned pin = 0; pin < io->pins; pin++)
        reg_write(io, IOAPIC_REDTBL + 2 * pin, IOAPIC_RTE_MASKED);
    if (io->first < MAX_GSIS && io->first + io->pins > gsi_count)
        gsi_count = io->first + io->pins < MAX_GSIS ? io->first + io->pins : MAX_GSIS;
}

void ioapic_init(void)
{
    for (unsigned i = 0; i < acpi.ioapic_count; i++)
        ioapic_add(&acpi.ioapics[i]);
    klog("ioapic: %u with %u interrupt lines, %u ISA lines moved", ioapic_count, gsi_count, acpi.override_count);
}

unsigned ioapic_gsis(void)
{
    return gsi_count;
}

static const struct acpi_override *override_of(unsigned gsi)
{
    for (unsigned i = 0; i < acpi.override_count; i++)
        if (acpi.overrides[i].irq == gsi)
            return &acpi.overrides[i];
    return NULL;
}

static const struct ioapic *ioapic_of(unsigned gsi, unsigned *pin)
{
    for (unsigned i = 0; i < ioapic_count; i++) {
        *pin = gsi - ioapics[i].first;
        if (gsi >= ioapics[i].first && *pin < ioapics[i].pins)
            return &ioapics[i];
    }
    return NULL;
}

bool ioapic_route(unsigned gsi, unsigned cpu, unsigned vector, uint32_t int_flags)
{
    const struct acpi_override *isa = override_of(gsi);
    unsigned pin;
    const struct ioapic *io = ioapic_of(isa ? isa->gsi : gsi, &pin);
    if (!io || gsi >= gsi_count || cpu >= cpu_count || cpus[cpu]->lapic_id > 0xff)
        return false;
    if (isa)
        int_flags = isa->flags;
    spin_lock(&lock);
    reg_write(io, IOAPIC_REDTBL + 2 * pin, IOAPIC_RTE_MASKED);
    reg_write(io, IOAPIC_REDTBL + 2 * pin + 1, cpus[cpu]->lapic_id << (IOAPIC_RTE_DEST_SHIFT - 32));
    reg_write(io, IOAPIC_REDTBL + 2 * pin,
              IOAPIC_RTE_MASKED | vector | (int_flags & INT_LEVEL ? IOAPIC_RTE_LEVEL : 0) |
                  (int_flags & INT_ACTIVE_LOW ? IOAPIC_RTE_ACTIVE_LOW : 0));
    spin_unlock(&lock);
    return true;
}

void ioapic_mask(unsigned gsi, bool masked)
{
    const struct acpi_override *isa = override_of(gsi);
    unsigned pin;
    const struct ioapic *io = ioapic_of(isa ? isa->gsi : gsi, &pin);
    if (!io)
        return;
    spin_lock(&lock);
    uint32_t low = reg_read(io, IOAPIC_REDTBL + 2 * pin);
    reg_write(io, IOAPIC_REDTBL + 2 * pin, masked ? low | IOAPIC_RTE_MASKED : low & ~(uint32_t)IOAPIC_RTE_MASKED);
    spin_unlock(&lock);
}
