// SPDX-License-Identifier: MIT
// The longest call of each kind with as much work as a caller can ask for. The kernel runs with interrupts off from
// entry to return, so this is how long it can keep an interrupt waiting. In ticks, which only under Bochs are
// instructions.
#include "tests/kernel/longest.h"

#define AREA       0x2000000000ul // of all that is mapped here
#define MANY       4096           // pages, of 4 KiB
#define OBJECTS    1500
#define CHILD_WALK (1ul << 30) // distance of mappings that need a page table and a directory each
#define WALKS      400

static uint64_t longest;

static struct hc_result timed(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    uint64_t start = tsc();
    struct hc_result r = hc_raw6(number, a, b, c, d, e, f);
    uint64_t ticks = tsc() - start;
    if (ticks > longest)
        longest = ticks;
    return r;
}

// ctrl_pd until it is done; `step` = what one unit of `count` adds to dst and src
static void whole(enum pd_op op, uint64_t dst, uint64_t dst_base, uint64_t src, uint64_t src_base, uint64_t count,
                  uint64_t rights, uint64_t step)
{
    struct hc_result r;
    uint64_t done = 0;
    do {
        r = timed(HC_ctrl_pd, op, dst, dst_base + done * step, src, src_base + done * step,
                  pd_arg(count - done, rights));
        done += r.value;
    } while (r.status == ST_AGAIN);
    CHECK_EQ(r.status, ST_OK);
}

static uint64_t phys, child;

static void map_memory(void)
{
    whole(PD_MAP_MEM, SEL_SELF_PD, AREA, SEL_HW, phys, MANY, MAP_R | MAP_W, PAGE_SIZE);
}

static void map_again(void)
{
    whole(PD_MAP_MEM, child, AREA + PAGE_SIZE, SEL_SELF_PD, AREA, MANY, MAP_R | MAP_W, PAGE_SIZE);
}

static void map_guest(void)
{
    whole(PD_MAP_GST, child, PAGE_SIZE, SEL_SELF_PD, AREA, MANY, MAP_R | MAP_W, PAGE_SIZE);
}

static void unmap_guest(void)
{
    whole(PD_UNMAP_GST, child, 0, 0, 0, MANY + 1, 0, PAGE_SIZE);
}

static void unmap_memory(void)
{
    whole(PD_UNMAP_MEM, SEL_SELF_PD, AREA, 0, 0, MANY, 0, PAGE_SIZE);
}

static void unmap_nothing(void) // the whole space, of which nearly nothing is there
{
    whole(PD_UNMAP_MEM, child, 0, 0, 0, (USER_END >> PAGE_SHIFT) - 1, 0, PAGE_SIZE);
}

static uint64_t objects;
static void create_objects(void)
{
    for (unsigned i = 0; i < OBJECTS; i++)
        timed(HC_create_sm, objects + i, child, 0, 0, 0, 0);
}

static void copy_capabilities(void)
{
    whole(PD_COPY, child, 4096, SEL_SELF_PD, objects, OBJECTS, PERM_ALL, 1);
}

static void drop_capabilities(void)
{
    whole(PD_UNMAP_OBJ, SEL_SELF_PD, objects, 0, 0, OBJECTS, 0, 1);
}

static void drop_last_capabilities(void)
{
    whole(PD_UNMAP_OBJ, child, 4096, 0, 0, OBJECTS, 0, 1);
}

static void map_ports(void)
{
    whole(PD_MAP_PIO, child, 0, SEL_HW, 0, 0x10000, 0, 1);
}

static void unmap_ports(void)
{
    whole(PD_UNMAP_PIO, child, 0, 0, 0, 0x10000, 0, 1);
}

static uint64_t new_pd(uint64_t pages)
{
    uint64_t sel = sels(1);
    CHECK_EQ(timed(HC_create_pd, sel, SEL_SELF_PD, pages, PERM_ALL, 0, 0).status, ST_OK);
    return sel;
}

static void destroy(uint64_t pd)
{
    struct hc_result r;
    do
        r = timed(HC_ctrl_pd, PD_DESTROY, pd, 0, 0, 0, 0);
    while (r.status == ST_AGAIN);
    CHECK_EQ(r.status, ST_OK);
    whole(PD_UNMAP_OBJ, SEL_SELF_PD, pd, 0, 0, 1, 0, 1);
}

static void processes(void)
{
    destroy(new_pd(64));
}

static void destroy_tables(void) // page tables far apart, each at the end of its parent
{
    uint64_t pd = new_pd(2048);
    for (uint64_t i = 0; i < WALKS; i++)
        timed(HC_ctrl_pd, PD_MAP_MEM, pd,
              (i * 37 % 511 + 1) * CHILD_WALK * 61 % (USER_END - CHILD_WALK) / CHILD_WALK * CHILD_WALK + CHILD_WALK -
                  PAGE_SIZE,
              SEL_HW, phys, pd_arg(1, MAP_R));
    for (uint64_t i = 0; i < WALKS && HIP->virt; i++)
        timed(HC_ctrl_pd, PD_MAP_GST, pd, (i + 1) * CHILD_WALK - PAGE_SIZE, SEL_HW, phys, pd_arg(1, MAP_R));
    destroy(pd);
}

static void destroy_threads(void) // an object of each kind, many of each, all with what is expensive about them
{
    uint64_t pd = new_pd(2048), s = sels(1200);
    for (uint64_t i = 0; i < 400; i++) {
        uint64_t kind = HIP->virt && i % 2 ? EC_VCPU : EC_LOCAL | EC_FPU;
        timed(HC_create_ec, s + 3 * i, pd, kind, 0x100000000 + i * 0x10000000, 0x1000, 0);
        timed(HC_create_pt, s + 3 * i + 1, pd, s + 3 * i, 0x1000, 0, 0);
        if (kind == EC_VCPU)
            timed(HC_create_sc, s + 3 * i + 2, pd, s + 3 * i, 1, HIP->tsc_hz / 100, 0);
    }
    destroy(pd);
    whole(PD_UNMAP_OBJ, SEL_SELF_PD, s, 0, 0, 1200, 0, 1);
}

static void drop_threads(void)
{
    uint64_t s = sels(200);
    for (uint64_t i = 0; i < 100; i++)
        timed(HC_create_ec, s + i, SEL_SELF_PD, EC_LOCAL | EC_FPU, 0x100000000 + i * 0x10000000, 0x1000, 0);
    whole(PD_UNMAP_OBJ, SEL_SELF_PD, s, 0, 0, 100, 0, 1);
}

static void destroy_capabilities(void)
{
    uint64_t pd = new_pd(256), s = sels(200);
    for (uint64_t i = 0; i < 200; i++)
        timed(HC_create_sm, s + i, SEL_SELF_PD, 0, 0, 0, 0);
    for (uint64_t i = 0; i < 40; i++)
        whole(PD_COPY, pd, 512 + i * 512, SEL_SELF_PD, s, 200, PERM_ALL, 1);
    whole(PD_UNMAP_OBJ, SEL_SELF_PD, s, 0, 0, 200, 0, 1);
    destroy(pd);
}

static const struct {
    const char *name;
    void (*run)(void);
} kinds[] = {
    {"map memory", map_memory},
    {"map memory of a process", map_again},
    {"map guest memory", map_guest},
    {"unmap guest memory", unmap_guest},
    {"unmap memory", unmap_memory},
    {"unmap what is not there", unmap_nothing},
    {"create objects", create_objects},
    {"copy capabilities", copy_capabilities},
    {"drop capabilities", drop_capabilities},
    {"drop last capabilities", drop_last_capabilities},
    {"map ports", map_ports},
    {"unmap ports", unmap_ports},
    {"create and destroy a process", processes},
    {"destroy page tables", destroy_tables},
    {"destroy threads and vCPUs", destroy_threads},
    {"drop threads", drop_threads},
    {"destroy an object space", destroy_capabilities},
};

uint64_t longest_calls(void (*report)(const char *name, uint64_t ticks))
{
    uint64_t most = 0;
    phys = phys_take(MANY, PAGE_SIZE);
    objects = sels(OBJECTS);
    child = sels(1);
    CHECK_EQ(create_pd(child, SEL_SELF_PD, 1000, PERM_ALL).status, ST_OK);
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if ((kinds[i].run == map_guest || kinds[i].run == unmap_guest) && !HIP->virt)
            continue;
        longest = 0;
        kinds[i].run();
        report(kinds[i].name, longest);
        most = longest > most ? longest : most;
    }
    destroy_pd(child);
    return most;
}
