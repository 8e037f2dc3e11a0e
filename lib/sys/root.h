// SPDX-License-Identifier: MIT
// Calls to root (root_api.h) as functions. They use the calling thread's UTCB and may be made by any thread or handler.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/sys/channel.h"
#include "lib/sys/root_api.h"
#include "lib/sys/start.h"

static inline const struct start_info *start_info(void)
{
    return (const struct start_info *)START_INFO;
}

const char *root_error_text(enum root_error e);

// The call itself: words[0..words) of the UTCB are set by the caller, words[0] = operation. The answer is in the UTCB.
enum root_error root_call(unsigned words);

// Memory: zeroed; `va` and `bytes` multiples of 4 KiB, or of 2 MiB with MEM_LARGE. *phys only with MEM_LOW; may be
// NULL.
enum root_error root_mem_alloc(void *va, uint64_t bytes, uint32_t flags, uint64_t *phys);
enum root_error root_mem_free(void *va);

// Boot files. `name` holds NAME_MAX_LEN bytes.
enum root_error root_file_info(uint64_t index, char *name, uint64_t *size);
enum root_error root_file_find(const char *name, uint64_t *size);
enum root_error root_file_map(void *va, const char *name, uint64_t *size);

// Give the EC (global or vCPU) at `sel` an SC: it starts to run.
enum root_error root_thread(uint64_t sel, bool background);

// End this process. The text is shown.
_Noreturn void root_exit(int code, const char *reason);
void root_log(const char *text);
void root_log_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
enum root_error root_vm_state(enum vm_state state, const char *text);

// Channels. `va`: two pages of unused address space; `sel_base`: two unused selectors.
struct channel_peer {
    enum channel_kind kind;
    uint32_t process, vm_id;
    char name[NAME_MAX_LEN];
};
enum root_error root_channel_accept(struct channel *c, void *va, uint64_t sel_base, struct channel_peer *peer);
enum root_error root_channel_connect(struct channel *c, enum channel_kind kind, void *va, uint64_t sel_base,
                                     uint32_t vm_id);
enum root_error root_channel_close(struct channel *c);

// For the shell.
struct process_info {
    uint32_t id, vm_id, cpu;
    enum vm_state state;
    uint64_t memory, kernel_pages, time, guest_memory, exits;
    char name[NAME_MAX_LEN];
    char reason[200];
};
enum root_error root_process_info(uint64_t index, struct process_info *info);
enum root_error root_vm_start(bool config_file, uint64_t cpu, const char *args, uint32_t *vm_id);
enum root_error root_vm_kill(uint32_t vm_id);
enum root_error root_run(bool vectors, const char *line, uint32_t *process);
enum root_error root_kill(uint32_t process); // one that root_run started

struct machine_info {
    uint64_t ram, ram_free, kernel_pages, kernel_free, cpus, ram_dirty;
};
enum root_error root_machine_info(struct machine_info *info);

struct cpu_info {
    uint64_t idle, now;
    uint32_t lapic_id;
};
enum root_error root_cpu_info(uint64_t cpu, struct cpu_info *info);
enum root_error root_power(bool reboot);

// For shell and console: the log from *position on; returns how many bytes came (0 = no more), at most ROOT_LOG_CHUNK.
#define ROOT_LOG_CHUNK  2048
#define ROOT_LOG_UNSEEN UINT64_MAX // as *position: from where the kernel stopped printing
uint32_t root_log_read(uint64_t *position, char *bytes);
