// SPDX-License-Identifier: MIT
// Execution contexts and scheduling contexts: how they come and how they go.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/spinlock.h"
#include "ukernel/virt.h"

static _Noreturn void vcpu_startup(struct ec *ec)
{
    ec->cont = vcpu_resume;
    vcpu_event(ec, EVENT_STARTUP);
}

// A vCPU has two pages that its VMM sees: the virtual-APIC page, and the statistics behind it.
static enum status vcpu_furnish(struct ec *ec, uint64_t va)
{
    struct pd *pd = ec->pd;
    enum status st = ST_NO_MEM;
    for (unsigned i = 0; i < 2; i++)
        if (!(ec->vcpu_pages[i] = account_alloc(&pd->account, 0)))
            return ST_NO_MEM;
    if ((st = pd_map_page(pd, va, ec->vcpu_pages[0], MAP_R | MAP_W)) != ST_OK)
        return st;
    ec->utcb_addr = va;
    if ((st = pd_map_page(pd, va + PAGE_SIZE, ec->vcpu_pages[1], MAP_R)) != ST_OK)
        return st;
    ec->stats_mapped = true;
    ec->cont = vcpu_startup;
    return virt->vcpu_create(ec, ec->vcpu_pages[0], ec->vcpu_pages[1]);
}

static enum status host_furnish(struct ec *ec, uint64_t va)
{
    if (!(ec->utcb = account_alloc(&ec->pd->account, 0)))
        return ST_NO_MEM;
    enum status st = pd_map_page(ec->pd, va, ec->utcb, MAP_R | MAP_W);
    if (st == ST_OK)
        ec->utcb_addr = va;
    return st;
}

// The EC has no capability yet: on success the caller gives it one.
struct ec *ec_create(struct pd *pd, unsigned type, unsigned cpu, uint64_t utcb, uint64_t event_base, enum status *st)
{
    struct ec *ec = kobject_new(pd, KOBJ_EC, sizeof *ec, st);
    if (!ec)
        return NULL;
    ec->pd = pd;
    ec->cpu = cpu;
    ec->type = type & ~EC_FPU;
    ec->event_base = event_base;
    list_init(&ec->waiting_scs);
    list_init(&ec->helpers);
    list_init(&ec->help_node);
    list_init(&ec->sm_node);
    list_init(&ec->inbox_node);
    ec->regs.cs = SEL_UCODE;
    ec->regs.ss = SEL_UDATA;
    ec->regs.rflags = RFLAGS_ONE | RFLAGS_IF;
    ec->cont = ret_user_iret;
    *st = ST_NO_MEM;
    if (!(type & (EC_VCPU | EC_FPU)) || fpu_state_create(ec))
        *st = ec->type == EC_VCPU ? vcpu_furnish(ec, utcb) : host_furnish(ec, utcb);
    if (*st == ST_OK)
        return ec;
    struct reap r = {.list = {&ec->obj}, .count = 1};
    kobject_reap(&r);
    return NULL;
}

// On its CPU. Calls under way end: its caller is told, a server that it called works on for nobody.
void ec_stop(struct ec *ec)
{
    struct cpu *cpu = this_cpu();
    ec->stopped = true;
    sm_leave(ec);
    timeout_cancel(&ec->timeout);
    spin_lock(&cpu->inbox_lock);
    list_remove(&ec->inbox_node);
    spin_unlock(&cpu->inbox_lock);

    struct ec *caller = ec->caller;
    ec->caller = EC_NOBODY; // looks busy to whoever calls: and call_busy sees that it is stopped
    if (caller && caller != EC_NOBODY) {
        caller->partner = NULL;
        if (caller->cont == ret_user_hypercall) {
            caller->regs.rax = ST_ABORTED;
            caller->regs.rsi = 0;
        } else {
            caller->stopped = true; // an exception or exit that nobody will answer
        }
    }
    if (ec->partner)
        ec->partner->caller = EC_NOBODY;
    ec->partner = NULL;
    ec->helping = NULL;
    list_remove(&ec->help_node);
    while (!list_empty(&ec->helpers)) {
        struct ec *helper = list_entry(ec->helpers.next, struct ec, help_node);
        list_remove(&helper->help_node);
        helper->helping = NULL;
        interrupts_let_in();
    }
    sched_requeue(&ec->waiting_scs);
    if (cpu->current == ec) {
        cpu->current = EC_NOBODY;
        cpu->need_resched = true;
    }
    if (ec->vcpu)
        virt->vcpu_release(ec);
    if (cpu->fpu_owner == ec)
        cpu->fpu_owner = NULL;
}

void ec_free(struct ec *ec)
{
    struct account *account = &ec->pd->account;
    if (ec->vcpu)
        virt->vcpu_destroy(ec);
    fpu_state_free(ec);
    if (ec->utcb_addr)
        pd_unmap_page(ec->pd, ec->utcb_addr);
    if (ec->stats_mapped)
        pd_unmap_page(ec->pd, ec->utcb_addr + PAGE_SIZE);
    if (ec->utcb)
        account_free(account, ec->utcb, 0);
    for (unsigned i = 0; i < 2; i++)
        if (ec->vcpu_pages[i])
            account_free(account, ec->vcpu_pages[i], 0);
}

struct sc *sc_create(struct pd *payer, struct ec *ec, unsigned prio, uint64_t quantum, enum status *st)
{
    struct sc *none = NULL;
    *st = ST_BAD_CAP;
    if (!kobject_get(&ec->obj))
        return NULL;
    struct sc *sc = kobject_new(payer, KOBJ_SC, sizeof *sc, st);
    if (!sc) {
        kobject_put(&ec->obj);
        return NULL;
    }
    sc->ec = ec;
    sc->cpu = ec->cpu;
    sc->prio = prio;
    sc->quantum = sc->left = quantum;
    list_init(&sc->node);
    list_init(&sc->inbox_node);
    if (__atomic_compare_exchange_n(&ec->sc, &none, sc, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return sc;
    *st = ST_IN_USE;
    kobject_reap(&(struct reap){.list = {&sc->obj}, .count = 1});
    return NULL;
}

void sc_stop(struct sc *sc)
{
    struct cpu *cpu = this_cpu();
    spin_lock(&cpu->inbox_lock);
    list_remove(&sc->inbox_node);
    spin_unlock(&cpu->inbox_lock);
    list_remove(&sc->node);
    if (cpu->sc == sc) {
        sched_charge();
        cpu->sc = NULL;
        cpu->need_resched = true;
    }
    if (sc->ec->sc == sc)
        sc->ec->sc = NULL;
}
