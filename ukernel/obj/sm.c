// SPDX-License-Identifier: MIT
// Counting semaphores, also the way interrupts reach user land. A level-triggered line stays masked from the interrupt
// until the driver comes back with the next down.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/spinlock.h"

static struct {
    uint32_t lock;
    struct sm *sm;
    bool level;
} lines[MAX_GSIS];

struct sm *sm_create(struct pd *payer, uint64_t count, enum status *st)
{
    struct sm *sm = kobject_new(payer, KOBJ_SM, sizeof *sm, st);
    if (!sm)
        return NULL;
    sm->count = count;
    sm->gsi = -1;
    list_init(&sm->waiters);
    return sm;
}

// A waiter is taken out of the queue under the semaphore's lock by exactly one of: up, timeout, abort, the EC's end.
static struct ec *take_waiter(struct sm *sm, enum status st, uint64_t value)
{
    if (list_empty(&sm->waiters))
        return NULL;
    struct ec *ec = list_entry(sm->waiters.next, struct ec, sm_node);
    list_remove(&ec->sm_node);
    ec->sm = NULL;
    ec->regs.rax = st;
    ec->regs.rsi = value;
    return ec;
}

enum status sm_up(struct sm *sm)
{
    spin_lock(&sm->lock);
    struct ec *ec = take_waiter(sm, ST_OK, 1);
    enum status st = ec || sm->count != UINT64_MAX ? ST_OK : ST_OVERFLOW;
    if (!ec && st == ST_OK)
        sm->count++;
    spin_unlock(&sm->lock);
    if (ec)
        sched_wake(ec);
    return st;
}

void sm_leave(struct ec *ec)
{
    struct sm *sm = __atomic_load_n(&ec->sm, __ATOMIC_ACQUIRE);
    if (!sm)
        return;
    spin_lock(&sm->lock);
    if (ec->sm == sm) {
        list_remove(&ec->sm_node);
        ec->sm = NULL;
    }
    spin_unlock(&sm->lock);
}

static void wait_over(struct timeout *t)
{
    struct ec *ec = container_of(t, struct ec, timeout);
    struct sm *sm = __atomic_load_n(&ec->sm, __ATOMIC_ACQUIRE);
    if (!sm)
        return; // an up of another CPU was first: the wake-up is in our inbox
    spin_lock(&sm->lock);
    bool mine = ec->sm == sm;
    if (mine) {
        list_remove(&ec->sm_node);
        ec->sm = NULL;
        ec->regs.rax = ST_TIMEOUT;
        ec->regs.rsi = 0;
    }
    spin_unlock(&sm->lock);
    if (mine)
        sched_wake(ec);
}

static void unmask(struct sm *sm)
{
    if (sm->masked) {
        sm->masked = false;
        ioapic_mask(sm->gsi, false);
    }
}

struct result sys_ctrl_sm(uint64_t op, uint64_t sel, uint64_t deadline)
{
    struct ec *self = this_cpu()->current;
    if (op >= SM_OP_COUNT)
        return (struct result){ST_BAD_HYP, 0};
    struct sm *sm = cap_lookup(self->pd, sel, KOBJ_SM, op == SM_OP_UP ? SM_UP : SM_DOWN);
    if (!sm)
        return (struct result){ST_BAD_CAP, 0};
    if (op == SM_OP_UP)
        return (struct result){sm_up(sm), 0};
    spin_lock(&sm->lock);
    unmask(sm);
    if (sm->count || (deadline && deadline <= rdtsc())) {
        uint64_t taken = op == SM_OP_TAKE_ALL ? sm->count : sm->count != 0;
        sm->count -= taken;
        spin_unlock(&sm->lock);
        return (struct result){taken ? ST_OK : ST_TIMEOUT, taken};
    }
    self->blocked = true;
    self->sm = sm;
    self->cont = ret_user_hypercall;
    list_push_back(&sm->waiters, &self->sm_node);
    if (deadline) {
        self->timeout.fire = wait_over;
        timeout_set(&self->timeout, deadline);
    }
    spin_unlock(&sm->lock); // from here an up of another CPU may put us into this CPU's inbox
    sched_block(self);
    schedule();
}

void sm_abort(struct sm *sm)
{
    if (sm->gsi >= 0) {
        ioapic_mask(sm->gsi, true);
        spin_lock(&lines[sm->gsi].lock);
        lines[sm->gsi].sm = NULL;
        spin_unlock(&lines[sm->gsi].lock);
        sm->gsi = -1;
    }
    struct ec *ec;
    do {
        spin_lock(&sm->lock);
        ec = take_waiter(sm, ST_ABORTED, 0);
        spin_unlock(&sm->lock);
        if (ec)
            sched_wake(ec);
        interrupts_let_in();
    } while (ec);
}

void sm_interrupt(unsigned gsi)
{
    spin_lock(&lines[gsi].lock);
    struct sm *sm = lines[gsi].sm;
    if (sm && lines[gsi].level) {
        ioapic_mask(gsi, true);
        sm->masked = true;
    }
    spin_unlock(&lines[gsi].lock);
    if (sm)
        sm_up(sm);
}

enum status sm_assign(struct sm *sm, unsigned gsi, unsigned cpu, uint32_t flags)
{
    if (gsi >= ioapic_gsis() || gsi >= MAX_GSIS)
        return ST_BAD_DEV;
    if (cpu >= cpu_count)
        return ST_BAD_CPU;
    enum status st = ST_IN_USE;
    static uint32_t assigning; // or a semaphore could get two lines
    spin_lock(&assigning);
    spin_lock(&lines[gsi].lock);
    if (!lines[gsi].sm && sm->gsi < 0) {
        st = ioapic_route(gsi, cpu, VECTOR_GSI_BASE + gsi, flags) ? ST_OK : ST_BAD_DEV;
        if (st == ST_OK) {
            lines[gsi].sm = sm;
            lines[gsi].level = flags & INT_LEVEL;
            sm->gsi = gsi;
            sm->masked = true; // the first down opens the line
        }
    }
    spin_unlock(&lines[gsi].lock);
    spin_unlock(&assigning);
    return st;
}
