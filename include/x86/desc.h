// SPDX-License-Identifier: MIT
// Descriptors, gates and the task-state segment of 64-bit mode (SDM 3A 3.4.5, 6.14, 8.7), and error-code bits.
#pragma once
#include <stdint.h>

// Code and data descriptors: flat, accessed bit set.
#define DESC_CODE64_KERNEL 0x00af9b000000fffful
#define DESC_DATA_KERNEL   0x00cf93000000fffful
#define DESC_CODE64_USER   0x00affb000000fffful
#define DESC_DATA_USER     0x00cff3000000fffful
#define DESC_PRESENT       0x80
#define DESC_TSS_AVAILABLE 0x9
#define DESC_TSS_BUSY      0xb
#define DESC_INTERRUPT     0xe
#define DESC_DPL(x)        ((x) << 5)

struct desc_ptr {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist; // 0 = none
    uint8_t type;
    uint16_t offset_mid;
    uint32_t offset_high;
    uint32_t reserved;
};
_Static_assert(sizeof(struct gate) == 16, "gate of 64-bit mode");

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; // IST1..IST7
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t iomap_base; // offset of the I/O permission bitmap
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "TSS of 64-bit mode");

#define TSS_LIMIT_NO_IO 0x67   // what a VM exit leaves in TR
#define TSS_IO_BYTES    0x2001 // the bitmap and the byte of ones that must follow it

// Exception vectors
enum exception {
    EXC_DE,
    EXC_DB,
    EXC_NMI,
    EXC_BP,
    EXC_OF,
    EXC_BR,
    EXC_UD,
    EXC_NM,
    EXC_DF,
    EXC_TS = 10,
    EXC_NP,
    EXC_SS,
    EXC_GP,
    EXC_PF,
    EXC_MF = 16,
    EXC_AC,
    EXC_MC,
    EXC_XM,
    EXC_VE,
    EXC_CP,
    EXC_COUNT = 32
};

// Page-fault error code
#define PF_PRESENT  (1u << 0)
#define PF_WRITE    (1u << 1)
#define PF_USER     (1u << 2)
#define PF_RESERVED (1u << 3)
#define PF_FETCH    (1u << 4)
