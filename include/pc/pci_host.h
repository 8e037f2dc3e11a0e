// SPDX-License-Identifier: MIT
// PCI configuration mechanism #1 (PCI 3.0, 3.2.2.3.2). The registers of a function are those of linux/pci_regs.h.
#pragma once

#define PCI_CONFIG_ADDRESS  0xcf8
#define PCI_CONFIG_DATA     0xcfc
#define PCI_CONFIG_ENABLE   0x80000000u
#define PCI_CONFIG_BUS      0x00ff0000u
#define PCI_CONFIG_DEVFN    0x0000ff00u
#define PCI_CONFIG_REGISTER 0x000000fcu
#define PCI_CONFIG_SPACE    256

#define PCI_VENDOR_INTEL   0x8086
#define PCI_DEVICE_82441FX 0x1237

// 82441FX: programmable attribute map. Byte 59h has F0000-FFFFF in its upper half, each half of 5Ah-5Fh has 16 KiB from
// C0000 on.
#define PCI_82441FX_PAM     0x59
#define PCI_82441FX_PAM_END 0x60
#define PAM_READ            0x1 // from RAM, not from the bus
#define PAM_WRITE           0x2
#define PAM_BOTH            0x33 // halves readable and writable
