// SPDX-License-Identifier: MIT
// A guest's memory, which may go away under it; and that of its vCPU.
#include "tests/kernel/vm.h"

GUEST(memory,
      "mov $0x3000, %ax\n mov %ax, %ds\n movb $0x5a, 0x10\n mov $0xf000, %ax\n mov %ax, %ds\n mov 0x1230, %al\n hlt");
GUEST(reads, "mov $0x3000, %ax\n mov %ax, %ds\n 1: mov 0, %bx\n inc %ecx\n jmp 1b");

static uint64_t memory_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        *(volatile uint8_t *)(GUEST_VIEW + 0x1230) = 0xa5;
        return start_real(s);
    case VMX_EXIT_EPT_VIOLATION:
        CHECK_EQ(s->qual[1], 0x400000);
        CHECK(s->qual[0] & EPT_QUAL_READ);
        return MTD_STOP;
    case VMX_EXIT_HLT:
        CHECK_EQ(*(volatile uint8_t *)(GUEST_VIEW + 0x30010), 0x5a);
        s->seg[SEG_DS].base = 0x400000 - 0x1230;
        s->rip -= 3; // the load once more
        return MTD_RIP | MTD_ESDS;
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void nested_paging(void)
{
    if (no_vms())
        return;
    VM_START(memory, memory_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_EPT_VIOLATION], 1);
    vm_end(1);
}

static uint64_t unmap_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    CHECK_EQ(event, VMX_EXIT_EPT_VIOLATION);
    CHECK_EQ(s->qual[1], 0x30000);
    return MTD_STOP;
}

static void unmap_while_it_runs(void)
{
    if (no_vms())
        return;
    VM_START(reads, unmap_answer);
    CHECK_EQ(sm_down(vm.done, after_ms(10)), ST_TIMEOUT);
    struct hc_result r;
    do
        r = ctrl_pd(PD_UNMAP_GST, SEL_SELF_PD, 0x30000, 0, 0, pd_arg(1, 0)); // splits the 2M page
    while (r.status == ST_AGAIN);
    CHECK_EQ(r.status, ST_OK);
    vm_wait();
    vm_end(1);
}

static void unmap_remote(void)
{
    on_the_other_cpu(unmap_while_it_runs);
}

static void lives(void)
{
    if (no_vms())
        return;
    uint64_t used = 0, pool = 0, s = sels(3);
    for (unsigned i = 0; i < 30; i++) {
        struct hc_result r;
        CHECK_EQ(create_pd(s, SEL_SELF_PD, 64, PERM_ALL).status, ST_OK);
        CHECK_EQ(create_ec(s + 1, s, EC_VCPU, 0x20000000, 0, 4096).status, ST_OK);
        CHECK_EQ((r = ctrl_pd(PD_MAP_GST, s, 0, SEL_HW, vm.phys, pd_arg(512, MAP_R | MAP_W | MAP_X))).status, ST_OK);
        CHECK_EQ(create_sc(s + 2, s, s + 1, 10, HIP->tsc_hz / 1000).status, ST_OK);
        drop(s + 2, 1);
        drop(s + 1, 1);
        destroy_pd(s);
        if (i == 10) {
            used = kernel_used();
            pool = free_pages();
        }
    }
    CHECK_EQ(kernel_used(), used);
    CHECK_EQ(free_pages(), pool);
}

static void poor(void) // an account that cannot pay for a vCPU, at every point
{
    if (no_vms())
        return;
    unsigned pages = 8;
    for (enum status st = ST_NO_MEM; st != ST_OK && pages < 64; pages++) {
        uint64_t s = sels(2);
        if (create_pd(s, SEL_SELF_PD, pages, PERM_ALL).status != ST_OK)
            continue;
        st = create_ec(s + 1, s, EC_VCPU, 0x20000000, 0, 4096).status;
        CHECK(st == ST_OK || st == ST_NO_MEM);
        if (st == ST_OK)
            drop(s + 1, 1);
        destroy_pd(s);
    }
    CHECK(pages < 64);
}

const struct test tests_vcpu_memory[] = {
    {"nested paging", nested_paging},
    {"guest memory unmapped while the guest runs", unmap_while_it_runs},
    {"guest memory unmapped from another CPU", unmap_remote},
    {"vCPUs leave nothing behind", lives},
    {"vCPU out of an account that is too small", poor},
    {0},
};
