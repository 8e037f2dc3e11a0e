// SPDX-License-Identifier: MIT
// What time it was at TSC 0. The clock chip tells whole seconds: when boot is over, the start of one is looked for.
#include "lib/sys/clock.h"
#include "pc/mc146818.h"
#include "user/root/root.h"
#include "user/root/rtc.h"
#include "x86/regs.h"

#define NS 1000000000ul

static uint64_t seen_seconds;
static bool refined;

static void ports(bool give)
{
    if (give)
        kernel_map(PD_MAP_PIO, SEL_SELF_PD, RTC_INDEX, SEL_HW, RTC_INDEX, 2, 0, NULL);
    else
        kernel_unmap(PD_UNMAP_PIO, SEL_SELF_PD, RTC_INDEX, 2);
}

static void set_wall(uint64_t seconds)
{
    uint64_t since = clock_scale(clock_tsc(), NS, root.hip->tsc_hz), now = seconds * NS;
    root.wall_ns = now > since ? now - since : 0;
    seen_seconds = seconds;
}

void wall_clock_read(void)
{
    struct rtc_time t;
    ports(true);
    if (rtc_read(&t))
        set_wall(rtc_seconds(&t));
    refined = !seen_seconds;
    if (refined)
        ports(false);
}

bool wall_clock_refine(void)
{
    struct rtc_time t;
    if (refined)
        return true;
    uint64_t seconds = rtc_read(&t) ? rtc_seconds(&t) : 0;
    refined = seconds != seen_seconds;
    if (refined && seconds)
        set_wall(seconds);
    if (refined)
        ports(false);
    return refined;
}
