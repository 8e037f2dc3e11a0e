// SPDX-License-Identifier: MIT
// Tables in the ROM that operating systems look for: the BIOS32 directory, Plug and Play BIOS, PCI interrupt routing
// ($PIR) and the MP table (MP specification 1.4). The interrupts are wired as the DSDT says: slot n, INTx at I/O APIC
// pin 16 + (n + x) % 4.
#include "bios-emul/internal.h"
#include "lib/c/string.h"
#include "pc/ioapic.h"
#include "pc/lapic.h"

#define PACKED             __attribute__((packed))
#define PIR_SLOTS          5
#define PIR_IRQS           0x0e00 // 9, 10, 11
#define MP_ENTRIES         80
#define MP_LEVEL           0x000f // active low, level
#define PCI_PIN(slot, pin) (16 + ((slot) + (pin)) % 4)

static void checksum_set(void *data, size_t size, uint8_t *checksum)
{
    uint8_t sum = 0;
    *checksum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
    *checksum = (uint8_t)-sum;
}

static void bios32_write(struct bios *b)
{
    struct {
        char signature[4];
        uint32_t entry;
        uint8_t revision, paragraphs, checksum, reserved[5];
    } PACKED table = {{'_', '3', '2', '_'}, BIOS_ROM_BASE + ROM_BIOS32, 0, 1, 0, {0}};
    checksum_set(&table, sizeof(table), &table.checksum);
    mem_write(b, BIOS_ROM_BASE + ROM_BIOS32_TABLE, &table, sizeof(table));
}

// Plug and Play BIOS specification 1.0a, 4.4: it is there, and knows of no devices: ACPI has them.
static void pnp_write(struct bios *b)
{
    struct {
        char signature[4];
        uint8_t version, length;
        uint16_t control;
        uint8_t checksum;
        uint32_t event_flag;
        uint16_t real_offset, real_segment, protected_offset;
        uint32_t protected_base, oem;
        uint16_t real_data;
        uint32_t protected_data;
    } PACKED table = {
        {'$', 'P', 'n', 'P'}, 0x10,         sizeof(table), 0, 0, 0, ROM_PNP, BIOS_SEGMENT, ROM_PNP, BIOS_ROM_BASE, 0,
        BIOS_SEGMENT,         BIOS_ROM_BASE};
    checksum_set(&table, sizeof(table), &table.checksum);
    mem_write(b, BIOS_ROM_BASE + ROM_PNP_TABLE, &table, sizeof(table));
}

static void pir_write(struct bios *b)
{
    struct {
        char signature[4];
        uint16_t version, size;
        uint8_t router_bus, router_devfn;
        uint16_t exclusive;
        uint32_t compatible, miniport;
        uint8_t reserved[11], checksum;
        struct {
            uint8_t bus, devfn;
            struct {
                uint8_t link;
                uint16_t irqs;
            } PACKED pin[4];
            uint8_t slot, reserved;
        } PACKED slots[PIR_SLOTS];
    } PACKED table = {
        .signature = {'$', 'P', 'I', 'R'}, .version = 0x0100, .size = sizeof(table), .router_devfn = 1 << 3};
    for (unsigned i = 0; i < PIR_SLOTS; i++) {
        table.slots[i].devfn = (uint8_t)(i << 3);
        table.slots[i].slot = (uint8_t)i;
        for (unsigned pin = 0; pin < 4; pin++) {
            table.slots[i].pin[pin].link = (uint8_t)(0x60 + (i + pin) % 4);
            table.slots[i].pin[pin].irqs = PIR_IRQS;
        }
    }
    checksum_set(&table, sizeof(table), &table.checksum);
    mem_write(b, BIOS_ROM_BASE + ROM_PIR, &table, sizeof(table));
}

// ---- MP table

struct mp_table {
    struct {
        char signature[4];
        uint16_t size;
        uint8_t revision, checksum;
        char oem[8], product[12];
        uint32_t oem_table;
        uint16_t oem_size, entries;
        uint32_t lapic;
        uint16_t extended_size;
        uint8_t extended_checksum, reserved;
    } PACKED head;
    uint8_t entries[MP_ENTRIES * 8 + 255 * 20];
    uint32_t length;
};

static void entry_add(struct mp_table *t, const void *entry, size_t size)
{
    if (t->length + size > sizeof(t->entries))
        return;
    memcpy(t->entries + t->length, entry, size);
    t->length += (uint32_t)size;
    t->head.entries++;
}

static void interrupt_add(struct mp_table *t, uint8_t entry, uint8_t kind, uint16_t flags, uint8_t bus, uint8_t irq,
                          uint8_t apic, uint8_t pin)
{
    const uint8_t bytes[8] = {entry, kind, (uint8_t)flags, (uint8_t)(flags >> 8), bus, irq, apic, pin};
    entry_add(t, bytes, sizeof(bytes));
}

static void processors_add(struct mp_table *t, unsigned cpus)
{
    for (unsigned i = 0; i < cpus; i++) {
        struct {
            uint8_t type, apic, version, flags;
            uint32_t signature, features, reserved[2];
        } PACKED cpu = {0, (uint8_t)i, 0x14, i ? 1 : 3, 0x600, 0x201, {0, 0}}; // APIC and FPU
        entry_add(t, &cpu, sizeof(cpu));
    }
}

static void wires_add(struct mp_table *t, uint8_t ioapic)
{
    enum { BUS_PCI, BUS_ISA };
    enum { INTERRUPT = 3, LOCAL = 4, INT = 0, NMI = 1, EXTINT = 3 };
    static const uint8_t pci[] = "\1\0PCI   ", isa[] = "\1\1ISA   ";
    entry_add(t, pci, 8);
    entry_add(t, isa, 8);
    const struct {
        uint8_t type, id, version, flags;
        uint32_t address;
    } PACKED chip = {2, ioapic, 0x20, 1, IOAPIC_BASE};
    entry_add(t, &chip, sizeof(chip));
    for (uint8_t slot = 1; slot < PIR_SLOTS; slot++)
        for (uint8_t pin = 0; pin < 4; pin++)
            interrupt_add(t, INTERRUPT, INT, MP_LEVEL, BUS_PCI, (uint8_t)(slot << 2 | pin), ioapic,
                          (uint8_t)PCI_PIN(slot, pin));
    for (uint8_t irq = 0; irq < 16; irq++)
        if (irq != 2)
            interrupt_add(t, INTERRUPT, INT, 0, BUS_ISA, irq, ioapic, irq ? irq : 2);
    interrupt_add(t, LOCAL, EXTINT, 0, BUS_ISA, 0, 0xff, 0);
    interrupt_add(t, LOCAL, NMI, 0, BUS_ISA, 0, 0xff, 1);
}

void mptable_post(struct bios *b)
{
    struct mp_table t = {.head = {.signature = {'P', 'C', 'M', 'P'}, .revision = 4, .lapic = LAPIC_BASE}};
    unsigned cpus = b->config.cpus ? b->config.cpus < 128 ? b->config.cpus : 128 : 1;
    memcpy(t.head.oem, "MICA    ", 8);
    memcpy(t.head.product, "MICAPC      ", 12);
    processors_add(&t, cpus);
    wires_add(&t, 0);
    t.head.size = (uint16_t)(sizeof(t.head) + t.length);
    checksum_set(&t, t.head.size, &t.head.checksum);
    mem_write(b, BIOS_ROM_BASE + ROM_MP, &t, t.head.size);
    struct {
        char signature[4];
        uint32_t table;
        uint8_t paragraphs, revision, checksum, features[5];
    } PACKED floating = {{'_', 'M', 'P', '_'}, BIOS_ROM_BASE + ROM_MP, 1, 4, 0, {0}};
    checksum_set(&floating, sizeof(floating), &floating.checksum);
    mem_write(b, BIOS_ROM_BASE + ROM_MP_FLOAT, &floating, sizeof(floating));
}

void tables_post(struct bios *b)
{
    bios32_write(b);
    pnp_write(b);
    pir_write(b);
    mptable_post(b);
    smbios_post(b);
}
