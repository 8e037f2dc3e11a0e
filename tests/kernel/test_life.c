// SPDX-License-Identifier: MIT
// Processes: cross-PD calls, quotas, and that the end of one returns every page, whatever it was doing.
#include "tests/kernel/ktest.h"

static _Noreturn void add_one(uint64_t id, uint64_t words)
{
    utcb_self()->words[0] += id;
    ipc_return(words);
}

static void cross_pd(void)
{
    struct child c;
    uint64_t used = kernel_used();
    child_create(&c, 64, 0);
    uint64_t ec = child_handler(&c, 0), p = portal(ec, add_one, 5, 0);
    for (unsigned i = 0; i < 100; i++) {
        utcb_self()->words[0] = i;
        CHECK_EQ(ipc_call(p, 1).status, ST_OK);
        CHECK_EQ(utcb_self()->words[0], i + 5);
    }
    destroy_pd(c.pd);
    CHECK_EQ(ipc_call(p, 0).status, ST_ABORTED); // the portal is ours, its EC is dead
    drop(p, 1);
    drop(ec, 1);
    CHECK(kernel_used() <= used + 4); // leaves of our object space, tables of our windows
}

// What a child does until it is destroyed.
static void busy(void *arg)
{
    (void)arg;
    for (;;)
        __builtin_ia32_pause();
}

static void waits(void *sel)
{
    for (;;)
        sm_down((uint64_t)sel, 0);
}

static void calls(void *sel)
{
    for (;;)
        ipc_call((uint64_t)sel, 0);
}

static void makes_objects(void *arg)
{
    (void)arg;
    for (uint64_t s = 200; create_sm(s, SEL_SELF_PD, 0).status != ST_NO_MEM; s += 7)
        ;
    for (;;)
        __builtin_ia32_pause();
}

static _Noreturn void blocks(uint64_t sel, uint64_t words)
{
    (void)words;
    sm_down(sel, 0);
    ipc_return(0);
}

static void one_life(unsigned cpu, uint64_t sm, uint64_t pause_us)
{
    struct child c;
    child_create(&c, 100, PD_OBJ);
    give(&c, 100, sm, 1, PERM_ALL);
    uint64_t made = sels(12), n = 0;
    (void)made;
    uint64_t h = child_handler(&c, cpu), s[5];
    CHECK_EQ(create_pt(made, c.pd, h, (uint64_t)blocks, 100, 0).status, ST_OK);
    give(&c, 101, made, 1, PERM_ALL);
    s[n++] = child_spawn(&c, cpu, 20, waits, (void *)100);
    s[n++] = child_spawn(&c, cpu, 20, calls, (void *)101); // in the handler, which waits
    s[n++] = child_spawn(&c, cpu, 20, calls, (void *)101); // helps, and waits with it
    s[n++] = child_spawn(&c, cpu, 18, busy, NULL);
    s[n++] = child_spawn(&c, cpu, 19, makes_objects, NULL);
    uint64_t t = sels(1);
    create_sm(t, SEL_SELF_PD, 0);
    sm_down(t, tsc() + HIP->tsc_hz / 1000000 * pause_us);
    drop(t, 1);
    destroy_pd(c.pd);
    for (unsigned i = 0; i < n; i++)
        drop(s[i], 2);
    drop(h, 1);
    drop(made, 1);
}

static void lives_leave_nothing(void)
{
    uint64_t sm = sels(1);
    create_sm(sm, SEL_SELF_PD, 0);
    uint64_t used = 0, pool = 0;
    ktest_mark();
    for (unsigned i = 0; i < 60; i++) {
        if (i == 10) { // selectors and windows that the first rounds took have their pages now
            used = kernel_used();
            pool = free_pages();
        }
        ktest_recycle();
        one_life(i % HIP->cpus, sm, i * 97 % 3000);
    }
    CHECK_EQ(kernel_used(), used);
    CHECK_EQ(free_pages(), pool);
    drop(sm, 1);
}

static void quota(void)
{
    struct child c;
    uint64_t before = ctrl_pd(PD_QUERY, SEL_SELF_PD, 0, 0, 0, 1).value;
    child_create(&c, 40, PD_OBJ);
    CHECK_EQ(ctrl_pd(PD_QUERY, SEL_SELF_PD, 0, 0, 0, 1).value, before - 40);
    CHECK_EQ(ctrl_pd(PD_QUERY, c.pd, 0, 0, 0, 1).value, 40);
    uint64_t s = sels(3000), n = 0;
    while (n < 3000 && create_sm(s + n, c.pd, 0).status == ST_OK)
        n++;
    CHECK(n > 100 && n < 3000); // its account, not ours
    CHECK_EQ(create_sm(s + n, c.pd, 0).status, ST_NO_MEM);
    CHECK_EQ(create_sm(s + n, SEL_SELF_PD, 0).status, ST_OK);
    drop(s, n + 1);
    CHECK_EQ(create_sm(s, c.pd, 0).status, ST_OK);
    destroy_pd(c.pd);
    CHECK_EQ(sm_up(s), ST_BAD_CAP); // it died with its payer
    drop(s, 1);
    CHECK_EQ(ctrl_pd(PD_QUERY, SEL_SELF_PD, 0, 0, 0, 1).value, before);
    CHECK_EQ(ctrl_pd(PD_DESTROY, SEL_SELF_PD, 0, 0, 0, 0).status, ST_BAD_PAR);
}

static uint64_t dying_portal;
static volatile uint64_t call_status;
static void call_once(void *arg)
{
    (void)arg;
    call_status = ipc_call(dying_portal, 0).status;
}

static void server_dies(void)
{
    struct child c;
    child_create(&c, 64, 0);
    uint64_t sm = sels(1), h = child_handler(&c, 0);
    create_sm(sm, SEL_SELF_PD, 0);
    give(&c, 100, sm, 1, PERM_ALL);
    dying_portal = sels(1);
    create_pt(dying_portal, SEL_SELF_PD, h, (uint64_t)blocks, 100, 0);
    call_status = 99;
    uint64_t a = spawn(0, 0, 110, call_once, NULL);
    CHECK_EQ(call_status, 99);
    destroy_pd(c.pd);
    CHECK_EQ(call_status, ST_ABORTED);
    drop(a, 2);
    drop(h, 1);
    drop(dying_portal, 1);
    drop(sm, 1);
}

// A client dies while the server works for it: the server finishes when the next one calls.
static uint64_t shared_gate;
static _Noreturn void gated(uint64_t id, uint64_t words)
{
    (void)id;
    if (words)
        sm_down(shared_gate, 0);
    utcb_self()->words[0] = 4711;
    ipc_return(1);
}

static void call_gated(void *sel)
{
    ipc_call((uint64_t)sel, 1);
}

// It ends within its own hypercall: the CPU then has nobody to go back to.
static uint64_t own_sels;
static void end_itself(void *arg)
{
    (void)arg;
    drop(own_sels, 2);
}

static void client_dies(void)
{
    struct child c;
    child_create(&c, 64, 0);
    shared_gate = sels(1);
    create_sm(shared_gate, SEL_SELF_PD, 0);
    uint64_t ec = handler(0, 0), p = portal(ec, gated, 0, 0);
    give(&c, 100, p, 1, PERM_ALL);
    uint64_t t = child_spawn(&c, 0, 110, call_gated, (void *)100);
    destroy_pd(c.pd);
    own_sels = sels(0);
    CHECK_EQ(spawn(2, 0, 110, end_itself, NULL), own_sels);
    sm_up(shared_gate);
    CHECK_EQ(ipc_call(p, 0).status, ST_OK);
    CHECK_EQ(utcb_self()->words[0], 4711);
    drop(t, 2);
    drop(p, 1);
    drop(ec, 1);
    drop(shared_gate, 1);
}

static void makes_and_drops(void *arg)
{
    (void)arg;
    for (;;) {
        create_sm(200, SEL_SELF_PD, 0);
        drop(200, 1); // waits for all CPUs
    }
}

// A thread is destroyed while it waits for other CPUs in a call of its own; then a server answers somebody who is gone,
// too.
static void dies_in_a_call(void)
{
    if (HIP->cpus == 1)
        return skip("one CPU");
    uint64_t sm = sels(1);
    create_sm(sm, SEL_SELF_PD, 0);
    ktest_mark();
    for (unsigned i = 0; i < 60; i++) {
        ktest_recycle();
        struct child c;
        child_create(&c, 64, PD_OBJ | PD_CTRL);
        uint64_t t = child_spawn(&c, 1, 20, makes_and_drops, NULL);
        sm_down(sm, tsc() + HIP->tsc_hz / 100000 * (i % 32));
        destroy_pd(c.pd);
        drop(t, 2);
        client_dies();
    }
    drop(sm, 1);
}

const struct test tests_life[] = {
    {"calls between PDs", cross_pd},
    {"quota", quota},
    {"server dies", server_dies},
    {"client dies", client_dies},
    {"a thread dies in a call, then a client", dies_in_a_call},
    {"lives leave nothing", lives_leave_nothing},
    {0},
};
