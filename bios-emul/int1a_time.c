// SPDX-License-Identifier: MIT
// INT 1Ah: ticks and the real-time clock; INT 70h, and the waits of INT 15h that the clock's periodic interrupt counts.
#include "bios-emul/internal.h"
#include "pc/mc146818.h"

#define PERIOD_US 977 // 1024 Hz
#define WAIT_DONE 0x80

// Not while the clock counts on: UIP lasts for 2 ms at most, the caller asks again.
static bool clock_busy(struct bios *b)
{
    return cmos_read(b, RTC_A) & RTC_A_UIP;
}

void time_post(struct bios *b)
{
    cmos_write(b, RTC_A, RTC_A_DV_RUN | 6);
    cmos_write(b, RTC_B,
               (cmos_read(b, RTC_B) & ~(RTC_B_PIE | RTC_B_AIE | RTC_B_UIE | RTC_B_SET | RTC_B_DM)) | RTC_B_24H);
    cmos_read(b, RTC_C);
    uint64_t s = from_bcd(cmos_read(b, RTC_HOURS)) * 3600u + from_bcd(cmos_read(b, RTC_MINUTES)) * 60u +
                 from_bcd(cmos_read(b, RTC_SECONDS));
    uint64_t ticks = s * 1193182 / 65536;
    bda_set32(b, BDA_TICKS, (uint32_t)(ticks < TICKS_PER_DAY ? ticks : 0));
}

static enum bios_result ticks_get(struct bios *b, struct bios_regs *r)
{
    uint32_t ticks = bda32(b, BDA_TICKS);
    r->c.x = (uint16_t)(ticks >> 16);
    r->d.x = (uint16_t)ticks;
    r->a.x = bda8(b, BDA_MIDNIGHT);
    bda_set8(b, BDA_MIDNIGHT, 0);
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result ticks_set(struct bios *b, struct bios_regs *r)
{
    bda_set32(b, BDA_TICKS, (uint32_t)r->c.x << 16 | r->d.x);
    bda_set8(b, BDA_MIDNIGHT, 0);
    r->a.h = 0;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result time_get(struct bios *b, struct bios_regs *r)
{
    if (clock_busy(b))
        return BIOS_AGAIN;
    r->d.h = cmos_read(b, RTC_SECONDS);
    r->c.l = cmos_read(b, RTC_MINUTES);
    r->c.h = cmos_read(b, RTC_HOURS);
    r->d.l = cmos_read(b, RTC_B) & 1;
    r->a.h = 0;
    r->a.l = r->c.h;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result time_set(struct bios *b, struct bios_regs *r)
{
    uint8_t control = cmos_read(b, RTC_B);
    cmos_write(b, RTC_B, control | RTC_B_SET);
    cmos_write(b, RTC_SECONDS, r->d.h);
    cmos_write(b, RTC_MINUTES, r->c.l);
    cmos_write(b, RTC_HOURS, r->c.h);
    control = (uint8_t)((control & (RTC_B_PIE | RTC_B_AIE | RTC_B_UIE)) | RTC_B_24H | (r->d.l & 1));
    cmos_write(b, RTC_B, control);
    r->a.h = 0;
    r->a.l = control;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result date_get(struct bios *b, struct bios_regs *r)
{
    if (clock_busy(b))
        return BIOS_AGAIN;
    r->c.l = cmos_read(b, RTC_YEAR);
    r->d.h = cmos_read(b, RTC_MONTH);
    r->d.l = cmos_read(b, RTC_DAY);
    r->c.h = cmos_read(b, RTC_CENTURY);
    r->a.h = 0;
    r->a.l = r->c.h;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result date_set(struct bios *b, struct bios_regs *r)
{
    uint8_t control = cmos_read(b, RTC_B);
    cmos_write(b, RTC_B, control | RTC_B_SET);
    cmos_write(b, RTC_YEAR, r->c.l);
    cmos_write(b, RTC_MONTH, r->d.h);
    cmos_write(b, RTC_DAY, r->d.l);
    cmos_write(b, RTC_CENTURY, r->c.h);
    cmos_write(b, RTC_B, control & ~RTC_B_SET);
    r->a.h = 0;
    r->a.l = control & ~RTC_B_SET;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result alarm_set(struct bios *b, struct bios_regs *r)
{
    uint8_t control = cmos_read(b, RTC_B);
    r->a.x = 0;
    if (control & RTC_B_AIE) {
        carry(r, true);
        return BIOS_DONE;
    }
    cmos_write(b, RTC_SECONDS_ALARM, r->d.h);
    cmos_write(b, RTC_MINUTES_ALARM, r->c.l);
    cmos_write(b, RTC_HOURS_ALARM, r->c.h);
    cmos_write(b, RTC_B, (control & ~RTC_B_SET) | RTC_B_AIE);
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result alarm_clear(struct bios *b, struct bios_regs *r)
{
    uint8_t control = cmos_read(b, RTC_B) & ~(RTC_B_AIE | RTC_B_SET);
    cmos_write(b, RTC_B, control);
    r->a.h = 0;
    r->a.l = control;
    carry(r, false);
    return BIOS_DONE;
}

enum bios_result int1a_time(struct bios *b, struct bios_regs *r)
{
    static const bios_service functions[] = {ticks_get, ticks_set, time_get,  time_set,
                                             date_get,  date_set,  alarm_set, alarm_clear};
    if (r->a.h < sizeof(functions) / sizeof(functions[0]))
        return functions[r->a.h](b, r);
    if (r->a.h == 0xb1)
        return int1a_pci(b, r);
    unknown_count(b, r, 0x1a);
    carry(r, true);
    return BIOS_DONE;
}

// ---- waits

static void periodic_set(struct bios *b, bool on)
{
    uint8_t control = cmos_read(b, RTC_B);
    cmos_write(b, RTC_B, (uint8_t)(on ? control | RTC_B_PIE : control & ~RTC_B_PIE));
    if (on)
        cmos_read(b, RTC_C);
}

bool wait_start(struct bios *b, uint8_t kind, uint32_t flag, uint64_t microseconds)
{
    if (b->state.wait.kind)
        return false;
    b->state.wait.kind = kind;
    b->state.wait.fired = 0;
    b->state.wait.flag = flag;
    b->state.wait.left = microseconds;
    bda_set8(b, BDA_WAIT_ACTIVE, 1);
    bda_set32(b, BDA_WAIT_COUNT, (uint32_t)microseconds);
    periodic_set(b, true);
    return true;
}

void wait_cancel(struct bios *b)
{
    b->state.wait.kind = b->state.wait.fired = 0;
    bda_set8(b, BDA_WAIT_ACTIVE, 0);
    periodic_set(b, false);
}

static void wait_count(struct bios *b)
{
    uint64_t left = b->state.wait.left;
    if (!b->state.wait.kind || b->state.wait.fired)
        return;
    b->state.wait.left = left > PERIOD_US ? left - PERIOD_US : 0;
    bda_set32(b, BDA_WAIT_COUNT, (uint32_t)b->state.wait.left);
    if (b->state.wait.left)
        return;
    if (b->state.wait.kind == WAIT_EVENT) {
        mem_put8(b, b->state.wait.flag, mem_get8(b, b->state.wait.flag) | WAIT_DONE);
        wait_cancel(b);
        return;
    }
    b->state.wait.fired = 1;
    bda_set8(b, BDA_WAIT_ACTIVE, WAIT_DONE);
    periodic_set(b, false);
}

// IRQ 8. AL = 1: the alarm rang, INT 4Ah is to follow.
enum bios_result rtc_interrupt(struct bios *b, struct bios_regs *r)
{
    uint8_t flags = cmos_read(b, RTC_C) & cmos_read(b, RTC_B);
    if (flags & RTC_C_PF)
        wait_count(b);
    r->a.l = flags & RTC_C_AF ? 1 : 0;
    return BIOS_DONE;
}
