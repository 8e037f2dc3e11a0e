// SPDX-License-Identifier: MIT
// VGA text memory and cursor.
#pragma once
#include <stdbool.h>
#include "user/console/screen.h"

void vga_show(struct screen *s, bool all); // its dirty rows, or all of it, and the cursor
