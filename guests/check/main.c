// SPDX-License-Identifier: MIT
// Traps, the report, and which groups of rules the command line chooses.
#include "guests/check/check.h"
#include "pc/multiboot.h"

volatile unsigned caught;
volatile uint64_t caught_error, caught_flags, resume;
static handler handlers[256];
static volatile uint64_t counts[256];
static unsigned failures, rules;
extern const char ring3_return[];

void put(const char *text)
{
    for (; *text; text++) {
        while (!(in8(0x3fd) & 0x20)) {
        }
        out8(0x3f8, (uint8_t)*text);
    }
}

void put_hex(uint64_t value)
{
    char text[17], *at = text + 16;
    *at = 0;
    do
        *--at = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    put(at);
}

static void rule_done(bool ok, const char *rule)
{
    rules++;
    failures += !ok;
    put(ok ? "PASS: " : "FAIL: ");
    put(rule);
}

void check(bool ok, const char *rule)
{
    rule_done(ok, rule);
    put("\r\n");
}

void check_same(uint64_t got, uint64_t wanted, const char *rule)
{
    rule_done(got == wanted, rule);
    if (got != wanted) {
        put(": got ");
        put_hex(got);
        put(", not ");
        put_hex(wanted);
    }
    put("\r\n");
}

void skip(const char *what, const char *why)
{
    put("SKIP: ");
    put(what);
    put(": ");
    put(why);
    put("\r\n");
}

void handle(unsigned vector, handler function)
{
    handlers[vector] = function;
}

static void counted(struct frame *f)
{
    counts[f->vector]++;
    if (f->vector < 32)
        return;
    if (rdmsr(MSR_APIC_BASE) & 0x400)
        wrmsr(0x80b, 0);
    else
        apic_set(0xb0, 0);
}

void count(unsigned vector)
{
    handle(vector, counted);
}

uint64_t count_of(unsigned vector)
{
    return counts[vector];
}

void count_from_zero(void)
{
    for (unsigned i = 0; i < 256; i++)
        counts[i] = 0;
}

static void die(const struct frame *f)
{
    put("FAIL: exception ");
    put_hex(f->vector);
    put(", error ");
    put_hex(f->error);
    put(" at ");
    put_hex(f->rip);
    put("\r\n");
    out32(0xf4, 255);
    for (;;)
        asm volatile("cli; hlt");
}

void trap(struct frame *f)
{
    if (handlers[f->vector]) {
        handlers[f->vector](f);
    } else if (f->vector < 32 && resume) {
        caught = (unsigned)f->vector;
        caught_error = f->error;
        caught_flags = f->rflags;
        f->rip = resume;
    } else {
        die(f);
    }
}

// A gate for ring 3, by which it comes back (start.asm).
static void ring3_done(struct frame *f)
{
    f->rip = (uint64_t)ring3_return;
    f->cs = 8;
    f->ss = 16;
    f->rflags &= ~0x3000ul;
}

void sti_nop_cli(void)
{
    asm volatile("sti; nop; nop; cli" : : : "memory");
}

static bool word_is(const char *word, const char *name)
{
    while (*name && *word == *name)
        word++, name++;
    return !*name && (*word == ' ' || !*word);
}

static bool chosen(const char *line, const char *name)
{
    bool any = false;
    while (*line && *line != ' ')
        line++; // the kernel's own name
    while (*line) {
        while (*line == ' ')
            line++;
        if (word_is(line, name))
            return true;
        any |= *line != 0;
        while (*line && *line != ' ')
            line++;
    }
    return !any;
}

unsigned main(const struct multiboot_info *info)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } groups[] = {
        {"msr", check_msr},       {"cpu", check_cpu},           {"apic", check_apic},     {"timer", check_timer},
        {"ioapic", check_ioapic}, {"nmi", check_nmi},           {"debug", check_debug},   {"mmio", check_mmio},
        {"event", check_event},   {"firmware", check_firmware}, {"memory", check_memory},
    };
    const char *line = info->flags & MULTIBOOT_INFO_CMDLINE ? (const char *)(uintptr_t)info->cmdline : "";
    out8(0x3fb, 0x83); // 115200 baud, 8 bits, no parity
    out8(0x3f8, 1);
    out8(0x3f9, 0);
    out8(0x3fb, 3);
    out8(0x21, 0xff); // the 8259s keep quiet
    out8(0xa1, 0xff);
    memory_info(info);
    handle(0x40, ring3_done);
    idt[0x40 * 16 + 5] = 0xee;
    for (const char *at = line; *at; at++) // only if asked for
        if (*at == ' ' && word_is(at + 1, "lost"))
            check_lost();
        else if (*at == ' ' && word_is(at + 1, "warm"))
            check_warm();
    for (unsigned i = 0; i < sizeof(groups) / sizeof(*groups); i++)
        if (chosen(line, groups[i].name))
            groups[i].run();
    put(failures ? "DONE with failures\r\n" : "DONE\r\n");
    return failures < 255 ? failures : 255;
}
