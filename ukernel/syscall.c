// SPDX-License-Identifier: MIT
// The hypercalls but for IPC and semaphores: look up, check, act, status.
#include "lib/c/string.h"
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/spinlock.h"
#include "ukernel/virt.h"

#define QUANTUM_MIN 10000 // TSC ticks

static inline struct result ok(uint64_t value)
{
    return (struct result){ST_OK, value};
}

static inline struct result fail(enum status st)
{
    return (struct result){st, 0};
}

static inline struct pd *self_pd(void)
{
    return this_cpu()->current->pd;
}

// Give a new object its first capability; if that fails the object goes again.
static struct result install(uint64_t sel, struct kobject *o)
{
    enum status st = cap_insert(self_pd(), sel, o, PERM_ALL);
    if (st == ST_OK)
        return ok(0);
    struct reap r = {.list = {o}, .count = 1};
    kobject_reap(&r);
    return fail(st);
}

static struct result sys_create_pd(uint64_t sel, uint64_t pd_sel, uint64_t pages, uint64_t perms)
{
    struct pd *parent = cap_lookup(self_pd(), pd_sel, KOBJ_PD, PD_CTRL);
    if (!parent || parent->is_hw)
        return fail(ST_BAD_CAP);
    if (!cap_free(self_pd(), sel))
        return fail(ST_IN_USE);
    if (pages < 4 || pages > 1ul << 40 || perms & ~(uint64_t)PERM_ALL)
        return fail(ST_BAD_PAR);
    enum status st;
    struct pd *pd = pd_create(parent, pages, &st);
    if (!pd)
        return fail(st);
    st = cap_insert(pd, SEL_SELF_PD, &pd->obj, perms);
    if (st == ST_OK)
        st = cap_insert(self_pd(), sel, &pd->obj, PERM_ALL);
    while (st != ST_OK && pd_destroy_step(pd) == ST_AGAIN)
        cross_poll();
    kobject_put(&pd->obj);
    return fail(st);
}

// {rip, rsp} of a new thread, through the creator's page tables: that memory may not be there, or be a device.
static bool read_start(struct pd *pd, uint64_t address, uint64_t start[2])
{
    struct pt_leaf at;
    bool ram;
    spin_lock(&pd->lock);
    bool there = !(address & 15) && address < USER_END && pt_lookup(&pd->host, address, &at) &&
                 (!phys_grantable(at.phys, 16, MAP_R, &ram) || ram);
    if (there)
        memcpy(start, phys_to_virt(at.phys), 16);
    spin_unlock(&pd->lock);
    return there;
}

static struct result sys_create_ec(uint64_t sel, uint64_t pd_sel, uint64_t type_cpu, uint64_t utcb, uint64_t entry,
                                   uint64_t event_base)
{
    unsigned type = type_cpu & 0xff, cpu = type_cpu >> 8 & 0xffff;
    struct pd *pd = cap_lookup(self_pd(), pd_sel, KOBJ_PD, type & EC_FPU ? PD_OBJ | PD_SC : PD_OBJ);
    if (!pd || pd->is_hw)
        return fail(ST_BAD_CAP);
    if (!cap_free(self_pd(), sel))
        return fail(ST_IN_USE);
    if ((type & ~EC_FPU) > EC_VCPU || type == (EC_VCPU | EC_FPU))
        return fail(ST_BAD_PAR);
    if (cpu >= cpu_count)
        return fail(ST_BAD_CPU);
    if (type == EC_VCPU && !virt)
        return fail(ST_BAD_FTR);
    if (event_base > CAP_SELECTORS - EVENT_COUNT || type_cpu >> 24)
        return fail(ST_BAD_PAR);
    uint64_t start[2] = {0};
    if ((type & ~EC_FPU) == EC_GLOBAL && (!read_start(self_pd(), entry, start) || start[0] >= USER_END))
        return fail(ST_BAD_PAR);
    enum status st;
    struct ec *ec = ec_create(pd, type, cpu, utcb, event_base, &st);
    if (!ec)
        return fail(st);
    ec->entry_sp = entry;
    ec->regs.rip = start[0];
    ec->regs.rsp = start[1];
    return install(sel, &ec->obj);
}

static struct result sys_create_sc(uint64_t sel, uint64_t pd_sel, uint64_t ec_sel, uint64_t prio, uint64_t quantum)
{
    struct pd *pd = cap_lookup(self_pd(), pd_sel, KOBJ_PD, PD_SC);
    struct ec *ec = cap_lookup(self_pd(), ec_sel, KOBJ_EC, EC_BIND_SC);
    if (!pd || !ec || pd->is_hw)
        return fail(ST_BAD_CAP);
    if (!cap_free(self_pd(), sel) || ec->sc)
        return fail(ST_IN_USE);
    if (ec->type == EC_LOCAL || prio >= PRIORITIES || quantum < QUANTUM_MIN || quantum >> 48)
        return fail(ST_BAD_PAR);
    enum status st;
    struct sc *sc = sc_create(pd, ec, prio, quantum, &st);
    if (!sc)
        return fail(st);
    sched_start(sc); // while nobody else can destroy it
    return install(sel, &sc->obj);
}

static struct result sys_create_pt(uint64_t sel, uint64_t pd_sel, uint64_t ec_sel, uint64_t ip, uint64_t id,
                                   uint64_t mtd)
{
    struct pd *pd = cap_lookup(self_pd(), pd_sel, KOBJ_PD, PD_OBJ);
    struct ec *ec = cap_lookup(self_pd(), ec_sel, KOBJ_EC, EC_BIND_PT);
    if (!pd || !ec || pd->is_hw)
        return fail(ST_BAD_CAP);
    if (!cap_free(self_pd(), sel))
        return fail(ST_IN_USE);
    if (ec->type != EC_LOCAL || ip >= USER_END || mtd & ~(uint64_t)MTD_ALL)
        return fail(ST_BAD_PAR);
    enum status st;
    if (!kobject_get(&ec->obj))
        return fail(ST_BAD_CAP);
    struct pt *pt = kobject_new(pd, KOBJ_PT, sizeof *pt, &st);
    if (!pt) {
        kobject_put(&ec->obj);
        return fail(st);
    }
    pt->ec = ec;
    pt->ip = ip;
    pt->id = id;
    pt->mtd = mtd;
    return install(sel, &pt->obj);
}

static struct result sys_create_sm(uint64_t sel, uint64_t pd_sel, uint64_t count)
{
    struct pd *pd = cap_lookup(self_pd(), pd_sel, KOBJ_PD, PD_OBJ);
    if (!pd || pd->is_hw)
        return fail(ST_BAD_CAP);
    if (!cap_free(self_pd(), sel))
        return fail(ST_IN_USE);
    enum status st;
    struct sm *sm = sm_create(pd, count, &st);
    return sm ? install(sel, &sm->obj) : fail(st);
}

static struct result unmap_caps(struct pd *pd, uint64_t base, uint64_t count)
{
    struct reap r = {.count = 0};
    uint64_t done = 0;
    if (base > CAP_SELECTORS || count > CAP_SELECTORS - base)
        return fail(ST_BAD_PAR);
    while (done < count && done < CAP_BUDGET && !reap_full(&r)) {
        struct kobject *o = pd->dying ? NULL : cap_remove(pd, base + done);
        if (o)
            kobject_drop(o, &r);
        done++;
    }
    kobject_reap(&r);
    return (struct result){done < count ? ST_AGAIN : ST_OK, done};
}

static struct result pd_operation(enum pd_op op, struct pd *dst, uint64_t dst_base, struct pd *src, uint64_t src_base,
                                  uint64_t arg)
{
    uint64_t count = arg & 0xffffffffffffff, done = 0;
    uint32_t rights = arg >> 56;
    enum status st;
    switch (op) {
    case PD_COPY:
        st = cap_copy(dst, dst_base, src, src_base, count, rights, &done);
        break;
    case PD_MAP_MEM:
    case PD_MAP_GST:
        st = pd_map(op, dst, dst_base, src, src_base, count, rights, &done);
        break;
    case PD_MAP_PIO:
        st = pd_map_ports(dst, dst_base, src, src_base, count, &done);
        break;
    case PD_UNMAP_OBJ:
        return unmap_caps(dst, dst_base, count);
    case PD_DESTROY:
        st = pd_destroy_step(dst);
        break;
    case PD_QUERY:
        return ok(arg ? dst->account.limit : dst->account.used);
    default:
        st = pd_unmap(op, dst, dst_base, count, &done);
    }
    return (struct result){st, done};
}

struct result sys_ctrl_pd(uint64_t op, uint64_t dst_sel, uint64_t dst_base, uint64_t src_sel, uint64_t src_base,
                          uint64_t arg)
{
    static const uint8_t need[PD_OP_COUNT] = {
        [PD_COPY] = PD_OBJ,      [PD_MAP_MEM] = PD_MEM,   [PD_MAP_GST] = PD_GST,   [PD_MAP_PIO] = PD_MEM,
        [PD_UNMAP_OBJ] = PD_OBJ, [PD_UNMAP_MEM] = PD_MEM, [PD_UNMAP_GST] = PD_GST, [PD_UNMAP_PIO] = PD_MEM,
        [PD_DESTROY] = PD_CTRL,  [PD_QUERY] = PD_CTRL,
    };
    if (op >= PD_OP_COUNT)
        return fail(ST_BAD_HYP);
    struct pd *dst = cap_lookup(self_pd(), dst_sel, KOBJ_PD, need[op]), *src = NULL;
    if (!dst || dst->is_hw)
        return fail(ST_BAD_CAP);
    if (op <= PD_MAP_PIO) {
        unsigned from = op == PD_COPY ? PD_OBJ : op == PD_MAP_GST ? PD_GST : PD_MEM;
        if (!(src = cap_lookup(self_pd(), src_sel, KOBJ_PD, from)) || (op == PD_COPY && src->is_hw))
            return fail(ST_BAD_CAP);
    }
    if (op == PD_DESTROY && dst == self_pd())
        return fail(ST_BAD_PAR);
    if (!kobject_get(&dst->obj))
        return fail(ST_BAD_CAP);
    struct result r = pd_operation(op, dst, dst_base, src, src_base, arg);
    kobject_put(&dst->obj);
    return r;
}

static struct result sys_ctrl_ec(uint64_t op, uint64_t sel)
{
    if (op >= EC_OP_COUNT)
        return fail(ST_BAD_HYP);
    struct ec *ec = cap_lookup(self_pd(), sel, KOBJ_EC, EC_CTRL);
    if (!ec)
        return fail(ST_BAD_CAP);
    if (ec->type != EC_VCPU)
        return fail(ST_BAD_PAR);
    bool recalled = __atomic_exchange_n(&ec->recall, true, __ATOMIC_SEQ_CST);
    if (!recalled && ec->cpu != this_cpu()->id) // no more interrupts for that CPU than the vCPU has exits
        lapic_ipi(ec->cpu, VECTOR_IPI);
    return ok(0);
}

static struct result sys_ctrl_sc(uint64_t op, uint64_t sel)
{
    if (op >= SC_OP_COUNT)
        return fail(ST_BAD_HYP);
    struct sc *sc = cap_lookup(self_pd(), sel, KOBJ_SC, SC_CTRL);
    if (!sc)
        return fail(ST_BAD_CAP);
    if (sc == this_cpu()->sc)
        sched_charge();
    return ok(sc->used);
}

static struct result sys_ctrl_pt(uint64_t op, uint64_t sel, uint64_t value)
{
    if (op >= PT_OP_COUNT)
        return fail(ST_BAD_HYP);
    struct pt *pt = cap_lookup(self_pd(), sel, KOBJ_PT, PT_CTRL);
    if (!pt)
        return fail(ST_BAD_CAP);
    if (value & ~(uint64_t)MTD_ALL)
        return fail(ST_BAD_PAR);
    pt->mtd = value;
    return ok(0);
}

static struct result sys_assign_int(uint64_t sel, uint64_t gsi, uint64_t cpu, uint64_t flags)
{
    struct sm *sm = cap_lookup(self_pd(), sel, KOBJ_SM, SM_ASSIGN);
    struct pd *hw = cap_lookup(self_pd(), SEL_HW, KOBJ_PD, PD_CTRL);
    if (!sm || !hw || !hw->is_hw)
        return fail(ST_BAD_CAP);
    if (flags & ~(uint64_t)(INT_LEVEL | INT_ACTIVE_LOW))
        return fail(ST_BAD_PAR);
    return fail(sm_assign(sm, gsi < MAX_GSIS ? gsi : MAX_GSIS, cpu < MAX_CPUS ? cpu : MAX_CPUS, flags));
}

static struct result sys_ctrl_hw(uint64_t op, uint64_t sel, uint64_t arg)
{
    struct pd *hw = cap_lookup(self_pd(), sel, KOBJ_PD, PD_CTRL);
    if (!hw || !hw->is_hw)
        return fail(ST_BAD_CAP);
    switch (op) {
    case HW_FREE_PAGES:
        return ok(pool_free_pages());
    case HW_CONSOLE:
        klog_to_serial(false);
        return ok(0);
    case HW_CPU_IDLE:
        return arg < cpu_count ? ok(cpus[arg]->idle_time) : fail(ST_BAD_CPU);
    default:
        return fail(ST_BAD_HYP);
    }
}

struct result sys_ctrl_sm(uint64_t op, uint64_t sel, uint64_t deadline); // obj/sm.c

typedef struct result (*hypercall_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
const hypercall_fn hypercall_table[HC_COUNT] = {
#define HYPERCALL(number, name, ...) [number] = (hypercall_fn)(void (*)(void))sys_##name,
#include "abi/hypercalls.def"
#undef HYPERCALL
};
