// SPDX-License-Identifier: MIT
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
        __atomic_add_fetch(&payer->obj.refs, 1, __ATOMIC_RELAXED);
    }
    spin_unlock(&payer->lock);
    return o;
}

bool kobject_get(struct kobject *o)
{
    uint32_t refs = __atomic_load_n(&o->refs, __ATOMIC_RELAXED);
    while (refs && !__atomic_compare_exchange_n(&o->refs, &refs, refs + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        ;
    return refs;
}

// An EC that goes with its portals or its SC is work of theirs, each a part.
static unsigned work_of(const struct kobject *o)
{
    const struct ec *ec = o->was == KOBJ_PT   ? ((const struct pt *)o)->ec
                          : o->was == KOBJ_SC ? ((const struct sc *)o)->ec
                                              : NULL;
    if (ec)
        return 1 + REAP_EC / ec->obj.refs;
    return o->was == KOBJ_EC ? REAP_EC : 1;
}

static void reap_add(struct kobject *o, struct reap *r)
{
    r->list[r->count++] = o;
    r->work += work_of(o);
}

// A PD without references that is not stripped is its parent's, whose destruction takes a reference again (under its
// lock).
static bool pd_drop(struct pd *pd)
{
    uint32_t *lock = pd->parent ? &pd->parent->lock : &pd->lock;
    spin_lock(lock);
    bool last = __atomic_sub_fetch(&pd->obj.refs, 1, __ATOMIC_ACQ_REL) == 0 && pd->stripped;
    spin_unlock(lock);
    return last;
}

void kobject_drop(struct kobject *o, struct reap *r)
{
    bool last = o->was == KOBJ_PD ? pd_drop((struct pd *)o) : __atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) == 0;
    if (last)
        reap_add(o, r);
}

void kobject_put(struct kobject *o)
{
    struct reap r = {.count = 0};
    kobject_drop(o, &r);
    kobject_reap(&r);
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
    pd_settle(payer);
    kobject_drop(&payer->obj, next);
}

static void stop_everywhere(struct reap *r)
{
    stop_here(r);
    cross_call(cpus_all(), stop_here, r);
}

// Twice: after the first time no CPU can look the objects up any more, but one may have handed an EC or SC to the inbox
// of its CPU when that had stopped it already.
void kobject_reap(struct reap *r)
{
    while (r->count) {
        struct reap next = {.count = 0};
        for (unsigned i = 0; i < r->count; i++)
            if (r->list[i]->type != KOBJ_PD)
                __atomic_store_n(&r->list[i]->type, KOBJ_DEAD, __ATOMIC_RELEASE);
        stop_everywhere(r);
        for (unsigned i = 0; i < r->count; i++)
            if (r->list[i]->was == KOBJ_SM)
                sm_abort((struct sm *)r->list[i]);
        stop_everywhere(r);
        for (unsigned i = 0; i < r->count; i++) {
            struct kobject *o = r->list[i];
            if (!r->held || __atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) == 0)
                object_free(o, &next);
        }
        *r = next;
    }
}

// Live objects of the PD, as many as one reap takes, leave its list for the list of zombies and get a reference each;
// or a child does, the next to be destroyed. Objects without references are just being freed or made by other CPUs.
// False = none is left.
static bool take_objects(struct pd *pd, struct reap *r, struct pd **child)
{
    spin_lock(&pd->lock);
    pd->dying = true;
    bool any = !list_empty(&pd->objects);
    list_for_each_safe(node, tmp, &pd->objects)
    {
        struct kobject *o = list_entry(node, struct kobject, owned);
        bool is_pd = o->type == KOBJ_PD;
        if (is_pd && !((struct pd *)o)->stripped) {
            __atomic_add_fetch(&o->refs, 1, __ATOMIC_ACQUIRE);
            *child = (struct pd *)o;
            break;
        }
        if (!kobject_get(o))
            continue;
        list_remove(&o->owned);
        list_push_back(&pd->zombies, &o->owned);
        reap_add(o, r);
        if (reap_full(r))
            break;
    }
    spin_unlock(&pd->lock);
    return any;
}

static bool destroy_objects(struct pd *pd)
{
    struct reap r = {.held = true};
    struct pd *child = NULL;
    bool any = take_objects(pd, &r, &child);
    kobject_reap(&r);
    if (child) {
        pd_destroy_step(child);
        kobject_put(&child->obj);
    }
    return any;
}

// A part of the first leaf of the object space that is there, or the leaf itself when it is empty.
static bool destroy_caps(struct pd *pd)
{
    unsigned i = 0, budget = CAP_BUDGET, j = 0;
    while (i < CAP_LEAF && !pd->caps.dir[i])
        i++;
    if (i == CAP_LEAF)
        return false;
    uint64_t *leaf = pd->caps.dir[i];
    struct reap r = {.count = 0};
    for (; j < CAP_LEAF && budget && !reap_full(&r); j++) {
        struct kobject *o = leaf[j] ? cap_remove(pd, i * CAP_LEAF + j) : NULL;
        if (!o)
            continue;
        kobject_drop(o, &r);
        budget--;
    }
    kobject_reap(&r);
    if (j < CAP_LEAF)
        return true;
    pd->caps.dir[i] = NULL;
    cross_barrier();
    account_free(&pd->account, leaf, 0);
    return true;
}

#define TABLES_BUDGET 2 // page tables freed per step

static enum status destroy_step(struct pd *pd)
{
    if (pd->stripped)
        return ST_OK;
    if (destroy_objects(pd))
        return ST_AGAIN;
    if (!pd->left) { // nothing runs in it any more
        guest_space_flush(pd);
        space_leave(pd);
        pd->left = true;
        return ST_AGAIN;
    }
    if (destroy_caps(pd))
        return ST_AGAIN;
    if (pd->guest.root) {
        pt_destroy(&pd->guest, TABLES_BUDGET);
        return ST_AGAIN;
    }
    if (pd->virt)
        virt->pd_destroy(pd);
    if (!pt_destroy(&pd->host, TABLES_BUDGET))
        return ST_AGAIN;
    pd_strip(pd);
    return ST_OK;
}

// One CPU at a time; the caller has a reference.
enum status pd_destroy_step(struct pd *pd)
{
    if (!__atomic_load_n(&pd->ready, __ATOMIC_ACQUIRE) || __atomic_exchange_n(&pd->busy, true, __ATOMIC_ACQUIRE))
        return ST_AGAIN;
    enum status st = destroy_step(pd);
    __atomic_store_n(&pd->busy, false, __ATOMIC_RELEASE);
    return st;
}
