// SPDX-License-Identifier: MIT
// The BIOS data area at 0040:0000 (offsets; IBM PS/2 and PC BIOS Interface Technical Reference, Ralf Brown's memory
// list).
#pragma once

#define BDA_BASE          0x400
#define BDA_COM           0x00 // 4 words
#define BDA_LPT           0x08 // 3 words
#define BDA_EBDA          0x0e
#define BDA_EQUIPMENT     0x10
#define BDA_MEMORY        0x13 // KiB
#define BDA_KBD_FLAGS     0x17
#define BDA_KBD_FLAGS2    0x18
#define BDA_KBD_ALT       0x19
#define BDA_KBD_HEAD      0x1a
#define BDA_KBD_TAIL      0x1c
#define BDA_KBD_BUFFER    0x1e
#define BDA_KBD_END       0x3e
#define BDA_FD_CALIBRATE  0x3e
#define BDA_FD_MOTOR      0x3f
#define BDA_FD_TIMEOUT    0x40
#define BDA_FD_STATUS     0x41
#define BDA_FD_RESULT     0x42 // 7 bytes
#define BDA_MODE          0x49
#define BDA_COLUMNS       0x4a
#define BDA_PAGE_SIZE     0x4c
#define BDA_PAGE_START    0x4e
#define BDA_CURSOR        0x50 // 8 words
#define BDA_CURSOR_SHAPE  0x60 // end line, then start line
#define BDA_PAGE          0x62
#define BDA_CRTC          0x63
#define BDA_MODE_SELECT   0x65
#define BDA_CGA_PALETTE   0x66
#define BDA_RESUME        0x67 // far pointer
#define BDA_TICKS         0x6c
#define BDA_MIDNIGHT      0x70
#define BDA_BREAK         0x71
#define BDA_WARM          0x72
#define BDA_HD_STATUS     0x74
#define BDA_HD_COUNT      0x75
#define BDA_LPT_TIMEOUT   0x78
#define BDA_COM_TIMEOUT   0x7c
#define BDA_KBD_START     0x80
#define BDA_KBD_STOP      0x82
#define BDA_ROWS          0x84 // minus one
#define BDA_CHAR_HEIGHT   0x85
#define BDA_VIDEO_CONTROL 0x87
#define BDA_SWITCHES      0x88
#define BDA_VIDEO_FLAGS   0x89
#define BDA_DISPLAY_CODE  0x8a
#define BDA_FD_RATE       0x8b
#define BDA_HD_INTERRUPT  0x8e
#define BDA_FD_TYPES      0x8f
#define BDA_FD_STATE      0x90 // per drive
#define BDA_FD_TRACK      0x94 // per drive
#define BDA_KBD_FLAGS3    0x96
#define BDA_KBD_LEDS      0x97
#define BDA_WAIT_FLAG     0x98 // far pointer
#define BDA_WAIT_COUNT    0x9c // microseconds
#define BDA_WAIT_ACTIVE   0xa0
#define BDA_SAVE_POINTER  0xa8
#define BDA_PRINT_SCREEN  0x100

#define WARM_BOOT     0x1234
#define TICKS_PER_DAY 0x1800b0
