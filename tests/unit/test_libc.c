// SPDX-License-Identifier: MIT
// lib/c against the host's C library, under names of its own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "tests/unit/cmocka_all.h"

#define memcpy      mica_memcpy
#define memmove     mica_memmove
#define memset      mica_memset
#define memcmp      mica_memcmp
#define memchr      mica_memchr
#define strlen      mica_strlen
#define strnlen     mica_strnlen
#define strcmp      mica_strcmp
#define strncmp     mica_strncmp
#define strcasecmp  mica_strcasecmp
#define strncasecmp mica_strncasecmp
#define strchr      mica_strchr
#define strrchr     mica_strrchr
#define strstr      mica_strstr
#define strspn      mica_strspn
#define strcspn     mica_strcspn
#define snprintf    mica_snprintf
#define vsnprintf   mica_vsnprintf
#define strtoul     mica_strtoul
#define strtoull    mica_strtoull
#define strtol      mica_strtol
#include "lib/c/string.c"
#include "lib/c/printf.c"
#include "lib/c/strtol.c"
#undef memcpy
#undef memset
#undef memmove
#undef memcmp
#undef memchr
#undef strlen
#undef strcmp
#undef strncmp
#undef strcasecmp
#undef strchr
#undef strrchr
#undef strstr
#undef strspn
#undef strcspn
#undef snprintf
#undef strtoul
#undef strtol

static void memory(void **state)
{
    (void)state;
    unsigned char ours[64], theirs[64];
    for (unsigned size = 0; size < 40; size++)
        for (unsigned from = 0; from < 12; from++)
            for (unsigned to = 0; to < 12; to++) {
                for (unsigned i = 0; i < 64; i++)
                    ours[i] = theirs[i] = (unsigned char)(i * 7);
                mica_memmove(ours + to, ours + from, size);
                memmove(theirs + to, theirs + from, size);
                assert_memory_equal(ours, theirs, 64);
                mica_memset(ours + to, (int)from - 5, size);
                memset(theirs + to, (int)from - 5, size);
                assert_memory_equal(ours, theirs, 64);
                unsigned char copy[64];
                mica_memcpy(copy, ours, size);
                assert_int_equal(mica_memcmp(copy, ours, size), 0);
                assert_int_equal(mica_memchr(ours, 21, size) == memchr(ours, 21, size), 1);
            }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void strings_compare(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "a", "A", "ab", "abc", "b", "aBc", "abcabd", "bd", "\xff", "hello, world"};
    for (unsigned i = 0; i < 11; i++)
        for (unsigned j = 0; j < 11; j++) {
            const char *a = texts[i], *b = texts[j];
            assert_int_equal(sign(mica_strcmp(a, b)), sign(strcmp(a, b)));
            assert_int_equal(sign(mica_strncmp(a, b, 2)), sign(strncmp(a, b, 2)));
            assert_int_equal(sign(mica_strcasecmp(a, b)), sign(strcasecmp(a, b)));
            assert_ptr_equal(mica_strstr(a, b), strstr(a, b));
            assert_int_equal(mica_strspn(a, b), strspn(a, b));
            assert_int_equal(mica_strcspn(a, b), strcspn(a, b));
            assert_ptr_equal(mica_strchr(a, b[0]), strchr(a, b[0]));
            assert_ptr_equal(mica_strrchr(a, b[0]), strrchr(a, b[0]));
            assert_int_equal(mica_strlen(a), strlen(a));
        }
}

#define SAME(...)                                                                                                      \
    do {                                                                                                               \
        char ours[80], theirs[80];                                                                                     \
        int our_length = mica_snprintf(ours, sizeof(ours), __VA_ARGS__);                                               \
        int their_length = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                                              \
        assert_string_equal(ours, theirs);                                                                             \
        assert_int_equal(our_length, their_length);                                                                    \
    } while (0)

static void formats(void **state)
{
    (void)state;
    static const long numbers[] = {0,     1,          -1,           9,           10,        255,      -128,
                                   65535, 2147483647, -2147483648l, 4294967295l, INT64_MAX, INT64_MIN};
    for (unsigned i = 0; i < 13; i++) {
        long n = numbers[i];
        SAME("%d|%5d|%-5d|%05d|%+d|% d|%.3d", (int)n, (int)n, (int)n, (int)n, (int)n, (int)n, (int)n);
        SAME("%u|%x|%X|%#x|%08x|%o|%.0u", (unsigned)n, (unsigned)n, (unsigned)n, (unsigned)n, (unsigned)n, (unsigned)n,
             (unsigned)n);
        SAME("%ld|%lu|%lx|%#018lx|%zu", n, (unsigned long)n, (unsigned long)n, (unsigned long)n, (size_t)n);
        SAME("%lld|%llx", (long long)n, (unsigned long long)n);
        SAME("%hhd|%hd|%hhu|%hx", (signed char)n, (short)n, (unsigned char)n, (unsigned short)n);
        SAME("%*d|%-*d|%.*d", 7, (int)n, 7, (int)n, 4, (int)n);
    }
    SAME("%s|%10s|%-10s|%.2s|%c|%5c|%%", "text", "text", "text", "text", 'x', 'y');
    SAME("%p", (void *)0x1234);
    SAME("%.*s", 3, "abcdef");
    char small[5];
    assert_int_equal(mica_snprintf(small, sizeof(small), "%s", "too long"), 8);
    assert_string_equal(small, "too ");
    assert_int_equal(mica_snprintf(NULL, 0, "%d", 12345), 5);
}

static void numbers(void **state)
{
    (void)state;
    static const char *const texts[] = {"0",
                                        "12",
                                        " 42x",
                                        "-7",
                                        "+9",
                                        "0x1f",
                                        "0x",
                                        "0xg",
                                        "077",
                                        "08",
                                        "",
                                        "abc",
                                        "zz",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "-9223372036854775808",
                                        "-9223372036854775809",
                                        "- 1"};
    static const int bases[] = {0, 2, 8, 10, 16, 36};
    for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        for (unsigned b = 0; b < 6; b++) {
            char *end, *expected;
            assert_int_equal(mica_strtoul(texts[i], &end, bases[b]), strtoul(texts[i], &expected, bases[b]));
            assert_ptr_equal(end, expected);
            assert_int_equal(mica_strtol(texts[i], &end, bases[b]), strtol(texts[i], &expected, bases[b]));
            assert_ptr_equal(end, expected);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory), cmocka_unit_test(strings_compare),
                                       cmocka_unit_test(formats), cmocka_unit_test(numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
