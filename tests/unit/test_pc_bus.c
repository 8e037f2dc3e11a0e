// SPDX-License-Identifier: MIT
// sources: vmm-user/bus.c vmm-user/block_ram.c vmm-user/devices/pic8259.c vmm-user/devices/pit8254.c
// sources: vmm-user/devices/rtc_cmos.c vmm-user/devices/uart16550.c vmm-user/devices/i8042.c
// sources: vmm-user/devices/ps2_keyboard.c vmm-user/devices/ps2_mouse.c vmm-user/devices/acpi_pm.c
// sources: vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c vmm-user/devices/port92.c
// sources: vmm-user/devices/debug_ports.c vmm-user/devices/vga.c vmm-user/devices/vga_memory.c
// sources: vmm-user/devices/vga_dispi.c vmm-user/devices/vga_render_text.c vmm-user/devices/ide.c
// sources: vmm-user/devices/ide_state.c vmm-user/devices/ide_dma.c vmm-user/devices/ata_disk.c
// sources: vmm-user/devices/atapi.c vmm-user/devices/atapi_info.c vmm-user/devices/piix3_isa.c
// sources: vmm-user/devices/floppy82077.c vmm-user/devices/floppy_data.c vmm-user/devices/dma8237.c
//
// All chips of a PC on one bus: no two want the same address, and wide accesses reach the right one.
#include "tests/unit/cmocka_all.h"
#include "tests/unit/vga_modes.h"
#include "vmm-user/block_ram.h"
#include "vmm-user/bus.h"
#include "vmm-user/devices/acpi_pm.h"
#include "vmm-user/devices/debug_ports.h"
#include "vmm-user/devices/floppy82077.h"
#include "vmm-user/devices/i8042.h"
#include "vmm-user/devices/ide.h"
#include "vmm-user/devices/pic8259.h"
#include "vmm-user/devices/piix3_isa.h"
#include "vmm-user/devices/pit8254.h"
#include "vmm-user/devices/port92.h"
#include "vmm-user/devices/rtc_cmos.h"
#include "vmm-user/devices/uart16550.h"

static struct {
    struct fake fake;
    struct bus bus;
    struct pic pic;
    struct pit pit;
    struct rtc rtc;
    struct uart uart;
    struct i8042 i8042;
    struct acpi_pm pm;
    struct pci_host pci;
    struct reset_port reset_port;
    struct port92 port92;
    struct debug_ports debug;
    struct vga vga;
    struct ide ide;
    struct piix3_isa isa;
    struct dma8237 dma;
    struct floppy floppy;
} m;

static uint8_t ram[1 << 20], framebuffer[1 << 20], image[100 * 512];
static struct guest_mem mem = {.low = ram, .low_size = sizeof(ram)};
static struct block_ram disk;
static unsigned unclaimed;

static void note_unclaimed(void *ctx, enum io_space space, uint64_t addr, bool write)
{
    (void)ctx, (void)space, (void)addr, (void)write;
    unclaimed++;
}

static int setup(void **state)
{
    (void)state;
    struct clock *clock = &m.fake.clock;
    struct power_backend power = fake_power(&m.fake);
    struct vga_host host = {ram + VGA_MEMORY_BASE, framebuffer, sizeof(framebuffer), NULL, NULL, NULL, NULL};
    fake_init(&m.fake);
    pic_init(&m.pic, clock, fake_line(&m.fake, 31));
    pit_init(&m.pit, clock, fake_line(&m.fake, 0));
    rtc_init(&m.rtc, clock, fake_line(&m.fake, 8));
    uart_init(&m.uart, clock, 0x3f8, fake_line(&m.fake, 4), fake_console(&m.fake));
    i8042_init(&m.i8042, clock,
               (struct i8042_wires){fake_line(&m.fake, 1), fake_line(&m.fake, 12), fake_line(&m.fake, 20), power});
    acpi_pm_init(&m.pm, clock, 0x600, fake_line(&m.fake, 9), power);
    reset_port_init(&m.reset_port, clock, power);
    pci_host_init(&m.pci, clock, &m.reset_port);
    port92_init(&m.port92, clock, fake_line(&m.fake, 21), power);
    debug_ports_init(&m.debug, clock, fake_console(&m.fake), power);
    vga_init(&m.vga, clock, &host);
    ide_init(&m.ide, clock, &mem, fake_line(&m.fake, 14), fake_line(&m.fake, 15));
    piix3_isa_init(&m.isa, clock);
    dma_init(&m.dma, clock, &mem);
    floppy_init(&m.floppy, clock, &m.dma, fake_line(&m.fake, 6));
    block_ram_init(&disk, BLOCK_DISK, image, sizeof(image), NULL, NULL);
    assert_true(ide_attach(&m.ide, 0, 0, &disk.backend));
    assert_true(piix3_isa_plug(&m.isa, &m.pci, 1 << 3));
    assert_true(ide_plug(&m.ide, &m.pci, 1 << 3 | 1));
    assert_true(vga_plug(&m.vga, &m.pci, 2 << 3));
    bus_init(&m.bus, note_unclaimed, NULL);
    struct device *const chips[] = {
        &m.pic.dev,    &m.pit.dev,   &m.rtc.dev, &m.uart.dev, &m.i8042.dev, &m.pm.dev,  &m.pci.dev,
        &m.port92.dev, &m.debug.dev, &m.vga.dev, &m.ide.dev,  &m.isa.dev,   &m.dma.dev, &m.floppy.dev,
    };
    for (unsigned i = 0; i < sizeof(chips) / sizeof(chips[0]); i++)
        assert_true(bus_add(&m.bus, chips[i]));
    unclaimed = 0;
    return 0;
}

static void test_accesses(void **state)
{
    (void)state;
    vga_set_mode(&m.vga, &mode_03);
    bus_mmio_write(&m.bus, 0xb8000, 8, 0x0744074307420741);
    assert_memory_equal(ram + 0xb8000, "A\7B\7C\7D\7", 8);
    bus_mmio_write(&m.bus, VGA_LFB_BASE + 16, 8, 0x1122334455667788);
    assert_int_equal(framebuffer[16], 0x88);
    bus_port_write(&m.bus, 0x3c4, 2, 0x0f02); // index and data
    assert_int_equal(m.vga.seq[2], 0x0f);
    bus_port_write(&m.bus, 0x1ce, 2, 10);
    assert_int_equal(bus_port_read(&m.bus, 0x1cf, 2), 16);
    image[0] = 0x12, image[1] = 0x34, image[2] = 0x56, image[3] = 0x78;
    bus_port_write(&m.bus, 0x1f6, 1, 0xe0);
    bus_port_write(&m.bus, 0x1f2, 1, 1);
    for (uint16_t port = 0x1f3; port < 0x1f6; port++)
        bus_port_write(&m.bus, port, 1, 0);
    bus_port_write(&m.bus, 0x1f7, 1, ATA_CMD_READ);
    assert_int_equal(bus_port_read(&m.bus, 0x1f0, 4), 0x78563412);
    assert_int_equal(bus_port_read(&m.bus, 0x3f6, 1), 0x58);
    assert_int_equal(bus_port_read(&m.bus, 0x3f4, 2), 0xff00); // two byte registers of the floppy controller
    assert_int_equal(unclaimed, 0);
    bus_port_read(&m.bus, 0x201, 1); // the game port is absent
    bus_mmio_read(&m.bus, 0xc0000, 4);
    assert_int_equal(unclaimed, 2);
    bus_reset(&m.bus);
    assert_int_equal(vga_mode(&m.vga).kind, VGA_BLANK);
}

static void test_limits(void **state)
{
    (void)state;
    static const struct device_ops ops = {.name = "other"};
    struct device other;
    device_init(&other, &ops, &m.fake.clock);
    device_add_range(&other, IO_PORT, 0x1f4, 1); // taken
    assert_false(bus_add(&m.bus, &other));
    device_init(&other, &ops, &m.fake.clock);
    device_add_range(&other, IO_MMIO, VGA_LFB_BASE + sizeof(framebuffer) - 1, 2); // overlaps
    assert_false(bus_add(&m.bus, &other));
    device_init(&other, &ops, &m.fake.clock);
    device_add_range(&other, IO_MMIO, VGA_LFB_BASE + sizeof(framebuffer), 2);
    assert_true(bus_add(&m.bus, &other));
    unsigned added = 0;
    for (; added <= BUS_WINDOWS; added++) { // more windows than the bus has
        device_init(&other, &ops, &m.fake.clock);
        device_add_range(&other, IO_MMIO, 0xd0000000 + added * 0x10000ull, 4096);
        if (!bus_add(&m.bus, &other))
            break;
    }
    assert_int_equal(m.bus.window_count, BUS_WINDOWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_accesses, setup),
        cmocka_unit_test_setup(test_limits, setup),
    };
    return cmocka_run_group_tests_name("pc bus", tests, NULL, NULL);
}
