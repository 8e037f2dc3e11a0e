// SPDX-License-Identifier: MIT
#include "lib/c/printf.h"
#include <stdbool.h>
#include <stdint.h>
#include "lib/c/string.h"

struct sink {
    char *to;
    size_t size, length; // of the buffer; of the text so far, even if it does not fit
};

struct spec {
    bool left, zero, plus, space, alt;
    int width, precision; // -1 = none
    int length;           // bytes of an integer argument
};

static void put(struct sink *s, char c)
{
    if (s->length + 1 < s->size)
        s->to[s->length] = c;
    s->length++;
}

static void put_many(struct sink *s, char c, int count)
{
    for (; count > 0; count--)
        put(s, c);
}

// prefix (sign or 0x), then `zeros` zeros, then text; padded to the width.
static void put_field(struct sink *s, const struct spec *spec, const char *prefix, int zeros, const char *text,
                      int length)
{
    int pad = spec->width - (int)strlen(prefix) - zeros - length;
    if (!spec->left)
        put_many(s, ' ', pad);
    while (*prefix)
        put(s, *prefix++);
    put_many(s, '0', zeros);
    for (int i = 0; i < length; i++)
        put(s, text[i]);
    if (spec->left)
        put_many(s, ' ', pad);
}

static void put_number(struct sink *s, const struct spec *spec, uint64_t value, unsigned base, bool upper,
                       const char *prefix)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    int start = sizeof(text);
    for (uint64_t v = value; v; v /= base)
        text[--start] = digits[v % base];
    int length = (int)sizeof(text) - start;
    int zeros = (spec->precision < 0 ? 1 : spec->precision) - length;
    if (spec->zero && !spec->left && spec->precision < 0 && spec->width - (int)strlen(prefix) - length > zeros)
        zeros = spec->width - (int)strlen(prefix) - length;
    put_field(s, spec, prefix, zeros > 0 ? zeros : 0, text + start, length);
}

static const char *parse_count(const char *f, int *count, va_list *args)
{
    if (*f == '*') {
        *count = va_arg(*args, int);
        return f + 1;
    }
    for (*count = 0; *f >= '0' && *f <= '9'; f++)
        if (*count < 100000)
            *count = *count * 10 + (*f - '0');
    return f;
}

static const char *parse_flags(const char *f, struct spec *spec)
{
    for (;; f++) {
        switch (*f) {
        case '-':
            spec->left = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alt = true;
            break;
        default:
            return f;
        }
    }
}

static const char *parse_length(const char *f, struct spec *spec)
{
    spec->length = sizeof(int);
    for (;; f++) {
        switch (*f) {
        case 'h':
            spec->length = spec->length == sizeof(short) ? sizeof(char) : sizeof(short);
            break;
        case 'l':
        case 'z':
        case 'j':
        case 't':
            spec->length = sizeof(long);
            break;
        default:
            return f;
        }
    }
}

static int64_t signed_argument(const struct spec *spec, va_list *args)
{
    if (spec->length == sizeof(long))
        return va_arg(*args, long);
    int value = va_arg(*args, int);
    return spec->length == sizeof(short) ? (short)value : spec->length == sizeof(char) ? (signed char)value : value;
}

static uint64_t unsigned_argument(const struct spec *spec, va_list *args)
{
    if (spec->length == sizeof(long))
        return va_arg(*args, unsigned long);
    unsigned value = va_arg(*args, unsigned);
    return spec->length == sizeof(short) ? (uint16_t)value : spec->length == sizeof(char) ? (uint8_t)value : value;
}

static void put_signed(struct sink *s, const struct spec *spec, int64_t value)
{
    const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
    put_number(s, spec, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, false, sign);
}

static void put_string(struct sink *s, const struct spec *spec, const char *text)
{
    if (!text)
        text = "(null)";
    put_field(s, spec, "", 0, text, (int)(spec->precision < 0 ? strlen(text) : strnlen(text, (size_t)spec->precision)));
}

// Returns false if the conversion is unknown; then no argument was taken for it.
static bool put_conversion(struct sink *s, struct spec *spec, char conversion, va_list *args)
{
    char c;
    uint64_t value;
    switch (conversion) {
    case 'd':
    case 'i':
        put_signed(s, spec, signed_argument(spec, args));
        return true;
    case 'u':
        put_number(s, spec, unsigned_argument(spec, args), 10, false, "");
        return true;
    case 'o':
        put_number(s, spec, unsigned_argument(spec, args), 8, false, spec->alt ? "0" : "");
        return true;
    case 'x':
    case 'X':
        value = unsigned_argument(spec, args);
        put_number(s, spec, value, 16, conversion == 'X', !spec->alt || !value ? "" : conversion == 'X' ? "0X" : "0x");
        return true;
    case 'p':
        put_number(s, spec, (uintptr_t)va_arg(*args, void *), 16, false, "0x");
        return true;
    case 'c':
        c = (char)va_arg(*args, int);
        put_field(s, spec, "", 0, &c, 1);
        return true;
    case 's':
        put_string(s, spec, va_arg(*args, const char *));
        return true;
    }
    return false;
}

static void put_formatted(struct sink *s, const char *f, va_list *args)
{
    while (*f) {
        if (*f != '%' || f[1] == '%') {
            f += *f == '%';
            put(s, *f++);
            continue;
        }
        const char *start = f;
        struct spec spec = {.precision = -1};
        f = parse_count(parse_flags(f + 1, &spec), &spec.width, args);
        if (spec.width < 0) {
            spec.left = true;
            spec.width = spec.width < -100000 ? 100000 : -spec.width;
        }
        if (*f == '.')
            f = parse_count(f + 1, &spec.precision, args);
        f = parse_length(f, &spec);
        if (*f && put_conversion(s, &spec, *f, args))
            f++;
        else
            for (; start < f; start++)
                put(s, *start);
    }
}

int vsnprintf(char *to, size_t size, const char *format, va_list args)
{
    struct sink s = {to, size, 0};
    va_list copy; // its address can be passed on, that of a parameter cannot
    va_copy(copy, args);
    put_formatted(&s, format, &copy);
    va_end(copy);
    if (size)
        to[s.length < size ? s.length : size - 1] = 0;
    return (int)s.length;
}

int snprintf(char *to, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(to, size, format, args);
    va_end(args);
    return length;
}
