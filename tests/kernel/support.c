// SPDX-License-Identifier: MIT
// What the tests share: output, selectors, memory, threads and child processes.
#include <elf.h>
#include <stdarg.h>
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/start.h"
#include "pc/uart16550.h"
#include "tests/kernel/ktest.h"
#include "x86/regs.h"

#define COM1        0x3f8
#define MY_STACKS   0x50000000ul // stack windows of threads of this process, UTCBs behind them
#define MY_UTCBS    0x51000000ul
#define CHILD_STACK 0x60000000ul // in a child
#define WINDOW      0x70000000ul // where a child's pages are filled

// The kernel starts this program itself.
const uint64_t first_utcb = ROOT_UTCB;
const char *current_test;
bool failed, skipped;
static uint64_t next_sel = 1024, next_phys, phys_end, window = WINDOW;

static void put(char c)
{
    while (!(inb(COM1 + 5) & 0x20))
        __builtin_ia32_pause();
    outb(COM1, c);
}

void say(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (const char *p = line; *p; p++)
        put(*p);
    put('\r');
    put('\n');
}

void check_failed(const char *file, int line, const char *what, uint64_t a, uint64_t b)
{
    if (!failed)
        say("FAIL: %s: %s:%d: %s (%#lx, %#lx)", current_test, file, line, what, a, b);
    failed = true;
}

void skip(const char *why)
{
    if (!failed && !skipped)
        say("SKIP: %s: %s", current_test, why);
    skipped = true;
}

uint64_t option(const char *name, uint64_t otherwise)
{
    const char *at = strstr((const char *)HIP + HIP->cmdline, name);
    uint64_t value = 0;
    if (!at)
        return otherwise;
    for (at += strlen(name); *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (*at - '0');
    return value;
}

uint64_t sels(unsigned count)
{
    uint64_t first = next_sel;
    next_sel += count;
    return first;
}

void drop(uint64_t first, unsigned count)
{
    uint64_t done = 0;
    struct hc_result r;
    do {
        r = ctrl_pd(PD_UNMAP_OBJ, SEL_SELF_PD, first + done, 0, 0, pd_arg(count - done, 0));
        done += r.value;
    } while (r.status == ST_AGAIN);
    CHECK_EQ(r.status, ST_OK);
}

void destroy_pd(uint64_t sel)
{
    enum status st;
    while ((st = ctrl_pd(PD_DESTROY, sel, 0, 0, 0, 0).status) == ST_AGAIN)
        ;
    CHECK_EQ(st, ST_OK);
    drop(sel, 1);
}

uint64_t kernel_used(void)
{
    return ctrl_pd(PD_QUERY, SEL_SELF_PD, 0, 0, 0, 0).value;
}

uint64_t free_pages(void)
{
    return ctrl_hw(HW_FREE_PAGES, SEL_HW, 0).value;
}

uint64_t phys_take(uint64_t pages, uint64_t align)
{
    uint64_t at = (next_phys + align - 1) & ~(align - 1);
    next_phys = at + pages * PAGE_SIZE;
    CHECK(next_phys <= phys_end);
    return at;
}

static struct {
    uint64_t phys, sel, window;
} mark;

void ktest_mark(void)
{
    mark.phys = next_phys;
    mark.sel = next_sel;
    mark.window = window;
}

void ktest_recycle(void)
{
    if (window > mark.window)
        unmap_self(mark.window, (window - mark.window) / PAGE_SIZE);
    next_phys = mark.phys;
    next_sel = mark.sel;
    window = mark.window;
}

static void map_into(uint64_t pd, enum pd_op op, uint64_t va, uint64_t phys, uint64_t pages, uint64_t rights)
{
    uint64_t done = 0;
    struct hc_result r;
    do {
        r = ctrl_pd(op, pd, va + done * PAGE_SIZE, SEL_HW, phys + done * PAGE_SIZE, pd_arg(pages - done, rights));
        done += r.value;
    } while (r.status == ST_AGAIN);
    CHECK_EQ(r.status, ST_OK);
}

void map_self(uint64_t va, uint64_t phys, uint64_t pages, uint64_t rights)
{
    map_into(SEL_SELF_PD, PD_MAP_MEM, va, phys, pages, rights);
}

void unmap_self(uint64_t va, uint64_t pages)
{
    uint64_t done = 0;
    struct hc_result r;
    do {
        r = ctrl_pd(PD_UNMAP_MEM, SEL_SELF_PD, va + done * PAGE_SIZE, 0, 0, pd_arg(pages - done, 0));
        done += r.value;
    } while (r.status == ST_AGAIN);
    CHECK_EQ(r.status, ST_OK);
}

// --- threads of this process -----------------------------------------------------------------------------------------

struct thread *slot_thread(unsigned slot, unsigned cpu)
{
    static bool mapped[STACK_SLOTS];
    uint64_t top = MY_STACKS + (slot + 1) * STACK_WINDOW;
    if (!mapped[slot]) { // for good, so from the end, which ktest_recycle() does not give back
        phys_end -= 4 * PAGE_SIZE;
        map_self(top - 4 * PAGE_SIZE, phys_end, 4, MAP_R | MAP_W);
    }
    mapped[slot] = true;
    return thread_prepare((void *)top, (void *)(MY_UTCBS + slot * PAGE_SIZE), cpu);
}

uint64_t spawn(unsigned slot, unsigned cpu, unsigned prio, thread_entry entry, void *arg)
{
    uint64_t sel = sels(2);
    CHECK_EQ(thread_create(sel, SEL_SELF_PD, slot_thread(slot, cpu), 0, entry, arg), ST_OK);
    CHECK_EQ(create_sc(sel + 1, SEL_SELF_PD, sel, prio, HIP->tsc_hz / 100).status, ST_OK);
    return sel;
}

uint64_t handler(unsigned slot, unsigned cpu)
{
    uint64_t sel = sels(1);
    CHECK_EQ(handler_create(sel, SEL_SELF_PD, slot_thread(slot, cpu), 0), ST_OK);
    return sel;
}

uint64_t portal(uint64_t ec, portal_entry entry, uint64_t id, uint64_t mtd)
{
    uint64_t sel = sels(1);
    CHECK_EQ(create_pt(sel, SEL_SELF_PD, ec, (uint64_t)entry, id, mtd).status, ST_OK);
    return sel;
}

// --- children --------------------------------------------------------------------------------------------------------

// A page of RAM, mapped into the child at `va` and, to be filled, here: returns our address.
static void *child_pages(struct child *c, uint64_t va, uint64_t pages, uint64_t rights)
{
    uint64_t phys = phys_take(pages, PAGE_SIZE), here = window;
    window += pages * PAGE_SIZE;
    map_self(here, phys, pages, MAP_R | MAP_W);
    memset((void *)here, 0, pages * PAGE_SIZE);
    map_into(c->pd, PD_MAP_MEM, va, phys, pages, rights);
    return (void *)here;
}

static const char *own_image(void)
{
    static bool mapped;
    const uint64_t at = 0x40000000;
    if (!mapped)
        map_self(at, HIP->modules[0].base, (HIP->modules[0].size + PAGE_SIZE - 1) / PAGE_SIZE, MAP_R);
    mapped = true;
    return (const char *)at;
}

void child_create(struct child *c, uint64_t pages, uint64_t perms)
{
    c->pd = sels(1);
    c->stacks = 0;
    CHECK_EQ(create_pd(c->pd, SEL_SELF_PD, pages, perms).status, ST_OK);
    const char *image = own_image();
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(image + eh->e_phoff);
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type != PT_LOAD || !ph[i].p_memsz)
            continue;
        uint64_t base = ph[i].p_vaddr & ~(PAGE_SIZE - 1), lead = ph[i].p_vaddr - base;
        char *to = child_pages(c, base, (lead + ph[i].p_memsz + PAGE_SIZE - 1) / PAGE_SIZE,
                               MAP_R | (ph[i].p_flags & PF_W ? MAP_W : 0) | (ph[i].p_flags & PF_X ? MAP_X : 0));
        memcpy(to + lead, image + ph[i].p_offset, ph[i].p_filesz);
    }
}

struct thread *child_thread(struct child *c, unsigned cpu)
{
    uint64_t top = CHILD_STACK + (c->stacks + 1) * STACK_WINDOW, utcb = CHILD_UTCB + c->stacks * PAGE_SIZE;
    c->stacks++;
    char *here = child_pages(c, top - 2 * PAGE_SIZE, 2, MAP_R | MAP_W);
    return thread_prepare(here + 2 * PAGE_SIZE, (void *)utcb, cpu);
}

static uint64_t child_top(const struct child *c)
{
    return CHILD_STACK + c->stacks * STACK_WINDOW - sizeof(struct thread);
}

static _Noreturn void child_run(void)
{
    struct thread *t = thread_self();
    t->entry(t->arg);
    for (;;)
        __builtin_ia32_pause();
}

uint64_t child_spawn(struct child *c, unsigned cpu, unsigned prio, thread_entry entry, void *arg)
{
    uint64_t sel = sels(2);
    struct thread *t = child_thread(c, cpu);
    t->entry = entry;
    t->arg = arg;
    t->start[0] = (uint64_t)child_run;
    t->start[1] = child_top(c) - 8;
    CHECK_EQ(create_ec(sel, c->pd, EC_GLOBAL | cpu << 8, (uint64_t)t->utcb, (uint64_t)t->start, 0).status, ST_OK);
    CHECK_EQ(create_sc(sel + 1, c->pd, sel, prio, HIP->tsc_hz / 100).status, ST_OK);
    return sel;
}

uint64_t child_handler(struct child *c, unsigned cpu)
{
    uint64_t sel = sels(1);
    struct thread *t = child_thread(c, cpu);
    CHECK_EQ(create_ec(sel, c->pd, EC_LOCAL | cpu << 8, (uint64_t)t->utcb, child_top(c) - 8, 0).status, ST_OK);
    return sel;
}

void give(struct child *c, uint64_t to, uint64_t from, uint64_t count, uint64_t perms)
{
    CHECK_EQ(ctrl_pd(PD_COPY, c->pd, to, SEL_SELF_PD, from, pd_arg(count, perms)).status, ST_OK);
}

// What any program that starts in root's place does first: the serial port, and which memory is free.
void ktest_setup(void)
{
    if (ctrl_pd(PD_MAP_PIO, SEL_SELF_PD, COM1, SEL_HW, COM1, pd_arg(8, MAP_R | MAP_W)).status != ST_OK)
        __builtin_trap();
    ctrl_hw(HW_CONSOLE, SEL_HW, 0);
    create_sm(SEL_MAIN_SM, SEL_SELF_PD, 0); // where threads wait that have nothing more to do
    for (unsigned i = 0; i < HIP->region_count; i++) {
        const struct hip_region *r = &HIP->regions[i];
        uint64_t base = r->base < 0x1000000 ? 0x1000000 : r->base, end = r->base + r->size;
        for (unsigned j = 0; j < HIP->module_count; j++) { // the boot modules lie in available memory
            uint64_t module_end = HIP->modules[j].base + HIP->modules[j].size;
            if (HIP->modules[j].base >= r->base && HIP->modules[j].base < end && module_end > base)
                base = (module_end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
        }
        if (r->type == 1 && end > base && end - base > phys_end - next_phys) {
            next_phys = base;
            phys_end = end;
        }
    }
    say("test: %u cpus, tsc %lu Hz, %lu free kernel pages, %lu KiB of memory", HIP->cpus, HIP->tsc_hz, free_pages(),
        (phys_end - next_phys) / 1024);
}
