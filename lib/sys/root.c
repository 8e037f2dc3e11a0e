// SPDX-License-Identifier: MIT
#include "lib/sys/root.h"
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/thread.h"

#define NAME_WORDS (NAME_MAX_LEN / 8)

static const char *const error_texts[] = {
    [ROOT_OK] = "done",
    [ROOT_BAD] = "bad argument",
    [ROOT_DENIED] = "not permitted",
    [ROOT_NO_MEMORY] = "out of memory",
    [ROOT_NOT_FOUND] = "not found",
    [ROOT_LIMIT] = "limit reached",
    [ROOT_KERNEL] = "the kernel refused (out of its memory for this process?)",
    [ROOT_AGAIN] = "not finished",
};
_Static_assert(sizeof error_texts / sizeof *error_texts == ROOT_ERRORS, "a text for each error");

const char *root_error_text(enum root_error e)
{
    return (unsigned)e < ROOT_ERRORS ? error_texts[e] : "unknown error";
}

enum root_error root_call(unsigned words)
{
    struct thread *self = thread_self();
    struct hc_result r = ipc_call(SEL_ROOT + self->cpu, words);
    return r.status == ST_OK && r.value ? (enum root_error)self->utcb->words[0] : ROOT_KERNEL;
}

static enum root_error call1(enum root_op op, uint64_t a)
{
    uint64_t *w = utcb_self()->words;
    w[0] = op;
    w[1] = a;
    return root_call(2);
}

// Text into the message from word `at`; returns the words of the message. Longer text is cut.
static unsigned put_text(unsigned at, const char *text, size_t max)
{
    char *to = (char *)&utcb_self()->words[at];
    size_t n = strnlen(text, max - 1);
    memcpy(to, text, n);
    memset(to + n, 0, 8 - n % 8);
    return at + n / 8 + 1;
}

static unsigned put_name(unsigned at, const char *name)
{
    char *to = (char *)&utcb_self()->words[at];
    memset(to, 0, NAME_MAX_LEN);
    memcpy(to, name, strnlen(name, NAME_MAX_LEN - 1));
    return at + NAME_WORDS;
}

static void get_text(char *to, unsigned at, size_t size)
{
    memcpy(to, &utcb_self()->words[at], size);
    to[size - 1] = 0;
}

enum root_error root_mem_alloc(void *va, uint64_t bytes, uint32_t flags, uint64_t *phys)
{
    uint64_t *w = utcb_self()->words;
    enum root_error e;
    do {
        w[0] = ROOT_MEM_ALLOC;
        w[1] = (uint64_t)va;
        w[2] = bytes;
        w[3] = flags;
        e = root_call(4);
    } while (e == ROOT_AGAIN);
    if (phys)
        *phys = e == ROOT_OK ? w[1] : 0;
    return e;
}

enum root_error root_mem_free(void *va)
{
    return call1(ROOT_MEM_FREE, (uint64_t)va);
}

enum root_error root_file_info(uint64_t index, char *name, uint64_t *size)
{
    enum root_error e = call1(ROOT_FILE_INFO, index);
    if (e == ROOT_OK) {
        *size = utcb_self()->words[1];
        get_text(name, 2, NAME_MAX_LEN);
    }
    return e;
}

enum root_error root_file_find(const char *name, uint64_t *size)
{
    char found[NAME_MAX_LEN];
    for (uint64_t i = 0;; i++) {
        enum root_error e = root_file_info(i, found, size);
        if (e != ROOT_OK || !strcmp(found, name))
            return e;
    }
}

enum root_error root_file_map(void *va, const char *name, uint64_t *size)
{
    uint64_t *w = utcb_self()->words;
    if (strlen(name) >= NAME_MAX_LEN)
        return ROOT_NOT_FOUND;
    w[0] = ROOT_FILE_MAP;
    w[1] = (uint64_t)va;
    enum root_error e = root_call(put_name(2, name));
    if (e == ROOT_OK)
        *size = w[1];
    return e;
}

enum root_error root_thread(uint64_t sel, bool background)
{
    uint64_t *w = utcb_self()->words;
    w[0] = ROOT_THREAD;
    w[1] = sel;
    w[2] = background;
    return root_call(3);
}

_Noreturn void root_exit(int code, const char *reason)
{
    for (;;) { // root stops this process before it goes on
        uint64_t *w = utcb_self()->words;
        w[0] = ROOT_EXIT;
        w[1] = (uint64_t)(int64_t)code;
        root_call(put_text(2, reason, 200));
    }
}

void root_log(const char *text)
{
    utcb_self()->words[0] = ROOT_LOG;
    root_call(put_text(1, text, 400));
}

void root_log_printf(const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args); // NOLINT(clang-analyzer-valist.Uninitialized): it is
    va_end(args);
    root_log(text);
}

enum root_error root_vm_state(enum vm_state state, const char *text)
{
    uint64_t *w = utcb_self()->words;
    w[0] = ROOT_VM_STATE;
    w[1] = state;
    return root_call(put_text(2, text, 200));
}

enum root_error root_channel_accept(struct channel *c, void *va, uint64_t sel_base, struct channel_peer *peer)
{
    uint64_t *w = utcb_self()->words;
    w[0] = ROOT_CHANNEL_ACCEPT;
    w[1] = (uint64_t)va;
    w[2] = sel_base;
    enum root_error e = root_call(3);
    if (e != ROOT_OK)
        return e;
    *peer = (struct channel_peer){.kind = w[1], .process = w[2], .vm_id = w[3]};
    get_text(peer->name, 4, NAME_MAX_LEN);
    channel_init(c, va, sel_base, false);
    return ROOT_OK;
}

enum root_error root_channel_connect(struct channel *c, enum channel_kind kind, void *va, uint64_t sel_base,
                                     uint32_t vm_id)
{
    uint64_t *w = utcb_self()->words;
    w[0] = ROOT_CHANNEL_CONNECT;
    w[1] = kind;
    w[2] = (uint64_t)va;
    w[3] = sel_base;
    w[4] = vm_id;
    enum root_error e = root_call(5);
    if (e == ROOT_OK)
        channel_init(c, va, sel_base, true);
    return e;
}

enum root_error root_channel_close(struct channel *c)
{
    return call1(ROOT_CHANNEL_CLOSE, (uint64_t)(c->in < c->out ? c->in : c->out));
}

enum root_error root_process_info(uint64_t index, struct process_info *info)
{
    const uint64_t *w = utcb_self()->words;
    enum root_error e = call1(ROOT_PROCESS_INFO, index);
    if (e != ROOT_OK)
        return e;
    *info = (struct process_info){.id = w[1],
                                  .vm_id = w[2],
                                  .cpu = w[3],
                                  .memory = w[4],
                                  .kernel_pages = w[5],
                                  .time = w[6],
                                  .state = w[7],
                                  .guest_memory = w[8],
                                  .exits = w[9]};
    get_text(info->name, 10, NAME_MAX_LEN);
    get_text(info->reason, 17, sizeof info->reason);
    return ROOT_OK;
}

enum root_error root_vm_start(bool config_file, uint64_t cpu, const char *args, uint32_t *vm_id)
{
    uint64_t *w = utcb_self()->words;
    w[0] = ROOT_VM_START;
    w[1] = config_file;
    w[2] = cpu;
    enum root_error e = root_call(put_text(3, args, 1900));
    if (e == ROOT_OK)
        *vm_id = w[1];
    return e;
}

enum root_error root_vm_kill(uint32_t vm_id)
{
    return call1(ROOT_VM_KILL, vm_id);
}

enum root_error root_run(bool vectors, const char *line, uint32_t *process)
{
    uint64_t *w = utcb_self()->words;
    w[0] = ROOT_RUN;
    w[1] = vectors;
    enum root_error e = root_call(put_text(2, line, 1900));
    if (e == ROOT_OK)
        *process = w[1];
    return e;
}

enum root_error root_kill(uint32_t process)
{
    uint64_t *w = utcb_self()->words;
    w[0] = ROOT_VM_KILL;
    w[1] = 0;
    w[2] = process;
    return root_call(3);
}

enum root_error root_machine_info(struct machine_info *info)
{
    const uint64_t *w = utcb_self()->words;
    enum root_error e = call1(ROOT_MACHINE_INFO, 0);
    *info = (struct machine_info){w[1], w[2], w[3], w[4], w[5], w[6]};
    return e;
}

enum root_error root_cpu_info(uint64_t cpu, struct cpu_info *info)
{
    const uint64_t *w = utcb_self()->words;
    enum root_error e = call1(ROOT_CPU_INFO, cpu);
    *info = (struct cpu_info){w[1], w[2], w[3]};
    return e;
}

enum root_error root_power(bool reboot)
{
    return call1(ROOT_POWER, reboot);
}

uint32_t root_log_read(uint64_t *position, char *bytes)
{
    const uint64_t *w = utcb_self()->words;
    if (call1(ROOT_LOG_READ, *position) != ROOT_OK || w[2] > ROOT_LOG_CHUNK)
        return 0;
    *position = w[1];
    uint32_t n = w[2];
    memcpy(bytes, &w[3], n);
    return n;
}
