// SPDX-License-Identifier: MIT
// sources: vmm-user/irq.c vmm-user/devices/lapic.c vmm-user/devices/lapic_regs.c vmm-user/devices/lapic_timer.c
// sources: vmm-user/devices/apic_bus.c vmm-user/devices/pic8259.c vmm-user/devices/ioapic.c
#include "vmm-user/vm.h"
#include <stdlib.h>
#include <string.h>
#include "pc/ioapic.h"
#include "pc/lapic.h"
#include "pc/pic8259.h"
#include "tests/unit/cmocka_all.h"
#include "x86/desc.h"
#include "x86/regs.h"
#include "x86/vmx.h"

#define EXTERNAL(vector) (INJ_VALID | INTR_TYPE_EXTERNAL | (vector))

static struct vm *machine;
static struct utcb_state guest;
static uint32_t page[1024] __attribute__((aligned(4096)));
static struct lapic *lapics[1];
static struct apic_bus apic_bus = {.cpus = lapics, .count = 1};
static enum vm_request asked;

void vm_ask(enum vm_request request)
{
    asked = request;
}

void vm_shutdown(struct vcpu *v, const char *format, ...)
{
    (void)v, (void)format;
    asked = VM_REQUEST_STOP;
}

static uint64_t fake_now(struct clock *clock)
{
    (void)clock;
    return 1000;
}

static int setup(void **state)
{
    machine = calloc(1, sizeof(*machine));
    struct vcpu *v = &machine->vcpus[0];
    v->vm = machine;
    v->state = &guest;
    memset(&guest, 0, sizeof(guest));
    guest.rflags = RFLAGS_ONE | RFLAGS_IF;
    machine->clock.clock = (struct clock){.tsc_hz = 1000000000, .now = fake_now};
    lapics[0] = &v->lapic;
    lapic_init(&v->lapic, &machine->clock.clock, 0, page, &apic_bus,
               (struct lapic_host){.signal = irq_signal, .ctx = v});
    lapic_mmio_write(&v->lapic, LAPIC_SVR, 4, 0x1ff);
    pic_init(&machine->machine.pic, &machine->clock.clock, (struct irq_line){0});
    v->attention = 0;
    v->apic_mode = APIC_XAPIC;
    *state = v;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(machine);
    return 0;
}

static void nothing(void **state)
{
    assert_int_equal(irq_settle(*state, &guest), 0);
}

static void taken_at_once(void **state)
{
    struct vcpu *v = *state;
    assert_true(lapic_accept(&v->lapic, 0x41, false));
    assert_true(v->attention & ATTENTION_IRQ);
    assert_int_equal(irq_settle(v, &guest), MTD_INJ);
    assert_int_equal(guest.inj_info, EXTERNAL(0x41));
    assert_int_equal(lapic_in_service(&v->lapic), 0x41);
}

// With interrupts off, or in the shadow of STI: the window; and once it has been used, it closes.
static void window(void **state)
{
    struct vcpu *v = *state;
    lapic_accept(&v->lapic, 0x41, false);
    guest.intr_state = BLOCKING_STI;
    assert_int_equal(irq_settle(v, &guest), MTD_INJ);
    assert_int_equal(guest.inj_info, INJ_INTR_WINDOW);
    guest.intr_state = 0;
    guest.rflags = RFLAGS_ONE;
    assert_int_equal(irq_settle(v, &guest), 0); // asked for already
    guest.rflags |= RFLAGS_IF;
    assert_int_equal(irq_settle(v, &guest), MTD_INJ);
    assert_int_equal(guest.inj_info, EXTERNAL(0x41));
    assert_int_equal(v->windows, 0);
}

// An exception goes first; the interrupt waits for the window.
static void exception_first(void **state)
{
    struct vcpu *v = *state;
    lapic_accept(&v->lapic, 0x41, false);
    irq_raise(v, 13, true, 0x18);
    assert_int_equal(irq_settle(v, &guest), MTD_INJ);
    assert_int_equal(guest.inj_info, (INJ_VALID | INTR_TYPE_HW_EXCEPTION | INJ_ERROR | INJ_INTR_WINDOW | 13));
    assert_int_equal(guest.inj_error, 0x18);
    assert_int_equal(irq_settle(v, &guest), MTD_INJ);
    assert_int_equal(guest.inj_info, EXTERNAL(0x41));
}

static void nmi(void **state)
{
    struct vcpu *v = *state;
    irq_signal(v, LAPIC_SIGNAL_NMI, 0);
    guest.intr_state = BLOCKING_NMI;
    assert_int_equal(irq_settle(v, &guest), MTD_INJ);
    assert_int_equal(guest.inj_info, INJ_NMI_WINDOW);
    guest.intr_state = 0;
    assert_int_equal(irq_settle(v, &guest), MTD_INJ);
    assert_int_equal(guest.inj_info, (INJ_VALID | INTR_TYPE_NMI | 2));
    assert_int_equal(irq_settle(v, &guest), 0);
}

// What ends a HLT, and whether anything can with interrupts off.
static void halted(void **state)
{
    struct vcpu *v = *state;
    struct ioapic *io = &v->vm->machine.ioapic;
    lapic_accept(&v->lapic, 0x41, false);
    assert_true(irq_wakes(v, &guest));
    guest.rflags = RFLAGS_ONE;
    assert_false(irq_wakes(v, &guest));
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        io->rte[pin] = IOAPIC_RTE_MASKED | LAPIC_MODE_NMI << IOAPIC_RTE_MODE_SHIFT;
    assert_false(irq_can_wake(v, &guest));
    io->rte[2] &= ~(uint64_t)IOAPIC_RTE_MASKED;
    assert_true(irq_can_wake(v, &guest));
    guest.intr_state = BLOCKING_NMI;
    assert_false(irq_can_wake(v, &guest));
    irq_signal(v, LAPIC_SIGNAL_NMI, 0);
    assert_false(irq_wakes(v, &guest));
    guest.intr_state = 0;
    assert_true(irq_wakes(v, &guest));
}

// Held back by the TPR alone: the threshold makes the guest exit when it lowers it.
static void threshold(void **state)
{
    struct vcpu *v = *state;
    lapic_mmio_write(&v->lapic, LAPIC_TPR, 4, 0x50);
    lapic_accept(&v->lapic, 0x41, false);
    assert_int_equal(irq_settle(v, &guest), MTD_APIC);
    assert_int_equal(guest.tpr_threshold, 4);
    assert_int_equal(guest.apic_mode, APIC_XAPIC);
    lapic_mmio_write(&v->lapic, LAPIC_TPR, 4, 0x30);
    assert_int_equal(irq_settle(v, &guest), MTD_INJ | MTD_APIC);
    assert_int_equal(guest.tpr_threshold, 0);
    assert_int_equal(guest.inj_info, EXTERNAL(0x41));
}

// The 8259 reaches the CPU through LINT0 as ExtINT.
static void through_pic(void **state)
{
    struct vcpu *v = *state;
    struct device *pic = &machine->machine.pic.dev;
    static const struct {
        uint16_t port;
        uint8_t value;
    } init[] = {{0x20, 0x11}, {0x21, 0x30}, {0x21, 4}, {0x21, 1}, {0x21, 0}};
    for (unsigned i = 0; i < 5; i++)
        pic->ops->write(pic, IO_PORT, init[i].port, 1, init[i].value);
    lapic_mmio_write(&v->lapic, LAPIC_LVT_LINT0, 4, LAPIC_MODE_EXTINT << LAPIC_MODE_SHIFT);
    pic_set_irq(&machine->machine.pic, 4, true);
    assert_true(irq_pending(v));
    assert_int_equal(irq_settle(v, &guest), MTD_INJ);
    assert_int_equal(guest.inj_info, EXTERNAL(0x34));
    pic_set_irq(&machine->machine.pic, 3, true); // of higher priority
    lapic_mmio_write(&v->lapic, LAPIC_LVT_LINT0, 4, LAPIC_LVT_MASKED);
    assert_false(irq_pending(v));
}

static uint32_t merged(struct vcpu *v, uint32_t first, unsigned second)
{
    v->inject_info = first;
    irq_raise(v, second, second != EXC_DB && second != EXC_UD, 0x18);
    irq_settle(v, &guest);
    return guest.inj_info;
}

// SDM 3A table 6-5.
static void double_fault(void **state)
{
    const uint32_t fault = INJ_VALID | INTR_TYPE_HW_EXCEPTION;
    assert_int_equal(merged(*state, fault | EXC_GP | INJ_ERROR, EXC_NP), (fault | EXC_DF | INJ_ERROR));
    assert_int_equal(guest.inj_error, 0);
    assert_int_equal(merged(*state, fault | EXC_PF | INJ_ERROR, EXC_PF), (fault | EXC_DF | INJ_ERROR));
    assert_int_equal(merged(*state, fault | EXC_PF | INJ_ERROR, EXC_GP), (fault | EXC_DF | INJ_ERROR));
    assert_int_equal(merged(*state, fault | EXC_GP | INJ_ERROR, EXC_PF), (fault | EXC_PF | INJ_ERROR));
    assert_int_equal(merged(*state, fault | EXC_DB, EXC_GP), (fault | EXC_GP | INJ_ERROR));
    assert_int_equal(merged(*state, fault | EXC_UD, EXC_PF), (fault | EXC_PF | INJ_ERROR));
    asked = VM_REQUEST_NONE;
    merged(*state, fault | EXC_DF | INJ_ERROR, EXC_DB);
    assert_int_equal(asked, VM_REQUEST_NONE);
    merged(*state, fault | EXC_DF | INJ_ERROR, EXC_PF);
    assert_int_equal(asked, VM_REQUEST_STOP);
}

// An interrupt or NMI whose delivery faulted comes after the fault; INT n comes again by itself.
static void event_after_fault(void **state)
{
    struct vcpu *v = *state;
    assert_int_equal(merged(v, EXTERNAL(0x61), EXC_PF) & INTR_VECTOR, EXC_PF);
    assert_true(v->windows & INJ_INTR_WINDOW);
    assert_int_equal(irq_settle(v, &guest), MTD_INJ);
    assert_int_equal(guest.inj_info, EXTERNAL(0x61));
    assert_false(irq_pending(v));
    assert_int_equal(merged(v, INJ_VALID | INTR_TYPE_NMI | 2, EXC_PF) & INTR_VECTOR, EXC_PF);
    assert_true(v->nmi_pending);
    v->nmi_pending = false;
    assert_int_equal(merged(v, INJ_VALID | INTR_TYPE_SW_INTERRUPT | 0x80, EXC_GP) & INTR_VECTOR, EXC_GP);
    assert_false(irq_pending(v));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing), TEST(taken_at_once), TEST(window),      TEST(exception_first), TEST(nmi),
        TEST(halted),  TEST(threshold),     TEST(through_pic), TEST(double_fault),    TEST(event_after_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
