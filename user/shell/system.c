// SPDX-License-Identifier: MIT
// Commands about the machine.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/clock.h"
#include "user/shell/shell.h"

void show_files(const struct words *w, unsigned first)
{
    char name[NAME_MAX_LEN];
    uint64_t size;
    (void)w;
    (void)first;
    for (uint64_t i = 0; root_file_info(i, name, &size) == ROOT_OK && !interrupted(); i++)
        print("%10lu  %s\n", size, name);
}

static const char *seconds_text(uint64_t ticks, char text[24])
{
    uint64_t us = clock_us(ticks, start_info()->tsc_hz);
    snprintf(text, 24, "%lu.%02lus", us / 1000000, us / 10000 % 100);
    return text;
}

void show_processes(const struct words *w, unsigned first)
{
    struct process_info info;
    char name[NAME_MAX_LEN + 16], memory[24], kernel[24], time[24];
    (void)w;
    (void)first;
    print("ID    NAME                 CPU  MEM       KERNEL    CPU-TIME\n");
    for (uint64_t i = 0; root_process_info(i, &info) == ROOT_OK; i++) {
        if (info.vm_id)
            snprintf(name, sizeof name, "vm %u (%s)", info.vm_id, info.name);
        else
            snprintf(name, sizeof name, "%s", info.name);
        print("%-5u %-20s %-4u %-9s %-9s %s\n", info.id, name, info.cpu, size_text(info.memory, memory),
              size_text(info.kernel_pages << 12, kernel), seconds_text(info.time, time));
    }
}

void show_memory(const struct words *w, unsigned first)
{
    struct machine_info m;
    (void)w;
    (void)first;
    if (root_machine_info(&m) != ROOT_OK)
        return;
    print("memory  %10lu KiB, free %10lu KiB\n", m.ram >> 10, m.ram_free >> 10);
    print("kernel  %10lu KiB, free %10lu KiB\n", m.kernel_pages << 2, m.kernel_free << 2);
}

void show_cpus(const struct words *w, unsigned first)
{
    struct cpu_info cpu;
    char idle[24];
    (void)w;
    (void)first;
    print("CPU  APIC  IDLE\n");
    for (uint64_t i = 0; root_cpu_info(i, &cpu) == ROOT_OK; i++)
        print("%-4lu %-5u %s\n", i, cpu.lapic_id, seconds_text(cpu.idle, idle));
}

void show_log(const struct words *w, unsigned first)
{
    static char chunk[ROOT_LOG_CHUNK];
    uint64_t position = 0;
    uint32_t n;
    (void)w;
    (void)first;
    while ((n = root_log_read(&position, chunk)) && !interrupted())
        for (uint32_t at = 0; at < n;) {
            const char *end = memchr(chunk + at, '\n', n - at);
            uint32_t length = end ? (uint32_t)(end - chunk) - at : n - at;
            print_bytes(chunk + at, length);
            if (end)
                print_bytes("\r\n", 2);
            at += length + (end != NULL);
        }
}

void program_run(const struct words *w, unsigned first)
{
    bool vectors = first < w->count && !strcmp(w->word[first], "-vectors");
    uint32_t id;
    first += vectors;
    if (first >= w->count) {
        usage_show(w);
        return;
    }
    enum root_error e = root_run(vectors, w->rest[first], &id);
    if (e == ROOT_OK)
        print("process %u (%s) started\n", id, w->word[first]);
    else
        print("run: %s: %s\n", w->word[first], root_error_text(e));
}

void program_kill(const struct words *w, unsigned first)
{
    uint64_t id;
    if (w->count != first + 1 || !number_parse(w->word[first], &id) || id > UINT32_MAX)
        usage_show(w);
    else if (root_kill(id) != ROOT_OK)
        print("kill: no native program has the ID %lu; `ps` lists them, `vm kill` ends VMs\n", id);
}

static void power(bool reboot)
{
    print("\033]mica;focus;0\a");
    if (root_power(reboot) != ROOT_OK)
        print("root refuses\n");
    else
        while (shell_sleep(1000000)) // nothing more is wanted of us
            ;
}

void power_off(const struct words *w, unsigned first)
{
    (void)w;
    (void)first;
    power(false);
}

void power_reboot(const struct words *w, unsigned first)
{
    (void)w;
    (void)first;
    power(true);
}
