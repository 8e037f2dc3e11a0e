// SPDX-License-Identifier: MIT
// Statuses that no other test provokes: see include/abi/hypercall_status.def and tests/kernel/coverage.
#include "lib/c/string.h"
#include "tests/kernel/ktest.h"

#define AREA 0x2800000000ul

static void wrong_capabilities(void)
{
    uint64_t s = sels(8), ec = handler(0, 0), empty = s + 7;
    CHECK_EQ(create_sm(s, SEL_SELF_PD, 0).status, ST_OK);
    CHECK_EQ(create_pd(s + 1, s, 8, 0).status, ST_BAD_CAP);
    CHECK_EQ(create_pd(s + 1, SEL_HW, 8, 0).status, ST_BAD_CAP);
    CHECK_EQ(create_ec(s + 1, s, EC_LOCAL, AREA, 0, 0).status, ST_BAD_CAP);
    CHECK_EQ(create_ec(s + 1, SEL_HW, EC_LOCAL, AREA, 0, 0).status, ST_BAD_CAP);
    CHECK_EQ(create_sc(s + 1, SEL_SELF_PD, s, 1, 100000).status, ST_BAD_CAP);
    CHECK_EQ(create_sc(s + 1, empty, ec, 1, 100000).status, ST_BAD_CAP);
    CHECK_EQ(create_pt(s + 1, SEL_SELF_PD, s, 0x1000, 0, 0).status, ST_BAD_CAP);
    CHECK_EQ(create_pt(s + 1, empty, ec, 0x1000, 0, 0).status, ST_BAD_CAP);
    CHECK_EQ(ctrl_pd(PD_COPY, s, 0, SEL_SELF_PD, 0, pd_arg(1, 0)).status, ST_BAD_CAP);
    CHECK_EQ(ctrl_pd(PD_MAP_MEM, SEL_SELF_PD, AREA, empty, AREA, pd_arg(1, MAP_R)).status, ST_BAD_CAP);
    CHECK_EQ(ctrl_pd(PD_DESTROY, SEL_HW, 0, 0, 0, 0).status, ST_BAD_CAP);
    CHECK_EQ(ctrl_ec(EC_RECALL, s).status, ST_BAD_CAP);
    CHECK_EQ(ctrl_pt(PT_SET_MTD, s, 0).status, ST_BAD_CAP);
    // a capability without the permission
    CHECK_EQ(ctrl_pd(PD_COPY, SEL_SELF_PD, s + 2, SEL_SELF_PD, SEL_SELF_PD, pd_arg(1, 0)).status, ST_OK);
    CHECK_EQ(create_sm(s + 3, s + 2, 0).status, ST_BAD_CAP);
    CHECK_EQ(ctrl_pd(PD_QUERY, s + 2, 0, 0, 0, 0).status, ST_BAD_CAP);
    drop(s, 3);
    drop(ec, 1);
}

static void wrong_operations(void)
{
    uint64_t s = sels(2), ec = handler(0, 0);
    CHECK_EQ(create_sm(s, SEL_SELF_PD, 0).status, ST_OK);
    CHECK_EQ(create_pt(s + 1, SEL_SELF_PD, ec, 0x1000, 0, 0).status, ST_OK);
    CHECK_EQ(create_pt(s + 1, SEL_SELF_PD, ec, 0x1000, 0, 0).status, ST_IN_USE);
    CHECK_EQ(create_pd(s, SEL_SELF_PD, 8, 0).status, ST_IN_USE);
    CHECK_EQ(ctrl_pt(PT_OP_COUNT, s + 1, 0).status, ST_BAD_HYP);
    CHECK_EQ(ctrl_pt(PT_SET_MTD, s + 1, 1u << 31).status, ST_BAD_PAR);
    CHECK_EQ(ctrl_sm(SM_OP_COUNT, s, 0).status, ST_BAD_HYP);
    CHECK_EQ(ctrl_sc(SC_TIME, SEL_SELF_SC).status, ST_OK);
    CHECK_EQ(ctrl_hw(HW_CPU_IDLE, SEL_HW, 0).status, ST_OK);
    CHECK_EQ(ctrl_hw(HW_CPU_IDLE, SEL_HW, HIP->cpus).status, ST_BAD_CPU);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_LOCAL | 200 << 8, AREA, 0, 0).status,
             ST_IN_USE); // the selector is looked at first
    drop(s, 2);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_LOCAL | 200 << 8, AREA, 0, 0).status, ST_BAD_CPU);
    CHECK_EQ(ctrl_pd(PD_MAP_MEM, SEL_SELF_PD, AREA, SEL_HW, phys_take(64, PAGE_SIZE), pd_arg(64, MAP_R)).status,
             ST_AGAIN);
    unmap_self(AREA, 64);
    uint64_t child = sels(1);
    CHECK_EQ(create_pd(child, SEL_SELF_PD, 16, PERM_ALL).status, ST_OK);
    CHECK_EQ(ctrl_pd(PD_UNMAP_MEM, SEL_HW, 0, 0, 0, pd_arg(1, 0)).status, ST_BAD_CAP);
    if (!HIP->virt)
        CHECK_EQ(ctrl_pd(PD_MAP_GST, child, 0, SEL_HW, 0x1000000, pd_arg(1, MAP_R)).status, ST_BAD_FTR);
    destroy_pd(child);
    drop(ec, 1);
}

// Each kind of object, from an account that is exhausted: an error to that caller, and nothing is lost.
static void exhausted(void)
{
    uint64_t pd = sels(1), s = sels(2000), n = 0, phys = phys_take(8, PAGE_SIZE);
    for (unsigned round = 0; round < 2; round++) {
        CHECK_EQ(create_pd(pd, SEL_SELF_PD, 24, PERM_ALL).status, ST_OK);
        uint64_t used = ctrl_pd(PD_QUERY, pd, 0, 0, 0, 0).value;
        CHECK_EQ(create_ec(s + 1990, pd, EC_LOCAL, AREA, 0x1000, 0).status, ST_OK);
        CHECK_EQ(create_ec(s + 1991, pd, EC_GLOBAL, AREA + PAGE_SIZE, (uint64_t)utcb_self(), 0).status, ST_OK);
        for (n = 0; n < 1980 && create_sm(s + n, pd, 0).status == ST_OK; n++)
            ;
        uint64_t pages =
            0; // slabs of other sizes may have room still: fill the account to its last page by page tables
        while (ctrl_pd(PD_MAP_MEM, pd, AREA * 2 + pages * LARGE_SIZE, SEL_HW, phys, pd_arg(1, MAP_R)).status == ST_OK)
            pages++;
        CHECK_EQ(ctrl_pd(PD_MAP_MEM, pd, AREA * 2 + pages * LARGE_SIZE, SEL_HW, phys, pd_arg(1, MAP_R)).status,
                 ST_NO_MEM);
        CHECK_EQ(ctrl_pd(PD_MAP_PIO, pd, 0x80, SEL_HW, 0x80, pd_arg(1, 0)).status, ST_NO_MEM);
        CHECK_EQ(ctrl_pd(PD_COPY, pd, 100000, SEL_SELF_PD, SEL_SELF_EC, pd_arg(1, 0)).status, ST_NO_MEM);
        CHECK_EQ(create_sm(s + 1999, pd, 0).status, ST_NO_MEM);
        CHECK_EQ(create_pd(s + 1999, pd, 4, 0).status, ST_NO_MEM);
        enum status st = ST_OK;
        for (n = 1980; n < 1989 && st == ST_OK; n++)
            st = create_pt(s + n, pd, s + 1990, 0x1000, 0, 0).status;
        CHECK_EQ(create_ec(s + 1999, pd, EC_LOCAL, AREA + 8 * PAGE_SIZE, 0x1000, 0).status, ST_NO_MEM);
        CHECK_EQ(create_ec(s + 1999, pd, EC_LOCAL | EC_FPU, AREA + 8 * PAGE_SIZE, 0x1000, 0).status, ST_NO_MEM);
        CHECK_EQ(ctrl_pd(PD_QUERY, pd, 0, 0, 0, 0).value, 24);
        drop(s, 2000);
        CHECK(ctrl_pd(PD_QUERY, pd, 0, 0, 0, 0).value <= used + pages + 4);
        destroy_pd(pd);
    }
}

// PT and SC are small: they fail when their slab is full.
static void exhausted_by_small_objects(void)
{
    uint64_t pd = sels(1), s = sels(4), many = sels(600), ec = handler(0, 0);
    CHECK_EQ(create_pd(pd, SEL_SELF_PD, 6, PERM_ALL).status, ST_OK);
    unsigned n = 0;
    while (n < 600 && create_pt(many + n, pd, ec, 0x1000, 0, 0).status == ST_OK)
        n++;
    CHECK(n > 50 && n < 600);
    CHECK_EQ(create_pt(s, pd, ec, 0x1000, 0, 0).status, ST_NO_MEM);
    struct thread *t = slot_thread(1, 0);
    t->start[0] = 0x1000;
    CHECK_EQ(create_ec(s + 1, SEL_SELF_PD, EC_GLOBAL, (uint64_t)t->utcb, (uint64_t)t->start, 0).status, ST_OK);
    CHECK_EQ(create_sc(s + 2, pd, s + 1, 1, 100000).status, ST_NO_MEM);
    drop(s + 1, 1);
    drop(many, 600);
    destroy_pd(pd);
    drop(ec, 1);
}

// A waiter learns that its semaphore is gone.
static uint64_t waited;
static volatile uint64_t answer;
static void waits(void *arg)
{
    (void)arg;
    CHECK_EQ(sm_down(waited, 0), ST_ABORTED);
    answer = 1;
}

static void aborted(void)
{
    waited = sels(1);
    answer = 0;
    CHECK_EQ(create_sm(waited, SEL_SELF_PD, 0).status, ST_OK);
    uint64_t th = spawn(0, 0, 110, waits, NULL);
    CHECK_EQ(answer, 0);
    drop(waited, 1);
    CHECK_EQ(answer, 1);
    drop(th, 2);
}

// ---- what the kernel hands on is zero: UTCBs, vCPU pages and vector state, whoever had the page before
static bool is_zero(const void *page)
{
    const uint64_t *words = page;
    uint64_t any = 0;
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        any |= words[i];
    return !any;
}

static void pages_are_zero(void)
{
    uint64_t s = sels(40);
    for (unsigned round = 0; round < 4; round++) {
        for (uint64_t i = 0; i < 40; i++) {
            uint64_t utcb = AREA + i * 2 * PAGE_SIZE;
            bool vcpu = HIP->virt && (i + round) % 3 == 0;
            CHECK_EQ(create_ec(s + i, SEL_SELF_PD, vcpu ? EC_VCPU : EC_LOCAL, utcb, 0x1000, 0).status, ST_OK);
            CHECK(is_zero((void *)utcb));
            if (vcpu)
                CHECK(is_zero((void *)(utcb + PAGE_SIZE)));
            memset((void *)utcb, 0xa5, PAGE_SIZE);
        }
        drop(s, 40);
    }
}

const struct test tests_status[] = {
    {"wrong capabilities", wrong_capabilities},
    {"wrong operations", wrong_operations},
    {"an exhausted account", exhausted},
    {"an account exhausted by small objects", exhausted_by_small_objects},
    {"a waiter whose semaphore goes", aborted},
    {"pages of the kernel's are zero when they are handed on", pages_are_zero},
    {0},
};
