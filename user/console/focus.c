// SPDX-License-Identifier: MIT
// Who has the focus: it is shown, and gets what is typed.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "user/console/console.h"

#define LEAVE_SCREEN "\033[0m\033[?25h\033[?1049l" // back from xterm's alternate screen, which main.c enters

void notice(const char *text, uint32_t n)
{
    if (n > NOTICE_MAX - console.notice_length)
        n = NOTICE_MAX - console.notice_length;
    memcpy(console.notice + console.notice_length, text, n);
    console.notice_length += n;
}

void notice_below(const char *text, uint32_t n)
{
    char line[200];
    notice(line, snprintf(line, sizeof line, "\0337\033[%u;1H\033[0m\033[K%.*s\0338", SCREEN_ROWS + 1,
                          (int)(n < SCREEN_COLUMNS ? n : SCREEN_COLUMNS), text));
}

bool on_screen(const struct slot *s)
{
    return s->view && (s->choice == VIEW_SCREEN || (s->choice == VIEW_AUTO && !s->printed));
}

void settle_view(void)
{
    struct view *now = on_screen(focused()) ? focused()->view : NULL;
    if (now == console.shown)
        return;
    if (console.shown) {
        if (console.shown->begun)
            notice(LEAVE_SCREEN, sizeof LEAVE_SCREEN - 1);
        view_show(console.shown, false, NULL);
    }
    if (now)
        view_show(now, true, console.display.colors ? &console.display : NULL);
    console.shown = now;
    console.redraw = true;
}

static void focus(unsigned slot)
{
    console.focus = slot;
    console.redraw = true;
    settle_view();
}

void focus_system(void)
{
    struct terminal *t = console.slots[SYSTEM].terminal;
    if (console.focus == SYSTEM)
        return;
    focus(SYSTEM);
    notice("\033[0m\r\n", 6);
    if (t->sent == t->head)
        notice(t->line, t->line_length);
}

unsigned slot_of(uint32_t vm_id)
{
    unsigned i = SYSTEM + 1;
    while (i < SLOTS && (!console.slots[i].terminal || console.slots[i].vm_id != vm_id))
        i++;
    return i;
}

static void focus_slot(unsigned i)
{
    char text[80];
    console.focus = SYSTEM; // a screen that was looked at is left first
    settle_view();
    terminal_skip(console.slots[i].terminal, REPLAY);
    notice(text, snprintf(text, sizeof text, "[console of vm %u: Ctrl-] leaves]\r\n", console.slots[i].vm_id));
    focus(i);
}

void focus_vm(uint32_t vm_id)
{
    char text[80];
    unsigned i = slot_of(vm_id);
    if (i < SLOTS)
        focus_slot(i);
    else
        terminal_insert(console.slots[SYSTEM].terminal, text,
                        snprintf(text, sizeof text, "vm %u has no console\n", vm_id));
}

void focus_key(unsigned key)
{
    unsigned i = key - 1;
    console.wanted_vm = 0;
    if (i == SYSTEM)
        focus_system();
    else if (i != console.focus && i < SLOTS && console.slots[i].terminal)
        focus_slot(i);
}

void focus_wanted(void)
{
    uint32_t vm_id = console.wanted_vm;
    if (!vm_id || console.slots[SYSTEM].terminal->sent < console.wanted_at)
        return;
    console.wanted_vm = 0;
    focus_vm(vm_id);
}
