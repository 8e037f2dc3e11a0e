// SPDX-License-Identifier: MIT
// QEMU's firmware configuration device by ports (docs/specs/fw_cfg of QEMU): a key is written, its bytes are read one
// after the other.
#pragma once

#define FW_CFG_SELECTOR 0x510 // 16 bits, write
#define FW_CFG_DATA     0x511 // 8 bits
#define FW_CFG_PORTS    2

#define FW_CFG_KEY_SIGNATURE 0x00 // "QEMU"
#define FW_CFG_KEY_ID        0x01 // 32 bits: FW_CFG_ID_TRADITIONAL
#define FW_CFG_KEY_RAM_SIZE  0x03 // 64 bits: bytes
#define FW_CFG_KEY_CPUS      0x05 // 16 bits
#define FW_CFG_KEY_MAX_CPUS  0x0f // 16 bits
#define FW_CFG_KEY_FILES     0x19 // 32 bits, big endian: files in the directory

#define FW_CFG_ID_TRADITIONAL 1
