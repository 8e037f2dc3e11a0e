// SPDX-License-Identifier: MIT
// Types on the guest's keyboard: what was put waits until the guest's keyboard takes it; a text's keys come one at a
// time, as a person's would.
#pragma once
#include "vmm-user/devices/i8042.h"
#include "vmm-user/keys.h"

#define TYPING_ROOM 1024

struct typing {
    struct device dev; // not on the bus: its timer wants one
    struct dev_timer next;
    struct i8042 *keyboard;
    struct key keys[TYPING_ROOM];
    uint32_t in, out;    // counts of keys; `in` belongs to who types, `out` to the vCPU's handler
    bool down;           // the next key to send is the rest of a stroke
    uint8_t held[2][32]; // bit per code, of plain and extended keys: down, and not up yet. Of who types
};

void typing_init(struct typing *t, struct clock *clock, struct i8042 *keyboard);

// From any one thread: false if there is no room for all of it. The handler is to call typing_begin then.
bool typing_put(struct typing *t, const char *text);
bool typing_key(struct typing *t, struct key key); // a key that goes up without having been down is dropped
void typing_release(struct typing *t);             // all that are down go up
void typing_begin(struct typing *t);
