// SPDX-License-Identifier: MIT
// The text that answers a monitor's command: lines, cut off where there is no more room.
#pragma once
#include "lib/c/printf.h"

struct answer {
    char *at;
    size_t left;
};

static inline __attribute__((format(printf, 2, 3))) void say(struct answer *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(a->at, a->left, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= a->left)
        n = a->left ? (int)a->left - 1 : 0;
    a->at += n;
    a->left -= (size_t)n;
}
