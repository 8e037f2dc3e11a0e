// SPDX-License-Identifier: MIT
#include "lib/sys/thread.h"
#include "lib/c/string.h"
#include "lib/sys/start.h"

void (*const hypercall_page)(void) = (void (*)(void))HYPERCALL_PAGE;

// Where the first thread's UTCB is. Programs that the kernel starts itself define their own.
__attribute__((weak)) const uint64_t first_utcb = START_UTCB;

struct thread *thread_prepare(void *top, void *utcb, uint64_t cpu)
{
    struct thread *t = (struct thread *)top - 1;
    memset(t, 0, sizeof *t);
    t->utcb = utcb;
    t->cpu = cpu;
    return t;
}

_Noreturn static void thread_run(void)
{
    struct thread *t = thread_self();
    t->entry(t->arg);
    for (;;) // an entry that returns has nothing more to do, for ever
        sm_down(SEL_MAIN_SM, 0);
}

enum status thread_create(uint64_t sel, uint64_t pd, struct thread *t, uint64_t event_base, thread_entry entry,
                          void *arg)
{
    t->entry = entry;
    t->arg = arg;
    t->start[0] = (uint64_t)thread_run;
    t->start[1] = (uint64_t)t - 8;
    return create_ec(sel, pd, EC_GLOBAL | t->flags | t->cpu << 8, (uint64_t)t->utcb, (uint64_t)t->start, event_base)
        .status;
}

enum status handler_create(uint64_t sel, uint64_t pd, struct thread *t, uint64_t event_base)
{
    return create_ec(sel, pd, EC_LOCAL | t->flags | t->cpu << 8, (uint64_t)t->utcb, handler_sp(t), event_base).status;
}
