// SPDX-License-Identifier: MIT
// Commands about virtual machines.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/clock.h"
#include "lib/sys/nearest.h"
#include "user/shell/shell.h"

#define POLL_US 1000000 // in case nobody tells
#define GONE_US 10000000

static const char *const states[] = {
    [VM_NONE] = "-",        [VM_STARTING] = "starting", [VM_RUNNING] = "running",
    [VM_PAUSED] = "paused", [VM_STOPPED] = "stopped",   [VM_CRASHED] = "crashed",
};

static bool vm_info(uint64_t id, struct process_info *info)
{
    for (uint64_t i = 0; root_process_info(i, info) == ROOT_OK; i++)
        if (info->vm_id && info->vm_id == id)
            return true;
    return false;
}

bool vm_find(const char *text, struct process_info *info)
{
    uint64_t id;
    if (number_parse(text, &id) && vm_info(id, info))
        return true;
    print("vm %s: no such VM; `vm list` shows them\n", text);
    return false;
}

// The VM that the first argument names; says what is wrong if there is none.
static bool vm_argument(const struct words *w, unsigned first, unsigned arguments, struct process_info *info)
{
    if (w->count == first + arguments)
        return vm_find(w->word[first], info);
    usage_show(w);
    return false;
}

// The commands whose only argument is the VM.
static void vm_ask(const struct words *w, unsigned first, const char *request)
{
    struct process_info info;
    if (vm_argument(w, first, 1, &info))
        monitor_ask(info.vm_id, request);
}

// --- starting
// --------------------------------------------------------------------------------------------------------------

static bool vms_possible(const char *command)
{
    const struct start_info *info = start_info();
    if (info->virt & (HIP_VIRT_VMX | HIP_VIRT_SVM))
        return true;
    print("%s: no VMs on this machine: %s\n", command,
          info->virt_refusal[0] ? info->virt_refusal : "the CPU has no VT-x");
    return false;
}

// A large VM takes its time: its memory is cleared first, then its files are copied to where the guest wants them.
static void progress(const struct process_info *info)
{
    struct machine_info machine;
    if (root_machine_info(&machine) == ROOT_OK && machine.ram_dirty >> 20)
        print("\r\033[Kvm %u: waits for clear memory; %lu MiB of the machine are still to be cleared", info->vm_id,
              machine.ram_dirty >> 20);
    else
        print("\r\033[Kvm %u: its files are being loaded", info->vm_id);
}

static void start(const char *command, bool config_file, const char *args)
{
    struct process_info info;
    bool slow = false;
    uint32_t id;
    enum root_error e = root_vm_start(config_file, UINT64_MAX, args, &id);
    if (e != ROOT_OK) {
        print("%s: %s\n", command, root_error_text(e));
        return;
    }
    for (uint64_t told = shell_now_us(); vm_info(id, &info) && info.state == VM_STARTING;) {
        if (shell_now_us() - told >= POLL_US) {
            told = shell_now_us();
            slow = true;
            progress(&info);
        }
        if (!shell_sleep(POLL_US))
            break;
    }
    if (slow)
        print("\r\033[K");
    if (info.vm_id == id && info.state == VM_STARTING) { // Ctrl-C: it goes on
        print("vm %u is starting\n", id);
    } else if (info.vm_id != id) {
        print("%s: vm %u is gone\n", command, id);
    } else if (info.state == VM_RUNNING || info.state == VM_PAUSED || info.exits) {
        print("vm %u (%s) started\n", id, info.name);
    } else { // it came to nothing: say why, and forget it
        if (info.state == VM_CRASHED)
            print("%s: its VMM crashed: ", command);
        print("%s\n", info.reason);
        root_vm_kill(id);
    }
}

// The guest that a boot file configures: NAME of guests/NAME.cfg. False: it is another file.
static bool guest_of(const char *file, char name[NAME_MAX_LEN])
{
    const char *slash = strchr(file, '/'), *dot = strrchr(file, '.');
    if (!slash || strncmp(file, "guests/", 7) != 0 || !dot || dot < slash || strcmp(dot, ".cfg") != 0)
        return false;
    snprintf(name, NAME_MAX_LEN, "%.*s", (int)(dot - slash - 1), slash + 1);
    return true;
}

static void guest_unknown(const char *guest)
{
    static char names[2][NAME_MAX_LEN]; // the nearest, and the one that is tried
    char file[NAME_MAX_LEN];
    struct nearest nearest;
    uint64_t size;
    unsigned next = 0;
    nearest_init(&nearest, guest);
    for (uint64_t i = 0; root_file_info(i, file, &size) == ROOT_OK; i++)
        if (guest_of(file, names[next])) {
            nearest_try(&nearest, names[next]);
            next = nearest.best == names[next] ? !next : next;
        }
    print("vm start: guests/%s.cfg: no such file on the boot medium", guest);
    if (nearest.best)
        print("; did you mean `vm start %s`?", nearest.best);
    print("\n");
}

void vm_start(const struct words *w, unsigned first)
{
    char name[NAME_MAX_LEN];
    uint64_t size;
    if (w->count != first + 1) {
        print("usage: vm start NAME\n");
        return;
    }
    if (!vms_possible("vm start"))
        return;
    int n = snprintf(name, sizeof name, "guests/%s.cfg", w->word[first]);
    if (n >= (int)sizeof name || root_file_find(name, &size) != ROOT_OK)
        guest_unknown(w->word[first]);
    else
        start("vm start", true, name);
}

void vm_run(const struct words *w, unsigned first)
{
    if (w->count == first)
        usage_show(w);
    else if (vms_possible("vm run"))
        start("vm run", false, w->rest[first]);
}

// --- looking
// ---------------------------------------------------------------------------------------------------------------

void vm_list(const struct words *w, unsigned first)
{
    struct process_info info;
    char state[240], memory[24];
    (void)w;
    (void)first;
    print("ID   NAME         STATE                MEM      CPU-TIME      EXITS\n");
    for (uint64_t i = 0; root_process_info(i, &info) == ROOT_OK; i++) {
        if (!info.vm_id || info.state >= sizeof states / sizeof *states)
            continue;
        bool over = info.state == VM_STOPPED || info.state == VM_CRASHED;
        snprintf(state, sizeof state, "%s%s%s", states[info.state], over && info.reason[0] ? ": " : "",
                 over ? info.reason : "");
        uint64_t us = clock_us(info.time, start_info()->tsc_hz);
        print("%-4u %-12s %-20s %-8s %5lu.%02lus %10lu\n", info.vm_id, info.name[0] ? info.name : "-", state,
              size_text(info.guest_memory, memory), us / 1000000, us / 10000 % 100, info.exits);
    }
}

void vm_stat(const struct words *w, unsigned first)
{
    vm_ask(w, first, "stat");
}

void vm_screen(const struct words *w, unsigned first)
{
    vm_ask(w, first, "screen");
}

void vm_regs(const struct words *w, unsigned first)
{
    vm_ask(w, first, "regs");
}

// The commands with more arguments: `least` to `most` words, the VM's included, go on to its VMM.
static void vm_ask_words(const struct words *w, unsigned first, const char *request, unsigned least, unsigned most)
{
    struct process_info info;
    char text[120];
    unsigned count = w->count - first;
    if (!vm_argument(w, first, count < least ? least : count > most ? most : count, &info))
        return;
    unsigned length = (unsigned)snprintf(text, sizeof text, "%s", request);
    for (unsigned i = 1; i < count && length < sizeof text; i++)
        length += (unsigned)snprintf(text + length, sizeof text - length, " %s", w->word[first + i]);
    if (length < sizeof text)
        monitor_ask(info.vm_id, text);
    else
        print("vm %s: too much at once: %u characters at most\n", request,
              (unsigned)(sizeof text - strlen(request) - 2));
}

void vm_memory(const struct words *w, unsigned first)
{
    vm_ask_words(w, first, "memory", 2, 3);
}

void vm_keys(const struct words *w, unsigned first)
{
    vm_ask_words(w, first, "keys", 2, 2);
}

void vm_mouse(const struct words *w, unsigned first)
{
    vm_ask_words(w, first, "mouse", 3, 5);
}

void vm_power(const struct words *w, unsigned first)
{
    vm_ask(w, first, "power");
}

void vm_insert(const struct words *w, unsigned first)
{
    vm_ask_words(w, first, "insert", 3, 3);
}

void vm_console(const struct words *w, unsigned first)
{
    const char *view = w->count == first + 2 ? w->word[first + 1] : NULL;
    struct process_info info;
    if (view && strcmp(view, "screen") != 0 && strcmp(view, "serial") != 0)
        print("vm console: %s: should be screen or serial\n", view);
    else if (vm_argument(w, first, view ? 2 : 1, &info))
        print("\033]mica;focus;%u%s%s\a", info.vm_id, view ? ";" : "", view ? view : "");
}

// --- acting
// ----------------------------------------------------------------------------------------------------------------

void vm_reset(const struct words *w, unsigned first)
{
    vm_ask(w, first, "reset");
}

void vm_pause(const struct words *w, unsigned first)
{
    vm_ask(w, first, "pause");
}

void vm_resume(const struct words *w, unsigned first)
{
    vm_ask(w, first, "resume");
}

void vm_kill(const struct words *w, unsigned first)
{
    struct process_info info;
    if (!vm_argument(w, first, 1, &info))
        return;
    uint32_t id = info.vm_id;
    enum root_error e = root_vm_kill(id);
    if (e != ROOT_OK) {
        print("vm %u: %s\n", id, root_error_text(e));
        return;
    }
    uint64_t end = shell_now_us() + GONE_US;
    while (vm_info(id, &info) && shell_now_us() < end && shell_sleep(POLL_US))
        ;
    print("vm %u killed\n", id);
}

void vm_wait(const struct words *w, unsigned first)
{
    struct process_info info;
    if (!vm_argument(w, first, 1, &info))
        return;
    uint32_t id = info.vm_id;
    while (vm_info(id, &info) && info.state != VM_STOPPED && info.state != VM_CRASHED)
        if (!shell_sleep(POLL_US))
            return;
    print("vm %u stopped: %s\n", id, info.vm_id == id ? info.reason : "killed");
}

void vm_crash(const struct words *w, unsigned first)
{
    static const char *const kinds[] = {"null", "ud", "stack", "kernel-address", "loop", "memory"};
    struct process_info info;
    char request[64];
    if (!vm_argument(w, first, 2, &info))
        return;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(w->word[first + 1], kinds[i])) {
            snprintf(request, sizeof request, "crash %s", kinds[i]);
            monitor_ask(info.vm_id, request);
            return;
        }
    print("vm crash: unknown kind %s; there are", w->word[first + 1]);
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        print(" %s", kinds[i]);
    print("\n");
}
