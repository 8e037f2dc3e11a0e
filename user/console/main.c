// SPDX-License-Identifier: MIT
// The console: one terminal for the system (shell and log) and two for each VM, its serial port and its screen, on the
// serial line and on the VGA at once. One of them has the focus: it is shown, and gets what is typed. Nobody waits for
// the displays: what they have not shown yet of a serial port is kept, the oldest is dropped.
#include "lib/c/string.h"
#include "lib/sys/clock.h"
#include "lib/sys/process.h"
#include "lib/sys/root.h"
#include "lib/sys/thread.h"
#include "user/console/console.h"
#include "user/console/i8042.h"
#include "user/console/serial.h"

#define KEY_LEAVE    0x1d // Ctrl-]
#define POLL_US      5000 // a terminal that prints is looked at this often, instead of being woken for every byte ...
#define POLLS_QUIET  4    // ... until it printed nothing so many times
#define CHUNK        1024
#define THREADS      0x32000000ul
#define THREAD_UTCBS 0x33000000ul
#define ENTER_SCREEN "\033[?1049h\033[2J\033[H" // a VM's screen is on xterm's alternate one

struct console console;

// --- output
// ----------------------------------------------------------------------------------------------------------------

// The shell's output may ask for the focus.
static void print_system(const uint8_t *bytes, uint32_t n)
{
    struct terminal *t = console.slots[SYSTEM].terminal;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t vm_id;
        enum control_view view;
        switch (control_put(&console.control, bytes[i], &vm_id, &view)) {
        case CONTROL_PLAIN:
            terminal_print(t, &bytes[i], 1);
            break;
        case CONTROL_GIVE_UP:
            terminal_print(t, console.control.bytes, console.control.length);
            console.control.length = 0;
            break;
        case CONTROL_FOCUS:
            if (vm_id && slot_of(vm_id) < SLOTS)
                console.slots[slot_of(vm_id)].choice = view;
            if (!vm_id)
                focus_system();
            else if (console.focus != SYSTEM)
                focus_vm(vm_id);
            console.wanted_vm = console.focus == SYSTEM ? vm_id : 0;
            console.wanted_at = t->head;
            break;
        case CONTROL_TAKEN:
            break;
        }
    }
}

// The shell is held back rather than cut; a guest never is.
static bool may_read(unsigned i)
{
    return i != SYSTEM || console.focus != SYSTEM || !console.has_serial ||
           !terminal_lagging(console.slots[i].terminal);
}

// Takes what a process printed. True if it should be looked at again soon.
static bool slot_read(unsigned i)
{
    struct slot *s = &console.slots[i];
    uint8_t bytes[CHUNK];
    uint32_t n, total = 0;
    while (total < CHANNEL_RING && may_read(i) && (n = channel_poll(&s->channel, bytes, sizeof bytes))) {
        total += n;
        s->printed = true;
        if (i == SYSTEM)
            print_system(bytes, n);
        else
            terminal_print(s->terminal, bytes, n);
    }
    if (channel_closed(&s->channel) && !total && may_read(i)) {
        slot_remove(i);
        return false;
    }
    s->quiet = total ? 0 : s->quiet + 1;
    if (s->quiet < POLLS_QUIET)
        return true;
    return channel_readable(&s->channel);
}

static unsigned send_terminal(struct terminal *t, uint8_t *bytes, unsigned room)
{
    if (console.focus != SYSTEM && terminal_lagging(t)) {
        terminal_skip(t, REPLAY);
        notice("\r\n[output skipped]\r\n", 20);
    }
    if (console.wanted_vm && console.wanted_at - t->sent < room) // what comes behind waits until the focus is back
        room = console.wanted_at > t->sent ? console.wanted_at - t->sent : 0;
    return terminal_send(t, bytes, room);
}

// The first bytes of a screen are on their way.
static void begin_view(struct view *v)
{
    if (v->begun || !view_pending(v))
        return;
    v->begun = true;
    notice(ENTER_SCREEN, sizeof ENTER_SCREEN - 1);
}

// A screen goes only as fast as the serial line, if there is one: its VMM sends what is to be seen when there is room.
static void send(void)
{
    struct terminal *t = focused()->terminal;
    struct view *v = console.shown;
    uint8_t bytes[16];
    if (v)
        begin_view(v);
    if (!console.has_serial) {
        t->sent = t->head;
        console.notice_length = 0;
        while (v && view_read(v, bytes, sizeof bytes))
            ;
        return;
    }
    unsigned room = serial_room(), n = console.notice_length < room ? console.notice_length : room;
    memcpy(bytes, console.notice, n);
    console.notice_length -= n;
    memmove(console.notice, console.notice + n, console.notice_length);
    room -= n;
    if (v)
        n += room ? view_read(v, bytes + n, room) : 0;
    else
        n += send_terminal(t, bytes + n, room);
    serial_send(bytes, n);
}

static bool send_pending(void)
{
    const struct terminal *t = focused()->terminal;
    bool more = console.shown ? view_pending(console.shown) : t->sent < t->head;
    return console.has_serial && (console.notice_length || more);
}

// --- input
// -----------------------------------------------------------------------------------------------------------------

// Who gets what is typed: already the one that is about to be shown.
static struct slot *typed(void)
{
    unsigned i = console.wanted_vm ? slot_of(console.wanted_vm) : SLOTS;
    return i < SLOTS ? &console.slots[i] : focused();
}

// A guest that does not read loses what is typed, and the typist hears it: the key that leaves must get through.
static void type(uint8_t key)
{
    if (key == KEY_LEAVE && (console.focus != SYSTEM || console.wanted_vm)) {
        console.wanted_vm = 0;
        focus_system();
    } else if (on_screen(typed()) ? !view_key(typed()->view, key) : !terminal_type(typed()->terminal, key)) {
        notice("\a", 1);
    }
}

// The machine's keyboard: a VM whose screen is looked at gets its keys as they are.
static void scan(uint8_t code)
{
    char keys[KEYBOARD_BYTES];
    unsigned n = keyboard_scan(&console.keyboard, code, keys);
    if (console.keyboard.chosen) {
        focus_key(console.keyboard.chosen);
        console.keyboard.chosen = 0;
    } else if (on_screen(typed()) && !(n == 1 && keys[0] == KEY_LEAVE)) {
        view_scan(typed()->view, code);
    } else {
        for (unsigned i = 0; i < n; i++)
            type(keys[i]);
    }
}

static bool room_to_type(void)
{
    const struct terminal *t = focused()->terminal;
    return console.focus != SYSTEM || t->keys_head - t->keys_tail < TERMINAL_KEYS;
}

static void receive(void)
{
    uint8_t byte;
    while (console.has_serial && room_to_type() && serial_receive(&byte))
        type(byte);
    console.serial_held = !room_to_type();
    while (i8042_receive(&byte))
        scan(byte);
}

static void deliver(struct slot *s)
{
    struct terminal *t = s->terminal;
    while (t->keys_tail != t->keys_head) {
        uint32_t at = t->keys_tail % TERMINAL_KEYS, n = t->keys_head - t->keys_tail;
        if (n > TERMINAL_KEYS - at)
            n = TERMINAL_KEYS - at;
        uint32_t done = channel_write(&s->channel, t->keys + at, n);
        t->keys_tail += done;
        if (done < n)
            return;
    }
}

// How much of the log has left on the serial line, for root: the machine may go off then. False: it is still on its
// way.
static bool tell_progress(void)
{
    struct console_public *public = (struct console_public *)START_PUBLIC;
    if (public->shown == console.log_position)
        return true;
    if (console.slots[SYSTEM].terminal->sent < console.log_mark || console.notice_length)
        return true; // it is told after what is still to be sent
    if (console.has_serial && !serial_room())
        return false;
    __atomic_store_n(&public->shown, console.log_position, __ATOMIC_RELEASE);
    return true;
}

// --- the loop
// ----------------------------------------------------------------------------------------------------------------

// The first down opens the line. What came before it is lost: have the main thread look at the devices.
static void interrupt_main(void *arg)
{
    sm_down((uint64_t)arg, 1);
    sm_up(SEL_MAIN_SM);
    for (;;) {
        if (sm_down((uint64_t)arg, 0) == ST_OK)
            sm_up(SEL_MAIN_SM);
    }
}

static void interrupt_thread(unsigned n, uint64_t sm)
{
    void *stack = (void *)(THREADS + (n + 1) * STACK_WINDOW - PAGE_SIZE);
    if (root_mem_alloc(stack, PAGE_SIZE, 0, NULL) != ROOT_OK)
        root_exit(1, "no memory for a thread");
    struct thread *t =
        thread_prepare((char *)stack + PAGE_SIZE, (void *)(THREAD_UTCBS + n * PAGE_SIZE), start_info()->cpu);
    if (thread_create(SEL_THREADS + n, SEL_SELF_PD, t, SEL_EXCEPTIONS, interrupt_main, (void *)sm) != ST_OK ||
        root_thread(SEL_THREADS + n, false) != ROOT_OK)
        root_exit(1, "a thread cannot be started");
}

// One round. True if there will be more to do soon without anybody telling.
static bool round(void)
{
    bool soon = false;
    receive();
    for (unsigned i = 0; i < SLOTS; i++)
        if (console.slots[i].connected) {
            deliver(&console.slots[i]);
            soon |= slot_read(i);
        } else if (console.slots[i].view && !view_open(console.slots[i].view)) {
            slot_remove(i); // its VMM ended between the two
        }
    take_events();
    settle_view();
    send();
    focus_wanted();
    display_draw();
    bool told = tell_progress();
    if (console.has_serial)
        serial_interrupts(!console.serial_held, send_pending() || !told);
    return soon;
}

int main(void)
{
    console.log_position = ROOT_LOG_UNSEEN;
    console.has_serial = serial_init();
    display_init();
    console.slots[SYSTEM].terminal = &console.system;
    console.redraw = true;
    terminal_init(&console.system);
    i8042_init();
    interrupt_thread(0, SEL_CONSOLE_COM1);
    interrupt_thread(1, SEL_CONSOLE_KEYBOARD);
    for (;;) {
        bool soon = round();
        uint64_t poll = clock_tsc() + clock_ticks(POLL_US, start_info()->tsc_hz);
        sm_take_all(SEL_MAIN_SM, soon ? poll : 0);
    }
}
