// SPDX-License-Identifier: MIT
// Formatted text without floating point: %d %i %u %x %X %o %p %s %c %%, flags - 0 + # and space, width, precision (also
// *), lengths hh h l ll z j t. An unknown conversion is printed as it stands.
#pragma once
#include <stdarg.h>
#include <stddef.h>

// Like ISO C: always terminated when size > 0; returns the length that the whole text would have.
int snprintf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *to, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
