// SPDX-License-Identifier: MIT
// AMD SVM: what the files of this folder share. The rest of the kernel knows ukernel/virt.h only.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "svm/vmcb.h"
#include "ukernel/vcpu.h"
#include "x86/desc.h"
#include "x86/svm.h"
#include "x86/vmx.h"

#define IOPM_ORDER  2 // 12 KiB
#define MSRPM_ORDER 1 // 8 KiB

// What the boot CPU found; the same on every CPU.
extern struct svm {
    uint32_t asids; // 1 .. asids - 1 are the guests'
    unsigned phys_bits;
    uint64_t cr4_allowed; // bits that the CPU has
    bool nrips;           // an exit saves the RIP behind its instruction
    uint64_t iopm, msrpm; // physical: every port exits; these MSRs do not
    struct pt_format npt;
} svm;

struct svm_cpu {         // one per CPU
    void *host_save;     // VM_HSAVE_PA: what VMRUN saves of the host
    struct vmcb *host;   // and what VMSAVE does: FS GS TR LDTR, SYSCALL's and SYSENTER's MSRs
    uint64_t asid_round; // counts how often the ASIDs were used up, from 1
    uint32_t asid_next;
    bool ports; // `host` has a TR that allows ports
};
extern struct svm_cpu svm_cpus[MAX_CPUS];

// The state of NMIs, which a VMCB does not hold: injected; its IRET exited but perhaps not executed yet; is being
// stepped over; faults.
enum nmi_state { NMI_OPEN, NMI_BLOCKED, NMI_IRET, NMI_STEP, NMI_FAULT };

// What an entry has still to see to: an NMI window; a window for interrupts, or the event `owed`, once the virtual
// interrupt has been taken.
enum later { LATER_NMI_WINDOW = 1, LATER_WINDOW = 2, LATER_EVENT = 4 };

#define REASON_NONE 0xffff // no exit since the last reply

struct vcpu {
    struct vcpu_base base;
    uint64_t vmcb_phys; // VCPU_VMCB of entry.asm
    uint64_t host_phys; // VCPU_HOST: struct svm_cpu's `host`
    struct vmcb *vmcb;
    struct svm_cpu *local;
    uint32_t reason;                // event of the last exit
    uint32_t flush_seen;            // pd->guest_tag when the ASID was taken
    uint64_t asid_round;            // of the CPU, when the ASID was taken
    uint64_t nmi_iret_rip, nmi_dr6; // at the IRET
    uint64_t error;                 // of a failed entry
    uint32_t rule;
    uint32_t owed;       // a virtual interrupt that the guest has still to get, as an event; 0 = none
    uint8_t soft_length; // by how much RIP was moved to inject a software event; 0 = it was not
    uint8_t nmi;         // enum nmi_state
    uint8_t later;       // enum later
    bool unchecked;      // the VMM changed what entry_check.c looks at
    bool flushed;        // the last entry emptied the TLB: the VMCB still says so
    bool failed;         // the last entry failed
    bool explained;      // one failure is in the log already
};

// enable.c
enum status svm_enable_cpu(struct cpu *cpu);
void host_state_save(struct cpu *cpu);
// permission.c: pure
void iopm_fill(uint8_t *map);
void msrpm_fill(uint8_t *map, bool tsc_aux);
// npt.c
void npt_format_init(struct pt_format *format, bool large_1g);
void npt_flush(struct pd *pd);
void asid_take(struct vcpu *v);
static inline bool asid_is_stale(const struct vcpu *v)
{
    return v->asid_round != v->local->asid_round ||
           v->flush_seen != __atomic_load_n(&v->base.ec->pd->guest_tag, __ATOMIC_ACQUIRE);
}
// vcpu.c
enum status svm_vcpu_create(struct ec *ec, void *apic_page, struct vcpu_stats *stats);
void svm_vcpu_release(struct ec *ec);
void svm_vcpu_destroy(struct ec *ec);
// state.c
void svm_state_save(struct ec *ec, struct utcb_state *s, uint32_t mtd);
void svm_state_load(struct ec *ec, struct utcb_state *s, uint32_t mtd);
// events.c: formats of events; NMI blocking
void event_inject(struct vcpu *v, const struct utcb_state *s);
void event_interrupted(struct vcpu *v, struct utcb_state *s);
void event_keep(struct vcpu *v);
void event_later(struct vcpu *v);
void nmi_block(struct vcpu *v, bool block);
void nmi_iret(struct vcpu *v);
bool nmi_step(struct vcpu *v);
bool nmi_settle(struct vcpu *v);
// exit.c, entry.asm
_Noreturn void svm_vcpu_run(struct ec *ec);
_Noreturn void svm_enter(struct vcpu *v);
_Noreturn void svm_exit(struct vcpu *v);
static inline bool svm_event_valid(uint64_t event) // one that VMRUN takes, or none
{
    unsigned type = event >> 8 & 7, vector = event & INTR_VECTOR;
    if (!(event & INTR_VALID))
        return true;
    return type != 1 && type <= 4 && (type != INTR_TYPE_HW_EXCEPTION >> 8 || (vector != EXC_NMI && vector < EXC_COUNT));
}

// entry_check.c: pure. The number (from 1) of the first rule for VMRUN that the guest's state breaks, and its sentence;
// 0 = none.
struct svm_entry_view {
    const struct vmcb *vmcb;
    unsigned phys_bits;
    uint64_t cr4_allowed;
};
unsigned svm_entry_check(const struct svm_entry_view *view, const char **sentence);
unsigned svm_entry_rules(void);
