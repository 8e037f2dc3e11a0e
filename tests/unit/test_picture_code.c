// SPDX-License-Identifier: MIT
// sources: vmm-user/picture_code.c
#include "vmm-user/picture_code.h"
#include <stdbool.h>
#include <string.h>
#include "tests/unit/cmocka_all.h"

#define PIXELS 700

static struct picture_code code;
static uint8_t rgb[3 * PIXELS], back[3 * PIXELS], bytes[PICTURE_CODE_PIXEL * PIXELS];

// What the reader keeps from row to row.
static uint8_t colors[256][3];
static uint8_t next;

static int setup(void **state)
{
    (void)state;
    picture_code_init(&code);
    next = 0;
    return 0;
}

static unsigned decode(unsigned n)
{
    unsigned pixels = 0;
    for (unsigned i = 0; i < n;) {
        if (!bytes[i]) {
            memcpy(colors[next++], &bytes[i + 1], 3);
            i += 4;
            continue;
        }
        bool literals = bytes[i] & 0x80;
        unsigned run = bytes[i++] & 0x7f;
        for (unsigned k = 0; k < run; k++)
            memcpy(&back[3 * pixels++], colors[bytes[literals ? i + k : i]], 3);
        i += literals ? run : 1;
    }
    return pixels;
}

static unsigned round_trip(void)
{
    unsigned n = picture_encode(&code, rgb, PIXELS, bytes);
    assert_true(n <= sizeof(bytes));
    assert_int_equal(decode(n), PIXELS);
    assert_memory_equal(back, rgb, sizeof(rgb));
    return n;
}

static void runs_are_short(void **state)
{
    (void)state;
    memset(rgb, 0x55, sizeof(rgb));
    assert_int_equal(round_trip(), 4 + 6 * 2);
    assert_int_equal(round_trip(), 6 * 2); // the colour is known
}

static void what_changes_is_literal(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PIXELS; i++)
        memset(&rgb[3 * i], i % 100, 3);
    round_trip();
    assert_int_equal(round_trip(), PIXELS + 6);
}

static void more_colors_than_numbers(void **state)
{
    uint32_t x = 1;
    (void)state;
    for (unsigned row = 0; row < 20; row++) {
        for (unsigned i = 0; i < sizeof(rgb); i++)
            rgb[i] = (uint8_t)((x = x * 1103515245 + 12345) >> (row < 10 ? 16 : 27));
        round_trip();
    }
}

static void base64(void **state)
{
    static const struct {
        const char *plain, *text;
    } cases[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                 {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xff\xfe", "///+"}};
    char text[16];
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned n = base64_encode((const uint8_t *)cases[i].plain, (unsigned)strlen(cases[i].plain), text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(n, strlen(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(runs_are_short, setup),
        cmocka_unit_test_setup(what_changes_is_literal, setup),
        cmocka_unit_test_setup(more_colors_than_numbers, setup),
        cmocka_unit_test(base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
