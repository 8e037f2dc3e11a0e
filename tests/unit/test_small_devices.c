// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c vmm-user/devices/port92.c vmm-user/devices/ferr.c
// sources: vmm-user/devices/debug_ports.c
#include "tests/unit/cmocka_all.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/debug_ports.h"
#include "vmm-user/devices/pci_host.h"
#include "vmm-user/devices/ferr.h"
#include "vmm-user/devices/port92.h"

static struct fake f;
static struct reset_port reset_port;
static struct pci_host pci;
static struct port92 port92;
static struct ferr ferr;
static struct debug_ports debug;

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    reset_port_init(&reset_port, &f.clock, fake_power(&f));
    pci_host_init(&pci, &f.clock, &reset_port);
    ferr_init(&ferr, &f.clock, fake_line(&f, 13));
    port92_init(&port92, &f.clock, fake_line(&f, 21), fake_power(&f));
    debug_ports_init(&debug, &f.clock, fake_console(&f), fake_power(&f));
    return 0;
}

static uint32_t config(unsigned devfn, unsigned offset)
{
    out32(&pci, 0xcf8, 0x80000000 | devfn << 8 | offset);
    return in32(&pci, 0xcfc);
}

static void test_linux_probe(void **state) // pci_check_type1
{
    (void)state;
    out8(&pci, 0xcfb, 0x01);
    uint32_t old = in32(&pci, 0xcf8);
    out32(&pci, 0xcf8, 0x80000000);
    assert_int_equal(in32(&pci, 0xcf8), 0x80000000);
    out32(&pci, 0xcf8, old);
    assert_int_equal(config(0, 0), 0x12378086);
    assert_int_equal(config(0, 8) >> 16, 0x0600);
    out32(&pci, 0xcf8, 0x8000000a & ~3u);
    assert_int_equal(in16(&pci, 0xcfe), 0x0600);
    assert_int_equal(in8(&pci, 0xcff), 0x06);
}

static void test_empty_places(void **state)
{
    (void)state;
    for (unsigned devfn = 1; devfn < 256; devfn++)
        assert_int_equal(config(devfn, 0), 0xffffffff);
    out32(&pci, 0xcf8, 0x80010000); // bus 1
    assert_int_equal(in32(&pci, 0xcfc), 0xffffffff);
    out32(&pci, 0xcf8, 0);
    assert_int_equal(in32(&pci, 0xcfc), 0xffffffff);
    assert_int_equal(in8(&pci, 0xcf8), 0xff);
}

static unsigned written_offset, written_size;

static void note_write(struct pci_function *fn, unsigned offset, unsigned size)
{
    (void)fn;
    written_offset = offset;
    written_size = size;
}

static void test_function_with_bar(void **state)
{
    (void)state;
    static struct pci_function fn;
    fn = (struct pci_function){.written = note_write};
    pci_config_put(&fn, 0, 4, 0x10001af4);
    pci_config_put(&fn, 0x10, 4, 0x00000001); // 256 ports
    pci_config_allow(&fn, 0x10, 4, 0xffffff00);
    pci_config_put(&fn, 6, 2, 0x2000);
    fn.clear[7] = 0xf9;
    assert_true(pci_add_function(&pci, 3 << 3, &fn));
    assert_false(pci_add_function(&pci, 3 << 3, &fn));
    assert_false(pci_add_function(&pci, 256, &fn));
    assert_int_equal(config(3 << 3, 0), 0x10001af4);
    config(3 << 3, 0x10);
    out32(&pci, 0xcfc, 0xffffffff);
    assert_int_equal(in32(&pci, 0xcfc), 0xffffff01); // its size
    assert_int_equal(written_offset, 0x10);
    assert_int_equal(written_size, 4);
    out16(&pci, 0xcfe, 0x1234);
    assert_int_equal(in32(&pci, 0xcfc), 0x1234ff01);
    assert_int_equal(written_offset, 0x12);
    config(3 << 3, 4);
    out16(&pci, 0xcfe, 0x2000); // status: written ones clear
    assert_int_equal(in32(&pci, 0xcfc), 0);
}

static void test_bridge_is_read_only(void **state)
{
    (void)state;
    for (unsigned offset = 0; offset < 256; offset += 4) {
        config(0, offset);
        out32(&pci, 0xcfc, 0xffffffff);
    }
    assert_int_equal(config(0, 0), 0x12378086);
    assert_int_equal(config(0, 0x10), 0); // no BAR
    assert_int_equal(config(0, 0x58), 0x33333000);
}

static unsigned shadow_changes;

static void shadow_changed(void *ctx)
{
    (void)ctx;
    shadow_changes++;
}

static void test_shadow_memory(void **state)
{
    (void)state;
    static uint8_t ram[GUEST_MEM_SHADOW_END];
    struct guest_mem mem = {.low = ram, .low_size = sizeof(ram)};
    pci_host_shadow(&pci, &mem, shadow_changed, NULL);
    assert_int_equal(shadow_changes, 1);
    assert_int_equal(mem.read_only, 0xffff); // as after reset
    config(0, 0x58);
    out8(&pci, 0xcfd, 0x30);
    assert_int_equal(mem.read_only, 0x0fff);
    out8(&pci, 0xcfe, 0x01);
    assert_int_equal(shadow_changes, 2); // no writes, as before
    out8(&pci, 0xcfe, 0x12);
    out8(&pci, 0xcff, 0x20);
    assert_int_equal(mem.read_only, 0x0ff6);
    assert_true(guest_mem_write(&mem, 0xc0000, 2, 0x1234));
    assert_true(guest_mem_write(&mem, 0xc4000, 2, 0x1234));
    assert_true(guest_mem_write(&mem, 0xfffff, 1, 0x56));
    assert_int_equal(ram[0xc0000], 0x34);
    assert_int_equal(ram[0xc4000], 0);
    assert_int_equal(ram[0xfffff], 0x56);
    pci.dev.ops->write(&pci.dev, IO_MMIO, 0xc4000, 4, 1); // what the processor writes comes here, and is lost
    pci.dev.ops->write(&pci.dev, IO_MMIO, 0xcc000, 4, 0x78);
    assert_int_equal(pci.dev.ops->read(&pci.dev, IO_MMIO, 0xc4000, 4), 0);
    assert_int_equal(pci.dev.ops->read(&pci.dev, IO_MMIO, 0xcc000, 1), 0x78);
    assert_int_equal(pci.dev.ops->read(&pci.dev, IO_MMIO, 0xfffff, 1), 0x56);
    assert_true(fake_save_load(&pci));
    pci.dev.ops->reset(&pci.dev);
    assert_int_equal(mem.read_only, 0xffff);
}

static void test_reset_port(void **state) // beside CONFIG_ADDRESS
{
    (void)state;
    out32(&pci, 0xcf8, 0x80000600); // bits 2 and 1 of CF9 in a dword write: no reset
    out8(&pci, 0xcf9, 0x02);
    assert_int_equal(f.power_reset, 0);
    assert_int_equal(in8(&pci, 0xcf9), 0x02);
    out8(&pci, 0xcf9, 0x06);
    assert_int_equal(f.power_reset, 1);
    assert_int_equal(in32(&pci, 0xcf8), 0x80000600);
    assert_true(fake_save_load(&reset_port));
    assert_true(fake_save_load(&pci));
    assert_int_equal(in32(&pci, 0xcf8), 0x80000600);
}

static void test_port92(void **state)
{
    (void)state;
    assert_true(f.wires[21].level);
    out8(&port92, 0x92, in8(&port92, 0x92) & ~2);
    assert_false(f.wires[21].level);
    assert_true(fake_save_load(&port92));
    assert_false(f.wires[21].level);
    out8(&port92, 0x92, 2);
    assert_true(f.wires[21].level);
    out8(&port92, 0x92, 3);
    assert_int_equal(f.power_reset, 1);
}

static void test_ferr(void **state)
{
    (void)state;
    assert_false(f.wires[13].level);
    ferr_assert(&ferr);
    assert_true(f.wires[13].level);
    assert_int_equal(in8(&ferr, 0xf0), 0xff);
    assert_true(fake_save_load(&ferr));
    assert_true(f.wires[13].level);
    out8(&ferr, 0xf0, 0);
    assert_false(f.wires[13].level);
    ferr_assert(&ferr);
    out8(&ferr, 0xf1, 0);
    assert_false(f.wires[13].level);
}

static void test_debug_ports(void **state)
{
    (void)state;
    out8(&debug, 0x80, 0x5a);
    assert_int_equal(in8(&debug, 0x80), 0x5a);
    assert_int_equal(in8(&debug, 0x402), 0xe9);
    out8(&debug, 0x402, 'A');
    assert_string_equal(f.out, "A");
    out32(&debug, 0xf4, 1234567890);
    assert_string_equal(f.why, "exit code 1234567890");
    out8(&debug, 0xf4, 0);
    assert_string_equal(f.why, "exit code 0");
    assert_int_equal(f.power_off, 2);
    for (const char *p = "ShuShutdow"; *p; p++)
        out8(&debug, 0x8900, (uint8_t)*p);
    assert_int_equal(f.power_off, 2);
    assert_true(fake_save_load(&debug));
    out8(&debug, 0x8900, 'n');
    assert_int_equal(f.power_off, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_linux_probe, setup),
        cmocka_unit_test_setup(test_empty_places, setup),
        cmocka_unit_test_setup(test_function_with_bar, setup),
        cmocka_unit_test_setup(test_bridge_is_read_only, setup),
        cmocka_unit_test_setup(test_reset_port, setup),
        cmocka_unit_test_setup(test_port92, setup),
        cmocka_unit_test_setup(test_ferr, setup),
        cmocka_unit_test_setup(test_debug_ports, setup),
        cmocka_unit_test_setup(test_shadow_memory, setup),
    };
    return cmocka_run_group_tests_name("small devices", tests, NULL, NULL);
}
