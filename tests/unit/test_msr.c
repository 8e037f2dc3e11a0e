// SPDX-License-Identifier: MIT
// sources: vmm-user/msr.c vmm-user/devices/lapic.c vmm-user/devices/lapic_regs.c vmm-user/devices/lapic_timer.c
// sources: vmm-user/devices/apic_bus.c
#include "vmm-user/vm.h"
#include <stdlib.h>
#include <string.h>
#include "tests/unit/cmocka_all.h"
#include "x86/msr.h"
#include "x86/regs.h"

static struct vm *machine;
static struct utcb_state guest;
static uint32_t page[1024] __attribute__((aligned(4096)));
static struct lapic *lapics[1];
static struct apic_bus apic_bus = {.cpus = lapics, .count = 1};

uint64_t exit_mtd(unsigned event)
{
    (void)event;
    return 0; // what is not asked for is not there
}

static uint64_t fake_now(struct clock *clock)
{
    (void)clock;
    return 1000;
}

static void ignore(void *ctx, enum lapic_signal signal, uint8_t value)
{
    (void)ctx, (void)signal, (void)value;
}

static int setup(void **state)
{
    machine = calloc(1, sizeof(*machine));
    struct vcpu *v = &machine->vcpus[0];
    v->vm = machine;
    v->state = &guest;
    memset(&guest, 0, sizeof(guest));
    machine->clock.clock = (struct clock){.tsc_hz = 3000000000, .now = fake_now};
    lapics[0] = &v->lapic;
    lapic_init(&v->lapic, &machine->clock.clock, 0, page, &apic_bus, (struct lapic_host){.signal = ignore});
    v->cpuid.max_phys = 39;
    v->cpuid.extended[1].edx = CPUID_EXT1_EDX_SYSCALL | CPUID_EXT1_EDX_LM | CPUID_EXT1_EDX_NX;
    msr_reset(v);
    *state = v;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(machine);
    return 0;
}

static uint64_t value, reply, widen;

static bool rd(struct vcpu *v, uint32_t msr)
{
    value = widen = 0;
    return msr_read(v, msr, &value, &widen);
}

static bool wr(struct vcpu *v, uint32_t msr, uint64_t to)
{
    reply = widen = 0;
    return msr_write(v, msr, to, &reply, &widen);
}

static void unknown(void **state)
{
    struct vcpu *v = *state;
    assert_false(rd(v, 0xc0011029));
    assert_false(rd(v, 0xc0011029));
    assert_false(wr(v, 0x606, 1));
    assert_int_equal(machine->msr_reads.used, 1);
    assert_int_equal(machine->msr_reads.entries[0].key, 0xc0011029);
    assert_int_equal(machine->msr_reads.entries[0].count, 2);
    assert_int_equal(machine->msr_writes.entries[0].key, 0x606);
    for (uint32_t msr = 0x10000; msr < 0x10000 + 2 * TALLY_KEYS; msr++)
        assert_false(rd(v, msr));
    assert_int_equal(machine->msr_reads.used, TALLY_KEYS);
    assert_int_equal(machine->msr_reads.others, TALLY_KEYS + 1);
}

static void constants(void **state)
{
    struct vcpu *v = *state;
    assert_true(rd(v, IA32_MCG_CAP));
    assert_int_equal(value, 0);
    assert_true(rd(v, IA32_FEATURE_CONTROL));
    assert_int_equal(value, 1);
    assert_false(wr(v, IA32_FEATURE_CONTROL, 5));
    assert_true(wr(v, IA32_BIOS_SIGN_ID, 0));
    assert_true(rd(v, 0xce));
    assert_int_equal(value, 30 << 8);
    assert_false(wr(v, 0xce, 0));
}

// Each plain MSR has a place of its own.
static void stored(void **state)
{
    struct vcpu *v = *state;
    static const uint32_t msrs[] = {0x200, 0x201, 0x20f, 0x250, 0x258, 0x259, 0x268, 0x26f};
    static const uint64_t values[] = {0x1006, 0x7ff800, 0x3800, 0x01, 0x04, 0x05, 0x06, 0x0600};
    for (unsigned i = 0; i < 8; i++)
        assert_true(wr(v, msrs[i], values[i]));
    for (unsigned i = 0; i < 8; i++) {
        assert_true(rd(v, msrs[i]));
        assert_int_equal(value, values[i]);
    }
    assert_true(rd(v, IA32_MTRR_DEF_TYPE));
    assert_int_equal(value, 0xc06);
    assert_false(wr(v, IA32_MTRR_DEF_TYPE, 0x1000));
    assert_false(wr(v, IA32_MISC_ENABLE, ~0ull));
    msr_reset(v);
    assert_true(rd(v, 0x200));
    assert_int_equal(value, 0);
}

static void mtrrs(void **state)
{
    struct vcpu *v = *state;
    static const struct {
        uint32_t msr;
        uint64_t value;
        bool taken;
    } writes[] = {
        {0x200, 0xc0000006, true},
        {0x200, 0xc0000003, false},
        {0x200, 0xc0000106, false},
        {0x200, 1ul << 39, false},
        {0x200, (1ul << 39) - 0x1000, true},
        {0x201, 0x7f80000800, true},
        {0x201, 0x400, false},
        {0x201, 1ul << 39, false},
        {0x250, 0x0605040100060606, true},
        {0x250, 0x0602000000000000, false},
        {0x250, 7, false},
        {IA32_MTRR_DEF_TYPE, 0xc00, true},
        {IA32_MTRR_DEF_TYPE, 0xc02, false},
        {IA32_MTRR_DEF_TYPE, 0xc07, false},
    };
    for (unsigned i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
        assert_int_equal(wr(v, writes[i].msr, writes[i].value), writes[i].taken);
        assert_true(rd(v, writes[i].msr));
        assert_true(!writes[i].taken || value == writes[i].value);
    }
}

static void tsc(void **state)
{
    struct vcpu *v = *state;
    assert_true(wr(v, IA32_TSC_ADJUST, 500));
    assert_int_equal(reply, MTD_TSC);
    assert_int_equal(guest.tsc_offset, 500);
    assert_true(rd(v, IA32_TSC_ADJUST));
    assert_int_equal(value, 500);
    assert_true(wr(v, IA32_TSC, 0));
    assert_true(rd(v, IA32_TSC));
    assert_true(value < 3000000000);
}

// EFER needs state that the portal does not always carry: it is asked for, then the write is done.
static void efer(void **state)
{
    struct vcpu *v = *state;
    assert_false(wr(v, IA32_EFER, EFER_LME));
    assert_int_equal(widen, MTD_EFER | MTD_CR);
    v->wide_mtd = MTD_EFER | MTD_CR;
    assert_true(wr(v, IA32_EFER, EFER_LME | EFER_NXE | EFER_SCE));
    assert_int_equal(reply, MTD_EFER);
    assert_int_equal(guest.efer, EFER_LME | EFER_NXE | EFER_SCE);
    guest.cr0 = CR0_PG;
    guest.efer |= EFER_LMA;
    assert_false(wr(v, IA32_EFER, EFER_NXE)); // LME with paging on
    assert_true(wr(v, IA32_EFER, EFER_LME));  // LMA is not the guest's to clear
    assert_int_equal(guest.efer, EFER_LME | EFER_LMA);
    assert_false(wr(v, IA32_EFER, EFER_LME | EFER_SVME));
}

static void pat(void **state)
{
    struct vcpu *v = *state;
    v->wide_mtd = MTD_EFER;
    assert_true(wr(v, IA32_PAT, 0x0007040600070406));
    assert_false(wr(v, IA32_PAT, 0x0007040600070402));
    assert_false(wr(v, IA32_PAT, 0x0807040600070406));
}

static void apic(void **state)
{
    struct vcpu *v = *state;
    assert_true(rd(v, IA32_APIC_BASE));
    assert_int_equal(value, 0xfee00900);
    assert_false(rd(v, 0x802)); // not in x2APIC mode
    assert_true(wr(v, IA32_APIC_BASE, 0xfee00d00));
    assert_true(rd(v, 0x803));
    assert_true(v->attention & ATTENTION_IRQ);
    assert_false(wr(v, 0x803, 0));
    assert_false(wr(v, IA32_APIC_BASE, 0xfee00d00 | 1ul << 39)); // above the physical address width
    assert_true(wr(v, IA32_APIC_BASE, 0x40fee00d00));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(unknown), TEST(constants), TEST(stored), TEST(mtrrs),
                                       TEST(tsc),     TEST(efer),      TEST(pat),    TEST(apic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
