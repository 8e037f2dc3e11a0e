// SPDX-License-Identifier: MIT
// INT 15h AH=53h: Advanced Power Management 1.2, and its entry from protected mode.
#include "bios-emul/internal.h"
#include "pc/acpi_pm.h"

#define APM_VERSION        0x0102
#define APM_FLAGS          0x0003 // 16-bit and 32-bit interfaces
#define APM_DISCONNECTED   0x03   // interface not connected
#define APM_CONNECTED      0x02   // real mode interface is connected already
#define APM_CONNECTED_16   0x05
#define APM_CONNECTED_32   0x07
#define APM_UNKNOWN_DEVICE 0x09
#define APM_BAD_VALUE      0x0a
#define APM_UNSUPPORTED    0x0c
#define APM_NO_EVENT       0x80
#define APM_DEVICE_BIOS    0x0000
#define APM_DEVICE_ALL     0x0001
#define APM_STATE_OFF      3
#define APM_SEGMENT_LENGTH 0xfff0u
#define APM_AC_ON_LINE     0x01
#define APM_UNKNOWN        0xff

enum { MODE_NONE, MODE_REAL, MODE_16, MODE_32 };

static enum bios_result answer(struct bios_regs *r, uint8_t error)
{
    r->a.h = error;
    carry(r, error != 0);
    return BIOS_DONE;
}

static enum bios_result installed(struct bios *b, struct bios_regs *r)
{
    (void)b;
    r->b.x = 'P' << 8 | 'M';
    r->c.x = APM_FLAGS;
    r->a.x = APM_VERSION;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result connect(struct bios *b, struct bios_regs *r)
{
    static const uint8_t connected[] = {0, APM_CONNECTED, APM_CONNECTED_16, APM_CONNECTED_32};
    if (r->b.x != APM_DEVICE_BIOS)
        return answer(r, APM_UNKNOWN_DEVICE);
    if (b->state.apm_connected)
        return answer(r, connected[b->state.apm_connected & 3]);
    b->state.apm_connected = r->a.l;
    if (r->a.l == MODE_16) {
        r->b.x = ROM_APM;
        r->c.x = BIOS_SEGMENT;
        r->si.x = r->di.x = APM_SEGMENT_LENGTH;
    } else if (r->a.l == MODE_32) {
        r->b.e = ROM_APM;
        r->c.x = r->d.x = BIOS_SEGMENT;
        r->si.e = APM_SEGMENT_LENGTH << 16 | APM_SEGMENT_LENGTH;
        r->di.x = APM_SEGMENT_LENGTH;
    }
    if (r->a.l != MODE_REAL)
        r->a.x = BIOS_SEGMENT;
    else
        r->a.h = 0;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result disconnect(struct bios *b, struct bios_regs *r)
{
    if (r->b.x != APM_DEVICE_BIOS)
        return answer(r, APM_UNKNOWN_DEVICE);
    if (!b->state.apm_connected)
        return answer(r, APM_DISCONNECTED);
    b->state.apm_connected = MODE_NONE;
    return answer(r, 0);
}

static enum bios_result idle(struct bios *b, struct bios_regs *r)
{
    (void)b;
    answer(r, 0);
    return BIOS_IDLE;
}

static enum bios_result busy(struct bios *b, struct bios_regs *r)
{
    (void)b;
    return answer(r, 0);
}

static enum bios_result set_state(struct bios *b, struct bios_regs *r)
{
    if (r->b.x != APM_DEVICE_ALL)
        return answer(r, APM_UNKNOWN_DEVICE);
    if (r->c.x == APM_STATE_OFF)
        port_out16(b, ACPI_PM_BASE + ACPI_PM1_CNT, ACPI_PM1_CNT_SLP_EN | ACPI_SLP_TYP_S5 << ACPI_PM1_CNT_TYP_SHIFT);
    return r->c.x > APM_STATE_OFF ? answer(r, APM_BAD_VALUE) : r->c.x ? idle(b, r) : answer(r, 0);
}

static enum bios_result power_status(struct bios *b, struct bios_regs *r)
{
    (void)b;
    if (r->b.x != APM_DEVICE_ALL)
        return answer(r, APM_UNKNOWN_DEVICE);
    r->b.x = APM_AC_ON_LINE << 8 | APM_UNKNOWN;
    r->c.x = 0x80 << 8 | APM_UNKNOWN; // no battery
    r->d.x = 0xffff;
    return answer(r, 0);
}

static enum bios_result event(struct bios *b, struct bios_regs *r)
{
    (void)b;
    return answer(r, APM_NO_EVENT);
}

static enum bios_result get_state(struct bios *b, struct bios_regs *r)
{
    (void)b;
    if (r->b.x != APM_DEVICE_ALL)
        return answer(r, APM_UNKNOWN_DEVICE);
    r->c.x = 0;
    return answer(r, 0);
}

static enum bios_result driver_version(struct bios *b, struct bios_regs *r)
{
    if (r->b.x != APM_DEVICE_BIOS)
        return answer(r, APM_UNKNOWN_DEVICE);
    b->state.apm_version = r->c.l;
    r->a.x = r->c.x < APM_VERSION ? r->c.x : APM_VERSION;
    carry(r, false);
    return BIOS_DONE;
}

static enum bios_result capabilities(struct bios *b, struct bios_regs *r)
{
    (void)b;
    if (r->b.x != APM_DEVICE_BIOS)
        return answer(r, APM_UNKNOWN_DEVICE);
    r->b.l = 0;
    r->c.x = 0;
    return answer(r, 0);
}

enum bios_result int15_apm(struct bios *b, struct bios_regs *r)
{
    static const bios_service functions[] = {installed, connect,   connect,        connect, disconnect,   idle,
                                             busy,      set_state, busy,           busy,    power_status, event,
                                             get_state, busy,      driver_version, busy,    capabilities};
    if (r->a.l < sizeof(functions) / sizeof(functions[0]))
        return functions[r->a.l](b, r);
    unknown_count(b, r, 0x15);
    return answer(r, APM_UNSUPPORTED);
}

// The entry from protected mode: the same functions, in AL, and nothing that waits.
enum bios_result apm_protected(struct bios *b, struct bios_regs *r)
{
    int15_apm(b, r);
    return BIOS_DONE;
}
