// SPDX-License-Identifier: MIT
// Exceptions and interrupts that meet: order, double faults, software interrupts (SDM 3A chapter 6).
#include "guests/check/check.h"

static volatile unsigned double_faults, int33;
static volatile uint64_t int_rip;

static void gate_present(unsigned vector, bool on)
{
    idt[vector * 16 + 5] = on ? idt[vector * 16 + 5] | 0x80 : idt[vector * 16 + 5] & 0x7f;
}

static void on_int(struct frame *f)
{
    int33++;
    int_rip = f->rip;
}

static volatile unsigned order[4], ordered;

static void on_order(struct frame *f)
{
    order[ordered++ & 3] = (unsigned)f->vector;
    if (f->vector == 0x32)
        apic_set(0xb0, 0);
}

// A fault that the hypervisor raises, whose gate is not there.
static void double_fault(void)
{
    gate_present(GP, false);
    unsigned vector = TRY("rdmsr", : : "c"(0x12345678) : "rax", "rdx", "memory");
    gate_present(GP, true);
    check_same(vector, DF, "#GP whose gate is not present: #NP, which makes #DF");
    check_same(caught_error, 0, "error code of #DF");
    gate_present(UD, false);
    vector = TRY("ud2", : : : "memory");
    gate_present(UD, true);
    check_same(vector, NP, "#UD whose gate is not present: #NP");
    check_same(caught_error, UD * 8 + 3, "its error code names the gate, EXT for an exception");
    gate_present(0x33, false);
    vector = TRY("int $0x33", : : : "memory");
    gate_present(0x33, true);
    check_same(vector, NP, "INT whose gate is not present");
    check_same(caught_error, 0x33 * 8 + 2, "its error code names the gate");
}

static void software(void)
{
    extern const char after_int[], after_int3[];
    handle(0x33, on_int);
    handle(BP, on_int);
    int33 = 0;
    asm volatile("int $0x33; .global after_int; after_int: nop" : : : "memory");
    check(int33 == 1 && int_rip == (uint64_t)after_int, "INT n");
    asm volatile("int3; .global after_int3; after_int3: nop" : : : "memory");
    check(int33 == 2 && int_rip == (uint64_t)after_int3, "INT3");
    handle(BP, NULL);
    handle(0x33, on_order);
    handle(0x32, on_order);
    ordered = 0;
    for (unsigned i = 0; i < 10 && !(ordered == 2 && order[0] == 0x33);
         i++) { // QEMU's VMRUN forgets the shadow if an exit falls into it
        ordered = 0;
        apic_set(0x300, 0x40000 | 0x32);
        asm volatile("sti; int $0x33; nop; nop; cli" : : : "memory");
    }
    check(ordered == 2 && order[0] == 0x33 && order[1] == 0x32, "INT in the shadow of STI comes before the interrupt");
}

static void faults_leave_no_trace(void)
{
    uint64_t rax = 0x55, rdx = 0x66;
    unsigned vector = TRY("rdmsr", : "+a"(rax), "+d"(rdx) : "c"(0x12345678) : "memory");
    check(vector == GP && caught_error == 0 && rax == 0x55 && rdx == 0x66, "a RDMSR that faults changes nothing");
    uint64_t rip;
    vector = TRY("lea 0(%%rip), %0; mov %%rax, 0xffffffffff000000", : "=&r"(rip) : : "memory");
    check_same(vector, PF, "a page that is not there");
}

// RFLAGS.RF in the frame of a fault, also of one that a hypervisor raises; not in that of a trap.
static void resume_flag(void)
{
    TRY("ud2", : : : "memory");
    check_same(caught_flags & 0x10000, 0x10000, "RF in the frame of #UD");
    TRY("rdmsr", : : "c"(0x12345678) : "rax", "rdx", "memory");
    check_same(caught_flags & 0x10000, 0x10000, "RF in the frame of #GP by RDMSR");
    TRY("mov %0, %%cr8", : : "r"(16ul) : "memory");
    check_same(caught_flags & 0x10000, 0x10000, "RF in the frame of #GP by MOV to CR8");
    TRY("int3", : : : "memory");
    check_same(caught_flags & 0x10000, 0, "no RF in the frame of #BP");
}

// Not a rule: an exception whose frame goes to a device. A hypervisor need not do that, but must not hang.
void check_lost(void)
{
    asm volatile("mov %0, %%rsp; ud2" : : "r"(0xff001000ul) : "memory");
}

void check_event(void)
{
    apic_on();
    double_fault();
    software();
    faults_leave_no_trace();
    resume_flag();
}
