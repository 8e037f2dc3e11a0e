// SPDX-License-Identifier: MIT
// The local APIC's register page (SDM 3A, 11.4.1) and its MSRs' fields. An x2APIC MSR is 800h + offset / LAPIC_STRIDE.
#pragma once

#define LAPIC_BASE   0xfee00000
#define LAPIC_SIZE   0x1000
#define LAPIC_STRIDE 0x10 // from one register to the next

#define LAPIC_ID            0x020
#define LAPIC_VERSION       0x030
#define LAPIC_TPR           0x080
#define LAPIC_APR           0x090
#define LAPIC_PPR           0x0a0
#define LAPIC_EOI           0x0b0
#define LAPIC_RRD           0x0c0
#define LAPIC_LDR           0x0d0
#define LAPIC_DFR           0x0e0
#define LAPIC_SVR           0x0f0
#define LAPIC_ISR           0x100 // 8 registers, here and below
#define LAPIC_TMR           0x180
#define LAPIC_IRR           0x200
#define LAPIC_ESR           0x280
#define LAPIC_LVT_CMCI      0x2f0
#define LAPIC_ICR           0x300
#define LAPIC_ICR_HIGH      0x310
#define LAPIC_LVT_TIMER     0x320
#define LAPIC_LVT_THERMAL   0x330
#define LAPIC_LVT_PERF      0x340
#define LAPIC_LVT_LINT0     0x350
#define LAPIC_LVT_LINT1     0x360
#define LAPIC_LVT_ERROR     0x370
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE  0x3e0
#define LAPIC_SELF_IPI      0x3f0 // x2APIC only

#define LAPIC_SVR_ENABLE    0x100
#define LAPIC_SVR_FOCUS_OFF 0x200
#define LAPIC_DFR_FLAT      0xffffffffu
#define LAPIC_DFR_CLUSTER   0x0fffffffu

#define LAPIC_MODE_SHIFT  8 // delivery mode in ICR, LVT, I/O APIC and MSI
#define LAPIC_MODE_MASK   0x700
#define LAPIC_MODE_FIXED  0
#define LAPIC_MODE_LOWEST 1
#define LAPIC_MODE_SMI    2
#define LAPIC_MODE_NMI    4
#define LAPIC_MODE_INIT   5
#define LAPIC_MODE_SIPI   6
#define LAPIC_MODE_EXTINT 7

#define LAPIC_ICR_LOGICAL         0x00800
#define LAPIC_ICR_PENDING         0x01000
#define LAPIC_ICR_ASSERT          0x04000
#define LAPIC_ICR_LEVEL           0x08000
#define LAPIC_ICR_SHORTHAND_SHIFT 18
#define LAPIC_ICR_SHORTHAND       0xc0000
#define LAPIC_SHORTHAND_NONE      0
#define LAPIC_SHORTHAND_SELF      1
#define LAPIC_SHORTHAND_ALL       2
#define LAPIC_SHORTHAND_OTHERS    3

#define LAPIC_LVT_PENDING        0x01000
#define LAPIC_LVT_POLARITY       0x02000
#define LAPIC_LVT_REMOTE_IRR     0x04000
#define LAPIC_LVT_LEVEL          0x08000
#define LAPIC_LVT_MASKED         0x10000
#define LAPIC_LVT_TIMER_MODE     0x60000
#define LAPIC_LVT_TIMER_ONE_SHOT 0x00000
#define LAPIC_LVT_TIMER_PERIODIC 0x20000
#define LAPIC_LVT_TIMER_DEADLINE 0x40000

#define LAPIC_ESR_SEND_VECTOR    0x20
#define LAPIC_ESR_RECEIVE_VECTOR 0x40
#define LAPIC_ESR_REGISTER       0x80

#define LAPIC_BASE_MSR        0x1b // IA32_APIC_BASE
#define LAPIC_BASE_BSP        0x100
#define LAPIC_BASE_X2APIC     0x400
#define LAPIC_BASE_ENABLE     0x800
#define LAPIC_DEADLINE_MSR    0x6e0 // IA32_TSC_DEADLINE
#define LAPIC_X2APIC_MSR      0x800
#define LAPIC_X2APIC_MSR_LAST 0x8ff
