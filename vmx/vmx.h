// SPDX-License-Identifier: MIT
// VT-x: what the files of this folder share. The rest of the kernel knows ukernel/virt.h only.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ukernel/vcpu.h"
#include "x86/msr.h"
#include "x86/regs.h"
#include "x86/vmx.h"

enum vmcs_field {
#define VMCS_FIELD(encoding, name) name = encoding,
#include "vmx/vmcs_fields.def"
#undef VMCS_FIELD
};
#define VMCS_FIELD_IS_GUEST(encoding) (((encoding) >> 10 & 3) == 2)

struct vmx_caps { // capability MSRs, TRUE ones where the CPU has them
    uint64_t basic, pin, proc, proc2, exit, entry, misc, ept_vpid;
    uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
};

struct vmx_controls {
    uint32_t pin, proc, proc2, exit, entry; // what every vCPU starts with
    uint32_t apic_modes[3];                 // by enum apic_mode: what it adds to proc2
};

// What the boot CPU found; the same on every CPU.
extern struct vmx {
    struct vmx_caps caps;
    struct vmx_controls controls;
    uint64_t cr0_mask, cr4_mask; // bits of CR0 and CR4 that the guest sees in the shadow only
    uint64_t cr0_set, cr4_set;   // bits that are 1 in the real ones whatever the guest wants
    uint64_t cr0_allowed, cr4_allowed;
    uint32_t timer_shift;
    bool timer, vpid, tpr_shadow;
    uint64_t msr_bitmap, msr_bitmap_x2apic; // physical
    struct pt_format ept;
} vmx;

#define REASON_NONE 0xffff // no exit since the last reply

struct vcpu {
    struct vcpu_base base; // its VMCS is the current one of the CPU that carries it (struct cpu's `carried`)
    uint8_t launched;      // VCPU_LAUNCHED of entry.asm
    bool ready;            // the VMCS is filled in
    bool failed;           // the last entry failed
    bool explained;        // one failure is in the log already
    uint8_t apic_mode;     // enum apic_mode
    uint16_t vpid;         // 0 = none
    uint32_t reason;       // of the last exit
    uint32_t proc_ctls;    // as in the VMCS
    uint32_t rule;         // of the failed entry
    uint64_t error;        // the hardware's word for it
    void *vmcs;
    uint64_t cr2, cr8;
};

// Which exceptions exit. A guest must not be able to keep the CPU busy delivering an exception whose delivery raises it
// again: no interrupt, not even the preemption timer, gets in there, since that loop passes no instruction boundary. It
// takes #AC (a misaligned stack) or #DB (a breakpoint on the stack) to do it, so both exit (SDM 3C 26.2 note,
// CVE-2015-5307, CVE-2015-8104). #MC is the host's. The CPU's CR0.NE is always set: without the guest's, x87 errors are
// no exceptions.
static inline uint32_t exceptions_of(uint64_t cr0)
{
    return 1u << EXC_MC | 1u << EXC_DB | 1u << EXC_AC | (cr0 & CR0_NE ? 0 : 1u << EXC_MF);
}

// Its VMCS can be read and written.
static inline bool vmcs_is_current(const struct vcpu *v)
{
    return v->base.cpu->carried == &v->base;
}

static inline uint64_t vmread(enum vmcs_field field)
{
    uint64_t value;
    __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
    return value;
}

static inline void vmwrite(enum vmcs_field field, uint64_t value)
{
    __asm__ volatile("vmwrite %0, %1" : : "rm"(value), "r"((uint64_t)field) : "cc");
}

// enable.c
enum status vmx_enable_cpu(struct cpu *cpu);
// controls.c: pure. NULL, or the sentence that says what the CPU lacks.
const char *controls_compute(const struct vmx_caps *caps, struct vmx_controls *out);
void registers_compute(const struct vmx_caps *caps, struct vmx *out);
// ept.c
void ept_format_init(struct pt_format *format, uint64_t ept_vpid_cap);
uint64_t ept_pointer(const struct pagetable *pt);
void ept_flush(struct pd *pd);
void vpid_flush(uint16_t vpid);
uint16_t vpid_alloc(void);
void vpid_free(uint16_t vpid);
// vmcs.c
enum status vmcs_create(struct ec *ec, void *apic_page, struct vcpu_stats *stats);
void vmcs_release(struct ec *ec);
void vmcs_destroy(struct ec *ec);
void vmcs_switch(struct vcpu *v);
void vmcs_reset_launch(struct vcpu *v);
// msr_bitmap.c: pure
void msr_bitmap_fill(uint8_t *page, bool x2apic, bool apic_registers);
// apic.c
void apic_mode_set(struct vcpu *v, unsigned mode);
void apic_release(struct vcpu *v);
void apic_pd_destroy(struct pd *pd);
// state.c
void state_save(struct ec *ec, struct utcb_state *s, uint32_t mtd);
void state_load(struct ec *ec, struct utcb_state *s, uint32_t mtd);
// exit.c, entry.asm
_Noreturn void vcpu_run(struct ec *ec);
_Noreturn void vmx_enter(struct vcpu *v);
_Noreturn void vmx_exit(struct vcpu *v);          // called by vmx_exit_stub
_Noreturn void vmx_entry_refused(struct vcpu *v); // VMLAUNCH or VMRESUME did not even start
_Noreturn void vmx_exit_ports(struct vcpu *v);    // called by vmx_exit_ports_stub
extern const char vmx_exit_stub[], vmx_exit_ports_stub[];
// entry_check.c: pure. The number (from 1) of the first rule for a VM entry that the VMCS breaks, and its sentence; 0 =
// none found.
struct entry_view {
    uint64_t (*read)(const struct entry_view *view, enum vmcs_field field);
    const struct vmx_caps *caps;
    unsigned phys_bits;
    uint64_t vtpr; // TPR in the virtual-APIC page
};
unsigned entry_check(const struct entry_view *view, const char **sentence);
unsigned entry_rules(void);
