// SPDX-License-Identifier: MIT
// Interrupts are never off for long: see longest.c.
#include "tests/kernel/longest.h"

#define LIMIT 12000

static void report(const char *name, uint64_t ticks)
{
    say("ktest: longest call: %s: %lu ticks", name, ticks);
    if (!tsc_is_the_hosts())
        CHECK(ticks <= LIMIT);
}

static void bounded(void)
{
    uint64_t most = longest_calls(report);
    CHECK(most > 1000); // it measured something
}

const struct test tests_latency[] = {{"no call keeps interrupts off for more than 12,000 ticks", bounded}, {0}};
