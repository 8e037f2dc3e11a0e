// SPDX-License-Identifier: MIT
// What linux/fdreg.h does not say of Intel's 82077AA in a PC. Data sheet, "Register description", "Command set".
#pragma once

#define FDC_PORT   0x3f0 // FD_DOR and so on are offsets from it
#define FDC_PORTS  6     // 3F6h belongs to the disk controller
#define FDC_IRQ    6
#define FDC_DMA    2
#define FDC_DIR    0x3f7 // write: FDC_CCR
#define FDC_CCR    0x3f7
#define FDC_DRIVES 2
#define FDC_SECTOR 512
#define FDC_SIZE   2 // N of 512 bytes

#define FDC_DOR_SELECT 0x03
#define FDC_DOR_RESET  0x04 // low: reset
#define FDC_DOR_GATE   0x08 // DMA and interrupt enabled
#define FDC_DOR_MOTOR0 0x10
#define FDC_DSR_RESET  0x80
#define FDC_DSR_RATE   0x03
#define FDC_DIR_CHANGE 0x80

#define FDC_COMMAND_MT    0x80
#define FDC_COMMAND_CODE  0x1f
#define FDC_INVALID       0x80 // ST0
#define FDC_ST0_ABNORMAL  0x40
#define FDC_ST0_POLLED    0xc0
#define FDC_VERSION_82077 0x90
#define FDC_CONFIGURE_EIS 0x40 // implied seek
#define FDC_SPECIFY_NODMA 0x01
