// SPDX-License-Identifier: MIT
#include "vmm-user/typing.h"

#define HALF_MS  15 // a key of a text is down, and then up, for so long
#define HELD_MS  60 // down with Ctrl or Alt: software that is idle now and then looks at them when it takes the key
#define EVENT_MS 1  // between two events of a real keyboard

static unsigned until_next(const struct typing *t, const struct key *key, bool stroke)
{
    if (!stroke)
        return EVENT_MS;
    return t->down && key->modifiers & (KEY_CTRL | KEY_ALT) ? HELD_MS : HALF_MS;
}

static void typing_fire(struct device *dev, uint64_t now)
{
    struct typing *t = (struct typing *)dev;
    uint8_t bytes[KEY_BYTES];
    if (t->out == __atomic_load_n(&t->in, __ATOMIC_ACQUIRE))
        return;
    struct key key = t->keys[t->out % TYPING_ROOM];
    bool stroke = key.action == KEY_STROKE;
    if (stroke)
        key.action = t->down ? KEY_UP : KEY_DOWN;
    if (i8042_key(t->keyboard, bytes, key_bytes(&key, bytes))) {
        t->down = stroke && !t->down;
        __atomic_store_n(&t->out, t->out + !t->down, __ATOMIC_RELEASE);
    }
    timer_set(dev->clock, &t->next, now + mul_div(until_next(t, &key, stroke), dev->clock->tsc_hz, 1000));
}

void typing_init(struct typing *t, struct clock *clock, struct i8042 *keyboard)
{
    static const struct device_ops ops = {.name = "typing"};
    *t = (struct typing){.keyboard = keyboard};
    device_init(&t->dev, &ops, clock);
    timer_register(clock, &t->next, &t->dev, typing_fire);
}

static unsigned room(const struct typing *t)
{
    return TYPING_ROOM - (t->in - __atomic_load_n(&t->out, __ATOMIC_ACQUIRE));
}

static void put(struct typing *t, struct key key)
{
    t->keys[t->in % TYPING_ROOM] = key;
    __atomic_store_n(&t->in, t->in + 1, __ATOMIC_RELEASE);
}

bool typing_put(struct typing *t, const char *text)
{
    unsigned length, count = 0;
    for (const char *at = text; *at; at += length)
        count += key_of_text(at, &length).code != 0;
    if (count > room(t))
        return false;
    for (const char *at = text; *at; at += length) {
        struct key key = key_of_text(at, &length);
        if (key.code)
            put(t, key);
    }
    return true;
}

bool typing_key(struct typing *t, struct key key)
{
    uint8_t *held = &t->held[key.extended][key.code / 8], bit = (uint8_t)(1 << key.code % 8);
    if (!key.code || (key.action == KEY_UP && !(*held & bit)))
        return true;
    if (!room(t))
        return false;
    if (key.action == KEY_DOWN)
        *held |= bit;
    else if (key.action == KEY_UP)
        *held &= ~bit;
    put(t, key);
    return true;
}

void typing_release(struct typing *t)
{
    for (unsigned code = 1; code < 256; code++)
        for (unsigned extended = 0; extended < 2; extended++)
            typing_key(t, (struct key){(uint8_t)code, extended, 0, KEY_UP});
}

void typing_begin(struct typing *t)
{
    if (t->next.deadline == TIMER_NEVER && t->out != __atomic_load_n(&t->in, __ATOMIC_ACQUIRE))
        timer_set(t->dev.clock, &t->next, t->dev.clock->now(t->dev.clock));
}
