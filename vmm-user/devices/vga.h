// SPDX-License-Identifier: MIT
// A VGA with the display interface of Bochs (DISPI) and a linear framebuffer. The four planes are kept as one 32-bit
// word per address, plane n in byte n, so that the latches load in one access.
//
// Text modes, mode 13h and DISPI's banks need no exit: while vga_mapping() says so, the guest works on memory of the
// host. For the VGA's own modes that is `host.window`, which then holds what the planes would; the model copies between
// the two when the registers change that.
#pragma once
#include "pc/vga.h"
#include "vmm-user/device.h"
#include "vmm-user/devices/pci_host.h"

#define VGA_LFB_SIZE 0x1000000u
#define VGA_LFB_BASE 0xe0000000u // where the BAR is at power-on

struct vga_mapping {
    uint32_t base, size; // guest-physical, inside A0000-BFFFF; size 0: every access must come to vga_read and vga_write
    uint8_t *memory;     // what is to be seen there
};

struct vga_host {
    uint8_t *window;                                   // VGA_MEMORY_SIZE bytes: the RAM that lies under A0000-BFFFF
    uint8_t *framebuffer;                              // framebuffer_size bytes, page aligned
    uint32_t framebuffer_size;                         // a multiple of 64 KiB, at most VGA_LFB_SIZE; 0: no DISPI modes
    void (*mapped)(void *ctx, struct vga_mapping now); // after a change of vga_mapping(); may be NULL
    void (*lfb_moved)(void *ctx, uint32_t base,
                      bool decoded); // where BAR 0 is, at power-on and when it changes; may be NULL
    void *ctx;
    bool (*back)(void *ctx); // gives `framebuffer` its zeroed memory when it is first used; false: there is none. NULL:
                             // it has it
};

enum vga_path { VGA_PATH_CLOSED, VGA_PATH_DIRECT, VGA_PATH_BANK, VGA_PATH_CHAIN4, VGA_PATH_ODD_EVEN, VGA_PATH_PLANAR };

// What a CPU access does, computed from the registers when they change. Masks have a byte per plane.
struct vga_plan {
    uint8_t path; // enum vga_path
    uint8_t write_mode, rotate, logic;
    bool simple;                // write mode 0 without rotation and logic
    uint8_t odd_read, read_map; // odd/even reads; plane
    bool compare;               // read mode 1
    uint32_t first, size;       // of the aperture, from A0000
    uint32_t plane_mask, bit_mask, set_reset, set_enable, compare_color, compare_care;
    uint32_t cpu_mask, fixed; // simple writes: bits that come from the CPU, bits that are always set
    struct vga_mapping mapping;
};

struct vga_dac {
    uint8_t mask, state; // state: 0 writing, 3 reading
    uint8_t read_index, write_index, component;
    uint8_t latch[3];
    uint8_t colors[256][3];
};

struct vga {
    struct device dev;
    struct vga_host host;
    struct pci_function pci;
    uint32_t lfb_base; // BAR 0
    bool lfb_backed;   // the framebuffer has memory
    struct vga_plan plan;
    uint32_t latch;
    uint8_t misc, feature, enable;
    uint8_t seq_index, gc_index, crtc_index, attr_index;
    bool attr_data; // the next write to 3C0h is data
    uint8_t seq[VGA_SEQ_COUNT], gc[VGA_GC_COUNT], crtc[VGA_CRTC_COUNT], attr[VGA_ATTR_COUNT];
    struct vga_dac dac;
    uint16_t dispi_index;
    uint16_t dispi[DISPI_COUNT];
    struct vga_timing { // of a frame, in TSC ticks; frame 0: to be computed
        uint64_t frame;
        uint32_t lines, lines_shown, retrace_first, retrace_end; // in lines
        uint32_t chars, chars_shown;
    } timing;
    uint32_t planes[VGA_PLANE_SIZE];
};

void vga_init(struct vga *v, struct clock *clock, const struct vga_host *host);

// One line to plug the PCI function in.
static inline bool vga_plug(struct vga *v, struct pci_host *pci, unsigned devfn)
{
    return pci_add_function(pci, devfn, &v->pci);
}

// Which part of A0000-BFFFF the guest may access without an exit.
struct vga_mapping vga_mapping(const struct vga *v);

// CPU accesses at guest-physical `addr` in A0000-BFFFF; size 1, 2, 4 or 8.
uint64_t vga_read(struct vga *v, uint64_t addr, unsigned size);
void vga_write(struct vga *v, uint64_t addr, unsigned size, uint64_t value);

// The same for REP STOS and REP MOVS with DF = 0: `count` elements of `size` bytes. The range may leave the VGA's
// memory: what lies outside reads as ones and is not written.
void vga_fill(struct vga *v, uint64_t addr, unsigned size, uint64_t count, uint64_t value);
void vga_put(struct vga *v, uint64_t addr, unsigned size, uint64_t count, const void *from);
void vga_get(struct vga *v, uint64_t addr, unsigned size, uint64_t count, void *to);
void vga_copy(struct vga *v, uint64_t to, uint64_t from, unsigned size, uint64_t count);

// ---- what is on the screen

enum vga_kind { VGA_BLANK, VGA_TEXT, VGA_PLANAR, VGA_CGA, VGA_256, VGA_LINEAR };

struct vga_mode {
    enum vga_kind kind;
    unsigned columns, rows;    // of text
    unsigned width, height;    // pixels
    unsigned bpp;              // bits per pixel: 1, 2, 4, 8, 15, 16, 24, 32; text 4
    struct vga_mapping direct; // as vga_mapping()
};

struct vga_mode vga_mode(const struct vga *v);

// The text screen: a row of cells (character | attribute << 8), as many as vga_mode().columns, at most `room`; returns
// how many. The cursor's place; false if there is none to be seen.
unsigned vga_text_row(const struct vga *v, unsigned row, uint16_t *cells, unsigned room);
bool vga_text_cursor(const struct vga *v, unsigned *row, unsigned *column);

// The picture, row by row: `height` rows of `width` pixels, three bytes (red, green, blue) each.
struct vga_picture {
    struct vga *vga;
    struct vga_mode mode;
    bool blink;              // show what blinks
    uint8_t palette[256][3]; // of attribute or pixel values
};

void vga_picture_begin(struct vga_picture *p, struct vga *v);
void vga_picture_row(struct vga_picture *p, unsigned y, uint8_t *rgb);
