// SPDX-License-Identifier: MIT
#include "lib/c/strtol.h"
#include <limits.h>
#include <stdbool.h>

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 99;
}

// The magnitude; *end stays at `text` if there is no number.
static unsigned long parse(const char *text, char **end, int base, bool *negative)
{
    const char *p = text;
    while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
        p++;
    *negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    bool hex = p[0] == '0' && (p[1] | 0x20) == 'x' && digit_value(p[2]) < 16;
    if (hex && (base == 0 || base == 16)) {
        p += 2;
        base = 16;
    }
    if (base == 0)
        base = *p == '0' ? 8 : 10;

    unsigned long value = 0;
    bool overflow = false;
    const char *first = p;
    for (; digit_value(*p) < base; p++) {
        overflow |= __builtin_mul_overflow(value, (unsigned long)base, &value);
        overflow |= __builtin_add_overflow(value, (unsigned long)digit_value(*p), &value);
    }
    if (end)
        *end = (char *)(p == first ? text : p);
    return overflow ? ULONG_MAX : value;
}

unsigned long strtoul(const char *text, char **end, int base)
{
    bool negative;
    unsigned long value = parse(text, end, base, &negative);
    return negative && value != ULONG_MAX ? -value : value;
}

unsigned long long strtoull(const char *text, char **end, int base)
{
    return strtoul(text, end, base);
}

long strtol(const char *text, char **end, int base)
{
    bool negative;
    unsigned long value = parse(text, end, base, &negative);
    if (negative)
        return value > (unsigned long)LONG_MAX ? LONG_MIN : -(long)value;
    return value > (unsigned long)LONG_MAX ? LONG_MAX : (long)value;
}
