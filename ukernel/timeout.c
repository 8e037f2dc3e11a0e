// SPDX-License-Identifier: MIT
// Deadlines of this CPU, as a list sorted by time.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"

void timeout_set(struct timeout *t, uint64_t deadline)
{
    struct list *head = &this_cpu()->timeouts, *pos = head->next;
    while (pos != head && list_entry(pos, struct timeout, node)->deadline <= deadline)
        pos = pos->next;
    t->deadline = deadline;
    list_insert(&t->node, pos->prev, pos);
    sched_arm();
}

void timeout_cancel(struct timeout *t)
{
    list_remove(&t->node);
}

void timeout_run(uint64_t now)
{
    struct list *head = &this_cpu()->timeouts;
    while (!list_empty(head)) {
        struct timeout *t = list_entry(head->next, struct timeout, node);
        if (t->deadline > now)
            return;
        list_remove(&t->node);
        t->fire(t);
    }
}
