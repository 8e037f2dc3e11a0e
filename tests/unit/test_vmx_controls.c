// SPDX-License-Identifier: MIT
// sources: vmx/controls.c
// Which controls follow from which capabilities, and what is said of a CPU that lacks one.
#include <string.h>
#include "vmx/vmx.h"
#include "tests/unit/cmocka_all.h"

#define MAY(bits) ((uint64_t)(bits) << 32)

// A CPU with everything; the low halves are what real ones demand with TRUE controls.
static struct vmx_caps full(void)
{
    return (struct vmx_caps){
        .basic = VMX_BASIC_TRUE_CTLS | 0x2b,
        .pin = MAY(0x7f) | 0x16,
        .proc = MAY(0xfff9fffe) | 0x04006172,
        .proc2 = MAY(0xffffffff),
        .exit = MAY(0x007fffff) | 0x00036dfb,
        .entry = MAY(0x0000ffff) | 0x000011fb,
        .ept_vpid = EPT_CAP_WALK_4 | EPT_CAP_WB | EPT_CAP_2M | EPT_CAP_1G | EPT_CAP_INVEPT | EPT_CAP_INVEPT_SINGLE |
                    EPT_CAP_INVEPT_ALL | VPID_CAP_INVVPID | VPID_CAP_INVVPID_SINGLE | VPID_CAP_INVVPID_ALL,
        .cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG,
        .cr0_fixed1 = 0xffffffff,
        .cr4_fixed0 = CR4_VMXE,
        .cr4_fixed1 = 0x003767ff,
    };
}

static void everything(void **state)
{
    (void)state;
    struct vmx_caps caps = full();
    struct vmx_controls out = {0};
    assert_null(controls_compute(&caps, &out));
    assert_int_equal(out.pin, 0x16 | PIN_EXTERNAL_INTERRUPT | PIN_NMI | PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER);
    assert_int_equal(out.proc & (PROC_CR3_LOAD | PROC_CR3_STORE | PROC_INVLPG | PROC_RDTSC | PROC_MOV_DR | PROC_PAUSE |
                                 PROC_CR8_LOAD),
                     0);
    assert_int_equal(out.proc & PROC_TPR_SHADOW, PROC_TPR_SHADOW);
    assert_int_equal(out.proc2, PROC2_EPT | PROC2_UNRESTRICTED | PROC2_WBINVD | PROC2_RDTSCP | PROC2_VPID |
                                    PROC2_INVPCID | PROC2_XSAVES);
    assert_int_equal(out.entry & ENTRY_IA32E, 0);
    assert_int_equal(out.apic_modes[APIC_NONE], 0);
    assert_int_equal(out.apic_modes[APIC_XAPIC], PROC2_APIC_ACCESSES | PROC2_APIC_REGISTERS);
    assert_int_equal(out.apic_modes[APIC_X2APIC], PROC2_X2APIC | PROC2_APIC_REGISTERS);
}

// Each thing taken away, and what must be said (NULL: it goes on without).
static const struct {
    size_t field;
    uint64_t bit;
    const char *says;
} missing[] = {
    {offsetof(struct vmx_caps, proc), MAY(PROC_SECONDARY), "EPT"},
    {offsetof(struct vmx_caps, proc), MAY(PROC_TSC_OFFSETTING), "TSC offsetting"},
    {offsetof(struct vmx_caps, proc), MAY(PROC_HLT), "HLT"},
    {offsetof(struct vmx_caps, proc), MAY(PROC_MWAIT), "MWAIT"},
    {offsetof(struct vmx_caps, proc), MAY(PROC_RDPMC), "RDPMC"},
    {offsetof(struct vmx_caps, proc), MAY(PROC_UNCONDITIONAL_IO), "port"},
    {offsetof(struct vmx_caps, proc), MAY(PROC_MSR_BITMAPS), "MSR bitmaps"},
    {offsetof(struct vmx_caps, proc), MAY(PROC_MONITOR), "MONITOR"},
    {offsetof(struct vmx_caps, proc), MAY(PROC_TPR_SHADOW), NULL},
    {offsetof(struct vmx_caps, proc2), MAY(PROC2_EPT), "EPT"},
    {offsetof(struct vmx_caps, proc2), MAY(PROC2_UNRESTRICTED), "unrestricted guest"},
    {offsetof(struct vmx_caps, proc2), MAY(PROC2_WBINVD), "WBINVD"},
    {offsetof(struct vmx_caps, proc2), MAY(PROC2_VPID), NULL},
    {offsetof(struct vmx_caps, proc2), MAY(PROC2_RDTSCP), NULL},
    {offsetof(struct vmx_caps, proc2), MAY(PROC2_INVPCID), NULL},
    {offsetof(struct vmx_caps, proc2), MAY(PROC2_XSAVES), NULL},
    {offsetof(struct vmx_caps, proc2), MAY(PROC2_APIC_REGISTERS), NULL},
    {offsetof(struct vmx_caps, proc2), MAY(PROC2_X2APIC), NULL},
    {offsetof(struct vmx_caps, pin), MAY(PIN_EXTERNAL_INTERRUPT), "interrupts"},
    {offsetof(struct vmx_caps, pin), MAY(PIN_NMI), "NMIs"},
    {offsetof(struct vmx_caps, pin), MAY(PIN_VIRTUAL_NMIS), "virtual NMIs"},
    {offsetof(struct vmx_caps, pin), MAY(PIN_PREEMPTION_TIMER), NULL},
    {offsetof(struct vmx_caps, exit), MAY(EXIT_HOST_64), "64-bit host"},
    {offsetof(struct vmx_caps, exit), MAY(EXIT_ACK_INTERRUPT), "acknowledging"},
    {offsetof(struct vmx_caps, exit), MAY(EXIT_SAVE_PAT), "saving of IA32_PAT"},
    {offsetof(struct vmx_caps, exit), MAY(EXIT_LOAD_PAT), "loading of IA32_PAT at exits"},
    {offsetof(struct vmx_caps, exit), MAY(EXIT_SAVE_EFER), "saving of IA32_EFER"},
    {offsetof(struct vmx_caps, exit), MAY(EXIT_LOAD_EFER), "loading of IA32_EFER at exits"},
    {offsetof(struct vmx_caps, entry), MAY(ENTRY_IA32E), "64-bit guests"},
    {offsetof(struct vmx_caps, entry), MAY(ENTRY_LOAD_PAT), "IA32_PAT at entries"},
    {offsetof(struct vmx_caps, entry), MAY(ENTRY_LOAD_EFER), "IA32_EFER at entries"},
    {offsetof(struct vmx_caps, ept_vpid), EPT_CAP_WALK_4, "4-level"},
    {offsetof(struct vmx_caps, ept_vpid), EPT_CAP_WB, "write-back"},
    {offsetof(struct vmx_caps, ept_vpid), EPT_CAP_INVEPT, "INVEPT"},
    {offsetof(struct vmx_caps, ept_vpid), EPT_CAP_INVEPT_SINGLE, "INVEPT"},
    {offsetof(struct vmx_caps, ept_vpid), VPID_CAP_INVVPID, NULL},
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        struct vmx_caps caps = full();
        struct vmx_controls out = {0};
        *(uint64_t *)((char *)&caps + missing[i].field) &= ~missing[i].bit;
        const char *says = controls_compute(&caps, &out);
        if (!missing[i].says)
            assert_null(says);
        else if (!says || !strstr(says, missing[i].says))
            fail_msg("case %zu: %s, not: %s", i, says ? says : "nothing", missing[i].says);
        // What was computed never holds a bit that the CPU does not have.
        assert_int_equal(out.proc & ~(caps.proc >> 32), 0);
        assert_int_equal(out.proc2 & ~(caps.proc2 >> 32), 0);
        assert_int_equal(out.pin & ~(caps.pin >> 32), 0);
    }
}

static void forced(void **state) // old controls: CR3 exits cannot be turned off without the TRUE MSRs
{
    (void)state;
    struct vmx_caps caps = full();
    struct vmx_controls out;
    caps.proc |= PROC_CR3_LOAD;
    assert_non_null(strstr(controls_compute(&caps, &out), "CR3"));
    caps = full();
    caps.entry |= ENTRY_IA32E;
    assert_non_null(strstr(controls_compute(&caps, &out), "outside 64-bit mode"));
}

static void fallbacks(void **state)
{
    (void)state;
    struct vmx_caps caps = full();
    struct vmx_controls out;
    caps.proc &= ~MAY(PROC_TPR_SHADOW);
    assert_null(controls_compute(&caps, &out));
    assert_int_equal(out.proc & (PROC_CR8_LOAD | PROC_CR8_STORE), PROC_CR8_LOAD | PROC_CR8_STORE);
    assert_int_equal(out.apic_modes[APIC_XAPIC] | out.apic_modes[APIC_X2APIC], 0);
    caps = full();
    caps.proc2 &= ~MAY(PROC2_APIC_REGISTERS);
    assert_null(controls_compute(&caps, &out));
    assert_int_equal(out.apic_modes[APIC_XAPIC], 0);
    assert_int_equal(out.apic_modes[APIC_X2APIC], PROC2_X2APIC);
    caps = full();
    caps.ept_vpid &= ~VPID_CAP_INVVPID_SINGLE;
    assert_null(controls_compute(&caps, &out));
    assert_int_equal(out.proc2 & PROC2_VPID, 0);
}

static void registers(void **state)
{
    (void)state;
    struct vmx_caps caps = full();
    struct vmx out = {0};
    registers_compute(&caps, &out);
    assert_int_equal(out.cr0_set, CR0_NE); // PE and PG are the guest's
    assert_int_equal(out.cr0_mask, CR0_NE | CR0_CD | CR0_NW);
    assert_int_equal(out.cr0_allowed & (CR0_CD | CR0_NW), 0);
    assert_int_equal(out.cr4_set, CR4_VMXE | CR4_MCE);
    assert_int_equal(out.cr4_allowed & (CR4_SMXE | CR4_CET), 0);
    assert_int_equal(out.cr4_mask & (CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_OSXSAVE),
                     0); // no exits for what kernels do all the time
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything), cmocka_unit_test(refusals),  cmocka_unit_test(forced),
        cmocka_unit_test(fallbacks),  cmocka_unit_test(registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
