// SPDX-License-Identifier: MIT
// A guest that never gives way: deadlines, recalls, time slices.
#include "tests/kernel/vm.h"

static volatile unsigned ticks_left;

static uint64_t deadline_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP) {
        uint64_t mtd = start_real(s);
        s->deadline = tsc() + HIP->tsc_hz / 2000;
        return mtd;
    }
    CHECK_EQ(event, EVENT_TIMER);
    CHECK_EQ(s->deadline, 0);
    if (--ticks_left == 0)
        return MTD_STOP;
    s->deadline = tsc() + HIP->tsc_hz / 2000;
    return MTD_DEADLINE;
}

static void deadline(void)
{
    if (no_vms())
        return;
    ticks_left = 10;
    uint64_t start = tsc();
    VM_START(spin, deadline_answer); // IF is clear all the time
    vm_wait();
    uint64_t took = tsc() - start;
    CHECK_EQ(vm.seen[EVENT_TIMER], 10);
    CHECK(took >= HIP->tsc_hz / 2000 * 10 && took < HIP->tsc_hz / 5); // QEMU without -icount counts the host's time
    CHECK(vm.last.gpr[GPR_RAX] > 1000);
    vm_end(1);
}

static uint64_t recall_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    CHECK_EQ(event, EVENT_RECALL);
    return MTD_STOP;
}

static void recall(void)
{
    if (no_vms())
        return;
    VM_START(spin, recall_answer);
    CHECK_EQ(sm_down(vm.done, after_ms(20)), ST_TIMEOUT); // our own deadline gets us the CPU back
    CHECK(vm.stats->preemptions);
    CHECK_EQ(ctrl_ec(EC_RECALL, vm.ec[0]).status, ST_OK);
    vm_wait();
    CHECK_EQ(vm.seen[EVENT_RECALL], 1);
    vm_end(1);
}

static uint64_t only_start(unsigned event, struct utcb_state *s)
{
    CHECK_EQ(event, EVENT_STARTUP);
    return start_real(s);
}

static void slices(void) // two guests that spin share the CPU, and end while they run
{
    if (no_vms())
        return;
    vm_start(guest_spin, guest_spin_end, only_start, 2, 10);
    uint64_t a = 0, b = 0;
    for (unsigned tries = 0; tries < 200 && !(a && b); tries++) { // an emulator's CPU may itself be waiting
        CHECK_EQ(sm_down(vm.done, after_ms(40)), ST_TIMEOUT);
        a = ctrl_sc(SC_TIME, vm.sc[0]).value;
        b = ctrl_sc(SC_TIME, vm.sc[1]).value;
    }
    CHECK(a && b);
    if (!tsc_is_the_hosts())
        CHECK(a > HIP->tsc_hz / 100 && b > HIP->tsc_hz / 100 && a < 3 * b && b < 3 * a);
    vm_end(2);
}

static void recall_remote(void)
{
    on_the_other_cpu(recall);
}

static void slices_remote(void) // destroyed while they run there
{
    on_the_other_cpu(slices);
}

const struct test tests_vcpu_time[] = {
    {"deadline of a vCPU with interrupts off", deadline}, {"recall", recall},
    {"vCPUs share a CPU by time slices", slices},         {"recall from another CPU", recall_remote},
    {"vCPUs destroyed from another CPU", slices_remote},  {0},
};
