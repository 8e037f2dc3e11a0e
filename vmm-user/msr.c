// SPDX-License-Identifier: MIT
// The MSRs that exit, as one sorted table: constants, plain state, and those with a meaning. Everything else is #GP for
// the guest, counted and named in `vm stat`. SDM 4.
#include "vmm-user/exit.h"
#include "vmm-user/vm.h"
#include "x86/msr.h"
#include "x86/paging.h"
#include "x86/regs.h"
#include "x86/svm.h"

enum msr_kind {
    MSR_CONST,  // reads `value`; writes are #GP
    MSR_IGNORE, // reads `value`; writes of anything change nothing
    MSR_STORE,  // plain state of the bits in `mask`, first `value`; other bits set in a write are #GP
    MSR_APIC,
    MSR_CALL,
};

struct msr_access {
    struct vcpu *v;
    uint32_t msr;
    uint64_t value;
    uint64_t reply; // of a write: what it changed
    uint64_t widen; // state that is missing
};

struct msr_entry {
    uint32_t first, last;
    enum msr_kind kind;
    uint64_t value, mask;
    bool (*read)(struct msr_access *a);
    bool (*write)(struct msr_access *a); // of MSR_STORE: is the value one that it takes?
};

#define MISC_ENABLE_INIT        (1ul << 0 | 1ul << 11 | 1ul << 12) // fast strings; no BTS, no PEBS
#define MISC_ENABLE_MASK        0x0000000400c51889ul
#define MTRRCAP_VALUE           0x508ul // 8 variable ranges, fixed ranges, WC
#define MICROCODE               0x100000000ul
#define FEATURE_LOCKED          1ul
#define HWCR_TSC_FREQUENCY      (1ul << 24) // the TSC counts at the frequency of P0
#define DE_CFG_LFENCE_SERIALIZE (1ul << 1)
#define ALL                     ~0ul

static bool tsc_read(struct msr_access *a)
{
    a->value = host_tsc() + a->v->vm->clock.offset + a->v->tsc_adjust;
    return true;
}

static bool tsc_moved(struct msr_access *a, uint64_t adjust)
{
    struct vcpu *v = a->v;
    v->tsc_adjust = adjust;
    v->state->tsc_offset = v->vm->clock.offset + adjust;
    lapic_set_tsc_offset(&v->lapic, adjust);
    a->reply |= MTD_TSC;
    return true;
}

static bool tsc_write(struct msr_access *a)
{
    return tsc_moved(a, a->value - (host_tsc() + a->v->vm->clock.offset));
}

static bool adjust_read(struct msr_access *a)
{
    a->value = a->v->tsc_adjust;
    return true;
}

static bool adjust_write(struct msr_access *a)
{
    return tsc_moved(a, a->value);
}

// Needs a group of the state that the portal does not always carry.
static bool state_has(struct msr_access *a, uint64_t mtd)
{
    if (vcpu_has(a->v, mtd)) {
        a->v->widened = VCPU_WIDE_EXITS;
        return true;
    }
    a->widen = mtd;
    return false;
}

static bool efer_read(struct msr_access *a)
{
    if (!state_has(a, MTD_EFER))
        return false;
    a->value = a->v->state->efer;
    return true;
}

static bool efer_write(struct msr_access *a)
{
    const struct cpuid *features = &a->v->cpuid.extended[1];
    uint64_t allowed = EFER_LMA;
    if (!state_has(a, MTD_EFER | MTD_CR))
        return false;
    struct utcb_state *s = a->v->state;
    allowed |= features->edx & CPUID_EXT1_EDX_SYSCALL ? EFER_SCE : 0;
    allowed |= features->edx & CPUID_EXT1_EDX_LM ? EFER_LME : 0;
    allowed |= features->edx & CPUID_EXT1_EDX_NX ? EFER_NXE : 0;
    if (a->value & ~allowed || ((a->value ^ s->efer) & EFER_LME && s->cr0 & CR0_PG))
        return false;
    s->efer = (a->value & ~EFER_LMA) | (s->efer & EFER_LMA); // LMA is the processor's
    a->reply |= MTD_EFER;
    return true;
}

static bool pat_read(struct msr_access *a)
{
    if (!state_has(a, MTD_EFER))
        return false;
    a->value = a->v->state->pat;
    return true;
}

static bool pat_write(struct msr_access *a)
{
    if (!state_has(a, MTD_EFER))
        return false;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t type = a->value >> (8 * i) & 0xff;
        if (type > PAT_UC_MINUS || type == 2 || type == 3)
            return false;
    }
    a->v->state->pat = a->value;
    a->reply |= MTD_EFER;
    return true;
}

// ---- MTRRs (SDM 3A 12.11.2): what they say has no effect here, but they take only what they should

static bool is_memory_type(uint8_t type)
{
    return type < 8 && 1u << type & (1u << PAT_UC | 1u << PAT_WC | 1u << PAT_WT | 1u << PAT_WP | 1u << PAT_WB);
}

static bool mtrr_variable(struct msr_access *a)
{
    bool mask = a->msr & 1;
    uint64_t reserved = ~0ul << a->v->cpuid.max_phys | (mask ? 0x7ff : 0xf00);
    return !(a->value & reserved) && (mask || is_memory_type((uint8_t)a->value));
}

static bool mtrr_fixed(struct msr_access *a)
{
    for (unsigned i = 0; i < 8; i++)
        if (!is_memory_type((uint8_t)(a->value >> 8 * i)))
            return false;
    return true;
}

static bool mtrr_default(struct msr_access *a)
{
    return is_memory_type((uint8_t)a->value);
}

static bool platform_read(struct msr_access *a)
{
    a->value = a->v->vm->clock.clock.tsc_hz / 100000000 << 8; // base ratio of 100 MHz
    return true;
}

static bool read_only(struct msr_access *a)
{
    (void)a;
    return false;
}

// clang-format off
#define CONST(first, value)          {first, first, MSR_CONST, value, 0, 0, 0}
#define IGNORE(first, last, value)   {first, last, MSR_IGNORE, value, 0, 0, 0}
#define STORE(first, last, init, m)  {first, last, MSR_STORE, init, m, 0, 0}
#define MTRR(first, last, init, m, f) {first, last, MSR_STORE, init, m, 0, mtrr_##f}
#define CALL(first, read, write)     {first, first, MSR_CALL, 0, 0, read, write}
#define APIC(first, last)            {first, last, MSR_APIC, 0, 0, 0, 0}
// clang-format on

// Sorted by number.
static const struct msr_entry msrs[] = {
    CALL(IA32_TSC, tsc_read, tsc_write),
    CONST(0x17, 0), // IA32_PLATFORM_ID
    APIC(IA32_APIC_BASE, IA32_APIC_BASE),
    IGNORE(0x2a, 0x2a, 0), // EBL_CR_POWERON
    CONST(IA32_FEATURE_CONTROL, FEATURE_LOCKED),
    CALL(IA32_TSC_ADJUST, adjust_read, adjust_write),
    IGNORE(0x79, 0x79, 0), // IA32_BIOS_UPDT_TRIG
    IGNORE(IA32_BIOS_SIGN_ID, IA32_BIOS_SIGN_ID, MICROCODE),
    CALL(0xce, platform_read, read_only), // MSR_PLATFORM_INFO
    CONST(IA32_MTRRCAP, MTRRCAP_VALUE),
    STORE(0x140, 0x140, 0, 0), // MISC_FEATURE_ENABLES: nothing to enable
    CONST(IA32_MCG_CAP, 0),
    STORE(IA32_MCG_STATUS, IA32_MCG_STATUS, 0, 0),
    STORE(IA32_MISC_ENABLE, IA32_MISC_ENABLE, MISC_ENABLE_INIT, MISC_ENABLE_MASK),
    IGNORE(IA32_DEBUGCTL, IA32_DEBUGCTL, 0),
    MTRR(0x200, 0x20f, 0, ALL, variable),
    MTRR(0x250, 0x250, 0x0606060606060606ul, ALL, fixed),
    MTRR(0x258, 0x259, 0x0606060606060606ul, ALL, fixed),
    MTRR(0x268, 0x26f, 0x0606060606060606ul, ALL, fixed),
    CALL(IA32_PAT, pat_read, pat_write),
    MTRR(IA32_MTRR_DEF_TYPE, IA32_MTRR_DEF_TYPE, 0xc06, 0xcff, default),
    APIC(IA32_TSC_DEADLINE, IA32_TSC_DEADLINE),
    APIC(IA32_X2APIC_BASE, IA32_X2APIC_BASE + 0xff),
    CALL(IA32_EFER, efer_read, efer_write),
};
#define MSR_ENTRIES (sizeof(msrs) / sizeof(msrs[0]))

// Of AMD's CPUs alone (APM 2 appendix A); no plain state among them.
static const struct msr_entry amd_msrs[] = {
    IGNORE(0xc0010000, 0xc0010007, 0),                  // performance counters of every AMD CPU: none counts
    IGNORE(0xc0010010, 0xc0010010, 0),                  // SYSCFG
    IGNORE(0xc0010015, 0xc0010015, HWCR_TSC_FREQUENCY), // HWCR
    IGNORE(0xc001001f, 0xc001001f, 0),                  // NB_CFG
    IGNORE(0xc0010055, 0xc0010055, 0),                  // interrupt pending message
    IGNORE(0xc0010058, 0xc0010058, 0),                  // MMIO configuration base
    CONST(SVM_VM_CR, SVM_VM_CR_LOCK | SVM_VM_CR_SVMDIS),
    IGNORE(0xc0011029, 0xc0011029, DE_CFG_LFENCE_SERIALIZE), // DE_CFG
};

static const struct msr_entry *table_find(const struct msr_entry *table, unsigned entries, uint32_t msr)
{
    unsigned low = 0, high = entries;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (msr > table[middle].last)
            low = middle + 1;
        else if (msr < table[middle].first)
            high = middle;
        else
            return &table[middle];
    }
    return NULL;
}

static const struct msr_entry *msr_find(const struct vcpu *v, uint32_t msr)
{
    const struct msr_entry *e = table_find(msrs, MSR_ENTRIES, msr);
    if (!e && v->cpuid.basic[0].ebx == CPUID_VENDOR_AMD_EBX)
        e = table_find(amd_msrs, sizeof(amd_msrs) / sizeof(*amd_msrs), msr);
    return e;
}

// Where a plain MSR is kept: entries of that kind lie one after the other.
static uint64_t *store_of(struct vcpu *v, const struct msr_entry *entry, uint32_t msr)
{
    unsigned at = 0;
    for (const struct msr_entry *e = msrs; e < entry; e++)
        if (e->kind == MSR_STORE)
            at += e->last - e->first + 1;
    at += msr - entry->first;
    return at < VCPU_STORED_MSRS ? &v->msr[at] : NULL;
}

void msr_reset(struct vcpu *v)
{
    for (const struct msr_entry *e = msrs; e < msrs + MSR_ENTRIES; e++)
        for (uint32_t msr = e->first; e->kind == MSR_STORE && msr <= e->last; msr++) {
            uint64_t *store = store_of(v, e, msr);
            if (store)
                *store = e->value;
        }
    v->tsc_adjust = 0;
}

bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value, uint64_t *widen)
{
    const struct msr_entry *e = msr_find(v, msr);
    struct msr_access a = {.v = v, .msr = msr};
    bool ok = false;
    uint64_t *store;
    if (!e) {
        tally_count(&v->vm->msr_reads, msr);
        return false;
    }
    switch (e->kind) {
    case MSR_CONST:
    case MSR_IGNORE:
        *value = e->value;
        return true;
    case MSR_STORE:
        store = store_of(v, e, msr);
        *value = store ? *store : 0;
        return true;
    case MSR_APIC:
        return lapic_msr_read(&v->lapic, msr, value);
    case MSR_CALL:
        ok = e->read(&a);
        *value = a.value;
        *widen = a.widen;
    }
    return ok;
}

bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value, uint64_t *reply, uint64_t *widen)
{
    const struct msr_entry *e = msr_find(v, msr);
    struct msr_access a = {.v = v, .msr = msr, .value = value};
    bool ok = false;
    uint64_t *store;
    if (!e) {
        tally_count(&v->vm->msr_writes, msr);
        return false;
    }
    switch (e->kind) {
    case MSR_CONST:
        return false;
    case MSR_IGNORE:
        return true;
    case MSR_STORE:
        store = store_of(v, e, msr);
        if (value & ~e->mask || !store || (e->write && !e->write(&a)))
            return false;
        *store = value;
        return true;
    case MSR_APIC:
        if (msr == IA32_APIC_BASE && value >> v->cpuid.max_phys)
            return false;
        vcpu_attend(v, msr == IA32_TSC_DEADLINE ? 0 : ATTENTION_IRQ);
        return lapic_msr_write(&v->lapic, msr, value);
    case MSR_CALL:
        ok = e->write(&a);
        *reply |= a.reply;
        *widen = a.widen;
    }
    return ok;
}
