// SPDX-License-Identifier: MIT
// What the files of the VGA share.
#pragma once
#include "vmm-user/devices/vga.h"

// Recomputes the plan after a change of registers, and moves what the guest sees directly into or out of the planes.
void vga_plan_update(struct vga *v);

// The same where no more than the data path or the plane mask has changed, or the bit mask alone, as for each pixel.
void vga_plan_data_update(struct vga *v, bool bit_mask);

// While accesses are direct the window holds the truth: brings the planes up to date.
void vga_planes_update(struct vga *v);

static inline bool dispi_on(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_ENABLE_ON;
}

// A mode of the linear framebuffer; DISPI's 4 bits per pixel are the planes.
static inline bool dispi_linear(const struct vga *v)
{
    return dispi_on(v) && v->dispi[DISPI_BPP] > 4;
}

// Bytes of a pixel, and of a line.
unsigned dispi_pixel_size(const struct vga *v);
uint32_t dispi_pitch(const struct vga *v);

void dispi_reset(struct vga *v);
uint16_t dispi_read(struct vga *v);
void dispi_write(struct vga *v, uint16_t value);
void dispi_check(struct vga *v, bool *error); // of a loaded state

void vga_pci_reset(struct vga *v);
void vga_lfb_update(struct vga *v); // tells where BAR 0 is

// Of the linear framebuffer, for software that is not given its pages.
bool lfb_back(struct vga *v); // false: it has no memory, and there is none
uint64_t lfb_read(struct vga *v, uint64_t offset, unsigned size);
void lfb_write(struct vga *v, uint64_t offset, unsigned size, uint64_t value);

// Vertical and horizontal sizes by the CRTC.
static inline unsigned crtc_with_overflow(const struct vga *v, unsigned reg, unsigned bit8, unsigned bit9)
{
    unsigned overflow = v->crtc[VGA_CRTC_OVERFLOW];
    return v->crtc[reg] | (overflow >> bit8 & 1) << 8 | (overflow >> bit9 & 1) << 9;
}

static inline unsigned crtc_lines_shown(const struct vga *v)
{
    return crtc_with_overflow(v, VGA_CRTC_V_DISPLAY_END, 1, 6) + 1;
}

static inline unsigned crtc_line_compare(const struct vga *v)
{
    return v->crtc[VGA_CRTC_LINE_COMPARE] | (v->crtc[VGA_CRTC_OVERFLOW] >> 4 & 1) << 8 |
           (v->crtc[VGA_CRTC_MAX_SCAN] >> 6 & 1) << 9;
}

static inline unsigned crtc_start(const struct vga *v)
{
    return v->crtc[VGA_CRTC_START_HIGH] << 8 | v->crtc[VGA_CRTC_START_LOW];
}

static inline unsigned crtc_row_height(const struct vga *v)
{
    return (v->crtc[VGA_CRTC_MAX_SCAN] & 0x1f) + 1;
}

// The address in the planes that the CRTC's counter stands for. Of doubleword addresses, the low bits are zero, as
// those of chain-4 accesses are here.
static inline unsigned crtc_address(const struct vga *v, unsigned counter)
{
    if (v->crtc[VGA_CRTC_UNDERLINE] & VGA_CRTC_UNDERLINE_DWORD)
        return counter << 2 & 0xffff;
    if (!(v->crtc[VGA_CRTC_MODE] & VGA_CRTC_MODE_BYTE))
        return (counter << 1 | (counter >> (v->crtc[VGA_CRTC_MODE] & VGA_CRTC_MODE_WRAP ? 15 : 13) & 1)) & 0xffff;
    return counter & 0xffff;
}
