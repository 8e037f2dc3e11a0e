// SPDX-License-Identifier: MIT
// Talks to VMMs: a request is a line, its answer lines up to one that is a single dot. A channel per VM is kept for the
// next time.
#include "lib/c/string.h"
#include "lib/sys/channel.h"
#include "user/shell/shell.h"

#define MONITORS  16
#define ANSWER_US 10000000
#define LINE_MAX  512

static struct monitor {
    uint32_t vm_id; // 0 = free
    struct channel channel;
    uint64_t used_us;
} monitors[MONITORS];

static void monitor_close(struct monitor *m)
{
    root_channel_close(&m->channel);
    m->vm_id = 0;
}

// Those of VMs that have ended go; when all are in use, that of the VM that was asked longest ago.
static struct monitor *monitor_free(void)
{
    struct monitor *oldest = monitors;
    for (struct monitor *m = monitors; m < monitors + MONITORS; m++) {
        if (m->vm_id && channel_closed(&m->channel))
            monitor_close(m);
        if (!m->vm_id)
            return m;
        if (m->used_us < oldest->used_us)
            oldest = m;
    }
    monitor_close(oldest);
    return oldest;
}

static struct monitor *monitor_open(uint32_t vm_id, enum root_error *e)
{
    *e = ROOT_OK;
    for (struct monitor *m = monitors; m < monitors + MONITORS; m++)
        if (m->vm_id == vm_id && !channel_closed(&m->channel))
            return m;
    struct monitor *m = monitor_free();
    unsigned i = m - monitors;
    *e = root_channel_connect(&m->channel, CHANNEL_MONITOR, (void *)(MONITORS_VA + i * 0x2000ul), SEL_MONITORS + 2 * i,
                              vm_id);
    if (*e != ROOT_OK)
        return NULL;
    m->vm_id = vm_id;
    return m;
}

struct answer {
    void (*take)(const char *line);
    unsigned length;
    char line[LINE_MAX];
};

// One byte of the answer; true when it is complete.
static bool answer_byte(struct answer *a, char c)
{
    if (c != '\n') {
        if (a->length < LINE_MAX - 1)
            a->line[a->length++] = (char)((c >= ' ' && c <= '~') || c & 0x80 ? c : '?'); // UTF-8 passes
        return false;
    }
    a->line[a->length] = 0;
    a->length = 0;
    if (!strcmp(a->line, "."))
        return true;
    a->take(a->line);
    return false;
}

static void line_print(const char *line)
{
    print("%s\n", line);
}

// Takes what has come of the answer; true when it is complete.
static bool answer_take(struct monitor *m, struct answer *a)
{
    uint8_t bytes[512];
    uint32_t n;
    while ((n = channel_read(&m->channel, bytes, sizeof bytes))) {
        m->used_us = shell_now_us();
        for (uint32_t i = 0; i < n; i++)
            if (answer_byte(a, (char)bytes[i]))
                return true;
    }
    return false;
}

bool monitor_ask_lines(uint32_t vm_id, const char *request, void (*take)(const char *line))
{
    static struct answer a;
    unsigned n = strlen(request);
    enum root_error e;
    struct monitor *m = monitor_open(vm_id, &e);
    if (!m) {
        print("vm %u: its VMM has ended\n", vm_id);
        return false;
    }
    a = (struct answer){.take = take};
    m->used_us = shell_now_us();
    bool sent = channel_write(&m->channel, request, n) == n && channel_write(&m->channel, "\n", 1) == 1;
    while (sent && shell_now_us() < m->used_us + ANSWER_US) {
        if (answer_take(m, &a))
            return true;
        if (channel_closed(&m->channel)) { // it crashed: the log tells
            monitor_close(m);
            return false;
        }
        if (!shell_sleep(ANSWER_US))
            break;
    }
    print("vm %u: no answer from its VMM\n", vm_id);
    monitor_close(m); // an answer that comes late is not for the next question
    return false;
}

void monitor_ask(uint32_t vm_id, const char *request)
{
    monitor_ask_lines(vm_id, request, line_print);
}
