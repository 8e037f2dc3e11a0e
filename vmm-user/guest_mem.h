// SPDX-License-Identifier: MIT
// Guest RAM as the VMM sees it: `low` is guest-physical 0 up to low_size (below 4 GiB), `high` starts at 4 GiB.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GUEST_MEM_HIGH_BASE (1ull << 32)

struct guest_mem {
    uint8_t *low;
    uint64_t low_size; // bytes
    uint8_t *high;
    uint64_t high_size;
    uint16_t read_only; // bit n: the nth 16 KiB from GUEST_MEM_SHADOW on
};

// The shadow RAM of the BIOS area, which the chipset makes read-only after POST.
#define GUEST_MEM_SHADOW     0xc0000ull
#define GUEST_MEM_SHADOW_END 0x100000ull
#define GUEST_MEM_SHADOW_BIT 14

// The host address of [gpa, gpa + len), or NULL unless all of it is RAM. The guest may change it at any time.
static inline void *guest_mem_at(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
    if (gpa < mem->low_size) {
        return len <= mem->low_size - gpa ? mem->low + gpa : (void *)0;
    }
    gpa -= GUEST_MEM_HIGH_BASE; // wraps to a huge offset below 4 GiB
    return gpa < mem->high_size && len <= mem->high_size - gpa ? mem->high + gpa : (void *)0;
}

// Is it shadow RAM that cannot be written now? What is written there is lost. Not across one of its 16 KiB.
static inline bool guest_mem_is_rom(const struct guest_mem *mem, uint64_t gpa)
{
    return gpa - GUEST_MEM_SHADOW < GUEST_MEM_SHADOW_END - GUEST_MEM_SHADOW &&
           mem->read_only >> ((gpa - GUEST_MEM_SHADOW) >> GUEST_MEM_SHADOW_BIT) & 1;
}

// Host memory the guest may change meanwhile: each access is exactly one of the processor, at any alignment.
typedef uint16_t __attribute__((aligned(1), may_alias)) host_u16;
typedef uint32_t __attribute__((aligned(1), may_alias)) host_u32;
typedef uint64_t __attribute__((aligned(1), may_alias)) host_u64;

// size is 1, 2, 4 or 8
static inline uint64_t host_load(const void *at, unsigned size)
{
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)at;
    case 2:
        return *(const volatile host_u16 *)at;
    case 4:
        return *(const volatile host_u32 *)at;
    default:
        return *(const volatile host_u64 *)at;
    }
}

static inline void host_store(void *at, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(volatile host_u16 *)at = (uint16_t)value;
        break;
    case 4:
        *(volatile host_u32 *)at = (uint32_t)value;
        break;
    default:
        *(volatile host_u64 *)at = value;
        break;
    }
}

// False if [gpa, gpa + size) is not all RAM; size 1, 2, 4 or 8. A write to read-only memory is lost.
static inline bool guest_mem_read(const struct guest_mem *mem, uint64_t gpa, unsigned size, uint64_t *value)
{
    const void *at = guest_mem_at(mem, gpa, size);
    if (!at) {
        return false;
    }
    *value = host_load(at, size);
    return true;
}

static inline bool guest_mem_write(const struct guest_mem *mem, uint64_t gpa, unsigned size, uint64_t value)
{
    void *at = guest_mem_at(mem, gpa, size);
    if (!at) {
        return false;
    }
    if (!guest_mem_is_rom(mem, gpa)) {
        host_store(at, size, value);
    }
    return true;
}
