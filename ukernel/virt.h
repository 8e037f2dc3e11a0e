// SPDX-License-Identifier: MIT
// THE SEAM: all that the kernel knows of hardware virtualisation. vmx/ and svm/ implement it; the choice is made at run
// time: `virt_probe` fills the table of the backend that the CPU has. What both need is in ukernel/vcpu.h.
#pragma once
#include "ukernel/kobject.h"
#include "ukernel/percpu.h"

struct virt_ops {
    const char *name;                           // "VT-x"
    enum status (*enable_cpu)(struct cpu *cpu); // on each CPU, once; a failure there turns VMs off with its sentence
    const struct pt_format *guest_format;       // of a PD's guest page table
    enum status (*vcpu_create)(struct ec *ec, void *apic_page,
                               struct vcpu_stats *stats); // ec->vcpu; pays from ec->pd's account
    void (*vcpu_release)(struct ec *ec); // on ec's CPU: VMCLEAR, drop vector state; no guest instruction follows
    void (*vcpu_destroy)(struct ec *ec); // any CPU, after vcpu_release: free
    void (*vcpu_run)(struct ec *ec)
        __attribute__((noreturn)); // enter the guest; `recall` and due events are checked by ec_vcpu_enter
    void (*state_save)(struct ec *ec, struct utcb_state *s, uint32_t mtd); // vCPU -> UTCB
    void (*state_load)(struct ec *ec, struct utcb_state *s,
                       uint32_t mtd);   // UTCB -> vCPU; bad values fail at entry, never in the kernel
    void (*guest_flush)(struct pd *pd); // this CPU: drop all cached guest translations of the PD
    void (*pd_destroy)(struct pd *pd);  // free pd->virt
};

extern const struct virt_ops *virt; // NULL = no VMs; hip->virt_refusal says why
void virt_probe(void);              // boot CPU: choose the backend, fill hip->virt
const struct virt_ops *vmx_probe(const char **refusal, uint32_t *features); // vmx/: NULL and a sentence, or the table
const struct virt_ops *svm_probe(const char **refusal, uint32_t *features); // svm/

// What the backend calls (exit.c):
_Noreturn void vcpu_event(struct ec *ec, unsigned event); // an exit for the VMM: call the portal event_base + event
_Noreturn void
vcpu_resume(struct ec *ec);      // an exit the kernel handled itself: enter again unless something else is due
uint64_t sched_next_event(void); // TSC by which the guest must be left (slice, timeouts)
void sched_timer(void);          // that time has come
void interrupt(unsigned vector); // the host interrupt that ended the guest's run
