// SPDX-License-Identifier: MIT
// Is there a VT-x that we can use, and switching it on (SDM 3C 24.6-24.7).
#include "ukernel/virt.h"
#include "vmx/vmx.h"
#include "x86/cpuid.h"

struct vmx vmx;

static uint64_t capability(uint32_t plain, uint32_t true_ctls)
{
    return rdmsr(vmx.caps.basic & VMX_BASIC_TRUE_CTLS ? true_ctls : plain);
}

static void caps_read(struct vmx_caps *caps)
{
    *caps = (struct vmx_caps){.basic = rdmsr(IA32_VMX_BASIC), .misc = rdmsr(IA32_VMX_MISC)};
    caps->pin = capability(IA32_VMX_PINBASED_CTLS, IA32_VMX_TRUE_PINBASED_CTLS);
    caps->proc = capability(IA32_VMX_PROCBASED_CTLS, IA32_VMX_TRUE_PROCBASED_CTLS);
    caps->exit = capability(IA32_VMX_EXIT_CTLS, IA32_VMX_TRUE_EXIT_CTLS);
    caps->entry = capability(IA32_VMX_ENTRY_CTLS, IA32_VMX_TRUE_ENTRY_CTLS);
    caps->cr0_fixed0 = rdmsr(IA32_VMX_CR0_FIXED0);
    caps->cr0_fixed1 = rdmsr(IA32_VMX_CR0_FIXED1);
    caps->cr4_fixed0 = rdmsr(IA32_VMX_CR4_FIXED0);
    caps->cr4_fixed1 = rdmsr(IA32_VMX_CR4_FIXED1);
    if ((caps->proc >> 32) & PROC_SECONDARY)
        caps->proc2 = rdmsr(IA32_VMX_PROCBASED_CTLS2);
    if ((caps->proc2 >> 32) & (PROC2_EPT | PROC2_VPID))
        caps->ept_vpid = rdmsr(IA32_VMX_EPT_VPID_CAP);
}

// IA32_FEATURE_CONTROL of this CPU; one that firmware left open we set and lock, as firmware should have.
static bool firmware_allows(void)
{
    uint64_t control = rdmsr(IA32_FEATURE_CONTROL);
    if (control & FEATURE_CONTROL_LOCK)
        return control & FEATURE_CONTROL_VMXON;
    wrmsr(IA32_FEATURE_CONTROL, control | FEATURE_CONTROL_VMXON | FEATURE_CONTROL_LOCK);
    return true;
}

static bool msr_bitmaps_make(void)
{
    uint8_t *plain = pool_alloc(0), *x2apic = pool_alloc(0);
    if (!plain || !x2apic)
        return false;
    bool registers = vmx.controls.apic_modes[APIC_X2APIC] & PROC2_APIC_REGISTERS;
    msr_bitmap_fill(plain, false, false);
    msr_bitmap_fill(x2apic, true, registers);
    vmx.msr_bitmap = virt_to_phys(plain);
    vmx.msr_bitmap_x2apic = virt_to_phys(x2apic);
    return true;
}

static const struct virt_ops vmx_ops = {
    .name = "VT-x",
    .enable_cpu = vmx_enable_cpu,
    .guest_format = &vmx.ept,
    .vcpu_create = vmcs_create,
    .vcpu_release = vmcs_release,
    .vcpu_destroy = vmcs_destroy,
    .vcpu_run = vcpu_run,
    .state_save = state_save,
    .state_load = state_load,
    .guest_flush = ept_flush,
    .pd_destroy = apic_pd_destroy,
};

static uint32_t features(void)
{
    return HIP_VIRT_VMX | (vmx.timer ? HIP_PREEMPT_TIMER : 0) | (vmx.tpr_shadow ? HIP_TPR_SHADOW : 0) |
           (vmx.controls.apic_modes[APIC_XAPIC] ? HIP_APIC_REGS : 0);
}

const struct virt_ops *vmx_probe(const char **refusal, uint32_t *found)
{
    *found = 0;
    *refusal = NULL;
    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_VMX))
        *refusal = "this CPU has no VT-x (CPUID 1: ECX bit 5 is clear)";
    else if (!firmware_allows())
        *refusal = "VT-x is disabled by the firmware (IA32_FEATURE_CONTROL is locked without VMXON)";
    if (*refusal)
        return NULL;
    caps_read(&vmx.caps);
    *refusal = controls_compute(&vmx.caps, &vmx.controls);
    if (*refusal)
        return NULL;
    registers_compute(&vmx.caps, &vmx);
    vcpu_registers_probe();
    vmx.timer = vmx.controls.pin & PIN_PREEMPTION_TIMER;
    vmx.timer_shift = vmx.caps.misc & VMX_MISC_TIMER_SHIFT;
    vmx.vpid = vmx.controls.proc2 & PROC2_VPID;
    vmx.tpr_shadow = vmx.controls.proc & PROC_TPR_SHADOW;
    ept_format_init(&vmx.ept, vmx.caps.ept_vpid);
    if (!msr_bitmaps_make()) {
        *refusal = "the kernel has no memory for VT-x";
        return NULL;
    }
    *found = features();
    return &vmx_ops;
}

static bool vmxon(uint64_t region)
{
    uint8_t failed;
    __asm__ volatile("vmxon %1\n\tsetbe %0" : "=qm"(failed) : "m"(region) : "cc", "memory");
    return !failed;
}

// Do all controls that the boot CPU chose exist here too?
static bool same_as_boot_cpu(void)
{
    struct vmx_caps mine;
    struct vmx_controls controls;
    caps_read(&mine);
    return (mine.basic & VMX_BASIC_REVISION) == (vmx.caps.basic & VMX_BASIC_REVISION) &&
           !controls_compute(&mine, &controls) && !__builtin_memcmp(&controls, &vmx.controls, sizeof(controls));
}

enum status vmx_enable_cpu(struct cpu *cpu)
{
    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_VMX) || !firmware_allows() || !same_as_boot_cpu()) {
        klog("vmx: this CPU's VT-x is not that of the boot CPU");
        return ST_BAD_FTR;
    }
    uint32_t *region = pool_alloc(0);
    if (!region)
        return ST_NO_MEM;
    *region = vmx.caps.basic & VMX_BASIC_REVISION;
    write_cr0(read_cr0() | vmx.caps.cr0_fixed0);
    write_cr4(read_cr4() | CR4_VMXE | vmx.caps.cr4_fixed0);
    // The guest's LSTAR stays in the CPU while user code runs: SYSCALL must not exist there. Hypercalls use SYSENTER.
    wrmsr(IA32_EFER, rdmsr(IA32_EFER) & ~EFER_SCE);
    if (!vmxon(virt_to_phys(region))) {
        pool_free(region, 0);
        klog("vmx: VMXON failed");
        return ST_BAD_FTR;
    }
    cpu->virt_on = true;
    return ST_OK;
}
