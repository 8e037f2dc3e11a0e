// SPDX-License-Identifier: MIT
// What QEMU's pc-testdev offers to test kernels.
#pragma once

#define TEST_LOOPBACK_PORT 0xe0   // 4 bytes that read as they were written
#define TEST_FLUSH_PORT    0xe4   // a page that is to be unmapped for a moment: only its next access is slower
#define TEST_IRQ_PORT      0x2000 // + n: a value other than 0 raises interrupt line n, 0 lowers it
#define TEST_IRQ_LINES     24
#define TEST_WINDOW_BASE   0xff000000 // memory that is reached by MMIO exits only
#define TEST_WINDOW_SIZE   0x10000
