// SPDX-License-Identifier: MIT
#include "user/root/acpi.h"
#include "lib/c/string.h"

struct __attribute__((packed)) rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
};

struct __attribute__((packed)) sdt {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
};

struct __attribute__((packed)) gas {
    uint8_t space, width, offset, access;
    uint64_t address;
};

struct __attribute__((packed)) fadt {
    struct sdt header;
    uint32_t firmware_ctrl, dsdt;
    uint8_t reserved, profile;
    uint16_t sci;
    uint32_t smi_cmd;
    uint8_t acpi_enable, acpi_disable, s4bios, pstate;
    uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
    uint8_t lengths[20]; // up to and with the boot architecture flags
    uint32_t flags;
    struct gas reset;
    uint8_t reset_value;
};
#define FADT_V1_SIZE   116
#define FADT_RESET_REG (1u << 10)
#define GAS_IO         1
#define TABLE_MAX      0x100000u
#define AML_NAME       0x08
#define AML_BYTE       0x0a
#define AML_WORD       0x0b
#define AML_DWORD      0x0c
#define AML_PACKAGE    0x12

// One integer of a package; `*at` moves past it. Only bytes matter here.
static bool aml_small_int(const uint8_t *aml, uint32_t size, uint32_t *at, uint8_t *value)
{
    static const uint8_t bytes[] = {[AML_BYTE] = 1, [AML_WORD] = 2, [AML_DWORD] = 4};
    if (*at >= size)
        return false;
    uint8_t op = aml[(*at)++];
    if (op <= 1) { // ZeroOp, OneOp
        *value = op;
        return true;
    }
    uint32_t n = op < sizeof bytes ? bytes[op] : 0;
    if (!n || n > size - *at)
        return false;
    *value = aml[*at];
    *at += n;
    return true;
}

bool acpi_s5_parse(const uint8_t *aml, uint32_t size, uint8_t *a, uint8_t *b)
{
    for (uint32_t i = 1; size >= 8 && i < size - 7; i++) {
        if (memcmp(aml + i, "_S5_", 4) != 0 || aml[i + 4] != AML_PACKAGE)
            continue;
        if (aml[i - 1] != AML_NAME && !(i >= 2 && aml[i - 1] == '\\' && aml[i - 2] == AML_NAME))
            continue;
        uint32_t at = i + 5;
        at += 1 + (aml[at] >> 6); // PkgLength: its first byte says how many follow
        if (at >= size)
            return false;
        uint8_t elements = aml[at++];
        if (!elements || !aml_small_int(aml, size, &at, a))
            return false;
        if (elements < 2 || !aml_small_int(aml, size, &at, b))
            *b = *a;
        return true;
    }
    return false;
}

static bool table_header(const struct acpi_reader *r, uint64_t phys, struct sdt *h)
{
    return phys && r->read(r->ctx, phys, h, sizeof *h) && h->length >= sizeof *h && h->length <= TABLE_MAX;
}

static bool checksum_ok(const struct acpi_reader *r, uint64_t phys, uint32_t length)
{
    uint8_t sum = 0, chunk[64];
    for (uint32_t at = 0; at < length; at += sizeof chunk) {
        uint32_t n = length - at < sizeof chunk ? length - at : sizeof chunk;
        if (!r->read(r->ctx, phys + at, chunk, n))
            return false;
        for (uint32_t i = 0; i < n; i++)
            sum += chunk[i];
    }
    return !sum;
}

// Physical address of the table of that signature listed in the XSDT or RSDT, or 0.
static uint64_t table_find(const struct acpi_reader *r, const void *root, const char *signature)
{
    struct rsdp rsdp;
    memcpy(&rsdp, root, sizeof rsdp);
    if (memcmp(rsdp.signature, "RSD PTR ", 8) != 0)
        return 0;
    bool wide = rsdp.revision >= 2 && rsdp.xsdt;
    uint64_t list = wide ? rsdp.xsdt : rsdp.rsdt;
    uint32_t entry_size = wide ? 8 : 4;
    struct sdt h;
    if (!table_header(r, list, &h))
        return 0;
    for (uint32_t at = sizeof h; at + entry_size <= h.length; at += entry_size) {
        uint64_t phys = 0;
        struct sdt entry;
        if (r->read(r->ctx, list + at, &phys, entry_size) && table_header(r, phys, &entry) &&
            !memcmp(entry.signature, signature, 4) && checksum_ok(r, phys, entry.length))
            return phys;
    }
    return 0;
}

// The DSDT is read in pieces that overlap by more than the object we look for.
static bool s5_find(const struct acpi_reader *r, uint64_t dsdt, uint8_t *a, uint8_t *b)
{
    struct sdt h;
    uint8_t piece[1024];
    if (!table_header(r, dsdt, &h) || memcmp(h.signature, "DSDT", 4) != 0)
        return false;
    for (uint32_t at = sizeof h; at < h.length; at += sizeof piece / 2) {
        uint32_t n = h.length - at < sizeof piece ? h.length - at : sizeof piece;
        if (!r->read(r->ctx, dsdt + at, piece, n))
            return false;
        if (acpi_s5_parse(piece, n, a, b))
            return true;
    }
    return false;
}

void acpi_power_find(const struct acpi_reader *r, const void *rsdp, struct acpi_power *out)
{
    *out = (struct acpi_power){0};
    uint64_t at = table_find(r, rsdp, "FACP");
    struct fadt f = {0};
    struct sdt h;
    if (!at || !table_header(r, at, &h) || h.length < FADT_V1_SIZE)
        return;
    uint32_t n = h.length < sizeof f ? h.length : sizeof f;
    if (!r->read(r->ctx, at, &f, n))
        return;
    out->pm1a_cnt = f.pm1a_cnt;
    out->pm1b_cnt = f.pm1b_cnt;
    out->smi_cmd = f.smi_cmd;
    out->acpi_enable = f.acpi_enable;
    out->can_sleep = f.pm1a_cnt && f.pm1a_cnt <= 0xffff && s5_find(r, f.dsdt, &out->slp_typ_a, &out->slp_typ_b);
    if (n == sizeof f && (f.flags & FADT_RESET_REG) && f.reset.space == GAS_IO && f.reset.address &&
        f.reset.address <= 0xffff) {
        out->can_reset = true;
        out->reset_port = f.reset.address;
        out->reset_value = f.reset_value;
    }
}
