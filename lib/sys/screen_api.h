// SPDX-License-Identifier: GPL-2.0-only
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
