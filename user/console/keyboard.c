// SPDX-License-Identifier: MIT
#include "user/console/keyboard.h"
#include "lib/c/string.h"

#define RELEASED 0x80
#define EXTENDED 0xe0
#define PAUSE    0xe1 // two more bytes follow, pressed and released alike

static const char plain[] = "\0\033"
                            "1234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033"
                              "!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

enum { CTRL = 0x1d, SHIFT_LEFT = 0x2a, SHIFT_RIGHT = 0x36, ALT = 0x38, CAPS = 0x3a, F1 = 0x3b, F11 = 0x57 };

// Keys that send an escape sequence: alone on the number pad or, with the prefix, as keys of their own.
static const struct {
    uint8_t code;
    const char *sequence;
} sequences[] = {
    {0x3b, "\033OP"},   {0x3c, "\033OQ"},   {0x3d, "\033OR"},   {0x3e, "\033OS"},   {0x3f, "\033[15~"},
    {0x40, "\033[17~"}, {0x41, "\033[18~"}, {0x42, "\033[19~"}, {0x43, "\033[20~"}, {0x44, "\033[21~"},
    {0x47, "\033[H"},   {0x48, "\033[A"},   {0x49, "\033[5~"},  {0x4b, "\033[D"},   {0x4d, "\033[C"},
    {0x4f, "\033[F"},   {0x50, "\033[B"},   {0x51, "\033[6~"},  {0x52, "\033[2~"},  {0x53, "\033[3~"},
    {0x57, "\033[23~"}, {0x58, "\033[24~"},
};

static bool modifier(struct keyboard *k, uint8_t key, bool pressed)
{
    switch (key) {
    case CTRL:
        k->ctrl = pressed;
        return true;
    case SHIFT_LEFT:
    case SHIFT_RIGHT:
        if (!k->extended) // with the prefix it is part of other keys
            k->shift = pressed;
        return true;
    case ALT:
        k->alt = pressed;
        return true;
    case CAPS:
        k->caps ^= pressed;
        return true;
    }
    return false;
}

static char character(const struct keyboard *k, uint8_t key)
{
    if (key >= sizeof plain - 1)
        return (char)(key == 0x4a ? '-' : key == 0x4e ? '+' : 0);
    bool letter = plain[key] >= 'a' && plain[key] <= 'z';
    bool upper = k->caps && letter ? !k->shift : k->shift;
    const char *keys = upper ? shifted : plain;
    char c = keys[key];
    if (!k->ctrl)
        return c;
    if (c == ' ' || c == '@' || c == '2')
        return 0; // NUL is not sent: nobody here wants it
    if ((c >= 'a' && c <= 'z') || (c >= '@' && c <= '_'))
        return (char)(c & 0x1f);
    return c;
}

// 1 to 12, 0: not one of F1 to F12.
static uint8_t function_key(uint8_t key)
{
    return key >= F1 && key <= F1 + 9 ? key - F1 + 1 : key == F11 || key == F11 + 1 ? key - F11 + 11 : 0;
}

static unsigned key_press(struct keyboard *k, uint8_t key, char *out)
{
    if (k->alt && function_key(key)) {
        k->chosen = function_key(key);
        return 0;
    }
    if (k->extended && (key == 0x1c || key == 0x35)) { // Enter and slash of the number pad
        out[0] = (char)(key == 0x1c ? '\r' : '/');
        return 1;
    }
    for (unsigned i = 0; i < sizeof sequences / sizeof *sequences; i++)
        if (sequences[i].code == key) {
            unsigned n = strlen(sequences[i].sequence);
            memcpy(out, sequences[i].sequence, n);
            return n;
        }
    if (k->extended)
        return 0;
    char c = character(k, key);
    if (!c)
        return 0;
    unsigned n = 0;
    if (k->alt)
        out[n++] = '\033';
    out[n++] = c;
    return n;
}

unsigned keyboard_scan(struct keyboard *k, uint8_t code, char out[KEYBOARD_BYTES])
{
    if (k->skip) {
        k->skip--;
        return 0;
    }
    if (code == EXTENDED) {
        k->extended = true;
        return 0;
    }
    if (code == PAUSE) {
        k->skip = 2;
        return 0;
    }
    uint8_t key = code & ~RELEASED;
    bool pressed = !(code & RELEASED);
    unsigned n = !modifier(k, key, pressed) && pressed ? key_press(k, key, out) : 0;
    k->extended = false;
    return n;
}
