// SPDX-License-Identifier: MIT
// The keyboard controller: scan codes of set 1, by interrupt.
#pragma once
#include <stdbool.h>
#include <stdint.h>

void i8042_init(void);
bool i8042_receive(uint8_t *code);
