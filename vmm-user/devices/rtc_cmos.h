// SPDX-License-Identifier: MIT
// MC146818 clock with 128 bytes of CMOS memory, ports 70h and 71h. The time is the machine's wall clock plus what the
// guest has set; flags are computed when someone looks, and a timer runs only for interrupts that are enabled.
// MC146818A data sheet.
#pragma once
#include "vmm-user/device.h"

#define RTC_BACKLOG 64 // periodic interrupts that a starved guest still gets

struct rtc {
    struct device dev;
    struct dev_timer event;
    struct irq_line irq;
    uint8_t cmos[128];
    uint8_t index;
    uint8_t flags;        // register C without IRQF
    bool halted;          // time is in `cmos` and stands still (SET, or the divider in reset)
    bool divider_reset;   // it was in reset while halted: the next second comes after half a second
    int64_t offset_s;     // guest time - wall time
    uint32_t offset_ns;   // 0 .. 999,999,999, added
    int64_t seen_second;  // update and alarm flags are right up to here
    uint64_t seen_period; // and periodic ones up to here
    uint64_t catch_up;    // TSC of the next owed periodic interrupt
    uint32_t owed;
};

void rtc_init(struct rtc *rtc, struct clock *clock, struct irq_line irq);

// What firmware would have left in the CMOS memory; not for the clock's own registers 0..0Dh.
void rtc_set_cmos(struct rtc *rtc, unsigned index, uint8_t value);
