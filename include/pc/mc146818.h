// SPDX-License-Identifier: MIT
// Motorola MC146818 real-time clock and the CMOS memory of a PC.
#pragma once

#define RTC_INDEX     0x70 // bit 7 masks NMI
#define RTC_DATA      0x71
#define RTC_IRQ       8
#define RTC_CMOS_SIZE 128

#define RTC_SECONDS       0x00
#define RTC_SECONDS_ALARM 0x01
#define RTC_MINUTES       0x02
#define RTC_MINUTES_ALARM 0x03
#define RTC_HOURS         0x04
#define RTC_HOURS_ALARM   0x05
#define RTC_WEEKDAY       0x06 // 1 = Sunday
#define RTC_DAY           0x07
#define RTC_MONTH         0x08
#define RTC_YEAR          0x09
#define RTC_A             0x0a
#define RTC_B             0x0b
#define RTC_C             0x0c
#define RTC_D             0x0d
#define RTC_SHUTDOWN      0x0f
#define RTC_CENTURY       0x32 // as the FADT of the machine says

#define RTC_A_UIP      0x80
#define RTC_A_DV       0x70
#define RTC_A_DV_RUN   0x20 // 32.768 kHz crystal, divider running
#define RTC_A_DV_RESET 0x60 // and 70h: divider held in reset
#define RTC_A_RS       0x0f
#define RTC_B_SET      0x80
#define RTC_B_PIE      0x40
#define RTC_B_AIE      0x20
#define RTC_B_UIE      0x10
#define RTC_B_SQWE     0x08
#define RTC_B_DM       0x04 // binary
#define RTC_B_24H      0x02
#define RTC_C_IRQF     0x80
#define RTC_C_PF       0x40
#define RTC_C_AF       0x20
#define RTC_C_UF       0x10
#define RTC_D_VRT      0x80
#define RTC_HOUR_PM    0x80
#define RTC_ALARM_ANY  0xc0 // both bits set: matches every value
