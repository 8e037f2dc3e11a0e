// SPDX-License-Identifier: MIT
// sources: user/console/screen.c
#include "user/console/screen.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct screen s;

static int setup(void **state)
{
    (void)state;
    screen_init(&s);
    return 0;
}

static void type(const char *text)
{
    for (; *text; text++)
        screen_put(&s, *text);
}

static void assert_row(unsigned row, const char *text)
{
    for (unsigned i = 0; i < SCREEN_COLUMNS; i++)
        assert_int_equal(s.cells[row][i] & 0xff, i < strlen(text) ? text[i] : ' ');
}

static void test_text(void **state)
{
    (void)state;
    type("one\r\ntwo\tx\by");
    assert_row(0, "one");
    assert_row(1, "two     y");
    assert_int_equal(s.row, 1);
    assert_int_equal(s.column, 9);
    assert_int_equal(s.dirty & 3, 3);
}

static void test_wraps_and_scrolls(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SCREEN_COLUMNS; i++)
        type("a");
    assert_int_equal(s.row, 0);
    type("b");
    assert_int_equal(s.row, 1);
    assert_row(1, "b");
    for (unsigned i = 0; i < SCREEN_ROWS; i++)
        type("\r\n");
    type("end");
    assert_row(SCREEN_ROWS - 1, "end");
    assert_row(0, "");
}

static uint8_t glyph(unsigned row, unsigned column)
{
    return (uint8_t)s.cells[row][column];
}

static void test_utf8_is_shown_in_code_page_437(void **state)
{
    (void)state;
    type("\xe2\x94\x8c\xe2\x94\x80\xc3\xa4\xe2\x82\xac|"); // corner, line, a umlaut, euro: it has none
    assert_int_equal(glyph(0, 0), 0xda);
    assert_int_equal(glyph(0, 1), 0xc4);
    assert_int_equal(glyph(0, 2), 0x84);
    assert_int_equal(glyph(0, 3), 0xfe);
    assert_int_equal(glyph(0, 4), '|');
    type("\r\n\xc9\xcd\xcdx\xe2\x94\r\n"); // no UTF-8: bytes of the code page
    assert_int_equal(glyph(1, 0), 0xc9);
    assert_int_equal(glyph(1, 1), 0xcd);
    assert_int_equal(glyph(1, 2), 0xcd);
    assert_int_equal(glyph(1, 3), 'x');
    assert_int_equal(glyph(1, 4), 0xe2);
    assert_int_equal(glyph(1, 5), 0x94);
    assert_int_equal(s.row, 2);
}

static void test_what_is_larger_is_cut(void **state)
{
    (void)state;
    s.clips = true;
    type("\033[50;1Hout\033[1;100Hout\033[25;79Hxyz\033[2;1Hin");
    assert_row(0, "");
    assert_row(1, "in");
    assert_int_equal(glyph(24, 78), 'x');
    assert_int_equal(glyph(24, 79), 'y');
    assert_int_equal(glyph(24, 0), ' ');
}

static void test_colors(void **state)
{
    (void)state;
    type("\033[31mr\033[1;42mb\033[0mn\033[7mi");
    assert_int_equal(s.cells[0][0] >> 8, 0x04);
    assert_int_equal(s.cells[0][1] >> 8, 0x2c);
    assert_int_equal(s.cells[0][2] >> 8, 0x07);
    assert_int_equal(s.cells[0][3] >> 8, 0x70);
}

static void test_cursor(void **state)
{
    (void)state;
    type("\033[5;10Hx\033[2A\033[3Dy\033[99;99Hz\033[Hw\0337\033[7;7H\0338v");
    assert_int_equal(s.cells[4][9] & 0xff, 'x');
    assert_int_equal(s.cells[2][7] & 0xff, 'y');
    assert_int_equal(s.cells[SCREEN_ROWS - 1][SCREEN_COLUMNS - 1] & 0xff, 'z');
    assert_row(0, "wv");
}

static void test_erase(void **state)
{
    (void)state;
    type("abcdef\033[3D\033[K");
    assert_row(0, "abc");
    type("\033[1K");
    assert_row(0, "");
    type("x\r\ny\033[2J");
    assert_row(1, "");
}

static void test_insert_and_delete(void **state)
{
    (void)state;
    type("abcdef\r\033[2@");
    assert_row(0, "  abcdef");
    type("\033[3P");
    assert_row(0, "bcdef");
    type("\033[L");
    assert_row(0, "");
    assert_row(1, "bcdef");
    type("\033[M");
    assert_row(0, "bcdef");
}

static void test_region(void **state)
{
    (void)state;
    type("top\033[2;3r\033[2;1Ha\r\nb\r\nc");
    assert_row(0, "top");
    assert_row(1, "b");
    assert_row(2, "c");
}

static void test_foreign_sequences_show_nothing(void **state)
{
    (void)state;
    type("\033]0;title\a\033[?25l\033(B\033[>c\033[6n\033P");
    assert_row(0, "");
    assert_true(s.hidden);
    type("\033[99999999999999;;;;;;;;;;;;;;;;;;1mx");
    assert_row(0, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_text, setup),
        cmocka_unit_test_setup(test_wraps_and_scrolls, setup),
        cmocka_unit_test_setup(test_utf8_is_shown_in_code_page_437, setup),
        cmocka_unit_test_setup(test_what_is_larger_is_cut, setup),
        cmocka_unit_test_setup(test_colors, setup),
        cmocka_unit_test_setup(test_cursor, setup),
        cmocka_unit_test_setup(test_erase, setup),
        cmocka_unit_test_setup(test_insert_and_delete, setup),
        cmocka_unit_test_setup(test_region, setup),
        cmocka_unit_test_setup(test_foreign_sequences_show_nothing, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
