// SPDX-License-Identifier: MIT
// The physical memory map: what the firmware reports, made sane, with the kernel's own part taken out; and who may map
// what.
#include "lib/c/string.h"
#include "ukernel/platform.h"

#define LIMIT_4G   (1ul << 32)
#define PHYS_END   (1ul << 52)
#define MAX_DEVICE 24

static bool overlaps(uint64_t base, uint64_t size, uint64_t other, uint64_t other_size)
{
    return base < other + other_size && other < base + size;
}

// Where regions overlap the higher rank wins.
static unsigned type_rank(uint32_t type)
{
    static const struct {
        uint32_t type;
        unsigned rank;
    } ranks[] = {{REGION_AVAILABLE, 1}, {REGION_ACPI, 2},   {REGION_RESERVED, 3}, {REGION_NVS, 4},
                 {REGION_BAD, 5},       {REGION_MODULE, 6}, {REGION_KERNEL, 7}};
    for (unsigned i = 0; i < sizeof(ranks) / sizeof(*ranks); i++)
        if (ranks[i].type == type)
            return ranks[i].rank;
    return 3;
}

bool memmap_add(struct memmap *map, uint64_t base, uint64_t size, uint32_t type)
{
    if (base >= PHYS_END)
        return true;
    if (size > PHYS_END - base)
        size = PHYS_END - base;
    uint64_t end = base + size, mask = PAGE_SIZE - 1;
    if (type == REGION_AVAILABLE) { // what is only partly RAM is not RAM
        base = (base + mask) & ~mask;
        end &= ~mask;
    } else {
        base &= ~mask;
        end = (end + mask) & ~mask;
    }
    if (size == 0 || base >= end)
        return true;
    if (map->count == BOOT_REGIONS)
        return false;
    map->regions[map->count++] = (struct boot_region){base, end - base, type};
    return true;
}

// The first boundary of any region above `at`.
static uint64_t next_boundary(const struct memmap *map, uint64_t at)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < map->count; i++) {
        uint64_t base = map->regions[i].base, end = base + map->regions[i].size;
        if (base > at && base < next)
            next = base;
        if (end > at && end < next)
            next = end;
    }
    return next;
}

static uint32_t type_at(const struct memmap *map, uint64_t at)
{
    uint32_t type = 0;
    unsigned best = 0;
    for (unsigned i = 0; i < map->count; i++) {
        const struct boot_region *r = &map->regions[i];
        if (at >= r->base && at - r->base < r->size && type_rank(r->type) > best) {
            best = type_rank(r->type);
            type = r->type;
        }
    }
    return type;
}

bool memmap_normalise(struct memmap *map)
{
    static struct memmap sorted;
    sorted.count = 0;
    for (uint64_t at = 0, next; (next = next_boundary(map, at)) != UINT64_MAX; at = next) {
        uint32_t type = type_at(map, at);
        struct boot_region *last = sorted.count ? &sorted.regions[sorted.count - 1] : NULL;
        if (!type)
            continue;
        if (last && last->type == type && last->base + last->size == at)
            last->size += next - at;
        else if (sorted.count == BOOT_REGIONS)
            return false;
        else
            sorted.regions[sorted.count++] = (struct boot_region){at, next - at, type};
    }
    *map = sorted;
    return true;
}

uint64_t memmap_ram(const struct memmap *map)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < map->count; i++)
        if (map->regions[i].type == REGION_AVAILABLE)
            sum += map->regions[i].size;
    return sum;
}

bool memmap_place(const struct memmap *map, uint64_t size, uint64_t least, uint64_t *base, uint64_t *got)
{
    uint64_t best_base = 0, best_end = 0;
    for (unsigned i = 0; i < map->count; i++) {
        const struct boot_region *r = &map->regions[i];
        uint64_t end = r->base + r->size < LIMIT_4G ? r->base + r->size : LIMIT_4G;
        uint64_t start = (r->base + LARGE_SIZE - 1) & ~(LARGE_SIZE - 1);
        end &= ~(LARGE_SIZE - 1);
        if (r->type == REGION_AVAILABLE && start < end && end - start >= best_end - best_base) {
            best_base = start;
            best_end = end;
        }
    }
    *got = size < best_end - best_base ? size : best_end - best_base;
    *base = best_end - *got;
    return *got >= least && *got;
}

// ---- what the HIP says, and what may be granted
static struct boot_region devices[MAX_DEVICE];
static unsigned device_count;
static uint64_t log_base, log_size;

void phys_init(const struct memmap *map)
{
    hip->region_count = 0;
    for (unsigned i = 0; i < map->count && hip->region_count < HIP_REGIONS; i++) {
        const struct boot_region *r = &map->regions[i];
        hip->regions[hip->region_count++] = (struct hip_region){.base = r->base, .size = r->size, .type = r->type};
    }
    if (map->count > HIP_REGIONS)
        klog("memory map: %u regions, only the first %u are used", map->count, HIP_REGIONS);
}

void phys_keep_device(uint64_t phys, uint64_t size)
{
    ASSERT(device_count < MAX_DEVICE);
    devices[device_count++] = (struct boot_region){phys, size, REGION_RESERVED};
}

void phys_share_log(uint64_t phys, uint64_t size)
{
    log_base = phys;
    log_size = size;
}

static bool is_ram_type(uint32_t type)
{
    return type == REGION_AVAILABLE || type == REGION_ACPI || type == REGION_NVS;
}

bool phys_grantable(uint64_t phys, uint64_t size, uint32_t rights, bool *ram)
{
    if (!size || phys >= PHYS_END || size > PHYS_END - phys)
        return false;
    if (phys >= log_base && size <= log_size && phys - log_base <= log_size - size) {
        *ram = true;
        return !(rights & (MAP_W | MAP_X));
    }
    for (unsigned i = 0; i < device_count; i++)
        if (overlaps(phys, size, devices[i].base, devices[i].size))
            return false;
    uint64_t in_ram = 0;
    for (unsigned i = 0; i < hip->region_count; i++) {
        const struct hip_region *r = &hip->regions[i];
        if (!overlaps(phys, size, r->base, r->size))
            continue;
        if (r->type == REGION_KERNEL)
            return false;
        uint64_t base = r->base > phys ? r->base : phys, end = r->base + r->size;
        if (is_ram_type(r->type))
            in_ram += (end < phys + size ? end : phys + size) - base;
    }
    *ram = in_ram == size;
    return *ram || !in_ram; // not half memory, half device
}
