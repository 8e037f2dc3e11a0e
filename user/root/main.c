// SPDX-License-Identifier: MIT
// The first process: takes over memory, ports and boot files, starts the services, and then does the slow work for its
// handlers: reaping what has ended, and switching the machine off.
#include "lib/c/string.h"
#include "lib/sys/process.h"
#include "lib/sys/thread.h"
#include "user/root/root.h"

#define LOW_MEMORY_END  0x100000ul // below: firmware's; not worth the risk
#define REGION_RAM_TYPE 1
#define IDLE_US         1000000 // how often the kernel's log is looked at when nothing happens
#define REFINE_US       1000    // while the start of a second is awaited
#define KLOG_WINDOW     0x220000000000ul

const uint64_t first_utcb = ROOT_UTCB;
struct root root;

// Without root there is no system. The kernel says where its exception came from.
_Noreturn static void give_up(void)
{
    __builtin_trap();
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    root_say(NULL, "root: cannot %s", what);
    give_up();
}

static uint64_t memory_top(void)
{
    uint64_t top = 0;
    for (unsigned i = 0; i < root.hip->region_count && i < HIP_REGIONS; i++) {
        const struct hip_region *r = &root.hip->regions[i];
        if (r->type == REGION_RAM_TYPE && r->base + r->size > top)
            top = r->base + r->size;
    }
    return top;
}

static bool overlaps_module(uint64_t phys, uint64_t size, uint64_t *end)
{
    for (unsigned i = 0; i < root.hip->module_count && i < HIP_MODULES; i++) {
        const struct hip_module *m = &root.hip->modules[i];
        uint64_t module_end = (m->base + m->size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
        if (phys < module_end && m->base < phys + size) {
            *end = module_end;
            return true;
        }
    }
    return false;
}

// A place for the books themselves: the lowest that no boot file occupies.
static uint64_t books_place(uint64_t size)
{
    for (unsigned i = 0; i < root.hip->region_count && i < HIP_REGIONS; i++) {
        const struct hip_region *r = &root.hip->regions[i];
        uint64_t at = r->base < LOW_MEMORY_END ? LOW_MEMORY_END : r->base;
        while (r->type == REGION_RAM_TYPE && at < r->base + r->size && size <= r->base + r->size - at)
            if (!overlaps_module(at, size, &at))
                return at;
    }
    return 0;
}

static void memory_take_over(void)
{
    uint64_t top = memory_top(), size = (books_size(top) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    for (unsigned i = 0; i < root.hip->region_count && i < HIP_REGIONS; i++) {
        const struct hip_region *r = &root.hip->regions[i];
        if (r->type == REGION_RAM_TYPE)
            kernel_map(PD_MAP_MEM, SEL_SELF_PD, RAM_WINDOW + r->base, SEL_HW, r->base, r->size / PAGE_SIZE,
                       MAP_R | MAP_W, NULL);
    }
    uint64_t place = books_place(size);
    if (!place)
        give_up();
    books_init(&root.books, ram(place), top, ram(0));
    for (unsigned i = 0; i < root.hip->region_count && i < HIP_REGIONS; i++) {
        const struct hip_region *r = &root.hip->regions[i];
        if (r->type == REGION_RAM_TYPE && r->base + r->size > LOW_MEMORY_END) {
            uint64_t base = r->base < LOW_MEMORY_END ? LOW_MEMORY_END : r->base;
            books_add(&root.books, base, (r->base + r->size - base) / PAGE_SIZE);
        }
    }
    books_remove(&root.books, place, size / PAGE_SIZE);
}

// Boot files stay where they are; the rest of a file's last page reads as zeroes.
static void files_take_over(void)
{
    for (unsigned i = 0; i < root.hip->module_count && i < HIP_MODULES; i++) {
        const struct hip_module *m = &root.hip->modules[i];
        uint64_t pages = (m->size + PAGE_SIZE - 1) / PAGE_SIZE;
        for (uint64_t at = 0; at < pages; at++) // where they lie outside of what the map calls memory
            if (kernel_map(PD_MAP_MEM, SEL_SELF_PD, RAM_WINDOW + m->base + at * PAGE_SIZE, SEL_HW,
                           m->base + at * PAGE_SIZE, 1, MAP_R | MAP_W, NULL) != ST_OK)
                break;
        books_remove(&root.books, m->base, pages);
        if (m->size % PAGE_SIZE)
            memset(ram(m->base + m->size), 0, PAGE_SIZE - m->size % PAGE_SIZE);
    }
}

static void log_take_over(void)
{
    const struct hip *hip = root.hip;
    if (!hip->log_base || hip->log_size <= sizeof(struct klog) || hip->log_base % PAGE_SIZE ||
        kernel_map(PD_MAP_MEM, SEL_SELF_PD, KLOG_WINDOW, SEL_HW, hip->log_base, hip->log_size / PAGE_SIZE, MAP_R,
                   NULL) != ST_OK)
        return;
    root.log.kernel = (const struct klog *)KLOG_WINDOW;
    root.log.kernel_limit = hip->log_size - sizeof(struct klog);
    log_take_kernel(&root.log);
    root.log.unseen = root.log.head;
}

// The pages of root's own object space that processes will use are made now: later their number would seem to be a
// leak.
static void selectors_touch(void)
{
    for (uint64_t sel = SEL_PROCESS; sel < SEL_PROCESS + MAX_PROCESSES * SLOT_SELECTORS; sel += SLOT_SELECTORS) {
        kernel_copy_cap(SEL_SELF_PD, sel, SEL_SELF_PD, SEL_ROOT_MAIN, 0);
        kernel_unmap(PD_UNMAP_OBJ, SEL_SELF_PD, sel, 1);
    }
}

static bool thread_start(unsigned n, uint64_t ec, uint64_t sc, unsigned prio, thread_entry entry)
{
    struct thread *t = kernel_thread_stack(n, 0);
    uint64_t quantum = root.hip->tsc_hz / 1000 * QUANTUM_MS;
    return t && thread_create(ec, SEL_SELF_PD, t, 0, entry, NULL) == ST_OK &&
           create_sc(sc, SEL_SELF_PD, ec, prio, quantum).status == ST_OK;
}

static void threads_start(void)
{
    enum { STACK_WORKER, STACK_ZERO, STACK_HANDLERS };
    for (unsigned cpu = 0; cpu < root.hip->cpus; cpu++) {
        struct thread *t = kernel_thread_stack(STACK_HANDLERS + cpu, cpu);
        must(t && handler_create(SEL_HANDLER + cpu, SEL_SELF_PD, t, 0) == ST_OK, "create a handler");
        must(create_sm(SEL_DONE_SM + cpu, SEL_SELF_PD, 0).status == ST_OK, "create a semaphore");
    }
    must(create_pt(SEL_INTERNAL, SEL_SELF_PD, SEL_HANDLER, (uint64_t)serve_entry, 1ul << 17, 0).status == ST_OK,
         "create a portal");
    must(thread_start(STACK_WORKER, SEL_WORK_EC, SEL_WORK_SC, PRIO_WORKER, worker_main), "start its worker");
    must(thread_start(STACK_ZERO, SEL_ZERO_EC, SEL_ZERO_SC, PRIO_BACKGROUND, zero_main), "start the zeroing of memory");
}

static void reap(void)
{
    uint64_t slot;
    while (serve_internal(OP_NEXT_DYING, 0, &slot) == ROOT_OK && slot < MAX_PROCESSES) {
        struct process *p = &root.processes[slot];
        while (ctrl_pd(PD_DESTROY, slot_sel(p, SLOT_PD), 0, 0, 0, 0).status == ST_AGAIN)
            ;
        kernel_unmap(PD_UNMAP_OBJ, SEL_SELF_PD, slot_sel(p, 0), SLOT_SELECTORS);
        serve_internal(OP_REAPED, slot, NULL);
    }
}

static void boot(void)
{
    root.hip = (const struct hip *)ROOT_HIP;
    must(create_sm(SEL_ROOT_MAIN, SEL_SELF_PD, 0).status == ST_OK &&
             create_sm(SEL_WORK_SM, SEL_SELF_PD, 0).status == ST_OK &&
             create_sm(SEL_ZERO_SM, SEL_SELF_PD, 0).status == ST_OK,
         "create its semaphores");
    memory_take_over();
    files_take_over();
    selectors_touch();
    log_take_over();
    wall_clock_read();
    threads_start();
    power_find();
    root_say(NULL, "root: %lu MiB of memory, %u boot files, %u CPU%s", root.books.total * PAGE_SIZE >> 20,
             root.hip->module_count, root.hip->cpus, root.hip->cpus == 1 ? "" : "s");
    vms_init();
    ctrl_hw(HW_CONSOLE, SEL_HW, 0);
    log_take_kernel(&root.log);
}

int main(void)
{
    boot();
    for (;;) {
        uint64_t settled = 1;
        reap();
        serve_internal(OP_TICK, 0, &settled);
        if (root.power)
            power_act();
        sm_take_all(SEL_ROOT_MAIN, deadline_us(settled ? IDLE_US : REFINE_US));
    }
}
