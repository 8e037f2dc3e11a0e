// SPDX-License-Identifier: MIT
// One terminal: the bytes that its process printed last, how far each display has shown them, and its line in progress.
// Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "user/console/screen.h"

#define SCROLLBACK    65536u // a power of two
#define REPLAY        4096u  // bytes of it that are shown again when a VM's terminal gets the focus
#define TERMINAL_LINE 256
#define TERMINAL_KEYS 4096 // typed but not taken yet

struct terminal {
    uint64_t head;        // bytes ever printed
    uint64_t sent, drawn; // how many of them the serial line and the screen have shown
    struct screen screen;
    uint32_t line_length;
    uint32_t keys_head, keys_tail;
    char line[TERMINAL_LINE]; // since the last CR or LF
    uint8_t keys[TERMINAL_KEYS];
    uint8_t bytes[SCROLLBACK];
};

void terminal_init(struct terminal *t);
void terminal_print(struct terminal *t, const void *bytes, uint32_t n);
// A message on lines of its own above the line in progress. \n ends a line.
void terminal_insert(struct terminal *t, const char *text, uint32_t n);
void terminal_draw(struct terminal *t);                                // bring the screen up to date
uint32_t terminal_send(struct terminal *t, uint8_t *to, uint32_t max); // the next bytes for the serial line
bool terminal_lagging(const struct terminal *t);                       // what is not sent yet is about to be lost
void terminal_skip(struct terminal *t, uint32_t keep); // go on sending with the last lines, `keep` bytes at most
bool terminal_type(struct terminal *t, uint8_t key);   // false: no room
