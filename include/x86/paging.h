// SPDX-License-Identifier: MIT
// Bits of 4-level paging entries (SDM 3A 4.5).
#pragma once

#define PTE_P   (1ul << 0)
#define PTE_W   (1ul << 1)
#define PTE_U   (1ul << 2)
#define PTE_PWT (1ul << 3)
#define PTE_PCD (1ul << 4)
#define PTE_A   (1ul << 5)
#define PTE_D   (1ul << 6)
#define PTE_PS  (1ul << 7)
#define PTE_G   (1ul << 8)
#define PTE_NX  (1ul << 63)

// Memory types of the PAT (SDM 3A 12.12)
#define PAT_UC       0x00ul
#define PAT_WC       0x01ul
#define PAT_WT       0x04ul
#define PAT_WP       0x05ul
#define PAT_WB       0x06ul
#define PAT_UC_MINUS 0x07ul

// The kernel's PAT: index 0 WB, 1 WC (PWT), 2 UC- (PCD), 3 UC (PCD|PWT), 4-7 as at reset.
#define PAT_KERNEL 0x0007040600070106ul
#define PAT_RESET  0x0007040600070406ul
