// SPDX-License-Identifier: MIT
// Will VMRUN fail, and why? Its consistency checks (AMD APM 2 15.5.1) in the manual's order; the first that the VMCB
// breaks is named. They are made before VMRUN when the VMM changed what they look at, since a failed one may leave the
// host's state in the VMCB. Pure: it is tested with VMCBs of all kinds.
#include "svm/svm.h"

#define EFER_KNOWN (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME | 0xe000ul) // LMSLE FFXSR TCE

static bool beyond_phys(const struct svm_entry_view *e, uint64_t address)
{
    return address >> e->phys_bits;
}

static bool long_mode(const struct vmcb *c)
{
    return (c->efer & EFER_LME) && (c->cr0 & CR0_PG);
}

#define C e->vmcb
// RULE(name, broken, sentence)
#define RULES(RULE)                                                                                                    \
    RULE(cr0_cache, !(C->cr0 & CR0_CD) && (C->cr0 & CR0_NW), "CR0.NW without CR0.CD")                                  \
    RULE(cr0, C->cr0 >> 32, "CR0 has more than 32 bits")                                                               \
    RULE(cr0_paging, (C->cr0 & CR0_PG) && !(C->cr0 & CR0_PE), "CR0.PG without CR0.PE")                                 \
    RULE(cr3, long_mode(C) && beyond_phys(e, C->cr3), "CR3 is beyond physical memory")                                 \
    RULE(cr4, C->cr4 & ~e->cr4_allowed, "CR4 has a bit that this CPU lacks")                                           \
    RULE(dr6, C->dr6 >> 32, "DR6 has more than 32 bits")                                                               \
    RULE(dr7, C->dr7 >> 32, "DR7 has more than 32 bits")                                                               \
    RULE(efer, C->efer & ~EFER_KNOWN, "EFER has reserved bits")                                                        \
    RULE(long_pae, long_mode(C) && !(C->cr4 & CR4_PAE), "long mode without CR4.PAE")                                   \
    RULE(cs_long, long_mode(C) && (C->cs.attr & 1u << 9) && (C->cs.attr & 1u << 10), "CS.L and CS.D both set")         \
    RULE(pcide, (C->cr4 & CR4_PCIDE) && !long_mode(C), "CR4.PCIDE outside long mode")                                  \
    RULE(event, !svm_event_valid(C->event_inj), "the event injected has a reserved type or vector")                    \
    RULE(pat, (C->np_control & SVM_NP_ENABLE) && !pat_valid(C->pat), "PAT has a bad memory type")

#define RULE_FUNCTION(name, condition, sentence)                                                                       \
    static bool broken_##name(const struct svm_entry_view *e)                                                          \
    {                                                                                                                  \
        (void)e;                                                                                                       \
        return condition;                                                                                              \
    }
RULES(RULE_FUNCTION)

static const struct {
    bool (*broken)(const struct svm_entry_view *e);
    const char *sentence;
} rules[] = {
#define RULE_ENTRY(name, condition, sentence) {broken_##name, sentence},
    RULES(RULE_ENTRY)};

unsigned svm_entry_rules(void)
{
    return sizeof(rules) / sizeof(*rules);
}

unsigned svm_entry_check(const struct svm_entry_view *view, const char **sentence)
{
    for (unsigned i = 0; i < svm_entry_rules(); i++) {
        if (rules[i].broken(view)) {
            *sentence = rules[i].sentence;
            return i + 1;
        }
    }
    return 0;
}
