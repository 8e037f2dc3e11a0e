// SPDX-License-Identifier: MIT
// sources: vmm-user/picture_code.c vmm-user/pack.c
#include "vmm-user/picture_code.h"
#include "vmm-user/pack.h"
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

static void packed_bytes_come_back(void **state)
{
    static struct pack pack;
    static uint8_t in[300000], packed[PACK_ROOM(PACK_MOST)], out[sizeof(in)];
    (void)state;
    unsigned length = 0, all = 0;
    uint32_t random = 1;
    for (unsigned i = 0; i < sizeof(in); i++) { // rows that repeat, with noise between
        random = random * 1664525 + 1013904223;
        in[i] = i / 20000 % 2 && i > 700 ? (random >> 30 ? in[i - 640 - i / 50000] : (uint8_t)(random >> 22))
                                         : (uint8_t)(i % 700 / 5);
    }
    pack_init(&pack);
    for (unsigned at = 0, count; at < sizeof(in); at += count) {
        random = random * 1664525 + 1013904223;
        count = random >> 31 ? random >> 18 & 0x3fff : random >> 20 & 0x3ff;
        count = count < sizeof(in) - at ? count : (unsigned)sizeof(in) - at;
        unsigned n = pack_bytes(&pack, in + at, count, packed);
        assert_true(n <= PACK_ROOM(count));
        all += n;
        for (unsigned i = 0, more; i < n; i += more) {
            more = packed[i] < 128 ? 2u + packed[i] : 3;
            unsigned from = packed[i] < 128 ? 0 : length - (packed[i + 1] | packed[i + 2] << 8),
                     again = packed[i] < 128 ? 0 : packed[i] - 124u;
            assert_true(!again || from < length);
            for (unsigned k = 0; k < again; k++)
                out[length++] = out[from + k];
            for (unsigned k = 1; k < more && !again; k++)
                out[length++] = packed[i + k];
        }
    }
    assert_int_equal(length, sizeof(in));
    assert_memory_equal(in, out, sizeof(in));
    assert_true(all < sizeof(in) * 2 / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(runs_are_short, setup),
        cmocka_unit_test_setup(what_changes_is_literal, setup),
        cmocka_unit_test_setup(more_colors_than_numbers, setup),
        cmocka_unit_test(base64),
        cmocka_unit_test(packed_bytes_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
