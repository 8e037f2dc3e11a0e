// SPDX-License-Identifier: MIT
// Text to integers as ISO C has it: leading blanks, sign, base 0 = by prefix. Out of range gives the nearest limit.
#pragma once

unsigned long strtoul(const char *text, char **end, int base);
unsigned long long strtoull(const char *text, char **end, int base);
long strtol(const char *text, char **end, int base);
