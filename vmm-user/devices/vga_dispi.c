// SPDX-License-Identifier: MIT
// The display interface of Bochs: modes of the linear framebuffer; and the PCI function that shows where it is.
#include "vmm-user/devices/vga_parts.h"
#include <linux/pci_regs.h>

// 15 bits per pixel are kept in two bytes.
unsigned dispi_pixel_size(const struct vga *v)
{
    return (v->dispi[DISPI_BPP] + 7u) / 8u;
}

static bool bpp_is_known(unsigned bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

static uint32_t pitch_of(unsigned width, unsigned bpp)
{
    return bpp == 4 ? width / 8u : width * ((bpp + 7u) / 8u);
}

uint32_t dispi_pitch(const struct vga *v)
{
    return pitch_of(v->dispi[DISPI_VIRT_WIDTH], v->dispi[DISPI_BPP]);
}

// Bytes that lines may lie in; per plane with 4 bits per pixel.
static uint32_t memory_of(const struct vga *v, unsigned bpp)
{
    return bpp == 4 ? VGA_PLANE_SIZE : v->host.framebuffer_size;
}

static bool mode_is_possible(const struct vga *v)
{
    const uint16_t *d = v->dispi;
    uint32_t pitch = pitch_of(d[DISPI_XRES], d[DISPI_BPP]);
    return v->host.framebuffer_size && bpp_is_known(d[DISPI_BPP]) && d[DISPI_XRES] >= 8 && d[DISPI_YRES] &&
           d[DISPI_XRES] <= DISPI_MAX_XRES && d[DISPI_YRES] <= DISPI_MAX_YRES &&
           (uint64_t)pitch * d[DISPI_YRES] <= memory_of(v, d[DISPI_BPP]);
}

// A virtual width of at least the visible one for which the memory holds all visible lines; else no change.
static void virt_width_set(struct vga *v, unsigned width)
{
    uint16_t *d = v->dispi;
    if (width < d[DISPI_XRES])
        width = d[DISPI_XRES];
    uint32_t pitch = pitch_of(width, d[DISPI_BPP]);
    uint32_t lines = pitch ? memory_of(v, d[DISPI_BPP]) / pitch : 0;
    if (lines < d[DISPI_YRES])
        return;
    d[DISPI_VIRT_WIDTH] = (uint16_t)width;
    d[DISPI_VIRT_HEIGHT] = lines > UINT16_MAX ? UINT16_MAX : (uint16_t)lines;
    d[DISPI_X_OFFSET] = d[DISPI_Y_OFFSET] = 0;
}

static void enable_write(struct vga *v, uint16_t value)
{
    uint16_t *d = v->dispi;
    bool on = value & DISPI_ENABLE_ON, was_on = dispi_on(v);
    if (on && !was_on && (!mode_is_possible(v) || (d[DISPI_BPP] > 4 && !lfb_back(v))))
        value &= (uint16_t)~DISPI_ENABLE_ON;
    d[DISPI_ENABLE] =
        value & (DISPI_ENABLE_ON | DISPI_ENABLE_CAPS | DISPI_ENABLE_8BITDAC | DISPI_ENABLE_LFB | DISPI_ENABLE_KEEP);
    if (dispi_on(v) && !was_on) {
        d[DISPI_VIRT_WIDTH] = 0;
        virt_width_set(v, d[DISPI_XRES]);
        d[DISPI_BANK] = 0;
        if (!(value & DISPI_ENABLE_KEEP) && dispi_linear(v))
            __builtin_memset(v->host.framebuffer, 0, v->host.framebuffer_size);
        else if (!(value & DISPI_ENABLE_KEEP))
            __builtin_memset(v->planes, 0, sizeof(v->planes));
    }
    if (!dispi_on(v))
        d[DISPI_BANK] = 0;
    vga_plan_update(v);
}

static void bank_set(struct vga *v, uint16_t bank)
{
    if (bank == v->dispi[DISPI_BANK])
        return;
    v->dispi[DISPI_BANK] = bank;
    vga_plan_update(v);
}

static void offset_write(struct vga *v, unsigned reg, unsigned value, unsigned shown, unsigned all)
{
    if (dispi_on(v) && value + shown <= all)
        v->dispi[reg] = (uint16_t)value;
}

uint16_t dispi_read(struct vga *v)
{
    static const uint16_t largest[] = {
        [DISPI_XRES] = DISPI_MAX_XRES, [DISPI_YRES] = DISPI_MAX_YRES, [DISPI_BPP] = DISPI_MAX_BPP};
    unsigned reg = v->dispi_index;
    if (reg >= DISPI_COUNT)
        return reg == DISPI_COUNT ? 0 : UINT16_MAX;
    if (v->dispi[DISPI_ENABLE] & DISPI_ENABLE_CAPS && reg >= DISPI_XRES && reg <= DISPI_BPP)
        return largest[reg];
    return v->dispi[reg];
}

void dispi_write(struct vga *v, uint16_t value)
{
    uint16_t *d = v->dispi;
    switch (v->dispi_index) {
    case DISPI_ID:
        if (value >= DISPI_ID_FIRST && value <= DISPI_ID_LAST)
            d[DISPI_ID] = value;
        break;
    case DISPI_XRES:
    case DISPI_YRES:
    case DISPI_BPP:
        if (!dispi_on(v)) // BPP 0 means 8
            d[v->dispi_index] = v->dispi_index == DISPI_BPP && !value ? 8 : value;
        break;
    case DISPI_ENABLE:
        enable_write(v, value);
        break;
    case DISPI_BANK:
        if (dispi_linear(v) && value < v->host.framebuffer_size / DISPI_BANK_SIZE)
            bank_set(v, value);
        break;
    case DISPI_VIRT_WIDTH:
        if (dispi_on(v))
            virt_width_set(v, value);
        break;
    case DISPI_X_OFFSET:
        offset_write(v, DISPI_X_OFFSET, value, d[DISPI_XRES], d[DISPI_VIRT_WIDTH]);
        break;
    case DISPI_Y_OFFSET:
        offset_write(v, DISPI_Y_OFFSET, value, d[DISPI_YRES], d[DISPI_VIRT_HEIGHT]);
        break;
    default:
        break;
    }
}

void dispi_reset(struct vga *v)
{
    __builtin_memset(v->dispi, 0, sizeof(v->dispi));
    v->dispi[DISPI_ID] = DISPI_ID_LAST;
    v->dispi[DISPI_BPP] = 8;
    v->dispi[DISPI_MEMORY_64K] = (uint16_t)(v->host.framebuffer_size / DISPI_BANK_SIZE);
    v->dispi_index = 0;
}

void dispi_check(struct vga *v, bool *error)
{
    const uint16_t *d = v->dispi;
    if (d[DISPI_MEMORY_64K] != v->host.framebuffer_size / DISPI_BANK_SIZE)
        *error = true;
    if (!dispi_on(v))
        return;
    uint64_t lines = (uint64_t)dispi_pitch(v) * d[DISPI_VIRT_HEIGHT];
    if (!mode_is_possible(v) || d[DISPI_VIRT_WIDTH] < d[DISPI_XRES] || d[DISPI_VIRT_HEIGHT] < d[DISPI_YRES] ||
        lines > memory_of(v, d[DISPI_BPP]) || d[DISPI_X_OFFSET] + d[DISPI_XRES] > d[DISPI_VIRT_WIDTH] ||
        d[DISPI_Y_OFFSET] + d[DISPI_YRES] > d[DISPI_VIRT_HEIGHT] || d[DISPI_BANK] >= d[DISPI_MEMORY_64K])
        *error = true;
}

// ---- the linear framebuffer by way of the VMM

bool lfb_back(struct vga *v)
{
    if (!v->lfb_backed)
        v->lfb_backed = v->host.framebuffer_size && (!v->host.back || v->host.back(v->host.ctx));
    return v->lfb_backed;
}

static bool lfb_has(const struct vga *v, uint64_t offset, unsigned size)
{
    return offset < v->host.framebuffer_size && size <= v->host.framebuffer_size - offset;
}

uint64_t lfb_read(struct vga *v, uint64_t offset, unsigned size)
{
    uint64_t value = lfb_has(v, offset, size) ? 0 : UINT64_MAX;
    if (!value && v->lfb_backed)
        __builtin_memcpy(&value, v->host.framebuffer + offset, size);
    return size < 8 ? value & ((1ull << 8 * size) - 1) : value;
}

void lfb_write(struct vga *v, uint64_t offset, unsigned size, uint64_t value)
{
    if (lfb_has(v, offset, size) && lfb_back(v))
        __builtin_memcpy(v->host.framebuffer + offset, &value, size);
}

// ---- PCI

// The BAR's size: a power of two that holds the framebuffer.
static uint32_t bar_size(const struct vga *v)
{
    uint32_t size = DISPI_BANK_SIZE;
    while (size < v->host.framebuffer_size)
        size *= 2;
    return size;
}

void vga_lfb_update(struct vga *v)
{
    uint32_t base = 0;
    if (!v->host.framebuffer_size)
        return;
    __builtin_memcpy(&base, v->pci.config + PCI_BASE_ADDRESS_0, 4);
    v->lfb_base = base & ~(bar_size(v) - 1);
    if (v->host.lfb_moved)
        v->host.lfb_moved(v->host.ctx, v->lfb_base, v->pci.config[PCI_COMMAND] & PCI_COMMAND_MEMORY);
}

static void pci_written(struct pci_function *f, unsigned offset, unsigned size)
{
    struct vga *v = f->ctx;
    bool bar = offset < PCI_BASE_ADDRESS_1 && offset + size > PCI_BASE_ADDRESS_0;
    bool command = offset < PCI_STATUS && offset + size > PCI_COMMAND;
    if (!bar && !command)
        return;
    vga_lfb_update(v);
}

void vga_pci_reset(struct vga *v)
{
    struct pci_function *f = &v->pci;
    *f = (struct pci_function){.written = pci_written, .ctx = v};
    pci_config_put(f, PCI_VENDOR_ID, 2, VGA_PCI_VENDOR);
    pci_config_put(f, PCI_DEVICE_ID, 2, VGA_PCI_DEVICE);
    pci_config_put(f, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    pci_config_put(f, PCI_REVISION_ID, 1, 2);
    pci_config_put(f, PCI_CLASS_DEVICE, 2, 0x0300);
    pci_config_allow(f, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    pci_config_allow(f, PCI_INTERRUPT_LINE, 1, 0xff);
    if (v->host.framebuffer_size) {
        pci_config_put(f, PCI_BASE_ADDRESS_0, 4, VGA_LFB_BASE | PCI_BASE_ADDRESS_MEM_PREFETCH);
        pci_config_allow(f, PCI_BASE_ADDRESS_0, 4, ~(bar_size(v) - 1));
    }
    vga_lfb_update(v);
}
