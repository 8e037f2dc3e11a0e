// SPDX-License-Identifier: MIT
// The object space of a PD: selector -> capability, two levels of pages paid by the PD.
#include "ukernel/kobject.h"
#include "ukernel/cpu.h"
#include "ukernel/spinlock.h"

// Empty and in range? Only a hint where another CPU may fill it: cap_insert decides.
bool cap_free(struct pd *pd, uint64_t sel)
{
    unsigned perms;
    return sel < CAP_SELECTORS && !cap_slot(pd, sel, &perms);
}

static enum status insert_locked(struct pd *pd, uint64_t sel, struct kobject *o, unsigned perms)
{
    if (sel >= CAP_SELECTORS)
        return ST_BAD_PAR;
    if (pd->dying)
        return ST_BAD_CAP;
    uint64_t **leaf = &pd->caps.dir[sel / CAP_LEAF];
    if (!*leaf) {
        uint64_t *page = account_alloc(&pd->account, 0);
        if (!page)
            return ST_NO_MEM;
        *leaf = page;
    }
    if ((*leaf)[sel % CAP_LEAF])
        return ST_IN_USE;
    __atomic_add_fetch(&o->refs, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&(*leaf)[sel % CAP_LEAF], (uint64_t)o | (perms & PERM_ALL), __ATOMIC_RELEASE);
    return ST_OK;
}

enum status cap_insert(struct pd *pd, uint64_t sel, struct kobject *o, unsigned perms)
{
    spin_lock(&pd->lock);
    enum status st = insert_locked(pd, sel, o, perms);
    spin_unlock(&pd->lock);
    return st;
}

struct kobject *cap_remove(struct pd *pd, uint64_t sel)
{
    struct kobject *o = NULL;
    spin_lock(&pd->lock);
    uint64_t *leaf = sel < CAP_SELECTORS ? pd->caps.dir[sel / CAP_LEAF] : NULL;
    if (leaf) {
        o = (struct kobject *)(leaf[sel % CAP_LEAF] & ~(uint64_t)PERM_ALL);
        leaf[sel % CAP_LEAF] = 0;
    }
    spin_unlock(&pd->lock);
    return o;
}

enum status cap_copy(struct pd *dst, uint64_t dst_base, struct pd *src, uint64_t src_base, uint64_t count,
                     unsigned mask, uint64_t *done)
{
    for (*done = 0; *done < count; ++*done) {
        if (*done == CAP_BUDGET)
            return ST_AGAIN;
        if (src_base + *done >= CAP_SELECTORS || dst_base + *done >= CAP_SELECTORS)
            return ST_BAD_PAR;
        struct pd *first = src < dst ? src : dst, *second = src < dst ? dst : src;
        spin_lock(&first->lock);
        if (second != first)
            spin_lock(&second->lock);
        unsigned perms;
        struct kobject *o = src->dying ? NULL : cap_slot(src, src_base + *done, &perms);
        enum status st = o && o->type != KOBJ_DEAD ? insert_locked(dst, dst_base + *done, o, perms & mask) : ST_OK;
        if (second != first)
            spin_unlock(&second->lock);
        spin_unlock(&first->lock);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}
