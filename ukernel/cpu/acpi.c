// SPDX-License-Identifier: MIT
// What the kernel needs of ACPI (6.4): RSDP -> XSDT or RSDT -> MADT, FADT, HPET. Tables are the firmware's: lengths and
// checksums are checked, and a wrong table is as good as none.
#include "abi/hypercall.h"
#include "lib/c/string.h"
#include "ukernel/platform.h"

#define TABLE_MAX          0x100000 // longest table that is believed, bytes
#define RSDP_1_SIZE        20
#define RSDP_2_SIZE        36
#define MADT_LAPIC         0
#define MADT_IOAPIC        1
#define MADT_OVERRIDE      2
#define MADT_LAPIC_ADDRESS 5
#define MADT_X2APIC        9
#define MADT_PCAT          1 // flags: there are 8259s
#define CPU_ENABLED        1
#define FADT_PM_TMR        76 // offsets in the FADT
#define FADT_FLAGS         112
#define FADT_X_PM_TMR      208
#define FADT_TMR_32        (1u << 8)
#define GAS_IO             1
#define HPET_ADDRESS       44 // offset in the HPET table of the address in its generic address structure

struct acpi_info acpi;

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t checksum2, reserved[3];
} __attribute__((packed));

struct header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

static uint64_t read_le(const void *p, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, p, size);
    return value;
}

static bool sum_is_zero(const void *p, size_t size)
{
    const uint8_t *bytes = p;
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    return !sum;
}

static bool rsdp_valid(const void *p, size_t size)
{
    return size >= RSDP_1_SIZE && !memcmp(p, "RSD PTR ", 8) && sum_is_zero(p, RSDP_1_SIZE);
}

long acpi_find_rsdp(const void *area, size_t size)
{
    for (size_t at = 0; at + RSDP_1_SIZE <= size; at += 16)
        if (rsdp_valid((const char *)area + at, size - at))
            return (long)at;
    return -1;
}

// A whole table with a right checksum, or NULL.
static const struct header *table_get(uint64_t phys, acpi_reader read)
{
    const struct header *h = phys ? read(phys, sizeof(*h)) : NULL;
    if (!h || h->length < sizeof(*h) || h->length > TABLE_MAX)
        return NULL;
    h = read(phys, h->length);
    return h && sum_is_zero(h, h->length) ? h : NULL;
}

static void add_cpu(struct acpi_info *out, uint32_t id, uint32_t flags)
{
    if (!(flags & CPU_ENABLED))
        return;
    for (unsigned i = 0; i < out->cpu_count; i++)
        if (out->cpu_ids[i] == id)
            return;
    if (out->cpu_count < MAX_CPUS)
        out->cpu_ids[out->cpu_count++] = id;
}

static void madt_lapic(const uint8_t *e, struct acpi_info *out)
{
    add_cpu(out, e[3], (uint32_t)read_le(e + 4, 4));
}

static void madt_x2apic(const uint8_t *e, struct acpi_info *out)
{
    add_cpu(out, (uint32_t)read_le(e + 4, 4), (uint32_t)read_le(e + 8, 4));
}

static void madt_ioapic(const uint8_t *e, struct acpi_info *out)
{
    if (out->ioapic_count < ACPI_IOAPICS)
        out->ioapics[out->ioapic_count++] = (struct acpi_ioapic){read_le(e + 4, 4), (uint32_t)read_le(e + 8, 4)};
}

static void madt_override(const uint8_t *e, struct acpi_info *out)
{
    unsigned flags = e[8], polarity = flags & 3, trigger = flags >> 2 & 3; // 0 = as the bus has it: ISA, high and edge
    if (out->override_count < ACPI_OVERRIDES)
        out->overrides[out->override_count++] = (struct acpi_override){
            e[3], (uint32_t)read_le(e + 4, 4), (trigger == 3 ? INT_LEVEL : 0) | (polarity == 3 ? INT_ACTIVE_LOW : 0)};
}

static void madt_address(const uint8_t *e, struct acpi_info *out)
{
    out->lapic = read_le(e + 4, 8);
}

static const struct {
    uint8_t type, size;
    void (*parse)(const uint8_t *entry, struct acpi_info *out);
} madt_entries[] = {
    {MADT_LAPIC, 8, madt_lapic},        {MADT_IOAPIC, 12, madt_ioapic},
    {MADT_OVERRIDE, 10, madt_override}, {MADT_LAPIC_ADDRESS, 12, madt_address},
    {MADT_X2APIC, 16, madt_x2apic},
};

static const char *parse_madt(const struct header *h, struct acpi_info *out)
{
    if (h->length < sizeof(*h) + 8)
        return "ACPI: the MADT is too short";
    const uint8_t *at = (const uint8_t *)(h + 1) + 8, *end = (const uint8_t *)h + h->length;
    out->lapic = read_le(h + 1, 4);
    out->has_pic = read_le((const char *)(h + 1) + 4, 4) & MADT_PCAT;
    for (; end - at >= 2; at += at[1]) {
        if (at[1] < 2 || at[1] > end - at)
            return "ACPI: an entry of the MADT is malformed";
        for (unsigned i = 0; i < sizeof(madt_entries) / sizeof(*madt_entries); i++)
            if (madt_entries[i].type == at[0] && madt_entries[i].size <= at[1])
                madt_entries[i].parse(at, out);
    }
    return NULL;
}

static const char *parse_fadt(const struct header *h, struct acpi_info *out)
{
    const uint8_t *t = (const uint8_t *)h;
    if (h->length < FADT_FLAGS + 4)
        return NULL;
    uint64_t port = read_le(t + FADT_PM_TMR, 4);
    if (!port && h->length >= FADT_X_PM_TMR + 12 && t[FADT_X_PM_TMR] == GAS_IO)
        port = read_le(t + FADT_X_PM_TMR + 4, 8);
    if (port <= 0xfffc)
        out->pm_timer = (uint16_t)port;
    out->pm_timer_32bit = read_le(t + FADT_FLAGS, 4) & FADT_TMR_32;
    return NULL;
}

static const char *parse_hpet(const struct header *h, struct acpi_info *out)
{
    const uint8_t *t = (const uint8_t *)h;
    if (h->length >= HPET_ADDRESS + 8 && t[40] == 0) // in memory space
        out->hpet = read_le(t + HPET_ADDRESS, 8);
    return NULL;
}

static const struct {
    char signature[5];
    const char *(*parse)(const struct header *, struct acpi_info *);
} tables[] = {{"APIC", parse_madt}, {"FACP", parse_fadt}, {"HPET", parse_hpet}};

const char *acpi_parse(const void *rsdp, size_t rsdp_size, acpi_reader read, struct acpi_info *out)
{
    struct rsdp r = {0};
    memcpy(&r, rsdp, rsdp_size < sizeof(r) ? rsdp_size : sizeof(r));
    if (!rsdp_valid(&r, rsdp_size))
        return "ACPI: the root pointer's checksum is wrong";
    bool extended = r.revision >= 2 && rsdp_size >= RSDP_2_SIZE && r.xsdt && sum_is_zero(&r, RSDP_2_SIZE);
    const struct header *root = table_get(extended ? r.xsdt : r.rsdt, read);
    if (!root)
        return "ACPI: the root table is not readable or its checksum is wrong";
    unsigned width = extended ? 8 : 4;
    for (uint32_t at = sizeof(*root); at + width <= root->length; at += width) {
        const struct header *h = table_get(read_le((const char *)root + at, width), read);
        for (unsigned i = 0; h && i < sizeof(tables) / sizeof(*tables); i++) {
            const char *wrong = memcmp(h->signature, tables[i].signature, 4) ? NULL : tables[i].parse(h, out);
            if (wrong)
                return wrong;
        }
    }
    return out->cpu_count ? NULL : "ACPI: no MADT, or no CPU in it";
}

// ---- at boot
#define BIOS_AREA      0xe0000
#define BIOS_AREA_SIZE 0x20000
#define EBDA_SEGMENT   0x40e // where the BIOS keeps it
#define EBDA_SIZE      1024
#define DIRECT_END     (1ul << 32) // tables above are not looked for

static const void *direct_read(uint64_t phys, uint64_t size)
{
    return phys < DIRECT_END && size <= DIRECT_END - phys ? phys_to_virt(phys) : NULL;
}

// Where a BIOS leaves the root pointer; UEFI firmware does not.
static const void *rsdp_search(void)
{
    uint64_t ebda = (uint64_t) * (const volatile uint16_t *)phys_to_virt(EBDA_SEGMENT) << 4;
    long at = ebda >= 0x400 && ebda + EBDA_SIZE <= 0xa0000 ? acpi_find_rsdp(phys_to_virt(ebda), EBDA_SIZE) : -1;
    if (at >= 0)
        return phys_to_virt(ebda + (uint64_t)at);
    at = acpi_find_rsdp(phys_to_virt(BIOS_AREA), BIOS_AREA_SIZE);
    return at < 0 ? NULL : phys_to_virt(BIOS_AREA + (uint64_t)at);
}

// Without tables this is a machine with one CPU and the usual chips.
void acpi_init(const struct boot_info *boot)
{
    const void *rsdp = boot->rsdp_size ? boot->rsdp : rsdp_search();
    size_t size = boot->rsdp_size ? boot->rsdp_size : RSDP_2_SIZE;
    const char *wrong = "ACPI: no root pointer";
    if (rsdp) {
        memcpy(hip->rsdp, rsdp, size);
        wrong = acpi_parse(rsdp, size, direct_read, &acpi);
    }
    if (wrong)
        klog("%s", wrong);
    klog("acpi: %u CPUs, %u I/O APICs, PM timer at %#x, HPET at %#lx", acpi.cpu_count, acpi.ioapic_count, acpi.pm_timer,
         acpi.hpet);
}
