// SPDX-License-Identifier: MIT
// Who answers the guest's accesses to its local APIC (SDM 3C chapter 30): the mode of each vCPU, and the APIC-access
// page at its usual place in the VM's memory. That page is never read or written by vCPUs in xAPIC mode; one per VM, so
// that a vCPU in another mode that touches it sees nothing of other VMs. pd->virt is the page, pd->guest_tag counts the
// vCPUs in xAPIC mode.
#include "pc/lapic.h"
#include "ukernel/spinlock.h"
#include "vmx/vmx.h"

static bool access_page_map(struct pd *pd)
{
    struct pt_leaf leaf;
    bool mapped;
    spin_lock(&pd->lock);
    if (!pd->virt)
        pd->virt = account_alloc(&pd->account, 0);
    if (!pd->virt)
        mapped = false;
    else if (pt_lookup(&pd->guest, LAPIC_BASE, &leaf))
        mapped = leaf.phys == virt_to_phys(pd->virt);
    else
        mapped = pt_map(&pd->guest, LAPIC_BASE, virt_to_phys(pd->virt), 0, MAP_R | MAP_W, true) == ST_OK;
    if (mapped)
        pd->guest_tag++;
    spin_unlock(&pd->lock);
    return mapped;
}

// Only if no other CPU ran this VM: waiting for others here, in the middle of an answer, is not allowed. Where it
// stays, a vCPU in another mode finds memory of its own VM there.
static void access_page_unmap(struct pd *pd, struct cpu *cpu)
{
    struct pt_leaf leaf;
    enum status st;
    uint64_t *freed = NULL;
    spin_lock(&pd->lock);
    bool last = --pd->guest_tag == 0 && pd->guest_cpus == 1ul << cpu->id;
    if (last && pt_lookup(&pd->guest, LAPIC_BASE, &leaf) && leaf.phys == virt_to_phys(pd->virt))
        pt_unmap(&pd->guest, LAPIC_BASE, LAPIC_SIZE, 8, &freed, &st);
    ept_flush(pd);
    pt_release(&pd->guest, freed);
    spin_unlock(&pd->lock);
}

// What the CPU cannot do, or has no memory for, is mode NONE: then the VMM sees every access.
void apic_mode_set(struct vcpu *v, unsigned mode)
{
    struct pd *pd = v->base.ec->pd;
    if (mode > APIC_X2APIC || !vmx.controls.apic_modes[mode])
        mode = APIC_NONE;
    if (mode == v->apic_mode)
        return;
    if (v->apic_mode == APIC_XAPIC)
        access_page_unmap(pd, v->base.cpu);
    if (mode == APIC_XAPIC && !access_page_map(pd))
        mode = APIC_NONE;
    if (mode == APIC_XAPIC)
        vmwrite(APIC_ACCESS, virt_to_phys(pd->virt));
    v->apic_mode = mode;
    vmwrite(PROC_CTLS2, (vmx.controls.proc2 & ~(v->vpid ? 0 : PROC2_VPID)) | vmx.controls.apic_modes[mode]);
    vmwrite(MSR_BITMAP, mode == APIC_X2APIC ? vmx.msr_bitmap_x2apic : vmx.msr_bitmap);
    ept_flush(pd);
    vpid_flush(v->vpid);
}

// The vCPU ends, perhaps while other CPUs wait for this one: the page stays mapped until the VM ends or a vCPU leaves
// the mode.
void apic_release(struct vcpu *v)
{
    struct pd *pd = v->base.ec->pd;
    if (v->apic_mode != APIC_XAPIC)
        return;
    v->apic_mode = APIC_NONE;
    spin_lock(&pd->lock);
    pd->guest_tag--;
    spin_unlock(&pd->lock);
}

void apic_pd_destroy(struct pd *pd)
{
    if (pd->virt)
        account_free(&pd->account, pd->virt, 0);
    pd->virt = NULL;
}
