// SPDX-License-Identifier: MIT
// Is there an SVM that we can use, and switching it on (AMD APM 2 15.4).
#include "svm/svm.h"
#include "ukernel/virt.h"
#include "x86/cpuid.h"
#include "x86/msr.h"

struct svm svm;
struct svm_cpu svm_cpus[MAX_CPUS];

static const struct virt_ops svm_ops = {
    .name = "SVM",
    .enable_cpu = svm_enable_cpu,
    .guest_format = &svm.npt,
    .vcpu_create = svm_vcpu_create,
    .vcpu_release = svm_vcpu_release,
    .vcpu_destroy = svm_vcpu_destroy,
    .vcpu_run = svm_vcpu_run,
    .state_save = svm_state_save,
    .state_load = svm_state_load,
    .guest_flush = npt_flush,
};

// NULL, or what this CPU lacks.
static const char *lack(void)
{
    if (!cpuid_has(0x80000001) || !(cpuid(0x80000001, 0).ecx & CPUID_EXT1_ECX_SVM) || !cpuid_has(CPUID_SVM))
        return "this CPU has no SVM (CPUID 80000001h: ECX bit 2 is clear)";
    if (rdmsr(SVM_VM_CR) & SVM_VM_CR_SVMDIS)
        return "SVM is disabled by the firmware (VM_CR.SVMDIS is set)";
    struct cpuid leaf = cpuid(CPUID_SVM, 0);
    if (!(leaf.edx & CPUID_SVM_EDX_NP))
        return "this CPU's SVM lacks nested paging";
    if (leaf.ebx < 2)
        return "this CPU's SVM lacks ASIDs";
    return NULL;
}

static bool permissions_make(void)
{
    uint8_t *iopm = pool_alloc(IOPM_ORDER), *msrpm = pool_alloc(MSRPM_ORDER);
    if (!iopm || !msrpm)
        return false;
    iopm_fill(iopm);
    msrpm_fill(msrpm, vcpu_registers.msrs >> CARRY_TSC_AUX & 1);
    svm.iopm = virt_to_phys(iopm);
    svm.msrpm = virt_to_phys(msrpm);
    return true;
}

// VMLOAD and VMSAVE switch SYSCALL's MSRs, VMRUN DR6.
static void registers_probe(void)
{
    vcpu_registers_probe();
    vcpu_registers.msrs &= (1u << CARRY_TSC_AUX) | (1u << CARRY_SPEC_CTRL);
    vcpu_registers.dr6 = false;
}

#define CR4_ALWAYS                                                                                                     \
    (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_PCE | CR4_OSFXSR |             \
     CR4_OSXMMEXCPT)

static uint64_t cr4_probe(void)
{
    struct cpuid basic = cpuid(1, 0), extended = {0};
    uint64_t cr4 = CR4_ALWAYS;
    if (cpuid_has(7))
        extended = cpuid(7, 0);
    const struct {
        uint32_t have, bit;
        uint64_t cr4;
    } features[] = {
        {basic.ecx, CPUID_1_ECX_PCID, CR4_PCIDE},           {basic.ecx, CPUID_1_ECX_XSAVE, CR4_OSXSAVE},
        {extended.ebx, CPUID_7_EBX_SMEP, CR4_SMEP},         {extended.ebx, CPUID_7_EBX_SMAP, CR4_SMAP},
        {extended.ecx, CPUID_7_ECX_UMIP, CR4_UMIP},         {extended.ecx, CPUID_7_ECX_LA57, CR4_LA57},
        {extended.ebx, CPUID_7_EBX_FSGSBASE, CR4_FSGSBASE}, {extended.ecx, CPUID_7_ECX_PKU, CR4_PKE},
    };
    for (unsigned i = 0; i < sizeof(features) / sizeof(*features); i++)
        if (features[i].have & features[i].bit)
            cr4 |= features[i].cr4;
    return cr4;
}

const struct virt_ops *svm_probe(const char **refusal, uint32_t *features)
{
    *features = 0;
    *refusal = lack();
    if (*refusal)
        return NULL;
    struct cpuid leaf = cpuid(CPUID_SVM, 0);
    svm.asids = leaf.ebx;
    svm.nrips = leaf.edx & CPUID_SVM_EDX_NRIPS;
    svm.phys_bits = cpuid_has(0x80000008) ? cpuid(0x80000008, 0).eax & 0xff : 36;
    svm.cr4_allowed = cr4_probe();
    registers_probe();
    npt_format_init(&svm.npt, cpuid(0x80000001, 0).edx & CPUID_EXT1_EDX_PAGE1G);
    if (!permissions_make()) {
        *refusal = "the kernel has no memory for SVM";
        return NULL;
    }
    *features = HIP_VIRT_SVM;
    return &svm_ops;
}

// What the host has in these registers never changes, but for the limit of TR: ports are allowed or not.
void host_state_save(struct cpu *cpu)
{
    struct svm_cpu *local = &svm_cpus[cpu->id];
    __asm__ volatile("vmsave" : : "a"(virt_to_phys(local->host)) : "memory");
    local->ports = cpu->pio_loaded != NULL;
}

enum status svm_enable_cpu(struct cpu *cpu)
{
    if (lack() || cpuid(CPUID_SVM, 0).ebx < svm.asids) {
        klog("svm: this CPU's SVM is not that of the boot CPU");
        return ST_BAD_FTR;
    }
    void *host_save = pool_alloc(0), *host = pool_alloc(0);
    if (!host_save || !host)
        return ST_NO_MEM;
    __builtin_memset(host, 0, PAGE_SIZE);
    wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_SVME);
    wrmsr(SVM_HSAVE_PA, virt_to_phys(host_save));
    svm_cpus[cpu->id] = (struct svm_cpu){.host_save = host_save, .host = host, .asid_round = 1, .asid_next = 1};
    host_state_save(cpu);
    cpu->virt_on = true;
    return ST_OK;
}
