// SPDX-License-Identifier: MIT
#include "vmm-user/devices/ps2.h"
#include "pc/i8042.h"

#define KEYBOARD_ID_1 0xab
#define KEYBOARD_ID_2 0x83
#define DEFAULT_RATE  0x2b // 10.9 characters/s after 500 ms

// Codes of set 2 below 80h; the others but 83h and 84h are the same in set 1.
static const uint8_t set1_codes[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, 0x65, 0x38, 0x2a,
    0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05,
    0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a,
    0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26,
    0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63,
    0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53,
    0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};

uint8_t ps2_set1(uint8_t set2)
{
    if (set2 < 128)
        return set1_codes[set2];
    return set2 == 0x83 ? 0x41 : set2 == 0x84 ? 0x54 : set2;
}

static void keyboard_defaults(struct ps2_keyboard *k)
{
    k->rate = DEFAULT_RATE;
    k->scan_set = 2;
    k->breaking = false;
    k->out.count = 0;
}

void ps2_keyboard_reset(struct ps2_keyboard *k)
{
    *k = (struct ps2_keyboard){.scanning = true};
    keyboard_defaults(k);
}

static void command_reset(struct ps2_keyboard *k)
{
    ps2_keyboard_reset(k);
    ps2_queue_put(&k->out, PS2_ACK);
    ps2_queue_put(&k->out, PS2_BAT_OK);
}

static void command_identify(struct ps2_keyboard *k)
{
    ps2_queue_put(&k->out, PS2_ACK);
    ps2_queue_put(&k->out, KEYBOARD_ID_1);
    ps2_queue_put(&k->out, KEYBOARD_ID_2);
}

static void command_echo(struct ps2_keyboard *k)
{
    ps2_queue_put(&k->out, PS2_ECHO);
}

static void command_enable(struct ps2_keyboard *k)
{
    k->out.count = 0;
    k->scanning = true;
    ps2_queue_put(&k->out, PS2_ACK);
}

static void command_disable(struct ps2_keyboard *k)
{
    keyboard_defaults(k);
    k->scanning = false;
    ps2_queue_put(&k->out, PS2_ACK);
}

static void command_defaults(struct ps2_keyboard *k)
{
    keyboard_defaults(k);
    ps2_queue_put(&k->out, PS2_ACK);
}

static void (*const commands[256])(struct ps2_keyboard *) = {
    [PS2_ECHO] = command_echo,       [PS2_IDENTIFY] = command_identify, [PS2_ENABLE] = command_enable,
    [PS2_DISABLE] = command_disable, [PS2_DEFAULTS] = command_defaults, [PS2_RESET] = command_reset,
};

static void set_scan_codes(struct ps2_keyboard *k, uint8_t set)
{
    if (set > 2) { // set 3 is not offered
        ps2_queue_put(&k->out, PS2_RESEND);
        return;
    }
    ps2_queue_put(&k->out, PS2_ACK);
    if (!set)
        ps2_queue_put(&k->out, k->scan_set);
    else
        k->scan_set = set;
}

static void keyboard_argument(struct ps2_keyboard *k, uint8_t byte)
{
    uint8_t command = k->command;
    k->command = 0;
    if (command == PS2_SET_SCAN_CODES) {
        set_scan_codes(k, byte);
        return;
    }
    if (command == PS2_SET_LEDS)
        k->leds = byte & 7;
    else
        k->rate = byte & 0x7f;
    ps2_queue_put(&k->out, PS2_ACK);
}

// A byte below EDh is an argument where one is awaited; a command cancels the wait.
void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t byte)
{
    if (k->command && byte < PS2_SET_LEDS) {
        keyboard_argument(k, byte);
        return;
    }
    k->command = 0;
    if (commands[byte]) {
        commands[byte](k);
    } else if (byte == PS2_SET_LEDS || byte == PS2_SET_RATE || byte == PS2_SET_SCAN_CODES) {
        k->command = byte;
        ps2_queue_put(&k->out, PS2_ACK);
    } else {
        ps2_queue_put(&k->out, PS2_RESEND);
    }
}

static void key_put(struct ps2_keyboard *k, uint8_t code)
{
    if (k->scan_set == 2) {
        ps2_queue_put(&k->out, code);
    } else if (code == PS2_BREAK) {
        k->breaking = true;
    } else {
        ps2_queue_put(&k->out, ps2_set1(code) | (k->breaking && code < 0xe0 ? 0x80 : 0));
        k->breaking = k->breaking && code >= 0xe0;
    }
}

bool ps2_keyboard_key(struct ps2_keyboard *k, const uint8_t *codes, unsigned n)
{
    if (!k->scanning)
        return true;                     // lost, as on a real one
    if (ps2_queue_room(&k->out) < n + 4) // answers to commands need some room too
        return false;
    for (unsigned i = 0; i < n; i++)
        key_put(k, codes[i]);
    return true;
}

static void queue_state(struct ps2_queue *q, struct state *s)
{
    STATE(s, q->bytes);
    STATE(s, q->head);
    STATE(s, q->count);
    if (q->head >= PS2_QUEUE || q->count > PS2_QUEUE) {
        s->error = true;
        q->head = q->count = 0;
    }
}

void ps2_keyboard_state(struct ps2_keyboard *k, struct state *s)
{
    queue_state(&k->out, s);
    STATE(s, k->command);
    STATE(s, k->leds);
    STATE(s, k->rate);
    STATE(s, k->scan_set);
    STATE(s, k->scanning);
    STATE(s, k->breaking);
}

void ps2_mouse_state(struct ps2_mouse *m, struct state *s)
{
    uint8_t *bytes[] = {&m->command, &m->rate, &m->resolution, &m->buttons, &m->sent_buttons, &m->id};
    bool *flags[] = {&m->reporting, &m->remote, &m->wrap, &m->scale2};
    queue_state(&m->out, s);
    STATE_EACH(s, bytes);
    STATE_EACH(s, flags);
    STATE(s, m->rates);
    STATE(s, m->dx);
    STATE(s, m->dy);
    STATE(s, m->dz);
    if (s->load)
        ps2_mouse_move(m, 0, 0, 0, m->buttons); // brings the sums into range
}
