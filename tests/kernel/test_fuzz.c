// SPDX-License-Identifier: MIT
// Hostile callers: random hypercalls with random arguments from processes with few and with many capabilities, on all
// CPUs at once, which may also create, pass on and destroy. The kernel must answer each with a status, lose nothing,
// and touch nothing of ours.
#include "lib/sys/start.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/vm_hostile.h"

#define CALLS                                                                                                          \
    50000 // per process and round, of which there are three; `fuzz=N` on the kernel's command line makes it N, `vms=1`
          // adds a VM
#define CANARY 0x57000000ul

// Selectors in a fuzzing process: the random ones are mostly taken from the low numbers, where its capabilities are.
enum { SEL_DONE = 8, SEL_WRONG = 9, SEL_SMS = 10, SEL_PORTALS = 20, SEL_OBJECTS = 40, SEL_VICTIM = 60 };

static const int8_t *const documented[HC_COUNT] = {
#define HYPERCALL_STATUSES(name, ...) [HC_##name] = (const int8_t[]){__VA_ARGS__, -1},
#include "abi/hypercall_status.def"
#undef HYPERCALL_STATUSES
};

static bool is_documented(uint64_t number, enum status st)
{
    if (number >= HC_COUNT)
        return st == ST_BAD_HYP;
    const int8_t *s = documented[number];
    while (*s >= 0 && *s != (int)st)
        s++;
    return *s >= 0;
}

static uint64_t rng_state;
static uint64_t rng(void) // xorshift64*
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return rng_state * 0x2545f4914f6cdd1dul;
}

static uint64_t argument(void)
{
    static const uint64_t interesting[] = {
        0,
        1,
        PAGE_SIZE,
        PAGE_SIZE - 1,
        LARGE_SIZE,
        USER_END,
        USER_END - PAGE_SIZE,
        HYPERCALL_PAGE,
        0xffff800000000000,
        0xffffffff80200000,
        ~0ul,
        ~0ul - PAGE_SIZE + 1,
        1ul << 63,
        CAP_SELECTORS - 1,
        CAP_SELECTORS,
        START_UTCB,
        0xfee00000,
        1ul << 52,
    };
    uint64_t r = rng();
    switch (r & 7) {
    case 0:
        return interesting[(r >> 8) % (sizeof interesting / sizeof *interesting)];
    case 1:
        return r >> (r >> 3 & 63);
    case 2:
        return (r >> 8) % 0x10000 * PAGE_SIZE;
    case 3:
        return (r >> 8) % 8 | (r >> 16) % 32 << 56; // a count with rights
    case 4:
        return (r >> 8) % 8; // an operation, the process itself
    default:
        return (r >> 8) % 80; // a selector
    }
}

// `arg` = how many calls << 16 | seed. Calls that would wait for ever are given a deadline; all else is as it comes.
static void fuzzer(void *arg)
{
    rng_state = ((uint64_t)arg & 0xffff) * 0x9e3779b97f4a7c15ul + 1;
    for (uint64_t i = 0; i < (uint64_t)arg >> 16; i++) {
        uint64_t number = rng() % (HC_COUNT + 1), a[6];
        for (unsigned j = 0; j < 6; j++)
            a[j] = argument();
        if (number == HC_ctrl_sm) {
            a[2] = 1;
            if (a[1] == SEL_DONE || a[1] == SEL_WRONG) // and what tells the test stays
                a[1] = SEL_SMS;
        }
        if (number == HC_ctrl_pd && a[0] == PD_COPY && a[4] <= SEL_WRONG)
            a[4] = SEL_SMS;
        if (number == HC_ctrl_pd && (a[0] == PD_UNMAP_OBJ || a[0] == PD_COPY) &&
            (a[2] <= SEL_WRONG || a[5] << 8 >> 8 > 64))
            a[2] = SEL_OBJECTS + a[2] % 8; // the way to say that it is done stays
        if (number == HC_ipc_reply)
            continue;
        enum status st = hc_raw6(number, a[0], a[1], a[2], a[3], a[4], a[5]).status;
        for (unsigned k = is_documented(number, st) ? 0 : number << 4 | st; k; k--)
            sm_up(SEL_WRONG); // so often that one can tell what it was
    }
    sm_up(SEL_DONE);
}

static _Noreturn void answer(uint64_t id, uint64_t words)
{
    (void)id;
    ipc_return(words / 2);
}

static void fuzz_round(bool many, uint64_t seed, uint64_t done, uint64_t calls)
{
    struct child c[8], victim;
    unsigned n = HIP->cpus < 4 ? HIP->cpus : 4;
    child_create(&victim, 64, PD_OBJ | PD_MEM);
    for (unsigned cpu = 0; cpu < n; cpu++) {
        child_create(&c[cpu], 128, PD_OBJ);
        uint64_t h = child_handler(&c[cpu], cpu), sm = sels(8), p = sels(4);
        give(&c[cpu], SEL_DONE, done, 2, SM_UP);
        for (unsigned i = 0; many && i < 8; i++) {
            create_sm(sm + i, SEL_SELF_PD, i);
            give(&c[cpu], SEL_SMS + i, sm + i, 1, PERM_ALL);
        }
        for (unsigned i = 0; many && i < 4; i++) {
            create_pt(p + i, SEL_SELF_PD, h, (uint64_t)answer, i, 0);
            give(&c[cpu], SEL_PORTALS + i, p + i, 1, PERM_ALL);
        }
        if (many) {
            give(&c[cpu], SEL_OBJECTS + 8, h, 1, PERM_ALL);
            give(&c[cpu], SEL_VICTIM, victim.pd, 1, PD_OBJ | PD_MEM | PD_GST);
        }
        uint64_t th = child_spawn(&c[cpu], cpu, 30, fuzzer, (void *)(calls << 16 | (seed * 16 + cpu)));
        if (many) // it runs already and may have put something there
            ctrl_pd(PD_COPY, c[cpu].pd, SEL_OBJECTS + 9, SEL_SELF_PD, th, pd_arg(2, EC_CTRL | SC_CTRL));
    }
    for (unsigned cpu = 0; cpu < n; cpu++)
        CHECK_EQ(sm_down(done, 0), ST_OK);
    for (unsigned cpu = 0; cpu < n; cpu++)
        destroy_pd(c[cpu].pd);
    destroy_pd(victim.pd);
}

static void forget(uint64_t from)
{
    drop(from, sels(1) - from);
}

static void hostile_callers(bool many)
{
    volatile uint64_t *canary = (volatile uint64_t *)CANARY;
    static bool mapped;
    if (!mapped)
        map_self(CANARY, phys_take(4, PAGE_SIZE), 4, MAP_R | MAP_W);
    mapped = true;
    for (unsigned i = 0; i < 4 * 512; i++)
        canary[i] = i * 0x0101010101010101ul;
    uint64_t used = 0, pool = 0, done = sels(2), calls = option("fuzz=", CALLS);
    create_sm(done, SEL_SELF_PD, 0);
    create_sm(done + 1, SEL_SELF_PD, 0);
    bool vm = option("vms=", 0) && HIP->virt;
    if (vm)
        vm_hostile_start(~0ul, 30);
    ktest_mark();
    for (unsigned round = 0; round < 3; round++) {
        ktest_recycle();
        uint64_t first = sels(1);
        if (round == 1) {
            used = kernel_used();
            pool = free_pages();
        }
        fuzz_round(many, round, done, calls);
        forget(first);
    }
    ktest_recycle();
    CHECK_EQ(kernel_used(), used);
    CHECK_EQ(free_pages(), pool);
    for (unsigned i = 0; i < 4 * 512; i++)
        CHECK_EQ(canary[i], i * 0x0101010101010101ul);
    CHECK_EQ(sm_take_all(done + 1, 1).value, 0); // answers that are not documented
    drop(done, 2);
    if (vm)
        say("ktest: %lu entries of a hostile VMM beside them", vm_hostile_end());
    say("ktest: %lu random calls", 3 * calls * (HIP->cpus < 4 ? HIP->cpus : 4));
}

static void few(void)
{
    hostile_callers(false);
}

static void many(void)
{
    hostile_callers(true);
}

const struct test tests_fuzz[] = {
    {"hostile callers with few capabilities", few}, {"hostile callers with many", many}, {0}};
