// SPDX-License-Identifier: MIT
// CPU accesses to the VGA's memory: the graphics controller's data path, once per byte.
#include "vmm-user/devices/vga_parts.h"
#include "vmm-user/guest_mem.h"

// A byte for each of the four planes that `bits` names.
static inline uint32_t planes_of(unsigned bits)
{
    static const uint32_t masks[16] = {
        0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff, 0x00ffff00, 0x00ffffff,
        0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff, 0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
    };
    return masks[bits & 15];
}

static inline uint32_t in_all_planes(uint8_t byte)
{
    return byte * 0x01010101u;
}

// ---- the plan

static bool data_path_is_plain(const uint8_t *gc)
{
    return !(gc[VGA_GC_MODE] & (VGA_GC_MODE_WRITE | VGA_GC_MODE_READ)) && !(gc[VGA_GC_SET_ENABLE] & 15) &&
           !(gc[VGA_GC_ROTATE] & 0x1f) && gc[VGA_GC_BIT_MASK] == 0xff;
}

// Can the window's bytes stand for the planes? Odd/even with planes 0 and 1, or chain-4 with all of them.
static bool window_is_plain(const struct vga *v, const struct vga_plan *p)
{
    if (!data_path_is_plain(v->gc) || p->size > VGA_PLANE_SIZE)
        return false;
    if (p->path == VGA_PATH_CHAIN4)
        return (v->seq[VGA_SEQ_MAP_MASK] & 15) == 15 && p->first == 0;
    return p->path == VGA_PATH_ODD_EVEN && (v->seq[VGA_SEQ_MAP_MASK] & 15) == 3 && p->odd_read &&
           !(v->gc[VGA_GC_READ_MAP] & 2) && p->first != 0;
}

static void plan_bit_mask(const struct vga *v, struct vga_plan *p)
{
    p->bit_mask = in_all_planes(v->gc[VGA_GC_BIT_MASK]);
    p->cpu_mask = p->bit_mask & ~p->set_enable;
    p->fixed = p->bit_mask & p->set_enable & p->set_reset;
}

// What the graphics controller does to the bytes.
static void plan_data(const struct vga *v, struct vga_plan *p)
{
    const uint8_t *gc = v->gc;
    p->write_mode = gc[VGA_GC_MODE] & VGA_GC_MODE_WRITE;
    p->rotate = gc[VGA_GC_ROTATE] & 7;
    p->logic = gc[VGA_GC_ROTATE] >> 3 & 3;
    p->simple = !p->write_mode && !p->rotate && !p->logic;
    p->odd_read = (gc[VGA_GC_MODE] & VGA_GC_MODE_ODD_EVEN) != 0;
    p->read_map = gc[VGA_GC_READ_MAP] & 3;
    p->compare = gc[VGA_GC_MODE] & VGA_GC_MODE_READ;
    p->compare_color = planes_of(gc[VGA_GC_COMPARE]);
    p->compare_care = planes_of(gc[VGA_GC_COMPARE_CARE]);
    p->set_enable = planes_of(gc[VGA_GC_SET_ENABLE]);
    p->set_reset = planes_of(gc[VGA_GC_SET_RESET]);
    plan_bit_mask(v, p);
    p->plane_mask = planes_of(v->seq[VGA_SEQ_MAP_MASK]);
}

static struct vga_plan plan_make(const struct vga *v)
{
    static const uint32_t maps[4][2] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    const uint32_t *map = maps[v->gc[VGA_GC_MISC] >> VGA_GC_MISC_MAP_SHIFT & 3];
    struct vga_plan p = {.path = VGA_PATH_PLANAR, .first = map[0], .size = map[1]};
    plan_data(v, &p);
    if (!(v->misc & VGA_MISC_RAM) || !(v->enable & VGA_ENABLE_ON))
        p.path = VGA_PATH_CLOSED;
    else if (dispi_linear(v))
        p.path = VGA_PATH_BANK;
    else if (v->seq[VGA_SEQ_MEMORY] & VGA_SEQ_MEMORY_CHAIN4)
        p.path = VGA_PATH_CHAIN4;
    else if (!(v->seq[VGA_SEQ_MEMORY] & VGA_SEQ_MEMORY_FLAT))
        p.path = VGA_PATH_ODD_EVEN;
    if (p.path == VGA_PATH_BANK) {
        p.first = 0;
        p.size = DISPI_BANK_SIZE;
    } else if (v->host.window && window_is_plain(v, &p)) {
        p.path = VGA_PATH_DIRECT;
    }
    return p;
}

// Words of the planes to bytes of the window, or back. Text lies in the low halves of every other word.
static void window_copy(struct vga *v, const struct vga_plan *p, bool to_window)
{
    uint8_t *window = v->host.window + p->first;
    if (p->first == 0) {
        host_u32 *wide = (host_u32 *)window;
        for (size_t i = 0; i < p->size; i += 4, wide++) {
            if (to_window)
                *wide = v->planes[i];
            else
                v->planes[i] = *wide;
        }
        return;
    }
    host_u16 *cell = (host_u16 *)window;
    for (size_t i = 0; i < p->size; i += 2, cell++) {
        if (to_window)
            *cell = (uint16_t)v->planes[i];
        else
            v->planes[i] = (v->planes[i] & 0xffff0000) | *cell;
    }
}

void vga_planes_update(struct vga *v)
{
    if (v->plan.path == VGA_PATH_DIRECT)
        window_copy(v, &v->plan, false);
}

static inline uint8_t *bank_at(const struct vga *v, uint32_t offset)
{
    return v->host.framebuffer + (size_t)v->dispi[DISPI_BANK] * DISPI_BANK_SIZE + offset;
}

static struct vga_mapping mapping_of(const struct vga *v, const struct vga_plan *p)
{
    if (p->path == VGA_PATH_DIRECT)
        return (struct vga_mapping){VGA_MEMORY_BASE + p->first, p->size, v->host.window + p->first};
    if (p->path == VGA_PATH_BANK)
        return (struct vga_mapping){VGA_MEMORY_BASE, p->size, bank_at(v, 0)};
    return (struct vga_mapping){0};
}

struct vga_mapping vga_mapping(const struct vga *v)
{
    return v->plan.mapping;
}

static void mapping_set(struct vga *v, struct vga_mapping now)
{
    v->plan.mapping = now;
    if (v->host.mapped)
        v->host.mapped(v->host.ctx, now);
}

void vga_plan_data_update(struct vga *v, bool bit_mask)
{
    if (v->plan.path != VGA_PATH_PLANAR)
        vga_plan_update(v);
    else if (bit_mask)
        plan_bit_mask(v, &v->plan);
    else
        plan_data(v, &v->plan);
}

void vga_plan_update(struct vga *v)
{
    struct vga_plan before = v->plan, plan = plan_make(v);
    plan.mapping = mapping_of(v, &plan);
    if (plan.mapping.memory == before.mapping.memory && plan.mapping.size == before.mapping.size) {
        v->plan = plan;
        return;
    }
    // The guest's view is closed before the planes are taken from it, and opened after they are in place.
    v->plan.path = VGA_PATH_CLOSED;
    if (before.mapping.size)
        mapping_set(v, (struct vga_mapping){0});
    if (before.path == VGA_PATH_DIRECT)
        window_copy(v, &before, false);
    if (plan.path == VGA_PATH_DIRECT)
        window_copy(v, &plan, true);
    v->plan = plan;
    if (plan.mapping.size)
        mapping_set(v, plan.mapping);
}

// ---- one byte

// What the planes get for a CPU byte, before the plane mask.
static inline uint32_t data_path(const struct vga *v, uint8_t byte)
{
    const struct vga_plan *p = &v->plan;
    uint32_t data, mask = p->bit_mask;
    if (__builtin_expect(p->simple, 1))
        return (in_all_planes(byte) & p->cpu_mask) | p->fixed | (v->latch & ~mask);
    uint8_t rotated = (uint8_t)(byte >> p->rotate | byte << (8 - p->rotate));
    switch (p->write_mode) {
    case 0:
        data = (in_all_planes(rotated) & ~p->set_enable) | (p->set_reset & p->set_enable);
        break;
    case 1:
        return v->latch;
    case 2:
        data = planes_of(byte);
        break;
    default:
        data = p->set_reset;
        mask &= in_all_planes(rotated);
        break;
    }
    switch (p->logic) {
    case 1:
        data &= v->latch;
        break;
    case 2:
        data |= v->latch;
        break;
    case 3:
        data ^= v->latch;
        break;
    default:
        break;
    }
    return (data & mask) | (v->latch & ~mask);
}

// The word of the planes for a byte address in the aperture; *select: those planes that this address reaches.
static inline uint32_t plane_address(const struct vga *v, uint32_t offset, uint32_t *select)
{
    switch (v->plan.path) {
    case VGA_PATH_CHAIN4:
        *select = 0xffu << 8 * (offset & 3);
        return offset & 0xfffc;
    case VGA_PATH_ODD_EVEN:
        *select = offset & 1 ? 0xff00ff00 : 0x00ff00ff;
        return (offset & 0xfffe) | (v->plan.size > VGA_PLANE_SIZE ? offset >> 16 & 1 : 0);
    default:
        *select = 0xffffffff;
        return offset & 0xffff;
    }
}

static inline void byte_write(struct vga *v, uint32_t offset, uint8_t byte)
{
    uint32_t select;
    uint32_t *word = &v->planes[plane_address(v, offset, &select)];
    select &= v->plan.plane_mask;
    *word = (*word & ~select) | (data_path(v, byte) & select);
}

static inline uint8_t byte_read(struct vga *v, uint32_t offset)
{
    const struct vga_plan *p = &v->plan;
    uint32_t select;
    uint32_t latch = v->planes[plane_address(v, offset, &select)];
    v->latch = latch;
    if (__builtin_expect(p->compare, 0)) {
        uint32_t differs = (latch ^ p->compare_color) & p->compare_care;
        differs |= differs >> 16;
        return (uint8_t) ~(differs | differs >> 8);
    }
    unsigned plane = p->read_map;
    if (p->path == VGA_PATH_CHAIN4)
        plane = offset & 3;
    else if (p->odd_read)
        plane = (plane & 2) | (offset & 1);
    return (uint8_t)(latch >> 8 * plane);
}

// ---- accesses

// The offset in the aperture; false if the access does not lie in it as a whole.
static inline bool aperture_offset(const struct vga *v, uint64_t addr, unsigned size, uint32_t *offset)
{
    uint64_t at = addr - VGA_MEMORY_BASE - v->plan.first;
    *offset = (uint32_t)at;
    return at < v->plan.size && size <= v->plan.size - at && v->plan.path != VGA_PATH_CLOSED;
}

static uint64_t read_piecewise(struct vga *v, uint64_t addr, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint32_t offset;
        bool inside = aperture_offset(v, addr + i, 1, &offset);
        value |= (inside ? vga_read(v, addr + i, 1) : 0xff) << 8 * i;
    }
    return value;
}

static void write_piecewise(struct vga *v, uint64_t addr, unsigned size, uint64_t value)
{
    uint32_t offset;
    for (unsigned i = 0; i < size; i++, value >>= 8)
        if (aperture_offset(v, addr + i, 1, &offset))
            vga_write(v, addr + i, 1, value & 0xff);
}

// All but the bytes of planar modes; kept apart so that those need no stack frame.
static __attribute__((noinline)) uint64_t read_other(struct vga *v, uint64_t addr, unsigned size)
{
    uint32_t offset;
    if (!aperture_offset(v, addr, size, &offset))
        return size == 1 ? 0xff : read_piecewise(v, addr, size);
    if (v->plan.path == VGA_PATH_DIRECT)
        return host_load(v->host.window + v->plan.first + offset, size);
    if (v->plan.path == VGA_PATH_BANK)
        return host_load(bank_at(v, offset), size);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)byte_read(v, offset + i) << 8 * i;
    return value;
}

static __attribute__((noinline)) void write_other(struct vga *v, uint64_t addr, unsigned size, uint64_t value)
{
    uint32_t offset;
    if (!aperture_offset(v, addr, size, &offset)) {
        if (size > 1)
            write_piecewise(v, addr, size, value);
    } else if (v->plan.path == VGA_PATH_DIRECT) {
        host_store(v->host.window + v->plan.first + offset, size, value);
    } else if (v->plan.path == VGA_PATH_BANK) {
        host_store(bank_at(v, offset), size, value);
    } else {
        for (unsigned i = 0; i < size; i++, value >>= 8)
            byte_write(v, offset + i, (uint8_t)value);
    }
}

uint64_t vga_read(struct vga *v, uint64_t addr, unsigned size)
{
    const struct vga_plan *p = &v->plan;
    uint64_t offset = addr - VGA_MEMORY_BASE - p->first;
    if (size != 1 || p->path != VGA_PATH_PLANAR || offset >= p->size || p->compare || p->odd_read)
        return read_other(v, addr, size);
    v->latch = v->planes[offset & 0xffff];
    return v->latch >> 8 * p->read_map & 0xff;
}

void vga_write(struct vga *v, uint64_t addr, unsigned size, uint64_t value)
{
    const struct vga_plan *p = &v->plan;
    uint64_t offset = addr - VGA_MEMORY_BASE - p->first;
    if (size != 1 || p->path != VGA_PATH_PLANAR || offset >= p->size || !p->simple) {
        write_other(v, addr, size, value);
        return;
    }
    uint32_t *word = &v->planes[offset & 0xffff];
    *word = (*word & ~p->plane_mask) | (data_path(v, (uint8_t)value) & p->plane_mask);
}

// ---- many at once

static bool all_planar(const struct vga *v, uint64_t addr, uint64_t bytes)
{
    uint32_t offset;
    return v->plan.path == VGA_PATH_PLANAR && bytes <= VGA_MEMORY_SIZE &&
           aperture_offset(v, addr, (unsigned)bytes, &offset);
}

void vga_fill(struct vga *v, uint64_t addr, unsigned size, uint64_t count, uint64_t value)
{
    if (all_planar(v, addr, count * size)) {
        // The latches do not change, so every byte of the value always gives the same word.
        uint32_t at = (uint32_t)(addr - VGA_MEMORY_BASE - v->plan.first), mask = v->plan.plane_mask, data[8];
        for (unsigned i = 0; i < size; i++)
            data[i] = data_path(v, (uint8_t)(value >> 8 * i)) & mask;
        for (uint64_t i = 0; i < count * size; i++, at++)
            v->planes[at & 0xffff] = (v->planes[at & 0xffff] & ~mask) | data[i % size];
        return;
    }
    for (uint64_t i = 0; i < count; i++, addr += size)
        vga_write(v, addr, size, value);
}

void vga_put(struct vga *v, uint64_t addr, unsigned size, uint64_t count, const void *from)
{
    const uint8_t *in = from;
    if (all_planar(v, addr, count * size)) {
        uint32_t at = (uint32_t)(addr - VGA_MEMORY_BASE - v->plan.first), mask = v->plan.plane_mask;
        for (uint64_t i = 0; i < count * size; i++, at++)
            v->planes[at & 0xffff] = (v->planes[at & 0xffff] & ~mask) | (data_path(v, in[i]) & mask);
        return;
    }
    for (uint64_t i = 0; i < count; i++, addr += size, in += size)
        vga_write(v, addr, size, host_load(in, size));
}

void vga_get(struct vga *v, uint64_t addr, unsigned size, uint64_t count, void *to)
{
    uint8_t *out = to;
    for (uint64_t i = 0; i < count; i++, addr += size, out += size)
        host_store(out, size, vga_read(v, addr, size));
}

void vga_copy(struct vga *v, uint64_t to, uint64_t from, unsigned size, uint64_t count)
{
    if (size == 1 && v->plan.write_mode == 1 && all_planar(v, to, count) && all_planar(v, from, count)) {
        uint32_t mask = v->plan.plane_mask; // four planes at once, through the latches
        for (uint64_t i = 0; i < count; i++) {
            uint32_t *word = &v->planes[(to - VGA_MEMORY_BASE - v->plan.first + i) & 0xffff];
            v->latch = v->planes[(from - VGA_MEMORY_BASE - v->plan.first + i) & 0xffff];
            *word = (*word & ~mask) | (v->latch & mask);
        }
        return;
    }
    for (uint64_t i = 0; i < count; i++, from += size, to += size)
        vga_write(v, to, size, vga_read(v, from, size));
}
