// SPDX-License-Identifier: MIT
// sources: vmx/entry_check.c
// Each rule of a VM entry, broken one at a time in a state that is right otherwise.
#include <string.h>
#include "vmx/vmx.h"
#include "tests/unit/cmocka_all.h"

static uint64_t vmcs[0x8000]; // by encoding

static uint64_t view_read(const struct entry_view *view, enum vmcs_field field)
{
    (void)view;
    return vmcs[field];
}

static const struct vmx_caps caps = {
    .pin = 0x7full << 32 | 0x16,
    .proc = 0xfff9fffeull << 32 | 0x04006172,
    .proc2 = 0xffffffffull << 32,
    .exit = 0x007fffffull << 32 | 0x00036dfb,
    .entry = 0x0000ffffull << 32 | 0x000011fb,
    .cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG,
    .cr0_fixed1 = 0xffffffff,
    .cr4_fixed0 = CR4_VMXE,
    .cr4_fixed1 = 0x00b767ff,
};
static const struct entry_view view = {.read = view_read, .caps = &caps, .phys_bits = 40, .vtpr = 0x20};

static void segment(unsigned i, uint16_t sel, uint32_t ar, uint32_t limit)
{
    vmcs[GUEST_ES_SEL + 2 * i] = sel;
    vmcs[GUEST_ES_AR + 2 * i] = ar;
    vmcs[GUEST_ES_LIMIT + 2 * i] = limit;
}

// A 64-bit guest on a 64-bit host.
static void long_mode(void)
{
    static const struct {
        enum vmcs_field field;
        uint64_t value;
    } good[] = {
        {PIN_CTLS, 0x7f},
        {PROC_CTLS, 0x04006172 | PROC_TPR_SHADOW | PROC_MSR_BITMAPS | PROC_SECONDARY},
        {PROC_CTLS2, PROC2_EPT | PROC2_UNRESTRICTED | PROC2_VPID | PROC2_APIC_REGISTERS},
        {VPID, 1},
        {EPTP, 0x1001e},
        {EXIT_CTLS, 0x36dfb | EXIT_HOST_64},
        {ENTRY_CTLS, 0x11fb | ENTRY_IA32E},
        {MSR_BITMAP, 0x2000},
        {VIRTUAL_APIC, 0x3000},
        {APIC_ACCESS, 0x4000},
        {HOST_CR0, CR0_PE | CR0_NE | CR0_PG},
        {HOST_CR4, CR4_VMXE | CR4_PAE},
        {HOST_CR3, 0x5000},
        {HOST_CS_SEL, 8},
        {HOST_TR_SEL, 0x38},
        {HOST_PAT, 0x0007040600070406},
        {HOST_EFER, EFER_LMA | EFER_LME},
        {HOST_RIP, 0xffffffff80000000},
        {GUEST_CR0, CR0_PE | CR0_NE | CR0_PG},
        {GUEST_CR4, CR4_VMXE | CR4_PAE},
        {GUEST_EFER, EFER_LMA | EFER_LME},
        {GUEST_PAT, 0x0007040600070406},
        {GUEST_RFLAGS, 2},
        {GUEST_DR7, DR7_RESET},
        {GUEST_LINK, ~0ull},
        {GUEST_RIP, 0xffffffff81000000},
    };
    memset(vmcs, 0, sizeof vmcs);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        vmcs[good[i].field] = good[i].value;
    for (unsigned i = 0; i < 6; i++)
        segment(i, 0x10, 0xc093, 0xffffffff);
    segment(1, 0x08, 0xa09b, 0xffffffff);
    segment(6, 0, SEG_AR_UNUSABLE, 0);
    segment(7, 0x40, 0x8b, 0x67);
}

static void real_mode(void)
{
    long_mode();
    vmcs[ENTRY_CTLS] &= ~(uint64_t)ENTRY_IA32E;
    vmcs[GUEST_CR0] = CR0_NE;
    vmcs[GUEST_CR4] = CR4_VMXE;
    vmcs[GUEST_EFER] = 0;
    vmcs[GUEST_RIP] = 0xfff0;
    for (unsigned i = 0; i < 6; i++)
        segment(i, 0, 0x93, 0xffff);
    segment(6, 0, 0x82, 0xffff);
    segment(7, 0, 0x8b, 0xffff);
}

static const char *broken(void)
{
    const char *sentence;
    return entry_check(&view, &sentence) ? sentence : NULL;
}

static void good_states(void **state)
{
    (void)state;
    long_mode();
    assert_null(broken());
    real_mode();
    assert_null(broken());
    vmcs[GUEST_CS_AR] = 0x9b;
    assert_null(broken());
}

#define SEL(i)       (enum vmcs_field)(GUEST_ES_SEL + 2 * (i))
#define AR(i)        (enum vmcs_field)(GUEST_ES_AR + 2 * (i))
#define BASE(i)      (enum vmcs_field)(GUEST_ES_BASE + 2 * (i))
#define LIMIT(i)     (enum vmcs_field)(GUEST_ES_LIMIT + 2 * (i))
#define NONCANONICAL 0x800000000000
#define EXTERNAL     (INTR_VALID | 0x30)

struct change {
    enum vmcs_field field;
    uint64_t value;
};
static const struct {
    const char *says; // a part of the sentence
    struct change change[3];
} cases[] = {
    {"pin-based", {{PIN_CTLS, 0x7d}}},
    {"pin-based", {{PIN_CTLS, 0x80 | 0x7f}}},
    {"primary", {{PROC_CTLS, 0}}},
    {"VM-exit controls", {{EXIT_CTLS, 0}}},
    {"VM-entry controls", {{ENTRY_CTLS, 0}}},
    {"CR3 targets", {{CR3_TARGET_COUNT, 5}}},
    {"virtual NMIs need", {{PIN_CTLS, 0x36}}},
    {"NMI window", {{PIN_CTLS, 0x1f}, {PROC_CTLS, 0x04006172 | PROC_NMI_WINDOW}}},
    {"MSR bitmap", {{MSR_BITMAP, 0x2001}}},
    {"MSR bitmap", {{MSR_BITMAP, 1ull << 40}}},
    {"virtual-APIC page", {{VIRTUAL_APIC, 8}}},
    {"above 15", {{TPR_THRESHOLD, 16}}},
    {"above the virtual TPR", {{TPR_THRESHOLD, 3}}},
    {"needs a TPR shadow", {{PROC_CTLS, 0x04006172 | PROC_SECONDARY}}},
    {"at once", {{PROC_CTLS2, PROC2_X2APIC | PROC2_APIC_ACCESSES}}},
    {"APIC-access page", {{PROC_CTLS2, PROC2_APIC_ACCESSES}, {APIC_ACCESS, 1}}},
    {"virtual-interrupt", {{PROC_CTLS2, PROC2_VIRTUAL_INTERRUPTS}, {PIN_CTLS, 0x7e & ~1ull}}},
    {"VPID 0", {{VPID, 0}}},
    {"memory type", {{EPTP, 0x10019}}},
    {"4 levels", {{EPTP, 0x10026}}},
    {"EPT pointer has reserved", {{EPTP, 0x1089e}}},
    {"needs EPT", {{PROC_CTLS2, PROC2_UNRESTRICTED}}},
    {"saving the preemption timer", {{PIN_CTLS, 0x3f}, {EXIT_CTLS, 0x36dfb | EXIT_HOST_64 | EXIT_SAVE_TIMER}}},
    {"SMM", {{ENTRY_CTLS, 0x11fb | ENTRY_SMM}}},
    {"reserved type", {{ENTRY_INTR_INFO, INTR_VALID | 0x100}}},
    {"vector injected", {{ENTRY_INTR_INFO, INTR_VALID | INTR_TYPE_NMI | 3}}},
    {"vector injected", {{ENTRY_INTR_INFO, INTR_VALID | INTR_TYPE_HW_EXCEPTION | 32}}},
    {"injection has reserved", {{ENTRY_INTR_INFO, INTR_VALID | 1 << 14 | INTR_TYPE_NMI | 2}}},
    {"that has none", {{ENTRY_INTR_INFO, INTR_VALID | INTR_ERROR_CODE | INTR_TYPE_HW_EXCEPTION | 6}}},
    {"without the error code", {{ENTRY_INTR_INFO, INTR_VALID | INTR_TYPE_HW_EXCEPTION | 13}}},
    {"16 bits",
     {{ENTRY_INTR_INFO, INTR_VALID | INTR_ERROR_CODE | INTR_TYPE_HW_EXCEPTION | 13}, {ENTRY_INTR_ERROR, 0x10000}}},
    {"instruction length", {{ENTRY_INTR_INFO, INTR_VALID | INTR_TYPE_SW_EXCEPTION | 3}}},
    {"host CR0", {{HOST_CR0, CR0_PE | CR0_PG}}},
    {"host CR4", {{HOST_CR4, CR4_PAE}}},
    {"host CR3", {{HOST_CR3, 1ull << 41}}},
    {"host SYSENTER", {{HOST_SYSENTER_ESP, NONCANONICAL}}},
    {"host PAT", {{HOST_PAT, 2}}},
    {"host EFER", {{HOST_EFER, 0}}},
    {"RPL or TI", {{HOST_CS_SEL, 0xb}}},
    {"null", {{HOST_TR_SEL, 0}}},
    {"host base", {{HOST_GDTR_BASE, NONCANONICAL}}},
    {"host RIP", {{HOST_RIP, NONCANONICAL}}},
    {"host is not in 64-bit", {{HOST_CR4, CR4_VMXE}}},
    {"CR0 has", {{GUEST_CR0, CR0_PE | CR0_PG}}},
    {"CR0.PG without CR0.PE", {{GUEST_CR0, CR0_NE | CR0_PG}}},
    {"CR4 has", {{GUEST_CR4, CR4_PAE}}},
    {"CR4.CET", {{GUEST_CR4, CR4_VMXE | CR4_PAE | CR4_CET}}},
    {"DEBUGCTL", {{GUEST_DEBUGCTL, 4}}},
    {"without CR0.PG", {{GUEST_CR0, CR0_NE | CR0_PE}}},
    {"without CR4.PAE", {{GUEST_CR4, CR4_VMXE}}},
    {"CR4.PCIDE", {{ENTRY_CTLS, 0x11fb}, {GUEST_CR4, CR4_VMXE | CR4_PAE | CR4_PCIDE}}},
    {"CR3 is beyond", {{GUEST_CR3, 1ull << 45}}},
    {"DR7", {{GUEST_DR7, 1ull << 32}}},
    {"SYSENTER_ESP", {{GUEST_SYSENTER_EIP, NONCANONICAL}}},
    {"PAT has", {{GUEST_PAT, 3}}},
    {"EFER has reserved", {{GUEST_EFER, EFER_LMA | EFER_LME | 2}}},
    {"entry control says", {{GUEST_EFER, 0}}},
    {"EFER.LME", {{GUEST_EFER, EFER_LMA}}},
    {"TR is in the LDT", {{SEL(7), 4}}},
    {"LDTR is in the LDT", {{AR(6), 0x82}, {SEL(6), 4}}},
    {"TR, FS or GS", {{BASE(4), NONCANONICAL}}},
    {"base of LDTR", {{AR(6), 0x82}, {BASE(6), NONCANONICAL}}},
    {"more than 32 bits", {{BASE(3), 1ull << 32}}},
    {"type of CS", {{AR(1), 0xa091}}},
    {"type of SS", {{AR(2), 0xc091}}},
    {"type of DS", {{AR(3), 0xc092}}},
    {"type of DS", {{AR(0), 0xc099}}},
    {"system segment", {{AR(5), 0xc083}}},
    {"DPL of CS", {{AR(1), 0xa0fb}}},
    {"not present", {{AR(3), 0xc013}}},
    {"access rights", {{AR(3), 0xc193}}},
    {"CS.L and CS.D", {{AR(1), 0xe09b}}},
    {"limit and granularity of a segment", {{LIMIT(3), 0x1000}}},
    {"busy TSS", {{AR(7), 0x83}}},
    {"TR is not a present", {{AR(7), 0x0b}}},
    {"granularity of TR", {{LIMIT(7), 0x100000}}},
    {"not an LDT", {{AR(6), 0x83}}},
    {"LDTR is not a present", {{AR(6), 0x02}}},
    {"granularity of LDTR", {{AR(6), 0x82}, {LIMIT(6), 0x100000}}},
    {"GDTR or IDTR is not canonical", {{GUEST_IDTR_BASE, NONCANONICAL}}},
    {"limit of GDTR", {{GUEST_GDTR_LIMIT, 0x10000}}},
    {"RIP is not canonical", {{GUEST_RIP, NONCANONICAL}}},
    {"RFLAGS has", {{GUEST_RFLAGS, 0}}},
    {"RFLAGS has", {{GUEST_RFLAGS, 1ull << 22 | 2}}},
    {"RFLAGS.IF clear", {{ENTRY_INTR_INFO, EXTERNAL}}},
    {"activity state", {{GUEST_ACTIVITY, 4}}},
    {"inactive and blocking", {{GUEST_ACTIVITY, 1}, {GUEST_INTERRUPTIBILITY, 2}}},
    {"interruptibility", {{GUEST_INTERRUPTIBILITY, 0x20}}},
    {"by STI and by MOV SS", {{GUEST_INTERRUPTIBILITY, 3}, {GUEST_RFLAGS, 0x202}}},
    {"blocking by STI with", {{GUEST_INTERRUPTIBILITY, 1}}},
    {"interrupt injected while", {{GUEST_INTERRUPTIBILITY, 1}, {GUEST_RFLAGS, 0x202}, {ENTRY_INTR_INFO, EXTERNAL}}},
    {"NMI injected while MOV SS", {{GUEST_INTERRUPTIBILITY, 2}, {ENTRY_INTR_INFO, INTR_VALID | INTR_TYPE_NMI | 2}}},
    {"blocking by SMI", {{GUEST_INTERRUPTIBILITY, 4}}},
    {"NMI injected while NMIs", {{GUEST_INTERRUPTIBILITY, 8}, {ENTRY_INTR_INFO, INTR_VALID | INTR_TYPE_NMI | 2}}},
    {"pending debug", {{GUEST_PENDING_DEBUG, 0x10}}},
    {"single step", {{GUEST_INTERRUPTIBILITY, 2}, {GUEST_RFLAGS, 0x102}}},
    {"link pointer", {{GUEST_LINK, 0x1000}}},
};

static void each_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        long_mode();
        for (unsigned j = 0; j < 3; j++)
            if (cases[i].change[j].field)
                vmcs[cases[i].change[j].field] = cases[i].change[j].value;
        if (cases[i].change[0].field == VPID)
            vmcs[VPID] = 0;
        const char *says = broken();
        if (!says || !strstr(says, cases[i].says))
            fail_msg("case %zu: \"%s\", not \"%s\"", i, says ? says : "nothing", cases[i].says);
    }
    assert_true(entry_rules() >= 90);
}

static void outside_long_mode(void **state)
{
    (void)state;
    static const struct {
        const char *says;
        struct change change[3];
    } cases32[] = {
        {"32 bits outside", {{GUEST_RIP, 1ull << 32}}},
        {"DPL of SS", {{AR(2), 0xf3}, {AR(1), 0xfb}}},
        {"RFLAGS.VM", {{GUEST_RFLAGS, RFLAGS_VM | 2}, {AR(1), 0xf3}}},
        {"virtual-8086", {{GUEST_CR0, CR0_PE | CR0_NE}, {GUEST_RFLAGS, RFLAGS_VM | 2}}},
        {"RPLs of SS and CS", {{PROC_CTLS2, PROC2_EPT}, {SEL(1), 3}, {VPID, 1}}},
        {"DPL of DS", {{PROC_CTLS2, PROC2_EPT}, {SEL(3), 3}, {AR(1), 0x9b}}},
        {"halted outside", {{GUEST_CR0, CR0_PE | CR0_NE}, {GUEST_ACTIVITY, 1}, {AR(1), 0xfb}}},
        {"PDPTE", {{GUEST_CR0, CR0_PE | CR0_NE | CR0_PG}, {GUEST_CR4, CR4_VMXE | CR4_PAE}, {GUEST_PDPTE2, 0x1003}}},
    };
    for (size_t i = 0; i < sizeof cases32 / sizeof *cases32; i++) {
        real_mode();
        for (unsigned j = 0; j < 3; j++)
            if (cases32[i].change[j].field)
                vmcs[cases32[i].change[j].field] = cases32[i].change[j].value;
        if (strstr(cases32[i].says, "virtual-8086"))
            for (unsigned s = 0; s < 6; s++)
                segment(s, 0, s == 3 ? 0x93 : 0xf3, 0xffff);
        if (strstr(cases32[i].says, "RFLAGS.VM"))
            for (unsigned s = 0; s < 6; s++)
                segment(s, 0, 0xf3, 0xffff);
        if (strstr(cases32[i].says, "halted"))
            vmcs[AR(2)] = 0xf3;
        const char *says = broken();
        if (!says || !strstr(says, cases32[i].says))
            fail_msg("case %zu: \"%s\", not \"%s\"", i, says ? says : "nothing", cases32[i].says);
    }
}

static void none_found(void **state)
{
    (void)state;
    const char *sentence = NULL;
    long_mode();
    assert_int_equal(entry_check(&view, &sentence), 0);
    assert_non_null(sentence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_states),
        cmocka_unit_test(each_rule),
        cmocka_unit_test(outside_long_mode),
        cmocka_unit_test(none_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
