// SPDX-License-Identifier: MIT
// sources: user/console/terminal.c user/console/screen.c user/console/control.c user/console/keyboard.c
#include "user/console/terminal.h"
#include "user/console/control.h"
#include "user/console/keyboard.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct terminal t;
static char sent[2 * SCROLLBACK];

static int setup(void **state)
{
    (void)state;
    terminal_init(&t);
    return 0;
}

static const char *send_all(void)
{
    uint32_t n = 0, got;
    while ((got = terminal_send(&t, (uint8_t *)sent + n, 16)))
        n += got;
    sent[n] = 0;
    return sent;
}

static void print(const char *text)
{
    terminal_print(&t, text, strlen(text));
}

static void test_message_goes_above_the_line(void **state)
{
    (void)state;
    print("one\r\nmica> vm li");
    terminal_insert(&t, "[ 1.0] hello\n", 13);
    assert_string_equal(send_all(), "one\r\nmica> vm li\r\033[K[ 1.0] hello\r\nmica> vm li");
    print("st\r\n");
    terminal_insert(&t, "a\nb", 3);
    assert_string_equal(send_all(), "st\r\na\r\nb\r\n");
}

static void test_replay_begins_with_a_line(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        print("0123456789abcdef\r\n");
    send_all();
    terminal_skip(&t, 100);
    const char *replayed = send_all();
    assert_true(strlen(replayed) <= 100);
    assert_memory_equal(replayed, "0123456789abcdef\r\n", 18);
    terminal_init(&t);
    print("short");
    terminal_skip(&t, 100);
    assert_string_equal(send_all(), "short");
}

static void test_oldest_is_lost(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SCROLLBACK; i++)
        print("xy");
    assert_true(terminal_lagging(&t));
    assert_int_equal(strlen(send_all()), SCROLLBACK);
    assert_false(terminal_lagging(&t));
}

static void test_keys_are_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TERMINAL_KEYS; i++)
        assert_true(terminal_type(&t, 'k'));
    assert_false(terminal_type(&t, 'k'));
}

static enum control_view view;

static enum control_result feed(struct control *c, const char *text, uint32_t *vm_id)
{
    enum control_result r = CONTROL_PLAIN;
    for (; *text; text++)
        r = control_put(c, (uint8_t)*text, vm_id, &view);
    return r;
}

static void test_focus_requests(void **state)
{
    struct control c = {0};
    uint32_t vm_id = 0;
    (void)state;
    assert_int_equal(feed(&c, "\033]mica;focus;17\a", &vm_id), CONTROL_FOCUS);
    assert_int_equal(vm_id, 17);
    assert_int_equal(view, VIEW_AUTO);
    assert_int_equal(feed(&c, "\033]mica;focus;3;screen\a", &vm_id), CONTROL_FOCUS);
    assert_int_equal(vm_id, 3);
    assert_int_equal(view, VIEW_SCREEN);
    assert_int_equal(feed(&c, "\033]mica;focus;4;serial\a", &vm_id), CONTROL_FOCUS);
    assert_int_equal(view, VIEW_SERIAL);
    assert_int_equal(feed(&c, "\033]mica;focus;4;sereal\a", &vm_id), CONTROL_GIVE_UP);
    assert_string_equal(c.bytes, "\033]mica;focus;4;sereal\a");
    c = (struct control){0};
    assert_int_equal(feed(&c, "x", &vm_id), CONTROL_PLAIN);
    assert_int_equal(feed(&c, "\033[", &vm_id), CONTROL_GIVE_UP);
    assert_int_equal(c.length, 2);
    c.length = 0;
    assert_int_equal(feed(&c, "\033]mica;focus;\a", &vm_id), CONTROL_GIVE_UP);
    c.length = 0;
    assert_int_equal(feed(&c, "\033]mica;focus;1234567890", &vm_id), CONTROL_GIVE_UP);
}

static const char *scan(struct keyboard *k, const char *codes)
{
    static char text[64];
    char out[KEYBOARD_BYTES];
    unsigned n = 0;
    for (; *codes; codes++) {
        unsigned got = keyboard_scan(k, (uint8_t)*codes, out);
        memcpy(text + n, out, got);
        n += got;
    }
    text[n] = 0;
    return text;
}

static void test_alt_and_a_function_key_choose(void **state)
{
    struct keyboard k = {0};
    (void)state;
    assert_string_equal(scan(&k, "\x38\x3c\xbc"), "");
    assert_int_equal(k.chosen, 2);
    assert_string_equal(scan(&k, "\x58\xd8\xb8"), "");
    assert_int_equal(k.chosen, 12);
    k.chosen = 0;
    assert_string_equal(scan(&k, "\x3c\xbc"), "\033OQ");
    assert_int_equal(k.chosen, 0);
}

static void test_keyboard(void **state)
{
    struct keyboard k = {0};
    (void)state;
    assert_string_equal(scan(&k, "\x1e\x9e\x2a\x1e\x9e\xaa\x1e"), "aAa");      // shift
    assert_string_equal(scan(&k, "\x1d\x2e\xae\x9d\x2e"), "\003c");            // Ctrl-C
    assert_string_equal(scan(&k, "\x1d\x1b\x9b\x9d"), "\035");                 // Ctrl-]
    assert_string_equal(scan(&k, "\xe0\x48\xe0\xc8\xe0\x4b"), "\033[A\033[D"); // arrows
    assert_string_equal(scan(&k, "\x3a\xba\x1e\x02\x3a\xba\x1e"), "A1a");      // caps lock
    assert_string_equal(scan(&k, "\xe1\x1d\x45\xe1\x9d\xc5\x1e"), "a");        // pause
    assert_string_equal(scan(&k, "\x38\x21\xa1\xb8"), "\033f");                // Alt-F
    assert_string_equal(scan(&k, "\x1c\x9c\x0e\x8e\x0f\xe0\x53\x39"), "\r\177\t\033[3~ ");
    assert_string_equal(scan(&k, "\x7f\x5c\x54\xff"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_message_goes_above_the_line, setup),
        cmocka_unit_test_setup(test_replay_begins_with_a_line, setup),
        cmocka_unit_test_setup(test_oldest_is_lost, setup),
        cmocka_unit_test_setup(test_keys_are_bounded, setup),
        cmocka_unit_test(test_focus_requests),
        cmocka_unit_test(test_keyboard),
        cmocka_unit_test(test_alt_and_a_function_key_choose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
