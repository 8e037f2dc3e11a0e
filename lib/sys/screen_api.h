// SPDX-License-Identifier: MIT
// A VM's screen and keyboard at the console, on a CHANNEL_SCREEN that the VMM connects. The VMM sends what brings a
// terminal (xterm, UTF-8) up to date, while it is looked at; the console sends records of two bytes: what, and a value.
#pragma once

enum screen_record {
    SCREEN_SHOW = 1, // somebody looks, at a terminal that may show anything
    SCREEN_HIDE,     // nobody looks any longer; keys that are down go up
    SCREEN_KEY,      // a byte that a terminal's keyboard sent
    SCREEN_SCAN,     // a scan code (set 1) of the machine's keyboard
    SCREEN_WIDTH,    // before SCREEN_SHOW: pixels that there is room for, in units of 8
    SCREEN_HEIGHT,
};

#define SCREEN_RECORD 2 // bytes

// SCREEN_SHOW's value: what can be shown. With pixels, between the text: SCREEN_PIXELS and one of the others; numbers
// of 16 bits have the low ones first.
enum { SCREEN_TERMINAL, SCREEN_256_COLORS, SCREEN_ALL_COLORS };
#define SCREEN_PIXELS 0
#define SCREEN_PIXELS_BEGIN                                                                                            \
    'g' // then: width, height; pixels follow, in place of the text; numbers of colours begin anew
#define SCREEN_PIXELS_END  't' // it is text again
#define SCREEN_PIXELS_PART 'p' // then: row, column, bytes, and so many of a part of the row in picture_code.h's way
#define SCREEN_PIXELS_HEAD 8   // bytes before a part's
