// SPDX-License-Identifier: MIT
// sources: user/console/pixels.c vmm-user/picture_code.c
#include "user/console/pixels.h"
#include <string.h>
#include "lib/sys/screen_api.h"
#include "tests/unit/cmocka_all.h"
#include "vmm-user/picture_code.h"

static struct pixels p;
static struct picture_code code;

static int setup(void **state)
{
    (void)state;
    pixels_init(&p);
    picture_code_init(&code);
    return 0;
}

static void take(const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(pixels_take(&p, bytes[i]), PIXELS_MORE);
}

enum { WIDTH = 320, HEIGHT = 200 };

static void part_take(unsigned y, unsigned x, const uint8_t *rgb, unsigned count)
{
    uint8_t bytes[PICTURE_CODE_PIXEL * WIDTH];
    unsigned n = picture_encode(&code, rgb, count, bytes);
    const uint8_t head[] = {SCREEN_PIXELS, SCREEN_PIXELS_PART, (uint8_t)y, (uint8_t)(y >> 8),
                            (uint8_t)x,    (uint8_t)(x >> 8),  (uint8_t)n, (uint8_t)(n >> 8)};
    take(head, sizeof(head));
    take(bytes, n - 1);
    assert_int_equal(pixels_take(&p, bytes[n - 1]), PIXELS_PART);
}

static const uint8_t begin[] = {SCREEN_PIXELS, SCREEN_PIXELS_BEGIN, WIDTH & 0xff, WIDTH >> 8, HEIGHT};

static void parts_come_as_they_are(void **state)
{
    uint8_t rgb[3 * WIDTH];
    (void)state;
    assert_int_equal(pixels_take(&p, 'a'), PIXELS_TEXT);
    take(begin, sizeof(begin));
    assert_int_equal(pixels_take(&p, 0), PIXELS_BEGIN);
    assert_true(p.on && p.width == WIDTH && p.height == HEIGHT);
    assert_int_equal(pixels_take(&p, 'b'), PIXELS_TEXT); // text may come between
    for (unsigned i = 0; i < sizeof(rgb); i++)
        rgb[i] = (uint8_t)(i / 7 * 3);
    for (unsigned x = 0; x < WIDTH; x += WIDTH / 2) {
        part_take(199, x, rgb + 3 * x, WIDTH / 2);
        assert_true(p.row == 199 && p.first == x && p.column == x + WIDTH / 2 && p.colors_changed);
        for (unsigned i = x; i < p.column; i++) {
            assert_int_equal(p.line[i] & 0xffffff, rgb[3 * i] << 16 | rgb[3 * i + 1] << 8 | rgb[3 * i + 2]);
            assert_memory_equal(p.colors[p.line[i] >> 24], &rgb[3 * i], 3);
        }
    }
    assert_int_equal(pixels_take(&p, SCREEN_PIXELS), PIXELS_MORE);
    assert_int_equal(pixels_take(&p, SCREEN_PIXELS_END), PIXELS_END);
    assert_false(p.on);
    assert_int_equal(pixels_take(&p, 'c'), PIXELS_TEXT);
}

static void nonsense_stays_inside(void **state)
{
    static const uint8_t outside[] = {SCREEN_PIXELS, SCREEN_PIXELS_PART, 200, 0, 0, 0, 4, 0, 127, 7, 127, 8};
    static const uint8_t behind[] = {SCREEN_PIXELS, SCREEN_PIXELS_PART, 1, 0, 0xff, 0xff, 2, 0, 127, 7};
    static const uint8_t too_long[] = {
        SCREEN_PIXELS, SCREEN_PIXELS_PART, 1, 0, 0, 0, 8, 0, 127, 7, 127, 8, 127, 9, 131};
    static const uint8_t empty[] = {SCREEN_PIXELS, SCREEN_PIXELS_PART, 1, 0, 0, 0, 0, 0};
    static const uint8_t huge[] = {SCREEN_PIXELS, SCREEN_PIXELS_BEGIN, 0xff, 0xff, 0xff, 0xff};
    (void)state;
    take(too_long, sizeof(too_long)); // before a beginning
    assert_int_equal(pixels_take(&p, 1), PIXELS_MORE);
    take(begin, sizeof(begin));
    assert_int_equal(pixels_take(&p, 0), PIXELS_BEGIN);
    take(outside, sizeof(outside));
    take(behind, sizeof(behind));
    take(too_long, sizeof(too_long));
    assert_int_equal(pixels_take(&p, 1), PIXELS_PART);
    assert_int_equal(p.column, WIDTH);
    assert_int_equal(p.line[253] >> 24, 8);
    take(empty, sizeof(empty));
    take(huge, sizeof(huge));
    assert_false(p.on);
    assert_int_equal(pixels_take(&p, 'x'), PIXELS_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(parts_come_as_they_are, setup),
        cmocka_unit_test_setup(nonsense_stays_inside, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
