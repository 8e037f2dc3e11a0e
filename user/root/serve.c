// SPDX-License-Identifier: MIT
// Every request to root ends here, one at a time. The handler of CPU 0 serves; handlers of other CPUs leave their
// request in their own UTCB, wake the worker thread and wait: it makes the call on CPU 0 for them, at a priority above
// everyone's.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/clock.h"
#include "lib/sys/thread.h"
#include "user/root/root.h"

#define ID_EVENT    (1ul << 16)
#define ID_INTERNAL (1ul << 17)
#define ZERO_BUDGET 16 // pages per call of the zeroing thread: whoever else calls waits no longer than that
#define PF_WRITE    2
#define PF_FETCH    16

struct request {
    uint64_t id, count; // as the portal's handler got them
    uint64_t *words;    // of the handler's UTCB
    uint64_t answer;    // what to reply
};

static struct {
    struct request request;
    uint32_t pending;
} remote[HIP_CPUS];

uint64_t portal_id(const struct process *p, bool event, unsigned number)
{
    return (uint64_t)(p - root.processes) | (event ? ID_EVENT : 0) | (uint64_t)number << 8 | (uint64_t)p->id << 32;
}

void root_say(const char *name, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args); // NOLINT(clang-analyzer-valist.Uninitialized): it is
    va_end(args);
    log_line(&root.log, now_us(), name, text);
    process_wake(KIND_CONSOLE);
}

const char *text_at(uint64_t *w, unsigned at, unsigned max_bytes)
{
    char *text = (char *)&w[at];
    text[max_bytes - 1] = 0;
    return text;
}

// --- small services
// --------------------------------------------------------------------------------------------------------

static enum root_error serve_exit(struct process *p, uint64_t *w, unsigned *answer)
{
    const char *reason = text_at(w, 2, REASON_MAX);
    *answer = 1;
    if (!p->vm_id)
        root_say(p->name, "%s: process ended", reason);
    else if (p->vm_state != VM_STARTING && p->vm_state != VM_STOPPED) // the shell tells about one that does not start
        root_say(NULL, "vm %u stopped: %s", p->vm_id, reason);
    process_end(p, VM_STOPPED, reason);
    return ROOT_OK;
}

static enum root_error serve_log(struct process *p, uint64_t *w, unsigned *answer)
{
    *answer = 1;
    root_say(p->name, "%s", text_at(w, 1, 400));
    return ROOT_OK;
}

static enum root_error serve_log_read(struct process *p, uint64_t *w, unsigned *answer)
{
    (void)p;
    log_take_kernel(&root.log);
    w[2] = log_read(&root.log, &w[1], (char *)&w[3], 2048);
    *answer = 3 + (w[2] + 7) / 8;
    return ROOT_OK;
}

// --- the table
// -------------------------------------------------------------------------------------------------------------

#define BY(kind) (1u << (kind))
#define BY_ALL   (BY(KIND_CONSOLE) | BY(KIND_SHELL) | BY(KIND_VMM))
#define BY_ANY   (BY_ALL | BY(KIND_PROGRAM))

static const struct {
    enum root_error (*serve)(struct process *p, uint64_t *w, unsigned *answer);
    uint8_t who;
    uint8_t words; // at least, of the request
} operations[ROOT_OP_COUNT] = {
    [ROOT_MEM_ALLOC] = {serve_mem_alloc, BY_ANY, 4},
    [ROOT_MEM_FREE] = {serve_mem_free, BY_ANY, 2},
    [ROOT_FILE_INFO] = {serve_file_info, BY_ANY, 2},
    [ROOT_FILE_MAP] = {serve_file_map, BY_ANY, 3},
    [ROOT_THREAD] = {serve_thread, BY_ANY, 3},
    [ROOT_EXIT] = {serve_exit, BY_ANY, 2},
    [ROOT_LOG] = {serve_log, BY_ANY, 2},
    [ROOT_VM_STATE] = {serve_vm_state, BY(KIND_VMM), 2},
    [ROOT_CHANNEL_ACCEPT] = {serve_channel_accept, BY(KIND_CONSOLE) | BY(KIND_VMM), 3},
    [ROOT_CHANNEL_CONNECT] = {serve_channel_connect, BY_ALL, 5},
    [ROOT_CHANNEL_CLOSE] = {serve_channel_close, BY_ALL, 2},
    [ROOT_PROCESS_INFO] = {serve_process_info, BY(KIND_SHELL), 2},
    [ROOT_VM_START] = {serve_vm_start, BY(KIND_SHELL), 4},
    [ROOT_VM_KILL] = {serve_vm_kill, BY(KIND_SHELL), 2},
    [ROOT_MACHINE_INFO] = {serve_machine_info, BY(KIND_SHELL), 1},
    [ROOT_CPU_INFO] = {serve_cpu_info, BY(KIND_SHELL), 2},
    [ROOT_LOG_READ] = {serve_log_read, BY(KIND_SHELL) | BY(KIND_CONSOLE), 2},
    [ROOT_RUN] = {serve_run, BY(KIND_SHELL), 3},
    [ROOT_POWER] = {serve_power, BY(KIND_SHELL), 2},
};

static void serve_process(struct process *p, struct request *rq)
{
    uint64_t *w = rq->words, op = rq->count ? w[0] : 0;
    unsigned answer = 1;
    for (uint64_t i = rq->count; i < WORDS_KEPT; i++)
        w[i] = 0;
    if (rq->count < UTCB_WORDS)
        w[rq->count] = 0;
    if (op >= ROOT_OP_COUNT || !operations[op].serve || rq->count < operations[op].words)
        w[0] = ROOT_BAD;
    else if (!(operations[op].who & BY(p->kind)))
        w[0] = ROOT_DENIED;
    else
        w[0] = operations[op].serve(p, w, &answer);
    rq->answer = w[0] == ROOT_OK ? answer : 1;
}

// --- exceptions
// ------------------------------------------------------------------------------------------------------------

static const char *const exception_names[32] = {
    [0] = "division error",
    [1] = "debug exception",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound exceeded",
    [6] = "invalid opcode",
    [7] = "vector registers used",
    [10] = "invalid TSS",
    [11] = "segment not present",
    [12] = "stack fault",
    [13] = "general protection",
    [14] = "page fault",
    [16] = "x87 error",
    [17] = "alignment check",
    [19] = "SIMD error",
};

static void serve_exception(struct process *p, unsigned vector, struct request *rq)
{
    const struct utcb_state *s = (const struct utcb_state *)rq->words;
    char cause[120];
    const char *name = vector < 32 && exception_names[vector] ? exception_names[vector] : "exception";
    int n = snprintf(cause, sizeof cause, "%s at rip %#lx", name, s->rip);
    if (vector == 14)
        snprintf(cause + n, sizeof cause - n, " %s address %#lx",
                 s->qual[0] & PF_FETCH   ? "executing"
                 : s->qual[0] & PF_WRITE ? "writing"
                                         : "reading",
                 s->qual[1]);
    else if (!exception_names[vector & 31])
        snprintf(cause + n, sizeof cause - n, " (vector %u)", vector);
    if (p->vm_id)
        root_say(NULL, "vm %u stopped: its VMM crashed: %s", p->vm_id, cause);
    else
        root_say(p->name, "%s: process ended", cause);
    process_end(p, VM_CRASHED, cause);
    rq->answer = MTD_STOP;
}

// --- root's own threads
// ------------------------------------------------------------------------------------------------------

static void serve(struct request *rq);

static void op_zero(uint64_t *w)
{
    w[1] = books_clean_free(&root.books, ZERO_BUDGET);
}

static void op_remote(uint64_t *w)
{
    serve(&remote[w[1] % HIP_CPUS].request);
}

static void op_tick(uint64_t *w)
{
    uint64_t head = root.log.head;
    log_take_kernel(&root.log);
    if (root.log.head != head)
        process_wake(KIND_CONSOLE);
    services_start();
    w[1] = wall_clock_refine();
}

static void op_next_dying(uint64_t *w)
{
    struct process *p = process_dying();
    w[1] = p ? (uint64_t)(p - root.processes) : UINT64_MAX;
}

static void op_reaped(uint64_t *w)
{
    process_reaped(&root.processes[w[1] % MAX_PROCESSES]);
}

static void (*const internal_operations[])(uint64_t *w) = {
    [OP_ZERO - OP_ZERO] = op_zero,     [OP_REMOTE - OP_ZERO] = op_remote,
    [OP_TICK - OP_ZERO] = op_tick,     [OP_NEXT_DYING - OP_ZERO] = op_next_dying,
    [OP_REAPED - OP_ZERO] = op_reaped,
};

enum root_error serve_internal(enum internal_op op, uint64_t argument, uint64_t *result)
{
    uint64_t *w = utcb_self()->words;
    w[0] = op;
    w[1] = argument;
    struct hc_result r = ipc_call(SEL_INTERNAL, 2);
    if (result)
        *result = w[1];
    return r.status == ST_OK ? ROOT_OK : ROOT_KERNEL;
}

// --- the handlers
// ------------------------------------------------------------------------------------------------------------

static void serve(struct request *rq)
{
    if (rq->id & ID_INTERNAL) {
        internal_operations[rq->words[0] - OP_ZERO](rq->words);
        rq->answer = 2;
        return;
    }
    struct process *p = &root.processes[rq->id % MAX_PROCESSES];
    bool event = rq->id & ID_EVENT;
    rq->answer = event ? MTD_STOP : 1;
    if (p->state != PROCESS_RUNNING || p->id != rq->id >> 32)
        rq->words[0] = ROOT_DENIED; // it is ending
    else if (event)
        serve_exception(p, rq->id >> 8 & 0xff, rq);
    else
        serve_process(p, rq);
}

_Noreturn void serve_entry(uint64_t id, uint64_t words_or_mtd)
{
    const struct thread *self = thread_self();
    struct request here = {.id = id, .count = words_or_mtd, .words = self->utcb->words};
    if (!self->cpu) {
        serve(&here);
        ipc_return(here.answer);
    }
    struct request *rq = &remote[self->cpu].request;
    *rq = here;
    __atomic_store_n(&remote[self->cpu].pending, 1, __ATOMIC_SEQ_CST);
    sm_up(SEL_WORK_SM);
    sm_down(SEL_DONE_SM + self->cpu, 0);
    ipc_return(rq->answer);
}

_Noreturn void worker_main(void *arg)
{
    (void)arg;
    for (;;) {
        sm_take_all(SEL_WORK_SM, 0);
        for (unsigned cpu = 1; cpu < root.hip->cpus && cpu < HIP_CPUS; cpu++)
            if (__atomic_exchange_n(&remote[cpu].pending, 0, __ATOMIC_SEQ_CST)) {
                serve_internal(OP_REMOTE, cpu, NULL);
                sm_up(SEL_DONE_SM + cpu);
            }
    }
}

_Noreturn void zero_main(void *arg)
{
    (void)arg;
    for (;;) {
        uint64_t done = 0;
        serve_internal(OP_ZERO, 0, &done);
        if (!done)
            sm_take_all(SEL_ZERO_SM, 0);
    }
}
