// SPDX-License-Identifier: GPL-2.0-only
// Birth and death of objects.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/spinlock.h"
#include "ukernel/virt.h"

static const size_t object_size[] = {
    [KOBJ_PD] = sizeof(struct pd), [KOBJ_EC] = sizeof(struct ec), [KOBJ_SC] = sizeof(struct sc),
    [KOBJ_PT] = sizeof(struct pt), [KOBJ_SM] = sizeof(struct sm),
};

void *kobject_new(struct pd *payer, enum kobject_type type, size_t size, enum status *st)
{
    struct kobject *o = NULL;
    *st = ST_BAD_CAP;
    spin_lock(&payer->lock);
    if (!payer->dying) {
        *st = ST_NO_MEM;
        o = slab_alloc(payer, size);
    }
    if (o) {
        *st = ST_OK;
        o->type = o->was = type;
        o->payer = payer;
        list_push_back(&payer->objects, &o->owned);
    }
    spin_unlock(&payer->lock);
    return o;
}

void kobject_drop(struct kobject *o, struct reap *r)
{
    if (__atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) == 0)
        r->list[r->count++] = o;
}

// On every CPU: stop what runs here.
static void stop_here(void *arg)
{
    const struct reap *r = arg;
    uint32_t self = this_cpu()->id;
    for (unsigned i = 0; i < r->count; i++) {
        struct sc *sc = (struct sc *)r->list[i];
        if (r->list[i]->was == KOBJ_SC && sc->cpu == self)
            sc_stop(sc);
    }
    for (unsigned i = 0; i < r->count; i++) {
        struct ec *ec = (struct ec *)r->list[i];
        if (r->list[i]->was == KOBJ_EC && ec->cpu == self)
            ec_stop(ec);
    }
}

// Its memory goes back to its payer. What it referred to may become the next to go.
static void object_free(struct kobject *o, struct reap *next)
{
    struct pd *payer = o->payer;
    if (o->was == KOBJ_PT)
        kobject_drop(&((struct pt *)o)->ec->obj, next);
    if (o->was == KOBJ_SC)
        kobject_drop(&((struct sc *)o)->ec->obj, next);
    if (o->was == KOBJ_EC)
        ec_free((struct ec *)o);
    spin_lock(&payer->lock);
    list_remove(&o->owned);
    slab_free(payer, o, object_size[o->was]);
    spin_unlock(&payer->lock);
    if (payer->dying)
        pd_settle(payer);
}

// Two barriers: after the first no CPU can look the objects up any more and each has stopped its own; after the second none is on
// its way from one CPU's hands to another's inbox.
void kobject_reap(struct reap *r)
{
    while (r->count) {
        struct reap next = {.count = 0};
        for (unsigned i = 0; i < r->count; i++)
            if (r->list[i]->type != KOBJ_PD)
                __atomic_store_n(&r->list[i]->type, KOBJ_DEAD, __ATOMIC_RELEASE);
        stop_here(r);
        cross_call(cpus_all(), stop_here, r);
        for (unsigned i = 0; i < r->count; i++)
            if (r->list[i]->was == KOBJ_SM)
                sm_abort((struct sm *)r->list[i]);
        cross_barrier();
        for (unsigned i = 0; i < r->count; i++) {
            struct kobject *o = r->list[i];
            if (__atomic_load_n(&o->refs, __ATOMIC_ACQUIRE))
                continue;
            if (o->was == KOBJ_PD)
                pd_free((struct pd *)o);
            else
                object_free(o, &next);
        }
        *r = next;
    }
}

// Up to REAP_MAX live objects of the PD leave its list for the list of zombies and are destroyed.
static bool destroy_objects(struct pd *pd)
{
    struct reap r = {.count = 0};
    struct pd *child = NULL;
    spin_lock(&pd->lock);
    pd->dying = true;
    list_for_each_safe(node, tmp, &pd->objects) {
        struct kobject *o = list_entry(node, struct kobject, owned);
        if (o->type == KOBJ_PD) {
            child = (struct pd *)o;
            break;
        }
        list_remove(&o->owned);
        list_push_back(&pd->zombies, &o->owned);
        r.list[r.count++] = o;
        if (r.count == REAP_MAX)
            break;
    }
    if (child)
        __atomic_add_fetch(&child->obj.refs, 1, __ATOMIC_RELAXED); // it must outlive its own destruction for a moment
    spin_unlock(&pd->lock);
    bool more = r.count || child;
    kobject_reap(&r);
    if (!child)
        return more;
    if (pd_destroy_step(child) == ST_OK) {
        spin_lock(&pd->lock);
        list_remove(&child->obj.owned);
        list_push_back(&pd->zombies, &child->obj.owned);
        spin_unlock(&pd->lock);
    }
    if (__atomic_sub_fetch(&child->obj.refs, 1, __ATOMIC_ACQ_REL) == 0)
        pd_free(child);
    return true;
}

// One leaf of the object space per step.
static bool destroy_caps(struct pd *pd)
{
    for (unsigned i = 0; i < CAP_LEAF; i++) {
        uint64_t *leaf = pd->caps.dir[i];
        if (!leaf)
            continue;
        struct reap r = {.count = 0};
        for (unsigned j = 0; j < CAP_LEAF; j++) {
            struct kobject *o = cap_remove(pd, i * CAP_LEAF + j);
            if (o)
                kobject_drop(o, &r);
            if (r.count == REAP_MAX) {
                kobject_reap(&r);
                return true;
            }
        }
        kobject_reap(&r);
        pd->caps.dir[i] = NULL;
        cross_barrier();
        account_free(&pd->account, leaf, 0);
        return true;
    }
    return false;
}

enum status pd_destroy_step(struct pd *pd)
{
    if (pd->stripped)
        return ST_OK;
    if (destroy_objects(pd) || destroy_caps(pd))
        return ST_AGAIN;
    if (pd->guest.root) {
        guest_space_flush(pd);
        if (!pt_destroy(&pd->guest, 32))
            return ST_AGAIN;
    }
    if (pd->virt)
        virt->pd_destroy(pd);
    if (pd->host.root) {
        space_leave(pd);
        if (!pt_destroy(&pd->host, 32))
            return ST_AGAIN;
    }
    pd_strip(pd);
    return ST_OK;
}
