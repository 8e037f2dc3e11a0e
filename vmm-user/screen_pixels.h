// SPDX-License-Identifier: MIT
// The guest's picture for a display of pixels (lib/sys/screen_api.h): what is larger is made smaller; where there are
// 256 colours, more get the nearest of those. Only rows that changed are sent.
#pragma once
#include "lib/sys/channel.h"
#include "vmm-user/devices/vga.h"

struct screen_room {
    unsigned width, height; // pixels
    uint8_t colors;         // SCREEN_TERMINAL: it shows no pixels
};

// Begins anew: the display shows anything.
void screen_pixels_reset(void);

// Sends what has changed as far as there is room. The VGA may change meanwhile. False: no memory for it.
bool screen_pixels_update(const struct vga *v, struct channel *c, const struct screen_room *room);
bool screen_pixels_pending(void); // there was no room for all: the rest goes with the next update

// The display is to show text again; true when it has been told (or showed text).
bool screen_pixels_end(struct channel *c);
