// SPDX-License-Identifier: MIT
// What a process can still do while it is being destroyed, step by step, and what its end costs others.
#include "tests/kernel/ktest.h"

static volatile bool faulted;
static _Noreturn void on_fault(uint64_t id, uint64_t mtd)
{
    (void)id, (void)mtd;
    faulted = true;
    ipc_return(MTD_STOP);
}

static void writes(void *address)
{
    for (;;)
        ++*(volatile uint64_t *)address;
}

static void pause_ms(uint64_t ms)
{
    uint64_t s = sels(1);
    create_sm(s, SEL_SELF_PD, 0);
    sm_down(s, after_ms(ms));
    drop(s, 1);
}

// The first EC of a process goes in the first step; a thread that goes in a later one has no use of its UTCB any more.
static void utcb_of_the_dead(void)
{
    enum { FILLERS = 12, EXC_PF = 14 };
    struct child c;
    uint64_t ec = handler(0, 0), p = portal(ec, on_fault, 0, 0);
    child_create(&c, 128, 0);
    give(&c, EXC_PF, p, 1, PT_CALL);
    uint64_t first = child_handler(&c, 0);
    uint64_t others[FILLERS];
    for (unsigned i = 0; i < FILLERS; i++)
        others[i] = child_handler(&c, 0);
    uint64_t th = child_spawn(&c, 0, 5, writes, (void *)CHILD_UTCB);
    faulted = false;
    pause_ms(20);
    CHECK(!faulted);
    CHECK_EQ(ctrl_pd(PD_DESTROY, c.pd, 0, 0, 0, 0).status, ST_AGAIN);
    drop(first, 1);
    pause_ms(20);
    CHECK(faulted);
    destroy_pd(c.pd);
    drop(th, 2);
    for (unsigned i = 0; i < FILLERS; i++)
        drop(others[i], 1);
    drop(p, 1);
    drop(ec, 1);
}

const struct test tests_dying[] = {
    {"a dying process cannot write what was freed of it", utcb_of_the_dead},
    {0},
};
