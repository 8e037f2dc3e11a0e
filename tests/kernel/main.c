// SPDX-License-Identifier: MIT
// Runs all tests, one line each on the serial port.
#include "lib/sys/start.h"
#include "tests/kernel/ktest.h"

static void run_table(const struct test *t)
{
    for (; t->name; t++) {
        current_test = t->name;
        failed = skipped = false;
        t->run();
        if (!failed && !skipped)
            say("PASS: %s", t->name);
    }
}

int main(void)
{
#define TEST_TABLE(name) tests_##name,
    static const struct test *const tables[] = {TEST_TABLES(TEST_TABLE)};
    ktest_setup();
    for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++)
        if (option("table=", i) == i &&
            (tables[i] == tests_fuzz || !option("fuzz=", 0))) // make fuzz-kernel runs that alone
            run_table(tables[i]);
    say("ktest: done");
    for (;;)
        sm_down(SEL_MAIN_SM, 0);
}
