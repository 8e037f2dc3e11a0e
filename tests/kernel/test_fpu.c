// SPDX-License-Identifier: MIT
// Vector registers: for those with the right, each its own; for all others an exception and nothing to see.
#include "lib/sys/vector.h"
#include "tests/kernel/ktest.h"

#define THREADS   3
#define ROUNDS    300
#define SAVE_AREA 0x58000000ul

static uint64_t turn[THREADS], all_done;
static volatile uint64_t wrong, rounds_done;

static uint64_t fpu_thread(unsigned slot, unsigned cpu, thread_entry entry, void *arg)
{
    uint64_t sel = sels(2);
    struct thread *t = slot_thread(slot, cpu);
    t->flags = EC_FPU;
    CHECK_EQ(thread_create(sel, SEL_SELF_PD, t, 0, entry, arg), ST_OK);
    CHECK_EQ(create_sc(sel + 1, SEL_SELF_PD, sel, 10, HIP->tsc_hz / 1000).status, ST_OK);
    return sel;
}

// -> the first of two selectors: a handler with the right, and a portal to it
static uint64_t fpu_portal(portal_entry entry, uint64_t id)
{
    uint64_t sel = sels(2);
    struct thread *t = slot_thread(0, 0);
    t->flags = EC_FPU;
    CHECK_EQ(handler_create(sel, SEL_SELF_PD, t, 0), ST_OK);
    CHECK_EQ(create_pt(sel + 1, SEL_SELF_PD, sel, (uint64_t)entry, id, 0).status, ST_OK);
    return sel;
}

// In turn, so that each finds the registers as another one left them.
static void in_turn(void *arg)
{
    uint64_t me = (uint64_t)arg, seed = 1000 + me, level = vector_level();
    wrong += vector_is_reset(0, level) != 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        sm_down(turn[me], 0);
        if (i)
            wrong += vector_check(seed, level);
        vector_fill(seed += THREADS, level);
        sm_up(turn[(me + 1) % THREADS]);
    }
    rounds_done++;
    sm_up(all_done);
}

static void own_state(void)
{
    uint64_t th[THREADS], used = 0;
    ktest_mark();
    for (unsigned round = 0; round < 2; round++) {
        ktest_recycle();
        used = kernel_used();
        all_done = sels(1 + THREADS);
        wrong = rounds_done = 0;
        create_sm(all_done, SEL_SELF_PD, 0);
        for (unsigned i = 0; i < THREADS; i++)
            create_sm(turn[i] = all_done + 1 + i, SEL_SELF_PD, i == 0);
        for (uint64_t i = 0; i < THREADS; i++)
            th[i] = fpu_thread(i, 0, in_turn, (void *)i);
        for (unsigned i = 0; i < THREADS; i++)
            CHECK_EQ(sm_down(all_done, after_ms(20000)), ST_OK);
        CHECK_EQ(rounds_done, THREADS);
        CHECK_EQ(wrong, 0);
        for (unsigned i = 0; i < THREADS; i++)
            drop(th[i], 2);
        drop(all_done, 1 + THREADS);
    }
    CHECK_EQ(kernel_used(), used);
}

// ---- preempted in the middle, on every CPU
static volatile uint64_t checks[8];
static volatile bool enough;
static void spinning(void *arg)
{
    uint64_t me = (uint64_t)arg, level = vector_level(), bad = 0;
    while (!enough) {
        vector_fill(me * 77 + checks[me], level);
        for (unsigned i = 0; i < 50; i++)
            bad += vector_check(me * 77 + checks[me], level);
        checks[me]++;
    }
    __atomic_add_fetch(&wrong, bad, __ATOMIC_SEQ_CST);
    sm_up(all_done);
}

static uint64_t beside;
void fpu_beside_start(unsigned cpu)
{
    all_done = sels(1);
    create_sm(all_done, SEL_SELF_PD, 0);
    enough = false;
    wrong = checks[0] = 0;
    beside = fpu_thread(60, cpu, spinning, NULL);
}

void fpu_beside_end(void)
{
    enough = true;
    CHECK_EQ(sm_down(all_done, after_ms(20000)), ST_OK);
    CHECK_EQ(wrong, 0);
    CHECK(checks[0] > 1);
    drop(beside, 2);
    drop(all_done, 1);
}

static void preempted(void)
{
    uint64_t th[4];
    unsigned cpus = HIP->cpus < 2 ? 1 : 2, n = 2 * cpus;
    all_done = sels(1);
    create_sm(all_done, SEL_SELF_PD, 0);
    enough = false;
    wrong = 0;
    for (uint64_t i = 0; i < n; i++) {
        checks[i] = 0;
        th[i] = fpu_thread(i, i / 2, spinning, (void *)i);
    }
    CHECK_EQ(sm_down(all_done, after_ms(100)), ST_TIMEOUT);
    for (unsigned i = 0; i < n; i++)
        for (unsigned waits = 0; !checks[i] && waits < 200; waits++) // an emulator's other CPUs run when its host likes
            sm_down(all_done, after_ms(100));
    enough = true;
    for (unsigned i = 0; i < n; i++)
        CHECK_EQ(sm_down(all_done, after_ms(20000)), ST_OK);
    CHECK_EQ(wrong, 0);
    for (unsigned i = 0; i < n; i++) {
        CHECK(checks[i]);
        drop(th[i], 2);
    }
    drop(all_done, 1);
}

// ---- a handler with the right serves callers without it; a thread dies while the registers are its own
static _Noreturn void remembers(uint64_t id, uint64_t words)
{
    uint64_t level = vector_level();
    (void)words;
    utcb_self()->words[0] = vector_check(id, level); // what its last call left
    vector_fill(id, level);
    utcb_self()->words[1] = vector_check(id, level);
    ipc_return(2);
}

static void handlers(void)
{
    uint64_t used = 0;
    ktest_mark();
    for (unsigned round = 0; round < 3; round++) {
        ktest_recycle();
        uint64_t h = fpu_portal(remembers, 4711);
        for (unsigned i = 0; i < 3; i++) {
            CHECK_EQ(ipc_call(h + 1, 0).status, ST_OK);
            CHECK_EQ(!utcb_self()->words[0], i > 0); // the first call finds them as after reset
            CHECK_EQ(utcb_self()->words[1], 0);
        }
        drop(h, 2);
        if (round == 1)
            used = kernel_used();
    }
    CHECK_EQ(kernel_used(), used);
}

// ---- without the right: an exception, whoever's state is in the registers
static volatile uint64_t trapped;
static _Noreturn void no_device(uint64_t id, uint64_t mtd)
{
    (void)mtd;
    trapped = id;
    ipc_return(MTD_STOP);
}

static void touches(void *how)
{
    switch ((uint64_t)how) {
    case 0:
        __asm__ volatile("movaps %xmm5, %xmm1");
        break;
    case 1:
        __asm__ volatile("fninit");
        break;
    case 2:
        __asm__ volatile("movd %%mm3, %%eax" ::: "eax");
        break;
    case 3:
        __asm__ volatile("fxsave %0" : "=m"(*(char(*)[512])(SAVE_AREA)));
        break;
    case 4:
        __asm__ volatile("fwait");
        break;
    case 5:
        __asm__ volatile("xsave %0" : "=m"(*(char(*)[4096])(SAVE_AREA)) : "a"(-1), "d"(-1));
        break;
    }
    trapped = 99;
}

static void without_right(void)
{
    uint64_t ec = handler(2, 0), base = sels(EVENT_COUNT), h = fpu_portal(remembers, 4711);
    map_self(SAVE_AREA, phys_take(1, PAGE_SIZE), 1, MAP_R | MAP_W);
    for (unsigned v = 0; v < 32; v++)
        CHECK_EQ(create_pt(base + v, SEL_SELF_PD, ec, (uint64_t)no_device, v, 0).status, ST_OK);
    for (uint64_t how = 0; how < (tsc_is_the_hosts() ? 5 : 6); how++) { // QEMU 7.2 executes XSAVE with CR0.TS set
        CHECK_EQ(ipc_call(h + 1, 0).status, ST_OK);                     // the registers hold its state
        uint64_t th = sels(2);
        trapped = 0;
        CHECK_EQ(thread_create(th, SEL_SELF_PD, slot_thread(1, 0), base, touches, (void *)how), ST_OK);
        CHECK_EQ(create_sc(th + 1, SEL_SELF_PD, th, 110, HIP->tsc_hz / 100).status, ST_OK);
        CHECK_EQ(trapped, how == 5 && !vector_level() ? 6 : 7);
        drop(th, 2);
    }
    for (unsigned i = 0; i < 4096 / 8; i++)
        CHECK_EQ(((uint64_t *)SAVE_AREA)[i], 0); // nothing was stored
    unmap_self(SAVE_AREA, 1);
    drop(base, 32);
    drop(h, 2);
    drop(ec, 1);
}

// ---- what it costs is the account's
static void paid(void)
{
    uint64_t s = sels(3);
    bool refused = false, made = false;
    for (unsigned pages = 5; pages < 24 && !made; pages++) {
        if (create_pd(s, SEL_SELF_PD, pages, PERM_ALL).status != ST_OK)
            continue;
        enum status st = create_ec(s + 1, s, EC_LOCAL | EC_FPU, 0x20000000, 0x1000, 0).status;
        CHECK(st == ST_OK || st == ST_NO_MEM);
        refused |= st == ST_NO_MEM;
        made |= st == ST_OK;
        if (st == ST_OK)
            drop(s + 1, 1);
        destroy_pd(s);
    }
    CHECK(refused && made);
    CHECK_EQ(ctrl_pd(PD_COPY, SEL_SELF_PD, s + 2, SEL_SELF_PD, SEL_SELF_PD, pd_arg(1, PD_OBJ)).status, ST_OK);
    CHECK_EQ(create_ec(s, s + 2, EC_LOCAL | EC_FPU, 0x52000000, 0x1000, 0).status,
             ST_BAD_CAP); // nobody gives himself the right
    drop(s + 2, 1);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_VCPU | EC_FPU, 0x52000000, 0, 0).status, ST_BAD_PAR);
}

const struct test tests_fpu[] = {
    {"vector registers: each thread its own", own_state},
    {"vector registers survive preemption", preempted},
    {"vector registers of handlers", handlers},
    {"vector registers without the right", without_right},
    {"vector state is paid for", paid},
    {0},
};
