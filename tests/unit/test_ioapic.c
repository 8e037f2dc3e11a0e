// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/lapic.c vmm-user/devices/lapic_regs.c vmm-user/devices/lapic_timer.c
// sources: vmm-user/devices/apic_bus.c vmm-user/devices/ioapic.c
#include "tests/unit/apic_machine.h"

static void test_ioapic_edge(void **state)
{
    (void)state;
    assert_int_equal(rte_read(4, false), 0x10000);
    rte_write(4, 1u << 24, 0x34);
    assert_int_equal(rte_read(4, true), 1u << 24);
    ioapic_set_irq(&io, 4, true);
    assert_int_equal(take(1), 0x34);
    eoi(1);
    assert_int_equal(take(1), -1);
    ioapic_set_irq(&io, 4, false);
    rte_write(4, 1u << 24, 0x10034);
    ioapic_set_irq(&io, 4, true); // lost while masked
    ioapic_set_irq(&io, 4, false);
    rte_write(4, 1u << 24, 0x34);
    assert_int_equal(take(1), -1);
    ioapic_set_irq(&io, 4, true);
    assert_int_equal(take(1), 0x34);
}

static void test_ioapic_level(void **state)
{
    (void)state;
    rte_write(9, 0, IOAPIC_RTE_LEVEL | 0x59);
    ioapic_set_irq(&io, 9, true);
    assert_int_equal(rte_read(9, false), IOAPIC_RTE_REMOTE_IRR | IOAPIC_RTE_LEVEL | 0x59);
    assert_int_equal(take(0), 0x59);
    ioapic_set_irq(&io, 9, false);
    ioapic_set_irq(&io, 9, true);
    assert_int_equal(lapic_pending(&lapic[0]), -1);
    eoi(0); // still asserted: once more
    assert_int_equal(take(0), 0x59);
    ioapic_set_irq(&io, 9, false);
    eoi(0);
    assert_int_equal(rte_read(9, false), IOAPIC_RTE_LEVEL | 0x59);
    assert_int_equal(take(0), -1);
    rte_write(9, 0, IOAPIC_RTE_MASKED | IOAPIC_RTE_LEVEL | 0x59);
    ioapic_set_irq(&io, 9, true); // a level is not lost
    assert_int_equal(take(0), -1);
    rte_write(9, 0, IOAPIC_RTE_LEVEL | 0x59);
    assert_int_equal(take(0), 0x59);
}

static void test_ioapic_eoi_by_register_or_edge(void **state) // Linux' two ways to clear remote IRR by force
{
    (void)state;
    rte_write(9, 0, IOAPIC_RTE_LEVEL | 0x59);
    ioapic_set_irq(&io, 9, true);
    ioapic_set_irq(&io, 9, false);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_EOI, 4, 0x59);
    assert_false(rte_read(9, false) & IOAPIC_RTE_REMOTE_IRR);
    ioapic_set_irq(&io, 9, true);
    ioapic_set_irq(&io, 9, false);
    rte_write(9, 0, IOAPIC_RTE_MASKED | 0x59);
    rte_write(9, 0, IOAPIC_RTE_LEVEL | 0x59);
    assert_false(rte_read(9, false) & IOAPIC_RTE_REMOTE_IRR);
}

static void test_ioapic_registers(void **state)
{
    (void)state;
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_VER);
    assert_int_equal(io.dev.ops->read(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4), 0x170020);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE, 4, IOAPIC_ID);
    io.dev.ops->write(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4, 0xffffffff);
    assert_int_equal(io.dev.ops->read(&io.dev, IO_MMIO, IOAPIC_BASE + IOAPIC_IOWIN, 4), 0x0f000000);
    rte_write(23, 0xffffffff, 0xffffffff);
    assert_int_equal(rte_read(23, false), 0x1ffff & ~(IOAPIC_RTE_PENDING | IOAPIC_RTE_REMOTE_IRR));
    assert_int_equal(rte_read(23, true), 0xff000000);
    rte_write(24, 0, 0); // there is none
}

static void test_ioapic_nmi_and_extint(void **state)
{
    (void)state;
    rte_write(1, 0, LAPIC_MODE_NMI << 8);
    ioapic_set_irq(&io, 1, true);
    assert_int_equal(signals[0][LAPIC_SIGNAL_NMI], 1);
    rte_write(0, 0, LAPIC_MODE_EXTINT << 8);
    ioapic_set_irq(&io, 0, true);
    assert_int_equal(signals[0][LAPIC_SIGNAL_WAKE], 1);
    assert_int_equal(lapic_pending(&lapic[0]), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ioapic_edge, setup),
        cmocka_unit_test_setup(test_ioapic_level, setup),
        cmocka_unit_test_setup(test_ioapic_eoi_by_register_or_edge, setup),
        cmocka_unit_test_setup(test_ioapic_registers, setup),
        cmocka_unit_test_setup(test_ioapic_nmi_and_extint, setup),
    };
    return cmocka_run_group_tests_name("ioapic", tests, NULL, NULL);
}
