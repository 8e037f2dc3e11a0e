// SPDX-License-Identifier: MIT
// A VM's screen and keyboard at the console, on a CHANNEL_SCREEN that the VMM connects. The VMM sends what brings a
// terminal (xterm, UTF-8) up to date, while it is looked at; the console sends records of two bytes: what, and a value.
#pragma once

enum screen_record {
    SCREEN_SHOW = 1, // somebody looks, at a terminal that may show anything
    SCREEN_HIDE,     // nobody looks any longer; keys that are down go up
    SCREEN_KEY,      // a byte that a terminal's keyboard sent
    SCREEN_SCAN,     // a scan code (set 1) of the machine's keyboard
};

#define SCREEN_RECORD 2 // bytes

// SCREEN_SHOW's value: what can be shown. With SCREEN_VGA, between the text: SCREEN_PIXELS and one of
enum { SCREEN_TERMINAL, SCREEN_VGA };
#define SCREEN_PIXELS       0
#define SCREEN_PIXELS_BEGIN 'g' // 320x200 pixels follow, in place of the text; numbers of colours begin anew
#define SCREEN_PIXELS_END   't' // it is text again
#define SCREEN_PIXELS_ROW   'r' // then: row, bytes (16 bits, the low ones first), a row of them in picture_code.h's way
#define SCREEN_PIXELS_HEAD  5   // bytes before a row's
