// SPDX-License-Identifier: MIT
// What a process can still do while it is being destroyed, step by step, and what its end costs others.
#include "tests/kernel/ktest.h"
#include "x86/regs.h"

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

// The bitmap of a process's ports may lie where that of a dead one lay, which a CPU remembers to have loaded.
#define GIVEN_SM 100
static uint64_t ported_sm;
static _Noreturn void port_refused(uint64_t id, uint64_t mtd)
{
    (void)id, (void)mtd;
    faulted = true;
    sm_up(ported_sm);
    ipc_return(MTD_STOP);
}

static void reads_port(void *port)
{
    (void)inb((uint64_t)port);
    sm_up(GIVEN_SM);
    for (;;)
        sm_down(GIVEN_SM + 1, 0);
}

static bool port_faults(uint64_t given, uint64_t port, unsigned cpu, uint64_t portal_sel)
{
    enum { EXC_GP = 13 };
    struct child c;
    uint64_t never = sels(1);
    create_sm(never, SEL_SELF_PD, 0);
    child_create(&c, 64, 0);
    CHECK_EQ(ctrl_pd(PD_MAP_PIO, c.pd, given, SEL_HW, given, pd_arg(1, 0)).status, ST_OK);
    give(&c, EXC_GP, portal_sel, 1, PT_CALL);
    give(&c, GIVEN_SM, ported_sm, 1, SM_UP);
    give(&c, GIVEN_SM + 1, never, 1, SM_DOWN);
    faulted = false;
    uint64_t th = child_spawn(&c, cpu, 50, reads_port, (void *)port);
    CHECK_EQ(sm_down(ported_sm, after_ms(20000)), ST_OK);
    destroy_pd(c.pd);
    drop(th, 2);
    drop(never, 1);
    return faulted;
}

static void ports_of_the_dead(void)
{
    unsigned cpu = HIP->cpus > 1;
    uint64_t ec = handler(0, cpu), p = portal(ec, port_refused, 0, 0);
    ported_sm = sels(1);
    create_sm(ported_sm, SEL_SELF_PD, 0);
    for (unsigned i = 0; i < 4; i++) {
        CHECK(!port_faults(0x80, 0x80, cpu, p));
        CHECK(port_faults(0x81, 0x80, cpu, p));
    }
    drop(ported_sm, 1);
    drop(p, 1);
    drop(ec, 1);
}

const struct test tests_dying[] = {
    {"the ports of the dead are nobody's", ports_of_the_dead},
    {"a dying process cannot write what was freed of it", utcb_of_the_dead},
    {0},
};
