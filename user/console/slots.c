// SPDX-License-Identifier: MIT
// Who is connected, and what root has for us: channels, the log.
#include "abi/layout.h"
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/root.h"
#include "user/console/console.h"

#define TERMINALS    0x30000000ul // addresses of what a slot has
#define TERMINAL_GAP 0x20000ul
#define CHANNELS     0x31000000ul
#define CHANNEL_GAP  0x2000ul
#define PLACES       (4 * SLOTS) // of channels

// What a VM's slot has in memory.
struct vm_memory {
    struct terminal terminal;
    struct view view;
};

void slot_remove(unsigned i)
{
    struct slot *s = &console.slots[i];
    if (s->connected)
        root_channel_close(&s->channel);
    s->connected = false;
    if (i == SYSTEM) {
        s->terminal->keys_tail = s->terminal->keys_head;
        return;
    }
    if (console.focus == i)
        focus_system();
    if (s->view)
        view_close(s->view);
    root_mem_free(s->terminal);
    *s = (struct slot){0};
}

static unsigned slot_free(const struct channel_peer *peer)
{
    if (!peer->vm_id)
        return strcmp(peer->name, "shell") ? SLOTS : SYSTEM;
    unsigned i = slot_of(peer->vm_id);
    for (unsigned free = SYSTEM + 1; i == SLOTS && free < SLOTS; free++)
        if (!console.slots[free].terminal)
            i = free;
    return i;
}

// Its serial port or its screen comes first.
static bool slot_prepare(unsigned i, uint32_t vm_id)
{
    struct slot *s = &console.slots[i];
    struct vm_memory *memory = (void *)(TERMINALS + i * TERMINAL_GAP);
    if (s->terminal)
        return true;
    if (root_mem_alloc(memory, (sizeof *memory + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1), 0, NULL) != ROOT_OK)
        return false;
    *s = (struct slot){.vm_id = vm_id, .terminal = &memory->terminal, .view = &memory->view};
    terminal_init(s->terminal);
    return true;
}

static bool slot_connect(unsigned i, const struct channel *channel, const struct channel_peer *peer)
{
    struct slot *s = &console.slots[i];
    bool screen = peer->kind == CHANNEL_SCREEN;
    if (i == SLOTS || !slot_prepare(i, peer->vm_id) || (screen ? !s->view || s->view->connected : s->connected))
        return false;
    if (screen) {
        view_connect(s->view, channel);
        return true;
    }
    s->connected = true;
    s->channel = *channel;
    s->quiet = 0;
    return true;
}

// A channel is accepted into a place of its own; whose it is shows only then.
static bool accept_one(void)
{
    static unsigned next; // places rotate: that of a channel may still be in use by the one before
    struct channel channel;
    struct channel_peer peer;
    enum root_error e = ROOT_BAD;
    for (unsigned tries = 0; tries < PLACES && e == ROOT_BAD; tries++, next = (next + 1) % PLACES)
        e = root_channel_accept(&channel, (void *)(CHANNELS + next * CHANNEL_GAP), SEL_CHANNELS + 2 * next, &peer);
    if (e != ROOT_OK)
        return false;
    if (!slot_connect(slot_free(&peer), &channel, &peer))
        root_channel_close(&channel);
    return true;
}

// Lines that concern the VM whose console is looked at are shown there too.
static void log_show(const char *text, uint32_t n)
{
    char mark[24];
    terminal_insert(console.slots[SYSTEM].terminal, text, n);
    if (console.focus == SYSTEM)
        return;
    unsigned length = snprintf(mark, sizeof mark, "] vm %u ", focused()->vm_id);
    for (const char *line = text, *end = text + n; line < end;) {
        const char *stop = memchr(line, '\n', end - line);
        stop = stop ? stop + 1 : end;
        const char *at = memchr(line, ']', stop - line);
        if (at && (unsigned)(stop - at) > length && !memcmp(at, mark, length)) {
            terminal_insert(focused()->terminal, line, stop - line);
            if (console.shown)
                notice_below(line, stop - line);
        }
        line = stop;
    }
}

void take_events(void)
{
    struct slot *system = &console.slots[SYSTEM];
    uint32_t events = __atomic_load_n(&start_info()->events, __ATOMIC_ACQUIRE);
    char log[ROOT_LOG_CHUNK];
    uint32_t n;
    if (events == console.events_seen && console.log_position != ROOT_LOG_UNSEEN)
        return;
    while (accept_one())
        ;
    if (system->connected && channel_readable(&system->channel))
        return;
    console.events_seen = events;
    while ((n = root_log_read(&console.log_position, log)))
        log_show(log, n);
    console.log_mark = system->terminal->head;
}
