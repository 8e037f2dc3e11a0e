// SPDX-License-Identifier: GPL-2.0-only
#include "vmm-user/typing.h"
#include "lib/c/string.h"

#define KEY_MS   30 // between two keys
#define NAME_MAX 12
#define EXTENDED 0xe0
#define RELEASED 0xf0

enum { SHIFT = 0x12, CTRL = 0x14, ALT = 0x11 }; // scan codes of set 2, as those below

static const char unshifted[] = "abcdefghijklmnopqrstuvwxyz0123456789 \n\t\b\033`-=[]\\;',./";
static const char shifted[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ)!@#$%^&*(\0\0\0\0\0~_+{}|:\"<>?";
static const uint8_t codes[] = {
    0x1c, 0x32, 0x21, 0x23, 0x24, 0x2b, 0x34, 0x33, 0x43, 0x3b, 0x42, 0x4b, 0x3a, 0x31, 0x44, 0x4d, 0x15, 0x2d,
    0x1b, 0x2c, 0x3c, 0x2a, 0x1d, 0x22, 0x35, 0x1a, 0x45, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46,
    0x29, 0x5a, 0x0d, 0x66, 0x76, 0x0e, 0x4e, 0x55, 0x54, 0x5b, 0x5d, 0x4c, 0x52, 0x41, 0x49, 0x4a,
};
_Static_assert(sizeof(unshifted) == sizeof(codes) + 1 && sizeof(shifted) == sizeof(codes) + 1,
               "a code for each character");

static const struct {
    char name[6];
    uint8_t code;
    bool extended;
} named[] = {
    {"enter", 0x5a, false}, {"esc", 0x76, false}, {"tab", 0x0d, false}, {"bs", 0x66, false},   {"space", 0x29, false},
    {"up", 0x75, true},     {"down", 0x72, true}, {"left", 0x6b, true}, {"right", 0x74, true}, {"home", 0x6c, true},
    {"end", 0x69, true},    {"pgup", 0x7d, true}, {"pgdn", 0x7a, true}, {"ins", 0x70, true},   {"del", 0x71, true},
    {"f1", 0x05, false},    {"f2", 0x06, false},  {"f3", 0x04, false},  {"f4", 0x0c, false},   {"f5", 0x03, false},
    {"f6", 0x0b, false},    {"f7", 0x83, false},  {"f8", 0x0a, false},  {"f9", 0x01, false},   {"f10", 0x09, false},
    {"f11", 0x78, false},   {"f12", 0x07, false}, {"lt", 0x41, false},
};

struct stroke {
    uint8_t modifier, code; // modifier 0: none; code 0: no such key
    bool extended;
};

static struct stroke stroke_of_char(char c)
{
    for (unsigned i = 0; i < sizeof(codes); i++) {
        if (unshifted[i] == c)
            return (struct stroke){0, codes[i], false};
        if (shifted[i] == c && c)
            return (struct stroke){SHIFT, codes[i], false};
    }
    return (struct stroke){0};
}

static struct stroke stroke_of_name(const char *name)
{
    struct stroke s = {0};
    uint8_t modifier = strncmp(name, "c-", 2) == 0 ? CTRL : strncmp(name, "a-", 2) == 0 ? ALT : 0;
    if (modifier) {
        s = name[2] && !name[3] ? stroke_of_char(name[2]) : stroke_of_name(name + 2);
        s.modifier = modifier;
        return s;
    }
    for (unsigned i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (strncmp(named[i].name, name, sizeof(named[i].name)) == 0)
            s = (struct stroke){strcmp(name, "lt") == 0 ? SHIFT : 0, named[i].code, named[i].extended};
    return s;
}

// The next key of the text; *length of it in characters.
static struct stroke stroke_next(const struct typing *t, uint32_t *length)
{
    uint32_t end = __atomic_load_n(&t->in, __ATOMIC_ACQUIRE);
    char c = t->text[t->out % TYPING_ROOM], name[NAME_MAX] = "";
    *length = 1;
    if (c != '<')
        return stroke_of_char(c);
    for (uint32_t n = 1; n < NAME_MAX && t->out + n < end; n++) {
        char next = t->text[(t->out + n) % TYPING_ROOM];
        if (next == '>') {
            struct stroke s = stroke_of_name(name);
            *length = s.code ? n + 1 : 1;
            return s.code ? s : stroke_of_char('<');
        }
        name[n - 1] = next;
    }
    return stroke_of_char('<');
}

// Down and up again; true if the keyboard had room for all of it.
static bool stroke_send(struct i8042 *keyboard, const struct stroke *s)
{
    uint8_t bytes[10];
    unsigned n = 0;
    if (s->modifier)
        bytes[n++] = s->modifier;
    for (unsigned up = 0; up < 2; up++) {
        if (s->extended)
            bytes[n++] = EXTENDED;
        if (up)
            bytes[n++] = RELEASED;
        bytes[n++] = s->code;
    }
    if (s->modifier) {
        bytes[n++] = RELEASED;
        bytes[n++] = s->modifier;
    }
    return i8042_key(keyboard, bytes, n);
}

static void typing_fire(struct device *dev, uint64_t now)
{
    struct typing *t = (struct typing *)dev;
    uint32_t length;
    if (t->out == __atomic_load_n(&t->in, __ATOMIC_ACQUIRE))
        return;
    struct stroke s = stroke_next(t, &length);
    if (!s.code || stroke_send(t->keyboard, &s))
        __atomic_store_n(&t->out, t->out + length, __ATOMIC_RELEASE);
    timer_set(dev->clock, &t->next, now + mul_div(KEY_MS, dev->clock->tsc_hz, 1000));
}

void typing_init(struct typing *t, struct clock *clock, struct i8042 *keyboard)
{
    static const struct device_ops ops = {.name = "typing"};
    *t = (struct typing){.keyboard = keyboard};
    device_init(&t->dev, &ops, clock);
    timer_register(clock, &t->next, &t->dev, typing_fire);
}

bool typing_put(struct typing *t, const char *text)
{
    size_t length = strlen(text);
    uint32_t in = t->in, used = in - __atomic_load_n(&t->out, __ATOMIC_ACQUIRE);
    if (length > TYPING_ROOM - used)
        return false;
    for (size_t i = 0; i < length; i++)
        t->text[(in + i) % TYPING_ROOM] = text[i];
    __atomic_store_n(&t->in, in + (uint32_t)length, __ATOMIC_RELEASE);
    return true;
}

void typing_begin(struct typing *t)
{
    if (t->next.deadline == TIMER_NEVER && t->out != __atomic_load_n(&t->in, __ATOMIC_ACQUIRE))
        timer_set(t->dev.clock, &t->next, t->dev.clock->now(t->dev.clock));
}
