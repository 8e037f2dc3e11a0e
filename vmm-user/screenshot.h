// SPDX-License-Identifier: MIT
// A picture of the guest's screen, piece by piece. Main thread; the guest goes on meanwhile: its VGA is copied at the
// beginning, a linear framebuffer is read as it is.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "vmm-user/vm.h"

#define SCREENSHOT_LINE  180 // characters of a piece at most
#define SCREENSHOT_WIDTH 2560

// NULL, or why there is none.
const char *screenshot_begin(const struct vm *vm, unsigned *width, unsigned *height);

// The next piece, base64 of picture_code.h's bytes, terminated; false: that was all.
bool screenshot_piece(char line[SCREENSHOT_LINE + 1]);
