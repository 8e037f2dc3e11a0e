// SPDX-License-Identifier: MIT
// Several CPUs: wake-ups across, calls only at home, destruction while others run.
#include "tests/kernel/ktest.h"

static uint64_t ping[2];
static volatile unsigned rounds;

static void remote(void *arg)
{
    (void)arg;
    for (;;) {
        sm_down(ping[0], 0);
        rounds++;
        sm_up(ping[1]);
    }
}

static bool one_cpu(void)
{
    if (HIP->cpus < 2)
        skip("one CPU");
    return HIP->cpus < 2;
}

static void wake_across(void)
{
    if (one_cpu())
        return;
    ping[0] = sels(2);
    ping[1] = ping[0] + 1;
    create_sm(ping[0], SEL_SELF_PD, 0);
    create_sm(ping[1], SEL_SELF_PD, 0);
    for (unsigned cpu = 1; cpu < HIP->cpus; cpu++) {
        rounds = 0;
        uint64_t th = spawn(0, cpu, 50, remote, NULL);
        for (unsigned i = 0; i < 500; i++) {
            sm_up(ping[0]);
            CHECK_EQ(sm_down(ping[1], after_ms(2000)), ST_OK);
        }
        CHECK_EQ(rounds, 500);
        drop(th, 2);
    }
    drop(ping[0], 2);
}

static _Noreturn void never(uint64_t id, uint64_t words)
{
    (void)id, (void)words;
    ipc_return(0);
}

static void portals_are_local(void)
{
    if (one_cpu())
        return;
    uint64_t ec = handler(0, 1), p = portal(ec, never, 0, 0);
    CHECK_EQ(ipc_call(p, 0).status, ST_BAD_CPU);
    drop(p, 1);
    drop(ec, 1);
}

static volatile uint64_t spins[8];
static void spin(void *which)
{
    for (;;)
        spins[(uint64_t)which]++;
}

// Threads that run on other CPUs end at once: their counters stand still.
static void stop_elsewhere(void)
{
    if (one_cpu())
        return;
    uint64_t s = sels(1);
    create_sm(s, SEL_SELF_PD, 0);
    for (unsigned round = 0; round < 10; round++) {
        uint64_t th[8];
        unsigned n = HIP->cpus < 8 ? HIP->cpus : 8;
        for (uint64_t cpu = 1; cpu < n; cpu++)
            th[cpu] = spawn(cpu, cpu, 30, spin, (void *)cpu);
        sm_down(s, after_ms(2));
        for (unsigned cpu = 1; cpu < n; cpu++) {
            drop(th[cpu], 2);
            uint64_t seen = spins[cpu];
            sm_down(s, after_ms(1));
            CHECK_EQ(spins[cpu], seen);
        }
    }
    drop(s, 1);
}

// All CPUs create, call and destroy at the same time in their own corner of the object space.
static volatile uint64_t storms_left;
static uint64_t storm_done;
static void storm(void *arg)
{
    uint64_t base = 100000 + (uint64_t)arg * 2048;
    for (unsigned i = 0; i < 300 / HIP->cpus; i++) { // each destruction waits for every CPU
        create_sm(base + i % 7, SEL_SELF_PD, 1);
        sm_up(base + i % 7);
        sm_down(base + (i + 3) % 7, 1);
        ctrl_pd(PD_COPY, SEL_SELF_PD, base + 100, SEL_SELF_PD, base, pd_arg(7, PERM_ALL));
        if (i % 5 == 0)
            ctrl_pd(PD_UNMAP_OBJ, SEL_SELF_PD, base, 0, 0, pd_arg(7, 0));
        if (i % 3 == 0)
            ctrl_pd(PD_UNMAP_OBJ, SEL_SELF_PD, base + 100, 0, 0, pd_arg(7, 0));
    }
    drop(base, 200);
    __atomic_sub_fetch(&storms_left, 1, __ATOMIC_SEQ_CST);
    sm_up(storm_done);
}

static void storms(void)
{
    storm_done = sels(1);
    create_sm(storm_done, SEL_SELF_PD, 0);
    ktest_mark();
    for (unsigned round = 0; round < 2; round++) {
        ktest_recycle();
        uint64_t used = kernel_used(), th[8];
        unsigned n = HIP->cpus < 8 ? HIP->cpus : 8;
        storms_left = n;
        for (uint64_t cpu = 0; cpu < n; cpu++)
            th[cpu] = spawn(cpu, cpu, 30, storm, (void *)cpu);
        while (storms_left)
            CHECK_EQ(sm_down(storm_done, after_ms(60000)), ST_OK);
        for (unsigned cpu = 0; cpu < n; cpu++)
            drop(th[cpu], 2);
        if (round) // the first round's leaves of the object space stay
            CHECK_EQ(kernel_used(), used);
    }
    drop(storm_done, 1);
}

const struct test tests_smp[] = {
    {"wake-ups across CPUs", wake_across},
    {"portals are CPU-local", portals_are_local},
    {"threads stop on other CPUs", stop_elsewhere},
    {"creation and destruction on all CPUs", storms},
    {0},
};
