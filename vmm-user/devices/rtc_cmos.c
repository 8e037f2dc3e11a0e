// SPDX-License-Identifier: MIT
#include "vmm-user/devices/rtc_cmos.h"
#include "pc/mc146818.h"

#define RTC_CRYSTAL_HZ 32768ull
#define NS_PER_S       1000000000u
#define UIP_NS         244000 // UIP rises this long before an update
#define NO_SECOND      INT64_MAX

struct rtc_time {
    int64_t s;
    uint32_t ns;
};

struct rtc_date {
    unsigned year, month, day, weekday, hour, minute, second;
};

static uint64_t rtc_now(const struct rtc *rtc)
{
    return rtc->dev.clock->now(rtc->dev.clock);
}

static struct rtc_time time_wall(const struct rtc *rtc)
{
    uint64_t wall = rtc->dev.clock->wall(rtc->dev.clock);
    return (struct rtc_time){(int64_t)(wall / NS_PER_S), (uint32_t)(wall % NS_PER_S)};
}

static struct rtc_time time_guest(const struct rtc *rtc)
{
    struct rtc_time t = time_wall(rtc);
    t.s += rtc->offset_s;
    t.ns += rtc->offset_ns;
    if (t.ns >= NS_PER_S) {
        t.ns -= NS_PER_S;
        t.s++;
    }
    return t;
}

// Makes the guest's time `t` now.
static void time_set(struct rtc *rtc, struct rtc_time t)
{
    struct rtc_time wall = time_wall(rtc);
    bool borrow = t.ns < wall.ns;
    rtc->offset_ns = t.ns - wall.ns + (borrow ? NS_PER_S : 0);
    rtc->offset_s = t.s - wall.s - borrow;
    rtc->seen_second = t.s;
}

// Days since 1970-01-01 of a Gregorian date; years count from March so that leap days come last.
static int64_t days_from_date(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = y / 400, year_of_era = y % 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static struct rtc_date date_from_seconds(int64_t s)
{
    int64_t days = s / 86400, rest = s % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    struct rtc_date d = {
        .weekday = (unsigned)((days % 7 + 11) % 7 + 1), // 1970-01-01 was a Thursday, day 5
        .hour = (unsigned)(rest / 3600),
        .minute = (unsigned)(rest / 60 % 60),
        .second = (unsigned)(rest % 60),
    };
    int64_t z = days + 719468, era = z / 146097, doe = z % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    d.day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    d.month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    d.year = (unsigned)(yoe + era * 400 + (d.month <= 2));
    return d;
}

static uint8_t encode(const struct rtc *rtc, unsigned v)
{
    return (uint8_t)(rtc->cmos[RTC_B] & RTC_B_DM ? v : v / 10 << 4 | v % 10);
}

static unsigned decode(const struct rtc *rtc, uint8_t v)
{
    return rtc->cmos[RTC_B] & RTC_B_DM ? v : (v >> 4) * 10u + (v & 15);
}

static uint8_t encode_hour(const struct rtc *rtc, unsigned hour)
{
    if (rtc->cmos[RTC_B] & RTC_B_24H)
        return encode(rtc, hour);
    return encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? RTC_HOUR_PM : 0);
}

static unsigned decode_hour(const struct rtc *rtc, uint8_t v)
{
    if (rtc->cmos[RTC_B] & RTC_B_24H)
        return decode(rtc, v);
    return decode(rtc, v & ~RTC_HOUR_PM) % 12 + (v & RTC_HOUR_PM ? 12 : 0);
}

// Writes the time into its registers.
static void rtc_latch(struct rtc *rtc)
{
    struct rtc_date d = date_from_seconds(time_guest(rtc).s);
    rtc->cmos[RTC_SECONDS] = encode(rtc, d.second);
    rtc->cmos[RTC_MINUTES] = encode(rtc, d.minute);
    rtc->cmos[RTC_HOURS] = encode_hour(rtc, d.hour);
    rtc->cmos[RTC_WEEKDAY] = encode(rtc, d.weekday);
    rtc->cmos[RTC_DAY] = encode(rtc, d.day);
    rtc->cmos[RTC_MONTH] = encode(rtc, d.month);
    rtc->cmos[RTC_YEAR] = encode(rtc, d.year % 100);
    rtc->cmos[RTC_CENTURY] = encode(rtc, d.year / 100);
}

// Makes what is in the registers the time. Values that no date has are brought into range.
static void rtc_commit(struct rtc *rtc, uint32_t ns)
{
    unsigned year = decode(rtc, rtc->cmos[RTC_CENTURY]) % 100 * 100 + decode(rtc, rtc->cmos[RTC_YEAR]) % 100;
    unsigned month = decode(rtc, rtc->cmos[RTC_MONTH]), day = decode(rtc, rtc->cmos[RTC_DAY]);
    month = month < 1 ? 1 : month > 12 ? 12 : month;
    day = day < 1 ? 1 : day > 31 ? 31 : day;
    unsigned of_day = decode_hour(rtc, rtc->cmos[RTC_HOURS]) % 24 * 3600 +
                      decode(rtc, rtc->cmos[RTC_MINUTES]) % 60 * 60 + decode(rtc, rtc->cmos[RTC_SECONDS]) % 60;
    int64_t s = days_from_date(year, month, day) * 86400 + of_day;
    time_set(rtc, (struct rtc_time){s, ns});
}

static bool alarm_matches(unsigned alarm, unsigned value)
{
    return alarm >= RTC_ALARM_ANY || alarm == value;
}

// The first second at or after `from` that the alarm registers name.
static int64_t alarm_next(const struct rtc *rtc, int64_t from)
{
    uint8_t raw_hour = rtc->cmos[RTC_HOURS_ALARM], raw_minute = rtc->cmos[RTC_MINUTES_ALARM],
            raw_second = rtc->cmos[RTC_SECONDS_ALARM];
    unsigned hour = raw_hour >= RTC_ALARM_ANY ? raw_hour : decode_hour(rtc, raw_hour);
    unsigned minute = raw_minute >= RTC_ALARM_ANY ? raw_minute : decode(rtc, raw_minute);
    unsigned second = raw_second >= RTC_ALARM_ANY ? raw_second : decode(rtc, raw_second);
    if ((hour > 23 && hour < RTC_ALARM_ANY) || (minute > 59 && minute < RTC_ALARM_ANY) ||
        (second > 59 && second < RTC_ALARM_ANY))
        return NO_SECOND;
    struct rtc_date d = date_from_seconds(from);
    unsigned m = d.minute, s = d.second, of_hour = m * 60 + s;
    int64_t hour_start = from - of_hour;
    for (unsigned h = d.hour; h <= d.hour + 24; h++, hour_start += 3600, m = s = 0) {
        if (!alarm_matches(hour, h % 24))
            continue;
        for (; m < 60; m++, s = 0)
            for (; alarm_matches(minute, m) && s < 60; s++)
                if (alarm_matches(second, s)) {
                    of_hour = m * 60 + s;
                    return hour_start + of_hour;
                }
    }
    return NO_SECOND;
}

// Ticks of the crystal in a period, 0: off.
static uint32_t rtc_period(const struct rtc *rtc)
{
    unsigned rate = rtc->cmos[RTC_A] & RTC_A_RS;
    if (!rate || rtc->divider_reset)
        return 0;
    return rate < 3 ? 64u << rate : 1u << (rate - 1);
}

static void rtc_flag_periodic(struct rtc *rtc, uint64_t now)
{
    uint32_t period = rtc_period(rtc);
    if (!period)
        return;
    uint64_t periods = mul_div(now, RTC_CRYSTAL_HZ, rtc->dev.clock->tsc_hz) / period;
    if (periods != rtc->seen_period) {
        uint64_t owed = rtc->owed + (periods - rtc->seen_period), most = rtc->cmos[RTC_B] & RTC_B_PIE ? RTC_BACKLOG : 1;
        rtc->owed = (uint32_t)(owed < most ? owed : most);
        rtc->seen_period = periods;
    }
    if (rtc->owed && !(rtc->flags & RTC_C_PF) && now >= rtc->catch_up) {
        rtc->flags |= RTC_C_PF;
        rtc->owed--;
    }
}

static void rtc_flag_seconds(struct rtc *rtc)
{
    int64_t second = time_guest(rtc).s;
    if (rtc->halted || second <= rtc->seen_second) {
        rtc->seen_second = second;
        return;
    }
    rtc->flags |= RTC_C_UF;
    if (alarm_next(rtc, rtc->seen_second + 1) <= second)
        rtc->flags |= RTC_C_AF;
    rtc->seen_second = second;
}

static void arm_periodic(const struct rtc *rtc, uint64_t now, uint64_t *deadline)
{
    uint32_t period = rtc_period(rtc);
    if (!period)
        return;
    uint64_t next = mul_div((rtc->seen_period + 1) * period, rtc->dev.clock->tsc_hz, RTC_CRYSTAL_HZ) + 1;
    if (rtc->owed)
        next = rtc->catch_up > now ? rtc->catch_up : now;
    else if (next < rtc->catch_up)
        next = rtc->catch_up;
    if (next < *deadline)
        *deadline = next;
}

static void arm_second(const struct rtc *rtc, uint64_t now, int64_t second, uint64_t *deadline)
{
    struct rtc_time t = time_guest(rtc);
    if (second == NO_SECOND || second <= t.s || second - t.s > 86401)
        return;
    uint64_t ns = (uint64_t)(second - t.s) * NS_PER_S - t.ns;
    uint64_t next = now + mul_div(ns, rtc->dev.clock->tsc_hz, NS_PER_S) + 1;
    if (next < *deadline)
        *deadline = next;
}

// Sets the wire and the timer by the flags and enables.
static void rtc_update(struct rtc *rtc, uint64_t now)
{
    uint8_t enabled = rtc->cmos[RTC_B] & (RTC_B_PIE | RTC_B_AIE | RTC_B_UIE), wanted = enabled & ~rtc->flags;
    uint64_t deadline = TIMER_NEVER;
    irq_line_set(&rtc->irq, enabled & rtc->flags);
    if (wanted & RTC_B_PIE)
        arm_periodic(rtc, now, &deadline);
    if (wanted & RTC_B_UIE && !rtc->halted)
        arm_second(rtc, now, rtc->seen_second + 1, &deadline);
    if (wanted & RTC_B_AIE && !rtc->halted)
        arm_second(rtc, now, alarm_next(rtc, rtc->seen_second + 1), &deadline);
    if (deadline != rtc->event.deadline)
        timer_set(rtc->dev.clock, &rtc->event, deadline);
}

static void rtc_sync(struct rtc *rtc, uint64_t now)
{
    rtc_flag_periodic(rtc, now);
    rtc_flag_seconds(rtc);
}

static void rtc_fire(struct device *dev, uint64_t now)
{
    struct rtc *rtc = (struct rtc *)dev;
    rtc_sync(rtc, now);
    rtc_update(rtc, now);
}

static uint8_t rtc_read_c(struct rtc *rtc)
{
    uint64_t now = rtc_now(rtc);
    rtc_sync(rtc, now);
    uint8_t flags = rtc->flags;
    if (flags & rtc->cmos[RTC_B] & (RTC_B_PIE | RTC_B_AIE | RTC_B_UIE))
        flags |= RTC_C_IRQF;
    rtc->flags = 0;
    if (rtc->owed)
        rtc->catch_up = now + mul_div(rtc_period(rtc), rtc->dev.clock->tsc_hz, 2 * RTC_CRYSTAL_HZ);
    if (flags)
        rtc_update(rtc, now);
    return flags;
}

static bool is_time(unsigned index)
{
    return index == RTC_CENTURY ||
           (index <= RTC_YEAR && index != RTC_SECONDS_ALARM && index != RTC_MINUTES_ALARM && index != RTC_HOURS_ALARM);
}

static uint8_t rtc_read_data(struct rtc *rtc)
{
    unsigned index = rtc->index & 0x7f;
    if (is_time(index) && !rtc->halted)
        rtc_latch(rtc);
    if (index == RTC_A)
        return rtc->cmos[RTC_A] | (!rtc->halted && time_guest(rtc).ns >= NS_PER_S - UIP_NS ? RTC_A_UIP : 0);
    if (index == RTC_C)
        return rtc_read_c(rtc);
    if (index == RTC_D)
        return RTC_D_VRT;
    return rtc->cmos[index];
}

// Stops the time when SET or a reset of the divider says so, and lets it go on from the registers.
static void rtc_set_halted(struct rtc *rtc)
{
    bool reset = (rtc->cmos[RTC_A] & RTC_A_DV_RESET) == RTC_A_DV_RESET;
    bool halted = rtc->cmos[RTC_B] & RTC_B_SET || reset;
    if (halted && !rtc->halted)
        rtc_latch(rtc);
    else if (!halted && rtc->halted)
        rtc_commit(rtc, rtc->divider_reset ? NS_PER_S / 2 : time_guest(rtc).ns);
    rtc->divider_reset = reset || (rtc->divider_reset && halted);
    rtc->halted = halted;
}

static void rtc_write_time(struct rtc *rtc, unsigned index, uint8_t value)
{
    if (!rtc->halted)
        rtc_latch(rtc);
    rtc->cmos[index] = value;
    if (!rtc->halted)
        rtc_commit(rtc, time_guest(rtc).ns);
}

static void rtc_write_control(struct rtc *rtc, unsigned index, uint8_t value, uint64_t now)
{
    if (index == RTC_A) {
        rtc->cmos[RTC_A] = value & ~RTC_A_UIP;
        uint32_t period = rtc_period(rtc);
        rtc->seen_period = period ? mul_div(now, RTC_CRYSTAL_HZ, rtc->dev.clock->tsc_hz) / period : 0;
        rtc->owed = 0;
    } else {
        rtc->cmos[RTC_B] = value & RTC_B_SET ? value & ~RTC_B_UIE : value; // SET clears UIE
    }
    rtc_set_halted(rtc);
}

static void rtc_write_data(struct rtc *rtc, uint8_t value)
{
    unsigned index = rtc->index & 0x7f;
    if (index == RTC_C || index == RTC_D)
        return;
    if (index > RTC_D && index != RTC_CENTURY) {
        rtc->cmos[index] = value;
        return;
    }
    uint64_t now = rtc_now(rtc);
    rtc_sync(rtc, now);
    if (is_time(index))
        rtc_write_time(rtc, index, value);
    else if (index == RTC_A || index == RTC_B)
        rtc_write_control(rtc, index, value, now);
    else
        rtc->cmos[index] = value; // alarm
    rtc_update(rtc, now);
}

void rtc_set_cmos(struct rtc *rtc, unsigned index, uint8_t value)
{
    if (index > RTC_D && index < RTC_CMOS_SIZE)
        rtc->cmos[index] = value;
}

static uint64_t rtc_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)size;
    return port == RTC_DATA ? rtc_read_data((struct rtc *)dev) : 0xff;
}

static void rtc_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space, (void)size;
    struct rtc *rtc = (struct rtc *)dev;
    if (port == RTC_DATA)
        rtc_write_data(rtc, (uint8_t)value);
    else
        rtc->index = (uint8_t)value;
}

// The battery keeps time and memory; RESET clears the interrupts.
static void rtc_reset(struct device *dev)
{
    struct rtc *rtc = (struct rtc *)dev;
    rtc->cmos[RTC_B] &= ~(RTC_B_PIE | RTC_B_AIE | RTC_B_UIE | RTC_B_SQWE);
    rtc->index = RTC_D;
    rtc->flags = 0;
    rtc->owed = 0;
    rtc->catch_up = 0;
    rtc_update(rtc, rtc_now(rtc));
}

static void rtc_state(struct device *dev, struct state *s)
{
    struct rtc *rtc = (struct rtc *)dev;
    STATE(s, rtc->cmos);
    STATE(s, rtc->index);
    STATE(s, rtc->flags);
    STATE(s, rtc->halted);
    STATE(s, rtc->divider_reset);
    STATE(s, rtc->offset_s);
    STATE(s, rtc->offset_ns);
    STATE(s, rtc->seen_second);
    STATE(s, rtc->seen_period);
    STATE(s, rtc->catch_up);
    STATE(s, rtc->owed);
}

// Seconds that a guest can have set: years 0 to 9999.
static bool offset_sane(int64_t s)
{
    return s > -800000000000 && s < 800000000000;
}

static bool rtc_loaded(struct device *dev)
{
    struct rtc *rtc = (struct rtc *)dev;
    bool sane = offset_sane(rtc->offset_s) && offset_sane(rtc->seen_second) && rtc->offset_ns < NS_PER_S &&
                rtc->owed <= RTC_BACKLOG;
    if (!sane) {
        rtc->offset_s = rtc->seen_second = 0;
        rtc->offset_ns = rtc->owed = 0;
    }
    rtc->cmos[RTC_A] &= ~RTC_A_UIP;
    rtc->flags &= RTC_C_PF | RTC_C_AF | RTC_C_UF;
    rtc_update(rtc, rtc_now(rtc));
    return sane;
}

static const struct device_ops rtc_ops = {
    .name = "rtc",
    .read = rtc_read,
    .write = rtc_write,
    .reset = rtc_reset,
    .version = 1,
    .state = rtc_state,
    .loaded = rtc_loaded,
    .max_size = 1,
};

void rtc_init(struct rtc *rtc, struct clock *clock, struct irq_line irq)
{
    *rtc = (struct rtc){.irq = irq};
    device_init(&rtc->dev, &rtc_ops, clock);
    device_add_range(&rtc->dev, IO_PORT, RTC_INDEX, 2);
    timer_register(clock, &rtc->event, &rtc->dev, rtc_fire);
    rtc->cmos[RTC_A] = RTC_A_DV_RUN | 6; // 1024 Hz
    rtc->cmos[RTC_B] = RTC_B_24H;
    rtc->seen_second = time_guest(rtc).s;
    rtc_reset(&rtc->dev);
}
