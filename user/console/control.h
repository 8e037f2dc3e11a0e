// SPDX-License-Identifier: MIT
// What the shell asks of the console, inside its output: ESC ] mica ; focus ; <vm id> [; serial | ; screen] BEL. Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define CONTROL_MAX 64

struct control {
    uint8_t length; // of the sequence collected so far, 0 = none
    char bytes[CONTROL_MAX];
};

enum control_result { CONTROL_PLAIN, CONTROL_TAKEN, CONTROL_FOCUS, CONTROL_GIVE_UP };
enum control_view { VIEW_AUTO, VIEW_SERIAL, VIEW_SCREEN }; // AUTO: the serial port, once the guest has used it

// One byte of output: plain text; part of a sequence (show nothing); a complete request for the focus (*vm_id; 0 = the
// shell itself; *view); or the end of hopes that it is one: `bytes[0..length)` were plain text after all, this byte
// included.
enum control_result control_put(struct control *c, uint8_t byte, uint32_t *vm_id, enum control_view *view);
