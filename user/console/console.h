// SPDX-License-Identifier: MIT
// What the files of the console share: its slots, and who of them has the focus.
#pragma once
#include "lib/sys/channel.h"
#include "user/console/control.h"
#include "user/console/framebuffer.h"
#include "user/console/keyboard.h"
#include "user/console/pixels.h"
#include "user/console/terminal.h"
#include "user/console/view.h"

#define SLOTS        24
#define SYSTEM       0 // slot of the shell, and of the log
#define NOTICE_MAX   640
#define SEL_THREADS  SEL_USER_FREE // selectors: of threads, and of channels
#define SEL_CHANNELS (SEL_USER_FREE + 8)

struct slot {
    bool connected; // a process is at the other end
    bool printed;   // it has used its serial port
    uint32_t vm_id;
    enum control_view choice;
    unsigned quiet; // polls without output
    struct channel channel;
    struct terminal *terminal; // NULL = the slot is free
    struct view *view;         // a VM's screen
};

extern struct console {
    struct slot slots[SLOTS];
    unsigned focus;
    struct view *shown; // the screen that is looked at, NULL: a terminal is
    bool has_serial, has_vga, has_framebuffer, redraw, serial_held;
    struct framebuffer framebuffer;
    struct view_display display; // of that screen
    struct terminal system;
    struct control control;
    struct keyboard keyboard;
    uint32_t events_seen;
    uint64_t log_position, log_mark; // the log up to log_position is in the system's terminal up to log_mark
    uint32_t wanted_vm; // whose terminal gets the focus once the shell's output is shown up to wanted_at; 0 = no change
    uint64_t wanted_at;
    char notice[NOTICE_MAX]; // for the serial line, before the terminal's own bytes
    uint32_t notice_length;
} console;

static inline struct slot *focused(void)
{
    return &console.slots[console.focus];
}

// focus.c
void notice(const char *text, uint32_t n);       // for the serial line, before the terminal's own bytes
void notice_below(const char *text, uint32_t n); // below a screen that is looked at, where the terminal has such a line
bool on_screen(const struct slot *s);            // is it the screen that is looked at, not the serial port?
void settle_view(void); // screens are told whether they are looked at; the serial line's terminal shows them apart
void focus_system(void);
void focus_vm(uint32_t vm_id);
void focus_key(unsigned key); // Alt-F1 is the shell, Alt-F2 the first VM, ...
void focus_wanted(void);
unsigned slot_of(uint32_t vm_id); // SLOTS: it has none

// display.c
void display_init(void);
void display_draw(void); // what has the focus, but pixels: those are drawn as they come

// slots.c
void slot_remove(unsigned i);
void take_events(void); // channels that are to be accepted, and the log, behind what the shell had printed before it
