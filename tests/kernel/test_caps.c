// SPDX-License-Identifier: MIT
// Creating objects and moving capabilities: permissions, selectors, accounts.
#include "tests/kernel/ktest.h"

static void numbers(void)
{
    CHECK_EQ(hc_raw2(HC_COUNT, 0, 0).status, ST_BAD_HYP);
    CHECK_EQ(hc_raw2(~0ul, 0, 0).status, ST_BAD_HYP);
    CHECK_EQ(hc_raw2(1ul << 32, 0, 0).status, ST_BAD_CAP); // ipc_call of selector 0, not of a garbage number
    CHECK_EQ(ctrl_pd(PD_OP_COUNT, SEL_SELF_PD, 0, 0, 0, 0).status, ST_BAD_HYP);
    CHECK_EQ(ctrl_ec(EC_OP_COUNT, SEL_SELF_EC).status, ST_BAD_HYP);
    CHECK_EQ(ctrl_sc(SC_OP_COUNT, SEL_SELF_SC).status, ST_BAD_HYP);
    CHECK_EQ(ctrl_hw(HW_OP_COUNT, SEL_HW, 0).status, ST_BAD_HYP);
    CHECK_EQ(ctrl_hw(HW_FREE_PAGES, SEL_SELF_PD, 0).status, ST_BAD_CAP);
    CHECK_EQ(ipc_reply(0).status, ST_BAD_CAP); // a thread has no caller
}

static void selectors(void)
{
    uint64_t s = sels(4);
    CHECK_EQ(create_sm(s, SEL_SELF_PD, 0).status, ST_OK);
    CHECK_EQ(create_sm(s, SEL_SELF_PD, 0).status, ST_IN_USE);
    CHECK_EQ(create_sm(CAP_SELECTORS, SEL_SELF_PD, 0).status, ST_IN_USE);
    CHECK_EQ(create_sm(~0ul, SEL_SELF_PD, 0).status, ST_IN_USE);
    CHECK_EQ(create_sm(s + 1, s, 0).status, ST_BAD_CAP); // a semaphore is no PD
    CHECK_EQ(create_sm(s + 1, SEL_HW, 0).status, ST_BAD_CAP);
    CHECK_EQ(create_sm(s + 1, CAP_SELECTORS + 5, 0).status, ST_BAD_CAP);
    drop(s, 1);
    CHECK_EQ(sm_up(s), ST_BAD_CAP);
}

static void permissions(void)
{
    uint64_t s = sels(4);
    CHECK_EQ(create_sm(s, SEL_SELF_PD, 0).status, ST_OK);
    CHECK_EQ(ctrl_pd(PD_COPY, SEL_SELF_PD, s + 1, SEL_SELF_PD, s, pd_arg(1, SM_UP)).status, ST_OK);
    CHECK_EQ(sm_up(s + 1), ST_OK);
    CHECK_EQ(sm_down(s + 1, 1), ST_BAD_CAP);
    CHECK_EQ(sm_down(s, 1), ST_OK);
    // rights only shrink on the way
    CHECK_EQ(ctrl_pd(PD_COPY, SEL_SELF_PD, s + 2, SEL_SELF_PD, s + 1, pd_arg(1, PERM_ALL)).status, ST_OK);
    CHECK_EQ(sm_down(s + 2, 1), ST_BAD_CAP);
    CHECK_EQ(ctrl_pd(PD_COPY, SEL_SELF_PD, s + 2, SEL_SELF_PD, s, pd_arg(1, PERM_ALL)).status, ST_IN_USE);
    CHECK_EQ(ctrl_pd(PD_COPY, SEL_SELF_PD, CAP_SELECTORS - 1, SEL_SELF_PD, s, pd_arg(2, PERM_ALL)).status, ST_BAD_PAR);
    drop(CAP_SELECTORS - 1, 1);
    drop(s, 3);
}

static void bad_parameters(void)
{
    uint64_t s = sels(8), ec = handler(0, 0);
    CHECK_EQ(create_pd(s, SEL_SELF_PD, 0, 0).status, ST_BAD_PAR);
    CHECK_EQ(create_pd(s, SEL_SELF_PD, 8, 0x20).status, ST_BAD_PAR);
    CHECK_EQ(create_pd(s, SEL_SELF_PD, 1ul << 39, 0).status, ST_NO_MEM);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, 3, 0x52000000, 0, 0).status, ST_BAD_PAR);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_LOCAL | 63 << 8, 0x52000000, 0, 0).status,
             HIP->cpus > 63 ? ST_OK : ST_BAD_CPU);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_LOCAL, 0x52000001, 0, 0).status, ST_BAD_PAR);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_LOCAL, 0, 0, 0).status, ST_BAD_PAR);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_LOCAL, USER_END, 0, 0).status, ST_BAD_PAR);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_LOCAL, ROOT_UTCB, 0, 0).status, ST_IN_USE); // something is mapped there
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_LOCAL, 0x52000000, 0, CAP_SELECTORS).status, ST_BAD_PAR);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_GLOBAL, 0x52000000, 0x123450, 0).status, ST_BAD_PAR); // no memory there
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_GLOBAL, 0x52000000, 0xffffffff80000000, 0).status, ST_BAD_PAR);
    CHECK_EQ(create_sc(s, SEL_SELF_PD, ec, 10, 1000000).status, ST_BAD_PAR); // a local EC runs on its callers' SCs
    CHECK_EQ(create_sc(s, SEL_SELF_PD, SEL_SELF_EC, 10, 1000000).status, ST_IN_USE);
    CHECK_EQ(create_pt(s, SEL_SELF_PD, SEL_SELF_EC, 0x1000, 0, 0).status, ST_BAD_PAR);
    CHECK_EQ(create_pt(s, SEL_SELF_PD, ec, USER_END, 0, 0).status, ST_BAD_PAR);
    CHECK_EQ(create_pt(s, SEL_SELF_PD, ec, 0x1000, 0, 1u << 31).status, ST_BAD_PAR);
    CHECK_EQ(ctrl_ec(EC_RECALL, SEL_SELF_EC).status, ST_BAD_PAR);
    CHECK_EQ(assign_int(s, 1, 0, 0).status, ST_BAD_CAP);
    CHECK_EQ(create_sm(s, SEL_SELF_PD, 0).status, ST_OK);
    CHECK_EQ(assign_int(s, 100000, 0, 0).status, ST_BAD_DEV);
    CHECK_EQ(assign_int(s, 5, 64, 0).status, ST_BAD_CPU);
    CHECK_EQ(assign_int(s, 5, 0, 4).status, ST_BAD_PAR);
    drop(s, 1);
    drop(ec, 1);
    if (!HIP->virt)
        CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_VCPU, 0x52000000, 0, 0).status, ST_BAD_FTR);
}

static void nothing_lost(void)
{
    uint64_t used = kernel_used(), s = sels(600);
    for (unsigned i = 0; i < 600; i++)
        CHECK_EQ(create_sm(s + i, SEL_SELF_PD, i).status, ST_OK);
    CHECK(kernel_used() > used);
    drop(s, 600);
    uint64_t leaves = kernel_used() - used; // pages of the object space stay
    CHECK(leaves <= 3);
    for (unsigned i = 0; i < 600; i++)
        create_sm(s + i, SEL_SELF_PD, i);
    drop(s, 600);
    CHECK_EQ(kernel_used(), used + leaves);
}

const struct test tests_caps[] = {
    {"hypercall numbers", numbers},          {"selectors", selectors},
    {"permissions shrink", permissions},     {"bad parameters", bad_parameters},
    {"objects are paid back", nothing_lost}, {0},
};
