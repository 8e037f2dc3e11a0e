// SPDX-License-Identifier: MIT
// IA-PC HPET (High Precision Event Timers) specification 1.0a, 2.3.
#pragma once

#define HPET_BASE      0xfed00000
#define HPET_SIZE      0x400
#define HPET_PERIOD_FS 10000000 // of this machine's: 100 MHz
#define HPET_HZ        100000000

#define HPET_CAP              0x000
#define HPET_CONFIG           0x010
#define HPET_STATUS           0x020
#define HPET_COUNTER          0x0f0
#define HPET_TIMER            0x100 // + 20h * timer
#define HPET_TIMER_STRIDE     0x20
#define HPET_TIMER_CONFIG     0x00
#define HPET_TIMER_COMPARATOR 0x08
#define HPET_TIMER_FSB        0x10

#define HPET_CAP_REV          0x01
#define HPET_CAP_TIMERS_SHIFT 8
#define HPET_CAP_64BIT        0x2000
#define HPET_CAP_LEGACY       0x8000
#define HPET_CAP_VENDOR_SHIFT 16
#define HPET_CAP_PERIOD_SHIFT 32
#define HPET_CONFIG_ENABLE    0x1
#define HPET_CONFIG_LEGACY    0x2

#define HPET_TN_LEVEL           0x0002
#define HPET_TN_INT_ENABLE      0x0004
#define HPET_TN_PERIODIC        0x0008
#define HPET_TN_PERIODIC_CAP    0x0010
#define HPET_TN_64BIT_CAP       0x0020
#define HPET_TN_SET_VALUE       0x0040
#define HPET_TN_32BIT           0x0100
#define HPET_TN_ROUTE_SHIFT     9
#define HPET_TN_ROUTE           0x3e00
#define HPET_TN_FSB_ENABLE      0x4000
#define HPET_TN_FSB_CAP         0x8000
#define HPET_TN_ROUTE_CAP_SHIFT 32
