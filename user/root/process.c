// SPDX-License-Identifier: MIT
// Processes: building one from a boot file with exactly the capabilities it needs, and what is left of it at its end.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/clock.h"
#include "lib/sys/thread.h"
#include "pc/i8042.h"
#include "pc/uart16550.h"
#include "user/root/elf.h"
#include "pc/vga.h"
#include "user/root/root.h"

#define STACK_PAGES        (STACK_WINDOW / PAGE_SIZE)
#define EXCEPTIONS         32
#define SERVICE_QUOTA      64 // pages of kernel memory
#define VMM_QUOTA_MIN      96
#define VMM_QUOTA_MAX      512
#define VGA_GRAPHICS       0xa0000
#define VGA_GRAPHICS_PAGES 16
#define VMM_QUOTA_SHARE    24 // of the kernel's pool
#define VGA_TEXT           0xb8000
#define VGA_PAGES          8
#define FRAMEBUFFER_PAGES  (1ul << 19) // at most
#define VGA_PORTS          0x3c0
#define VGA_PORT_COUNT     0x20
#define QUICK_US           10000000 // a service that lived shorter crashed quickly
#define QUICK_CRASHES      5

struct kind {
    const char *file; // NULL: the one that the process is named for
    uint8_t prio;
    uint8_t pd_perms; // on its own PD
};

static const struct kind kinds[KIND_COUNT] = {
    [KIND_CONSOLE] = {"console", PRIO_CONSOLE, PD_OBJ},
    [KIND_SHELL] = {"shell", PRIO_SHELL, PD_OBJ},
    [KIND_VMM] = {"vmm", PRIO_VMM, PD_OBJ | PD_MEM | PD_GST},
    [KIND_PROGRAM] = {NULL, PRIO_VMM, PD_OBJ},
};

static struct process *slot_find(void)
{
    struct process *oldest = NULL;
    for (struct process *p = root.processes; p < root.processes + MAX_PROCESSES; p++) {
        if (p->state == PROCESS_FREE)
            return p;
        if (p->state == PROCESS_ENDED && (!oldest || p->id < oldest->id))
            oldest = p;
    }
    return oldest; // an ended VM's entry makes room
}

static uint64_t quota(enum process_kind kind)
{
    uint64_t pages = root.hip->kernel_pages / VMM_QUOTA_SHARE;
    if (kind != KIND_VMM)
        return SERVICE_QUOTA;
    return pages < VMM_QUOTA_MIN ? VMM_QUOTA_MIN : pages > VMM_QUOTA_MAX ? VMM_QUOTA_MAX : pages;
}

// A region of its own, zeroed, not mapped yet: so that root can fill it.
static struct region *take_pages(struct process *p, uint64_t va, uint64_t pages)
{
    struct region *r;
    if (memory_take(p, va, pages, false, &r) != ROOT_OK)
        return NULL;
    memory_clean(r, UINT64_MAX);
    return r;
}

static bool load_data(struct process *p, const struct elf_segment *s, const uint8_t *file)
{
    struct region *r = take_pages(p, s->va, s->pages);
    if (!r)
        return false;
    for (uint64_t at = 0; at < s->file_size; at += PAGE_SIZE)
        memcpy(memory_page(r, at / PAGE_SIZE), file + s->offset + at,
               s->file_size - at < PAGE_SIZE ? s->file_size - at : PAGE_SIZE);
    return memory_map(p, r, MAP_R | MAP_W) == ROOT_OK;
}

// Code and constants are the boot file's own pages, shared by all processes of that program.
static bool load_program(struct process *p, const char *file, uint64_t *entry)
{
    uint64_t phys, size;
    struct elf_image image;
    const char *wrong = file_find(file, &phys, &size) ? elf_read(ram(phys), size, &image) : "no such boot file";
    if (wrong) {
        root_say(NULL, "root: %s: %s", file, wrong);
        return false;
    }
    *entry = image.entry;
    for (unsigned i = 0; i < image.count; i++) {
        const struct elf_segment *s = &image.segments[i];
        if (s->write) {
            if (!load_data(p, s, ram(phys)))
                return false;
            continue;
        }
        if (!region_new(p, REGION_FILE, s->va, s->pages) ||
            kernel_map(PD_MAP_MEM, slot_sel(p, SLOT_PD), s->va, SEL_HW, phys + s->offset, s->pages,
                       s->execute ? MAP_R | MAP_X : MAP_R, NULL) != ST_OK)
            return false;
    }
    return true;
}

static void info_fill(const struct process *p, struct start_info *info, uint32_t flags, const char *args)
{
    const struct hip *hip = root.hip;
    *info = (struct start_info){
        .magic = START_MAGIC,
        .tsc_hz = hip->tsc_hz,
        .wall_ns = root.wall_ns,
        .virt = hip->virt,
        .cpus = hip->cpus,
        .cpu = p->cpu,
        .id = p->id,
        .vm_id = p->vm_id,
        .flags = flags,
        .framebuffer = {.pitch = hip->fb_pitch, .width = hip->fb_width, .height = hip->fb_height, .bpp = hip->fb_bpp},
    };
    memcpy(info->framebuffer.colors, hip->fb_colors, sizeof info->framebuffer.colors);
    snprintf(info->name, sizeof info->name, "%s", p->name);
    snprintf(info->args, sizeof info->args, "%s", args);
    if (hip->virt_refusal && hip->virt_refusal < PAGE_SIZE)
        snprintf(info->virt_refusal, sizeof info->virt_refusal, "%s", (const char *)hip + hip->virt_refusal);
}

// Start page, public page, stack. Returns the thread block at the stack's top as root sees it.
static struct thread *give_pages(struct process *p, uint32_t flags, const char *args)
{
    struct region *info = take_pages(p, START_INFO, 1);
    if (!info)
        return NULL;
    p->info = (struct start_info *)memory_page(info, 0);
    info_fill(p, p->info, flags, args);
    if (memory_map(p, info, MAP_R) != ROOT_OK)
        return NULL;
    struct region *public = take_pages(p, START_PUBLIC, 1);
    if (!public)
        return NULL;
    p->public_page = memory_page(public, 0);
    if (memory_map(p, public, MAP_R | MAP_W) != ROOT_OK)
        return NULL;
    struct region *stack = take_pages(p, START_STACK - STACK_WINDOW, STACK_PAGES);
    if (!stack || memory_map(p, stack, MAP_R | MAP_W) != ROOT_OK)
        return NULL;
    return (struct thread *)(memory_page(stack, STACK_PAGES - 1) + PAGE_SIZE) - 1;
}

// Portals to root: one per CPU for requests, and the exceptions of its own CPU. Paid by the process.
static bool give_portals(struct process *p)
{
    uint64_t pd = slot_sel(p, SLOT_PD);
    bool ok = true;
    for (unsigned cpu = 0; cpu < root.hip->cpus && cpu < SEL_TEMP_COUNT && ok; cpu++)
        ok =
            create_pt(SEL_TEMP + cpu, pd, SEL_HANDLER + cpu, (uint64_t)serve_entry, portal_id(p, false, 0), 0).status ==
            ST_OK;
    ok = ok && kernel_map(PD_COPY, pd, SEL_ROOT, SEL_SELF_PD, SEL_TEMP, root.hip->cpus, PT_CALL, NULL) == ST_OK;
    kernel_unmap(PD_UNMAP_OBJ, SEL_SELF_PD, SEL_TEMP, SEL_TEMP_COUNT);
    for (unsigned v = 0; v < EXCEPTIONS && ok; v++)
        ok =
            create_pt(SEL_TEMP + v, pd, SEL_HANDLER + p->cpu, (uint64_t)serve_entry, portal_id(p, true, v), 0).status ==
            ST_OK;
    ok = ok && kernel_map(PD_COPY, pd, SEL_EXCEPTIONS, SEL_SELF_PD, SEL_TEMP, EXCEPTIONS, PT_CALL, NULL) == ST_OK;
    kernel_unmap(PD_UNMAP_OBJ, SEL_SELF_PD, SEL_TEMP, SEL_TEMP_COUNT);
    return ok;
}

static bool give_interrupt(struct process *p, unsigned gsi, uint64_t sel)
{
    bool ok = create_sm(SEL_TEMP, slot_sel(p, SLOT_PD), 0).status == ST_OK &&
              assign_int(SEL_TEMP, gsi, p->cpu, 0).status == ST_OK &&
              kernel_copy_cap(slot_sel(p, SLOT_PD), sel, SEL_SELF_PD, SEL_TEMP, SM_DOWN) == ST_OK;
    kernel_unmap(PD_UNMAP_OBJ, SEL_SELF_PD, SEL_TEMP, 1);
    return ok;
}

static bool give_ports(struct process *p, uint64_t port, uint64_t count)
{
    return kernel_map(PD_MAP_PIO, slot_sel(p, SLOT_PD), port, SEL_HW, port, count, 0, NULL) == ST_OK;
}

// The video memory of a card with Bochs' display interface, which is QEMU's, too: how many bytes, 0: none.
static uint32_t give_dispi(struct process *p)
{
    uint32_t bytes;
    uint64_t base = dispi_find(&bytes);
    return base && give_ports(p, DISPI_INDEX_PORT, 3) &&
                   kernel_map(PD_MAP_MEM, slot_sel(p, SLOT_PD), START_FRAMEBUFFER, SEL_HW, base, bytes / PAGE_SIZE,
                              MAP_R | MAP_W | MAP_WC, NULL) == ST_OK
               ? bytes
               : 0;
}

// VGA text and graphics, or the framebuffer that the boot loader left. A screen that cannot be given is no reason to
// have no console.
static void give_screen(struct process *p)
{
    const struct hip *hip = root.hip;
    uint64_t pd = slot_sel(p, SLOT_PD), pages = ((uint64_t)hip->fb_pitch * hip->fb_height + PAGE_SIZE - 1) / PAGE_SIZE;
    if (hip->fb_base) {
        if (pages <= FRAMEBUFFER_PAGES &&
            !kernel_map(PD_MAP_MEM, pd, START_FRAMEBUFFER, SEL_HW, hip->fb_base, pages, MAP_R | MAP_W | MAP_WC, NULL))
            p->info->flags |= START_HAS_FRAMEBUFFER;
    } else if (!kernel_map(PD_MAP_MEM, pd, START_VGA, SEL_HW, VGA_TEXT, VGA_PAGES, MAP_R | MAP_W | MAP_UC, NULL) &&
               !kernel_map(PD_MAP_MEM, pd, START_VGA_GRAPHICS, SEL_HW, VGA_GRAPHICS, VGA_GRAPHICS_PAGES,
                           MAP_R | MAP_W | MAP_UC, NULL) &&
               give_ports(p, VGA_PORTS, VGA_PORT_COUNT)) {
        p->info->flags |= START_HAS_VGA;
        p->info->dispi_bytes = give_dispi(p);
    }
}

// The hardware that the console drives.
static bool give_console(struct process *p)
{
    give_screen(p);
    return give_ports(p, UART_COM1_PORT, UART_PORTS) && give_ports(p, I8042_DATA, 1) &&
           give_ports(p, I8042_COMMAND, 1) && give_interrupt(p, UART_COM1_IRQ, SEL_CONSOLE_COM1) &&
           give_interrupt(p, I8042_KEYBOARD_IRQ, SEL_CONSOLE_KEYBOARD);
}

static bool build(struct process *p, uint32_t flags, const char *args)
{
    const struct kind *kind = &kinds[p->kind];
    uint64_t entry = 0, pd = slot_sel(p, SLOT_PD), quantum = root.hip->tsc_hz / 1000 * QUANTUM_MS;
    if (create_pd(pd, SEL_SELF_PD, quota(p->kind), kind->pd_perms).status != ST_OK ||
        !load_program(p, kind->file ? kind->file : p->name, &entry))
        return false;
    struct thread *t = give_pages(p, flags, args);
    if (!t || !give_portals(p) || create_sm(slot_sel(p, SLOT_SM), pd, 0).status != ST_OK ||
        kernel_copy_cap(pd, SEL_MAIN_SM, SEL_SELF_PD, slot_sel(p, SLOT_SM), SM_UP | SM_DOWN) != ST_OK)
        return false;
    if (p->kind == KIND_CONSOLE && !give_console(p))
        return false;
    t->start[0] = entry;
    t->start[1] = START_STACK;
    unsigned type = EC_GLOBAL | (flags & START_VECTORS ? EC_FPU : 0);
    if (create_ec(slot_sel(p, SLOT_EC), pd, type | p->cpu << 8, START_UTCB, (uint64_t)t->start, SEL_EXCEPTIONS)
            .status != ST_OK)
        return false;
    p->threads = 1;
    return create_sc(slot_sel(p, SLOT_SC), pd, slot_sel(p, SLOT_EC), kind->prio, quantum).status == ST_OK;
}

struct process *process_start(enum process_kind kind, const char *name, uint32_t cpu, uint32_t flags, const char *args,
                              enum root_error *error)
{
    struct process *p = slot_find();
    *error = ROOT_LIMIT;
    if (!p)
        return NULL;
    *p = (struct process){.state = PROCESS_RUNNING, .kind = kind, .id = ++root.last_process, .cpu = cpu};
    if (kind == KIND_VMM) {
        p->vm_id = ++root.last_vm;
        p->vm_state = VM_STARTING;
        snprintf(p->name, sizeof p->name, "vm %u", p->vm_id);
    } else {
        snprintf(p->name, sizeof p->name, "%s", name);
    }
    snprintf(p->title, sizeof p->title, "%s", name);
    *error = ROOT_OK;
    if (build(p, flags, args))
        return p;
    *error = ROOT_NO_MEMORY;
    root_say(NULL, "root: %s cannot be started", p->name);
    p->vm_state = VM_NONE; // nothing to show
    p->state = PROCESS_DYING;
    sm_up(SEL_ROOT_MAIN);
    return NULL;
}

void process_look(struct process *p)
{
    if (p->kind != KIND_VMM || p->state != PROCESS_RUNNING || !p->public_page)
        return;
    const struct vm_public *public = (const struct vm_public *)p->public_page;
    p->exits = __atomic_load_n(&public->exits, __ATOMIC_RELAXED);
    p->guest_memory = __atomic_load_n(&public->guest_memory, __ATOMIC_RELAXED);
    char title[sizeof public->name];
    memcpy(title, public->name, sizeof title);
    if (!title[0])
        return;
    title[sizeof title - 1] = 0;
    for (char *c = title; *c; c++)
        if (*c <= ' ' || *c > '~')
            *c = '?';
    memcpy(p->title, title, sizeof title);
}

uint64_t process_time(const struct process *p)
{
    uint64_t sum = 0;
    if (p->state != PROCESS_RUNNING)
        return p->time;
    for (unsigned i = 0; i < p->threads; i++) {
        struct hc_result r = ctrl_sc(SC_TIME, slot_sel(p, SLOT_SC + i));
        sum += r.status == ST_OK ? r.value : 0;
    }
    return sum;
}

void process_notify(struct process *p)
{
    if (p->info)
        __atomic_add_fetch(&p->info->events, 1, __ATOMIC_RELEASE);
    sm_up(slot_sel(p, SLOT_SM));
}

void process_wake(enum process_kind kind)
{
    for (struct process *p = root.processes; p < root.processes + MAX_PROCESSES; p++)
        if (p->state == PROCESS_RUNNING && p->kind == kind)
            process_notify(p);
}

struct process *vm_find(uint32_t vm_id)
{
    for (struct process *p = root.processes; p < root.processes + MAX_PROCESSES; p++)
        if (p->state != PROCESS_FREE && vm_id && p->vm_id == vm_id)
            return p;
    return NULL;
}

void process_end(struct process *p, enum vm_state state, const char *reason)
{
    if (p->state != PROCESS_RUNNING)
        return;
    process_look(p);
    if (p->kind == KIND_CONSOLE && p->public_page) // the next one goes on where this one stopped
        log_shown(&root.log, ((const struct console_public *)p->public_page)->shown);
    p->time = process_time(p);
    p->state = PROCESS_DYING;
    if (p->vm_state != VM_STOPPED || state != VM_STOPPED)
        snprintf(p->reason, sizeof p->reason, "%s", reason);
    p->vm_state = p->vm_id ? state : VM_NONE;
    sm_up(SEL_ROOT_MAIN);
}

struct process *process_dying(void)
{
    for (struct process *p = root.processes; p < root.processes + MAX_PROCESSES; p++)
        if (p->state == PROCESS_DYING) {
            channels_end(p);
            return p;
        }
    return NULL;
}

void process_reaped(struct process *p)
{
    channels_release(p);
    memory_release_all(p);
    p->public_page = NULL;
    p->info = NULL;
    p->state = p->vm_state == VM_NONE ? PROCESS_FREE : PROCESS_ENDED;
    process_wake(KIND_SHELL);
}

void process_forget(struct process *p)
{
    if (p->state == PROCESS_ENDED)
        p->state = PROCESS_FREE;
    p->vm_state = VM_NONE; // one that is still dying goes when it is reaped
}

// A thread or vCPU that the process made itself gets its SC from root: priorities are not the process's to choose.
enum root_error serve_thread(struct process *p, uint64_t *w, unsigned *answer)
{
    uint64_t quantum = root.hip->tsc_hz / 1000 * QUANTUM_MS, prio = w[2] ? PRIO_BACKGROUND : kinds[p->kind].prio;
    *answer = 1;
    if (p->threads == MAX_THREADS)
        return ROOT_LIMIT;
    if (w[1] >= CAP_SELECTORS ||
        kernel_copy_cap(SEL_SELF_PD, SEL_TEMP, slot_sel(p, SLOT_PD), w[1], EC_BIND_SC) != ST_OK)
        return ROOT_BAD;
    enum status st = create_sc(slot_sel(p, SLOT_SC + p->threads), slot_sel(p, SLOT_PD), SEL_TEMP, prio, quantum).status;
    kernel_unmap(PD_UNMAP_OBJ, SEL_SELF_PD, SEL_TEMP, 1);
    if (st == ST_OK)
        p->threads++;
    return st == ST_OK ? ROOT_OK : st == ST_NO_MEM ? ROOT_KERNEL : ROOT_BAD;
}

// --- services
// ------------------------------------------------------------------------------------------------------------

static struct service {
    enum process_kind kind;
    uint32_t process; // id of the one that runs
    unsigned crashes;
    uint64_t started_us;
    bool given_up;
} services[] = {{.kind = KIND_CONSOLE}, {.kind = KIND_SHELL}};

static bool runs(uint32_t id)
{
    for (struct process *p = root.processes; p < root.processes + MAX_PROCESSES; p++)
        if (id && p->id == id && (p->state == PROCESS_RUNNING || p->state == PROCESS_DYING))
            return true;
    return false;
}

void services_start(void)
{
    for (struct service *s = services; s < services + sizeof services / sizeof *services; s++) {
        const char *name = kinds[s->kind].file;
        if (s->given_up || root.power || runs(s->process))
            continue;
        if (s->started_us) { // it ran before
            s->crashes = now_us() - s->started_us < QUICK_US ? s->crashes + 1 : 1;
            s->given_up = s->crashes >= QUICK_CRASHES;
            root_say(NULL, s->given_up ? "root: %s crashed %u times in a row: given up" : "root: %s is started again",
                     name, s->crashes);
            if (s->given_up)
                continue;
        }
        enum root_error e;
        struct process *p = process_start(s->kind, name, 0, s->crashes ? START_AGAIN : 0, "", &e);
        s->started_us = now_us() | 1;
        s->process = p ? p->id : root.last_process;
        if (p && s->kind == KIND_CONSOLE) // whoever lost the one before may connect again
            for (unsigned kind = 0; kind < KIND_COUNT; kind++)
                process_wake(kind);
    }
}
