// SPDX-License-Identifier: MIT
// Nested page tables, which have the format of the host's own (AMD APM 2 15.25), and the ASIDs that tag their
// translations.
#include "svm/svm.h"

void npt_format_init(struct pt_format *format, bool large_1g)
{
    *format = pt_host_format;
    format->max_level = large_1g ? 2 : 1;
}

// ASIDs are a CPU's own and few: they are dealt out in turn, and when none is left all start anew with an empty TLB. A
// vCPU whose round is over, or whose PD was flushed since, takes the next.
void asid_take(struct vcpu *v)
{
    struct svm_cpu *local = v->local;
    if (local->asid_next >= svm.asids) {
        local->asid_next = 1;
        local->asid_round++;
        v->vmcb->tlb_control = SVM_TLB_FLUSH_ALL;
        v->flushed = true;
    }
    v->vmcb->asid = local->asid_next++;
    v->asid_round = local->asid_round;
    v->flush_seen = __atomic_load_n(&v->base.ec->pd->guest_tag, __ATOMIC_ACQUIRE);
}

// What this CPU has cached is dropped by not being used again: no vCPU of the PD enters with the ASID it had.
void npt_flush(struct pd *pd)
{
    __atomic_fetch_add(&pd->guest_tag, 1, __ATOMIC_RELEASE);
}
