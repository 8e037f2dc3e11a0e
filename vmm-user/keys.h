// SPDX-License-Identifier: MIT
// Keys of a PC's keyboard (US layout, scan code set 2): from characters, from the names that `vm keys` takes, from the
// bytes that a terminal's keys send, and from another keyboard's scan codes. Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define KEY_BYTES    16
#define KEY_NAME_MAX 16 // of a name with its brackets and modifiers

enum key_modifier { KEY_SHIFT = 1, KEY_CTRL = 2, KEY_ALT = 4 };
enum key_action { KEY_DOWN = 1, KEY_UP = 2, KEY_STROKE = KEY_DOWN | KEY_UP };

struct key {
    uint8_t code; // 0: no key
    bool extended;
    uint8_t modifiers; // go down before it and up after it
    uint8_t action;
};

// The first key of a text, and how many of its characters it is: a character, or `<enter>`, `<f1>`, `<up>`, `<c-x>`
// (Ctrl), `<a-x>` (Alt), `<s-tab>` (Shift), `<c-a-del>`, `<lt>`. A `<` that begins no name is itself.
struct key key_of_text(const char *text, unsigned *length);

// What the keyboard sends for it.
unsigned key_bytes(const struct key *key, uint8_t out[KEY_BYTES]);

// A terminal (xterm, Linux' console) byte by byte; .code 0 until a key is complete. Alone, ESC is a key only when
// nothing follows it: key_terminal_end() says so.
struct key_terminal {
    uint8_t state;
    uint16_t parameters[2];
    uint8_t parameter;
};
struct key key_terminal_byte(struct key_terminal *t, uint8_t byte);
struct key key_terminal_end(struct key_terminal *t);

// A keyboard in scan code set 1.
struct key_scan {
    bool extended;
    uint8_t skip; // bytes of the Pause key still to come
};
struct key key_scan_byte(struct key_scan *s, uint8_t byte);
