// SPDX-License-Identifier: MIT
// The VMM process: builds its VM, then serves the channels: its terminal at the console, monitors of the shell. The
// guest itself lives in the handler of its vCPU (exit.c).
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/process.h"
#include "lib/sys/root.h"
#include "lib/sys/thread.h"
#include "vmm-user/layout.h"
#include "vmm-user/screen.h"
#include "vmm-user/vm.h"

#define MONITORS      4
#define CHANNEL_STEP  0x10000ul
#define ANSWER_SIZE   8192
#define COMMAND_SIZE  128
#define CHANNEL_SLOTS (MONITORS + 3)

// Address space and selectors of one channel.
struct slot {
    struct channel channel;
    uint32_t in_seen; // input up to here was announced
    bool used;
};

struct monitor {
    struct slot *slot;
    char line[COMMAND_SIZE];
    unsigned length;
    char answer[ANSWER_SIZE];
    size_t answer_size, answer_sent;
};

static struct slot slots[CHANNEL_SLOTS];
static struct monitor monitors[MONITORS];
static struct slot *terminal, *terminal_old, *screen;

static struct slot *slot_take(void)
{
    for (unsigned i = 0; i < CHANNEL_SLOTS; i++)
        if (!slots[i].used)
            return &slots[i];
    return NULL;
}

static void *slot_va(const struct slot *s)
{
    return (void *)(VA_CHANNELS + (uint64_t)(s - slots) * CHANNEL_STEP);
}

static uint64_t slot_sel(const struct slot *s)
{
    return SEL_CHANNELS + 2 * (uint64_t)(s - slots);
}

static void slot_close(struct slot *s)
{
    root_channel_close(&s->channel);
    s->used = false;
}

// ---- terminal: read and written by the vCPU's handler; here only connected, and the handler is told of input

static void terminal_connect(void)
{
    struct slot *s = slot_take();
    if (!s ||
        root_channel_connect(&s->channel, CHANNEL_TERMINAL, slot_va(s), slot_sel(s), start_info()->vm_id) != ROOT_OK)
        return;
    s->used = true;
    s->in_seen = 0;
    terminal_old = terminal;
    terminal = s;
    __atomic_store_n(&vm.terminal_next, &s->channel, __ATOMIC_RELEASE);
    vcpu_kick(&vm.vcpus[0], ATTENTION_WORK);
}

static void terminal_serve(void)
{
    // The handler has left the old one when it has taken the new.
    if (terminal_old && __atomic_load_n(&vm.terminal, __ATOMIC_ACQUIRE) == &terminal->channel) {
        slot_close(terminal_old);
        terminal_old = NULL;
    }
    if (!terminal || (channel_closed(&terminal->channel) && !terminal_old))
        terminal_connect();
    else if (terminal->in_seen != __atomic_load_n(&terminal->channel.in->head, __ATOMIC_ACQUIRE)) {
        terminal->in_seen = __atomic_load_n(&terminal->channel.in->head, __ATOMIC_ACQUIRE);
        vcpu_kick(&vm.vcpus[0], ATTENTION_WORK);
    }
}

// ---- screen: all of it is the main thread's

static void screen_connect(void)
{
    if (screen && !channel_closed(&screen->channel))
        return;
    screen_attach(NULL);
    if (screen)
        slot_close(screen);
    screen = slot_take();
    if (!screen || root_channel_connect(&screen->channel, CHANNEL_SCREEN, slot_va(screen), slot_sel(screen),
                                        start_info()->vm_id) != ROOT_OK) {
        screen = NULL;
        return;
    }
    screen->used = true;
    screen_attach(&screen->channel);
}

// ---- monitors

static void monitor_accept(void)
{
    for (unsigned i = 0; i < MONITORS; i++) {
        struct monitor *m = &monitors[i];
        struct slot *s = slot_take();
        struct channel_peer peer;
        if (m->slot || !s)
            continue;
        if (root_channel_accept(&s->channel, slot_va(s), slot_sel(s), &peer) != ROOT_OK)
            return;
        s->used = true;
        *m = (struct monitor){.slot = s};
    }
}

static void monitor_answer(struct monitor *m)
{
    m->line[m->length] = 0;
    m->length = 0;
    m->answer_size = monitor_command(m->line, m->answer, sizeof(m->answer) - 3);
    memcpy(m->answer + m->answer_size, ".\n", 3); // the end of the answer
    m->answer_size += 2;
    m->answer_sent = 0;
}

static void monitor_serve(struct monitor *m)
{
    struct channel *c = &m->slot->channel;
    uint8_t byte;
    for (;;) {
        if (m->answer_sent < m->answer_size) {
            m->answer_sent += channel_write(c, m->answer + m->answer_sent, (uint32_t)(m->answer_size - m->answer_sent));
            if (m->answer_sent < m->answer_size)
                break;
        }
        if (!channel_read(c, &byte, 1))
            break;
        if (byte == '\n')
            monitor_answer(m);
        else if (m->length < COMMAND_SIZE - 1)
            m->line[m->length++] = (char)byte;
    }
    if (channel_closed(c)) {
        slot_close(m->slot);
        m->slot = NULL;
    }
}

int main(void)
{
    const char *error = NULL;
    if (!(start_info()->virt & (HIP_VIRT_VMX | HIP_VIRT_SVM)))
        root_exit(1, start_info()->virt_refusal[0] ? start_info()->virt_refusal : "no VMs on this machine");
    if ((error = vm_create(start_info()->args)))
        root_exit(1, error);
    terminal_serve();
    root_vm_state(VM_RUNNING, "");
    if ((error = vm_start()))
        root_exit(1, error);
    for (;;) {
        terminal_serve();
        monitor_accept();
        for (unsigned i = 0; i < MONITORS; i++)
            if (monitors[i].slot)
                monitor_serve(&monitors[i]);
        screen_connect();
        sm_take_all(SEL_MAIN_SM, screen_serve(&vm));
    }
}
