// SPDX-License-Identifier: MIT
// A vCPU's life: memory, the VMCS on its CPU, the end.
#include "ukernel/sched.h"
#include "vmx/vmx.h"
#include "x86/paging.h"

_Static_assert(offsetof(struct vcpu, launched) == sizeof(struct vcpu_base), "VCPU_LAUNCHED in entry.asm");

#define CR0_RESET (CR0_CD | CR0_NW | CR0_ET)

enum status vmcs_create(struct ec *ec, void *apic_page, struct vcpu_stats *stats)
{
    struct vcpu *v;
    enum status st = vcpu_base_create(ec, sizeof(*v), apic_page, stats);
    if (st != ST_OK)
        return st;
    v = ec->vcpu;
    if (!(v->vmcs = account_alloc(&ec->pd->account, 0))) {
        vmcs_destroy(ec);
        return ST_NO_MEM;
    }
    *(uint32_t *)v->vmcs = vmx.caps.basic & VMX_BASIC_REVISION;
    v->reason = REASON_NONE;
    v->vpid = vmx.vpid ? vpid_alloc() : 0;
    return ST_OK;
}

static void vmclear(struct vcpu *v)
{
    uint64_t region = virt_to_phys(v->vmcs);
    __asm__ volatile("vmclear %0" : : "m"(region) : "cc", "memory");
}

static void vmptrld(struct vcpu *v)
{
    uint64_t region = virt_to_phys(v->vmcs);
    __asm__ volatile("vmptrld %0" : : "m"(region) : "cc", "memory");
}

static void controls_fill(struct vcpu *v)
{
    v->proc_ctls = vmx.controls.proc;
    vmwrite(PIN_CTLS, vmx.controls.pin);
    vmwrite(PROC_CTLS, v->proc_ctls);
    vmwrite(PROC_CTLS2, vmx.controls.proc2 & ~(v->vpid ? 0 : PROC2_VPID));
    vmwrite(EXIT_CTLS, vmx.controls.exit);
    vmwrite(ENTRY_CTLS, vmx.controls.entry);
    vmwrite(EXCEPTION_BITMAP, exceptions_of(CR0_RESET));
    vmwrite(PF_ERROR_MASK, 0);
    vmwrite(PF_ERROR_MATCH, 0);
    vmwrite(CR3_TARGET_COUNT, 0);
    vmwrite(EXIT_MSR_STORE_COUNT, 0);
    vmwrite(EXIT_MSR_LOAD_COUNT, 0);
    vmwrite(ENTRY_MSR_LOAD_COUNT, 0);
    vmwrite(ENTRY_INTR_INFO, 0);
    vmwrite(MSR_BITMAP, vmx.msr_bitmap);
    vmwrite(TSC_OFFSET, 0);
    vmwrite(EPTP, ept_pointer(&v->base.ec->pd->guest));
    vmwrite(CR0_MASK, vmx.cr0_mask);
    vmwrite(CR4_MASK, vmx.cr4_mask);
    if (v->vpid)
        vmwrite(VPID, v->vpid);
    if (vmx.controls.proc2 & PROC2_XSAVES)
        vmwrite(XSS_BITMAP, 0);
    if (vmx.tpr_shadow) {
        vmwrite(VIRTUAL_APIC, virt_to_phys(v->base.apic_page));
        vmwrite(TPR_THRESHOLD, 0);
    }
}

// The kernel as an exit finds it. TS is set: fpu.c.
static void host_fill(struct vcpu *v)
{
    struct desc_ptr idt;
    __asm__ volatile("sidt %0" : "=m"(idt));
    vmwrite(HOST_CR0, read_cr0() | CR0_TS);
    vmwrite(HOST_CR3, v->base.ec->pd->cr3);
    vmwrite(HOST_CR4, read_cr4());
    vmwrite(HOST_CS_SEL, SEL_KCODE);
    vmwrite(HOST_SS_SEL, SEL_KDATA);
    vmwrite(HOST_TR_SEL, SEL_TSS);
    vmwrite(HOST_DS_SEL, 0);
    vmwrite(HOST_ES_SEL, 0);
    vmwrite(HOST_FS_SEL, 0);
    vmwrite(HOST_GS_SEL, 0);
    vmwrite(HOST_FS_BASE, 0);
    vmwrite(HOST_GS_BASE, 0);
    vmwrite(HOST_TR_BASE, (uint64_t)v->base.cpu->tss);
    vmwrite(HOST_GDTR_BASE, (uint64_t)v->base.cpu->gdt);
    vmwrite(HOST_IDTR_BASE, idt.base);
    vmwrite(HOST_SYSENTER_CS, rdmsr(IA32_SYSENTER_CS));
    vmwrite(HOST_SYSENTER_ESP, rdmsr(IA32_SYSENTER_ESP));
    vmwrite(HOST_SYSENTER_EIP, rdmsr(IA32_SYSENTER_EIP));
    vmwrite(HOST_PAT, rdmsr(IA32_PAT));
    vmwrite(HOST_EFER, rdmsr(IA32_EFER));
    vmwrite(HOST_RSP, (uint64_t)(v->base.gpr + GPR_COUNT));
    vmwrite(HOST_RIP, (uint64_t)vmx_exit_stub);
}

// All zero but what would not even be a state; the VMM sets the rest in its answer to the start-up event.
static void guest_fill(void)
{
    static const uint16_t fields[] = {
#define VMCS_FIELD(encoding, name) encoding,
#include "vmx/vmcs_fields.def"
#undef VMCS_FIELD
    };
    for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        if (VMCS_FIELD_IS_GUEST(fields[i]) && (vmx.timer || fields[i] != PREEMPTION_TIMER))
            vmwrite(fields[i], 0);
    vmwrite(GUEST_LINK, ~0ul);
    vmwrite(GUEST_RFLAGS, RFLAGS_ONE);
    vmwrite(GUEST_DR7, DR7_RESET);
    vmwrite(GUEST_PAT, PAT_RESET);
    vmwrite(CR0_SHADOW, CR0_RESET);
    vmwrite(CR4_SHADOW, 0);
    vmwrite(GUEST_CR0, (CR0_RESET & vmx.cr0_allowed) | vmx.cr0_set);
    vmwrite(GUEST_CR4, vmx.cr4_set);
}

void vmcs_switch(struct vcpu *v)
{
    if (!v->ready)
        vmclear(v);
    vmptrld(v);
    vcpu_carried_load(&v->base);
    if (v->ready)
        return;
    controls_fill(v);
    host_fill(v);
    guest_fill();
    v->ready = true;
}

// After a failed entry: back to the state in which VMLAUNCH, not VMRESUME, is right. The contents stay.
void vmcs_reset_launch(struct vcpu *v)
{
    vmclear(v);
    v->launched = 0;
    vmptrld(v);
}

void vmcs_release(struct ec *ec)
{
    struct vcpu *v = ec->vcpu;
    if (!v)
        return;
    if (v->ready)
        vmclear(v);
    vcpu_base_release(&v->base);
    apic_release(v);
    vpid_flush(v->vpid);
    ept_flush(ec->pd);
}

void vmcs_destroy(struct ec *ec)
{
    struct vcpu *v = ec->vcpu;
    if (!v)
        return;
    vpid_free(v->vpid);
    if (v->vmcs)
        account_free(&ec->pd->account, v->vmcs, 0);
    vcpu_base_destroy(&v->base, sizeof(*v));
}
