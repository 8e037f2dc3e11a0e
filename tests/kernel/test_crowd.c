// SPDX-License-Identifier: MIT
// As many threads as an account pays for, all at one object: what the kernel must then do for each of them may take
// long, but not with interrupts off. How long they are off here is what another CPU waits for this one to answer a TLB
// shootdown.
#include "lib/sys/start.h"
#include "tests/kernel/ktest.h"

#define CROWD    400
#define STACKS   0x3100000000ul
#define STACK    256ul // bytes: of threads that do nothing but call the kernel
#define UTCBS    0x3200000000ul
#define NOWHERE  0x3300000000ul
#define LIMIT    12000 // ticks, the prober's own call included; of instructions
#define CHAIN    200
#define CROWD_SC (HIP->tsc_hz / 5000) // quantum

static uint64_t ecs, scs, meeting, done; // selectors: of the crowd; what they wait for; who is over
static uint64_t deadline;
static volatile enum status last;

// ---- the crowd: no stack to speak of, no UTCB that it knows
static _Noreturn void over(enum status st)
{
    last = st;
    sm_up(done);
    for (;;)
        sm_down(SEL_MAIN_SM, 0);
}

static _Noreturn void waits(void)
{
    over(sm_down(meeting, deadline));
}

static _Noreturn void calls(void)
{
    over(ipc_call(meeting, 0).status);
}

static void crowd_gather(unsigned count, void (*deed)(void))
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t *top = (uint64_t *)(STACKS + (i + 1) * STACK);
        top[-2] = (uint64_t)deed;
        top[-1] = (uint64_t)(top - 3);
        CHECK_EQ(create_ec(ecs + i, SEL_SELF_PD, EC_GLOBAL, UTCBS + i * PAGE_SIZE, (uint64_t)(top - 2), 0).status,
                 ST_OK);
        CHECK_EQ(create_sc(scs + i, SEL_SELF_PD, ecs + i, 20, CROWD_SC).status, ST_OK);
    }
}

static void idles(void *arg)
{
    (void)arg;
    sm_up(done);
}

static void crowd_blocked(void) // a thread that is less important runs when all of them wait
{
    uint64_t th = spawn(3, 0, 10, idles, NULL);
    CHECK_EQ(sm_down(done, after_ms(20000)), ST_OK);
    drop(th, 2);
}

static void crowd_wait(unsigned count, enum status expected)
{
    for (unsigned i = 0; i < count; i++)
        CHECK_EQ(sm_down(done, after_ms(20000)), ST_OK);
    CHECK_EQ(last, expected);
}

static void crowd_leave(unsigned count)
{
    drop(scs, count);
    drop(ecs, count);
}

// ---- what another CPU sees
static volatile bool probing;
static volatile uint64_t longest, probes;
static uint64_t probe_over;
static void probe(void *arg)
{
    (void)arg;
    while (probing) {
        uint64_t start = tsc(), took;
        ctrl_pd(PD_UNMAP_MEM, SEL_SELF_PD, NOWHERE, 0, 0, pd_arg(1, 0));
        took = tsc() - start;
        longest = took > longest ? took : longest;
        probes++;
    }
    sm_up(probe_over);
}

static void scenario(const char *name, void (*run)(void))
{
    bool probed =
        HIP->cpus > 1 && !tsc_is_the_hosts(); // or it would show how the host schedules its emulator's threads
    uint64_t th = 0;
    longest = probes = 0;
    probing = probed;
    if (probed)
        th = spawn(2, 1, 50, probe, NULL);
    run();
    probing = false;
    if (!probed)
        return;
    CHECK_EQ(sm_down(probe_over, after_ms(20000)), ST_OK);
    drop(th, 2);
    say("ktest: longest answer while %s: %lu ticks (%lu asked)", name, longest, probes);
    CHECK(longest <= LIMIT);
}

// ---- scenarios
static void abort_waiters(void)
{
    deadline = 0;
    create_sm(meeting, SEL_SELF_PD, 0);
    crowd_gather(CROWD, waits);
    crowd_blocked();
    drop(meeting, 1);
    crowd_wait(CROWD, ST_ABORTED);
    crowd_leave(CROWD);
}

static void same_deadline(void)
{
    create_sm(meeting, SEL_SELF_PD, 0);
    deadline = after_ms(tsc_is_the_hosts() ? 200 : 20);
    crowd_gather(CROWD, waits);
    crowd_wait(CROWD, ST_TIMEOUT);
    crowd_leave(CROWD);
    drop(meeting, 1);
}

static volatile bool first_call;
static _Noreturn void slow(uint64_t gate, uint64_t words)
{
    if (first_call) { // until all the others have called, too: each call of theirs is a time slice
        first_call = false;
        for (uint64_t until = tsc() + CROWD * CROWD_SC * 2; tsc() < until;)
            __builtin_ia32_pause();
        sm_down(gate, 0);
    }
    ipc_return(words);
}

static void callers(bool server_dies)
{
    uint64_t gate = sels(1), server = handler(0, 0);
    create_sm(gate, SEL_SELF_PD, 0);
    CHECK_EQ(create_pt(meeting, SEL_SELF_PD, server, (uint64_t)slow, gate, 0).status, ST_OK);
    first_call = true;
    crowd_gather(CROWD, calls);
    crowd_blocked();
    if (server_dies) {
        drop(server, 1);
        drop(meeting, 1);
    } else {
        sm_up(gate);
    }
    crowd_wait(CROWD, server_dies ? ST_BAD_CAP : ST_OK); // they call again, by a portal that went with its handler
    crowd_leave(CROWD);
    drop(gate, 1);
    if (!server_dies) {
        drop(meeting, 1);
        drop(server, 1);
    }
}

static void answer_callers(void)
{
    callers(false);
}

static void abort_callers(void)
{
    callers(true);
}

// Handlers that call one another in turn; the last one works. Nobody follows such a chain to its end.
static _Noreturn void next_please(uint64_t next, uint64_t words)
{
    if (next)
        ipc_call(next, words);
    for (;;)
        __builtin_ia32_pause();
}

static void nested_calls(void)
{
    uint64_t first = sels(2 * CHAIN);
    for (unsigned i = 0; i < CHAIN; i++) {
        uint64_t sp = STACKS + (CROWD + i + 1) * STACK - 8;
        CHECK_EQ(create_ec(first + 2 * i, SEL_SELF_PD, EC_LOCAL, UTCBS + (CROWD + i) * PAGE_SIZE, sp, 0).status, ST_OK);
        CHECK_EQ(create_pt(first + 2 * i + 1, SEL_SELF_PD, first + 2 * i, (uint64_t)next_please,
                           i + 1 < CHAIN ? first + 2 * i + 3 : 0, 0)
                     .status,
                 ST_OK);
    }
    CHECK_EQ(ctrl_pd(PD_COPY, SEL_SELF_PD, meeting, SEL_SELF_PD, first + 1, pd_arg(1, PT_CALL)).status, ST_OK);
    crowd_gather(1, calls);
    crowd_blocked(); // at the end of its first slice the chain has stopped
    crowd_leave(1);
    drop(meeting, 1);
    drop(first, 2 * CHAIN);
}

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    {"a semaphore with many waiters dies", abort_waiters},
    {"many have the same deadline", same_deadline},
    {"many call one handler, which waits", answer_callers},
    {"a handler that many call dies", abort_callers},
    {"calls are nested deeply", nested_calls},
};

static void crowds(void)
{
    uint64_t phys = phys_take((CROWD + CHAIN) * STACK / PAGE_SIZE + 1, PAGE_SIZE);
    map_self(STACKS, phys, (CROWD + CHAIN) * STACK / PAGE_SIZE + 1, MAP_R | MAP_W);
    ecs = sels(CROWD);
    scs = sels(CROWD);
    meeting = sels(1);
    done = sels(2);
    probe_over = done + 1;
    create_sm(done, SEL_SELF_PD, 0);
    create_sm(probe_over, SEL_SELF_PD, 0);
    for (unsigned i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        scenario(scenarios[i].name, scenarios[i].run);
    drop(done, 2);
    unmap_self(STACKS, (CROWD + CHAIN) * STACK / PAGE_SIZE + 1);
}

const struct test tests_crowd[] = {{"a crowd at one object does not keep interrupts off", crowds}, {0}};
