// SPDX-License-Identifier: MIT
// IBM's VGA: ports, and the bits of its registers that software and device model speak about. IBM PS/2 Hardware
// Interface Technical Reference, "Video Subsystem"; the display interface of Bochs ("DISPI").
#pragma once

#define VGA_MEMORY_BASE 0xa0000
#define VGA_MEMORY_SIZE 0x20000
#define VGA_PLANE_SIZE  0x10000

#define VGA_CRTC_MONO_INDEX  0x3b4
#define VGA_CRTC_MONO_DATA   0x3b5
#define VGA_STATUS1_MONO     0x3ba // write: feature control
#define VGA_COMMON_PORTS     16    // from VGA_ATTR_INDEX on: those of either kind of display
#define VGA_ATTR_INDEX       0x3c0 // write: index and data in turn
#define VGA_ATTR_READ        0x3c1
#define VGA_STATUS0          0x3c2 // write: miscellaneous output
#define VGA_ENABLE           0x3c3
#define VGA_SEQ_INDEX        0x3c4
#define VGA_SEQ_DATA         0x3c5
#define VGA_DAC_MASK         0x3c6
#define VGA_DAC_STATE        0x3c7 // write: index for reading
#define VGA_DAC_WRITE_INDEX  0x3c8
#define VGA_DAC_DATA         0x3c9
#define VGA_FEATURE_READ     0x3ca
#define VGA_MISC_READ        0x3cc
#define VGA_GC_INDEX         0x3ce
#define VGA_GC_DATA          0x3cf
#define VGA_CRTC_COLOR_INDEX 0x3d4
#define VGA_CRTC_COLOR_DATA  0x3d5
#define VGA_STATUS1_COLOR    0x3da // write: feature control

#define VGA_MISC_COLOR 0x01 // CRTC at 3Dxh
#define VGA_MISC_RAM   0x02
#define VGA_MISC_CLOCK 0x0c // 0: 25.175 MHz, 4: 28.322 MHz
#define VGA_ENABLE_ON  0x01

#define VGA_STATUS0_SENSE   0x10
#define VGA_STATUS1_BLANK   0x01 // display enable, inverted
#define VGA_STATUS1_RETRACE 0x08 // vertical

enum vga_seq { VGA_SEQ_RESET, VGA_SEQ_CLOCK, VGA_SEQ_MAP_MASK, VGA_SEQ_FONT, VGA_SEQ_MEMORY, VGA_SEQ_COUNT };

#define VGA_SEQ_CLOCK_8DOT      0x01
#define VGA_SEQ_CLOCK_HALF      0x08
#define VGA_SEQ_CLOCK_OFF       0x20
#define VGA_SEQ_MEMORY_EXTENDED 0x02
#define VGA_SEQ_MEMORY_FLAT     0x04 // odd/even off
#define VGA_SEQ_MEMORY_CHAIN4   0x08

enum vga_gc {
    VGA_GC_SET_RESET,
    VGA_GC_SET_ENABLE,
    VGA_GC_COMPARE,
    VGA_GC_ROTATE,
    VGA_GC_READ_MAP,
    VGA_GC_MODE,
    VGA_GC_MISC,
    VGA_GC_COMPARE_CARE,
    VGA_GC_BIT_MASK,
    VGA_GC_COUNT
};

#define VGA_GC_MODE_WRITE      0x03
#define VGA_GC_MODE_READ       0x08 // colour compare
#define VGA_GC_MODE_ODD_EVEN   0x10
#define VGA_GC_MODE_INTERLEAVE 0x20 // shift registers as a CGA's
#define VGA_GC_MODE_256        0x40
#define VGA_GC_MISC_GRAPHICS   0x01
#define VGA_GC_MISC_MAP_SHIFT  2 // 0: A0000 128K, 1: A0000 64K, 2: B0000 32K, 3: B8000 32K

enum vga_crtc {
    VGA_CRTC_H_TOTAL,
    VGA_CRTC_H_DISPLAY_END,
    VGA_CRTC_H_BLANK_START,
    VGA_CRTC_H_BLANK_END,
    VGA_CRTC_H_RETRACE_START,
    VGA_CRTC_H_RETRACE_END,
    VGA_CRTC_V_TOTAL,
    VGA_CRTC_OVERFLOW,
    VGA_CRTC_PRESET_ROW,
    VGA_CRTC_MAX_SCAN,
    VGA_CRTC_CURSOR_START,
    VGA_CRTC_CURSOR_END,
    VGA_CRTC_START_HIGH,
    VGA_CRTC_START_LOW,
    VGA_CRTC_CURSOR_HIGH,
    VGA_CRTC_CURSOR_LOW,
    VGA_CRTC_V_RETRACE_START,
    VGA_CRTC_V_RETRACE_END,
    VGA_CRTC_V_DISPLAY_END,
    VGA_CRTC_OFFSET,
    VGA_CRTC_UNDERLINE,
    VGA_CRTC_V_BLANK_START,
    VGA_CRTC_V_BLANK_END,
    VGA_CRTC_MODE,
    VGA_CRTC_LINE_COMPARE,
    VGA_CRTC_COUNT
};

#define VGA_CRTC_MAX_SCAN_DOUBLE 0x80
#define VGA_CRTC_CURSOR_OFF      0x20
#define VGA_CRTC_PROTECT         0x80 // of V_RETRACE_END: registers 0-7 are read-only
#define VGA_CRTC_UNDERLINE_DWORD 0x40
#define VGA_CRTC_MODE_ROW0       0x01 // 0: row scan bit 0 is address bit 13, as on a CGA
#define VGA_CRTC_MODE_ROW1       0x02 // 0: row scan bit 1 is address bit 14, as on a Hercules
#define VGA_CRTC_MODE_WRAP       0x20 // bit 0 of word addresses is MA15, else MA13
#define VGA_CRTC_MODE_BYTE       0x40

enum vga_attr {
    VGA_ATTR_PALETTE = 0, // 16 of them
    VGA_ATTR_MODE = 0x10,
    VGA_ATTR_OVERSCAN,
    VGA_ATTR_PLANES,
    VGA_ATTR_PAN,
    VGA_ATTR_COLOR_SELECT,
    VGA_ATTR_COUNT
};

#define VGA_ATTR_INDEX_VIDEO    0x20 // the palette belongs to the display
#define VGA_ATTR_MODE_GRAPHICS  0x01
#define VGA_ATTR_MODE_MONO      0x02
#define VGA_ATTR_MODE_LINE9     0x04 // box drawing characters fill the ninth dot
#define VGA_ATTR_MODE_BLINK     0x08
#define VGA_ATTR_MODE_PAN_SPLIT 0x20 // panning ends at the line compare
#define VGA_ATTR_MODE_256       0x40
#define VGA_ATTR_MODE_P54       0x80 // palette bits 5, 4 from COLOR_SELECT

#define DISPI_INDEX_PORT 0x1ce
#define DISPI_DATA_PORT  0x1cf

enum dispi_register {
    DISPI_ID,
    DISPI_XRES,
    DISPI_YRES,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRT_WIDTH,
    DISPI_VIRT_HEIGHT,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_MEMORY_64K,
    DISPI_COUNT
};

#define DISPI_ID_FIRST       0xb0c0
#define DISPI_ID_LAST        0xb0c5
#define DISPI_ENABLE_ON      0x01
#define DISPI_ENABLE_CAPS    0x02 // XRES, YRES, BPP read as the largest there are
#define DISPI_ENABLE_8BITDAC 0x20
#define DISPI_ENABLE_LFB     0x40
#define DISPI_ENABLE_KEEP    0x80 // do not clear the memory
#define DISPI_MAX_XRES       2560
#define DISPI_MAX_YRES       1600
#define DISPI_MAX_BPP        32
#define DISPI_BANK_SIZE      0x10000

#define VGA_PCI_VENDOR 0x1234
#define VGA_PCI_DEVICE 0x1111
