// SPDX-License-Identifier: MIT
// Root's state. All of it belongs to the handler EC of CPU 0: requests from other CPUs and root's own threads reach it
// by calls, so the handler's own serialisation is the lock, with the kernel's helping as priority inheritance
// (serve.c).
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "abi/hip.h"
#include "abi/layout.h"
#include "lib/sys/hypercall.h"
#include "lib/sys/root_api.h"
#include "lib/sys/start.h"
#include "user/root/acpi.h"
#include "user/root/books.h"
#include "user/root/log.h"

// Address space of root besides what the kernel gave: all memory at RAM_WINDOW + physical address; stacks and UTCBs of
// its threads.
#define RAM_WINDOW    0x100000000000ul
#define THREAD_STACKS 0x200000000000ul // + n * STACK_WINDOW
#define THREAD_UTCBS  0x210000000000ul // + n * PAGE_SIZE
#define THREAD_MAPPED 0x4000ul         // bytes of each stack

// Selectors of root.
enum {
    SEL_ROOT_MAIN = SEL_FREE, // semaphore: something to do for the main thread
    SEL_WORK_SM,              // a request of another CPU waits
    SEL_ZERO_SM,              // memory waits to be zeroed
    SEL_INTERNAL,             // portal to the handler of CPU 0 for root's own threads
    SEL_WORK_EC,
    SEL_WORK_SC,
    SEL_ZERO_EC,
    SEL_ZERO_SC,
    SEL_HANDLER = 64,  // + cpu: its handler EC
    SEL_DONE_SM = 128, // + cpu: its request is served
    SEL_TEMP = 192,    // while something is being set up
    SEL_TEMP_COUNT = 64,
    SEL_PROCESS = 512, // + slot * SLOT_SELECTORS
    SLOT_SELECTORS = 16,
    SLOT_PD = 0,
    SLOT_EC = 1,
    SLOT_SM = 2,
    SLOT_SC = 3, // and up to MAX_THREADS - 1 more
    MAX_THREADS = SLOT_SELECTORS - SLOT_SC,
};

enum { PRIO_WORKER = 127, PRIO_CONSOLE = 92, PRIO_SHELL = 60, PRIO_VMM = 40, PRIO_BACKGROUND = 1, QUANTUM_MS = 4 };

#define MAX_PROCESSES 64
#define MAX_LINKS     192
#define MAX_REGIONS   128 // of one process
#define MAX_CHANNELS  16  // that one process connected
#define REASON_MAX    200

enum process_kind { KIND_CONSOLE, KIND_SHELL, KIND_VMM, KIND_PROGRAM, KIND_COUNT };
enum process_state {
    PROCESS_FREE,
    PROCESS_RUNNING,
    PROCESS_DYING,
    PROCESS_ENDED /* its entry alone is left, for `vm list` */
};

struct region; // memory.c

struct process {
    enum process_state state;
    enum process_kind kind;
    uint32_t id, vm_id, cpu;
    enum vm_state vm_state;
    char name[32], title[32]; // title of a VM: what its config calls it
    char reason[REASON_MAX];
    struct region *regions;
    unsigned region_count, channel_count, threads;
    uint64_t small_pages;         // handed out in 4 KiB pages
    uint64_t later_pages;         // of these it may have more than others: MEM_LATER
    uint64_t pages;               // all that it holds
    uint64_t time;                // CPU time when it ended
    uint64_t exits, guest_memory; // what its public page said last
    uint8_t *public_page;
    struct start_info *info;
};

struct root {
    const struct hip *hip;
    struct books books;
    struct log log;
    struct acpi_power power_registers;
    struct process processes[MAX_PROCESSES];
    uint32_t last_process, last_vm, first_vm_cpu; // CPUs before that one run no VMs
    uint64_t wall_ns;                             // at TSC 0
    enum { POWER_ON, POWER_DOWN, POWER_REBOOT } power;
};
extern struct root root;

static inline uint64_t slot_sel(const struct process *p, unsigned which)
{
    return SEL_PROCESS + (uint64_t)(p - root.processes) * SLOT_SELECTORS + which;
}

static inline void *ram(uint64_t phys)
{
    return (void *)(RAM_WINDOW + phys);
}

// kernel.c: hypercalls that do a part are repeated; the number really done is told where a caller must undo.
enum status kernel_map(enum pd_op op, uint64_t dst, uint64_t to, uint64_t src, uint64_t from, uint64_t count,
                       uint64_t rights, uint64_t *done);
void kernel_unmap(enum pd_op op, uint64_t pd, uint64_t base, uint64_t count);
enum status kernel_copy_cap(uint64_t dst_pd, uint64_t dst, uint64_t src_pd, uint64_t src, uint64_t perms);
struct thread *kernel_thread_stack(unsigned n, uint64_t cpu); // stack and UTCB address of root's n-th thread or handler
uint64_t now_us(void);                                        // since boot
uint64_t deadline_us(uint64_t us);                            // TSC that far in the future

// memory.c
enum region_kind { REGION_RAM, REGION_FILE, REGION_SHARED };
struct region {
    struct region *next;
    uint64_t va, pages;    // va 0: its process can no longer reach it, but perhaps its guest
    struct run_node *runs; // memory of its own; NULL for files and shared pages
    uint8_t kind;
    bool large, pending; // pending: not all zeroed, not mapped yet
};
bool memory_range_free(const struct process *p, uint64_t va, uint64_t bytes);
struct region *region_new(struct process *p, enum region_kind kind, uint64_t va, uint64_t pages);
void region_delete(struct process *p, struct region *r);
struct region *region_find(const struct process *p, uint64_t va);
enum root_error memory_take(struct process *p, uint64_t va, uint64_t pages, bool large, struct region **out);
bool memory_clean(const struct region *r, uint64_t budget_pages);
enum root_error memory_map(struct process *p, struct region *r, uint64_t rights);
uint8_t *memory_page(const struct region *r, uint64_t index); // as root sees it
void memory_release_all(struct process *p);                   // its PD is empty
enum root_error serve_mem_alloc(struct process *p, uint64_t *w, unsigned *answer);
enum root_error serve_mem_free(struct process *p, uint64_t *w, unsigned *answer);

// files.c
bool file_get(uint64_t index, const char **name, unsigned *length, uint64_t *phys, uint64_t *size);
bool file_find(const char *name, uint64_t *phys, uint64_t *size);
enum root_error serve_file_info(struct process *p, uint64_t *w, unsigned *answer);
enum root_error serve_file_map(struct process *p, uint64_t *w, unsigned *answer);

// process.c
struct process *process_start(enum process_kind kind, const char *name, uint32_t cpu, uint32_t flags, const char *args,
                              enum root_error *error);
void process_end(struct process *p, enum vm_state state,
                 const char *reason); // it is stopped and reaped by the main thread
struct process *process_dying(void);
void process_reaped(struct process *p);
void process_forget(struct process *p); // an ended one leaves the table
uint64_t process_time(const struct process *p);
void process_look(struct process *p);   // read its public page
void process_notify(struct process *p); // something waits for it
void process_wake(enum process_kind kind);
struct process *vm_find(uint32_t vm_id);
void services_start(void); // those that do not run
enum root_error serve_thread(struct process *p, uint64_t *w, unsigned *answer);

// channels.c
enum root_error serve_channel_accept(struct process *p, uint64_t *w, unsigned *answer);
enum root_error serve_channel_connect(struct process *p, uint64_t *w, unsigned *answer);
enum root_error serve_channel_close(struct process *p, uint64_t *w, unsigned *answer);
void channels_end(struct process *p);     // before its PD is destroyed: tell the peers
void channels_release(struct process *p); // after

// vms.c: what the shell asks
enum root_error serve_vm_state(struct process *p, uint64_t *w, unsigned *answer);
void vms_init(void);
enum root_error serve_vm_start(struct process *p, uint64_t *w, unsigned *answer);
enum root_error serve_vm_kill(struct process *p, uint64_t *w, unsigned *answer);
enum root_error serve_run(struct process *p, uint64_t *w, unsigned *answer);
enum root_error serve_process_info(struct process *p, uint64_t *w, unsigned *answer);
enum root_error serve_machine_info(struct process *p, uint64_t *w, unsigned *answer);
enum root_error serve_cpu_info(struct process *p, uint64_t *w, unsigned *answer);

// serve.c
#define WORDS_KEPT 64 // words of a request beyond what the caller sent are zero up to here
enum internal_op { OP_ZERO = ROOT_OP_COUNT, OP_REMOTE, OP_TICK, OP_NEXT_DYING, OP_REAPED, OP_COUNT };
uint64_t portal_id(const struct process *p, bool event, unsigned number);
_Noreturn void serve_entry(uint64_t id, uint64_t words_or_mtd);
enum root_error serve_internal(enum internal_op op, uint64_t argument, uint64_t *result);
_Noreturn void worker_main(void *arg);
_Noreturn void zero_main(void *arg);
const char *text_at(uint64_t *w, unsigned at,
                    unsigned max_bytes); // 0-terminated within max_bytes; changes the message for that
void root_say(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

// dispi.c
uint64_t dispi_find(uint32_t *bytes); // physical address and size of its video memory; 0: there is none

// power.c, time.c
void power_find(void);
void power_act(void);
enum root_error serve_power(struct process *p, uint64_t *w, unsigned *answer);
void wall_clock_read(void);
bool wall_clock_refine(void); // true once the start of a second was seen
