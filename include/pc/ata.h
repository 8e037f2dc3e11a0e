// SPDX-License-Identifier: MIT
// ATA/ATAPI-7 registers and commands, and the bus-master interface of Intel's PIIX (SFF-8038i).
#pragma once

#define ATA_PRIMARY_PORT      0x1f0
#define ATA_PRIMARY_CONTROL   0x3f6
#define ATA_PRIMARY_IRQ       14
#define ATA_SECONDARY_PORT    0x170
#define ATA_SECONDARY_CONTROL 0x376
#define ATA_SECONDARY_IRQ     15
#define ATA_PORTS             8
#define ATA_SECTOR            512

#define ATA_DATA     0
#define ATA_ERROR    1 // write: ATA_FEATURES
#define ATA_FEATURES 1
#define ATA_COUNT    2 // of a packet device: ATA_REASON
#define ATA_REASON   2
#define ATA_LBA_LOW  3
#define ATA_LBA_MID  4
#define ATA_LBA_HIGH 5
#define ATA_DEVICE   6
#define ATA_STATUS   7 // write: ATA_COMMAND
#define ATA_COMMAND  7

#define ATA_STATUS_ERR  0x01
#define ATA_STATUS_DRQ  0x08
#define ATA_STATUS_DSC  0x10
#define ATA_STATUS_DF   0x20
#define ATA_STATUS_DRDY 0x40
#define ATA_STATUS_BSY  0x80

#define ATA_ERROR_ABRT 0x04
#define ATA_ERROR_IDNF 0x10
#define ATA_ERROR_UNC  0x40
#define ATA_DIAG_OK    0x01 // in ATA_ERROR after a reset

#define ATA_DEVICE_HEAD  0x0f
#define ATA_DEVICE_DEV   0x10
#define ATA_DEVICE_LBA   0x40
#define ATA_DEVICE_FIXED 0xa0 // bits 7 and 5, set by old software

#define ATA_CONTROL_NIEN 0x02
#define ATA_CONTROL_SRST 0x04
#define ATA_CONTROL_HOB  0x80

#define ATA_REASON_COMMAND 0x01 // CoD
#define ATA_REASON_IN      0x02 // IO: to the host

#define ATA_CMD_NOP                0x00
#define ATA_CMD_DEVICE_RESET       0x08
#define ATA_CMD_RECALIBRATE        0x10 // - 1Fh
#define ATA_CMD_READ               0x20
#define ATA_CMD_READ_NO_RETRY      0x21
#define ATA_CMD_READ_EXT           0x24
#define ATA_CMD_READ_DMA_EXT       0x25
#define ATA_CMD_READ_MAX_EXT       0x27
#define ATA_CMD_READ_MULTIPLE_EXT  0x29
#define ATA_CMD_WRITE              0x30
#define ATA_CMD_WRITE_NO_RETRY     0x31
#define ATA_CMD_WRITE_EXT          0x34
#define ATA_CMD_WRITE_DMA_EXT      0x35
#define ATA_CMD_WRITE_MULTIPLE_EXT 0x39
#define ATA_CMD_VERIFY             0x40
#define ATA_CMD_VERIFY_NO_RETRY    0x41
#define ATA_CMD_VERIFY_EXT         0x42
#define ATA_CMD_SEEK               0x70
#define ATA_CMD_DIAGNOSTIC         0x90
#define ATA_CMD_INIT_PARAMETERS    0x91
#define ATA_CMD_PACKET             0xa0
#define ATA_CMD_IDENTIFY_PACKET    0xa1
#define ATA_CMD_READ_MULTIPLE      0xc4
#define ATA_CMD_WRITE_MULTIPLE     0xc5
#define ATA_CMD_SET_MULTIPLE       0xc6
#define ATA_CMD_READ_DMA           0xc8
#define ATA_CMD_READ_DMA_NO_RETRY  0xc9
#define ATA_CMD_WRITE_DMA          0xca
#define ATA_CMD_WRITE_DMA_NO_RETRY 0xcb
#define ATA_CMD_STANDBY_IMMEDIATE  0xe0
#define ATA_CMD_IDLE_IMMEDIATE     0xe1
#define ATA_CMD_STANDBY            0xe2
#define ATA_CMD_IDLE               0xe3
#define ATA_CMD_CHECK_POWER        0xe5
#define ATA_CMD_SLEEP              0xe6
#define ATA_CMD_FLUSH              0xe7
#define ATA_CMD_FLUSH_EXT          0xea
#define ATA_CMD_IDENTIFY           0xec
#define ATA_CMD_SET_FEATURES       0xef
#define ATA_CMD_READ_MAX           0xf8

#define ATA_FEATURE_WRITE_CACHE_ON    0x02
#define ATA_FEATURE_TRANSFER_MODE     0x03
#define ATA_FEATURE_READ_AHEAD_OFF    0x55
#define ATA_FEATURE_KEEP_ON_RESET     0x66
#define ATA_FEATURE_WRITE_CACHE_OFF   0x82
#define ATA_FEATURE_READ_AHEAD_ON     0xaa
#define ATA_FEATURE_DEFAULTS_ON_RESET 0xcc

// Signatures in LBA_MID and LBA_HIGH after a reset.
#define ATA_SIGNATURE_DISK   0x0000
#define ATA_SIGNATURE_PACKET 0xeb14

// Bus master, eight ports per channel.
#define BM_PORTS   8
#define BM_COMMAND 0
#define BM_STATUS  2
#define BM_PRD     4

#define BM_COMMAND_START 0x01
#define BM_COMMAND_READ  0x08 // to memory

#define BM_STATUS_ACTIVE 0x01
#define BM_STATUS_ERROR  0x02
#define BM_STATUS_INTR   0x04
#define BM_STATUS_DRIVES 0x60 // drive n can do DMA: kept for software

#define BM_PRD_END 0x80000000u

#define PCI_DEVICE_PIIX3_ISA 0x7000
#define PCI_DEVICE_PIIX3_IDE 0x7010
#define PIIX_IDETIM          0x40 // one word per channel
#define PIIX_IDETIM_DECODE   0x8000
