// SPDX-License-Identifier: MIT
// What the shell asks for: VMs, processes, the machine.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/clock.h"
#include "user/root/root.h"
#include "x86/cpuid.h"

#define ARGS_MAX       1900
#define CPUID_EMULATOR 0x40000000 // its name, by custom

static bool is_vm(const struct process *p)
{
    return p->state != PROCESS_FREE && p->vm_id && p->vm_state != VM_NONE;
}

// QEMU's own emulation of SVM (TCG; read and measured in 7.2): whenever any CPU loads an x87 state, it clears a flag of
// CPU 0 (IGNNE#) in the word that holds "GIF" and "nested paging", too, and not atomically. What CPU 0 changes in that
// word by VMRUN and #VMEXIT meanwhile is undone: guests there go astray, or their registers become ours.
static bool cpu_0_is_unsafe(void)
{
    const struct cpuid name = cpuid(CPUID_EMULATOR, 0);
    return root.hip->cpus > 1 && root.hip->virt & HIP_VIRT_SVM && !memcmp(&name.ebx, "TCGT", 4) &&
           !memcmp(&name.ecx, "CGTC", 4) && !memcmp(&name.edx, "GTCG", 4);
}

void vms_init(void)
{
    root.first_vm_cpu = cpu_0_is_unsafe();
    if (root.first_vm_cpu)
        root_say(NULL, "root: CPU 0 runs no VMs, because QEMU's emulation changes its state from other CPUs");
}

static unsigned vms_on(uint32_t cpu)
{
    unsigned n = 0;
    for (const struct process *p = root.processes; p < root.processes + MAX_PROCESSES; p++)
        n += p->state == PROCESS_RUNNING && p->vm_id && p->cpu == cpu;
    return n;
}

// The CPU with the fewest VMs; among equals the last, since the services run on the first.
static uint32_t cpu_choose(void)
{
    uint32_t best = root.hip->cpus - 1;
    for (uint32_t cpu = root.hip->cpus; cpu-- > root.first_vm_cpu;)
        if (vms_on(cpu) < vms_on(best))
            best = cpu;
    return best;
}

enum root_error serve_vm_start(struct process *p, uint64_t *w, unsigned *answer)
{
    enum root_error e;
    (void)p;
    *answer = 1;
    if (w[1] > 1 || (w[2] != UINT64_MAX && w[2] >= root.hip->cpus))
        return ROOT_BAD;
    uint32_t cpu = w[2] == UINT64_MAX ? cpu_choose() : (uint32_t)w[2];
    struct process *vm = process_start(KIND_VMM, "", cpu, w[1] ? START_CONFIG_FILE : 0, text_at(w, 3, ARGS_MAX), &e);
    if (!vm)
        return e;
    w[1] = vm->vm_id;
    *answer = 2;
    return ROOT_OK;
}

enum root_error serve_run(struct process *p, uint64_t *w, unsigned *answer)
{
    const char *line = text_at(w, 2, ARGS_MAX);
    char name[sizeof p->name];
    enum root_error e;
    uint64_t phys, size;
    size_t length = strcspn(line, " ");
    *answer = 1;
    if (w[1] > 1 || !length || length >= sizeof name)
        return ROOT_BAD;
    memcpy(name, line, length);
    name[length] = 0;
    if (!file_find(name, &phys, &size))
        return ROOT_NOT_FOUND;
    struct process *program = process_start(KIND_PROGRAM, name, cpu_choose(), w[1] ? START_VECTORS : 0, line, &e);
    if (!program)
        return e;
    w[1] = program->id;
    *answer = 2;
    return ROOT_OK;
}

static enum root_error program_kill(uint64_t id)
{
    for (struct process *p = root.processes; p < root.processes + MAX_PROCESSES; p++)
        if (p->state == PROCESS_RUNNING && p->kind == KIND_PROGRAM && p->id == id) {
            root_say(p->name, "killed: process ended");
            process_end(p, VM_NONE, "killed");
            return ROOT_OK;
        }
    return ROOT_NOT_FOUND;
}

enum root_error serve_vm_kill(struct process *p, uint64_t *w, unsigned *answer)
{
    struct process *vm = w[1] <= UINT32_MAX ? vm_find(w[1]) : NULL;
    (void)p;
    *answer = 1;
    if (!w[1])
        return program_kill(w[2]);
    if (!vm || !is_vm(vm))
        return ROOT_NOT_FOUND;
    process_end(vm, VM_STOPPED, "killed");
    process_forget(vm);
    return ROOT_OK;
}

enum root_error serve_vm_state(struct process *p, uint64_t *w, unsigned *answer)
{
    *answer = 1;
    if (w[1] <= VM_NONE || w[1] > VM_STOPPED)
        return ROOT_BAD;
    bool was_stopped = p->vm_state == VM_STOPPED;
    p->vm_state = w[1];
    process_look(p);
    snprintf(p->reason, sizeof p->reason, "%s", text_at(w, 2, sizeof p->reason));
    if (p->vm_state == VM_STOPPED && !was_stopped)
        root_say(NULL, "vm %u stopped: %s", p->vm_id, p->reason);
    process_wake(KIND_SHELL);
    return ROOT_OK;
}

// The index-th process by age.
static struct process *process_at(uint64_t index)
{
    for (uint32_t after = 0;; index--) {
        struct process *next = NULL;
        for (struct process *p = root.processes; p < root.processes + MAX_PROCESSES; p++)
            if (p->state != PROCESS_FREE && p->id > after && (!p->vm_id || is_vm(p)) && (!next || p->id < next->id))
                next = p;
        if (!next || !index)
            return next;
        after = next->id;
    }
}

// Root itself is the first in the list: its kernel memory is its own account, its code and data included.
static void root_info(uint64_t *w)
{
    static const uint64_t threads[] = {SEL_SELF_SC, SEL_WORK_SC, SEL_ZERO_SC};
    memset(&w[1], 0, (16 + sizeof root.processes->reason / 8) * 8);
    w[5] = ctrl_pd(PD_QUERY, SEL_SELF_PD, 0, 0, 0, 0).value;
    for (unsigned i = 0; i < sizeof threads / sizeof *threads; i++)
        w[6] += ctrl_sc(SC_TIME, threads[i]).value;
    memcpy(&w[10], "root", 5);
}

enum root_error serve_process_info(struct process *p, uint64_t *w, unsigned *answer)
{
    (void)p;
    *answer = 17 + sizeof p->reason / 8;
    if (!w[1]) {
        root_info(w);
        return ROOT_OK;
    }
    struct process *q = process_at(w[1] - 1);
    if (!q)
        return ROOT_NOT_FOUND;
    process_look(q);
    bool alive = q->state == PROCESS_RUNNING;
    w[1] = q->id;
    w[2] = q->vm_id;
    w[3] = q->cpu;
    w[4] = q->pages * PAGE_SIZE;
    w[5] = alive ? ctrl_pd(PD_QUERY, slot_sel(q, SLOT_PD), 0, 0, 0, 0).value : 0;
    w[6] = process_time(q);
    w[7] = q->vm_state;
    w[8] = q->guest_memory;
    w[9] = q->exits;
    memset(&w[10], 0, NAME_MAX_LEN);
    memcpy(&w[10], q->vm_id ? q->title : q->name, sizeof q->title);
    memcpy(&w[17], q->reason, sizeof q->reason);
    return ROOT_OK;
}

enum root_error serve_machine_info(struct process *p, uint64_t *w, unsigned *answer)
{
    (void)p;
    w[1] = root.books.total * PAGE_SIZE;
    w[2] = root.books.free * PAGE_SIZE;
    w[3] = root.hip->kernel_pages;
    w[4] = ctrl_hw(HW_FREE_PAGES, SEL_HW, 0).value;
    w[5] = root.hip->cpus;
    w[6] = root.books.dirty * PAGE_SIZE;
    *answer = 7;
    return ROOT_OK;
}

enum root_error serve_cpu_info(struct process *p, uint64_t *w, unsigned *answer)
{
    uint64_t cpu = w[1];
    (void)p;
    *answer = 1;
    if (cpu >= root.hip->cpus || cpu >= HIP_CPUS)
        return ROOT_NOT_FOUND;
    w[1] = ctrl_hw(HW_CPU_IDLE, SEL_HW, cpu).value;
    w[2] = clock_tsc();
    w[3] = root.hip->lapic_ids[cpu];
    *answer = 4;
    return ROOT_OK;
}
