// SPDX-License-Identifier: MIT
// Protection domains: their accounts and the mappings of their spaces.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/spinlock.h"
#include "ukernel/virt.h"

#define MAP_BUDGET   12   // mappings per hypercall
#define UNMAP_BUDGET 128  // entries of page tables
#define PORT_BUDGET  4096 // ports
#define PCIDS        4096
#define PIO_ORDER    1
_Static_assert(sizeof(struct pio_space) == PAGE_SIZE << PIO_ORDER, "port bitmap is two pages");

struct pd pd_hw;

static struct {
    uint32_t lock;
    uint64_t used[PCIDS / 64];
} pcids;

void pd_boot(void)
{
    pcids.used[0] = 1; // PCID 0: the kernel's own tables, and PDs that found none free
    pd_hw.obj.type = pd_hw.obj.was = KOBJ_PD;
    pd_hw.obj.refs = 1;
    pd_hw.is_hw = true;
    list_init(&pd_hw.objects);
    list_init(&pd_hw.zombies);
}

static uint16_t pcid_alloc(void)
{
    uint16_t pcid = 0;
    spin_lock(&pcids.lock);
    for (unsigned i = 0; cpu_has_pcid && i < PCIDS / 64 && !pcid; i++)
        if (~pcids.used[i]) {
            unsigned bit = __builtin_ctzl(~pcids.used[i]);
            pcids.used[i] |= 1ul << bit;
            pcid = i * 64 + bit;
        }
    spin_unlock(&pcids.lock);
    return pcid;
}

static void pcid_free(uint16_t pcid)
{
    spin_lock(&pcids.lock);
    if (pcid)
        pcids.used[pcid / 64] &= ~(1ul << pcid % 64);
    spin_unlock(&pcids.lock);
}

// The rest of what pd_create takes from the child's own account: object space and page tables.
static enum status pd_furnish(struct pd *pd)
{
    pd->caps.dir = account_alloc(&pd->account, 0);
    pd->host.format = &pt_host_format;
    pd->host.account = &pd->account;
    pd->guest.format = virt ? virt->guest_format : NULL;
    pd->guest.account = &pd->account;
    if (!pd->caps.dir || !host_root_init(&pd->host))
        return ST_NO_MEM;
    pd->pcid = pcid_alloc();
    pd->cr3 = virt_to_phys(pd->host.root) | pd->pcid;
    pd->cr3_load = pd->cr3 | (pd->pcid ? CR3_NO_FLUSH : 0);
    return ST_OK;
}

// `parent` NULL: the first process, with `pages` of the pool.
struct pd *pd_create(struct pd *parent, uint64_t pages, enum status *st)
{
    static struct pd first;
    struct pd *pd = &first;
    *st = ST_BAD_PAR;
    if (parent && parent->depth + 1 >= PD_DEPTH)
        return NULL;
    if (parent && !(pd = kobject_new(parent, KOBJ_PD, sizeof *pd, st)))
        return NULL;
    list_init(&pd->objects);
    list_init(&pd->zombies);
    slab_init(&pd->slab);
    pd->parent = parent;
    pd->depth = parent ? parent->depth + 1 : 0;
    __atomic_add_fetch(&pd->obj.refs, 1, __ATOMIC_RELAXED);
    if (!parent) {
        pd->obj.type = pd->obj.was = KOBJ_PD;
        pd->account.limit = pages;
    }
    *st = !parent || account_move(&parent->account, &pd->account, pages) ? ST_OK : ST_NO_MEM;
    if (*st == ST_OK)
        *st = pd_furnish(pd);
    if (*st == ST_OK || !parent) {
        __atomic_store_n(&pd->ready, true, __ATOMIC_RELEASE);
        return pd;
    }
    pt_destroy(&pd->host, 64);
    pd_strip(pd);
    kobject_put(&pd->obj);
    return NULL;
}

// Nothing runs in it and nothing is charged to it but zombies: what its creation took goes back, and it keeps no limit.
void pd_strip(struct pd *pd)
{
    if (pd->caps.dir)
        account_free(&pd->account, pd->caps.dir, 0);
    pd->caps.dir = NULL;
    if (pd->pio)
        account_free(&pd->account, pd->pio, PIO_ORDER);
    pd->pio = NULL;
    pcid_free(pd->pcid);
    pd->pcid = 0;
    pd->stripped = true;
    pd_settle(pd);
}

void pd_settle(struct pd *pd)
{
    for (; pd->stripped; pd = pd->parent)
        account_move_rest(&pd->account, &pd->parent->account);
}

// --- memory ----------------------------------------------------------------------------------------------------------

// The largest page at `va` that the source can give, up to `level`.
static bool source_lookup(struct pd *src, uint64_t va, unsigned level, uint32_t rights, struct pt_leaf *leaf, bool *ram)
{
    if (!src->is_hw) {
        *ram = true;
        if (!pt_lookup(&src->host, va, leaf))
            return false;
        *ram = !(leaf->rights & (MAP_UC | MAP_WC));
        return phys_grantable(leaf->phys, PAGE_SIZE, leaf->rights,
                              &(bool){false}); // pages of the kernel (UTCBs) are not passed on
    }
    leaf->phys = va;
    leaf->rights = rights;
    for (leaf->level = level + 1; leaf->level-- > 0;) {
        uint64_t size = PAGE_SIZE << 9 * leaf->level;
        if (phys_grantable(va & ~(size - 1), size, rights, ram))
            return true;
    }
    return false;
}

static void lock_both(struct pd *a, struct pd *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    if (a != b)
        spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_both(struct pd *a, struct pd *b)
{
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
}

static unsigned level_fitting(uint64_t addresses, uint64_t pages, unsigned max)
{
    while (max && (addresses & ((PAGE_SIZE << 9 * max) - 1) || pages < 1ul << 9 * max))
        max--;
    return max;
}

// One page of the largest size that fits. Both spaces are locked: what is mapped is still the source's.
static enum status map_one(struct pagetable *pt, struct pd *dst, uint64_t to, struct pd *src, uint64_t from,
                           uint64_t pages, uint32_t rights, unsigned *level)
{
    struct pt_leaf leaf;
    bool ram;
    *level = level_fitting(from | to, pages, pt->format->max_level);
    if (src->dying || !source_lookup(src, from, *level, rights, &leaf, &ram))
        return ST_BAD_PAR;
    if (dst->dying)
        return ST_BAD_CAP;
    *level = level_fitting(leaf.phys | to, pages, leaf.level < *level ? leaf.level : *level);
    uint32_t allowed = src->is_hw ? rights : rights & (leaf.rights | MAP_X); // data may become code, never writable
    return pt_map(pt, to, leaf.phys, *level, allowed | (leaf.rights & (MAP_UC | MAP_WC)), ram);
}

enum status pd_map(enum pd_op op, struct pd *dst, uint64_t dst_base, struct pd *src, uint64_t src_base, uint64_t count,
                   uint32_t rights, uint64_t *done)
{
    struct pagetable *pt = op == PD_MAP_GST ? &dst->guest : &dst->host;
    uint64_t end = op == PD_MAP_GST ? 1ul << 46 : USER_END;
    *done = 0;
    if ((dst_base | src_base) & (PAGE_SIZE - 1) || count > end >> PAGE_SHIFT ||
        dst_base > end - (count << PAGE_SHIFT) || (op != PD_MAP_GST && dst_base < PAGE_SIZE) ||
        (!src->is_hw && src_base > USER_END - (count << PAGE_SHIFT)) || !(rights & MAP_R) ||
        (rights & MAP_W && rights & MAP_X && op != PD_MAP_GST))
        return ST_BAD_PAR;
    if (!pt->format || dst->is_hw)
        return ST_BAD_FTR;
    for (unsigned budget = MAP_BUDGET; *done < count; budget--) {
        if (!budget)
            return ST_AGAIN;
        unsigned level;
        lock_both(dst, src);
        enum status st = map_one(pt, dst, dst_base + (*done << PAGE_SHIFT), src, src_base + (*done << PAGE_SHIFT),
                                 count - *done, rights, &level);
        unlock_both(dst, src);
        if (st != ST_OK)
            return st;
        *done += 1ul << 9 * level;
    }
    return ST_OK;
}

static enum status unmap_pages(enum pd_op op, struct pd *pd, uint64_t base, uint64_t count, uint64_t *done)
{
    struct pagetable *pt = op == PD_UNMAP_GST ? &pd->guest : &pd->host;
    uint64_t end = op == PD_UNMAP_GST ? 1ul << 46 : USER_END, *freed = NULL;
    if (base & (PAGE_SIZE - 1) || count > end >> PAGE_SHIFT || base > end - (count << PAGE_SHIFT))
        return ST_BAD_PAR;
    if (!pt->root || !count) {
        *done = count;
        return ST_OK;
    }
    enum status st = ST_OK;
    spin_lock(&pd->lock);
    if (pd->dying) {
        spin_unlock(&pd->lock);
        return ST_BAD_CAP;
    }
    uint64_t reached = pt_unmap(pt, base, count << PAGE_SHIFT, UNMAP_BUDGET, &freed, &st);
    spin_unlock(&pd->lock);
    if (op == PD_UNMAP_GST)
        guest_space_flush(pd);
    else
        space_flush(pd);
    pt_release(pt, freed);
    *done = (reached - base) >> PAGE_SHIFT;
    return st != ST_OK ? st : *done < count ? ST_AGAIN : ST_OK;
}

// --- ports -----------------------------------------------------------------------------------------------------------

static void ports_reload(void *arg)
{
    struct cpu *cpu = this_cpu();
    cpu->pio_bitmap_owner = NULL;
    if (cpu->current_pd == arg || cpu->vector_pd == arg)
        space_load(cpu, arg);
}

// Whole words where they can be: there are 1,024 of them.
static void ports_set(uint64_t *words, uint64_t port, uint64_t end, bool denied)
{
    while (port < end) {
        for (; port % 64 == 0 && end - port >= 64; port += 64)
            words[port / 64] = denied ? ~0ul : 0;
        uint64_t bits = 1ul << port % 64;
        if (port < end)
            words[port / 64] = denied ? words[port / 64] | bits : words[port / 64] & ~bits;
        port++;
    }
}

static bool ports_denied(const uint64_t *words, uint64_t port, uint64_t end)
{
    uint64_t denied = 0;
    for (; port < end; port++) {
        for (; port % 64 == 0 && end - port >= 64; port += 64)
            denied |= words[port / 64];
        if (port < end)
            denied |= words[port / 64] >> port % 64 & 1;
    }
    return denied;
}

static bool ports_valid(uint64_t base, uint64_t count)
{
    return base <= 0x10000 && count <= 0x10000 - base;
}

static uint64_t ports_part(uint64_t count)
{
    return count < PORT_BUDGET ? count : PORT_BUDGET;
}

static enum status change_ports(struct pd *pd, uint64_t base, uint64_t count, bool allow, uint64_t *done)
{
    if (!ports_valid(base, count))
        return ST_BAD_PAR;
    *done = ports_part(count);
    spin_lock(&pd->lock);
    bool dying = pd->dying;
    if (!pd->pio && allow && !dying && (pd->pio = account_alloc(&pd->account, PIO_ORDER)))
        __builtin_memset(pd->pio, 0xff, sizeof *pd->pio);
    if (pd->pio && !dying) {
        ports_set(pd->pio->words, base, base + *done, !allow);
        pd->special = true;
    }
    bool changed = pd->pio;
    enum status st = dying ? ST_BAD_CAP : pd->pio || !allow ? ST_OK : ST_NO_MEM;
    spin_unlock(&pd->lock);
    if (st != ST_OK)
        return st;
    if (changed) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST); // a CPU that takes the old ports is in pd->cpus by now
        ports_reload(pd);
        cross_call(pd->cpus, ports_reload, pd);
    }
    return *done < count ? ST_AGAIN : ST_OK;
}

static bool ports_held(struct pd *pd, uint64_t base, uint64_t count)
{
    if (pd->is_hw)
        return true;
    spin_lock(&pd->lock);
    bool held = !count || (pd->pio && !pd->dying && !ports_denied(pd->pio->words, base, base + count));
    spin_unlock(&pd->lock);
    return held;
}

enum status pd_map_ports(struct pd *dst, uint64_t dst_base, struct pd *src, uint64_t src_base, uint64_t count,
                         uint64_t *done)
{
    if (dst_base != src_base || !ports_valid(src_base, count) || !ports_held(src, src_base, ports_part(count)) ||
        dst->is_hw)
        return ST_BAD_PAR;
    return change_ports(dst, dst_base, count, true, done);
}

enum status pd_unmap(enum pd_op op, struct pd *pd, uint64_t base, uint64_t count, uint64_t *done)
{
    *done = 0;
    if (pd->is_hw)
        return ST_BAD_FTR;
    if (op == PD_UNMAP_PIO)
        return change_ports(pd, base, count, false, done);
    return unmap_pages(op, pd, base, count, done);
}

// --- pages of the kernel's in user space: UTCBs, vCPU pages ----------------------------------------------------------

enum status pd_map_page(struct pd *pd, uint64_t va, void *page, uint32_t rights)
{
    if (va & (PAGE_SIZE - 1) || va < PAGE_SIZE || va >= USER_END)
        return ST_BAD_PAR;
    spin_lock(&pd->lock);
    enum status st = pt_map(&pd->host, va, virt_to_phys(page), 0, rights, true);
    spin_unlock(&pd->lock);
    return st;
}

// Even of a process that is being destroyed: others of its threads may still run.
void pd_unmap_page(struct pd *pd, uint64_t va)
{
    uint64_t *freed = NULL;
    enum status st;
    if (pd->left)
        return;
    spin_lock(&pd->lock);
    pt_unmap(&pd->host, va, PAGE_SIZE, UNMAP_BUDGET, &freed, &st);
    spin_unlock(&pd->lock);
    space_flush(pd);
    pt_release(&pd->host, freed);
}
