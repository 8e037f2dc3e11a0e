// SPDX-License-Identifier: MIT
// The VGA's mode 13h, 320x200 pixels in 256 colours: for a while, then all is as it was.
#pragma once
#include "user/console/pixels.h"

void vga_graphics_show(struct pixels *p); // enters the mode if need be; draws what changed
bool vga_graphics_end(void);              // back; true: the text is to be drawn anew
