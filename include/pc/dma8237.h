// SPDX-License-Identifier: MIT
// The two Intel 8237A of an AT with their page registers. Channels 0-3 move bytes, 5-7 words; 4 joins the two.
#pragma once

#define DMA1_PORT     0x00 // registers one port apart
#define DMA2_PORT     0xc0 // registers two ports apart
#define DMA_CHANNELS  8
#define DMA_PAGE_PORT 0x81 // - 8Fh; 80h is the POST code's

// Registers of a controller beyond address and count of its four channels (2n, 2n + 1).
#define DMA_STATUS       0x8 // write: DMA_COMMAND
#define DMA_COMMAND      0x8
#define DMA_REQUEST      0x9
#define DMA_SINGLE_MASK  0xa
#define DMA_MODE         0xb
#define DMA_CLEAR_FLIP   0xc
#define DMA_MASTER_CLEAR 0xd // read: temporary register
#define DMA_CLEAR_MASK   0xe
#define DMA_ALL_MASK     0xf

#define DMA_COMMAND_OFF  0x04
#define DMA_MASK_SET     0x04 // of DMA_SINGLE_MASK
#define DMA_MODE_TYPE    0x0c
#define DMA_MODE_VERIFY  0x00
#define DMA_MODE_WRITE   0x04 // to memory
#define DMA_MODE_READ    0x08 // from memory
#define DMA_MODE_AUTO    0x10
#define DMA_MODE_DOWN    0x20
#define DMA_MODE_CASCADE 0xc0
