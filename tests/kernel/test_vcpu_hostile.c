// SPDX-License-Identifier: MIT
// A hostile VMM: guest state as it comes, all of it or parts, and a guest of random instructions. Entries fail or end
// in some exit; the kernel answers for neither. `entries=N` on the kernel's command line: how many (a hundred thousand
// take a minute).
#include "tests/kernel/vm.h"
#include "tests/kernel/vm_hostile.h"

#define ENTRIES   3000
#define GUEST_END 0x20000ul // of the random instructions

static uint64_t entries, wanted, seed;
static volatile bool enough;

static uint64_t rng(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void start_flat(struct utcb_state *s, bool long_mode)
{
    start_real(s);
    for (unsigned i = SEG_ES; i <= SEG_GS; i++)
        s->seg[i] = (struct utcb_seg){.sel = 8, .ar = i == SEG_CS ? long_mode ? 0xa9b : 0xc9b : 0xc93, .limit = ~0u};
    s->cr0 = CR0_PE | CR0_NE | CR0_ET;
    s->rip = GUEST_CODE + rng() % 0x1000;
    if (!long_mode)
        return;
    s->cr0 |= CR0_PG;
    s->cr4 = CR4_PAE;
    s->efer = EFER_LME;
    s->cr3 = rng() % GUEST_END & ~(PAGE_SIZE - 1);
}

static void scramble(struct utcb_state *s, unsigned count)
{
    uint64_t *words = (uint64_t *)s;
    for (; count; count--) {
        uint64_t r = rng(), *word = &words[r % (sizeof *s / 8)];
        *word = r >> 60 ? *word ^ 1ul << (r >> 20 & 63) : rng();
    }
}

static uint64_t hostile_answer(unsigned event, struct utcb_state *s)
{
    uint64_t r = rng();
    if (++entries >= wanted || enough)
        return MTD_STOP;
    if (r & 0x300)
        start_flat(s, r & 0x100);
    else
        start_real(s);
    scramble(s, r & 0xc00 ? r >> 16 & 7 : sizeof *s / 8 * 3);
    if (event == EVENT_FAILED || !(r & 7)) // what is injected decides about most of the entries
        s->inj_info = 0;
    if ((r & 0xf000) == 0)
        ctrl_ec(EC_RECALL, vm.ec[0]);
    s->deadline = tsc() + rng() % (HIP->tsc_hz / 20000);
    return (r >> 32 & 3 ? MTD_ALL : rng() & MTD_ALL) | MTD_DEADLINE;
}

void vm_hostile_start(uint64_t count, unsigned prio)
{
    entries = 0;
    enough = false;
    wanted = count;
    seed = 88172645463325252;
    VM_START_PRIO(spin, hostile_answer, prio);
    for (uint64_t at = 0; at < GUEST_END; at += 8)
        *(uint64_t *)(GUEST_VIEW + at) = rng();
}

uint64_t vm_hostile_end(void)
{
    enough = true;
    vm_wait();
    vm_end(1);
    drop(vm.events, EVENT_COUNT);
    drop(vm.done, 1);
    return entries;
}

static void hostile_vmm(void)
{
    if (no_vms())
        return;
    uint64_t used = 0, count = option("entries=", ENTRIES), failed_ones = 0, injected = 0;
    for (unsigned round = 0; round < 3; round++) {
        if (round == 1)
            ktest_mark();
        else if (round == 2)
            ktest_recycle();
        vm_hostile_start(count / 3, 10);
        CHECK_EQ(sm_down(vm.done, 0), ST_OK);
        failed_ones += vm.seen[EVENT_FAILED];
        injected += vm.stats->injections;
        sm_up(vm.done);
        vm_hostile_end();
        used = round == 1 ? kernel_used() : used;
        if (round == 0)
            CHECK(vm.seen[EVENT_FAILED] > 10 && vm.seen[EVENT_FAILED] < entries);
    }
    CHECK_EQ(kernel_used(), used);
    say("ktest: %lu entries of a hostile VMM, %lu refused, %lu events injected", count, failed_ones, injected);
}

const struct test tests_vcpu_hostile[] = {{"a hostile VMM harms its own VM alone", hostile_vmm}, {0}};
