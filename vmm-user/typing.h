// SPDX-License-Identifier: GPL-2.0-only
// Types text on the guest's keyboard, as a person would: a key at a time, US layout. `<enter>`, `<f1>`, `<up>`, `<c-x>`
// (Ctrl),
// `<a-x>` (Alt) and `<lt>` are keys without a character of their own.
#pragma once
#include "vmm-user/devices/i8042.h"

#define TYPING_ROOM 1024

struct typing {
    struct device dev; // not on the bus: its timer wants one
    struct dev_timer next;
    struct i8042 *keyboard;
    char text[TYPING_ROOM];
    uint32_t in, out; // counts of characters; `in` belongs to who types, `out` to the vCPU's handler
};

void typing_init(struct typing *t, struct clock *clock, struct i8042 *keyboard);

// From any one thread: false if there is no room for all of it. The handler is to call typing_begin then.
bool typing_put(struct typing *t, const char *text);
void typing_begin(struct typing *t);
