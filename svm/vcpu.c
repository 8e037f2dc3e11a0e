// SPDX-License-Identifier: MIT
// A vCPU's life: memory, the VMCB, the end.
#include "svm/svm.h"
#include "x86/paging.h"

// As on VT-x: a guest must not keep the CPU busy delivering #AC or #DB, whose delivery can raise them again
// (CVE-2015-5307, CVE-2015-8104). #MC is the host's.
#define EXCEPTIONS (1u << EXC_MC | 1u << EXC_DB | 1u << EXC_AC)

static const uint8_t exits_1[] = {
    SVM_EXIT_INTR, SVM_EXIT_NMI, SVM_EXIT_INIT,    SVM_EXIT_RDPMC, SVM_EXIT_CPUID, SVM_EXIT_RSM,
    SVM_EXIT_INVD, SVM_EXIT_HLT, SVM_EXIT_INVLPGA, SVM_EXIT_IOIO,  SVM_EXIT_RDMSR, SVM_EXIT_SHUTDOWN,
};
static const uint8_t exits_2[] = {
    SVM_EXIT_VMRUN,       SVM_EXIT_VMMCALL, SVM_EXIT_VMLOAD, SVM_EXIT_VMSAVE,  SVM_EXIT_STGI,
    SVM_EXIT_CLGI,        SVM_EXIT_SKINIT,  SVM_EXIT_WBINVD, SVM_EXIT_MONITOR, SVM_EXIT_MWAIT,
    SVM_EXIT_MWAIT_ARMED, SVM_EXIT_XSETBV,  SVM_EXIT_RDPRU,
};

// CR0, CR3 and CR4 are the guest's: VMRUN and #VMEXIT switch them whole.
static void controls_fill(struct vmcb *c, const struct pd *pd)
{
    c->intercept_cr = SVM_INTERCEPT_CR_READ(8) | SVM_INTERCEPT_CR_WRITE(8);
    c->intercept_exceptions = EXCEPTIONS;
    for (unsigned i = 0; i < sizeof(exits_1); i++)
        c->intercept_1 |= SVM_INTERCEPT_1(exits_1[i]);
    for (unsigned i = 0; i < sizeof(exits_2); i++)
        c->intercept_2 |= SVM_INTERCEPT_2(exits_2[i]);
    c->iopm_base = svm.iopm;
    c->msrpm_base = svm.msrpm;
    c->vintr = SVM_V_INTR_MASKING;
    c->np_control = SVM_NP_ENABLE;
    c->ncr3 = virt_to_phys(pd->guest.root);
}

// All zero but what would not even be a state; the VMM sets the rest in its answer to the start-up event.
static void guest_fill(struct vmcb *c)
{
    c->efer = EFER_SVME;
    c->rflags = RFLAGS_ONE;
    c->dr6 = DR6_RESET;
    c->dr7 = DR7_RESET;
    c->pat = PAT_RESET;
    c->cr0 = CR0_CD | CR0_NW | CR0_ET;
}

enum status svm_vcpu_create(struct ec *ec, void *apic_page, struct vcpu_stats *stats)
{
    struct pd *pd = ec->pd;
    struct vcpu *v;
    enum status st = vcpu_base_create(ec, sizeof(*v), apic_page, stats);
    if (st != ST_OK)
        return st;
    v = ec->vcpu;
    if (!(v->vmcb = account_alloc(&pd->account, 0))) {
        svm_vcpu_destroy(ec);
        return ST_NO_MEM;
    }
    v->local = &svm_cpus[ec->cpu];
    v->vmcb_phys = virt_to_phys(v->vmcb);
    v->host_phys = virt_to_phys(v->local->host);
    v->reason = REASON_NONE;
    controls_fill(v->vmcb, pd);
    guest_fill(v->vmcb);
    return ST_OK;
}

void svm_vcpu_release(struct ec *ec)
{
    if (ec->vcpu)
        vcpu_base_release(&ec->vcpu->base);
}

void svm_vcpu_destroy(struct ec *ec)
{
    struct vcpu *v = ec->vcpu;
    if (!v)
        return;
    if (v->vmcb)
        account_free(&ec->pd->account, v->vmcb, 0);
    vcpu_base_destroy(&v->base, sizeof(*v));
}
