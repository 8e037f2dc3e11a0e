// SPDX-License-Identifier: MIT
// The PS/2 keyboard and mouse at the ends of the 8042's two wires: what they answer to commands, what they send by
// themselves. IBM PS/2 Hardware Interface Technical Reference, "Keyboard" and "Mouse".
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "vmm-user/state.h"

#define PS2_QUEUE 32

struct ps2_queue {
    uint8_t bytes[PS2_QUEUE];
    uint8_t head, count;
};

static inline unsigned ps2_queue_room(const struct ps2_queue *q)
{
    return PS2_QUEUE - q->count;
}

static inline void ps2_queue_put(struct ps2_queue *q, uint8_t byte)
{
    if (q->count < PS2_QUEUE)
        q->bytes[(q->head + q->count++) % PS2_QUEUE] = byte;
}

static inline uint8_t ps2_queue_get(struct ps2_queue *q)
{
    uint8_t byte = q->bytes[q->head];
    if (q->count) {
        q->head = (q->head + 1) % PS2_QUEUE;
        q->count--;
    }
    return byte;
}

struct ps2_keyboard {
    struct ps2_queue out;
    uint8_t command; // whose argument is awaited, 0: none
    uint8_t leds, rate, scan_set;
    bool scanning;
    bool breaking; // scan set 1: F0 came, the next code is a release
};

void ps2_keyboard_reset(struct ps2_keyboard *k);
void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t byte);

// The bytes of one key event in scan code set 2. False: no room now, try later.
bool ps2_keyboard_key(struct ps2_keyboard *k, const uint8_t *codes, unsigned n);

// Set 2 to set 1, as keyboards in set 1 and the 8042's translation do.
uint8_t ps2_set1(uint8_t set2);

struct ps2_mouse {
    struct ps2_queue out;
    uint8_t command;
    uint8_t rate, resolution, buttons, sent_buttons;
    uint8_t rates[3]; // the last three set, newest last: the knock of wheel mice
    uint8_t id;       // 0: three buttons, 3: and a wheel, 4: five buttons
    bool reporting, remote, wrap, scale2;
    int32_t dx, dy, dz; // not yet sent; dy grows upwards, dz towards the user
};

void ps2_mouse_reset(struct ps2_mouse *m);
void ps2_mouse_write(struct ps2_mouse *m, uint8_t byte);

// Relative movement and the buttons as they are now: bit 0 left, 1 right, 2 middle, 3 and 4 side.
void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, unsigned buttons);

// Sends movement that waits for room in the queue.
void ps2_mouse_flush(struct ps2_mouse *m);

void ps2_keyboard_state(struct ps2_keyboard *k, struct state *s);
void ps2_mouse_state(struct ps2_mouse *m, struct state *s);
