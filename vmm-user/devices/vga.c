// SPDX-License-Identifier: MIT
// The VGA's ports, its timing, and its state.
#include "vmm-user/devices/vga_parts.h"
#include "vmm-user/devices/pci_function_state.h"

#define FRAME_HZ_MIN    60 // of a real monitor
#define FRAME_HZ_MAX    70
#define ATTR_INDEX_MASK 0x1f
#define DAC_STATE_READ  3
#define DAC_STATE_WRITE 0

// Which bits of a register exist.
static const uint8_t seq_bits[VGA_SEQ_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t gc_bits[VGA_GC_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
static const uint8_t attr_bits[VGA_ATTR_COUNT] = {
    [0 ... 15] = 0x3f,        [VGA_ATTR_MODE] = 0xef, [VGA_ATTR_OVERSCAN] = 0xff,
    [VGA_ATTR_PLANES] = 0x3f, [VGA_ATTR_PAN] = 0x0f,  [VGA_ATTR_COLOR_SELECT] = 0x0f,
};

// ---- time

// The frame's sizes, and its length by the dot clock, kept to what monitors do.
static void timing_compute(struct vga *v)
{
    struct vga_timing *t = &v->timing;
    unsigned dots = v->seq[VGA_SEQ_CLOCK] & VGA_SEQ_CLOCK_8DOT ? 8 : 9;
    uint64_t dot_hz = (v->misc & VGA_MISC_CLOCK) == 4 ? 28322000 : 25175000;
    if (v->seq[VGA_SEQ_CLOCK] & VGA_SEQ_CLOCK_HALF)
        dot_hz /= 2;
    t->chars = v->crtc[VGA_CRTC_H_TOTAL] + 5u;
    t->chars_shown = v->crtc[VGA_CRTC_H_DISPLAY_END] + 1u;
    t->lines = crtc_with_overflow(v, VGA_CRTC_V_TOTAL, 0, 5) + 2;
    t->lines_shown = crtc_lines_shown(v);
    if (t->lines_shown >= t->lines) // nonsense, e.g. before any mode is set
        t->lines = t->lines_shown + t->lines_shown / 8 + 1;
    if (t->chars_shown >= t->chars)
        t->chars = t->chars_shown + t->chars_shown / 4 + 1;
    unsigned first = crtc_with_overflow(v, VGA_CRTC_V_RETRACE_START, 2, 7);
    unsigned length = ((v->crtc[VGA_CRTC_V_RETRACE_END] & 15u) - (first & 15u)) & 15u;
    if (first < t->lines_shown || first >= t->lines)
        first = t->lines_shown;
    t->retrace_first = first;
    t->retrace_end = first + (length ? length : 2);
    if (t->retrace_end > t->lines)
        t->retrace_end = t->lines;
    uint64_t hz = v->dev.clock->tsc_hz;
    uint64_t frame = mul_div((uint64_t)t->chars * dots * t->lines, hz, dot_hz);
    uint64_t shortest = hz / FRAME_HZ_MAX, longest = hz / FRAME_HZ_MIN;
    t->frame = frame < shortest ? shortest : frame > longest ? longest : frame;
    if (!t->frame)
        t->frame = 1;
}

static uint8_t status1_read(struct vga *v)
{
    struct vga_timing *t = &v->timing;
    v->attr_data = false;
    if (!t->frame)
        timing_compute(v);
    uint64_t position = v->dev.clock->now(v->dev.clock) % t->frame * t->lines;
    uint32_t line = (uint32_t)(position / t->frame);
    uint32_t in_line = (uint32_t)(position % t->frame * t->chars / t->frame);
    if (line >= t->retrace_first && line < t->retrace_end)
        return VGA_STATUS1_BLANK | VGA_STATUS1_RETRACE;
    return line >= t->lines_shown || in_line >= t->chars_shown ? VGA_STATUS1_BLANK : 0;
}

// ---- indexed registers

static void seq_write(struct vga *v, uint8_t value)
{
    if (v->seq_index >= VGA_SEQ_COUNT)
        return;
    value &= seq_bits[v->seq_index];
    if (value == v->seq[v->seq_index])
        return;
    v->seq[v->seq_index] = value;
    if (v->seq_index == VGA_SEQ_MAP_MASK) {
        vga_plan_data_update(v, false);
        return;
    }
    v->timing.frame = 0;
    vga_plan_update(v);
}

static void gc_write(struct vga *v, uint8_t value)
{
    if (v->gc_index >= VGA_GC_COUNT)
        return;
    value &= gc_bits[v->gc_index];
    if (value == v->gc[v->gc_index])
        return;
    v->gc[v->gc_index] = value;
    if (v->gc_index == VGA_GC_MISC)
        vga_plan_update(v);
    else
        vga_plan_data_update(v, v->gc_index == VGA_GC_BIT_MASK);
}

static void crtc_write(struct vga *v, uint8_t value)
{
    uint8_t index = v->crtc_index;
    if (index >= VGA_CRTC_COUNT)
        return;
    if (index <= VGA_CRTC_OVERFLOW && v->crtc[VGA_CRTC_V_RETRACE_END] & VGA_CRTC_PROTECT) {
        if (index != VGA_CRTC_OVERFLOW)
            return;
        value = (uint8_t)((v->crtc[index] & ~0x10) | (value & 0x10)); // bit 8 of the line compare is not protected
    }
    v->crtc[index] = value;
    v->timing.frame = 0;
}

static void attr_write(struct vga *v, uint8_t value)
{
    v->attr_data = !v->attr_data;
    if (v->attr_data) {
        v->attr_index = value & (ATTR_INDEX_MASK | VGA_ATTR_INDEX_VIDEO);
        return;
    }
    unsigned index = v->attr_index & ATTR_INDEX_MASK;
    bool palette_locked = v->attr_index & VGA_ATTR_INDEX_VIDEO;
    if (index < VGA_ATTR_COUNT && (index > 15 || !palette_locked))
        v->attr[index] = value & attr_bits[index];
}

static uint8_t attr_read(const struct vga *v)
{
    unsigned index = v->attr_index & ATTR_INDEX_MASK;
    return index < VGA_ATTR_COUNT ? v->attr[index] : 0;
}

// ---- DAC

static bool dac_wide(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_ENABLE_8BITDAC;
}

static void dac_write(struct vga *v, uint8_t value)
{
    struct vga_dac *dac = &v->dac;
    dac->latch[dac->component++] = dac_wide(v) ? value : value & 0x3f;
    if (dac->component == 3) {
        __builtin_memcpy(dac->colors[dac->write_index++], dac->latch, 3);
        dac->component = 0;
    }
}

static uint8_t dac_read(struct vga *v)
{
    struct vga_dac *dac = &v->dac;
    uint8_t value = dac->colors[dac->read_index][dac->component++];
    if (dac->component == 3) {
        dac->component = 0;
        dac->read_index++;
    }
    return value;
}

static void dac_select(struct vga *v, uint8_t index, bool reading)
{
    v->dac.component = 0;
    v->dac.state = reading ? DAC_STATE_READ : DAC_STATE_WRITE;
    if (reading)
        v->dac.read_index = index;
    else
        v->dac.write_index = index;
}

// ---- ports

// The CRTC and status 1 answer at 3Bxh or at 3Dxh, by the colour bit.
static bool port_is_elsewhere(const struct vga *v, uint16_t port)
{
    bool mono = (port & 0xfff0) == 0x3b0, color = (port & 0xfff0) == 0x3d0;
    return (mono && v->misc & VGA_MISC_COLOR) || (color && !(v->misc & VGA_MISC_COLOR));
}

static uint8_t port_read(struct vga *v, uint16_t port)
{
    if (port_is_elsewhere(v, port))
        return 0xff;
    switch (port) {
    case VGA_ATTR_INDEX:
        return v->attr_index;
    case VGA_ATTR_READ:
        return attr_read(v);
    case VGA_STATUS0:
        return VGA_STATUS0_SENSE;
    case VGA_ENABLE:
        return v->enable;
    case VGA_SEQ_INDEX:
        return v->seq_index;
    case VGA_SEQ_DATA:
        return v->seq_index < VGA_SEQ_COUNT ? v->seq[v->seq_index] : 0;
    case VGA_DAC_MASK:
        return v->dac.mask;
    case VGA_DAC_STATE:
        return v->dac.state;
    case VGA_DAC_WRITE_INDEX:
        return v->dac.write_index;
    case VGA_DAC_DATA:
        return dac_read(v);
    case VGA_FEATURE_READ:
        return v->feature;
    case VGA_MISC_READ:
        return v->misc;
    case VGA_GC_INDEX:
        return v->gc_index;
    case VGA_GC_DATA:
        return v->gc_index < VGA_GC_COUNT ? v->gc[v->gc_index] : 0;
    case VGA_CRTC_MONO_INDEX:
    case VGA_CRTC_COLOR_INDEX:
        return v->crtc_index;
    case VGA_CRTC_MONO_DATA:
    case VGA_CRTC_COLOR_DATA:
        return v->crtc_index < VGA_CRTC_COUNT ? v->crtc[v->crtc_index] : 0;
    case VGA_STATUS1_MONO:
    case VGA_STATUS1_COLOR:
        return status1_read(v);
    default:
        return 0xff;
    }
}

static void port_write(struct vga *v, uint16_t port, uint8_t value)
{
    if (port_is_elsewhere(v, port))
        return;
    switch (port) {
    case VGA_ATTR_INDEX:
        attr_write(v, value);
        break;
    case VGA_STATUS0:
        v->misc = value & 0xef;
        v->timing.frame = 0;
        vga_plan_update(v);
        break;
    case VGA_ENABLE:
        v->enable = value & VGA_ENABLE_ON;
        vga_plan_update(v);
        break;
    case VGA_SEQ_INDEX:
        v->seq_index = value & 7;
        break;
    case VGA_SEQ_DATA:
        seq_write(v, value);
        break;
    case VGA_DAC_MASK:
        v->dac.mask = value;
        break;
    case VGA_DAC_STATE:
        dac_select(v, value, true);
        break;
    case VGA_DAC_WRITE_INDEX:
        dac_select(v, value, false);
        break;
    case VGA_DAC_DATA:
        dac_write(v, value);
        break;
    case VGA_GC_INDEX:
        v->gc_index = value & 15;
        break;
    case VGA_GC_DATA:
        gc_write(v, value);
        break;
    case VGA_CRTC_MONO_INDEX:
    case VGA_CRTC_COLOR_INDEX:
        v->crtc_index = value & 0x3f;
        break;
    case VGA_CRTC_MONO_DATA:
    case VGA_CRTC_COLOR_DATA:
        crtc_write(v, value);
        break;
    case VGA_STATUS1_MONO:
    case VGA_STATUS1_COLOR:
        v->feature = value & 0x0b;
        break;
    default:
        break;
    }
}

static bool is_dispi(uint64_t port)
{
    return port - DISPI_INDEX_PORT < 3;
}

// DISPI's two registers are 16 bits wide and one port apart: a word at the second one also covers the port behind it.
static uint64_t dispi_port_read(struct vga *v, uint64_t port, unsigned size)
{
    uint32_t value = port == DISPI_INDEX_PORT ? v->dispi_index : dispi_read(v);
    return size == 1 ? value & 0xff : value;
}

static void dispi_port_write(struct vga *v, uint64_t port, uint64_t value)
{
    if (port == DISPI_INDEX_PORT)
        v->dispi_index = (uint16_t)value;
    else
        dispi_write(v, (uint16_t)value);
}

static bool is_window(uint64_t addr)
{
    return addr - VGA_MEMORY_BASE < VGA_MEMORY_SIZE;
}

static uint64_t vga_dev_read(struct device *dev, enum io_space space, uint64_t addr, unsigned size)
{
    struct vga *v = (struct vga *)dev;
    if (space == IO_MMIO)
        return is_window(addr) ? vga_read(v, addr, size) : lfb_read(v, addr - v->lfb_base, size);
    if (is_dispi(addr))
        return dispi_port_read(v, addr, size);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)port_read(v, (uint16_t)(addr + i)) << 8 * i;
    return value;
}

static void vga_dev_write(struct device *dev, enum io_space space, uint64_t addr, unsigned size, uint64_t value)
{
    struct vga *v = (struct vga *)dev;
    if (space == IO_MMIO && is_window(addr)) {
        vga_write(v, addr, size, value);
    } else if (space == IO_MMIO) {
        lfb_write(v, addr - v->lfb_base, size, value);
    } else if (is_dispi(addr)) {
        dispi_port_write(v, addr, value);
    } else if (addr == VGA_GC_INDEX && size == 2) { // for each pixel of many programs
        v->gc_index = value & 15;
        gc_write(v, (uint8_t)(value >> 8));
    } else {
        for (unsigned i = 0; i < size; i++) // a word to an index port is index and data
            port_write(v, (uint16_t)(addr + i), (uint8_t)(value >> 8 * i));
    }
}

// Those in the planes; the framebuffer's bus accesses are seldom.
static bool vga_transfers(struct device *dev, const struct io_block *b)
{
    struct vga *v = (struct vga *)dev;
    if (!is_window(b->addr))
        return false;
    switch (b->kind) {
    case IO_BLOCK_FILL:
        vga_fill(v, b->addr, b->size, b->count, b->value);
        return true;
    case IO_BLOCK_PUT:
        vga_put(v, b->addr, b->size, b->count, b->host);
        return true;
    case IO_BLOCK_GET:
        vga_get(v, b->addr, b->size, b->count, b->host);
        return true;
    case IO_BLOCK_COPY:
        if (is_window(b->from))
            vga_copy(v, b->addr, b->from, b->size, b->count);
        return is_window(b->from);
    default:
        return false;
    }
}

// ---- state

static void vga_reset(struct device *dev)
{
    struct vga *v = (struct vga *)dev;
    v->enable = 0;
    vga_plan_update(v); // the window is not of the new state
    __builtin_memset(v->planes, 0, sizeof(v->planes));
    __builtin_memset(v->seq, 0, sizeof(v->seq));
    __builtin_memset(v->gc, 0, sizeof(v->gc));
    __builtin_memset(v->crtc, 0, sizeof(v->crtc));
    __builtin_memset(v->attr, 0, sizeof(v->attr));
    v->misc = v->feature = v->seq_index = v->gc_index = v->crtc_index = v->attr_index = 0;
    v->enable = VGA_ENABLE_ON;
    v->attr_data = false;
    v->latch = 0;
    v->timing.frame = 0;
    v->dac = (struct vga_dac){.mask = 0xff};
    dispi_reset(v);
    vga_pci_reset(v);
    vga_plan_update(v);
}

static void vga_state(struct device *dev, struct state *s)
{
    struct vga *v = (struct vga *)dev;
    uint8_t *const bytes[] = {
        &v->misc,       &v->feature,  &v->enable,    &v->seq_index,      &v->gc_index,        &v->crtc_index,
        &v->attr_index, &v->dac.mask, &v->dac.state, &v->dac.read_index, &v->dac.write_index, &v->dac.component,
    };
    if (s->load) { // what the window holds belongs to the old state
        v->enable = 0;
        vga_plan_update(v);
    } else {
        vga_planes_update(v);
    }
    STATE_EACH(s, bytes);
    STATE(s, v->attr_data);
    STATE(s, v->seq);
    STATE(s, v->gc);
    STATE(s, v->crtc);
    STATE(s, v->attr);
    STATE(s, v->dac.latch);
    STATE(s, v->dac.colors);
    STATE(s, v->latch);
    STATE(s, v->dispi_index);
    for (unsigned i = 0; i < DISPI_COUNT; i++)
        STATE(s, v->dispi[i]);
    pci_function_state(&v->pci, s);
    for (unsigned i = 0; i < VGA_PLANE_SIZE; i++)
        STATE(s, v->planes[i]);
    bool backed = v->lfb_backed;
    STATE(s, backed);
    if (backed && !lfb_back(v))
        s->error = true;
    else if (backed)
        state_bytes(s, v->host.framebuffer, v->host.framebuffer_size);
}

// Registers keep only the bits that exist; what indexes must index.
static bool vga_loaded(struct device *dev)
{
    struct vga *v = (struct vga *)dev;
    bool error = v->dac.component > 2 || (v->dac.state != DAC_STATE_READ && v->dac.state != DAC_STATE_WRITE);
    for (unsigned i = 0; i < VGA_SEQ_COUNT; i++)
        v->seq[i] &= seq_bits[i];
    for (unsigned i = 0; i < VGA_GC_COUNT; i++)
        v->gc[i] &= gc_bits[i];
    for (unsigned i = 0; i < VGA_ATTR_COUNT; i++)
        v->attr[i] &= attr_bits[i];
    dispi_check(v, &error);
    if (error)
        return false;
    v->timing.frame = 0;
    vga_lfb_update(v);
    vga_plan_update(v);
    return true;
}

static const struct device_ops vga_ops = {
    .name = "vga",
    .read = vga_dev_read,
    .write = vga_dev_write,
    .reset = vga_reset,
    .version = 2,
    .state = vga_state,
    .loaded = vga_loaded,
    .max_size = 0,
    .block = vga_transfers,
};

void vga_init(struct vga *v, struct clock *clock, const struct vga_host *host)
{
    static const struct io_range ranges[] = {
        {IO_PORT, VGA_CRTC_MONO_INDEX, 2},
        {IO_PORT, VGA_STATUS1_MONO, 1},
        {IO_PORT, VGA_ATTR_INDEX, VGA_COMMON_PORTS},
        {IO_PORT, VGA_CRTC_COLOR_INDEX, 2},
        {IO_PORT, VGA_STATUS1_COLOR, 1},
        {IO_PORT, DISPI_INDEX_PORT, 3},
        {IO_MMIO, VGA_MEMORY_BASE, VGA_MEMORY_SIZE},
    };
    __builtin_memset(v, 0, sizeof(*v));
    v->host = *host;
    if (!v->host.framebuffer || v->host.framebuffer_size > VGA_LFB_SIZE)
        v->host.framebuffer_size = 0;
    v->host.framebuffer_size &= ~(DISPI_BANK_SIZE - 1u);
    v->lfb_backed = v->host.framebuffer_size && !v->host.back;
    device_init(&v->dev, &vga_ops, clock);
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        device_add_range(&v->dev, ranges[i].space, ranges[i].base, ranges[i].size);
    if (v->host.framebuffer_size)
        device_add_range(&v->dev, IO_MMIO, VGA_LFB_BASE, v->host.framebuffer_size);
    vga_reset(&v->dev);
}
