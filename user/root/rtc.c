// SPDX-License-Identifier: MIT
#include "user/root/rtc.h"
#include "lib/c/string.h"
#include "pc/mc146818.h"
#include "x86/regs.h"

#define UPDATE_TRIES 100000 // an update takes 2 ms at most

static uint8_t cmos(uint8_t index)
{
    outb(RTC_INDEX, index);
    return inb(RTC_DATA);
}

static void read_once(struct rtc_time *t)
{
    *t = (struct rtc_time){cmos(RTC_SECONDS), cmos(RTC_MINUTES), cmos(RTC_HOURS),   cmos(RTC_DAY),
                           cmos(RTC_MONTH),   cmos(RTC_YEAR),    cmos(RTC_CENTURY), cmos(RTC_B)};
}

bool rtc_read(struct rtc_time *t)
{
    struct rtc_time again;
    for (unsigned i = 0; i < UPDATE_TRIES; i++) {
        if (cmos(RTC_A) & RTC_A_UIP)
            continue;
        read_once(t);
        read_once(&again);
        if (!memcmp(t, &again, sizeof again))
            return true;
    }
    return false;
}

static unsigned number(const struct rtc_time *t, uint8_t value)
{
    return t->b & RTC_B_DM ? value : (value >> 4) * 10u + (value & 15);
}

static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    unsigned y = year - 1; // complete years
    uint64_t leaps = y / 4 - y / 100 + y / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
    return (year - 1970) * 365ul + leaps + before[month - 1] + (leap && month > 2) + day - 1;
}

uint64_t rtc_seconds(const struct rtc_time *t)
{
    unsigned century = number(t, t->century), hours = number(t, t->hours & ~RTC_HOUR_PM);
    if (!(t->b & RTC_B_24H))
        hours = hours % 12 + (t->hours & RTC_HOUR_PM ? 12 : 0);
    else
        hours = number(t, t->hours);
    if (century < 19 || century > 29)
        century = 20;
    unsigned year = century * 100 + number(t, t->year), month = number(t, t->month), day = number(t, t->day);
    unsigned minutes = number(t, t->minutes), seconds = number(t, t->seconds);
    if (year < 1970 || !month || month > 12 || !day || day > 31 || hours > 23 || minutes > 59 || seconds > 60)
        return 0;
    return (days_since_1970(year, month, day) * 24 + hours) * 3600 + minutes * 60ul + seconds;
}
