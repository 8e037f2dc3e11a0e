// SPDX-License-Identifier: MIT
// INT 15h: memory, A20, waits, the configuration table.
#include "bios-emul/internal.h"
#include "pc/i8042.h"

#define SMAP             0x534d4150u
#define E820_SIZE        20
#define MIB              (1u << 20)
#define LIMIT_88H        0xfc00 // KiB: 63 MiB, more breaks old software
#define STATUS_EXCEPTION 2      // INT 15h AH=87h

// Bytes of RAM from 1 MiB up to the first hole.
static uint64_t extended_memory(const struct bios *b)
{
    for (unsigned i = 0; i < b->config.regions; i++)
        if (b->config.map[i].base == MIB && b->config.map[i].type == 1)
            return b->config.map[i].size;
    return 0;
}

static enum bios_result done(struct bios_regs *r, uint8_t ah)
{
    r->a.h = ah;
    carry(r, ah != 0);
    return BIOS_DONE;
}

// ---- memory

static enum bios_result map_e820(struct bios *b, struct bios_regs *r)
{
    const struct bios_region *region = &b->config.map[r->b.e < BIOS_REGIONS ? r->b.e : 0];
    uint32_t size = r->c.e < E820_SIZE ? r->c.e : E820_SIZE;
    if (r->d.e != SMAP || r->b.e >= b->config.regions || size < E820_SIZE)
        return unsupported(b, r, 0x15);
    uint32_t at = r->es_base + r->di.x;
    uint32_t entry[5] = {(uint32_t)region->base, (uint32_t)(region->base >> 32), (uint32_t)region->size,
                         (uint32_t)(region->size >> 32), region->type};
    mem_write(b, at, entry, E820_SIZE);
    r->b.e = r->b.e + 1 < b->config.regions ? r->b.e + 1 : 0;
    r->a.e = SMAP;
    r->c.e = E820_SIZE;
    carry(r, false);
    return BIOS_DONE;
}

// KiB between 1 and 16 MiB, and 64 KiB blocks above.
static void sizes_split(const struct bios *b, uint32_t *low, uint32_t *high)
{
    uint64_t bytes = extended_memory(b);
    *low = (uint32_t)((bytes < 15 * MIB ? bytes : 15 * MIB) >> 10);
    *high = bytes > 15 * MIB ? (uint32_t)((bytes - 15 * MIB) >> 16) : 0;
}

static enum bios_result sizes_e801(struct bios *b, struct bios_regs *r)
{
    uint32_t low, high;
    sizes_split(b, &low, &high);
    r->a.x = r->c.x = (uint16_t)low;
    r->b.x = r->d.x = (uint16_t)high;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result sizes_e881(struct bios *b, struct bios_regs *r)
{
    uint32_t low, high;
    sizes_split(b, &low, &high);
    r->a.e = r->c.e = low;
    r->b.e = r->d.e = high;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result memory_e8(struct bios *b, struct bios_regs *r)
{
    switch (r->a.l) {
    case 0x01:
        return sizes_e801(b, r);
    case 0x20:
        return map_e820(b, r);
    case 0x81:
        return sizes_e881(b, r);
    default:
        return unsupported(b, r, 0x15);
    }
}

static enum bios_result memory_88(struct bios *b, struct bios_regs *r)
{
    uint64_t kib = extended_memory(b) >> 10;
    r->a.x = (uint16_t)(kib < LIMIT_88H ? kib : LIMIT_88H);
    carry(r, false);
    return BIOS_DONE;
}

// Opens or closes the A20 gate; returns how it was.
static bool a20_switch(struct bios *b, bool open)
{
    uint8_t value = port_in(b, PORT92) & ~PORT92_RESET;
    if (open != (bool)(value & PORT92_A20))
        port_out(b, PORT92, value ^ PORT92_A20);
    return value & PORT92_A20;
}

// Moves CX words as the descriptors at ES:SI + 10h and + 18h say, to where their addresses really are: the gate is open
// meanwhile.
static enum bios_result block_move(struct bios *b, struct bios_regs *r)
{
    uint32_t table = r->es_base + r->si.x, left = (uint32_t)r->c.x * 2;
    uint32_t end[2], base[2];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t at = table + 0x10 + 8 * i;
        base[i] = (mem_get(b, at + 2, 4) & 0xffffff) | (uint32_t)mem_get8(b, at + 7) << 24;
        end[i] = mem_get16(b, at) | (mem_get8(b, at + 6) & 0x0fu) << 16;
        if (mem_get8(b, at + 6) & 0x80)
            end[i] = end[i] << 12 | 0xfff;
    }
    if (r->c.x > 0x8000 || (left && (left - 1 > end[0] || left - 1 > end[1])))
        return done(r, STATUS_EXCEPTION);
    bool was_open = a20_switch(b, true), ok = true;
    while (left && ok) {
        uint32_t n = left < sizeof(b->sector) ? left : sizeof(b->sector);
        ok = mem_read(b, base[0], b->sector, n) && mem_write(b, base[1], b->sector, n);
        base[0] += n;
        base[1] += n;
        left -= n;
    }
    a20_switch(b, was_open);
    return done(r, ok ? 0 : STATUS_EXCEPTION);
}

// ---- A20

// What the ROM does not do itself.
static enum bios_result gate_a20(struct bios *b, struct bios_regs *r)
{
    if (r->a.l != 3)
        return unsupported(b, r, 0x15);
    r->b.x = 3; // by the keyboard controller and by port 92h
    return done(r, 0);
}

// ---- waits

static enum bios_result wait_event(struct bios *b, struct bios_regs *r)
{
    if (r->a.l == 1) {
        wait_cancel(b);
        return done(r, 0);
    }
    if (r->a.l != 0)
        return unsupported(b, r, 0x15);
    if (!wait_start(b, WAIT_EVENT, r->es_base + r->b.x, (uint32_t)r->c.x << 16 | r->d.x)) {
        r->a.h = 0x83;
        carry(r, true);
        return BIOS_DONE;
    }
    return done(r, 0);
}

static enum bios_result wait_here(struct bios *b, struct bios_regs *r)
{
    if (b->state.wait.kind == WAIT_CALLER) {
        if (!b->state.wait.fired)
            return BIOS_AGAIN;
        wait_cancel(b);
        carry(r, false); // AH stays: there are loops that set it once
        return BIOS_DONE;
    }
    if (!wait_start(b, WAIT_CALLER, 0, (uint32_t)r->c.x << 16 | r->d.x)) {
        r->a.h = 0x83;
        carry(r, true);
        return BIOS_DONE;
    }
    return BIOS_AGAIN;
}

// ---- the rest

static enum bios_result config_table(struct bios *b, struct bios_regs *r)
{
    (void)b;
    es_set(r, BIOS_SEGMENT);
    r->b.x = ROM_CONFIG_TABLE;
    return done(r, 0);
}

static enum bios_result ebda_segment(struct bios *b, struct bios_regs *r)
{
    es_set(r, bda16(b, BDA_EBDA));
    carry(r, false);
    return BIOS_DONE;
}

// A key is coming (AL): nobody changes it.
static enum bios_result key_intercept(struct bios *b, struct bios_regs *r)
{
    (void)b;
    carry(r, true);
    return BIOS_DONE;
}

static enum bios_result nothing_to_do(struct bios *b, struct bios_regs *r)
{
    (void)b;
    return done(r, 0);
}

static const struct {
    uint8_t function;
    bios_service service;
} functions[] = {
    {0x24, gate_a20},      {0x4f, key_intercept}, {0x53, int15_apm},     {0x80, nothing_to_do}, {0x81, nothing_to_do},
    {0x82, nothing_to_do}, {0x83, wait_event},    {0x85, nothing_to_do}, {0x86, wait_here},     {0x87, block_move},
    {0x88, memory_88},     {0x90, nothing_to_do}, {0x91, nothing_to_do}, {0xc0, config_table},  {0xc1, ebda_segment},
    {0xc2, int15_mouse},   {0xe8, memory_e8},
};

enum bios_result int15_system(struct bios *b, struct bios_regs *r)
{
    for (unsigned i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (functions[i].function == r->a.h)
            return functions[i].service(b, r);
    return unsupported(b, r, 0x15);
}
