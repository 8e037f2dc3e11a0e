// SPDX-License-Identifier: MIT
// What the kernel's paths cost, in TSC ticks (under Bochs: instructions): medians of 1,000, seen by a process like any
// other, which holds over 1,000 capabilities and calls portals of its own and of another process. The first process,
// which has the serial port (and pays for that whenever it is switched to), only prints.
#include "lib/sys/start.h"
#include "tests/kernel/longest.h"

#define RUNS 1000

// Selectors in the measuring process.
enum { SEL_SM = 300, SEL_REPORT, SEL_SAME, SEL_CROSS, SEL_WORDS, SEL_PING, SEL_PONG, SEL_MANY = 600 };

static const char *const names[] = {"hypercall", "sm_up_down", "ipc_same", "ipc_cross", "ipc_words", "sm_switch", NULL};
enum name { HYPERCALL_NAME, SM_UP_DOWN, IPC_SAME, IPC_CROSS, IPC_WORDS, SM_SWITCH, DONE };

static uint32_t sample[RUNS];

static uint64_t median(void)
{
    for (unsigned i = 1; i < RUNS; i++) // insertion sort: nearly all are equal
        for (unsigned j = i; j && sample[j] < sample[j - 1]; j--) {
            uint32_t t = sample[j];
            sample[j] = sample[j - 1];
            sample[j - 1] = t;
        }
    return sample[RUNS / 2];
}

// `tsc()` itself, measured the same way, is taken off.
#define MEASURE(name, code)                                                                                            \
    do {                                                                                                               \
        for (unsigned i_ = 0; i_ < RUNS; i_++) {                                                                       \
            uint64_t start_ = tsc();                                                                                   \
            code;                                                                                                      \
            sample[i_] = tsc() - start_;                                                                               \
        }                                                                                                              \
        uint64_t cost_ = median();                                                                                     \
        for (unsigned i_ = 0; i_ < RUNS; i_++) {                                                                       \
            uint64_t start_ = tsc();                                                                                   \
            __asm__ volatile("" ::: "memory");                                                                         \
            sample[i_] = tsc() - start_;                                                                               \
        }                                                                                                              \
        utcb_self()->words[0] = name;                                                                                  \
        utcb_self()->words[1] = cost_ - median();                                                                      \
        ipc_call(SEL_REPORT, 2);                                                                                       \
    } while (0)

static _Noreturn void empty(uint64_t id, uint64_t words)
{
    (void)id, (void)words;
    ipc_return(0);
}

static _Noreturn void add(uint64_t id, uint64_t words)
{
    (void)id, (void)words;
    union utcb *u = utcb_self();
    u->words[0] += u->words[1];
    u->words[1] = u->words[2];
    ipc_return(2);
}

static void partner(void *arg)
{
    (void)arg;
    while (sm_down(SEL_PING, 0) == ST_OK)
        sm_up(SEL_PONG);
}

static void measure(void *arg)
{
    (void)arg;
    union utcb *u = utcb_self();
    uint64_t sum = 0;
    MEASURE(HYPERCALL_NAME, ctrl_sm(SM_OP_COUNT, 0, 0));
    MEASURE(SM_UP_DOWN, (sm_up(SEL_SM), sm_down(SEL_SM, 1)));
    MEASURE(IPC_SAME, ipc_call(SEL_SAME, 0));
    MEASURE(IPC_CROSS, ipc_call(SEL_CROSS, 0));
    MEASURE(IPC_WORDS, {
        u->words[0] = i_;
        u->words[1] = 2;
        u->words[2] = 3;
        ipc_call(SEL_WORDS, 3);
        sum += u->words[0] + u->words[1];
    });
    MEASURE(SM_SWITCH, (sm_up(SEL_PING), sm_down(SEL_PONG, 0)));
    u->words[0] = sum ? DONE : 0;
    ipc_call(SEL_REPORT, 1);
}

static _Noreturn void report(uint64_t id, uint64_t words)
{
    (void)id, (void)words;
    union utcb *u = utcb_self();
    if (u->words[0] < DONE)
        say("BENCH: %s: %lu", names[u->words[0]], u->words[1]);
    else
        say("bench: done");
    ipc_return(0);
}

static void ignore(const char *name, uint64_t ticks)
{
    (void)name, (void)ticks;
}

int main(void)
{
    struct child client, server;
    ktest_setup();
    say("BENCH: irq_off: %lu", longest_calls(ignore));
    child_create(&client, 200, 0);
    child_create(&server, 64, 0);
    uint64_t sm = sels(3), many = sels(1200);
    for (unsigned i = 0; i < 1200; i++)
        create_sm(many + i, SEL_SELF_PD, 0);
    for (unsigned i = 0; i < 3; i++)
        create_sm(sm + i, SEL_SELF_PD, 0);
    give(&client, SEL_SM, sm, 1, PERM_ALL);
    give(&client, SEL_PING, sm + 1, 2, PERM_ALL);
    for (unsigned i = 0; i < 1200; i += 400)
        give(&client, SEL_MANY + i, many + i, 400, PERM_ALL);
    give(&client, SEL_REPORT, portal(handler(0, 0), report, 0, 0), 1, PERM_ALL);
    give(&client, SEL_SAME, portal(child_handler(&client, 0), empty, 0, 0), 1, PERM_ALL);
    uint64_t ec = child_handler(&server, 0);
    give(&client, SEL_CROSS, portal(ec, empty, 0, 0), 1, PERM_ALL);
    give(&client, SEL_WORDS, portal(ec, add, 0, 0), 1, PERM_ALL);
    child_spawn(&client, 0, 51, partner, NULL);
    child_spawn(&client, 0, 50, measure, NULL);
    for (;;)
        sm_down(SEL_MAIN_SM, 0);
}
