// SPDX-License-Identifier: MIT
// Who runs: priorities, equal shares, time accounting.
#include "tests/kernel/ktest.h"

static volatile uint64_t counter[4];
static void count(void *which)
{
    for (;;)
        counter[(uint64_t)which]++;
}

static void sleep_ms(uint64_t ms)
{
    uint64_t s = sels(1);
    create_sm(s, SEL_SELF_PD, 0);
    sm_down(s, after_ms(ms));
    drop(s, 1);
}

static void equal_shares(void)
{
    uint64_t a = spawn(0, 0, 10, count, (void *)0), b = spawn(1, 0, 10, count, (void *)1);
    sleep_ms(400);
    uint64_t ta = ctrl_sc(SC_TIME, a + 1).value, tb = ctrl_sc(SC_TIME, b + 1).value;
    drop(a, 2);
    drop(b, 2);
    CHECK(ta && tb);
    if (tsc_is_the_hosts())
        return;
    CHECK(ta > HIP->tsc_hz / 10 && tb > HIP->tsc_hz / 10);
    uint64_t difference = ta > tb ? ta - tb : tb - ta;
    CHECK(difference * 100 < (ta + tb) * 5);
}

static void priorities(void)
{
    counter[2] = counter[3] = 0;
    uint64_t high = spawn(0, 0, 20, count, (void *)2), low = spawn(1, 0, 10, count, (void *)3);
    sleep_ms(100);
    CHECK(counter[2] > 0);
    CHECK_EQ(counter[3], 0);
    drop(high, 2);
    sleep_ms(50);
    CHECK(counter[3] > 0);
    drop(low, 2);
}

static void time_is_charged_to_the_caller(void)
{
    uint64_t before = ctrl_sc(SC_TIME, SEL_SELF_SC).value, start = tsc();
    while (tsc() - start < HIP->tsc_hz / 100)
        ;
    uint64_t used = ctrl_sc(SC_TIME, SEL_SELF_SC).value - before;
    CHECK(used >= HIP->tsc_hz / 200);
    CHECK_EQ(ctrl_sc(SC_TIME, SEL_SELF_EC).status, ST_BAD_CAP);
}

const struct test tests_sched[] = {
    {"equal shares", equal_shares},
    {"priorities", priorities},
    {"time used", time_is_charged_to_the_caller},
    {0},
};
