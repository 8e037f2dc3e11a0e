// SPDX-License-Identifier: MIT
// Commands that the shell sends to this VM: one line each; the answer is lines. One table.
#include "lib/c/string.h"
#include "lib/c/strtol.h"
#include "lib/sys/hypercall.h"
#include "lib/sys/root.h"
#include "vmm-user/answer.h"
#include "vmm-user/devices/vga_terminal.h"
#include "vmm-user/exit.h"
#include "vmm-user/layout.h"
#include "vmm-user/screenshot.h"
#include "vmm-user/vm.h"

#define MOUSE_MAX 1000 // counts at once

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
    if (vm.firmware.media.pages.used)
        say(a, "written to disks %14llu KiB, in memory\n", (unsigned long long)(vm.firmware.media.pages.used >> 10));
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

// ---- the machine's outside: its button, its mouse, its drives

static bool errand_run(struct answer *a, enum vm_request request, const union vm_errand *errand)
{
    const char *error = NULL;
    if (vm.state != VM_RUNNING)
        error = "does not run";
    else if (__atomic_load_n(&vm.request, __ATOMIC_ACQUIRE) != VM_REQUEST_NONE)
        error = "is busy with the last command: try again"; // whose errand it may still read
    else
        vm.errand = *errand;
    if (!error && !inspect_ask(request))
        error = "is busy: it will be done when its vCPU answers";
    if (error)
        say(a, "vm %u %s\n", start_info()->vm_id, error);
    return !error;
}

static void command_power(struct answer *a, const char *args)
{
    (void)args;
    if (errand_run(a, VM_REQUEST_BUTTON, &(union vm_errand){0}))
        say(a, "vm %u: power button pressed\n", start_info()->vm_id);
}

// "DX DY [BUTTONS [DZ]]"
static void command_mouse(struct answer *a, const char *args)
{
    long values[4] = {0};
    const char *at = args;
    for (unsigned i = 0; i < 4; i++) {
        char *end;
        values[i] = strtol(at, &end, 0);
        if ((end == at && i < 2) || values[i] < -MOUSE_MAX || values[i] > MOUSE_MAX) {
            say(a, "DX, DY and the wheel are numbers from -%d to %d, BUTTONS bits: 1 left, 2 right, 4 middle\n",
                MOUSE_MAX, MOUSE_MAX);
            return;
        }
        at = end;
    }
    const union vm_errand errand = {
        .mouse = {
            .dx = (int)values[0], .dy = (int)values[1], .dz = (int)values[3], .buttons = (unsigned)values[2] & 7}};
    errand_run(a, VM_REQUEST_MOUSE, &errand);
}

// "DRIVE FILE", or "DRIVE none".
static void command_insert(struct answer *a, const char *args)
{
    size_t length = strcspn(args, " ");
    const char *name = args + length + strspn(args + length, " ");
    union vm_errand errand = {0};
    unsigned drive = 0;
    while (drive < MEDIA_DRIVES &&
           (strlen(media_slots[drive].key) != length || memcmp(args, media_slots[drive].key, length) != 0))
        drive++;
    if (drive == MEDIA_DRIVES || media_slots[drive].kind == BLOCK_DISK) {
        say(a, "'%.*s': what can be changed is fda, fdb and cdrom\n", (int)length, args);
        return;
    }
    if (!vm.firmware.drives[drive]) {
        say(a, "vm %u has no %s drive: it is there if the VM starts with a medium in it\n", start_info()->vm_id,
            media_slots[drive].key);
        return;
    }
    errand.insert.drive = drive;
    if (strcmp(name, "none") != 0) {
        enum media_error e = media_take(&vm.firmware.media, drive, name, &errand.insert.medium);
        if (e != MEDIA_OK) {
            say(a, "%s '%.*s' %s\n", media_slots[drive].key, CONFIG_FILE - 1, name, media_error_text(e));
            return;
        }
    }
    if (errand_run(a, VM_REQUEST_INSERT, &errand))
        say(a, "vm %u: %s: %s\n", start_info()->vm_id, media_slots[drive].key, name);
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
    {"regs", command_regs},     {"memory", inspect_memory},   {"power", command_power},   {"mouse", command_mouse},
    {"insert", command_insert},
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
