// SPDX-License-Identifier: MIT
// The platform under the kernel: descriptor tables, local and I/O APICs, timer, log, panic.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "abi/hip.h"
#include "ukernel/percpu.h"

// Interrupt vectors
#define VECTOR_GSI_BASE 0x20 // + gsi; up to VECTOR_GSI_LAST
#define VECTOR_GSI_LAST 0xdf
#define VECTOR_TIMER    0xf0
#define VECTOR_IPI      0xf1 // look at call_pending and the inbox
#define VECTOR_SPURIOUS 0xff
#define MAX_GSIS        (VECTOR_GSI_LAST - VECTOR_GSI_BASE + 1)

// Selectors of the GDT, in the order SYSENTER/SYSEXIT want: kernel CS, SS, (none: 32-bit user), ..., user CS64 = base +
// 32, SS = base + 40
#define SEL_KCODE 0x08
#define SEL_KDATA 0x10
#define SEL_UCODE (0x28 | 3)
#define SEL_UDATA (0x30 | 3)
#define SEL_TSS   0x38

extern struct hip *hip; // kernel address of the HIP page
extern uint64_t tsc_hz;
extern bool cpu_has_pcid;

static inline uint64_t rdtsc(void)
{
    uint64_t low, high; // RDTSC clears the upper halves
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return high << 32 | low;
}

// cpu/lapic.c (xAPIC or x2APIC)
void lapic_init_cpu(void);
void lapic_eoi(void);
void lapic_ipi(unsigned cpu, unsigned vector);
void lapic_timer_set(uint64_t tsc_deadline); // TSC-deadline mode, or periodic from the calibrated rate; past deadlines
                                             // fire at once; UINT64_MAX stops it
// cpu/ioapic.c
unsigned ioapic_gsis(void);
bool ioapic_route(unsigned gsi, unsigned cpu, unsigned vector, uint32_t int_flags); // masked
void ioapic_mask(unsigned gsi, bool masked);
// cpu/gdt.c, idt.c
void cpu_tables_init(struct cpu *cpu); // GDT, TSS with IST stacks, IDT, SYSENTER/SYSCALL MSRs, CR0/CR4/EFER bits, PAT
extern bool hypercall_by_syscall;      // set by it: hypercalls by SYSCALL (AMD), not SYSENTER
void tss_io_enable(
    struct cpu *cpu,
    struct pio_space *pio); // NULL: no port; else copy the bitmap when it is not there already and reload TR
// cpu/fpu.c
void fpu_init_cpu(void);
bool fpu_state_create(struct ec *ec); // as after reset; paid by its PD; false = the account is exhausted
void fpu_state_free(struct ec *ec);
void fpu_switch(struct cpu *cpu, struct ec *ec); // the registers are those of `ec` now; CR0.TS is set
bool fpu_open(struct cpu *cpu, struct ec *ec);   // #NM of the current EC: may it use them? Then it can now
void fpu_close(struct cpu *cpu);                 // before another EC runs
// console.c, panic.c
void klog(const char *format, ...)
    __attribute__((format(printf, 1, 2))); // one line "[  1.234567] cpu0 ..."; \n is added
void klog_to_serial(bool on);
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define ASSERT(x)                                                                                                      \
    do {                                                                                                               \
        if (__builtin_expect(!(x), 0))                                                                                 \
            panic("%s:%d: broken: %s", __FILE__, __LINE__, #x);                                                        \
    } while (0)
