// SPDX-License-Identifier: MIT
// Several CPUs at the same objects: one destroys what another creates, calls, maps or destroys.
#include "tests/kernel/ktest.h"

#define SHARED 120000 // selectors that all threads here work on
#define SLOTS  24
#define ROUNDS 8
#define AREA   0x3000000000ul

static uint64_t victim, done, phys;
static volatile unsigned running;
static volatile bool over;

static uint64_t random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 5;
}

static _Noreturn void answers(uint64_t id, uint64_t words)
{
    (void)id;
    ipc_return(words);
}

static void one_call(uint64_t r, unsigned cpu)
{
    uint64_t s = SHARED + r / 16 % SLOTS, t = SHARED + r / 1024 % SLOTS,
             page = AREA + r / 65536 % 8 * LARGE_SIZE + r / 16 % 64 * PAGE_SIZE;
    // clang-format off
    switch (r % 16) {
    case 0: create_sm(s, victim, 0); break;
    case 1: create_ec(s, victim, EC_LOCAL | cpu << 8, AREA + (1 + s - SHARED) * LARGE_SIZE * 16, 0x1000, 0); break;
    case 2: create_ec(s, victim, EC_LOCAL | EC_FPU | cpu << 8, AREA + (1 + s - SHARED) * LARGE_SIZE * 16, 0x1000, 0); break;
    case 3: create_pt(s, victim, t, (uint64_t)answers, 0, 0); break;
    case 4:
    case 5: ctrl_pd(PD_UNMAP_OBJ, SEL_SELF_PD, s, 0, 0, pd_arg(4, 0)); break;
    case 6: ctrl_pd(PD_COPY, victim, 600 + s % SLOTS, SEL_SELF_PD, t, pd_arg(3, PERM_ALL)); break;
    case 7: ctrl_pd(PD_UNMAP_OBJ, victim, 600 + s % SLOTS, 0, 0, pd_arg(5, 0)); break;
    case 8: ctrl_pd(PD_MAP_MEM, victim, page, SEL_HW, phys, pd_arg(4, MAP_R | MAP_W)); break;
    case 9: ctrl_pd(PD_UNMAP_MEM, victim, page, 0, 0, pd_arg(1000, 0)); break;
    case 10: ctrl_pd(PD_MAP_MEM, victim, page, victim, page + PAGE_SIZE, pd_arg(2, MAP_R)); break;
    case 11: sm_up(s); break;
    case 12: sm_down(s, 1); break;
    case 13: create_pd(s, victim, 8, PERM_ALL); break;
    case 14: ctrl_pd(PD_DESTROY, s, 0, 0, 0, 0); break;
    case 15: r / 16 % 64 == 0 ? ctrl_pd(PD_DESTROY, victim, 0, 0, 0, 0) : ctrl_pd(PD_MAP_PIO, victim, 0x80, SEL_HW, 0x80, pd_arg(1, 0)); break;
    }
    // clang-format on
}

static void at_it(void *arg)
{
    uint64_t seed = 0x1234567 + (uint64_t)arg * 7919, cpu = (uint64_t)arg;
    while (!over)
        one_call(random(&seed), cpu);
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    sm_up(done);
}

static void round_of(unsigned n)
{
    uint64_t th[8], sm = sels(1);
    victim = sels(1);
    create_sm(sm, SEL_SELF_PD, 0);
    CHECK_EQ(create_pd(victim, SEL_SELF_PD, 300, PERM_ALL).status, ST_OK);
    over = false;
    running = n;
    for (uint64_t i = 0; i < n; i++)
        th[i] = spawn(i, i % HIP->cpus, 30, at_it, (void *)i);
    sm_down(sm, after_ms(4));
    while (ctrl_pd(PD_DESTROY, victim, 0, 0, 0, 0).status == ST_AGAIN) // with all of them at it
        ;
    over = true;
    while (running)
        CHECK_EQ(sm_down(done, after_ms(60000)), ST_OK);
    for (unsigned i = 0; i < n; i++)
        drop(th[i], 2);
    drop(SHARED, SLOTS + 4);
    drop(victim, 1);
    drop(sm, 1);
}

static void shared_objects(void)
{
    uint64_t used = 0, pool = 0, limit = 0;
    unsigned n = HIP->cpus < 4 ? HIP->cpus + 1 : 5, rounds = ROUNDS;
    if (!phys)
        phys = phys_take(16, PAGE_SIZE);
    done = sels(1);
    create_sm(done, SEL_SELF_PD, 0);
    ktest_mark();
    for (unsigned i = 0; i < rounds; i++) {
        ktest_recycle();
        if (i == 2) {
            used = kernel_used();
            pool = free_pages();
            limit = ctrl_pd(PD_QUERY, SEL_SELF_PD, 0, 0, 0, 1).value;
        }
        round_of(n);
    }
    CHECK_EQ(kernel_used(), used);
    CHECK_EQ(free_pages(), pool);
    CHECK_EQ(ctrl_pd(PD_QUERY, SEL_SELF_PD, 0, 0, 0, 1).value, limit);
    drop(done, 1);
}

const struct test tests_race[] = {{"several CPUs create, use and destroy the same objects", shared_objects}, {0}};
