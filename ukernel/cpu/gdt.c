// SPDX-License-Identifier: MIT
// Descriptor tables and system registers of each CPU, and the permission bitmap for ports in its TSS.
#include "lib/c/string.h"
#include "ukernel/kobject.h"
#include "ukernel/platform.h"
#include "x86/cpuid.h"
#include "x86/desc.h"
#include "x86/msr.h"
#include "x86/paging.h"
#include "x86/regs.h"

#define GDT_ENTRIES  9 // null, kernel CS and SS, none, user SS for SYSRET, user CS, user SS for SYSEXIT, TSS (two)
#define TABLES_ORDER 2 // pages: TSS with its bitmap in the first three, GDT in the last
#define GDT_PLACE    0x3000
#define IOMAP_OFFSET 128 // of the bitmap in the TSS page
#define THUNK_SIZE   32  // of a SYSCALL thunk in entry.asm

extern char sysenter_entry[], syscall_thunks[];
bool hypercall_by_syscall;

static void tss_load(struct cpu *cpu, uint32_t limit)
{
    uint64_t base = (uint64_t)cpu->tss;
    cpu->gdt[SEL_TSS / 8] = (limit & 0xffff) | (base & 0xffffff) << 16 |
                            (uint64_t)(DESC_PRESENT | DESC_TSS_AVAILABLE) << 40 | (base >> 24 & 0xff) << 56;
    cpu->gdt[SEL_TSS / 8 + 1] = base >> 32;
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS) : "memory");
}

// A VM exit leaves the TSS's limit at 67h (no port allowed) and its descriptor busy: so always a fresh descriptor.
void tss_io_enable(struct cpu *cpu, struct pio_space *pio)
{
    if (pio && cpu->pio_bitmap_owner != pio) {
        memcpy((char *)cpu->tss + IOMAP_OFFSET, pio->words, sizeof(pio->words));
        cpu->pio_bitmap_owner = pio;
    }
    cpu->pio_loaded = pio;
    tss_load(cpu, pio ? IOMAP_OFFSET + TSS_IO_BYTES - 1 : TSS_LIMIT_NO_IO);
}

static void tables_create(struct cpu *cpu)
{
    char *pages = pool_alloc(TABLES_ORDER);
    if (!pages)
        panic("cpu%u: no memory for its descriptor tables", cpu->id);
    memset(pages, 0, PAGE_SIZE << TABLES_ORDER);
    cpu->tss = (struct tss *)pages;
    cpu->gdt = (uint64_t *)(pages + GDT_PLACE);
    cpu->tss->rsp[0] = (uint64_t)cpu;
    for (unsigned i = 0; i < IST_STACKS; i++)
        cpu->tss->ist[i] = IST_AREA + (cpu->id * IST_STACKS + i) * CPU_BLOCK + CPU_OFFSET;
    cpu->tss->iomap_base = IOMAP_OFFSET;
    pages[IOMAP_OFFSET + TSS_IO_BYTES - 1] = (char)0xff;
    // No 32-bit segments: SYSCALL from such code enters where CSTAR says, on the user's stack.
    static const uint64_t descriptors[] = {
        0, DESC_CODE64_KERNEL, DESC_DATA_KERNEL, 0, DESC_DATA_USER, DESC_CODE64_USER, DESC_DATA_USER};
    memcpy(cpu->gdt, descriptors, sizeof(descriptors));
}

static void segments_load(struct cpu *cpu)
{
    struct desc_ptr gdtr = {GDT_ENTRIES * 8 - 1, (uint64_t)cpu->gdt};
    __asm__ volatile("lgdt %0\n\t"
                     "push %1\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "push %%rax\n\t"
                     "lretq\n"
                     "1:\tmov %2, %%ss\n\t"
                     "mov %3, %%ds\n\t"
                     "mov %3, %%es\n\t"
                     "mov %3, %%fs\n\t"
                     "mov %3, %%gs\n\t"
                     "lldt %w3"
                     :
                     : "m"(gdtr), "i"(SEL_KCODE), "r"(SEL_KDATA), "r"(0)
                     : "rax", "memory");
}

static void control_registers_init(void)
{
    struct cpuid basic = cpuid(1, 0), extended = {0};
    if (cpuid_has(7))
        extended = cpuid(7, 0);
    const struct {
        uint32_t have, bit;
        uint64_t cr4;
    } wanted[] = {
        {basic.edx, CPUID_1_EDX_MCE, CR4_MCE},       {basic.edx, CPUID_1_EDX_PGE, CR4_PGE},
        {basic.ecx, CPUID_1_ECX_XSAVE, CR4_OSXSAVE}, {extended.ebx, CPUID_7_EBX_SMEP, CR4_SMEP},
        {extended.ebx, CPUID_7_EBX_SMAP, CR4_SMAP},  {extended.ecx, CPUID_7_ECX_UMIP, CR4_UMIP},
        {basic.ecx, CPUID_1_ECX_PCID, CR4_PCIDE},
    };
    // PSE means nothing here, but guests have it: QEMU empties its TLB once more where CR4 changes at an entry or exit
    uint64_t cr4 = CR4_PAE | CR4_PSE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        if (wanted[i].have & wanted[i].bit)
            cr4 |= wanted[i].cr4;
    write_cr3(kernel_pml4_template);
    write_cr4(cr4);
    write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
    cpu_has_pcid = cr4 & CR4_PCIDE;
    write_dr7(DR7_RESET);
    wrmsr(IA32_PAT, PAT_KERNEL);
}

// SYSENTER on Intel; SYSCALL where SYSENTER does not exist in 64-bit mode. EFER.SCE stays clear on Intel: STAR and
// LSTAR are guests' there.
static void hypercall_entry_init(const struct cpu *cpu)
{
    uint32_t vendor = cpuid(0, 0).ebx;
    hypercall_by_syscall = vendor == CPUID_VENDOR_AMD_EBX || vendor == CPUID_VENDOR_HYGON_EBX;
    uint64_t efer = EFER_LME | EFER_LMA | EFER_NXE;
    if (hypercall_by_syscall) {
        wrmsr(IA32_STAR, (uint64_t)SEL_KCODE << 32 | (uint64_t)(SEL_UCODE - 16) << 48);
        wrmsr(IA32_LSTAR, (uint64_t)syscall_thunks + cpu->id * THUNK_SIZE);
        wrmsr(IA32_FMASK, ~RFLAGS_ONE & 0xffffffff);
        efer |= EFER_SCE;
    } else {
        wrmsr(IA32_SYSENTER_CS, SEL_KCODE);
        wrmsr(IA32_SYSENTER_ESP, (uint64_t)cpu);
        wrmsr(IA32_SYSENTER_EIP, (uint64_t)sysenter_entry);
    }
    wrmsr(IA32_EFER, efer);
}

void cpu_tables_init(struct cpu *cpu)
{
    tables_create(cpu);
    segments_load(cpu);
    tss_io_enable(cpu, NULL);
    idt_init();
    control_registers_init();
    hypercall_entry_init(cpu);
}
