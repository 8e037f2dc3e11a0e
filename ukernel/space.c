// SPDX-License-Identifier: MIT
// Which address space a CPU uses, and making CPUs forget what was unmapped.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/virt.h"
#include "x86/cpuid.h"

// Ports are off for every PD but the few that have them, vector registers for every EC until it touches one.
static __attribute__((noinline, cold)) void space_special(struct cpu *cpu, struct pd *pd)
{
    fpu_close(cpu);
    if (pd->pio || cpu->pio_loaded)
        tss_io_enable(cpu, pd->pio);
    cpu->special = pd->pio != NULL;
}

void space_load(struct cpu *cpu, struct pd *pd)
{
    uint64_t bit = 1ul << cpu->id;
    if (!(pd->cpus & bit))
        __atomic_or_fetch(&pd->cpus, bit, __ATOMIC_SEQ_CST); // before the load: a shootdown must see it
    cpu->current_pd = pd;
    write_cr3(pd->cr3_load);
    if (__builtin_expect(pd->special | cpu->special, 0))
        space_special(cpu, pd);
}

static void leave_here(void *arg)
{
    struct cpu *cpu = this_cpu();
    if (cpu->pio_bitmap_owner == ((struct pd *)arg)->pio)
        cpu->pio_bitmap_owner = NULL; // another bitmap may lie there next
    if (cpu->current_pd != arg && cpu->vector_pd != arg)
        return;
    cpu->current_pd = NULL;
    fpu_close(cpu);
    write_cr3(kernel_pml4_template);
    if (cpu->pio_loaded)
        tss_io_enable(cpu, NULL);
    cpu->special = false;
}

static void flush_here(void *arg)
{
    struct pd *pd = arg;
    uint64_t cr3 = read_cr3();
    write_cr3(pd->cr3); // without CR3_NO_FLUSH: drops everything of its PCID
    write_cr3(pd->cr3_load == pd->cr3 ? cr3 : cr3 | CR3_NO_FLUSH);
}

void space_flush(struct pd *pd)
{
    flush_here(pd);
    cross_call(pd->cpus, flush_here, pd);
}

// Before its tables are freed: no CPU holds them or has translations of its PCID.
void space_leave(struct pd *pd)
{
    space_flush(pd);
    leave_here(pd);
    cross_call(cpus_all(), leave_here, pd);
}

static void guest_flush_here(void *arg)
{
    virt->guest_flush(arg);
}

void guest_space_flush(struct pd *pd)
{
    if (!virt)
        return;
    guest_flush_here(pd);
    cross_call(pd->guest_cpus, guest_flush_here, pd);
}
