// SPDX-License-Identifier: MIT
// The UTCB: one page shared by an EC and the kernel. A message is words[0..n); an exception or VM exit fills the other
// view, of which only the groups named by the portal's MTD are valid.
#pragma once
#include <stdint.h>

#define UTCB_WORDS 512

struct utcb_seg {
    uint16_t sel;
    uint16_t
        ar; // VMX access rights (SDM 3C 25.4.1) folded: bits 0-7 as in the descriptor, 8-11 = AVL L D G, 12 = unusable
    uint32_t limit;
    uint64_t base;
};

enum gpr {
    GPR_RAX,
    GPR_RCX,
    GPR_RDX,
    GPR_RBX,
    GPR_RSP,
    GPR_RBP,
    GPR_RSI,
    GPR_RDI,
    GPR_R8 /* .. R15 */,
    GPR_COUNT = 16
};
enum seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_TR, SEG_LDTR, SEG_GDTR, SEG_IDTR, SEG_COUNT };

struct utcb_state {
    uint64_t gpr[GPR_COUNT];
    uint64_t rip, rflags;
    uint64_t qual[2]; // VMX: exit qualification, guest-physical address. Exception: error code, CR2
    uint64_t linear;  // VMX: guest linear address
    uint32_t insn_len;
    uint32_t insn_info;                       // VMX instruction information
    uint32_t exit_intr_info, exit_intr_error; // VM-exit interruption information (exceptions, NMI)
    uint32_t idt_info, idt_error;             // what was being delivered when the exit came: to be injected again
    uint32_t inj_info, inj_error;             // event to inject at entry (SDM 3C 25.8.3) | INJ_* windows
    uint32_t inj_len;                         // instruction length of a software event
    uint32_t intr_state;                      // interruptibility: bit 0 STI, 1 MOV SS, 3 NMI
    uint32_t activity;                        // always 0 (active): HLT exits
    uint32_t apic_mode;                       // enum apic_mode
    uint32_t tpr_threshold;
    uint64_t cr0, cr2, cr3, cr4, cr8; // as the guest sees them
    uint64_t pdpte[4];
    uint64_t dr[4], dr6, dr7;
    uint64_t efer, pat;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t star, lstar, cstar, fmask, kernel_gs_base, tsc_aux;
    uint64_t xcr0, xss, spec_ctrl;
    uint64_t tsc_offset; // guest TSC = host TSC + offset
    uint64_t deadline;   // host TSC at which the vCPU exits with EVENT_TIMER; 0 = none. One shot: cleared by that exit
    struct utcb_seg seg[SEG_COUNT];
};

union utcb {
    uint64_t words[UTCB_WORDS];
    struct utcb_state state;
};
_Static_assert(sizeof(struct utcb_state) <= 4096, "state fits the UTCB page");

#define INJ_VALID       (1u << 31)
#define INJ_ERROR       (1u << 11)
#define INJ_INTR_WINDOW (1u << 12) // exit as soon as the guest can take an interrupt
#define INJ_NMI_WINDOW  (1u << 13)

enum apic_mode {
    APIC_NONE,
    APIC_XAPIC,
    APIC_X2APIC
}; // who answers register reads: the VMM, or the CPU from the virtual-APIC page

// MTD: which groups an exit transfers, and which of them a reply changed.
#define MTD_ACDB     (1u << 0) // RAX RCX RDX RBX
#define MTD_BSD      (1u << 1) // RBP RSI RDI
#define MTD_RSP      (1u << 2) // and, in: dr7, which concerns who executes instructions
#define MTD_R8_R15   (1u << 3)
#define MTD_RIP      (1u << 4) // rip, insn_len
#define MTD_RFLAGS   (1u << 5)
#define MTD_QUAL     (1u << 6) // qual, linear, insn_info, exit_intr_*
#define MTD_INJ      (1u << 7) // in: idt_*, and inj_* = 0; out: inj_*
#define MTD_STATE    (1u << 8) // intr_state, activity
#define MTD_CR       (1u << 9) // cr0 cr2 cr3 cr4 cr8, pdpte
#define MTD_DR       (1u << 10)
#define MTD_EFER     (1u << 11) // efer, pat
#define MTD_SYSENTER (1u << 12)
#define MTD_SYSCALL  (1u << 13) // star lstar cstar fmask kernel_gs_base tsc_aux
#define MTD_XSAVE    (1u << 14) // xcr0 xss spec_ctrl
#define MTD_TSC      (1u << 15) // tsc_offset
#define MTD_DEADLINE (1u << 16)
#define MTD_APIC     (1u << 17) // apic_mode, tpr_threshold
#define MTD_CSSS     (1u << 18) // cs, ss
#define MTD_ESDS     (1u << 19)
#define MTD_FSGS     (1u << 20)
#define MTD_TRLDTR   (1u << 21) // tr, ldtr
#define MTD_TABLES   (1u << 22) // gdtr, idtr
#define MTD_STOP     (1u << 30) // reply only: the caller never runs again (it waits to be destroyed)
#define MTD_GPR      (MTD_ACDB | MTD_BSD | MTD_RSP | MTD_R8_R15)
#define MTD_SEG      (MTD_CSSS | MTD_ESDS | MTD_FSGS | MTD_TRLDTR | MTD_TABLES)
#define MTD_ALL      0x7fffffu

// Events of an EC: portals at event_base + number. A host EC has the exception vectors 0..31.
#define EVENT_COUNT   256
#define EVENT_TIMER   252 // the deadline of the vCPU passed
#define EVENT_FAILED  253 // VM entry failed: insn_info = number of the rule of entry_check.c, qual[0] = hardware's error
#define EVENT_STARTUP 254
#define EVENT_RECALL  255

// Second page of a vCPU's page pair, read-only for the VMM: what the kernel counts. Times in TSC ticks.
struct vcpu_stats {
    uint64_t guest, kernel,
        vmm; // time in the guest; in the kernel between exit and handler or reply and entry; in the handler
    uint64_t injections;
    uint64_t preemptions;        // exits that the VMM never saw: host interrupts, time slices
    uint64_t exits[EVENT_COUNT]; // by event number, those of the host included
};
