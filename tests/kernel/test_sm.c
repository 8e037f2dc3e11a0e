// SPDX-License-Identifier: MIT
// Semaphores: counting, deadlines, waking, dying, interrupts.
#include "tests/kernel/ktest.h"
#include "x86/regs.h"

static void counting(void)
{
    uint64_t s = sels(2);
    CHECK_EQ(create_sm(s, SEL_SELF_PD, 2).status, ST_OK);
    CHECK_EQ(sm_down(s, 1), ST_OK);
    CHECK_EQ(sm_down(s, 0), ST_OK);
    CHECK_EQ(sm_down(s, 1), ST_TIMEOUT);
    sm_up(s);
    sm_up(s);
    sm_up(s);
    struct hc_result r = sm_take_all(s, 1);
    CHECK_EQ(r.status, ST_OK);
    CHECK_EQ(r.value, 3);
    CHECK_EQ(sm_take_all(s, 1).status, ST_TIMEOUT);
    CHECK_EQ(create_sm(s + 1, SEL_SELF_PD, ~0ul).status, ST_OK);
    CHECK_EQ(sm_up(s + 1), ST_OVERFLOW);
    drop(s, 2);
}

static void deadlines(void)
{
    uint64_t s = sels(1);
    create_sm(s, SEL_SELF_PD, 0);
    for (unsigned ms = 1; ms <= 32; ms *= 2) {
        uint64_t until = after_ms(ms);
        CHECK_EQ(sm_down(s, until), ST_TIMEOUT);
        CHECK(tsc() >= until);
    }
    CHECK_EQ(sm_down(s, tsc() - 1), ST_TIMEOUT);
    drop(s, 1);
}

static uint64_t ping, pong;
static volatile unsigned rounds;
static void partner(void *arg)
{
    (void)arg;
    while (sm_down(ping, 0) == ST_OK) {
        rounds++;
        sm_up(pong);
    }
    rounds = 0xdead;
}

static void ping_pong(void)
{
    ping = sels(1);
    pong = sels(1);
    create_sm(ping, SEL_SELF_PD, 0);
    create_sm(pong, SEL_SELF_PD, 0);
    rounds = 0;
    uint64_t th = spawn(0, 0, 50, partner, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        sm_up(ping);
        CHECK_EQ(sm_down(pong, after_ms(1000)), ST_OK);
    }
    CHECK_EQ(rounds, 1000);
    drop(ping, 1); // the waiter wakes with ST_ABORTED
    uint64_t s = sels(1);
    create_sm(s, SEL_SELF_PD, 0);
    sm_down(s, after_ms(20));
    CHECK_EQ(rounds, 0xdead);
    drop(th, 2);
    drop(s, 1);
    drop(pong, 1);
}

static volatile unsigned order[8], order_count;
static uint64_t queue_sm;
static void queued(void *arg)
{
    sm_down(queue_sm, 0);
    order[order_count++] = (uint64_t)arg;
}

static void first_come_first_served(void)
{
    queue_sm = sels(1);
    create_sm(queue_sm, SEL_SELF_PD, 0);
    order_count = 0;
    uint64_t th[3];
    for (uint64_t i = 0; i < 3; i++)
        th[i] = spawn(i, 0, 110, queued, (void *)(i + 1)); // runs at once, up to its down
    for (unsigned i = 0; i < 3; i++)
        sm_up(queue_sm);
    CHECK_EQ(order_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(order[i], i + 1);
        drop(th[i], 2);
    }
    drop(queue_sm, 1);
}

// The PIT as a source of real interrupts: GSI 2 (MADT override) or 0.
static void interrupts(void)
{
    uint64_t s = sels(1);
    create_sm(s, SEL_SELF_PD, 0);
    CHECK_EQ(ctrl_pd(PD_MAP_PIO, SEL_SELF_PD, 0x40, SEL_HW, 0x40, pd_arg(4, MAP_R | MAP_W)).status, ST_OK);
    CHECK_EQ(assign_int(s, 2, 0, 0).status, ST_OK);
    CHECK_EQ(assign_int(s, 2, 0, 0).status, ST_IN_USE);
    sm_down(s, 1); // opens the line
    outb(0x43, 0x34);
    outb(0x40, 0x9c);
    outb(0x40, 0x2e); // 11,932: 100 Hz
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(sm_down(s, after_ms(100)), ST_OK);
    drop(s, 1);
    uint64_t s2 = sels(1); // the line is free again
    create_sm(s2, SEL_SELF_PD, 0);
    CHECK_EQ(assign_int(s2, 2, 0, 0).status, ST_OK);
    drop(s2, 1);
    CHECK_EQ(ctrl_pd(PD_UNMAP_PIO, SEL_SELF_PD, 0x40, 0, 0, pd_arg(4, 0)).status, ST_OK);
}

const struct test tests_sm[] = {
    {"semaphore counts", counting},
    {"semaphore deadlines", deadlines},
    {"semaphore ping-pong and death", ping_pong},
    {"semaphore queue order", first_come_first_served},
    {"interrupt as semaphore", interrupts},
    {0},
};
