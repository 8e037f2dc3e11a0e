// SPDX-License-Identifier: MIT
// What the parts of the platform layer (boot/, cpu/, mem/) call of each other; the rest of the kernel needs only cpu.h
// and mem.h.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/cap.h"
#include "abi/hip.h"
#include "ukernel/cpu.h"
#include "ukernel/mem.h"

// ---- boot/multiboot2.c: the boot loader's information, copied and checked
#define BOOT_REGIONS 160
#define BOOT_CMDLINE 512
#define BOOT_NAME    64

struct boot_region {
    uint64_t base, size;
    uint32_t type;
};

struct boot_module {
    uint64_t base, size;
    char name[BOOT_NAME];
};

struct boot_info {
    char cmdline[BOOT_CMDLINE];
    unsigned region_count, module_count;
    struct boot_region regions[BOOT_REGIONS];
    struct boot_module modules[HIP_MODULES];
    uint64_t fb_base; // 0 = text mode
    uint32_t fb_pitch, fb_width, fb_height, fb_bpp;
    uint8_t fb_colors[6];
    uint8_t rsdp[36]; // copy of the ACPI 1 or 2 root pointer
    unsigned rsdp_size;
    uint64_t symtab, symtab_size, symtab_entry; // the kernel's own symbols; physical, 0 = none
    uint64_t strtab, strtab_size;
};

// `info` of `max` readable bytes. Returns NULL, or a sentence that says what is wrong.
const char *multiboot2_parse(const void *info, size_t max, struct boot_info *out);

// ---- mem/phys.c: the memory map
#define REGION_AVAILABLE 1
#define REGION_RESERVED  2
#define REGION_ACPI      3
#define REGION_NVS       4
#define REGION_BAD       5
#define REGION_KERNEL    0x100
#define REGION_MODULE    0x101 // only while the pool is chosen

struct memmap {
    unsigned count;
    struct boot_region regions[BOOT_REGIONS];
};

bool memmap_add(struct memmap *map, uint64_t base, uint64_t size, uint32_t type);
// Sorted, page aligned, without overlaps; where regions overlap the one less usable wins. False if there are too many.
bool memmap_normalise(struct memmap *map);
uint64_t memmap_ram(const struct memmap *map);
// A place for the kernel's pool: at the end of the largest available region below 4 GiB; at most `size` bytes, false if
// under `least`.
bool memmap_place(const struct memmap *map, uint64_t size, uint64_t least, uint64_t *base, uint64_t *got);

void phys_init(const struct memmap *map);            // the final map: fills the HIP's regions
void phys_keep_device(uint64_t phys, uint64_t size); // device pages that nobody may get
void phys_share_log(uint64_t phys, uint64_t size);   // kernel memory that may be granted read-only

// ---- boot/kernel_map.c: the kernel's half of every address space
#define KERNEL_SLOT 255 // first root entry that all roots share: the stub page, then the kernel's half
#define IST_AREA    (CPU_AREA + MAX_CPUS * CPU_BLOCK)
#define IST_STACKS  3
#define DEVICE_AREA 0xffffffffc0000000ul // device registers that the kernel uses, uncached

extern const struct pt_format pt_kernel_format;
extern struct account kernel_account;                  // pays for what the kernel needs at boot
void kernel_map_init(const struct memmap *map);        // build the tables and switch to them
void *kernel_map_device(uint64_t phys, uint64_t size); // never unmapped; may cross pages
void kernel_map_page(uint64_t va, const void *page, uint32_t rights);
uint64_t
kernel_map_boot_root(uint64_t identity); // APs start on this root: the kernel's half and one executable identity page
void kernel_map_drop_boot_root(void);

// ---- cpu/
#define ACPI_IOAPICS   16
#define ACPI_OVERRIDES 24

struct acpi_ioapic {
    uint64_t base;
    uint32_t gsi_base;
};

struct acpi_override {
    uint8_t irq;
    uint32_t gsi;
    uint8_t flags; // enum int_flag
};

struct acpi_info {
    uint64_t lapic;
    unsigned cpu_count, ioapic_count, override_count;
    uint32_t cpu_ids[MAX_CPUS]; // local APIC ids of usable CPUs
    struct acpi_ioapic ioapics[ACPI_IOAPICS];
    struct acpi_override overrides[ACPI_OVERRIDES];
    uint64_t hpet;     // registers, 0 = none
    uint16_t pm_timer; // port, 0 = none
    bool pm_timer_32bit;
    bool has_pic;
};
extern struct acpi_info acpi;

// Reads physical memory: a kernel address of `size` readable bytes there, or NULL.
typedef const void *(*acpi_reader)(uint64_t phys, uint64_t size);
// `rsdp` = copy of the root pointer (20 or 36 bytes). Returns NULL, or a sentence; what was found until then stays in
// *out.
const char *acpi_parse(const void *rsdp, size_t rsdp_size, acpi_reader read, struct acpi_info *out);
// Search `size` bytes for a root pointer with right checksums; returns its offset or -1.
long acpi_find_rsdp(const void *area, size_t size);
void acpi_init(const struct boot_info *boot);

void tsc_init(void); // measure tsc_hz
void delay_us(uint64_t us);
void idt_init(void);
void pic_disable(void);
void lapic_init(void); // boot CPU: find it, choose the mode, calibrate
uint32_t lapic_id(void);
void lapic_start_ipi(uint32_t lapic_id, uint32_t mode, unsigned vector); // INIT and SIPI by local APIC id
void lapic_nmi_others(void);
void ioapic_init(void);
void fpu_init(void); // boot CPU: choose the components

// ---- boot/init.c: the HIP's strings; 0 = no room
uint32_t hip_string(const char *text);

// ---- boot/smp.c
struct cpu *cpu_block_create(unsigned id, uint32_t lapic_id);
void smp_start(void);
void virt_refuse(const char *sentence); // virt.c: no VMs, and why

// ---- console.c, panic.c
void console_init(void);
void console_screen(bool on); // also to the VGA text screen
bool console_busy(void);
void console_panic_mode(void);        // from now on without locks, and to the serial port
void console_write(const char *text); // raw, no time stamp
uint64_t klog_phys(uint64_t *size);
void symbols_init(const struct boot_info *boot); // keeps a copy of the kernel's symbols for back traces
