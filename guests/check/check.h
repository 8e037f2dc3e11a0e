// SPDX-License-Identifier: MIT
// A kernel that checks the machine it runs on against the manuals, one line per rule. Runs as a Multiboot kernel in a
// VM, and as it is on any PC or emulator: there it tells what is right.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

typedef void (*handler)(struct frame *frame);

void handle(unsigned vector, handler function); // NULL: an exception that nobody expects ends the kernel

// One rule. The values are shown where it does not hold.
void check(bool ok, const char *rule);
void check_same(uint64_t got, uint64_t wanted, const char *rule);
void skip(const char *what, const char *why);
void put(const char *text);
void put_hex(uint64_t value);

#define NO_VECTOR 0x100
extern volatile unsigned caught;       // vector of the exception in TRY, or NO_VECTOR
extern volatile uint64_t caught_error; // its error code
extern volatile uint64_t caught_flags; // and RFLAGS in its frame
extern volatile uint64_t resume;

// Runs instructions that may fault; the value is the vector, or NO_VECTOR. Operands follow as in `asm`.
#define TRY(code, ...)                                                                                                 \
    ({                                                                                                                 \
        caught = NO_VECTOR;                                                                                            \
        asm volatile("movq $1f, resume\n\t" code "\n1:\tmovq $0, resume" __VA_ARGS__);                                 \
        caught;                                                                                                        \
    })

enum { DE, DB, NMI, BP, OF, BR, UD, NM, DF, TS = 10, NP, SS, GP, PF, MF = 16, AC };

extern uint8_t idt[4096];
extern uint64_t gdt[];
extern uint8_t tss[];
void ring3_call(void (*function)(void));
struct cpuid bios32_call(uint32_t entry, struct cpuid in); // start.asm: a far call in compatibility mode
extern uint64_t tables[];                                  // PML4, PDPT, four page directories of 2 MiB pages

#define ALWAYS static inline __attribute__((always_inline))

// clang-format off
ALWAYS void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
ALWAYS void out16(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
ALWAYS void out32(uint16_t port, uint32_t value) { asm volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }
// clang-format on
ALWAYS uint8_t in8(uint16_t port)
{
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
ALWAYS uint32_t in32(uint16_t port)
{
    uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
ALWAYS uint64_t rdtsc(void)
{
    uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}
ALWAYS uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low | (uint64_t)high << 32;
}
ALWAYS void wrmsr(uint32_t msr, uint64_t value)
{
    asm volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}
static inline unsigned rdmsr_try(uint32_t msr, uint64_t *value)
{
    uint32_t low = 0, high = 0;
    unsigned vector = TRY("rdmsr", : "+a"(low), "+d"(high) : "c"(msr) : "memory");
    *value = low | (uint64_t)high << 32;
    return vector;
}
static inline unsigned wrmsr_try(uint32_t msr, uint64_t value)
{
    return TRY("wrmsr", : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}
static inline bool is_amd(void)
{
    return cpuid(0, 0).ebx == 0x68747541;
}

// clang-format off
#define CR(n)                                                                                                          \
    ALWAYS uint64_t cr##n##_get(void)                                                                                  \
    {                                                                                                                  \
        uint64_t value;                                                                                                \
        asm volatile("mov %%cr" #n ", %0" : "=r"(value));                                                              \
        return value;                                                                                                  \
    }                                                                                                                  \
    ALWAYS void cr##n##_set(uint64_t value) { asm volatile("mov %0, %%cr" #n : : "r"(value) : "memory"); }
CR(0) CR(3) CR(4) CR(8)
#define DR(n)                                                                                                          \
    ALWAYS uint64_t dr##n##_get(void)                                                                                  \
    {                                                                                                                  \
        uint64_t value;                                                                                                \
        asm volatile("mov %%dr" #n ", %0" : "=r"(value));                                                              \
        return value;                                                                                                  \
    }                                                                                                                  \
    ALWAYS void dr##n##_set(uint64_t value) { asm volatile("mov %0, %%dr" #n : : "r"(value) : "memory"); }
DR(0) DR(1) DR(6) DR(7)
// clang-format on

#define MSR_APIC_BASE 0x1b
#define APIC_BASE     0xfee00000ul
    // clang-format off
ALWAYS uint32_t apic_get(uint32_t at) { return *(volatile uint32_t *)(APIC_BASE + at); }
ALWAYS void apic_set(uint32_t at, uint32_t value) { *(volatile uint32_t *)(APIC_BASE + at) = value; }
// clang-format on
void apic_off(void);
void apic_on(void); // xAPIC mode, software-enabled
void apic_x2(void);
void sti_nop_cli(void);
uint64_t count_of(unsigned vector); // interrupts since count_from_zero(); counted ones are ended (EOI)
void count(unsigned vector);
void count_from_zero(void);

void check_apic(void), check_timer(void), check_ioapic(void), check_nmi(void), check_debug(void), check_msr(void),
    check_cpu(void), check_mmio(void), check_event(void), check_firmware(void), check_memory(void), check_lost(void),
    check_warm(void);
struct multiboot_info;
void memory_info(const struct multiboot_info *boot);
