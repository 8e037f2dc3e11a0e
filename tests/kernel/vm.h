// SPDX-License-Identifier: MIT
// Tiny VMs for the tests of vCPUs: guest code in assembly, one function that answers all its exits.
#pragma once
#include "tests/kernel/ktest.h"
#include "tests/kernel/vendor.h"
#include "x86/regs.h"
#include "x86/vmx.h"

// Guest code, 16 bits unless it says otherwise; position independent. Each ends at NAME_end.
#define GUEST(name, code)                                                                                              \
    extern const char guest_##name[], guest_##name##_end[];                                                            \
    __asm__(".pushsection .rodata\n.globl guest_" #name ", guest_" #name "_end\n.code16\nguest_" #name ":\n" code      \
            "\nguest_" #name "_end:\n.code64\n.popsection")

extern const char guest_spin[], guest_spin_end[], guest_halt[], guest_halt_end[]; // 1: inc %eax; jmp 1b; and: hlt

#define GUEST_CS   0x0100 // code at 1000h
#define GUEST_CODE (GUEST_CS * 16ul)
#define GUEST_RAM  LARGE_SIZE
#define VCPU_PAGES 0x53000000ul
#define GUEST_VIEW 0x80000000ul

struct vm {
    uint64_t phys, view; // guest RAM: 2 MiB at guest-physical 0, and where we see it
    uint64_t events;     // selectors: EVENT_COUNT portals
    uint64_t ec[2], sc[2];
    uint64_t done; // semaphore
    const struct vcpu_stats *stats;
    uint64_t (*answer)(unsigned event, struct utcb_state *s); // to the exit's state -> MTD
    unsigned seen[EVENT_COUNT];
    struct utcb_state last;
};
extern struct vm vm;
extern unsigned vm_cpu; // where the next VM's vCPUs run

bool no_vms(void);                         // then the test is skipped
uint64_t start_real(struct utcb_state *s); // as a real-mode program finds it
uint64_t skip_insn(struct utcb_state *s);
// `count` vCPUs that start with `code` in real mode, at `prio`; they run once we wait.
void vm_start(const char *code, const char *end, uint64_t (*answer)(unsigned, struct utcb_state *), unsigned count,
              unsigned prio);
#define VM_START_PRIO(name, answer, prio) vm_start(guest_##name, guest_##name##_end, answer, 1, prio)
#define VM_START(name, answer)            VM_START_PRIO(name, answer, 10)
bool vm_wait(void); // until an answer was MTD_STOP
void vm_end(unsigned count);
void on_the_other_cpu(void (*run)(void));
