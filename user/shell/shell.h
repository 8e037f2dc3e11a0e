// SPDX-License-Identifier: MIT
// The shell: one terminal, one table of commands.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/sys/root.h"
#include "user/shell/words.h"

// What the shell maps and names, besides lib/sys.
#define TERMINAL_VA  0x30000000ul
#define MONITORS_VA  0x31000000ul
#define FILE_VA      0x40000000ul
#define SEL_TERMINAL SEL_USER_FREE
#define SEL_MONITORS (SEL_USER_FREE + 2)

// terminal.c. Output waits for the console; when the console is gone it is connected again.
void print(const char *format, ...) __attribute__((format(printf, 1, 2))); // \n ends a line
void print_bytes(const char *text, unsigned n);                            // as they are
void terminal_open(void);
bool key_get(uint8_t *key, uint64_t deadline); // false: the deadline (absolute TSC, 0 = none) passed
bool shell_sleep(uint64_t us);                 // or until something happened; false: Ctrl-C was typed
bool interrupted(void);                        // was Ctrl-C typed since the command began?
bool interrupt_clear(void);                    // was it? From now on it was not
uint64_t shell_now_us(void);

// commands.c
struct command {
    const char *name;  // one or two words
    const char *usage; // of its arguments
    const char *help;
    void (*run)(const struct words *w, unsigned first); // w->word[first] is the first argument
};
extern const struct command commands[];
bool command_run(const char *line);                   // false: Ctrl-C ended it
bool number_parse(const char *text, uint64_t *value); // decimal, all of it
const char *size_text(uint64_t bytes, char text[24]);

// complete.c: candidates for the last word of a line
void complete(const char *line, unsigned n, void (*insert)(const char *text, unsigned n), void (*redraw)(void));

// vm.c
bool vm_find(const char *text, struct process_info *info); // by its ID; false: there is none, and it has been said
void vm_start(const struct words *w, unsigned first);
void vm_run(const struct words *w, unsigned first);
void vm_list(const struct words *w, unsigned first);
void vm_stat(const struct words *w, unsigned first);
void vm_screen(const struct words *w, unsigned first);
void vm_keys(const struct words *w, unsigned first);
void vm_mouse(const struct words *w, unsigned first);
void vm_power(const struct words *w, unsigned first);
void vm_insert(const struct words *w, unsigned first);
void vm_console(const struct words *w, unsigned first);
void vm_reset(const struct words *w, unsigned first);
// How the command that the words begin with is to be written.
void usage_show(const struct words *w);

void vm_regs(const struct words *w, unsigned first);
void vm_memory(const struct words *w, unsigned first);
void vm_pause(const struct words *w, unsigned first);
void vm_resume(const struct words *w, unsigned first);
void vm_kill(const struct words *w, unsigned first);
void vm_wait(const struct words *w, unsigned first);
void vm_crash(const struct words *w, unsigned first);

// monitor.c: a line to a VM's VMM, and its answer printed, or each line of it given to `take`. False: there was none,
// and it has been said why
void monitor_ask(uint32_t vm_id, const char *request);
bool monitor_ask_lines(uint32_t vm_id, const char *request, void (*take)(const char *line));

// screenshot.c
void vm_screenshot(const struct words *w, unsigned first);

// system.c
void show_files(const struct words *w, unsigned first);
void show_processes(const struct words *w, unsigned first);
void show_memory(const struct words *w, unsigned first);
void show_cpus(const struct words *w, unsigned first);
void show_log(const struct words *w, unsigned first);
void program_run(const struct words *w, unsigned first);
void program_kill(const struct words *w, unsigned first);
void power_off(const struct words *w, unsigned first);
void power_reboot(const struct words *w, unsigned first);
