// SPDX-License-Identifier: MIT
// Fixed priorities, round robin among equals, one set of queues per CPU. What is scheduled are SCs; whom an SC runs is
// found by following its EC along the calls under way: a called EC runs on its caller's SC, and a busy EC that somebody
// wants to call runs on the helper's too. An SC whose chain ends at a blocked EC waits in that EC's list.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/spinlock.h"

#define AT_ONCE 8 // pieces of work between two chances for an interrupt

// Shared by all CPUs: nothing is written to it but `partner`, to NULL.
struct ec ec_nobody = {
    .obj = {.type = KOBJ_DEAD},
    .stopped = true,
    .waiting_scs = {&ec_nobody.waiting_scs, &ec_nobody.waiting_scs},
    .help_node = {&ec_nobody.help_node, &ec_nobody.help_node},
};

void sched_init_cpu(struct cpu *cpu)
{
    for (unsigned i = 0; i < PRIORITIES; i++)
        list_init(&cpu->ready[i]);
    list_init(&cpu->requeue);
    list_init(&cpu->inbox_ecs);
    list_init(&cpu->inbox_scs);
    cpu->current = EC_NOBODY;
    cpu->timer_armed = UINT64_MAX;
}

void sched_charge(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t now = rdtsc();
    if (cpu->sc) {
        uint64_t spent = now - cpu->slice_start;
        cpu->sc->used += spent;
        cpu->sc->left = spent < cpu->sc->left ? cpu->sc->left - spent : 0;
    }
    cpu->slice_start = now;
}

void sched_enqueue(struct sc *sc, bool front)
{
    struct cpu *cpu = this_cpu();
    if (front)
        list_push_front(&cpu->ready[sc->prio], &sc->node);
    else
        list_push_back(&cpu->ready[sc->prio], &sc->node);
    cpu->ready_map[sc->prio / 64] |= 1ul << sc->prio % 64;
    if (!cpu->sc || sc->prio > cpu->sc->prio)
        cpu->need_resched = true;
}

static struct sc *dequeue_best(struct cpu *cpu)
{
    for (int word = PRIORITIES / 64 - 1; word >= 0; word--) {
        while (cpu->ready_map[word]) {
            unsigned prio = word * 64 + 63 - __builtin_clzl(cpu->ready_map[word]);
            struct list *queue = &cpu->ready[prio];
            struct sc *sc = list_empty(queue) ? NULL : list_entry(queue->next, struct sc, node);
            if (sc)
                list_remove(&sc->node);
            if (list_empty(queue))
                cpu->ready_map[word] &= ~(1ul << prio % 64);
            if (sc)
                return sc;
        }
    }
    return NULL;
}

struct ec *sched_target(struct ec *ec)
{
    for (unsigned calls = 0; calls < CALLS_MAX; calls++) {
        if (ec->partner) {
            ec = ec->partner;
        } else if (ec->helping && ec->helping->caller) {
            ec = ec->helping;
        } else {
            if (ec->helping)
                list_remove(&ec->help_node);
            ec->helping = NULL;
            return ec;
        }
    }
    return NULL;
}

void sched_block(struct ec *ec)
{
    struct cpu *cpu = this_cpu();
    if (!cpu->sc)
        return;
    sched_charge();
    list_push_back(&ec->waiting_scs, &cpu->sc->node);
    cpu->sc = NULL;
}

static void requeue_first(struct list *scs)
{
    struct sc *sc = list_entry(scs->next, struct sc, node);
    list_remove(&sc->node);
    sched_enqueue(sc, false);
}

// Some now; the rest, which are as many as somebody likes, by schedule_here, which lets interrupts in.
void sched_requeue(struct list *scs)
{
    struct cpu *cpu = this_cpu();
    for (unsigned i = 0; !list_empty(scs); i++) {
        if (i == AT_ONCE) {
            list_append(&cpu->requeue, scs);
            cpu->need_resched = true;
            return;
        }
        requeue_first(scs);
    }
}

static void wake_here(struct ec *ec)
{
    timeout_cancel(&ec->timeout);
    ec->blocked = false;
    sched_requeue(&ec->waiting_scs);
}

static void inbox_put(unsigned id, struct list *queue, struct list *node)
{
    struct cpu *cpu = cpus[id];
    spin_lock(&cpu->inbox_lock);
    bool ring = list_empty(&cpu->inbox_ecs) && list_empty(&cpu->inbox_scs);
    list_push_back(queue, node);
    spin_unlock(&cpu->inbox_lock);
    if (ring)
        lapic_ipi(id, VECTOR_IPI);
}

void sched_wake(struct ec *ec)
{
    if (ec->cpu == this_cpu()->id)
        wake_here(ec);
    else
        inbox_put(ec->cpu, &cpus[ec->cpu]->inbox_ecs, &ec->inbox_node);
}

void sched_start(struct sc *sc)
{
    if (sc->cpu == this_cpu()->id)
        sched_enqueue(sc, false);
    else
        inbox_put(sc->cpu, &cpus[sc->cpu]->inbox_scs, &sc->inbox_node);
}

void sched_inbox(void)
{
    struct cpu *cpu = this_cpu();
    unsigned n = 0;
    spin_lock(&cpu->inbox_lock);
    for (; n < AT_ONCE && !list_empty(&cpu->inbox_ecs); n++) {
        struct ec *ec = list_entry(cpu->inbox_ecs.next, struct ec, inbox_node);
        list_remove(&ec->inbox_node);
        wake_here(ec);
    }
    for (; n < AT_ONCE && !list_empty(&cpu->inbox_scs); n++) {
        struct sc *sc = list_entry(cpu->inbox_scs.next, struct sc, inbox_node);
        list_remove(&sc->inbox_node);
        sched_enqueue(sc, false);
    }
    if (n == AT_ONCE)
        lapic_ipi(cpu->id, VECTOR_IPI); // there may be more
    spin_unlock(&cpu->inbox_lock);
}

uint64_t sched_next_event(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t next = cpu->sc ? cpu->slice_end : UINT64_MAX;
    return cpu->timeouts && cpu->timeouts->deadline < next ? cpu->timeouts->deadline : next;
}

void sched_arm(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t next = sched_next_event();
    if (next < cpu->timer_armed ||
        cpu->timer_armed <= rdtsc()) { // one that is overdue may never come: see svm_vcpu_run
        cpu->timer_armed = next;
        lapic_timer_set(next);
    }
}

void sched_timer(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t now = rdtsc();
    cross_poll(); // an emulator may have lost the interrupt that announced it: see lapic_timer_set
    sched_inbox();
    timeout_run(now);
    if (cpu->sc && now >= cpu->slice_end)
        cpu->need_resched = true;
    if (!cpu->need_resched)
        sched_arm(); // else schedule() does: an end of slice that has passed would only fire again
}

_Noreturn void ec_run(struct ec *ec)
{
    struct cpu *cpu = this_cpu();
    cpu->current = ec;
    space_switch(cpu, ec->pd);
    ec->cont(ec);
}

// Whose calls are nested too deeply to be followed never runs again.
struct ec *chain_cut(struct ec *ec)
{
    klog("cpu%u: EC stopped: its calls are nested deeper than %u", ec->cpu, CALLS_MAX);
    ec->stopped = true;
    return ec;
}

static _Noreturn void idle(struct cpu *cpu)
{
    cpu->current = EC_NOBODY;
    cpu->idle = true;
    cross_poll(); // as in sched_timer
    sched_inbox();
    sched_arm();
    while (!cpu->need_resched) {
        uint64_t start = rdtsc();
        asm_hlt_once();
        cpu->idle_time += rdtsc() - start;
    }
    cpu->idle = false;
    schedule();
}

static __attribute__((noinline, cold)) void requeue_rest(struct cpu *cpu)
{
    for (unsigned n = 1; !list_empty(&cpu->requeue); n++) {
        requeue_first(&cpu->requeue);
        if (n % AT_ONCE == 0)
            interrupts_let_in();
    }
}

// schedule() in entry.asm comes here with an empty stack.
_Noreturn void schedule_here(void)
{
    struct cpu *cpu = this_cpu();
    sched_charge();
    if (cpu->sc) {
        struct sc *sc = cpu->sc;
        cpu->sc = NULL;
        bool used_up = sc->left == 0;
        if (used_up)
            sc->left = sc->quantum;
        sched_enqueue(sc, !used_up);
    }
    if (__builtin_expect(!list_empty(&cpu->requeue), 0))
        requeue_rest(cpu);
    for (unsigned tried = 1;; tried++) {
        cpu->need_resched = false;
        struct sc *sc = dequeue_best(cpu);
        if (!sc)
            idle(cpu);
        struct ec *ec = sched_target(sc->ec);
        if (!ec)
            ec = chain_cut(sc->ec);
        if (ec->blocked || ec->stopped) {
            list_push_back(&ec->waiting_scs, &sc->node);
            if (tried % AT_ONCE == 0) {
                interrupts_let_in();
                requeue_rest(cpu);
            }
            continue;
        }
        cpu->sc = sc;
        cpu->slice_start = rdtsc();
        cpu->slice_end = cpu->slice_start + sc->left;
        sched_arm();
        ec_run(ec);
    }
}
