// SPDX-License-Identifier: MIT
// Mappings: rights, sizes, what the kernel keeps, and that unmapping is at once.
#include "tests/kernel/ktest.h"

#define VA 0x30000000ul

static struct hc_result map(uint64_t va, uint64_t from_pd, uint64_t from, uint64_t pages, uint64_t rights)
{
    return ctrl_pd(PD_MAP_MEM, SEL_SELF_PD, va, from_pd, from, pd_arg(pages, rights));
}

static void refusals(void)
{
    uint64_t p = phys_take(2, PAGE_SIZE);
    CHECK_EQ(map(VA + 1, SEL_HW, p, 1, MAP_R).status, ST_BAD_PAR);
    CHECK_EQ(map(VA, SEL_HW, p + 8, 1, MAP_R).status, ST_BAD_PAR);
    CHECK_EQ(map(0, SEL_HW, p, 1, MAP_R).status, ST_BAD_PAR);
    CHECK_EQ(map(USER_END - PAGE_SIZE, SEL_HW, p, 2, MAP_R).status, ST_BAD_PAR);
    CHECK_EQ(map(0xffff800000000000, SEL_HW, p, 1, MAP_R).status, ST_BAD_PAR);
    CHECK_EQ(map(VA, SEL_HW, p, 1, MAP_W).status, ST_BAD_PAR);
    CHECK_EQ(map(VA, SEL_HW, p, 1, MAP_R | MAP_W | MAP_X).status, ST_BAD_PAR);
    CHECK_EQ(map(VA, SEL_HW, p, ~0ul >> 8, MAP_R).status, ST_BAD_PAR);
    CHECK_EQ(map(VA, SEL_SELF_PD, 0x12340000000, 1, MAP_R).status, ST_BAD_PAR); // nothing there
    CHECK_EQ(map(VA, SEL_HW, p, 1, MAP_R | MAP_W).status, ST_OK);
    CHECK_EQ(map(VA, SEL_HW, p, 1, MAP_R | MAP_W).status, ST_IN_USE);
    unmap_self(VA, 1);
    for (unsigned i = 0; i < HIP->region_count; i++) // what is the kernel's
        if (HIP->regions[i].type == 0x100)
            CHECK_EQ(map(VA, SEL_HW, HIP->regions[i].base, 1, MAP_R).status,
                     HIP->regions[i].base == HIP->log_base ? ST_OK : ST_BAD_PAR);
    unmap_self(VA, 1);
    CHECK_EQ(map(VA, SEL_HW, 0xfee00000, 1, MAP_R | MAP_UC).status, ST_BAD_PAR); // the local APIC
    CHECK_EQ(map(VA, SEL_SELF_PD, ROOT_UTCB, 1, MAP_R).status, ST_BAD_PAR);      // a page of the kernel's, lent
}

static void sharing_and_rights(void)
{
    uint64_t p = phys_take(1, PAGE_SIZE);
    volatile uint64_t *a = (volatile uint64_t *)VA, *b = (volatile uint64_t *)(VA + PAGE_SIZE);
    map_self(VA, p, 1, MAP_R | MAP_W);
    CHECK_EQ(map(VA + PAGE_SIZE, SEL_SELF_PD, VA, 1, MAP_R).status, ST_OK);
    *a = 0x1234567;
    CHECK_EQ(*b, 0x1234567);
    CHECK_EQ(map(VA + 2 * PAGE_SIZE, SEL_SELF_PD, VA + PAGE_SIZE, 1, MAP_R | MAP_W).status,
             ST_OK); // writable? no: see below
    unmap_self(VA, 3);
    uint64_t used = kernel_used();
    map_self(VA, p, 1, MAP_R);
    unmap_self(VA, 1);
    CHECK_EQ(kernel_used(), used); // tables that became empty are freed
}

static volatile bool faulted;
static _Noreturn void on_fault(uint64_t id, uint64_t mtd)
{
    (void)id, (void)mtd;
    faulted = true;
    ipc_return(MTD_STOP);
}

static void touch_write(void *address)
{
    *(volatile uint64_t *)address = 1;
}

static void touch_read(void *address)
{
    (void)*(volatile uint64_t *)address;
}

static bool faults(thread_entry how, uint64_t address, unsigned cpu)
{
    static uint64_t base, th, s; // the same selectors each time: their pages of the object space are paid once
    if (!base) {
        base = sels(EVENT_COUNT);
        th = sels(2);
        s = sels(1);
    }
    uint64_t ec = handler(0, cpu);
    create_pt(base + 14, SEL_SELF_PD, ec, (uint64_t)on_fault, 14, 0);
    create_sm(s, SEL_SELF_PD, 0);
    faulted = false;
    thread_create(th, SEL_SELF_PD, slot_thread(1, cpu), base, how, (void *)address);
    create_sc(th + 1, SEL_SELF_PD, th, 110, HIP->tsc_hz / 100);
    if (cpu)
        sm_down(s, after_ms(20));
    bool result = faulted;
    drop(th, 2);
    drop(base + 14, 1);
    drop(ec, 1);
    drop(s, 1);
    return result;
}

static void write_needs_right(void)
{
    uint64_t p = phys_take(1, PAGE_SIZE);
    map_self(VA, p, 1, MAP_R | MAP_W);
    map(VA + PAGE_SIZE, SEL_SELF_PD, VA, 1, MAP_R);
    map(VA + 2 * PAGE_SIZE, SEL_SELF_PD, VA + PAGE_SIZE, 1, MAP_R | MAP_W); // rights only shrink
    CHECK(!faults(touch_write, VA, 0));
    CHECK(faults(touch_write, VA + PAGE_SIZE, 0));
    CHECK(faults(touch_write, VA + 2 * PAGE_SIZE, 0));
    CHECK(!faults(touch_read, VA + 2 * PAGE_SIZE, 0));
    unmap_self(VA, 3);
    CHECK(faults(touch_read, VA, 0));
    CHECK(faults(touch_write, ROOT_HIP, 0));
}

static void unmap_reaches_all_cpus(void)
{
    if (HIP->cpus < 2) {
        skip("one CPU");
        return;
    }
    uint64_t p = phys_take(1, PAGE_SIZE);
    for (unsigned i = 0; i < 20; i++) {
        map_self(VA, p, 1, MAP_R | MAP_W);
        CHECK(!faults(touch_write, VA, 1)); // CPU 1 has it in its TLB
        unmap_self(VA, 1);
        CHECK(faults(touch_write, VA, 1));
    }
}

static void large_pages(void)
{
    faults(touch_read, VA, 0);
    uint64_t used = kernel_used(), p = phys_take(1024, LARGE_SIZE);
    map_self(VA, p, 1024, MAP_R | MAP_W);
    CHECK(kernel_used() - used <= 3); // directories, no tables
    *(volatile uint64_t *)(VA + LARGE_SIZE + 0x5008) = 77;
    unmap_self(VA + LARGE_SIZE, 1); // splits the second large page
    CHECK(faults(touch_read, VA + LARGE_SIZE, 0));
    CHECK_EQ(*(volatile uint64_t *)(VA + LARGE_SIZE + 0x5008), 77);
    unmap_self(VA, 1024);
    CHECK_EQ(kernel_used(), used);
}

static void many_mappings(void)
{
    uint64_t used = kernel_used(), p = phys_take(1, PAGE_SIZE);
    for (unsigned i = 0; i < 2000; i++)
        map_self(VA + i * PAGE_SIZE, p, 1, MAP_R);
    unmap_self(VA, 2000);
    CHECK_EQ(kernel_used(), used);
}

const struct test tests_mem[] = {
    {"mapping refusals", refusals},
    {"sharing, and tables freed", sharing_and_rights},
    {"rights only shrink", write_needs_right},
    {"unmap reaches all CPUs", unmap_reaches_all_cpus},
    {"large pages", large_pages},
    {"many mappings", many_mappings},
    {0},
};
