// SPDX-License-Identifier: MIT
// Control registers and flags (SDM 3A 2.3, 2.5, 2.6), and the instructions that reach them, MSRs and ports.
#pragma once
#include <stdint.h>

#define RFLAGS_CF    (1ul << 0)
#define RFLAGS_ONE   (1ul << 1) // always 1
#define RFLAGS_PF    (1ul << 2)
#define RFLAGS_AF    (1ul << 4)
#define RFLAGS_ZF    (1ul << 6)
#define RFLAGS_SF    (1ul << 7)
#define RFLAGS_TF    (1ul << 8)
#define RFLAGS_IF    (1ul << 9)
#define RFLAGS_DF    (1ul << 10)
#define RFLAGS_OF    (1ul << 11)
#define RFLAGS_IOPL  (3ul << 12)
#define RFLAGS_NT    (1ul << 14)
#define RFLAGS_RF    (1ul << 16)
#define RFLAGS_VM    (1ul << 17)
#define RFLAGS_AC    (1ul << 18)
#define RFLAGS_VIF   (1ul << 19)
#define RFLAGS_VIP   (1ul << 20)
#define RFLAGS_ID    (1ul << 21)
#define RFLAGS_KNOWN 0x3f7fd5ul // all that are not reserved

#define CR0_PE (1ul << 0)
#define CR0_MP (1ul << 1)
#define CR0_EM (1ul << 2)
#define CR0_TS (1ul << 3)
#define CR0_ET (1ul << 4)
#define CR0_NE (1ul << 5)
#define CR0_WP (1ul << 16)
#define CR0_AM (1ul << 18)
#define CR0_NW (1ul << 29)
#define CR0_CD (1ul << 30)
#define CR0_PG (1ul << 31)

#define CR3_NO_FLUSH  (1ul << 63) // in a write with CR4.PCIDE: keep the PCID's translations
#define CR3_PCID_MASK 0xffful

#define CR4_VME        (1ul << 0)
#define CR4_PVI        (1ul << 1)
#define CR4_TSD        (1ul << 2)
#define CR4_DE         (1ul << 3)
#define CR4_PSE        (1ul << 4)
#define CR4_PAE        (1ul << 5)
#define CR4_MCE        (1ul << 6)
#define CR4_PGE        (1ul << 7)
#define CR4_PCE        (1ul << 8)
#define CR4_OSFXSR     (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP       (1ul << 11)
#define CR4_LA57       (1ul << 12)
#define CR4_VMXE       (1ul << 13)
#define CR4_SMXE       (1ul << 14)
#define CR4_FSGSBASE   (1ul << 16)
#define CR4_PCIDE      (1ul << 17)
#define CR4_OSXSAVE    (1ul << 18)
#define CR4_SMEP       (1ul << 20)
#define CR4_SMAP       (1ul << 21)
#define CR4_PKE        (1ul << 22)
#define CR4_CET        (1ul << 23)

#define EFER_SCE  (1ul << 0)
#define EFER_LME  (1ul << 8)
#define EFER_LMA  (1ul << 10)
#define EFER_NXE  (1ul << 11)
#define EFER_SVME (1ul << 12)

#define XCR0_X87       (1ul << 0)
#define XCR0_SSE       (1ul << 1)
#define XCR0_AVX       (1ul << 2)
#define XCR0_BNDREGS   (1ul << 3)
#define XCR0_BNDCSR    (1ul << 4)
#define XCR0_OPMASK    (1ul << 5)
#define XCR0_ZMM_HI256 (1ul << 6)
#define XCR0_HI16_ZMM  (1ul << 7)
#define XCR0_PKRU      (1ul << 9)

#define DR6_RESET 0xffff0ff0ul
#define DR7_RESET 0x400ul
#define DR7_GD    (1ul << 13)

#define REG_ACCESSORS(name)                                                                                            \
    static inline uint64_t read_##name(void)                                                                           \
    {                                                                                                                  \
        uint64_t value;                                                                                                \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));                                                         \
        return value;                                                                                                  \
    }                                                                                                                  \
    static inline void write_##name(uint64_t value)                                                                    \
    {                                                                                                                  \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");                                                \
    }
REG_ACCESSORS(cr0)
REG_ACCESSORS(cr2)
REG_ACCESSORS(cr3)
REG_ACCESSORS(cr4)
REG_ACCESSORS(cr8)
REG_ACCESSORS(dr0)
REG_ACCESSORS(dr1)
REG_ACCESSORS(dr2)
REG_ACCESSORS(dr3)
REG_ACCESSORS(dr6)
REG_ACCESSORS(dr7)
#undef REG_ACCESSORS

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t xgetbv(uint32_t index)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
    return (uint64_t)high << 32 | low;
}

static inline void xsetbv(uint32_t index, uint64_t value)
{
    __asm__ volatile("xsetbv" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline void invlpg(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

enum invpcid_type { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_ALL_GLOBAL, INVPCID_ALL };
static inline void invpcid(uint64_t type, uint64_t pcid, uint64_t address)
{
    struct {
        uint64_t pcid, address;
    } descriptor = {pcid, address};
    __asm__ volatile("invpcid %0, %1" : : "m"(descriptor), "r"(type) : "memory");
}

static inline void clts(void)
{
    __asm__ volatile("clts" ::: "memory");
}

static inline void stts(void)
{
    write_cr0(read_cr0() | CR0_TS);
}

static inline void halt_forever(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

#define PORT_ACCESSORS(suffix, type)                                                                                   \
    static inline type in##suffix(uint16_t port)                                                                       \
    {                                                                                                                  \
        type value;                                                                                                    \
        __asm__ volatile("in" #suffix " %1, %0" : "=a"(value) : "Nd"(port) : "memory");                                \
        return value;                                                                                                  \
    }                                                                                                                  \
    static inline void out##suffix(uint16_t port, type value)                                                          \
    {                                                                                                                  \
        __asm__ volatile("out" #suffix " %0, %1" : : "a"(value), "Nd"(port) : "memory");                               \
    }
PORT_ACCESSORS(b, uint8_t)
PORT_ACCESSORS(w, uint16_t)
PORT_ACCESSORS(l, uint32_t)
#undef PORT_ACCESSORS
