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
        assert_true(pixels_take(&p, bytes[i]));
}

static void row_take(uint8_t y, const uint8_t *rgb)
{
    uint8_t bytes[PICTURE_CODE_PIXEL * PIXELS_WIDTH];
    unsigned n = picture_encode(&code, rgb, PIXELS_WIDTH, bytes);
    const uint8_t head[] = {SCREEN_PIXELS, SCREEN_PIXELS_ROW, y, (uint8_t)n, (uint8_t)(n >> 8)};
    take(head, sizeof(head));
    take(bytes, n);
}

static void rows_come_as_they_are(void **state)
{
    static const uint8_t begin[] = {SCREEN_PIXELS, SCREEN_PIXELS_BEGIN}, end[] = {SCREEN_PIXELS, SCREEN_PIXELS_END};
    uint8_t rgb[3 * PIXELS_WIDTH];
    (void)state;
    assert_false(pixels_take(&p, 'a'));
    take(begin, sizeof(begin));
    assert_true(p.on);
    assert_false(pixels_take(&p, 'b')); // text may come between
    for (unsigned i = 0; i < sizeof(rgb); i++)
        rgb[i] = (uint8_t)(i / 7 * 3);
    row_take(199, rgb);
    assert_true(p.rows_changed[199] && !p.rows_changed[198] && p.colors_changed);
    for (unsigned x = 0; x < PIXELS_WIDTH; x++)
        assert_memory_equal(p.colors[p.cells[199][x]], &rgb[3 * x], 3);
    take(end, sizeof(end));
    assert_false(p.on);
    assert_false(pixels_take(&p, 'c'));
}

static void nonsense_stays_inside(void **state)
{
    static const uint8_t outside[] = {SCREEN_PIXELS, SCREEN_PIXELS_ROW, 200, 4, 0, 127, 7, 127, 8};
    static const uint8_t too_long[] = {SCREEN_PIXELS, SCREEN_PIXELS_ROW, 1, 8, 0, 127, 7, 127, 8, 127, 9, 131, 1};
    static const uint8_t empty[] = {SCREEN_PIXELS, SCREEN_PIXELS_ROW, 1, 0, 0};
    (void)state;
    take(outside, sizeof(outside));
    take(too_long, sizeof(too_long));
    assert_int_equal(p.cells[1][253], 8);
    assert_int_equal(p.cells[2][0], 0);
    take(empty, sizeof(empty));
    assert_false(pixels_take(&p, 'x'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rows_come_as_they_are, setup),
        cmocka_unit_test_setup(nonsense_stays_inside, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
