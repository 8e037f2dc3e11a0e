// SPDX-License-Identifier: MIT
// sources: lib/sys/nearest.c
#include "lib/sys/nearest.h"
#include <string.h>
#include "tests/unit/cmocka_all.h"

static const char *meant(const char *word)
{
    static const char *const words[] = {"vm start", "vm stat", "vm list", "help", "log", "echo", "ps", "poweroff"};
    struct nearest n;
    nearest_init(&n, word);
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        nearest_try(&n, words[i]);
    return n.best ? n.best : "";
}

static void misspelt(void **state)
{
    static const char *const cases[][2] = {
        {"vm strat", "vm start"}, {"vm sat", "vm stat"},     {"vm lst", "vm list"},   {"hlep", "help"},
        {"halp", "help"},         {"ecoh", "echo"},          {"powerof", "poweroff"}, {"power-off", "poweroff"},
        {"lgo", "log"},           {"vm startt", "vm start"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(meant(cases[i][0]), cases[i][1]);
}

static void something_else(void **state)
{
    static const char *const words[] = {"", "x", "ls", "frobnicate", "dir", "shutdown", "kernel"};
    char longest[200];
    (void)state;
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_string_equal(meant(words[i]), "");
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    assert_string_equal(meant(longest), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(misspelt), cmocka_unit_test(something_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
