// SPDX-License-Identifier: MIT
// VMX: capability MSRs, controls, exit reasons and the formats of the words that an exit leaves (SDM 3C chapters 24-30,
// 3D appendices A and C).
#pragma once
#include <stdint.h>

// IA32_FEATURE_CONTROL (SDM 3C 23.7)
#define FEATURE_CONTROL_LOCK  (1ul << 0)
#define FEATURE_CONTROL_VMXON (1ul << 2) // VMXON outside SMX operation

// Capability MSRs (appendix A)
#define IA32_VMX_BASIC               0x480
#define IA32_VMX_PINBASED_CTLS       0x481
#define IA32_VMX_PROCBASED_CTLS      0x482
#define IA32_VMX_EXIT_CTLS           0x483
#define IA32_VMX_ENTRY_CTLS          0x484
#define IA32_VMX_MISC                0x485
#define IA32_VMX_CR0_FIXED0          0x486
#define IA32_VMX_CR0_FIXED1          0x487
#define IA32_VMX_CR4_FIXED0          0x488
#define IA32_VMX_CR4_FIXED1          0x489
#define IA32_VMX_PROCBASED_CTLS2     0x48b
#define IA32_VMX_EPT_VPID_CAP        0x48c
#define IA32_VMX_TRUE_PINBASED_CTLS  0x48d
#define IA32_VMX_TRUE_PROCBASED_CTLS 0x48e
#define IA32_VMX_TRUE_EXIT_CTLS      0x48f
#define IA32_VMX_TRUE_ENTRY_CTLS     0x490

#define VMX_BASIC_REVISION      0x7ffffffful
#define VMX_BASIC_TRUE_CTLS     (1ul << 55)
#define VMX_MISC_TIMER_SHIFT    0x1ful // the preemption timer counts TSC >> this
#define EPT_CAP_WALK_4          (1ul << 6)
#define EPT_CAP_WB              (1ul << 14)
#define EPT_CAP_2M              (1ul << 16)
#define EPT_CAP_1G              (1ul << 17)
#define EPT_CAP_INVEPT          (1ul << 20)
#define EPT_CAP_INVEPT_SINGLE   (1ul << 25)
#define EPT_CAP_INVEPT_ALL      (1ul << 26)
#define VPID_CAP_INVVPID        (1ul << 32)
#define VPID_CAP_INVVPID_SINGLE (1ul << 41)
#define VPID_CAP_INVVPID_ALL    (1ul << 42)

// Pin-based VM-execution controls (25.6.1)
#define PIN_EXTERNAL_INTERRUPT (1u << 0)
#define PIN_NMI                (1u << 3)
#define PIN_VIRTUAL_NMIS       (1u << 5)
#define PIN_PREEMPTION_TIMER   (1u << 6)

// Primary processor-based VM-execution controls (25.6.2)
#define PROC_INTERRUPT_WINDOW (1u << 2)
#define PROC_TSC_OFFSETTING   (1u << 3)
#define PROC_HLT              (1u << 7)
#define PROC_INVLPG           (1u << 9)
#define PROC_MWAIT            (1u << 10)
#define PROC_RDPMC            (1u << 11)
#define PROC_RDTSC            (1u << 12)
#define PROC_CR3_LOAD         (1u << 15)
#define PROC_CR3_STORE        (1u << 16)
#define PROC_CR8_LOAD         (1u << 19)
#define PROC_CR8_STORE        (1u << 20)
#define PROC_TPR_SHADOW       (1u << 21)
#define PROC_NMI_WINDOW       (1u << 22)
#define PROC_MOV_DR           (1u << 23)
#define PROC_UNCONDITIONAL_IO (1u << 24)
#define PROC_IO_BITMAPS       (1u << 25)
#define PROC_MSR_BITMAPS      (1u << 28)
#define PROC_MONITOR          (1u << 29)
#define PROC_PAUSE            (1u << 30)
#define PROC_SECONDARY        (1u << 31)

// Secondary processor-based VM-execution controls
#define PROC2_APIC_ACCESSES      (1u << 0)
#define PROC2_EPT                (1u << 1)
#define PROC2_DESCRIPTOR_TABLE   (1u << 2)
#define PROC2_RDTSCP             (1u << 3)
#define PROC2_X2APIC             (1u << 4)
#define PROC2_VPID               (1u << 5)
#define PROC2_WBINVD             (1u << 6)
#define PROC2_UNRESTRICTED       (1u << 7)
#define PROC2_APIC_REGISTERS     (1u << 8)
#define PROC2_VIRTUAL_INTERRUPTS (1u << 9)
#define PROC2_INVPCID            (1u << 12)
#define PROC2_XSAVES             (1u << 20)

// VM-exit controls (25.7.1)
#define EXIT_SAVE_DEBUG    (1u << 2)
#define EXIT_HOST_64       (1u << 9)
#define EXIT_ACK_INTERRUPT (1u << 15)
#define EXIT_SAVE_PAT      (1u << 18)
#define EXIT_LOAD_PAT      (1u << 19)
#define EXIT_SAVE_EFER     (1u << 20)
#define EXIT_LOAD_EFER     (1u << 21)
#define EXIT_SAVE_TIMER    (1u << 22)

// VM-entry controls (25.8.1)
#define ENTRY_LOAD_DEBUG   (1u << 2)
#define ENTRY_IA32E        (1u << 9)
#define ENTRY_SMM          (1u << 10)
#define ENTRY_DUAL_MONITOR (1u << 11)
#define ENTRY_LOAD_PAT     (1u << 14)
#define ENTRY_LOAD_EFER    (1u << 15)

// Interruption information: of an exit, of IDT vectoring, of an entry (25.9.2, 25.9.3, 25.8.3)
#define INTR_VECTOR                 0xffu
#define INTR_TYPE                   0x700u
#define INTR_TYPE_EXTERNAL          0x000u
#define INTR_TYPE_NMI               0x200u
#define INTR_TYPE_HW_EXCEPTION      0x300u
#define INTR_TYPE_SW_INTERRUPT      0x400u
#define INTR_TYPE_PRIV_SW_EXCEPTION 0x500u // INT1
#define INTR_TYPE_SW_EXCEPTION      0x600u // INT3, INTO
#define INTR_TYPE_OTHER             0x700u
#define INTR_ERROR_CODE             (1u << 11)
#define INTR_NMI_UNBLOCKING         (1u << 12) // exit information only
#define INTR_RESERVED               0x7ffff000u
#define INTR_VALID                  (1u << 31)

// Interruptibility state (25.4.2)
#define BLOCKING_STI    (1u << 0)
#define BLOCKING_MOV_SS (1u << 1)
#define BLOCKING_SMI    (1u << 2)
#define BLOCKING_NMI    (1u << 3)

#define PENDING_DEBUG_BS       (1ul << 14)
#define ACTIVITY_ACTIVE        0u
#define ACTIVITY_HLT           1u
#define ACTIVITY_SHUTDOWN      2u
#define ACTIVITY_WAIT_FOR_SIPI 3u

// Access rights of a segment (25.4.1)
#define SEG_AR_TYPE      0x0fu
#define SEG_AR_S         (1u << 4)
#define SEG_AR_DPL_SHIFT 5
#define SEG_AR_P         (1u << 7)
#define SEG_AR_L         (1u << 13)
#define SEG_AR_DB        (1u << 14)
#define SEG_AR_G         (1u << 15)
#define SEG_AR_UNUSABLE  (1u << 16)

// EPT entries and pointer (29.3)
#define EPT_R          (1ul << 0)
#define EPT_W          (1ul << 1)
#define EPT_X          (1ul << 2)
#define EPT_TYPE_SHIFT 3
#define EPT_TYPE_MASK  (7ul << EPT_TYPE_SHIFT)
#define EPT_IPAT       (1ul << 6)
#define EPT_LARGE      (1ul << 7)
#define EPTP_WALK_4    (3ul << 3)
#define MEMORY_TYPE_UC 0ul
#define MEMORY_TYPE_WC 1ul
#define MEMORY_TYPE_WB 6ul

// Exit qualification of an EPT violation (28.2.1 table 28-7)
#define EPT_QUAL_READ           (1u << 0)
#define EPT_QUAL_WRITE          (1u << 1)
#define EPT_QUAL_FETCH          (1u << 2)
#define EPT_QUAL_LINEAR_VALID   (1u << 7)
#define EPT_QUAL_NOT_WALK       (1u << 8) // the access itself, not the walk of the guest's page tables
#define EPT_QUAL_NMI_UNBLOCKING (1u << 12)

// Exit qualification of I/O: size - 1, direction, ...
#define IO_QUAL_SIZE       7u
#define IO_QUAL_IN         (1u << 3)
#define IO_QUAL_STRING     (1u << 4)
#define IO_QUAL_REP        (1u << 5)
#define IO_QUAL_PORT_SHIFT 16

#define VMX_EXIT_FAILED_ENTRY (1u << 31)

enum vmx_exit {
#define VMX_EXIT(number, name, text) VMX_EXIT_##name = number,
#include "x86/vmx_exits.def"
#undef VMX_EXIT
    VMX_EXIT_COUNT
};
