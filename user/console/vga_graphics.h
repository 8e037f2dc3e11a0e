// SPDX-License-Identifier: MIT
// Pixels on a VGA, for a while, then all is as it was: by Bochs' display interface where the card has it (any size, all
// colours), else in mode 13h (320x200 pixels in 256 colours).
#pragma once
#include "user/console/pixels.h"

void vga_graphics_begin(const struct pixels *p);
void vga_graphics_part(struct pixels *p);
bool vga_graphics_end(void); // back; true: the text is to be drawn anew
