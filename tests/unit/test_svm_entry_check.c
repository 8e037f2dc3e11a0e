// SPDX-License-Identifier: MIT
// sources: svm/entry_check.c
// Each rule of VMRUN, broken one at a time in a state that is right otherwise.
#include <string.h>
#include "svm/svm.h"
#include "tests/unit/cmocka_all.h"

static struct vmcb vmcb;
static const struct svm_entry_view view = {
    .vmcb = &vmcb, .phys_bits = 40, .cr4_allowed = CR4_PAE | CR4_PGE | CR4_PCIDE};

static void real_mode(void)
{
    memset(&vmcb, 0, sizeof(vmcb));
    vmcb.cr0 = CR0_ET;
    vmcb.efer = EFER_SVME;
    vmcb.np_control = SVM_NP_ENABLE;
    vmcb.pat = 0x0007040600070406;
    vmcb.dr6 = DR6_RESET;
    vmcb.dr7 = DR7_RESET;
}

static void long_mode(void)
{
    real_mode();
    vmcb.cr0 = CR0_PE | CR0_PG | CR0_ET;
    vmcb.cr3 = 0x1000;
    vmcb.cr4 = CR4_PAE;
    vmcb.efer = EFER_SVME | EFER_LME | EFER_LMA | EFER_NXE;
    vmcb.cs.attr = 0x29b;
}

static uint64_t seen;

static void broken(const char *word)
{
    const char *sentence = NULL;
    unsigned rule = svm_entry_check(&view, &sentence);
    assert_in_range(rule, 1, svm_entry_rules());
    assert_non_null(strstr(sentence, word));
    assert_false(seen >> rule & 1); // each its own
    seen |= 1ul << rule;
}

static void good_states(void **state)
{
    const char *sentence;
    (void)state;
    real_mode();
    assert_int_equal(svm_entry_check(&view, &sentence), 0);
    long_mode();
    assert_int_equal(svm_entry_check(&view, &sentence), 0);
    vmcb.cr4 |= CR4_PCIDE;
    assert_int_equal(svm_entry_check(&view, &sentence), 0);
    real_mode();
    vmcb.cr0 |= CR0_CD | CR0_NW; // as after reset
    vmcb.cr3 = ~0ul;             // not looked at outside of long mode
    assert_int_equal(svm_entry_check(&view, &sentence), 0);
}

static void each_rule(void **state)
{
    (void)state;
    seen = 0;
    real_mode();
    vmcb.cr0 |= CR0_NW;
    broken("CR0.NW");
    real_mode();
    vmcb.cr0 |= 1ul << 32;
    broken("CR0 has");
    real_mode();
    vmcb.cr0 |= CR0_PG;
    broken("CR0.PG");
    long_mode();
    vmcb.cr3 = 1ul << 40;
    broken("CR3");
    real_mode();
    vmcb.cr4 = CR4_SMXE;
    broken("CR4");
    real_mode();
    vmcb.dr6 = 1ul << 32;
    broken("DR6");
    real_mode();
    vmcb.dr7 = 1ul << 32;
    broken("DR7");
    real_mode();
    vmcb.efer |= 1 << 1;
    broken("EFER has");
    long_mode();
    vmcb.cr4 = 0;
    broken("long mode without");
    long_mode();
    vmcb.cs.attr = 0x69b;
    broken("CS.L");
    real_mode();
    vmcb.cr4 = CR4_PCIDE;
    broken("PCIDE");
    real_mode();
    vmcb.event_inj = INTR_VALID | 0x100;
    broken("event");
    real_mode();
    vmcb.pat = 2;
    broken("PAT");
    assert_int_equal(__builtin_popcountl(seen), svm_entry_rules());
}

static void events(void **state)
{
    (void)state;
    assert_true(svm_event_valid(0xfff));
    assert_true(svm_event_valid(INTR_VALID | INTR_TYPE_EXTERNAL | 0xff));
    assert_true(svm_event_valid(INTR_VALID | INTR_TYPE_NMI | 2));
    assert_true(svm_event_valid(INTR_VALID | INTR_TYPE_HW_EXCEPTION | EXC_GP));
    assert_true(svm_event_valid(INTR_VALID | INTR_TYPE_SW_INTERRUPT | 0x80));
    assert_false(svm_event_valid(INTR_VALID | INTR_TYPE_HW_EXCEPTION | EXC_NMI));
    assert_false(svm_event_valid(INTR_VALID | INTR_TYPE_HW_EXCEPTION | 32));
    for (unsigned type = 5; type < 8; type++)
        assert_false(svm_event_valid(INTR_VALID | type << 8 | 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_states),
        cmocka_unit_test(each_rule),
        cmocka_unit_test(events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
