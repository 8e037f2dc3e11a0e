// SPDX-License-Identifier: MIT
// State that a VMM makes up: the entry fails, and the log says which rule is broken.
#include "lib/c/string.h"
#include "tests/kernel/entry_breaks.h"
#include "tests/kernel/vm.h"

#define LOG_VIEW 0x90000000ul

#define BREAK_INDEX(code, sentence) {sentence},
static const struct {
    const char *sentence;
} vmx_breaks[] = {VMX_BREAKS(BREAK_INDEX)}, svm_breaks[] = {SVM_BREAKS(BREAK_INDEX)};
#define BREAKS (vendor_svm() ? sizeof svm_breaks / sizeof *svm_breaks : sizeof vmx_breaks / sizeof *vmx_breaks)

static unsigned bad_case;

static void break_state(struct utcb_state *s)
{
    unsigned at = 0;
#define BREAK(code, sentence)                                                                                          \
    if (at++ == bad_case) {                                                                                            \
        code;                                                                                                          \
        return;                                                                                                        \
    }
    if (vendor_svm()) {
        SVM_BREAKS(BREAK)
    } else {
        VMX_BREAKS(BREAK)
    }
}

static uint64_t bad_answer(unsigned event, struct utcb_state *s)
{
    if (event != EVENT_STARTUP)
        return MTD_STOP;
    uint64_t mtd = start_real(s);
    break_state(s);
    return mtd;
}

// The end of the kernel's log behind the last "rule N: "
static const char *last_rule(void)
{
    static const struct klog *log;
    static char line[128];
    if (!log) {
        map_self(LOG_VIEW, HIP->log_base, (HIP->log_size + PAGE_SIZE - 1) / PAGE_SIZE, MAP_R);
        log = (const struct klog *)LOG_VIEW;
    }
    uint64_t from = log->head > sizeof line ? log->head - sizeof line : 0, n = 0;
    for (uint64_t i = from; i < log->head - 1; i++) { // without the last line's end
        char c = log->bytes[i % log->size];
        line[n++] = c;
        line[n] = 0;
        if (n > 7 && c == ' ' && line[n - 2] == ':' && line[n - 3] >= '0' && line[n - 3] <= '9')
            n = 0;
    }
    return line;
}

static void bad_state(void)
{
    if (no_vms())
        return;
    unsigned right = 0;
    for (bad_case = 0; bad_case < BREAKS; bad_case++) {
        const char *wanted = vendor_svm() ? svm_breaks[bad_case].sentence : vmx_breaks[bad_case].sentence;
        VM_START(halt, bad_answer);
        vm_wait();
        vm_end(1);
        drop(vm.events, EVENT_COUNT);
        bool named = vm.seen[EVENT_FAILED] == 1 && vm.last.insn_info && !strcmp(last_rule(), wanted);
        if (!named)
            say("ktest: %s: %u failures, rule %u, %s", wanted, vm.seen[EVENT_FAILED], vm.last.insn_info, last_rule());
        CHECK(named);
        right += named;
    }
    say("ktest: %u broken rules named", right);
    CHECK(right >= (vendor_svm() ? 9 : 20));
}

const struct test tests_vcpu_entry[] = {
    {"a failed entry names the rule", bad_state},
    {0},
};
