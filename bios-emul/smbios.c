// SPDX-License-Identifier: MIT
// SMBIOS 2.4: what the machine is called and what it has (DMTF DSP0134).
#include "bios-emul/internal.h"
#include "lib/c/string.h"

#define PACKED   __attribute__((packed))
#define SPACE    2048
#define DIMM_MAX 0x4000 // MiB of one memory device: 16 GiB
#define DIMMS    8

struct builder {
    uint8_t bytes[SPACE];
    uint32_t at;
    uint16_t count, largest;
};

struct head {
    uint8_t type, length;
    uint16_t handle;
} PACKED;

// The formatted part, then its strings, separated by `|`.
static void structure_add(struct builder *t, const void *formatted, const char *strings)
{
    const struct head *h = formatted;
    uint32_t size = (uint32_t)(h->length + strlen(strings) + 2);
    if (t->at + size > SPACE)
        return;
    memcpy(t->bytes + t->at, formatted, h->length);
    uint8_t *to = t->bytes + t->at + h->length;
    for (const char *c = strings; *c; c++)
        *to++ = *c == '|' ? 0 : (uint8_t)*c;
    *to++ = 0;
    *to++ = 0;
    t->at += size;
    t->count++;
    t->largest = (uint16_t)(size > t->largest ? size : t->largest);
}

static void bios_add(struct builder *t)
{
    const struct {
        struct head h;
        uint8_t vendor, version;
        uint16_t segment;
        uint8_t date, size;
        uint64_t characteristics;
        uint8_t extension[2], major, minor, ec_major, ec_minor;
    } PACKED s = {{0, 24, 0x0000}, 1, 2, BIOS_SEGMENT, 3, 0, 0x48019890, {0x01, 0x04}, 1, 0, 0xff, 0xff};
    structure_add(t, &s, "Mica|1.0|06/23/1999");
}

static void system_add(struct builder *t)
{
    const struct {
        struct head h;
        uint8_t vendor, product, version, serial, uuid[16], wake_up, sku, family;
    } PACKED s = {{1, 27, 0x0100}, 1, 2, 3, 0, {0}, 6, 0, 0};
    structure_add(t, &s, "Mica|Mica PC|1.0");
}

static void chassis_add(struct builder *t)
{
    const struct {
        struct head h;
        uint8_t vendor, type, version, serial, asset, boot_up, supply, thermal, security;
    } PACKED s = {{3, 13, 0x0300}, 1, 1, 0, 0, 0, 3, 3, 3, 2};
    structure_add(t, &s, "Mica");
}

static void processor_add(struct builder *t, unsigned index, uint64_t hz)
{
    const struct {
        struct head h;
        uint8_t socket, type, family, vendor;
        uint64_t id;
        uint8_t version, voltage;
        uint16_t clock, max_speed, speed;
        uint8_t status, upgrade;
        uint16_t l1, l2, l3;
    } PACKED s = {{4, 32, (uint16_t)(0x0400 + index)},
                  1,
                  3,
                  1,
                  2,
                  0,
                  0,
                  0,
                  0,
                  (uint16_t)(hz / 1000000),
                  (uint16_t)(hz / 1000000),
                  0x41,
                  1,
                  0xffff,
                  0xffff,
                  0xffff};
    structure_add(t, &s, "CPU|Mica");
}

static void memory_add(struct builder *t, uint64_t bytes)
{
    uint64_t mib = bytes >> 20, kib = bytes >> 10;
    uint16_t devices = (uint16_t)(mib / DIMM_MAX + (mib % DIMM_MAX != 0));
    devices = devices > DIMMS ? DIMMS : devices;
    const struct {
        struct head h;
        uint8_t location, use, correction;
        uint32_t capacity;
        uint16_t error, devices;
    } PACKED array = {{16, 15, 0x1000}, 1, 3, 3, kib < 0x80000000u ? (uint32_t)kib : 0x80000000u, 0xfffe, devices};
    structure_add(t, &array, "");
    for (uint16_t i = 0; i < devices; i++) {
        uint64_t size = mib < DIMM_MAX ? mib : DIMM_MAX;
        const struct {
            struct head h;
            uint16_t array, error, total_width, data_width, size;
            uint8_t form, set, device, bank, type;
            uint16_t detail;
        } PACKED s = {{17, 21, (uint16_t)(0x1100 + i)}, 0x1000, 0xfffe, 64, 64, (uint16_t)size, 9, 0, 1, 0, 7, 0};
        structure_add(t, &s, "DIMM");
        mib -= size;
    }
    const struct {
        struct head h;
        uint32_t first, last;
        uint16_t array;
        uint8_t width;
    } PACKED map = {{19, 15, 0x1300}, 0, (uint32_t)(kib ? kib - 1 : 0), 0x1000, 1};
    structure_add(t, &map, "");
}

static void finish(struct bios *b, struct builder *t)
{
    const struct {
        struct head h;
        uint8_t status[6];
    } PACKED boot = {{32, 10, 0x2000}, {0}};
    const struct head end = {127, 4, 0x7f00};
    structure_add(t, &boot, "");
    structure_add(t, &end, "");
    struct {
        char anchor[4];
        uint8_t checksum, length, major, minor;
        uint16_t largest;
        uint8_t revision, formatted[5];
        char intermediate[5];
        uint8_t intermediate_checksum;
        uint16_t size;
        uint32_t address;
        uint16_t count;
        uint8_t bcd;
    } PACKED entry = {{'_', 'S', 'M', '_'},
                      0,
                      0x1f,
                      2,
                      4,
                      t->largest,
                      0,
                      {0},
                      {'_', 'D', 'M', 'I', '_'},
                      0,
                      (uint16_t)t->at,
                      BIOS_ROM_BASE + ROM_SMBIOS + 0x20,
                      t->count,
                      0x24};
    const uint8_t *bytes = (const uint8_t *)&entry;
    uint8_t sum = 0;
    for (unsigned i = 0x10; i < 0x1f; i++)
        sum = (uint8_t)(sum + bytes[i]);
    entry.intermediate_checksum = (uint8_t)-sum;
    sum = 0;
    for (unsigned i = 0; i < 0x1f; i++)
        sum = (uint8_t)(sum + bytes[i]);
    entry.checksum = (uint8_t)-sum;
    mem_write(b, BIOS_ROM_BASE + ROM_SMBIOS, &entry, sizeof(entry));
    mem_write(b, entry.address, t->bytes, t->at);
}

void smbios_post(struct bios *b)
{
    struct builder t = {.at = 0};
    bios_add(&t);
    system_add(&t);
    chassis_add(&t);
    for (unsigned i = 0; i < b->config.cpus && i < 8; i++)
        processor_add(&t, i, b->config.cpu_hz);
    memory_add(&t, b->config.memory);
    finish(b, &t);
}
