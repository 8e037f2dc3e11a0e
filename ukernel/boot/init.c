// SPDX-License-Identifier: MIT
// From the boot loader to the first process.
#include "lib/c/string.h"
#include "ukernel/platform.h"
#include "ukernel/sched.h"
#include "ukernel/virt.h"
#include "x86/regs.h"

#define MIB          0x100000ul
#define POOL_LEAST   (4 * MIB)
#define POOL_DEFAULT (16 * MIB)
#define POOL_MOST    (256 * MIB)
#define RAM_SHARE    32 // the pool gets one part in that many
#define LIMIT_4G     (1ul << 32)

extern char image_phys[], image_end[], stub_sysenter_start[], stub_sysenter_end[], stub_syscall_start[],
    stub_syscall_end[];
_Noreturn void stack_switch(void *top, void (*fn)(void));

struct hip *hip;
static struct boot_info boot;
static struct memmap ram;
static uint64_t pool_base, pool_size;

uint32_t hip_string(const char *text)
{
    size_t length = strlen(text) + 1;
    uint32_t at = hip->size;
    if (length > PAGE_SIZE - at)
        return 0;
    memcpy((char *)hip + at, text, length);
    hip->size += length;
    return at;
}

static void map_add(struct memmap *map, uint64_t base, uint64_t size, uint32_t type)
{
    if (!memmap_add(map, base, size, type))
        panic("memory map: more than %u regions", BOOT_REGIONS);
}

static void map_normalise(struct memmap *map)
{
    if (!memmap_normalise(map))
        panic("memory map: more than %u regions", BOOT_REGIONS);
}

// The kernel's pool: away from everything that the boot loader left in memory.
static void pool_place(uint64_t info_phys, uint32_t info_size)
{
    static struct memmap map;
    for (unsigned i = 0; i < boot.region_count; i++)
        map_add(&ram, boot.regions[i].base, boot.regions[i].size, boot.regions[i].type);
    map_add(&ram, 0, PAGE_SIZE, REGION_RESERVED); // the BIOS's vectors and data; and so NULL is no memory
    map_add(&ram, (uint64_t)image_phys, (uint64_t)image_end - KERNEL_BASE - (uint64_t)image_phys, REGION_KERNEL);
    map_normalise(&ram);

    map = ram;
    map_add(&map, info_phys, info_size, REGION_MODULE);
    map_add(&map, boot.symtab, boot.symtab_size, REGION_MODULE);
    map_add(&map, boot.strtab, boot.strtab_size, REGION_MODULE);
    for (unsigned i = 0; i < boot.module_count; i++)
        map_add(&map, boot.modules[i].base, boot.modules[i].size, REGION_MODULE);
    map_normalise(&map);

    uint64_t want = memmap_ram(&ram) / RAM_SHARE;
    want = want < POOL_DEFAULT ? POOL_DEFAULT : want > POOL_MOST ? POOL_MOST : want & ~(LARGE_SIZE - 1);
    if (!memmap_place(&map, want, POOL_LEAST, &pool_base, &pool_size))
        panic("memory: no free region of %lu MiB for the kernel", POOL_LEAST / MIB);
    map_add(&ram, pool_base, pool_size, REGION_KERNEL);
    map_normalise(&ram);
    pool_add(pool_base, pool_size >> PAGE_SHIFT);
}

static void hip_init(uint64_t tsc_boot)
{
    hip = account_alloc(&kernel_account, 0);
    hip->magic = HIP_MAGIC;
    hip->size = sizeof(*hip);
    hip->tsc_boot = tsc_boot;
    hip->cmdline = hip_string(boot.cmdline);
    hip->kernel_pages = pool_size >> PAGE_SHIFT;
    hip->fb_base = boot.fb_base;
    hip->fb_pitch = boot.fb_pitch;
    hip->fb_width = boot.fb_width;
    hip->fb_height = boot.fb_height;
    hip->fb_bpp = boot.fb_bpp;
    memcpy(hip->fb_colors, boot.fb_colors, sizeof(boot.fb_colors));
    hip->log_base = klog_phys(&hip->log_size);
    phys_share_log(hip->log_base, hip->log_size);
    phys_init(&ram);
    for (unsigned i = 0; i < boot.module_count; i++)
        hip->modules[i] = (struct hip_module){
            .base = boot.modules[i].base, .size = boot.modules[i].size, .name = hip_string(boot.modules[i].name)};
    hip->module_count = boot.module_count;
}

static void stub_page_init(void)
{
    const char *from = hypercall_by_syscall ? stub_syscall_start : stub_sysenter_start;
    const char *to = hypercall_by_syscall ? stub_syscall_end : stub_sysenter_end;
    void *page = account_alloc(&kernel_account, 0);
    memcpy(page, from, (size_t)(to - from));
    host_map_kernel_page(HYPERCALL_PAGE, page, false);
}

// On the boot CPU's own stack.
static void boot_cpu_main(void)
{
    cpu_tables_init(cpus[0]);
    acpi_init(&boot);
    pic_disable();
    tsc_init();
    hip->tsc_hz = tsc_hz;
    lapic_init();
    lapic_init_cpu();
    cpus[0]->lapic_id = lapic_id();
    ioapic_init();
    hip->gsis = ioapic_gsis();
    fpu_init();
    fpu_init_cpu();
    stub_page_init();
    virt_probe();
    smp_start();
    klog("memory: %lu MiB free, %lu MiB for the kernel", memmap_ram(&ram) / MIB, pool_size / MIB);
    root_start();
}

// From start.asm: `info_phys` lies below 4 GiB, which is mapped.
_Noreturn void boot_main(uint64_t info_phys)
{
    uint64_t tsc_boot = rdtsc();
    console_init();
    klog("Mica, a microhypervisor");
    const uint32_t *info = phys_to_virt(info_phys);
    const char *wrong = multiboot2_parse(info, LIMIT_4G - info_phys, &boot);
    if (wrong)
        panic("%s", wrong);
    console_screen(!boot.fb_base);
    pool_place(info_phys, *info);
    hip_init(tsc_boot);
    symbols_init(&boot);
    kernel_map_init(&ram);
    cpu_block_create(0, 0);
    cpu_count = 1;
    stack_switch(cpus[0], boot_cpu_main);
}
