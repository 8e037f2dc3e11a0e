// SPDX-License-Identifier: MIT
#include "vmm-user/keys.h"
#include <stddef.h>
#include "lib/c/string.h"
#include "vmm-user/devices/ps2.h"

#define EXTENDED   0xe0
#define RELEASED   0xf0
#define SET1_UP    0x80
#define SET1_PAUSE 0xe1 // two more bytes follow, down and up alike
#define SET2_LAST  0x84
#define ESC        0x1b
#define DEL        0x7f

static const char unshifted[] = "abcdefghijklmnopqrstuvwxyz0123456789 \n\t\b\033`-=[]\\;',./";
static const char shifted[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ)!@#$%^&*(\0\0\0\0\0~_+{}|:\"<>?";
static const uint8_t codes[] = {
    0x1c, 0x32, 0x21, 0x23, 0x24, 0x2b, 0x34, 0x33, 0x43, 0x3b, 0x42, 0x4b, 0x3a, 0x31, 0x44, 0x4d, 0x15, 0x2d,
    0x1b, 0x2c, 0x3c, 0x2a, 0x1d, 0x22, 0x35, 0x1a, 0x45, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46,
    0x29, 0x5a, 0x0d, 0x66, 0x76, 0x0e, 0x4e, 0x55, 0x54, 0x5b, 0x5d, 0x4c, 0x52, 0x41, 0x49, 0x4a,
};
_Static_assert(sizeof(unshifted) == sizeof(codes) + 1 && sizeof(shifted) == sizeof(codes) + 1,
               "a code for each character");

static const struct named {
    char name[6];
    uint8_t code;
    bool extended;
    char final;     // of the sequence ESC [ ... or ESC O ... of a terminal, 0: none
    uint8_t tildes; // or its number in ESC [ number ~
} names[] = {
    {"enter", 0x5a, false, 0, 0}, {"esc", 0x76, false, 0, 0},    {"tab", 0x0d, false, 0, 0},
    {"bs", 0x66, false, 0, 0},    {"space", 0x29, false, 0, 0},  {"up", 0x75, true, 'A', 0},
    {"down", 0x72, true, 'B', 0}, {"right", 0x74, true, 'C', 0}, {"left", 0x6b, true, 'D', 0},
    {"home", 0x6c, true, 'H', 1}, {"end", 0x69, true, 'F', 4},   {"pgup", 0x7d, true, 0, 5},
    {"pgdn", 0x7a, true, 0, 6},   {"ins", 0x70, true, 0, 2},     {"del", 0x71, true, 0, 3},
    {"f1", 0x05, false, 'P', 11}, {"f2", 0x06, false, 'Q', 12},  {"f3", 0x04, false, 'R', 13},
    {"f4", 0x0c, false, 'S', 14}, {"f5", 0x03, false, 0, 15},    {"f6", 0x0b, false, 0, 17},
    {"f7", 0x83, false, 0, 18},   {"f8", 0x0a, false, 0, 19},    {"f9", 0x01, false, 0, 20},
    {"f10", 0x09, false, 0, 21},  {"f11", 0x78, false, 0, 23},   {"f12", 0x07, false, 0, 24},
    {"home", 0x6c, true, 0, 7},   {"end", 0x69, true, 0, 8},     {"caps", 0x58, false, 0, 0},
    {"num", 0x77, false, 0, 0},   {"scrl", 0x7e, false, 0, 0},   {"prtsc", 0x7c, true, 0, 0},
};

static const struct {
    char letter;
    uint8_t bit, code;
} modifiers[] = {{'s', KEY_SHIFT, 0x12}, {'c', KEY_CTRL, 0x14}, {'a', KEY_ALT, 0x11}};

static struct key key_of_char(char c)
{
    for (unsigned i = 0; i < sizeof(codes); i++) {
        if (unshifted[i] == c)
            return (struct key){codes[i], false, 0, KEY_STROKE};
        if (shifted[i] == c && c)
            return (struct key){codes[i], false, KEY_SHIFT, KEY_STROKE};
    }
    return (struct key){0};
}

static struct key key_of_entry(const struct named *n)
{
    return (struct key){n->code, n->extended, 0, KEY_STROKE};
}

static struct key key_of_name(const char *name)
{
    uint8_t held = 0;
    while (name[0] && name[1] == '-' && name[2]) {
        unsigned i = 0;
        while (i < 3 && modifiers[i].letter != name[0])
            i++;
        if (i == 3)
            return (struct key){0};
        held |= modifiers[i].bit;
        name += 2;
    }
    struct key key = {0};
    if (strcmp(name, "lt") == 0)
        key = key_of_char('<');
    else if (held && name[0] && !name[1])
        key = key_of_char(name[0]);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]) && !key.code; i++)
        if (strncmp(names[i].name, name, sizeof(names[i].name)) == 0)
            key = key_of_entry(&names[i]);
    key.modifiers |= held;
    return key;
}

struct key key_of_text(const char *text, unsigned *length)
{
    char name[KEY_NAME_MAX] = "";
    *length = 1;
    for (unsigned n = 0; text[0] == '<' && n < KEY_NAME_MAX - 1 && text[n + 1]; n++) {
        if (text[n + 1] == '>' && n) {
            struct key key = key_of_name(name);
            if (key.code)
                *length = n + 2;
            return key.code ? key : key_of_char('<');
        }
        name[n] = text[n + 1];
    }
    return key_of_char(text[0]);
}

unsigned key_bytes(const struct key *key, uint8_t out[KEY_BYTES])
{
    unsigned n = 0;
    for (unsigned i = 0; i < 3; i++)
        if (key->action & KEY_DOWN && key->modifiers & modifiers[i].bit)
            out[n++] = modifiers[i].code;
    for (unsigned action = KEY_DOWN; action <= KEY_UP; action++) {
        if (!(key->action & action))
            continue;
        if (key->extended)
            out[n++] = EXTENDED;
        if (action == KEY_UP)
            out[n++] = RELEASED;
        out[n++] = key->code;
    }
    for (unsigned i = 3; i-- > 0;)
        if (key->action & KEY_UP && key->modifiers & modifiers[i].bit) {
            out[n++] = RELEASED;
            out[n++] = modifiers[i].code;
        }
    return n;
}

// ---- a terminal

enum { GROUND, ESCAPE, SEQUENCE, LINUX_FUNCTION };

// Control characters are Ctrl and a key, but for those that have a key of their own.
static struct key key_of_byte(uint8_t byte)
{
    if (byte == '\r')
        return key_of_char('\n');
    if (byte == DEL)
        return key_of_char('\b');
    struct key key = key_of_char((char)byte);
    if (key.code || byte >= ' ')
        return key;
    static const char others[] = " \0\\]^_"; // 00h, 1Bh (a key of its own), 1Ch to 1Fh
    key = key_of_char((char)(byte == 0 ? ' ' : byte <= 26 ? 'a' + byte - 1 : others[byte - 26]));
    key.modifiers |= KEY_CTRL;
    return key;
}

// xterm: the second parameter less one is a mask of Shift, Alt, Ctrl.
static uint8_t modifiers_of_parameter(unsigned value)
{
    unsigned mask = value ? value - 1 : 0;
    return (uint8_t)((mask & 1 ? KEY_SHIFT : 0) | (mask & 2 ? KEY_ALT : 0) | (mask & 4 ? KEY_CTRL : 0));
}

static struct key key_of_sequence(const struct key_terminal *t, uint8_t final)
{
    struct key key = {0};
    if (final == 'Z')
        return (struct key){0x0d, false, KEY_SHIFT, KEY_STROKE};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]) && !key.code; i++)
        if (final == '~' ? names[i].tildes && names[i].tildes == t->parameters[0]
                         : names[i].final && names[i].final == (char) final)
            key = key_of_entry(&names[i]);
    if (key.code)
        key.modifiers = modifiers_of_parameter(t->parameters[1]);
    return key;
}

static struct key sequence_byte(struct key_terminal *t, uint8_t byte)
{
    uint16_t *value = &t->parameters[t->parameter];
    if (byte >= '0' && byte <= '9') {
        *value = (uint16_t)(*value < 100 ? *value * 10 + (byte - '0') : 999);
    } else if (byte == ';') {
        t->parameter = 1;
    } else if (byte == '[' && !t->parameter && !*value) {
        t->state = LINUX_FUNCTION;
    } else {
        t->state = GROUND;
        if (byte >= '@')
            return key_of_sequence(t, byte);
    }
    return (struct key){0};
}

static struct key escape_byte(struct key_terminal *t, uint8_t byte)
{
    if (byte == ESC) // the first one was the key
        return key_of_char(ESC);
    t->state = GROUND;
    if (byte == '[' || byte == 'O') {
        *t = (struct key_terminal){.state = SEQUENCE};
        return (struct key){0};
    }
    struct key key = key_of_byte(byte);
    key.modifiers |= key.code ? KEY_ALT : 0;
    return key;
}

struct key key_terminal_byte(struct key_terminal *t, uint8_t byte)
{
    switch (t->state) {
    case ESCAPE:
        return escape_byte(t, byte);
    case SEQUENCE:
        return sequence_byte(t, byte);
    case LINUX_FUNCTION: // A to E: F1 to F5
        t->state = GROUND;
        t->parameters[0] = byte >= 'A' && byte <= 'E' ? 11 + byte - 'A' : 0;
        return key_of_sequence(t, '~');
    }
    if (byte != ESC)
        return key_of_byte(byte);
    t->state = ESCAPE;
    return (struct key){0};
}

struct key key_terminal_end(struct key_terminal *t)
{
    bool alone = t->state == ESCAPE;
    t->state = GROUND;
    return alone ? key_of_char(ESC) : (struct key){0};
}

// ---- scan codes of set 1

static uint8_t set2_of(uint8_t set1)
{
    for (unsigned code = SET2_LAST; set1 && code; code--) // F7 is 83h; 02h translates to the same
        if (ps2_set1((uint8_t)code) == set1)
            return (uint8_t)code;
    return 0;
}

struct key key_scan_byte(struct key_scan *s, uint8_t byte)
{
    struct key key = {0};
    if (s->skip) {
        s->skip--;
    } else if (byte == EXTENDED) {
        s->extended = true;
    } else if (byte == SET1_PAUSE) {
        s->skip = 2;
    } else {
        key = (struct key){set2_of(byte & ~SET1_UP), s->extended, 0, byte & SET1_UP ? KEY_UP : KEY_DOWN};
        s->extended = false;
    }
    return key;
}
