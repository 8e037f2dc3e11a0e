// SPDX-License-Identifier: MIT
// The end: a kernel panic says what broke, where and how it came there, then stops all CPUs. And what leads there:
// exceptions in the kernel, NMIs, machine checks.
#include <stdarg.h>
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "pc/debug_ports.h"
#include "ukernel/kobject.h"
#include "ukernel/platform.h"
#include "x86/msr.h"
#include "x86/regs.h"

#define MAX_FRAMES 24
#define CALL_NEAR  5 // bytes of E8 rel32

extern char text_start[], text_end[], sysenter_entry[];

// ---- symbols
struct elf_symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

static const struct elf_symbol *symbols;
static const char *strings;
static uint64_t symbol_count, strings_size;

static bool in_text(uint64_t address)
{
    return address >= (uint64_t)text_start && address < (uint64_t)text_end;
}

static unsigned order_of(uint64_t size)
{
    unsigned order = 0;
    while ((PAGE_SIZE << order) < size)
        order++;
    return order;
}

void symbols_init(const struct boot_info *boot)
{
    const uint64_t limit = 1ul << 32, most = 1ul << 20;
    if (!boot->symtab || !boot->strtab || boot->symtab_entry != sizeof(struct elf_symbol) || boot->symtab_size > most ||
        boot->strtab_size > most || !boot->strtab_size || boot->symtab > limit - most || boot->strtab > limit - most)
        return;
    struct elf_symbol *copy = pool_alloc(order_of(boot->symtab_size));
    char *text = pool_alloc(order_of(boot->strtab_size));
    if (!copy || !text)
        return;
    memcpy(copy, phys_to_virt(boot->symtab), boot->symtab_size);
    memcpy(text, phys_to_virt(boot->strtab), boot->strtab_size);
    text[boot->strtab_size - 1] = 0;
    symbol_count = boot->symtab_size / sizeof(*copy);
    strings_size = boot->strtab_size;
    strings = text;
    symbols = copy;
}

// The closest symbol at or below an address of the kernel's code; NULL = none.
static const struct elf_symbol *symbol_of(uint64_t address)
{
    const struct elf_symbol *best = NULL;
    for (uint64_t i = 0; i < symbol_count; i++) {
        const struct elf_symbol *s = &symbols[i];
        if (in_text(s->value) && s->value <= address && s->name && s->name < strings_size &&
            (!best || s->value > best->value))
            best = s;
    }
    return best;
}

// ---- output
static uint32_t first_panic; // id of the CPU that panicked + 1

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char line[200];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    for (const char *c = line; *c; c++)
        outb(DEBUG_LOG_PORT, *c); // scripts/run listens there: on the serial line a guest may say the same
    console_write(line);
}

static void say_address(uint64_t address)
{
    const struct elf_symbol *s = symbol_of(address);
    if (s)
        say("  %#lx %s+%#lx\n", address, strings + s->name, address - s->value);
    else
        say("  %#lx\n", address);
}

// Is there a CALL in front of this address?
static bool after_call(uint64_t address)
{
    const uint8_t *p = (const uint8_t *)address;
    if (!in_text(address - 8) || !in_text(address))
        return false;
    for (unsigned back = 2; back <= 7; back++) // FF /2, with any addressing
        if (p[-(int)back] == 0xff && (p[1 - (int)back] & 0x38) == 0x10)
            return true;
    return p[-CALL_NEAR] == 0xe8;
}

// There are no frame pointers: what looks like a return address on the stack is shown, which may name a call too many.
static void say_backtrace(uint64_t rip, uint64_t sp)
{
    say("mica: called from (most recent first):\n");
    if (in_text(rip))
        say_address(rip);
    if (sp < CPU_AREA) // user land's
        return;
    uint64_t top = (sp & ~(CPU_BLOCK - 1)) + CPU_OFFSET;
    unsigned frames = 0;
    for (sp = (sp + 7) & ~7ul; sp < top && top - sp <= CPU_OFFSET - PAGE_SIZE && frames < MAX_FRAMES; sp += 8) {
        uint64_t value = *(uint64_t *)sp;
        if (after_call(value)) {
            say_address(value);
            frames++;
        }
    }
}

static void say_exits(const struct cpu *cpu)
{
    const struct exit_record *r = cpu->exit_next;
    uint64_t now = rdtsc();
    say("mica: last VM exits of cpu%u (most recent last):\n", cpu->id);
    for (unsigned i = 0; i < EXIT_RECORDS; i++, r = r->next)
        if (r->tsc)
            say("  exit %#lx at rip %#lx, %lu ticks ago\n", r->code, r->rip, now - r->tsc);
}

static void say_registers(const struct regs *r)
{
    say("rip %016lx  cs %04lx  rflags %08lx  rsp %016lx  ss %04lx\n", r->rip, r->cs, r->rflags, r->rsp, r->ss);
    say("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    say("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
    say("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
    say("r13 %016lx  r14 %016lx  r15 %016lx  err %016lx\n", r->r13, r->r14, r->r15, r->error);
    say("cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx\n", read_cr0(), read_cr2(), read_cr3(), read_cr4());
}

static _Noreturn void panic_end(const struct regs *regs, uint64_t rip, uint64_t sp, const char *text)
{
    uint32_t nobody = 0, self = this_cpu()->id + 1;
    if (!__atomic_compare_exchange_n(&first_panic, &nobody, self, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        halt_forever(); // another CPU speaks already, or this is a fault while speaking
    console_panic_mode();
    lapic_nmi_others();
    say("\nmica: PANIC: cpu%u: %s\n", self - 1, text);
    if (regs)
        say_registers(regs);
    say_backtrace(rip, sp);
    say_exits(this_cpu());
    say("mica: stopped\n");
    halt_forever();
    __builtin_unreachable();
}

_Noreturn void panic(const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    panic_end(NULL, (uint64_t)__builtin_return_address(0), (uint64_t)__builtin_frame_address(0), text);
}

// ---- exceptions
// SYSENTER keeps TF: a user that sets it is stepped at the first instruction of the kernel. That is harmless and goes
// on.
void exception_kernel(struct regs *regs)
{
    if (regs->vector == EXC_DB && regs->rip >= (uint64_t)sysenter_entry && regs->rip < (uint64_t)sysenter_entry + 16) {
        regs->rflags &= ~RFLAGS_TF;
        return;
    }
    static const char *const names[EXC_COUNT] = {"divide error",
                                                 "debug",
                                                 "NMI",
                                                 "breakpoint",
                                                 "overflow",
                                                 "bound",
                                                 "invalid opcode",
                                                 "no vector unit",
                                                 "double fault",
                                                 [EXC_TS] = "invalid TSS",
                                                 "segment not present",
                                                 "stack fault",
                                                 "general protection",
                                                 "page fault",
                                                 [EXC_MF] = "x87",
                                                 "alignment",
                                                 "machine check",
                                                 "SIMD",
                                                 "virtualization",
                                                 "control protection"};
    char text[80];
    const char *name = regs->vector < EXC_COUNT && names[regs->vector] ? names[regs->vector] : "exception";
    snprintf(text, sizeof(text), "%s (#%lu) in the kernel", name, regs->vector);
    panic_end(regs, regs->rip, regs->rsp, text);
}

// A panic elsewhere stops this CPU; any other NMI is the machine's (parity, watchdog): it is told and goes on.
void nmi_handler(struct regs *regs)
{
    if (__atomic_load_n(&first_panic, __ATOMIC_ACQUIRE))
        halt_forever();
    if (!console_busy())
        klog("NMI at %#lx", regs->rip);
}

void mce_handler(struct regs *regs)
{
    unsigned banks = rdmsr(IA32_MCG_CAP) & MCG_CAP_COUNT;
    char text[120] = "machine check";
    for (unsigned i = 0; i < banks; i++) {
        uint64_t status = rdmsr(IA32_MC0_STATUS + 4 * i);
        if (status & MC_STATUS_VAL)
            snprintf(text, sizeof(text), "machine check: bank %u, status %#lx, address %#lx", i, status,
                     status & MC_STATUS_ADDRV ? rdmsr(IA32_MC0_ADDR + 4 * i) : 0);
    }
    panic_end(regs, regs->rip, regs->rsp, text);
}
