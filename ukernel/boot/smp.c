// SPDX-License-Identifier: MIT
// Every CPU's block of memory, and starting the other CPUs: INIT, SIPI (SDM 3A 9.4), one after the other.
#include "lib/c/string.h"
#include "pc/lapic.h"
#include "ukernel/platform.h"
#include "ukernel/sched.h"
#include "ukernel/virt.h"
#include "x86/msr.h"
#include "x86/regs.h"

#define STACK_PAGES 2
#define LOW_END     0x9f000 // the trampoline's page lies below
#define LOW_START   0x1000
#define INIT_US     10000
#define SIPI_US     200
#define START_US    1000000 // how long a CPU may take until it says that it runs

extern char ap_trampoline[], ap_trampoline_end[], ap_root[], ap_efer[], ap_stack[];

struct cpu *cpus[MAX_CPUS];
uint32_t cpu_count;
static uint32_t started;  // set by the CPU that is being started
static uint32_t released; // by the boot CPU: all run, go to work

static void *page_new(void)
{
    void *page = account_alloc(&kernel_account, 0);
    if (!page)
        panic("no memory for the stacks of cpu%u", cpu_count);
    return page;
}

static void stack_map(uint64_t block, const void *cpu_page)
{
    for (unsigned i = 0; i < STACK_PAGES; i++)
        kernel_map_page(block + PAGE_SIZE * (1 + i), page_new(), MAP_R | MAP_W);
    kernel_map_page(block + CPU_OFFSET, cpu_page, MAP_R | MAP_W);
}

// Its stack, and three more for NMI, machine check and double fault; each with a hole below it, and with the CPU's page
// above it, so that this_cpu() works on all of them.
struct cpu *cpu_block_create(unsigned id, uint32_t lapic_id)
{
    _Static_assert(sizeof(struct cpu) <= PAGE_SIZE, "struct cpu fits its page");
    void *page = page_new();
    stack_map(CPU_AREA + id * CPU_BLOCK, page);
    for (unsigned i = 0; i < IST_STACKS; i++)
        stack_map(IST_AREA + (id * IST_STACKS + i) * CPU_BLOCK, page);
    struct cpu *cpu = (struct cpu *)(CPU_AREA + id * CPU_BLOCK + CPU_OFFSET);
    cpu->id = id;
    cpu->lapic_id = lapic_id;
    for (unsigned i = 0; i < EXIT_RECORDS; i++)
        cpu->exits[i].next = &cpu->exits[(i + 1) % EXIT_RECORDS];
    cpu->exit_next = cpu->exits;
    sched_init_cpu(cpu);
    cpus[id] = cpu;
    return cpu;
}

_Noreturn void ap_main(struct cpu *cpu)
{
    cpu_tables_init(cpu);
    lapic_init_cpu();
    fpu_init_cpu();
    if (virt && virt->enable_cpu(cpu) != ST_OK)
        virt_refuse("not every CPU could be switched to hardware virtualisation");
    __atomic_store_n(&started, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    schedule();
}

// A page of RAM below 640 KiB where no module lies; 0 = none.
static uint64_t low_page(void)
{
    for (uint64_t at = LOW_END - PAGE_SIZE; at >= LOW_START; at -= PAGE_SIZE) {
        bool ram = false, taken = false;
        for (unsigned i = 0; i < hip->region_count; i++) {
            const struct hip_region *r = &hip->regions[i];
            ram |= r->type == REGION_AVAILABLE && at >= r->base && at + PAGE_SIZE <= r->base + r->size;
        }
        for (unsigned i = 0; i < hip->module_count; i++)
            taken |= at + PAGE_SIZE > hip->modules[i].base && at < hip->modules[i].base + hip->modules[i].size;
        if (ram && !taken)
            return at;
    }
    return 0;
}

static void parameter_set(uint64_t page, const char *label, uint64_t value, size_t size)
{
    memcpy((char *)phys_to_virt(page) + (label - ap_trampoline), &value, size);
}

static bool wait_started(uint64_t us)
{
    for (uint64_t end = rdtsc() + tsc_hz / 1000000 * us; rdtsc() < end; __builtin_ia32_pause())
        if (__atomic_load_n(&started, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

static bool cpu_start(struct cpu *cpu, uint64_t page)
{
    __atomic_store_n(&started, 0, __ATOMIC_RELEASE);
    parameter_set(page, ap_stack, (uint64_t)cpu, 8);
    lapic_start_ipi(cpu->lapic_id, LAPIC_MODE_INIT, 0);
    delay_us(INIT_US);
    lapic_start_ipi(cpu->lapic_id, LAPIC_MODE_SIPI, page >> PAGE_SHIFT);
    if (wait_started(SIPI_US))
        return true;
    lapic_start_ipi(cpu->lapic_id, LAPIC_MODE_SIPI, page >> PAGE_SHIFT);
    return wait_started(START_US);
}

void smp_start(void)
{
    uint64_t page = acpi.cpu_count > 1 ? low_page() : 0;
    if (page) {
        memcpy(phys_to_virt(page), ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
        parameter_set(page, ap_root, kernel_map_boot_root(page), 4);
        parameter_set(page, ap_efer, EFER_LME | EFER_NXE, 4);
        struct cpu *spare = NULL;
        for (unsigned i = 0; i < acpi.cpu_count && cpu_count < MAX_CPUS; i++) {
            if (acpi.cpu_ids[i] == cpus[0]->lapic_id)
                continue;
            struct cpu *cpu = spare ? spare : cpu_block_create(cpu_count, acpi.cpu_ids[i]);
            cpu->lapic_id = acpi.cpu_ids[i];
            spare = cpu_start(cpu, page) ? NULL : cpu;
            if (!spare)
                cpu_count++;
            else
                klog("smp: the CPU with local APIC id %u does not start", cpu->lapic_id);
        }
        kernel_map_drop_boot_root();
    }
    hip->cpus = cpu_count;
    for (unsigned i = 0; i < cpu_count; i++)
        hip->lapic_ids[i] = cpus[i]->lapic_id;
    klog("smp: %u CPU%s", cpu_count, cpu_count == 1 ? "" : "s");
    __atomic_store_n(&released, 1, __ATOMIC_RELEASE);
}
