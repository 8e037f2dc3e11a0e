// SPDX-License-Identifier: MIT
// Deadlines of this CPU, as a leftist heap: the way to the right out of any part of it is the shortest, so it has at
// most log2(n) nodes, and what somebody adds or takes away costs others no more than that. `rank` is its length; 0 = in
// no heap.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"

#define FIRE_AT_ONCE 8 // then interrupts are let in: the timer comes again at once

static unsigned rank_of(const struct timeout *t)
{
    return t ? t->rank : 0;
}

static unsigned rank_update(struct timeout *t)
{
    if (rank_of(t->left) < rank_of(t->right)) {
        struct timeout *left = t->left;
        t->left = t->right;
        t->right = left;
    }
    return 1 + rank_of(t->right);
}

static struct timeout *merge(struct timeout *a, struct timeout *b)
{
    if (!a || !b)
        return a ? a : b;
    struct timeout *first = b->deadline < a->deadline ? b : a, *other = first == a ? b : a;
    first->right = merge(first->right, other);
    first->right->up = first;
    first->rank = rank_update(first);
    return first;
}

void timeout_set(struct timeout *t, uint64_t deadline)
{
    struct cpu *cpu = this_cpu();
    t->deadline = deadline;
    t->left = t->right = NULL;
    t->rank = 1;
    cpu->timeouts = merge(cpu->timeouts, t);
    cpu->timeouts->up = NULL;
    sched_arm();
}

void timeout_remove(struct timeout *t)
{
    struct timeout *below = merge(t->left, t->right), *up = t->up;
    t->rank = 0;
    if (below)
        below->up = up;
    if (!up)
        this_cpu()->timeouts = below;
    else if (up->left == t)
        up->left = below;
    else
        up->right = below;
    for (unsigned rank; up && (rank = rank_update(up)) != up->rank;
         up = up->up) // each one more than the last: as few as ranks
        up->rank = rank;
}

void timeout_run(uint64_t now)
{
    struct cpu *cpu = this_cpu();
    for (unsigned i = 0; i < FIRE_AT_ONCE && cpu->timeouts && cpu->timeouts->deadline <= now; i++) {
        struct timeout *t = cpu->timeouts;
        timeout_remove(t);
        t->fire(t);
    }
}
