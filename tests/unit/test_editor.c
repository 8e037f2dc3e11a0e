// SPDX-License-Identifier: MIT
// sources: user/shell/editor.c user/shell/words.c user/console/screen.c
#include "user/shell/editor.h"
#include "user/console/screen.h"
#include "user/shell/words.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct editor e;
static struct screen screen; // what the person sees

static void show(const char *text, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        screen_put(&screen, text[i]);
}

static int setup(void **state)
{
    (void)state;
    screen_init(&screen);
    editor_init(&e, "> ", show);
    editor_start(&e);
    return 0;
}

static enum edit_event type(const char *keys)
{
    enum edit_event event = EDIT_MORE;
    for (; *keys; keys++)
        event = editor_key(&e, *keys);
    return event;
}

static void assert_seen(const char *text, unsigned cursor)
{
    unsigned row = screen.row;
    for (unsigned i = 0; i < SCREEN_COLUMNS; i++)
        assert_int_equal(screen.cells[row][i] & 0xff, i < strlen(text) ? text[i] : ' ');
    assert_int_equal(screen.column, cursor);
}

static void test_typing(void **state)
{
    (void)state;
    type("hexx\b\x7flp");
    assert_seen("> help", 6);
    assert_int_equal(type("\r"), EDIT_DONE);
    assert_string_equal(e.line, "help");
    editor_start(&e);
    assert_int_equal(type("\n"), EDIT_MORE); // the second half of CR LF
    assert_int_equal(type("\n"), EDIT_DONE);
    assert_string_equal(e.line, "");
}

static void test_moving(void **state)
{
    (void)state;
    type("vm list\033[D\033[D\033[D\033[DX");
    assert_seen("> vm Xlist", 6);
    type("\001A\005Z");
    assert_seen("> Avm XlistZ", 12);
    type("\033[H\033[3~\033[F\b");
    assert_seen("> vm Xlist", 10);
    type("\033b\033[C\033[C\013");
    assert_seen("> vm Xl", 7);
    type("\031\027");
    assert_seen("> vm ", 5);
    type("\025");
    assert_seen("> ", 2);
}

static void test_history(void **state)
{
    (void)state;
    for (const char *line[] = {"one\r", "two\r", "two\r", NULL}, **l = line; *l; l++) {
        type(*l);
        editor_start(&e);
    }
    type("thr\033[A");
    assert_seen("> two", 5);
    type("\033[A");
    assert_seen("> one", 5);
    type("\033[A\033[B\033[B");
    assert_seen("> thr", 5);
    assert_int_equal(type("\003"), EDIT_CANCEL);
}

static void test_long_line(void **state)
{
    (void)state;
    char text[201];
    for (unsigned i = 0; i < 200; i++)
        text[i] = 'a' + i % 26;
    text[200] = 0;
    type(text);
    assert_int_equal(screen.row, 0);
    assert_int_equal(screen.cells[0][screen.column - 1] & 0xff, 'a' + 199 % 26);
    type("\001");
    assert_int_equal(screen.cells[0][2] & 0xff, 'a');
    assert_int_equal(screen.column, 2);
    assert_int_equal(type("\r"), EDIT_DONE);
    assert_string_equal(e.line, text);
}

static void test_full_line_and_odd_keys(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * EDITOR_LINE; i++)
        type("x");
    assert_int_equal(e.length, EDITOR_LINE - 1);
    type("\025\001\002\033[99~\033OP\xff\x80");
    assert_int_equal(e.length, 0);
    assert_int_equal(type("\t"), EDIT_COMPLETE);
}

static void test_words(void **state)
{
    static struct words w;
    (void)state;
    assert_null(words_split(&w, "  vm run -append \"a b\" x\\ y 'it\"s' \"\""));
    assert_int_equal(w.count, 7);
    assert_string_equal(w.word[3], "a b");
    assert_string_equal(w.word[4], "x y");
    assert_string_equal(w.word[5], "it\"s");
    assert_string_equal(w.word[6], "");
    assert_memory_equal(w.rest[2], "-append", 7);
    assert_null(w.word[7]);
    assert_non_null(words_split(&w, "a \"b"));
    assert_null(words_split(&w, ""));
    assert_int_equal(w.count, 0);
    char many[200];
    for (unsigned i = 0; i < sizeof many; i++)
        many[i] = i % 2 ? ' ' : 'w';
    many[199] = 0;
    assert_non_null(words_split(&w, many));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_typing, setup),
        cmocka_unit_test_setup(test_moving, setup),
        cmocka_unit_test_setup(test_history, setup),
        cmocka_unit_test_setup(test_long_line, setup),
        cmocka_unit_test_setup(test_full_line_and_odd_keys, setup),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
