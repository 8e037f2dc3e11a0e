// SPDX-License-Identifier: MIT
// vCPUs: what a handler sees of tiny guests, what its answers do, and that bad answers end nothing but their own VM.
#include "lib/c/string.h"
#include "pc/lapic.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/entry_breaks.h"
#include "tests/kernel/vector.h"
#include "tests/kernel/vendor.h"
#include "x86/regs.h"
#include "x86/vmx.h"

// Guest code, 16 bits unless it says otherwise; position independent. Each ends at NAME_end.
#define GUEST(name, code)                                                                                              \
    extern const char guest_##name[], guest_##name##_end[];                                                            \
    __asm__(".pushsection .rodata\n.code16\nguest_" #name ":\n" code "\nguest_" #name "_end:\n.code64\n.popsection")

GUEST(plain, "mov $0x1234, %ebx\n mov $7, %eax\n mov $9, %ecx\n cpuid\n out %al, $0x80\n in $0x81, %al\n hlt");
GUEST(many, "mov $1000, %edi\n 1: cpuid\n dec %edi\n jnz 1b\n hlt");
GUEST(ports, "mov $1000, %edi\n 1: out %al, $0x80\n dec %edi\n jnz 1b\n hlt");
GUEST(spin, "1: inc %eax\n jmp 1b");
GUEST(windows, "cli\n out %al, $0x80\n sti\n nop\n nop\n 1: inc %edx\n jmp 1b");
GUEST(memory,
      "mov $0x3000, %ax\n mov %ax, %ds\n movb $0x5a, 0x10\n mov $0xf000, %ax\n mov %ax, %ds\n mov 0x1230, %al\n hlt");
GUEST(triple, "lidt %cs:2f-guest_triple\n int3\n 2: .word 0, 0, 0");
GUEST(msrs, "mov $0xc0000082, %ecx\n mov $0x11223344, %eax\n mov $0x7f, %edx\n wrmsr\n out %al, $0x80\n rdmsr\n hlt");
GUEST(badmsr, "mov $0xc0011029, %ecx\n rdmsr\n hlt");
GUEST(vectors, "movd %eax, %xmm3\n 1: out %al, $0x80\n movd %xmm3, %eax\n jmp 1b");
GUEST(halt, "hlt");
// DS is at the local APIC: identity, TPR, EOI, current count
GUEST(xapic, "mov 0x20, %ebx\n movl $0x35, 0x80\n mov 0x80, %edx\n movl $0, 0xb0\n mov 0x390, %eax\n hlt");
GUEST(x2apic,
      "mov $0x802, %ecx\n rdmsr\n mov %eax, %ebx\n mov $0x808, %ecx\n mov $0x45, %eax\n xor %edx, %edx\n wrmsr\n"
      "mov $0x80b, %ecx\n xor %eax, %eax\n wrmsr\n hlt");
GUEST(reads, "mov $0x3000, %ax\n mov %ax, %ds\n 1: mov 0, %bx\n inc %ecx\n jmp 1b");

#define GUEST_CS    0x0100 // code at 1000h
#define GUEST_CODE  (GUEST_CS * 16ul)
#define GUEST_RAM   LARGE_SIZE
#define VCPU_PAGES  0x53000000ul
#define GUEST_VIEW  0x80000000ul
#define LOG_VIEW    0x90000000ul
#define PATIENCE_MS 20000 // ms, longest wait for a guest: only a hang takes that long

struct vm {
    uint64_t phys, view; // guest RAM: 2 MiB at guest-physical 0, and where we see it
    uint64_t events;     // selectors: EVENT_COUNT portals
    uint64_t ec[2], sc[2];
    uint64_t done; // semaphore
    const struct vcpu_stats *stats;
    uint64_t (*answer)(unsigned event, struct utcb_state *s);
    unsigned seen[EVENT_COUNT];
    struct utcb_state last;
};
static struct vm vm;

static _Noreturn void on_exit(uint64_t number, uint64_t mtd)
{
    struct utcb_state *s = &utcb_self()->state;
    unsigned event = vendor_exit(number, s);
    (void)mtd;
    vm.seen[event]++;
    uint64_t reply = vm.answer(event, s);
    if (reply & MTD_STOP) {
        vm.last = *s;
        sm_up(vm.done);
    }
    ipc_return(reply);
}

static struct utcb_seg real_seg(uint16_t sel, uint16_t ar)
{
    return (struct utcb_seg){.sel = sel, .ar = ar, .limit = 0xffff, .base = sel * 16ul};
}

// As a real-mode program finds it.
static uint64_t start_real(struct utcb_state *s)
{
    memset(s, 0, sizeof *s);
    for (unsigned i = SEG_ES; i <= SEG_GS; i++)
        s->seg[i] = real_seg(0, 0x93);
    s->seg[SEG_CS] = real_seg(GUEST_CS, 0x9b);
    s->seg[SEG_TR] = real_seg(0, 0x8b);
    s->seg[SEG_LDTR] = real_seg(0, 0x82);
    s->seg[SEG_GDTR].limit = s->seg[SEG_IDTR].limit = 0xffff;
    s->gpr[GPR_RSP] = 0x8000;
    s->rflags = 2;
    s->cr0 = CR0_ET;
    s->dr6 = DR6_RESET;
    s->dr7 = DR7_RESET;
    s->pat = 0x0007040600070406;
    s->xcr0 = 1;
    return MTD_ALL;
}

static unsigned vm_cpu; // where the next VM's vCPUs run

// Portals for all events, bound to the handler of vCPU i.
static void portals_make(unsigned i, uint64_t events)
{
    static uint64_t handlers[2][2];
    uint64_t *ec = &handlers[vm_cpu][i];
    if (!*ec)
        *ec = handler(40 + 2 * vm_cpu + i, vm_cpu);
    for (unsigned e = 0; e < EVENT_COUNT; e++)
        CHECK_EQ(create_pt(events + e, SEL_SELF_PD, *ec, (uint64_t)on_exit, e, MTD_ALL).status, ST_OK);
}

static bool no_vms(void)
{
    if (!HIP->virt)
        skip("no hardware virtualisation");
    return !HIP->virt;
}

// `count` vCPUs that start with `code` in real mode, at `prio`; they run once we wait.
static void vm_start(const char *code, const char *end, uint64_t (*answer)(unsigned, struct utcb_state *),
                     unsigned count, unsigned prio)
{
    static uint64_t phys;
    if (!phys) {
        phys = phys_take(GUEST_RAM / PAGE_SIZE, GUEST_RAM);
        map_self(GUEST_VIEW, phys, GUEST_RAM / PAGE_SIZE, MAP_R | MAP_W);
    }
    vm = (struct vm){.phys = phys, .view = GUEST_VIEW, .answer = answer, .done = sels(1)};
    memset((void *)GUEST_VIEW, 0, 0x100000);
    memcpy((void *)(GUEST_VIEW + GUEST_CODE), code, end - code);
    CHECK_EQ(create_sm(vm.done, SEL_SELF_PD, 0).status, ST_OK);
    CHECK_EQ(
        ctrl_pd(PD_MAP_GST, SEL_SELF_PD, 0, SEL_HW, phys, pd_arg(GUEST_RAM / PAGE_SIZE, MAP_R | MAP_W | MAP_X)).status,
        ST_OK);
    for (unsigned i = 0; i < count; i++) {
        uint64_t events = sels(EVENT_COUNT), pages = VCPU_PAGES + i * 2 * PAGE_SIZE;
        vm.ec[i] = sels(1);
        vm.sc[i] = sels(1);
        vm.events = i ? vm.events : events;
        portals_make(i, events);
        CHECK_EQ(create_ec(vm.ec[i], SEL_SELF_PD, EC_VCPU | vm_cpu << 8, pages, 0, events).status, ST_OK);
        CHECK_EQ(create_sc(vm.sc[i], SEL_SELF_PD, vm.ec[i], prio, HIP->tsc_hz / 1000).status, ST_OK);
    }
    vm.stats = (const struct vcpu_stats *)(VCPU_PAGES + PAGE_SIZE);
}
#define VM_START(name, answer) vm_start(guest_##name, guest_##name##_end, answer, 1, 10)

static void vm_end(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        drop(vm.sc[i], 1);
        drop(vm.ec[i], 1);
    }
    uint64_t done = 0;
    struct hc_result r;
    do {
        r = ctrl_pd(PD_UNMAP_GST, SEL_SELF_PD, done * PAGE_SIZE, 0, 0, pd_arg(GUEST_RAM / PAGE_SIZE - done, 0));
        done += r.value;
    } while (r.status == ST_AGAIN);
    CHECK_EQ(r.status, ST_OK);
}

static bool vm_wait(void)
{
    enum status st = sm_down(vm.done, after_ms(PATIENCE_MS));
    CHECK_EQ(st, ST_OK);
    for (unsigned e = 0; st != ST_OK && e < EVENT_COUNT; e++)
        if (vm.seen[e] || vm.stats->exits[e])
            say("ktest: event %u: %u seen, %lu counted", e, vm.seen[e], vm.stats->exits[e]);
    return st == ST_OK;
}

static uint64_t skip_insn(struct utcb_state *s)
{
    s->rip += s->insn_len;
    return MTD_RIP;
}

// ---- exits and answers
static uint64_t plain_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        CHECK_EQ(s->rflags, 2);
        return start_real(s);
    case VMX_EXIT_CPUID:
        CHECK_EQ(s->gpr[GPR_RAX], 7);
        CHECK_EQ(s->gpr[GPR_RCX], 9);
        CHECK_EQ(s->gpr[GPR_RBX], 0x1234);
        CHECK_EQ(s->insn_len, 2);
        CHECK_EQ(s->cr0, CR0_ET);
        CHECK_EQ(s->seg[SEG_CS].sel, GUEST_CS);
        CHECK_EQ(s->seg[SEG_CS].ar & ~8, 0x93); // Bochs makes it a data segment in real mode
        CHECK_EQ(s->gpr[GPR_RSP], 0x8000);
        s->gpr[GPR_RAX] = 0x77;
        return skip_insn(s) | MTD_ACDB;
    case VMX_EXIT_IO:
        if (s->qual[0] & IO_QUAL_IN) {
            CHECK_EQ(s->qual[0] >> 16, 0x81);
            s->gpr[GPR_RAX] = 0x99;
            return skip_insn(s) | MTD_ACDB;
        }
        CHECK_EQ(s->qual[0] >> 16, 0x80);
        CHECK_EQ(s->gpr[GPR_RAX], 0x77);
        return skip_insn(s);
    case VMX_EXIT_HLT:
        CHECK_EQ(s->gpr[GPR_RAX], 0x99);
        return MTD_STOP;
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void exits(void)
{
    if (no_vms())
        return;
    VM_START(plain, plain_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_CPUID], 1);
    CHECK_EQ(vm.seen[VMX_EXIT_IO], 2);
    CHECK_EQ(vm.stats->exits[vendor_event(VMX_EXIT_CPUID)], 1);
    CHECK_EQ(vm.stats->exits[vendor_event(VMX_EXIT_IO)], 2);
    CHECK_EQ(vm.stats->exits[vendor_event(VMX_EXIT_HLT)], 1);
    CHECK(vm.stats->guest && vm.stats->kernel && vm.stats->vmm);
    vm_end(1);
}

static void no_virtualisation(void)
{
    if (HIP->virt) {
        skip("this machine has it");
        return;
    }
    CHECK(HIP->virt_refusal);
    uint64_t s = sels(1);
    CHECK_EQ(create_ec(s, SEL_SELF_PD, EC_VCPU, VCPU_PAGES, 0, 0).status, ST_BAD_FTR);
}

// ---- many exits, with the MTD a VMM would use: what one costs
static uint64_t many_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    if (event == VMX_EXIT_CPUID || event == VMX_EXIT_IO)
        return skip_insn(s) | MTD_ACDB;
    CHECK_EQ(event, VMX_EXIT_HLT);
    return MTD_STOP;
}

static void cost_of(const char *what, const char *code, const char *end, unsigned event, uint64_t mtd)
{
    vm_start(code, end, many_answer, 1, 10);
    // The first portal of the VM's events is that of event 0: find ours by the order in which vm_start took selectors.
    uint64_t events = vm.done + 1;
    CHECK_EQ(ctrl_pt(PT_SET_MTD, events + vendor_event(event), mtd).status, ST_OK);
    vm_wait();
    const struct vcpu_stats *t = vm.stats;
    CHECK_EQ(t->exits[vendor_event(event)], 1000);
    say("ktest: %s exit: %lu kernel, %lu handler ticks", what, t->kernel / 1000, t->vmm / 1000);
    vm_end(1);
}

static void costs(void)
{
    if (no_vms())
        return;
    cost_of("CPUID", guest_many, guest_many_end, VMX_EXIT_CPUID, MTD_ACDB | MTD_RIP | MTD_RFLAGS | MTD_STATE);
    cost_of("CPUID with all that decoding needs", guest_many, guest_many_end, VMX_EXIT_CPUID,
            MTD_GPR | MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_QUAL | MTD_INJ | MTD_CR | MTD_EFER | MTD_CSSS | MTD_ESDS |
                MTD_FSGS);
    cost_of("port", guest_ports, guest_ports_end, VMX_EXIT_IO, MTD_ACDB | MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_QUAL);
}

// ---- a guest that never gives way: deadline, recall, time slice
static volatile unsigned ticks_left;

static uint64_t deadline_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP) {
        uint64_t mtd = start_real(s);
        s->deadline = tsc() + HIP->tsc_hz / 2000;
        return mtd;
    }
    CHECK_EQ(event, EVENT_TIMER);
    CHECK_EQ(s->deadline, 0);
    if (--ticks_left == 0)
        return MTD_STOP;
    s->deadline = tsc() + HIP->tsc_hz / 2000;
    return MTD_DEADLINE;
}

static void deadline(void)
{
    if (no_vms())
        return;
    ticks_left = 10;
    uint64_t start = tsc();
    VM_START(spin, deadline_answer); // IF is clear all the time
    vm_wait();
    uint64_t took = tsc() - start;
    CHECK_EQ(vm.seen[EVENT_TIMER], 10);
    CHECK(took >= HIP->tsc_hz / 2000 * 10 && took < HIP->tsc_hz / 5); // QEMU without -icount counts the host's time
    CHECK(vm.last.gpr[GPR_RAX] > 1000);
    vm_end(1);
}

static uint64_t recall_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    CHECK_EQ(event, EVENT_RECALL);
    return MTD_STOP;
}

static void recall(void)
{
    if (no_vms())
        return;
    VM_START(spin, recall_answer);
    CHECK_EQ(sm_down(vm.done, after_ms(20)), ST_TIMEOUT); // our own deadline gets us the CPU back
    CHECK(vm.stats->preemptions);
    CHECK_EQ(ctrl_ec(EC_RECALL, vm.ec[0]).status, ST_OK);
    vm_wait();
    CHECK_EQ(vm.seen[EVENT_RECALL], 1);
    vm_end(1);
}

static uint64_t only_start(unsigned event, struct utcb_state *s)
{
    CHECK_EQ(event, EVENT_STARTUP);
    return start_real(s);
}

static void slices(void) // two guests that spin share the CPU, and end while they run
{
    if (no_vms())
        return;
    vm_start(guest_spin, guest_spin_end, only_start, 2, 10);
    uint64_t a = 0, b = 0;
    for (unsigned tries = 0; tries < 200 && !(a && b); tries++) { // an emulator's CPU may itself be waiting
        CHECK_EQ(sm_down(vm.done, after_ms(40)), ST_TIMEOUT);
        a = ctrl_sc(SC_TIME, vm.sc[0]).value;
        b = ctrl_sc(SC_TIME, vm.sc[1]).value;
    }
    CHECK(a && b);
    if (!tsc_is_the_hosts())
        CHECK(a > HIP->tsc_hz / 100 && b > HIP->tsc_hz / 100 && a < 3 * b && b < 3 * a);
    vm_end(2);
}

// ---- events into the guest
static uint64_t window_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        // vector 20h: 0100:0080, where the guest halts
        *(uint32_t *)(GUEST_VIEW + 0x20 * 4) = GUEST_CS << 16 | 0x80;
        *(uint8_t *)(GUEST_VIEW + GUEST_CODE + 0x80) = 0xf4;
        return start_real(s);
    case VMX_EXIT_IO:
        CHECK_EQ(s->rflags & RFLAGS_IF, 0);
        s->inj_info = INJ_INTR_WINDOW;
        return skip_insn(s) | MTD_INJ;
    case VMX_EXIT_INTERRUPT_WINDOW:
        CHECK(s->rflags & RFLAGS_IF);
        CHECK_EQ(s->intr_state & 3, 0); // STI shadow is over
        s->inj_info = INTR_VALID | INTR_TYPE_EXTERNAL | 0x20;
        return MTD_INJ;
    case VMX_EXIT_HLT:
        CHECK_EQ(s->rip, 0x80);
        CHECK_EQ(s->rflags & RFLAGS_IF, 0);
        return MTD_STOP;
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void injection(void)
{
    if (no_vms())
        return;
    VM_START(windows, window_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_INTERRUPT_WINDOW], 1);
    CHECK_EQ(vm.stats->injections, 1);
    vm_end(1);
}

// An injection that a recall comes before is reported as not delivered.
static uint64_t undelivered_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP) {
        uint64_t mtd = start_real(s);
        s->inj_info = INTR_VALID | INTR_TYPE_HW_EXCEPTION | 6;
        ctrl_ec(EC_RECALL, vm.ec[0]);
        return mtd;
    }
    CHECK_EQ(event, EVENT_RECALL);
    CHECK_EQ(s->idt_info, INTR_VALID | INTR_TYPE_HW_EXCEPTION | 6);
    CHECK_EQ(s->inj_info, 0);
    return MTD_STOP;
}

static void undelivered(void)
{
    if (no_vms())
        return;
    VM_START(spin, undelivered_answer);
    vm_wait();
    vm_end(1);
}

// ---- memory, MSRs
static uint64_t memory_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        *(volatile uint8_t *)(GUEST_VIEW + 0x1230) = 0xa5;
        return start_real(s);
    case VMX_EXIT_EPT_VIOLATION:
        CHECK_EQ(s->qual[1], 0x400000);
        CHECK(s->qual[0] & EPT_QUAL_READ);
        return MTD_STOP;
    case VMX_EXIT_HLT:
        CHECK_EQ(*(volatile uint8_t *)(GUEST_VIEW + 0x30010), 0x5a);
        s->seg[SEG_DS].base = 0x400000 - 0x1230;
        s->rip -= 3; // the load once more
        return MTD_RIP | MTD_ESDS;
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void nested_paging(void)
{
    if (no_vms())
        return;
    VM_START(memory, memory_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_EPT_VIOLATION], 1);
    vm_end(1);
}

static uint64_t triple_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    CHECK_EQ(event, VMX_EXIT_TRIPLE_FAULT);
    return MTD_STOP;
}

static void triple_fault(void)
{
    if (no_vms())
        return;
    VM_START(triple, triple_answer);
    vm_wait();
    vm_end(1);
}

static uint64_t msr_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        return start_real(s);
    case VMX_EXIT_IO:
        CHECK_EQ(s->lstar, 0x7f11223344);
        s->lstar = 0xdead000000005678; // not canonical: WRMSR would fault
        s->kernel_gs_base = ~0ul;
        s->fmask = ~0ul;
        s->tsc_aux = ~0ul;
        s->spec_ctrl = ~0ul;
        s->xcr0 = ~0ul;
        s->xss = ~0ul;
        s->efer = EFER_SCE;
        for (unsigned i = 0; i < 4; i++)
            s->dr[i] = ~0ul;
        s->dr6 = s->dr7 = ~0ul;
        return skip_insn(s) | MTD_SYSCALL | MTD_XSAVE | MTD_DR | MTD_EFER;
    case VMX_EXIT_HLT:
        CHECK_EQ(s->gpr[GPR_RAX], 0x5678);
        CHECK_EQ(s->lstar, 0x5678);
        CHECK_EQ(s->xcr0, 1);
        CHECK_EQ(s->xss, 0);
        CHECK_EQ(s->dr7 >> 32, 0);
        CHECK_EQ(s->efer, EFER_SCE);
        return MTD_STOP;
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void msrs(void)
{
    if (no_vms())
        return;
    VM_START(msrs, msr_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_WRMSR], 0);
    vm_end(1);
}

static uint64_t unknown_msr_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    CHECK_EQ(event, VMX_EXIT_RDMSR);
    CHECK_EQ(s->gpr[GPR_RCX], 0xc0011029);
    return MTD_STOP;
}

static void unknown_msr(void)
{
    if (no_vms())
        return;
    VM_START(badmsr, unknown_msr_answer);
    vm_wait();
    vm_end(1);
}

// ---- two vCPUs on one CPU: registers outside the VMCS are each one's own
static uint64_t own_answer(unsigned event, struct utcb_state *s)
{
    static unsigned started;
    if (event == EVENT_STARTUP) {
        uint64_t mtd = start_real(s), me = started++ & 1 ? 0x2222 : 0x1111;
        s->gpr[GPR_RAX] = s->gpr[GPR_RSI] = s->lstar = s->kernel_gs_base = s->dr[2] = s->cr2 = me;
        s->cr4 = CR4_OSFXSR;
        s->gpr[GPR_RDX] = 200;
        return mtd;
    }
    CHECK_EQ(event, VMX_EXIT_IO);
    uint64_t me = s->gpr[GPR_RSI];
    CHECK_EQ(s->gpr[GPR_RAX] & 0xffff, me);
    CHECK_EQ(s->lstar, me);
    CHECK_EQ(s->kernel_gs_base, me);
    CHECK_EQ(s->dr[2], me);
    CHECK_EQ(s->cr2, me);
    if (--s->gpr[GPR_RDX] == 0)
        return MTD_STOP;
    for (uint64_t until = tsc() + HIP->tsc_hz / 20000; tsc() < until;) // so that slices end in between
        __builtin_ia32_pause();
    s->gpr[GPR_RAX] = 0;
    return skip_insn(s) | MTD_ACDB;
}

static void own_registers(void)
{
    if (no_vms())
        return;
    vm_start(guest_vectors, guest_vectors_end, own_answer, 2, 10);
    vm_wait();
    vm_wait();
    vm_end(2);
}

// ---- bad state: the entry fails, and the log says which rule is broken
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

static uint64_t noise_answer(unsigned event, struct utcb_state *s) // whatever is in the UTCB, the kernel stays up
{
    static uint64_t seed = 88172645463325252;
    if (event == VMX_EXIT_HLT || vm.seen[event] > 200)
        return MTD_STOP;
    start_real(s);
    uint64_t *words = (uint64_t *)s;
    for (unsigned i = 0; i < 6; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        words[seed % (sizeof *s / 8)] ^= seed & 1 << 8 ? 1ul << (seed >> 20 & 63) : seed;
    }
    s->deadline = tsc() + HIP->tsc_hz / 10000;
    return MTD_ALL;
}

static void noise(void)
{
    if (no_vms())
        return;
    for (unsigned round = 0; round < 20; round++) {
        VM_START(spin, noise_answer);
        vm_wait();
        vm_end(1);
    }
}

// ---- the local APIC's page and registers
static volatile uint32_t *apic_register(unsigned offset)
{
    return (volatile uint32_t *)(VCPU_PAGES + offset);
}

static uint64_t xapic_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        *apic_register(LAPIC_ID) = 0x07000000;
        *apic_register(LAPIC_TPR) = 0;
        start_real(s);
        s->apic_mode = APIC_XAPIC;
        s->seg[SEG_DS].base = LAPIC_BASE;
        return MTD_ALL;
    case VMX_EXIT_APIC_WRITE:
        CHECK_EQ(s->qual[0], LAPIC_EOI);
        CHECK_EQ(s->gpr[GPR_RBX], 0x07000000);
        CHECK_EQ(s->gpr[GPR_RDX], 0x35);
        CHECK_EQ(s->cr8, 3);
        CHECK_EQ(*apic_register(LAPIC_TPR), 0x35);
        CHECK_EQ(s->apic_mode, APIC_XAPIC);
        return 0; // trap-like: RIP is behind it already
    case VMX_EXIT_APIC_ACCESS:
        CHECK_EQ(s->qual[0] & 0xfff, LAPIC_TIMER_CURRENT);
        s->apic_mode = APIC_NONE;
        return MTD_APIC; // and again, now as plain memory that is not there
    default:
        CHECK_EQ(event, VMX_EXIT_EPT_VIOLATION);
        CHECK_EQ(s->qual[1], LAPIC_BASE + LAPIC_TIMER_CURRENT);
        return MTD_STOP;
    }
}

static void xapic(void)
{
    if (no_vms())
        return;
    if (!(HIP->virt & HIP_APIC_REGS)) {
        skip("no APIC-register virtualisation");
        return;
    }
    VM_START(xapic, xapic_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_APIC_WRITE], 1);
    CHECK_EQ(vm.seen[VMX_EXIT_APIC_ACCESS], 1);
    vm_end(1);
}

static uint64_t x2apic_answer(unsigned event, struct utcb_state *s)
{
    switch (event) {
    case EVENT_STARTUP:
        *apic_register(LAPIC_ID) = 7;
        start_real(s);
        s->apic_mode = APIC_X2APIC;
        return MTD_ALL;
    case VMX_EXIT_WRMSR:
        CHECK_EQ(s->gpr[GPR_RCX], 0x80b);
        CHECK_EQ(s->gpr[GPR_RBX], 7);
        CHECK_EQ(*apic_register(LAPIC_TPR), 0x45);
        return skip_insn(s);
    default:
        CHECK_EQ(event, VMX_EXIT_HLT);
        return MTD_STOP;
    }
}

static void x2apic(void)
{
    if (no_vms())
        return;
    if (!(HIP->virt & HIP_APIC_REGS)) {
        skip("no APIC-register virtualisation");
        return;
    }
    VM_START(x2apic, x2apic_answer);
    vm_wait();
    CHECK_EQ(vm.seen[VMX_EXIT_WRMSR], 1);
    vm_end(1);
}

// ---- the guest's memory goes away under it
static uint64_t unmap_answer(unsigned event, struct utcb_state *s)
{
    if (event == EVENT_STARTUP)
        return start_real(s);
    CHECK_EQ(event, VMX_EXIT_EPT_VIOLATION);
    CHECK_EQ(s->qual[1], 0x30000);
    return MTD_STOP;
}

static void unmap_while_it_runs(void)
{
    if (no_vms())
        return;
    VM_START(reads, unmap_answer);
    CHECK_EQ(sm_down(vm.done, after_ms(10)), ST_TIMEOUT);
    struct hc_result r;
    do
        r = ctrl_pd(PD_UNMAP_GST, SEL_SELF_PD, 0x30000, 0, 0, pd_arg(1, 0)); // splits the 2M page
    while (r.status == ST_AGAIN);
    CHECK_EQ(r.status, ST_OK);
    vm_wait();
    vm_end(1);
}

// ---- the same from another CPU
static void on_the_other_cpu(void (*run)(void))
{
    if (HIP->cpus < 2) {
        skip("one CPU");
        return;
    }
    vm_cpu = 1;
    run();
    vm_cpu = 0;
}

static void recall_remote(void)
{
    on_the_other_cpu(recall);
}

static void unmap_remote(void)
{
    on_the_other_cpu(unmap_while_it_runs);
}

static void slices_remote(void) // destroyed while they run there
{
    on_the_other_cpu(slices);
}

static void own_registers_beside(void) // and a thread with the right to vector registers
{
    if (no_vms())
        return;
    fpu_beside_start(vm_cpu);
    own_registers();
    fpu_beside_end();
}

static void own_registers_beside_remote(void)
{
    on_the_other_cpu(own_registers_beside);
}

static void own_registers_remote(void)
{
    on_the_other_cpu(own_registers);
}

// ---- nothing is lost
static void lives(void)
{
    if (no_vms())
        return;
    uint64_t used = 0, pool = 0;
    for (unsigned i = 0; i < 30; i++) {
        struct hc_result r;
        uint64_t s = sels(3);
        CHECK_EQ(create_pd(s, SEL_SELF_PD, 64, PERM_ALL).status, ST_OK);
        CHECK_EQ(create_ec(s + 1, s, EC_VCPU, 0x20000000, 0, 4096).status, ST_OK);
        CHECK_EQ((r = ctrl_pd(PD_MAP_GST, s, 0, SEL_HW, vm.phys, pd_arg(512, MAP_R | MAP_W | MAP_X))).status, ST_OK);
        CHECK_EQ(create_sc(s + 2, s, s + 1, 10, HIP->tsc_hz / 1000).status, ST_OK);
        drop(s + 2, 1);
        drop(s + 1, 1);
        destroy_pd(s);
        if (i == 10) {
            used = kernel_used();
            pool = free_pages();
        }
    }
    CHECK_EQ(kernel_used(), used);
    CHECK_EQ(free_pages(), pool);
}

static void poor(void) // an account that cannot pay for a vCPU, at every point
{
    if (no_vms())
        return;
    unsigned pages = 8;
    for (enum status st = ST_NO_MEM; st != ST_OK && pages < 64; pages++) {
        uint64_t s = sels(2);
        if (create_pd(s, SEL_SELF_PD, pages, PERM_ALL).status != ST_OK)
            continue;
        st = create_ec(s + 1, s, EC_VCPU, 0x20000000, 0, 4096).status;
        CHECK(st == ST_OK || st == ST_NO_MEM);
        if (st == ST_OK)
            drop(s + 1, 1);
        destroy_pd(s);
    }
    CHECK(pages < 64);
}

const struct test tests_vcpu[] = {
    {"a machine without virtualisation says so", no_virtualisation},
    {"exits carry state, answers change it", exits},
    {"what an exit costs", costs},
    {"deadline of a vCPU with interrupts off", deadline},
    {"recall", recall},
    {"vCPUs share a CPU by time slices", slices},
    {"interrupt window and injection", injection},
    {"an injection before which a recall came", undelivered},
    {"nested paging", nested_paging},
    {"triple fault", triple_fault},
    {"MSRs pass, bad values do not reach the CPU", msrs},
    {"unknown MSR", unknown_msr},
    {"two vCPUs keep their registers apart", own_registers},
    {"a failed entry names the rule", bad_state},
    {"local APIC in xAPIC mode", xapic},
    {"local APIC in x2APIC mode", x2apic},
    {"guest memory unmapped while the guest runs", unmap_while_it_runs},
    {"recall from another CPU", recall_remote},
    {"guest memory unmapped from another CPU", unmap_remote},
    {"vCPUs destroyed from another CPU", slices_remote},
    {"two vCPUs on another CPU", own_registers_remote},
    {"two vCPUs and a thread with vector registers", own_registers_beside},
    {"the same on another CPU", own_registers_beside_remote},
    {"random state", noise},
    {"vCPUs leave nothing behind", lives},
    {"vCPU out of an account that is too small", poor},
    {},
};
