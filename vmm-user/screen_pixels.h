// SPDX-License-Identifier: MIT
// A graphics mode for a display of 320x200 pixels in 256 colours (lib/sys/screen_api.h): what is larger is made
// smaller, what has more colours gets the nearest of 256. Only rows that changed are sent.
#pragma once
#include "lib/sys/channel.h"
#include "vmm-user/devices/vga.h"

// Begins anew: the display shows anything.
void screen_pixels_reset(void);

// Sends what has changed as far as there is room. The VGA may change meanwhile. False: no memory for it.
bool screen_pixels_update(const struct vga *v, struct channel *c);
bool screen_pixels_pending(void); // there was no room for all: the rest goes with the next update

// The display is to show text again; true when it has been told (or showed text).
bool screen_pixels_end(struct channel *c);
