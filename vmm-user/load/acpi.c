// SPDX-License-Identifier: MIT
// The ACPI tables of the VM (ACPI 6.4, chapter 5): RSDP, RSDT, XSDT, FADT, FACS, MADT, and the DSDT made by iasl.
#include "pc/acpi_pm.h"
#include "dsdt.h"
#include "lib/c/string.h"
#include "pc/ioapic.h"
#include "pc/lapic.h"
#include "pc/mc146818.h"
#include "vmm-user/load/load.h"

#define PACKED __attribute__((packed))

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
} PACKED;

_Static_assert(sizeof(struct rsdp) == LOAD_RSDP_SIZE, "RSDP of ACPI 2.0");

struct header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision;
    char creator[4];
    uint32_t creator_revision;
} PACKED;

// Generic address: space 1 = ports.
struct gas {
    uint8_t space, bits, offset, access;
    uint64_t address;
} PACKED;

struct fadt {
    struct header h;
    uint32_t facs, dsdt;
    uint8_t reserved0, profile;
    uint16_t sci;
    uint32_t smi_command;
    uint8_t acpi_enable, acpi_disable, s4bios, pstate;
    uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
    uint8_t pm1_event_length, pm1_control_length, pm2_control_length, pm_timer_length, gpe0_length, gpe1_length,
        gpe1_base, cst;
    uint16_t c2_latency, c3_latency, flush_size, flush_stride;
    uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
    uint16_t boot_flags;
    uint8_t reserved1;
    uint32_t flags;
    struct gas reset;
    uint8_t reset_value;
    uint16_t arm_flags;
    uint8_t minor;
    uint64_t x_facs, x_dsdt;
    struct gas x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control, x_pm_timer, x_gpe0, x_gpe1;
} PACKED;
_Static_assert(sizeof(struct fadt) == 244, "FADT of ACPI 5.0 without the sleep registers");

struct facs {
    char signature[4];
    uint32_t length, hardware_signature, waking_vector;
    uint8_t rest[48];
} PACKED;

struct madt_lapic {
    uint8_t type, length, acpi_id, apic_id;
    uint32_t flags;
} PACKED;

struct madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t address, gsi_base;
} PACKED;

struct madt_override {
    uint8_t type, length, bus, source;
    uint32_t gsi;
    uint16_t flags;
} PACKED;

struct madt_nmi {
    uint8_t type, length, acpi_id;
    uint16_t flags;
    uint8_t lint;
} PACKED;

#define FADT_WBINVD       (1u << 0)
#define FADT_PROC_C1      (1u << 2)
#define FADT_SLEEP_BUTTON (1u << 5) // 1: not a fixed feature, that is: none
#define FADT_TIMER_32     (1u << 8)
#define FADT_RESET        (1u << 10)
#define BOOT_LEGACY       (1u << 0)
#define BOOT_8042         (1u << 1)
#define MADT_PCAT         1u
#define MADT_LEVEL_HIGH   0xd // active high, level triggered
#define MADT_ENABLED      1u

// Tables are laid one after the other; those that do not fit any more clear `ok`.
struct builder {
    const struct guest_mem *mem;
    uint64_t at;
    bool ok;
};

static void *table_place(struct builder *b, size_t size, uint64_t *gpa)
{
    *gpa = b->at = (b->at + 15) & ~15ull;
    if (size > LOAD_ACPI_END - b->at) {
        b->ok = false;
        b->at = LOAD_ACPI; // somewhere harmless
        *gpa = LOAD_ACPI;
    }
    void *to = guest_mem_at(b->mem, b->at, size);
    memset(to, 0, size);
    b->at += size;
    return to;
}

static uint8_t sum_of(const void *data, size_t size)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
    return (uint8_t)-sum;
}

static void header_fill(struct header *h, const char *signature, size_t length, uint8_t revision)
{
    memcpy(h->signature, signature, 4);
    h->length = (uint32_t)length;
    h->revision = revision;
    memcpy(h->oem, "MICA  ", 6);
    memcpy(h->oem_table, "MICAPC  ", 8);
    h->oem_revision = 1;
    memcpy(h->creator, "MICA", 4);
    h->creator_revision = 1;
    h->checksum = 0;
    h->checksum = sum_of(h, length);
}

static struct gas port(uint64_t address, unsigned bytes)
{
    return (struct gas){1, (uint8_t)(8 * bytes), 0, (uint8_t)(bytes == 1 ? 1 : bytes == 2 ? 2 : 3), address};
}

static void facs_build(const struct guest_mem *mem)
{
    _Static_assert(sizeof(struct facs) == ACPI_FACS_SIZE && ACPI_FACS % 64 == 0, "ACPI 6.4, 5.2.10");
    struct facs *facs = guest_mem_at(mem, ACPI_FACS, sizeof(*facs));
    *facs = (struct facs){.signature = "FACS", .length = sizeof(*facs)};
}

static uint64_t fadt_build(struct builder *b, uint64_t dsdt)
{
    uint64_t at;
    struct fadt *f = table_place(b, sizeof(*f), &at);
    *f = (struct fadt){
        .facs = ACPI_FACS,
        .dsdt = (uint32_t)dsdt,
        .sci = ACPI_SCI_IRQ,
        .smi_command = ACPI_SMI_CMD,
        .acpi_enable = ACPI_SMI_ENABLE,
        .acpi_disable = ACPI_SMI_DISABLE,
        .pm1a_event = ACPI_PM_BASE + ACPI_PM1_STS,
        .pm1a_control = ACPI_PM_BASE + ACPI_PM1_CNT,
        .pm_timer = ACPI_PM_BASE + ACPI_PM_TMR,
        .gpe0 = ACPI_PM_BASE + ACPI_GPE0_STS,
        .pm1_event_length = 4,
        .pm1_control_length = 2,
        .pm_timer_length = 4,
        .gpe0_length = ACPI_GPE0_LENGTH,
        .c2_latency = 0xfff, // no C2, C3
        .c3_latency = 0xfff,
        .century = RTC_CENTURY,
        .boot_flags = BOOT_LEGACY | BOOT_8042,
        .flags = FADT_WBINVD | FADT_PROC_C1 | FADT_SLEEP_BUTTON | FADT_TIMER_32 | FADT_RESET,
        .reset = port(RESET_PORT, 1),
        .reset_value = RESET_PORT_SYS | RESET_PORT_CPU,
        .x_dsdt = dsdt,
        .x_pm1a_event = port(ACPI_PM_BASE + ACPI_PM1_STS, 4),
        .x_pm1a_control = port(ACPI_PM_BASE + ACPI_PM1_CNT, 2),
        .x_pm_timer = port(ACPI_PM_BASE + ACPI_PM_TMR, 4),
        .x_gpe0 = port(ACPI_PM_BASE + ACPI_GPE0_STS, ACPI_GPE0_LENGTH),
    };
    header_fill(&f->h, "FACP", sizeof(*f), 4);
    return at;
}

static uint64_t madt_build(struct builder *b, unsigned cpus)
{
    struct madt {
        struct header h;
        uint32_t lapic, flags;
        struct madt_ioapic ioapic;
        struct madt_override timer, sci;
        struct madt_nmi nmi;
        struct madt_lapic cpus[];
    } PACKED;
    uint64_t at;
    size_t size = sizeof(struct madt) + cpus * sizeof(struct madt_lapic);
    struct madt *m = table_place(b, size, &at);
    m->lapic = LAPIC_BASE;
    m->flags = MADT_PCAT;
    m->ioapic = (struct madt_ioapic){1, sizeof(m->ioapic), 0, 0, IOAPIC_BASE, 0};
    m->timer = (struct madt_override){2, sizeof(m->timer), 0, 0, 2, 0};
    m->sci = (struct madt_override){2, sizeof(m->sci), 0, ACPI_SCI_IRQ, ACPI_SCI_IRQ, MADT_LEVEL_HIGH};
    m->nmi = (struct madt_nmi){4, sizeof(m->nmi), 0xff, 0, 1};
    for (unsigned i = 0; i < cpus; i++)
        m->cpus[i] = (struct madt_lapic){0, sizeof(m->cpus[i]), (uint8_t)i, (uint8_t)i, MADT_ENABLED};
    header_fill(&m->h, "APIC", size, 3);
    return at;
}

uint64_t acpi_build(const struct guest_mem *mem, unsigned cpus)
{
    struct builder b = {mem, LOAD_ACPI, true};
    uint64_t rsdp_at, dsdt_at, rsdt_at, xsdt_at;
    struct rsdp *rsdp = table_place(&b, sizeof(*rsdp), &rsdp_at);
    memcpy(table_place(&b, sizeof(dsdt_aml_code), &dsdt_at), dsdt_aml_code, sizeof(dsdt_aml_code));
    facs_build(mem);
    const uint64_t tables[] = {fadt_build(&b, dsdt_at), madt_build(&b, cpus)};
    struct {
        struct header h;
        uint32_t entries[2];
    } PACKED *rsdt = table_place(&b, sizeof(*rsdt), &rsdt_at);
    struct {
        struct header h;
        uint64_t entries[2];
    } PACKED *xsdt = table_place(&b, sizeof(*xsdt), &xsdt_at);
    for (unsigned i = 0; i < 2; i++) {
        rsdt->entries[i] = (uint32_t)tables[i];
        xsdt->entries[i] = tables[i];
    }
    header_fill(&rsdt->h, "RSDT", sizeof(*rsdt), 1);
    header_fill(&xsdt->h, "XSDT", sizeof(*xsdt), 1);
    *rsdp = (struct rsdp){.revision = 2, .rsdt = (uint32_t)rsdt_at, .length = sizeof(*rsdp), .xsdt = xsdt_at};
    memcpy(rsdp->signature, "RSD PTR ", 8);
    memcpy(rsdp->oem, "MICA  ", 6);
    rsdp->checksum = sum_of(rsdp, 20);
    rsdp->extended_checksum = sum_of(rsdp, sizeof(*rsdp));
    return b.ok ? rsdp_at : 0;
}

uint32_t acpi_waking_vector(const struct guest_mem *mem, uint64_t rsdp)
{
    static const size_t steps[] = {offsetof(struct rsdp, rsdt), sizeof(struct header), // RSDT, the first of its tables
                                   offsetof(struct fadt, facs), offsetof(struct facs, waking_vector)};
    enum { REAL_MODE_END = 0x100000 };
    uint64_t at = rsdp;
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (!guest_mem_read(mem, at + steps[i], 4, &at))
            return 0;
    return at < REAL_MODE_END ? (uint32_t)at : 0;
}
