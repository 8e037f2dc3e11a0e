// SPDX-License-Identifier: MIT
// Calls and replies: words, identifiers, nesting, busy servers, dying partners, exceptions as messages.
#include "tests/kernel/ktest.h"

static _Noreturn void echo(uint64_t id, uint64_t words)
{
    union utcb *u = utcb_self();
    for (uint64_t i = 0; i < words; i++)
        u->words[i] += id;
    ipc_return(words);
}

static void words_and_ids(void)
{
    uint64_t ec = handler(0, 0), p1 = portal(ec, echo, 1, 0), p2 = portal(ec, echo, 1000, 0);
    union utcb *u = utcb_self();
    for (unsigned n = 0; n <= UTCB_WORDS; n += n < 8 ? 1 : 63) {
        for (unsigned i = 0; i < n; i++)
            u->words[i] = i;
        struct hc_result r = ipc_call(n & 1 ? p1 : p2, n);
        CHECK_EQ(r.status, ST_OK);
        CHECK_EQ(r.value, n);
        for (unsigned i = 0; i < n; i++)
            CHECK_EQ(u->words[i], i + (n & 1 ? 1 : 1000));
    }
    CHECK_EQ(ipc_call(p1, UTCB_WORDS + 1).status, ST_BAD_PAR);
    CHECK_EQ(ipc_call(ec, 0).status, ST_BAD_CAP);
    CHECK_EQ(ipc_call(sels(1), 0).status, ST_BAD_CAP);
    drop(ec, 1); // portals keep their EC
    CHECK_EQ(ipc_call(p1, 0).status, ST_OK);
    drop(p1, 2);
}

static uint64_t inner_portal;
static _Noreturn void forward(uint64_t id, uint64_t words)
{
    (void)id;
    ipc_return(ipc_call(inner_portal, words).value);
}

static void nested(void)
{
    uint64_t a = handler(0, 0), b = handler(1, 0);
    inner_portal = portal(b, echo, 7, 0);
    uint64_t outer = portal(a, forward, 0, 0);
    utcb_self()->words[0] = 1;
    CHECK_EQ(ipc_call(outer, 1).value, 1);
    CHECK_EQ(utcb_self()->words[0], 8);
    drop(outer, 1);
    drop(inner_portal, 1);
    drop(a, 2);
}

static _Noreturn void call_back(uint64_t id, uint64_t words)
{
    (void)words;
    utcb_self()->words[0] = ipc_call(id, 0).status; // to itself: it can never answer
    ipc_return(1);
}

static void deadlock_is_refused(void)
{
    uint64_t ec = handler(0, 0), p = sels(1);
    CHECK_EQ(create_pt(p, SEL_SELF_PD, ec, (uint64_t)call_back, p, 0).status, ST_OK);
    CHECK_EQ(ipc_call(p, 0).status, ST_OK);
    CHECK_EQ(utcb_self()->words[0], ST_ABORTED);
    drop(p, 1);
    drop(ec, 1);
}

// A low-priority client is in the server when a high-priority one comes: the server finishes the first on the second's
// SC.
static volatile unsigned server_entries, server_done, low_done;
static uint64_t slow_portal, gate;
static _Noreturn void slow_server(uint64_t id, uint64_t words)
{
    (void)id;
    server_entries++;
    if (words == 1)
        sm_up(gate); // wakes the main thread, of higher priority, right here
    server_done++;
    ipc_return(words);
}

static void low_client(void *arg)
{
    (void)arg;
    CHECK_EQ(ipc_call(slow_portal, 1).status, ST_OK);
    low_done++;
}

static void helping(void)
{
    uint64_t ec = handler(0, 0);
    slow_portal = portal(ec, slow_server, 0, 0);
    gate = sels(1);
    create_sm(gate, SEL_SELF_PD, 0);
    server_entries = server_done = low_done = 0;
    uint64_t low = spawn(1, 0, 5, low_client, NULL);
    CHECK_EQ(sm_down(gate, after_ms(1000)), ST_OK);
    CHECK_EQ(server_entries, 1);
    CHECK_EQ(server_done, 0); // the server was interrupted in the middle
    CHECK_EQ(ipc_call(slow_portal, 2).status, ST_OK);
    CHECK_EQ(server_done, 2);
    CHECK_EQ(low_done, 0); // the low client has not run since
    uint64_t pause = sels(1);
    create_sm(pause, SEL_SELF_PD, 0);
    sm_down(pause, after_ms(50));
    CHECK_EQ(low_done, 1);
    drop(low, 2);
    drop(pause, 1);
    drop(gate, 1);
    drop(slow_portal, 1);
    drop(ec, 1);
}

// --- exceptions ------------------------------------------------------------------------------------------------------

static volatile uint64_t fault_address, fault_error;
static _Noreturn void page_fault(uint64_t id, uint64_t mtd)
{
    (void)id;
    struct utcb_state *s = &utcb_self()->state;
    fault_address = s->qual[1];
    fault_error = s->qual[0];
    CHECK(mtd & MTD_RIP);
    s->rip = s->gpr[GPR_RBX]; // the faulting code left its way out there
    ipc_return(MTD_RIP);
}

static volatile bool fault_over;
static void faulting(void *address)
{
    __asm__ volatile("lea 1f(%%rip), %%rbx; mov (%0), %%rax; ud2; 1:" : : "r"(address) : "rax", "rbx", "memory");
    fault_over = true;
}

static void exceptions(void)
{
    uint64_t ec = handler(0, 0), base = sels(EVENT_COUNT), th = sels(2);
    CHECK_EQ(create_pt(base + 14, SEL_SELF_PD, ec, (uint64_t)page_fault, 14, MTD_GPR | MTD_RIP | MTD_QUAL).status,
             ST_OK);
    struct thread *t = slot_thread(1, 0);
    CHECK_EQ(thread_create(th, SEL_SELF_PD, t, base, faulting, (void *)0xffff800000000000), ST_OK);
    CHECK_EQ(create_sc(th + 1, SEL_SELF_PD, th, 110, HIP->tsc_hz / 100).status, ST_OK);
    CHECK(fault_over);
    CHECK_EQ(fault_address, 0xffff800000000000);
    CHECK_EQ(fault_error & ~1ul, 4); // user read
    drop(th, 2);
    drop(base + 14, 1);
    drop(ec, 1);
}

static _Noreturn void stop_it(uint64_t id, uint64_t mtd)
{
    (void)mtd;
    fault_error = id;
    ipc_return(MTD_STOP);
}

static void privileged(void *what)
{
    // clang-format off
    switch ((uint64_t)what) {
    case 0: __asm__ volatile("cli"); break;
    case 1: __asm__ volatile("hlt"); break;
    case 2: __asm__ volatile("mov %%cr3, %%rax" ::: "rax"); break;
    case 3: __asm__ volatile("in $0x80, %%al" ::: "rax"); break;
    case 4: __asm__ volatile("ud2"); break;
    case 5: __asm__ volatile("movaps %xmm0, %xmm1"); break;
    case 6: *(volatile char *)HYPERCALL_PAGE = 0; break;
    case 7: ((void (*)(void))(uint64_t)&fault_over)(); break;
    case 8: __asm__ volatile("mov $0x800000000000, %%rsp; mov %%rsp, %%rcx; mov $13, %%eax; sysenter" ::: "memory"); break;
    case 9: __asm__ volatile("rdmsr" ::: "rax", "rdx"); break;
    case 10: __asm__ volatile("int $0x20"); break;
    case 11: // SYSCALL from 32-bit code would enter where CSTAR says, which the kernel never set, on the user's stack
        __asm__ volatile("ljmpl *2f(%%rip); 1: .code32; syscall; ud2; .code64; .pushsection .rodata; 2: .long 1b; .word 0x1b; .popsection" ::: "rcx", "memory");
        break;
    }
    // clang-format on
    fault_error = 99;
}

static void user_may_not(void)
{
    static const uint8_t expect[] = {13, 13, 13, 13, 6, 7, 14, 14, 13, 13, 13, 13};
    uint64_t ec = handler(0, 0), base = sels(EVENT_COUNT);
    for (unsigned v = 0; v < 32; v++)
        CHECK_EQ(create_pt(base + v, SEL_SELF_PD, ec, (uint64_t)stop_it, v, 0).status, ST_OK);
    for (uint64_t i = 0; i < sizeof expect; i++) {
        if (i == 8 && !(HIP->virt & HIP_VIRT_VMX))
            continue; // SYSENTER is Intel's
        uint64_t th = sels(2);
        fault_error = 0;
        CHECK_EQ(thread_create(th, SEL_SELF_PD, slot_thread(1, 0), base, privileged, (void *)i), ST_OK);
        CHECK_EQ(create_sc(th + 1, SEL_SELF_PD, th, 110, HIP->tsc_hz / 100).status, ST_OK);
        if (fault_error != expect[i])
            say("user_may_not: case %lu", i);
        CHECK_EQ(fault_error, expect[i]);
        drop(th, 2);
    }
    drop(base, 32);
    drop(ec, 1);
}

// A handler that ends its client for good may be running on somebody else's SC: that one must go on.
static _Noreturn void stop_after_gate(uint64_t id, uint64_t mtd)
{
    (void)id, (void)mtd;
    sm_up(gate); // wakes the main thread, of higher priority, which comes to help
    ipc_return(MTD_STOP);
}

static void helper_outlives_the_stopped(void)
{
    uint64_t ec = handler(0, 0), base = sels(EVENT_COUNT), th = sels(2), p = portal(ec, echo, 1, 0);
    gate = sels(1);
    create_sm(gate, SEL_SELF_PD, 0);
    CHECK_EQ(create_pt(base + 6, SEL_SELF_PD, ec, (uint64_t)stop_after_gate, 6, 0).status, ST_OK);
    CHECK_EQ(thread_create(th, SEL_SELF_PD, slot_thread(1, 0), base, privileged, (void *)4), ST_OK);
    CHECK_EQ(create_sc(th + 1, SEL_SELF_PD, th, 5, HIP->tsc_hz / 100).status, ST_OK);
    CHECK_EQ(sm_down(gate, after_ms(1000)), ST_OK);
    utcb_self()->words[0] = 1;
    CHECK_EQ(ipc_call(p, 1).status, ST_OK);
    CHECK_EQ(utcb_self()->words[0], 2);
    drop(th, 2);
    drop(base + 6, 1);
    drop(p, 1);
    drop(gate, 1);
    drop(ec, 1);
}

static void flags_do_not_leak(void)
{
    uint64_t flags;
    // TF, DF, NT and AC set by the user at the moment of the call
    __asm__ volatile("pushfq; orq $0x44400, (%%rsp); popfq; mov $255, %%eax; mov %1, %%r8; call *%%r8; pushfq; pop %0"
                     : "=&r"(flags)
                     : "i"(HYPERCALL_PAGE)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    CHECK_EQ(flags & 0x44500, 0);
}

const struct test tests_ipc[] = {
    {"words and identifiers", words_and_ids},
    {"nested calls", nested},
    {"a call to oneself is refused", deadlock_is_refused},
    {"helping", helping},
    {"page fault as a message", exceptions},
    {"what user mode may not do", user_may_not},
    {"a helper outlives who is stopped", helper_outlives_the_stopped},
    {"flags at kernel entry", flags_do_not_leak},
    {0},
};
