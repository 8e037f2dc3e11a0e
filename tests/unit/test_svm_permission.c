// SPDX-License-Identifier: MIT
// sources: svm/permission.c
// The maps that say which ports and MSRs exit, read as the processor reads them.
#include "svm/svm.h"
#include "tests/unit/cmocka_all.h"
#include "x86/msr.h"

static uint8_t map[PAGE_SIZE << IOPM_ORDER];

static bool msr_exits(uint32_t msr, bool write)
{
    static const uint32_t bases[] = {0, 0xc0000000, 0xc0010000};
    for (unsigned i = 0; i < 3; i++)
        if (msr - bases[i] < 0x2000) {
            uint32_t bit = i * 0x4000 + 2 * (msr - bases[i]) + write;
            return map[bit / 8] >> bit % 8 & 1;
        }
    return true;
}

static void every_port_exits(void **state)
{
    (void)state;
    iopm_fill(map);
    for (unsigned i = 0; i < sizeof(map); i++)
        assert_int_equal(map[i], 0xff);
}

static void msrs(void **state)
{
    static const struct {
        uint32_t msr;
        bool reads, writes; // exit
    } wanted[] = {
        {IA32_TSC, true, true},
        {IA32_LSTAR, false, false},
        {IA32_SYSENTER_EIP, false, false},
        {IA32_EFER, true, true},
        {IA32_PAT, true, true},
        {IA32_APIC_BASE, true, true},
        {IA32_GS_BASE, false, false},
        {IA32_KERNEL_GS_BASE, false, false},
        {IA32_TSC_AUX, false, false},
        {SVM_HSAVE_PA, true, true},
        {SVM_VM_CR, true, true},
        {IA32_X2APIC_BASE, true, true},
        {0x40000000, true, true},
    };
    (void)state;
    msrpm_fill(map, true);
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        assert_int_equal(msr_exits(wanted[i].msr, false), wanted[i].reads);
        assert_int_equal(msr_exits(wanted[i].msr, true), wanted[i].writes);
    }
    unsigned free_reads = 0, free_writes = 0;
    for (uint32_t i = 0; i < 0x6000; i++) {
        uint32_t msr = i < 0x2000 ? i : i < 0x4000 ? 0xc0000000 + i - 0x2000 : 0xc0010000 + i - 0x4000;
        free_reads += !msr_exits(msr, false);
        free_writes += !msr_exits(msr, true);
    }
    assert_int_equal(free_reads, 11);
    assert_int_equal(free_writes, 11);
    msrpm_fill(map, false);
    assert_true(msr_exits(IA32_TSC_AUX, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_port_exits), cmocka_unit_test(msrs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
