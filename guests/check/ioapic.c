// SPDX-License-Identifier: MIT
// The I/O APIC (82093AA data sheet; EOI of level interrupts: SDM 3A 11.8.5). Needs lines that software can set: ports
// 2000h of QEMU's test device.
#include "guests/check/check.h"

#define SELECT (*(volatile uint32_t *)0xfec00000)
#define WINDOW (*(volatile uint32_t *)0xfec00010)
#define LEVEL  0x8000u
#define MASKED 0x10000u
#define REMOTE 0x4000u
#define LINE   14

static uint32_t get(uint8_t at)
{
    SELECT = at;
    return WINDOW;
}

static void set(uint8_t at, uint32_t value)
{
    SELECT = at;
    WINDOW = value;
}

static void line(unsigned n, bool up)
{
    out8((uint16_t)(0x2000 + n), up);
}

static void pin(unsigned n, uint32_t low)
{
    set((uint8_t)(0x10 + 2 * n), MASKED);
    set((uint8_t)(0x11 + 2 * n), 0);
    set((uint8_t)(0x10 + 2 * n), low);
}

static volatile unsigned came;
static volatile uint32_t tmr;
static volatile unsigned drop_at, mask_at, again_at;
static volatile uint32_t in_service_rte;

static void handler_of_line(struct frame *f)
{
    came++;
    tmr = apic_get(0x180 + 0x10 * (uint32_t)(f->vector >> 5)) >> (f->vector & 31) & 1;
    in_service_rte = get(0x10 + 2 * LINE);
    if (came == again_at) {
        line(LINE, false);
        line(LINE, true);
    }
    if (came >= drop_at)
        line(LINE, false);
    if (came == mask_at)
        set(0x10 + 2 * LINE, get(0x10 + 2 * LINE) | MASKED);
    apic_set(0xb0, 0);
}

static void begin(uint8_t vector, uint32_t mode, unsigned drop)
{
    handle(vector, handler_of_line);
    came = mask_at = again_at = 0;
    drop_at = drop;
    pin(LINE, mode | vector);
}

static void registers(void)
{
    uint32_t version = get(1);
    set(1, ~version);
    check_same(get(1), version, "the version is read-only");
    check_same(version >> 16 & 0xff, 23, "24 pins");
    uint32_t id = get(0);
    set(0, ~id);
    check_same(get(0) ^ id, 0x0f000000, "four bits of the ID");
    set(0, 0x0f000000);
    check_same(get(2), 0x0f000000, "arbitration ID follows");
    set(2, 0);
    check_same(get(2), 0x0f000000, "and is read-only");
    set(0, id);
    set(0x10 + 2 * LINE, MASKED | 0x7000 | 0x55);
    check_same(get(0x10 + 2 * LINE), MASKED | 0x2000 | 0x55, "status bits of an entry are read-only");
}

static void edges(void)
{
    begin(0x76, 0, 9);
    asm volatile("sti");
    line(LINE, true);
    line(LINE, false);
    asm volatile("nop; cli");
    check_same(came, 1, "an edge");
    check_same(tmr, 0, "TMR of an edge");
    begin(0x81, MASKED, 9);
    line(LINE, true);
    line(LINE, false);
    sti_nop_cli();
    check_same(came, 0, "a masked edge");
    set(0x10 + 2 * LINE, 0x81);
    sti_nop_cli();
    check_same(came, 0, "is lost");
    line(LINE, true);
    sti_nop_cli();
    check_same(came, 1, "the next one comes");
    line(LINE, true);
    sti_nop_cli();
    check_same(came, 1, "a line that stays is no edge");
    line(LINE, false);
}

static void levels(void)
{
    begin(0x77, LEVEL, 1);
    asm volatile("sti");
    line(LINE, true);
    asm volatile("nop; cli");
    check_same(came, 1, "a level");
    check_same(tmr, 1, "TMR of a level");
    check_same(in_service_rte & REMOTE, REMOTE, "remote IRR until its EOI");
    check_same(get(0x10 + 2 * LINE) & REMOTE, 0, "remote IRR after it");
    begin(0x98, LEVEL, 1);
    again_at = 1;
    line(LINE, true);
    sti_nop_cli();
    check_same(came, 1, "a level that comes back during service");
    begin(0x9a, LEVEL, 2);
    line(LINE, true);
    for (unsigned i = 0; i < 10 && came < 2; i++)
        sti_nop_cli();
    check_same(came, 2, "a level that stays comes again after EOI");
    begin(0x82, LEVEL | MASKED, 1);
    line(LINE, true);
    sti_nop_cli();
    check_same(came, 0, "a masked level");
    set(0x10 + 2 * LINE, LEVEL | 0x82);
    sti_nop_cli();
    check_same(came, 1, "comes when it is unmasked");
    begin(0x83, LEVEL, 2);
    mask_at = 1;
    line(LINE, true);
    sti_nop_cli();
    check_same(came, 1, "masked in its handler it does not come again");
    set(0x10 + 2 * LINE, LEVEL | 0x83);
    sti_nop_cli();
    check_same(came, 2, "unmasked it does");
    line(LINE, false);
    set(0x10 + 2 * LINE, MASKED);
    for (unsigned i = 0; i < 3; i++)
        sti_nop_cli();
}

static void to_extint_and_back(void)
{
    begin(0x84, LEVEL, 1);
    line(LINE, true);
    sti_nop_cli();
    set(0x10 + 2 * LINE, 0x84); // an edge now
    check_same(get(0x10 + 2 * LINE) & REMOTE, 0, "an edge has no remote IRR");
    set(0x10 + 2 * LINE, MASKED);
}

static void simultaneous(void)
{
    begin(0x78, 0, 9);
    handle(0x66, handler_of_line);
    pin(15, 0x66);
    line(15, true);
    line(15, false);
    line(LINE, true);
    line(LINE, false);
    sti_nop_cli();
    check_same(came, 2, "two lines at once");
    pin(15, MASKED);
    pin(LINE, MASKED);
}

void check_ioapic(void)
{
    apic_on();
    out8(0x2000 + LINE, 0);
    registers();
    edges();
    levels();
    to_extint_and_back();
    simultaneous();
}
