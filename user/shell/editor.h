// SPDX-License-Identifier: MIT
// A line editor for a VT100-like terminal: cursor keys, history, Emacs' control keys. Pure: bytes in, bytes out.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define EDITOR_LINE    1024
#define EDITOR_HISTORY 32
#define EDITOR_WIDTH   79 // columns that are used, the prompt's included

enum edit_event {
    EDIT_MORE,
    EDIT_DONE,     // the line is in editor.line, terminated
    EDIT_CANCEL,   // Ctrl-C
    EDIT_COMPLETE, // Tab: editor_insert what belongs there
};

struct editor {
    const char *prompt;
    void (*put)(const char *text, unsigned n);
    unsigned length, cursor;
    unsigned left;                                // first character that is shown
    unsigned history_next, history_count, browse; // browse: how far back, 0 = the line being typed
    uint8_t escape, parameter;                    // state of the escape-sequence parser
    bool after_cr;
    char line[EDITOR_LINE];
    char typed[EDITOR_LINE]; // the line being typed while the history is browsed
    char killed[EDITOR_LINE];
    char history[EDITOR_HISTORY][EDITOR_LINE];
};

void editor_init(struct editor *e, const char *prompt, void (*put)(const char *text, unsigned n));
void editor_start(struct editor *e); // print the prompt for a new line
enum edit_event editor_key(struct editor *e, uint8_t byte);
void editor_insert(struct editor *e, const char *text, unsigned n);
void editor_redraw(struct editor *e);
