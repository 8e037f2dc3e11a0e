// SPDX-License-Identifier: MIT
// Model-specific registers (SDM 4, AMD APM 2 appendix A). Those of VMX are in x86/vmx.h.
#pragma once

#define IA32_TSC              0x010
#define IA32_APIC_BASE        0x01b
#define IA32_FEATURE_CONTROL  0x03a
#define IA32_TSC_ADJUST       0x03b
#define IA32_SPEC_CTRL        0x048
#define IA32_PRED_CMD         0x049
#define IA32_BIOS_SIGN_ID     0x08b
#define IA32_MTRRCAP          0x0fe
#define IA32_ARCH_CAPS        0x10a
#define IA32_SYSENTER_CS      0x174
#define IA32_SYSENTER_ESP     0x175
#define IA32_SYSENTER_EIP     0x176
#define IA32_MCG_CAP          0x179
#define IA32_MCG_STATUS       0x17a
#define IA32_MCG_CTL          0x17b
#define IA32_MISC_ENABLE      0x1a0
#define IA32_DEBUGCTL         0x1d9
#define IA32_PAT              0x277
#define IA32_MTRR_DEF_TYPE    0x2ff
#define IA32_PERF_GLOBAL_CTRL 0x38f
#define IA32_MC0_CTL          0x400 // + 4 * bank
#define IA32_MC0_STATUS       0x401
#define IA32_MC0_ADDR         0x402
#define IA32_TSC_DEADLINE     0x6e0
#define IA32_X2APIC_BASE      0x800 // + register offset / 16
#define IA32_XSS              0xda0
#define IA32_EFER             0xc0000080
#define IA32_STAR             0xc0000081
#define IA32_LSTAR            0xc0000082
#define IA32_CSTAR            0xc0000083
#define IA32_FMASK            0xc0000084
#define IA32_FS_BASE          0xc0000100
#define IA32_GS_BASE          0xc0000101
#define IA32_KERNEL_GS_BASE   0xc0000102
#define IA32_TSC_AUX          0xc0000103

#define APIC_BASE_BSP    (1ul << 8)
#define APIC_BASE_X2APIC (1ul << 10)
#define APIC_BASE_ENABLE (1ul << 11)
#define APIC_BASE_ADDR   0x000ffffffffff000ul
#define MCG_CAP_COUNT    0xffu
#define MCG_CAP_CTL_P    (1u << 8)
#define MCG_STATUS_MCIP  (1u << 2)
#define MC_STATUS_VAL    (1ul << 63)
#define MC_STATUS_UC     (1ul << 61)
#define MC_STATUS_ADDRV  (1ul << 58)
