// SPDX-License-Identifier: MIT
#pragma once
#include "tests/kernel/ktest.h"

// Makes the most expensive calls there are; tells the longest of each kind. Returns the longest of all.
uint64_t longest_calls(void (*report)(const char *name, uint64_t ticks));
