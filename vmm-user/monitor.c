// SPDX-License-Identifier: MIT
// Commands that the shell sends to this VM: one line each; the answer is lines. One table.
#include "lib/c/string.h"
#include "lib/sys/hypercall.h"
#include "lib/sys/root.h"
#include "vmm-user/answer.h"
#include "vmm-user/devices/vga_terminal.h"
#include "vmm-user/exit.h"
#include "vmm-user/layout.h"
#include "vmm-user/screenshot.h"
#include "vmm-user/vm.h"

// ---- stat

static unsigned per_mille(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)mul_div(part, 1000, whole) : 0;
}

static void times_say(struct answer *a, const struct vcpu_stats *s)
{
    uint64_t hz = start_info()->tsc_hz, sum = s->guest + s->vmm + s->kernel;
    const struct {
        const char *name;
        uint64_t ticks;
    } times[] = {{"guest", s->guest}, {"VMM", s->vmm}, {"kernel", s->kernel}};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t us = mul_div(times[i].ticks, 1000000, hz);
        unsigned share = per_mille(times[i].ticks, sum);
        say(a, "time in %-8s %14llu ticks %8llu.%03llu s %3u.%u %%\n", times[i].name,
            (unsigned long long)times[i].ticks, (unsigned long long)(us / 1000000),
            (unsigned long long)(us / 1000 % 1000), share / 10, share % 10);
    }
}

static void exits_say(struct answer *a, const struct vcpu_stats *s)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        total += s->exits[i];
    say(a, "exits            %14llu\n", (unsigned long long)total);
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        if (s->exits[i])
            say(a, "  %-20s %12llu\n", exit_name(i), (unsigned long long)s->exits[i]);
    say(a, "handled by the kernel alone %7llu\n", (unsigned long long)s->preemptions);
    say(a, "injections       %14llu\n", (unsigned long long)s->injections);
}

static void tally_say(struct answer *a, const char *what, const struct tally *t, bool accesses, unsigned digits)
{
    for (unsigned i = 0; i < t->used; i++) {
        uint64_t key = t->entries[i].key;
        const char *direction = !accesses ? "" : key & 1 ? " write" : " read";
        say(a, "unknown %s %0*llx%s %12llu\n", what, (int)digits, (unsigned long long)(accesses ? key >> 1 : key),
            direction, (unsigned long long)t->entries[i].count);
    }
    if (t->others)
        say(a, "unknown %s, others %12llu\n", what, (unsigned long long)t->others);
}

static void command_stat(struct answer *a, const char *args)
{
    static const char *const states[] = {"none", "starting", "running", "paused", "stopped", "crashed"};
    const struct vcpu *v = &vm.vcpus[0];
    (void)args;
    say(a, "vm %u %s: %s%s%s\n", start_info()->vm_id, vm.config.name, states[vm.state],
        vm.state == VM_STOPPED ? ": " : "", vm.state == VM_STOPPED ? vm.reason : "");
    say(a, "memory           %14llu MiB\n", (unsigned long long)(vm.config.memory >> 20));
    times_say(a, v->stats);
    exits_say(a, v->stats);
    if (vm.resets)
        say(a, "resets           %14llu%s%s\n", (unsigned long long)vm.resets, vm.reason[0] ? ", the last one: " : "",
            vm.reason);
    if (vm.firmware.pages.used)
        say(a, "written to disks %14llu KiB, in memory\n", (unsigned long long)(vm.firmware.pages.used >> 10));
    if (v->unknown_opcodes)
        say(a, "unknown instructions %10llu\n", (unsigned long long)v->unknown_opcodes);
    tally_say(a, "MSR read", &vm.msr_reads, false, 8);
    tally_say(a, "MSR write", &vm.msr_writes, false, 8);
    tally_say(a, "port", &vm.ports, true, 4);
    tally_say(a, "address", &vm.addresses, true, 9);
    tally_say(a, "BIOS call", &vm.firmware.unknown, false, 6);
}

static void command_reset(struct answer *a, const char *args)
{
    (void)args;
    __atomic_store_n(&vm.request, VM_REQUEST_RESET, __ATOMIC_RELEASE);
    vcpu_kick(&vm.vcpus[0], ATTENTION_WORK);
    say(a, "vm %u reset\n", start_info()->vm_id);
}

static void command_pause(struct answer *a, const char *args)
{
    (void)args;
    if (vm.state != VM_RUNNING)
        say(a, "vm %u does not run: it cannot be paused\n", start_info()->vm_id);
    else
        say(a, "vm %u %s\n", start_info()->vm_id,
            inspect_ask(VM_REQUEST_PAUSE) ? "paused" : "will pause when its vCPU answers");
}

static void command_resume(struct answer *a, const char *args)
{
    (void)args;
    if (vm.state != VM_PAUSED)
        say(a, "vm %u is not paused\n", start_info()->vm_id);
    else
        say(a, "vm %u %s\n", start_info()->vm_id, inspect_ask(VM_REQUEST_RESUME) ? "resumed" : "is busy: try again");
}

// ---- crash: what a VMM that has gone wrong does to itself. Only itself must suffer.

static void crash_null(void)
{
    *(volatile int *)0 = 0;
}

static void crash_ud(void)
{
    __asm__ volatile("ud2");
}

// A page a call, and no end in sight.
static void stack_use(uint64_t depth)
{
    volatile char space[PAGE_SIZE];
    space[0] = 1;
    if (depth)
        stack_use(depth - space[0]);
    space[1] = space[0]; // not a tail call
}

static void crash_stack(void)
{
    stack_use(UINT64_MAX);
}

static void crash_kernel_address(void)
{
    *(volatile int *)0xffffffff80000000ul = 0;
}

static void crash_loop(void)
{
    for (;;)
        __asm__ volatile("" ::: "memory");
}

// Exhausts its account of kernel memory.
static void crash_memory(void)
{
    uint64_t sel = SEL_VCPU_PORTALS + EVENT_COUNT;
    while (sel < CAP_SELECTORS && create_sm(sel, SEL_SELF_PD, 0).status == ST_OK)
        sel++;
    root_exit(1, "out of kernel memory");
}

static const struct {
    const char *kind;
    void (*crash)(void);
} crashes[] = {
    {"null", crash_null}, {"ud", crash_ud},         {"stack", crash_stack}, {"kernel-address", crash_kernel_address},
    {"loop", crash_loop}, {"memory", crash_memory},
};

static void command_crash(struct answer *a, const char *args)
{
    for (unsigned i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
        if (strcmp(args, crashes[i].kind) == 0)
            crashes[i].crash();
    say(a, "unknown kind '%.20s' (null, ud, stack, kernel-address, loop, memory)\n", args);
}

// ---- the screen and the keyboard

// The text on the VGA's screen. The guest may draw meanwhile.
static void command_screen(struct answer *a, const char *args)
{
    char line[4 * VGA_TERMINAL_COLUMNS + 1];
    struct vga_mode mode = vga_mode(&vm.machine.vga);
    (void)args;
    if (mode.kind != VGA_TEXT) {
        say(a, "the screen shows no text: %ux%u pixels of %u bits\n", mode.width, mode.height, mode.bpp);
        return;
    }
    for (unsigned row = 0; row < mode.rows && row < VGA_TERMINAL_ROWS; row++) {
        vga_terminal_line(&vm.machine.vga, row, line, sizeof(line));
        say(a, "%s\n", strcmp(line, ".") == 0 ? ". " : line); // a dot alone ends the answer
    }
}

// The screen's picture, in pieces: `picture` begins, `picture more` goes on until its answer is only `end`.
static void command_picture(struct answer *a, const char *args)
{
    char line[SCREENSHOT_LINE + 1];
    unsigned width, height;
    if (strcmp(args, "more") != 0) {
        const char *error = screenshot_begin(&vm, &width, &height);
        if (error)
            say(a, "vm %u: %s\n", start_info()->vm_id, error);
        else
            say(a, "picture %u %u\n", width, height);
        return;
    }
    while (a->left > sizeof(line) + 8) {
        if (!screenshot_piece(line)) {
            say(a, "end\n");
            return;
        }
        say(a, "%s\n", line);
    }
}

static void command_keys(struct answer *a, const char *args)
{
    if (!typing_put(&vm.machine.typing, args))
        say(a, "too much at once: wait until the guest has read what was typed before\n");
    vcpu_kick(&vm.vcpus[0], ATTENTION_WORK);
}

// ---- a look inside

static void command_regs(struct answer *a, const char *args)
{
    (void)args;
    inspect_registers(a);
}

static const struct {
    const char *name;
    void (*run)(struct answer *a, const char *args);
} commands[] = {
    {"screen", command_screen}, {"picture", command_picture}, {"keys", command_keys},     {"stat", command_stat},
    {"reset", command_reset},   {"pause", command_pause},     {"resume", command_resume}, {"crash", command_crash},
    {"regs", command_regs},     {"memory", inspect_memory},
};

size_t monitor_command(const char *line, char *out, size_t size)
{
    struct answer a = {out, size};
    size_t length = strcspn(line, " ");
    const char *args = line + length + strspn(line + length, " ");
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strlen(commands[i].name) == length && memcmp(line, commands[i].name, length) == 0) {
            commands[i].run(&a, args);
            return (size_t)(a.at - out);
        }
    say(&a, "unknown command '%.20s'\n", line);
    return (size_t)(a.at - out);
}
