// SPDX-License-Identifier: MIT
// Accounts: every page of the kernel's memory is paid by some process.
#include "lib/c/string.h"
#include "ukernel/mem.h"
#include "ukernel/spinlock.h"

static bool account_charge(struct account *a, uint64_t pages)
{
    spin_lock(&a->lock);
    bool ok = pages <= a->limit - a->used;
    if (ok)
        a->used += pages;
    spin_unlock(&a->lock);
    return ok;
}

static void account_credit(struct account *a, uint64_t pages)
{
    spin_lock(&a->lock);
    a->used -= pages;
    spin_unlock(&a->lock);
}

void *account_alloc(struct account *a, unsigned order)
{
    if (!account_charge(a, 1ul << order))
        return NULL;
    void *block = pool_alloc(order);
    if (!block) {
        account_credit(a, 1ul << order);
        return NULL;
    }
    return memset(block, 0, PAGE_SIZE << order);
}

void account_free(struct account *a, void *block, unsigned order)
{
    pool_free(block, order);
    account_credit(a, 1ul << order);
}

// Two steps, one lock at a time: what is taken from one is not yet the other's, so the sum never exceeds what there is.
static void limit_raise(struct account *a, uint64_t pages)
{
    spin_lock(&a->lock);
    a->limit += pages;
    spin_unlock(&a->lock);
}

bool account_move(struct account *from, struct account *to, uint64_t pages)
{
    spin_lock(&from->lock);
    bool ok = pages <= from->limit - from->used;
    if (ok)
        from->limit -= pages;
    spin_unlock(&from->lock);
    if (ok)
        limit_raise(to, pages);
    return ok;
}

void account_move_rest(struct account *from, struct account *to)
{
    spin_lock(&from->lock);
    uint64_t rest = from->limit - from->used;
    from->limit = from->used;
    spin_unlock(&from->lock);
    limit_raise(to, rest);
}
