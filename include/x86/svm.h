// SPDX-License-Identifier: MIT
// SVM: CPUID leaf, MSRs, intercepts, exit codes and the words that an exit leaves (AMD APM 2 chapter 15, appendices B
// and C).
#pragma once
#include <stdint.h>

// CPUID 8000000ah
#define CPUID_SVM           0x8000000au
#define CPUID_SVM_EDX_NP    (1u << 0)
#define CPUID_SVM_EDX_NRIPS (1u << 3)

// MSRs (15.30)
#define SVM_VM_CR        0xc0010114
#define SVM_HSAVE_PA     0xc0010117
#define SVM_VM_CR_LOCK   (1ul << 3)
#define SVM_VM_CR_SVMDIS (1ul << 4)

// Intercepts of control registers: reads from bit 0, writes from bit 16
#define SVM_INTERCEPT_CR_READ(n)  (1u << (n))
#define SVM_INTERCEPT_CR_WRITE(n) (1u << (16 + (n)))

// Intercepts: bit 0 of the first word is exit code 60h, of the second word 80h
#define SVM_INTERCEPT_BASE    0x60
#define SVM_INTERCEPT_1(exit) (1u << ((exit)-SVM_INTERCEPT_BASE))
#define SVM_INTERCEPT_2(exit) (1u << ((exit)-SVM_INTERCEPT_BASE - 32))

// Virtual interrupt control (15.21)
#define SVM_V_TPR               0xfful
#define SVM_V_IRQ               (1ul << 8)
#define SVM_V_INTR_PRIO         (15ul << 16)
#define SVM_V_IGN_TPR           (1ul << 20)
#define SVM_V_INTR_MASKING      (1ul << 24)
#define SVM_V_INTR_VECTOR_SHIFT 32
#define SVM_V_INTR_VECTOR       (0xfful << SVM_V_INTR_VECTOR_SHIFT)
#define SVM_INT_SHADOW          (1ul << 0)

#define SVM_NP_ENABLE     (1ul << 0)
#define SVM_TLB_KEEP      0u
#define SVM_TLB_FLUSH_ALL 1u

// EVENTINJ and EXITINTINFO (15.20): vector, type, error code valid and valid are where VMX has them; the error code is
// above.
#define SVM_EVENT_MASK        0x80000ffful
#define SVM_EVENT_ERROR_SHIFT 32

// EXITINFO1 of a port access (15.10.2); EXITINFO2 is the RIP behind the instruction
#define SVM_IO_IN         (1u << 0)
#define SVM_IO_STRING     (1u << 2)
#define SVM_IO_REP        (1u << 3)
#define SVM_IO_SIZE_SHIFT 4 // 1, 2 or 4 bytes
#define SVM_IO_SIZE       7u
#define SVM_IO_PORT_SHIFT 16

#define SVM_MSR_WRITE 1u // EXITINFO1 of an MSR access

// EXITINFO1 of a nested page fault: a page-fault error code; EXITINFO2 is the guest-physical address
#define SVM_NPF_WRITE (1ul << 1)
#define SVM_NPF_FETCH (1ul << 4)
#define SVM_NPF_FINAL (1ul << 32) // the guest's own tables were walked: it is the access itself

#define SVM_EXIT_CODE_INVALID 0xffffffffu // the VMCB's state is not one that VMRUN takes
#define SVM_EXIT_CODE_HIGH    0x400u      // this and above begin at event f0h
#define SVM_EVENT_HIGH        0xf0u
#define SVM_EXIT_CODES_HIGH   4u

enum svm_exit { // event numbers
#define SVM_EXIT(event, name, text) SVM_EXIT_##name = event,
#include "x86/svm_exits.def"
#undef SVM_EXIT
};

// Segment attributes (15.5, appendix B): the descriptor's bits 40-47 and 52-55
#define SVM_SEG_DPL_SHIFT 5
#define SVM_SEG_P         (1u << 7)
