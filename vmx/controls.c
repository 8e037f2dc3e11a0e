// SPDX-License-Identifier: MIT
// Which controls a vCPU runs with, from what the capability MSRs allow (SDM 3D appendix A.3-A.5). Pure, so that it is
// tested with the numbers of many CPUs.
#include "vmx/vmx.h"

struct requirement {
    uint32_t bit;
    const char *refusal;
};

struct control_word {
    uint64_t (*capability)(const struct vmx_caps *caps); // low half: must be 1; high half: may be 1
    uint32_t *(*result)(struct vmx_controls *out);
    const struct requirement *required; // ends with bit 0
    uint32_t optional;                  // taken if there
    struct requirement forbidden;       // the CPU must let it be 0
};

#define CAPABILITY(name)                                                                                               \
    static uint64_t name##_capability(const struct vmx_caps *caps)                                                     \
    {                                                                                                                  \
        return caps->name;                                                                                             \
    }                                                                                                                  \
    static uint32_t *name##_result(struct vmx_controls *out)                                                           \
    {                                                                                                                  \
        return &out->name;                                                                                             \
    }
CAPABILITY(pin)
CAPABILITY(proc)
CAPABILITY(proc2)
CAPABILITY(exit)
CAPABILITY(entry)

#define LACKS(what) "this CPU's VT-x lacks " what

static const struct requirement proc_required[] = {
    {PROC_SECONDARY, LACKS("nested paging (EPT): it has no secondary controls")},
    {PROC_TSC_OFFSETTING, LACKS("TSC offsetting")},
    {PROC_HLT, LACKS("exits on HLT")},
    {PROC_MWAIT, LACKS("exits on MWAIT")},
    {PROC_RDPMC, LACKS("exits on RDPMC")},
    {PROC_UNCONDITIONAL_IO, LACKS("exits on every port access")},
    {PROC_MSR_BITMAPS, LACKS("MSR bitmaps")},
    {PROC_MONITOR, LACKS("exits on MONITOR")},
    {0, NULL},
};
static const struct requirement proc2_required[] = {
    {PROC2_EPT, LACKS("nested paging (EPT)")},
    {PROC2_UNRESTRICTED, LACKS("unrestricted guest (real mode without emulation)")},
    {PROC2_WBINVD, LACKS("exits on WBINVD")},
    {0, NULL},
};
static const struct requirement pin_required[] = {
    {PIN_EXTERNAL_INTERRUPT, LACKS("exits on interrupts")},
    {PIN_NMI, LACKS("exits on NMIs")},
    {PIN_VIRTUAL_NMIS, LACKS("virtual NMIs")},
    {0, NULL},
};
static const struct requirement exit_required[] = {
    {EXIT_SAVE_DEBUG, LACKS("saving of DR7 at exits")},
    {EXIT_HOST_64, LACKS("a 64-bit host")},
    {EXIT_ACK_INTERRUPT, LACKS("acknowledging interrupts at exits")},
    {EXIT_SAVE_PAT, LACKS("saving of IA32_PAT at exits")},
    {EXIT_LOAD_PAT, LACKS("loading of IA32_PAT at exits")},
    {EXIT_SAVE_EFER, LACKS("saving of IA32_EFER at exits")},
    {EXIT_LOAD_EFER, LACKS("loading of IA32_EFER at exits")},
    {0, NULL},
};
static const struct requirement entry_required[] = {
    {ENTRY_LOAD_DEBUG, LACKS("loading of DR7 at entries")},
    {ENTRY_IA32E, LACKS("64-bit guests")},
    {ENTRY_LOAD_PAT, LACKS("loading of IA32_PAT at entries")},
    {ENTRY_LOAD_EFER, LACKS("loading of IA32_EFER at entries")},
    {0, NULL},
};

// In the order in which a person wants to hear of them. CR8 exits only where there is no TPR shadow, see below.
static const struct control_word words[] = {
    {proc_capability,
     proc_result,
     proc_required,
     PROC_TPR_SHADOW,
     {PROC_CR3_LOAD | PROC_CR3_STORE | PROC_INVLPG, LACKS("guests that own CR3 and INVLPG")}},
    {proc2_capability,
     proc2_result,
     proc2_required,
     PROC2_RDTSCP | PROC2_VPID | PROC2_INVPCID | PROC2_XSAVES,
     {PROC2_VIRTUAL_INTERRUPTS, LACKS("a choice about virtual interrupts")}},
    {pin_capability, pin_result, pin_required, PIN_PREEMPTION_TIMER, {0, NULL}},
    {exit_capability, exit_result, exit_required, 0, {0, NULL}},
    {entry_capability,
     entry_result,
     entry_required,
     0,
     {ENTRY_IA32E | ENTRY_SMM | ENTRY_DUAL_MONITOR, LACKS("guests outside 64-bit mode")}},
};

// IA32E is required and switched by state: it must be free, and starts as 0.
#define BY_STATE ENTRY_IA32E

static const char *word_compute(const struct control_word *w, const struct vmx_caps *caps, struct vmx_controls *out)
{
    uint64_t capability = w->capability(caps);
    uint32_t must = (uint32_t)capability, may = capability >> 32, want = must | (w->optional & may);
    for (const struct requirement *r = w->required; r->bit; r++) {
        if (!(may & r->bit))
            return r->refusal;
        want |= r->bit;
    }
    if (must & w->forbidden.bit)
        return w->forbidden.refusal;
    if (w->result == entry_result)
        want &= ~BY_STATE;
    *w->result(out) = want;
    return NULL;
}

// A mode of the local APIC is there when all it rests on is. Without register virtualisation the xAPIC page is plain
// MMIO.
static void apic_modes_compute(const struct vmx_caps *caps, struct vmx_controls *out)
{
    uint32_t may = caps->proc2 >> 32;
    uint32_t xapic = PROC2_APIC_ACCESSES | PROC2_APIC_REGISTERS;
    out->apic_modes[APIC_NONE] = out->apic_modes[APIC_XAPIC] = out->apic_modes[APIC_X2APIC] = 0;
    if (!(out->proc & PROC_TPR_SHADOW))
        return;
    if ((may & xapic) == xapic)
        out->apic_modes[APIC_XAPIC] = xapic;
    if (may & PROC2_X2APIC)
        out->apic_modes[APIC_X2APIC] = PROC2_X2APIC | (may & PROC2_APIC_REGISTERS);
}

const char *controls_compute(const struct vmx_caps *caps, struct vmx_controls *out)
{
    for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
        const char *refusal = word_compute(&words[i], caps, out);
        if (refusal)
            return refusal;
    }
    if (!(out->proc & PROC_TPR_SHADOW)) {
        if (((uint32_t)(caps->proc >> 32) & (PROC_CR8_LOAD | PROC_CR8_STORE)) != (PROC_CR8_LOAD | PROC_CR8_STORE))
            return LACKS("exits on CR8");
        out->proc |= PROC_CR8_LOAD | PROC_CR8_STORE;
    }
    apic_modes_compute(caps, out);
    if (!(caps->ept_vpid & EPT_CAP_WALK_4) || !(caps->ept_vpid & EPT_CAP_WB))
        return LACKS("4-level write-back nested paging");
    if (!(caps->ept_vpid & EPT_CAP_INVEPT) || !(caps->ept_vpid & EPT_CAP_INVEPT_SINGLE))
        return LACKS("INVEPT of one context");
    if (!(caps->ept_vpid & VPID_CAP_INVVPID) || !(caps->ept_vpid & VPID_CAP_INVVPID_SINGLE))
        out->proc2 &= ~PROC2_VPID;
    return NULL;
}

// CR0 and CR4 (SDM 3C 24.8). PE and PG are free with an unrestricted guest. CD and NW would slow others, MCE off would
// turn a machine check into a shutdown; SMX, CET, PKS and user interrupts need state that is not switched: the guest
// sees what it wrote, the CPU does not.
#define CR4_PKS    (1ul << 24)
#define CR4_UINTR  (1ul << 25)
#define CR4_HIDDEN (CR4_SMXE | CR4_CET | CR4_PKS | CR4_UINTR)

void registers_compute(const struct vmx_caps *caps, struct vmx *out)
{
    out->cr0_set = caps->cr0_fixed0 & ~(CR0_PE | CR0_PG);
    out->cr0_allowed = caps->cr0_fixed1 & ~(CR0_CD | CR0_NW);
    out->cr0_mask = out->cr0_set | CR0_CD | CR0_NW;
    out->cr4_set = caps->cr4_fixed0 | (caps->cr4_fixed1 & CR4_MCE);
    out->cr4_allowed = caps->cr4_fixed1 & ~CR4_HIDDEN;
    out->cr4_mask = out->cr4_set | CR4_HIDDEN;
}
