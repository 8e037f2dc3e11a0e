// SPDX-License-Identifier: MIT
// A VM's screen, as its VMM sends it (lib/sys/screen_api.h): what has come is in `screen` for the VGA, and passes on to
// the serial line.
#pragma once
#include "lib/sys/channel.h"
#include "user/console/pixels.h"
#include "user/console/screen.h"

struct view {
    bool connected, shown;
    bool begun; // the display knows: something came since it is shown
    struct channel channel;
    struct screen screen;
    struct view_display *display; // while it is shown; NULL: there is none for pixels
};

// What shows pixels.
struct view_display {
    struct pixels pixels;
    uint16_t width, height; // that there is room for, multiples of 8
    uint8_t colors;         // SCREEN_256_COLORS, SCREEN_ALL_COLORS
    void (*draw)(struct view_display *d, enum pixels_result what);
};

void view_connect(struct view *v, const struct channel *channel);
void view_close(struct view *v);
bool view_open(const struct view *v); // false: its VMM has gone
void view_show(struct view *v, bool shown, struct view_display *display);

// A byte of the serial line's terminal, or a scan code. False: the VMM has no room for it.
bool view_key(struct view *v, uint8_t key);
bool view_scan(struct view *v, uint8_t code);

// Takes up to `room` bytes of a screen that is shown, for the serial line.
uint32_t view_read(struct view *v, uint8_t *bytes, uint32_t room);
bool view_pending(struct view *v); // false: the VMM will tell
