// SPDX-License-Identifier: MIT
// The virtual machine control block (AMD APM 2 appendix B).
#pragma once
#include <stddef.h>
#include <stdint.h>

struct vmcb_seg {
    uint16_t sel;
    uint16_t attr;
    uint32_t limit;
    uint64_t base;
};

struct vmcb {
    // Control area
    uint32_t intercept_cr;
    uint32_t intercept_dr;
    uint32_t intercept_exceptions;
    uint32_t intercept_1;
    uint32_t intercept_2;
    uint32_t intercept_3;
    uint8_t reserved_018[0x28];
    uint64_t iopm_base;
    uint64_t msrpm_base;
    uint64_t tsc_offset;
    uint32_t asid;
    uint32_t tlb_control;
    uint64_t vintr;
    uint64_t int_shadow;
    uint64_t exit_code;
    uint64_t exit_info1;
    uint64_t exit_info2;
    uint64_t exit_int_info;
    uint64_t np_control;
    uint64_t reserved_098[2];
    uint64_t event_inj;
    uint64_t ncr3;
    uint64_t lbr_control;
    uint64_t clean;
    uint64_t nrip;
    uint8_t reserved_0d0[0x330];
    // State-save area
    struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t reserved_4a0[0x2b];
    uint8_t cpl;
    uint32_t reserved_4cc;
    uint64_t efer;
    uint8_t reserved_4d8[0x70];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
    uint8_t reserved_580[0x58];
    uint64_t rsp;
    uint64_t reserved_5e0[3];
    uint64_t rax;
    uint64_t star, lstar, cstar, fmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t cr2;
    uint8_t reserved_648[0x20];
    uint64_t pat;
    uint64_t debugctl;
    uint8_t reserved_678[0x988];
};
_Static_assert(sizeof(struct vmcb) == 4096, "a VMCB is a page");
_Static_assert(offsetof(struct vmcb, iopm_base) == 0x40 && offsetof(struct vmcb, asid) == 0x58, "VMCB control area");
_Static_assert(offsetof(struct vmcb, exit_code) == 0x70 && offsetof(struct vmcb, event_inj) == 0xa8,
               "VMCB control area");
_Static_assert(offsetof(struct vmcb, ncr3) == 0xb0 && offsetof(struct vmcb, nrip) == 0xc8, "VMCB control area");
_Static_assert(offsetof(struct vmcb, es) == 0x400 && offsetof(struct vmcb, cpl) == 0x4cb, "VMCB state-save area");
_Static_assert(offsetof(struct vmcb, efer) == 0x4d0 && offsetof(struct vmcb, cr4) == 0x548, "VMCB state-save area");
_Static_assert(offsetof(struct vmcb, rip) == 0x578 && offsetof(struct vmcb, rsp) == 0x5d8, "VMCB state-save area");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8 && offsetof(struct vmcb, cr2) == 0x640, "VMCB state-save area");
_Static_assert(offsetof(struct vmcb, pat) == 0x668, "VMCB state-save area");
