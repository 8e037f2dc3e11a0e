// SPDX-License-Identifier: MIT
// sources: vmm-user/keys.c vmm-user/typing.c vmm-user/devices/i8042.c vmm-user/devices/ps2_keyboard.c
// sources: vmm-user/devices/ps2_mouse.c
#include "tests/unit/cmocka_all.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/typing.h"

static void assert_key(struct key key, uint8_t code, bool extended, uint8_t modifiers)
{
    assert_int_equal(key.code, code);
    assert_int_equal(key.extended, extended);
    assert_int_equal(key.modifiers, modifiers);
}

// The only key of a text or of a terminal's bytes.
static struct key named(const char *text)
{
    unsigned length;
    struct key key = key_of_text(text, &length);
    assert_int_equal(length, strlen(text));
    return key;
}

static struct key typed(const char *bytes)
{
    struct key_terminal t = {0};
    struct key key = {0};
    for (; *bytes; bytes++) {
        assert_int_equal(key.code, 0);
        key = key_terminal_byte(&t, (uint8_t)*bytes);
    }
    assert_int_equal(key_terminal_end(&t).code, 0);
    return key;
}

static void test_texts(void **state)
{
    unsigned length;
    (void)state;
    assert_key(named("a"), 0x1c, false, 0);
    assert_key(named("A"), 0x1c, false, KEY_SHIFT);
    assert_key(named("<enter>"), 0x5a, false, 0);
    assert_key(named("<up>"), 0x75, true, 0);
    assert_key(named("<c-x>"), 0x22, false, KEY_CTRL);
    assert_key(named("<c-a-del>"), 0x71, true, KEY_CTRL | KEY_ALT);
    assert_key(named("<s-tab>"), 0x0d, false, KEY_SHIFT);
    assert_key(named("<a-f4>"), 0x0c, false, KEY_ALT);
    assert_key(named("<lt>"), 0x41, false, KEY_SHIFT);
    assert_key(named("<c-->"), 0x4e, false, KEY_CTRL);
    assert_key(key_of_text("<nothing>", &length), 0x41, false, KEY_SHIFT);
    assert_int_equal(length, 1);
    assert_key(key_of_text("<>", &length), 0x41, false, KEY_SHIFT);
    assert_int_equal(length, 1);
    assert_key(key_of_text("\xc3\xa4", &length), 0, false, 0);
    assert_int_equal(length, 1);
}

static void test_a_terminals_keys(void **state)
{
    (void)state;
    assert_key(typed("a"), 0x1c, false, 0);
    assert_key(typed("\r"), 0x5a, false, 0);
    assert_key(typed("\x7f"), 0x66, false, 0);
    assert_key(typed("\x03"), 0x21, false, KEY_CTRL);
    assert_key(typed("\x1c"), 0x5d, false, KEY_CTRL);
    assert_key(typed("\033[A"), 0x75, true, 0);
    assert_key(typed("\033OA"), 0x75, true, 0);
    assert_key(typed("\033[1;5A"), 0x75, true, KEY_CTRL);
    assert_key(typed("\033OP"), 0x05, false, 0);
    assert_key(typed("\033[[A"), 0x05, false, 0);
    assert_key(typed("\033[1;2P"), 0x05, false, KEY_SHIFT);
    assert_key(typed("\033[15~"), 0x03, false, 0);
    assert_key(typed("\033[24~"), 0x07, false, 0);
    assert_key(typed("\033[3;5~"), 0x71, true, KEY_CTRL);
    assert_key(typed("\033[Z"), 0x0d, false, KEY_SHIFT);
    assert_key(typed("\033x"), 0x22, false, KEY_ALT);
    assert_key(typed("\033[99999999~"), 0, false, 0);
    assert_key(typed("\xc3\xa4"), 0, false, 0);
}

static void test_escape_alone(void **state)
{
    struct key_terminal t = {0};
    (void)state;
    assert_int_equal(key_terminal_byte(&t, 0x1b).code, 0);
    assert_key(key_terminal_end(&t), 0x76, false, 0);
    assert_int_equal(key_terminal_end(&t).code, 0);
    assert_int_equal(key_terminal_byte(&t, 0x1b).code, 0);
    assert_key(key_terminal_byte(&t, 0x1b), 0x76, false, 0);
    assert_key(key_terminal_end(&t), 0x76, false, 0);
}

static void test_scan_codes(void **state)
{
    struct key_scan s = {0};
    struct key key = key_scan_byte(&s, 0x1e);
    (void)state;
    assert_key(key, 0x1c, false, 0);
    assert_int_equal(key.action, KEY_DOWN);
    key = key_scan_byte(&s, 0x9e);
    assert_int_equal(key.action, KEY_UP);
    assert_int_equal(key_scan_byte(&s, 0xe0).code, 0);
    assert_key(key_scan_byte(&s, 0x48), 0x75, true, 0);
    assert_key(key_scan_byte(&s, 0x48), 0x75, false, 0);
    assert_key(key_scan_byte(&s, 0x41), 0x83, false, 0);                                       // F7
    for (const char *c = "abcdefghijklmnopqrstuvwxyz0123456789 \n\t\b`-=[]\\;',./"; *c; c++) { // there and back
        struct key of_text = named((char[]){*c, 0});
        assert_key(key_scan_byte(&s, ps2_set1(of_text.code)), of_text.code, false, 0);
    }
    const uint8_t pause[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
    for (unsigned i = 0; i < sizeof(pause); i++)
        assert_int_equal(key_scan_byte(&s, pause[i]).code, 0);
    assert_key(key_scan_byte(&s, 0x1e), 0x1c, false, 0);
}

static void test_what_is_sent(void **state)
{
    uint8_t bytes[KEY_BYTES];
    struct key key = named("<c-a-del>");
    (void)state;
    const uint8_t all[] = {0x14, 0x11, 0xe0, 0x71, 0xe0, 0xf0, 0x71, 0xf0, 0x11, 0xf0, 0x14};
    assert_int_equal(key_bytes(&key, bytes), sizeof(all));
    assert_memory_equal(bytes, all, sizeof(all));
    key.action = KEY_DOWN;
    assert_int_equal(key_bytes(&key, bytes), 4);
    assert_memory_equal(bytes, all, 4);
    key.action = KEY_UP;
    assert_int_equal(key_bytes(&key, bytes), 7);
    assert_memory_equal(bytes, all + 4, 7);
    key = (struct key){0x1c, false, 0, KEY_UP};
    assert_int_equal(key_bytes(&key, bytes), 2);
    assert_int_equal(bytes[0], 0xf0);
}

// ---- typing: through the keyboard controller, translated to set 1 as software expects it

static struct fake f;
static struct i8042 kbc;
static struct typing typing;

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    i8042_init(&kbc, &f.clock,
               (struct i8042_wires){fake_line(&f, 1), fake_line(&f, 12), fake_line(&f, 20), fake_power(&f)});
    typing_init(&typing, &f.clock, &kbc);
    return 0;
}

static void assert_received(const char *codes)
{
    typing_begin(&typing);
    for (unsigned ms = 0; *codes && ms < 1000; ms++) {
        fake_run(&f, FAKE_MS);
        if (in8(&kbc, 0x64) & 1) {
            assert_int_equal(in8(&kbc, 0x60), (uint8_t)*codes);
            codes++;
        }
    }
    assert_int_equal(*codes, 0);
    fake_run(&f, 100 * FAKE_MS);
    assert_int_equal(in8(&kbc, 0x64) & 1, 0);
}

static void test_typing(void **state)
{
    (void)state;
    assert_true(typing_put(&typing, "A<c-x>"));
    assert_received("\x2a\x1e\x9e\xaa\x1d\x2d\xad\x9d");
    char text[TYPING_ROOM + 2];
    memset(text, 'x', sizeof(text));
    text[TYPING_ROOM + 1] = 0;
    assert_false(typing_put(&typing, text));
    text[TYPING_ROOM] = 0;
    assert_true(typing_put(&typing, text));
    assert_false(typing_put(&typing, "y"));
}

// Software looks at the shift keys when it takes a key (FreeDOS' EDIT at Alt): they are still down then.
static void test_a_key_is_held(void **state)
{
    (void)state;
    assert_true(typing_put(&typing, "<a-f>"));
    typing_begin(&typing);
    unsigned count = 0;
    uint8_t codes[8];
    for (unsigned ms = 0; ms < 10; ms++) {
        fake_run(&f, FAKE_MS);
        if (in8(&kbc, 0x64) & 1 && count < sizeof(codes))
            codes[count++] = in8(&kbc, 0x60);
    }
    assert_int_equal(count, 2);
    assert_memory_equal(codes, "\x38\x21", 2);
    assert_received("\xa1\xb8");
}

static void test_held_keys_go_up(void **state)
{
    (void)state;
    typing_key(&typing, (struct key){0x11, false, 0, KEY_DOWN}); // Alt
    typing_key(&typing, (struct key){0x75, true, 0, KEY_DOWN});  // and Up
    typing_key(&typing, (struct key){0x05, false, 0, KEY_UP});   // F1 was never down
    assert_received("\x38\xe0\x48");
    typing_release(&typing);
    assert_received("\xb8\xe0\xc8");
    typing_release(&typing);
    assert_received("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_a_terminals_keys),
        cmocka_unit_test(test_escape_alone),
        cmocka_unit_test(test_scan_codes),
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test_setup(test_typing, setup),
        cmocka_unit_test_setup(test_a_key_is_held, setup),
        cmocka_unit_test_setup(test_held_keys_go_up, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
