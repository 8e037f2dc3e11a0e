// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/ide.c vmm-user/devices/ide_state.c vmm-user/devices/ide_dma.c
// sources: vmm-user/devices/ata_disk.c vmm-user/devices/atapi.c vmm-user/devices/atapi_info.c
// sources: vmm-user/devices/piix3_isa.c vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c
// sources: vmm-user/block_ram.c
#include "tests/unit/ide_board.h"

static void test_dma(void **state)
{
    (void)state;
    uint8_t back[4 * 512];
    prd(0, 0x20000, 512, false), prd(1, 0x30002, 1024, false), prd(2, 0x40000, 512, true);
    task(0, 4, 50, 0xe0, false);
    assert_int_equal(dma(ATA_CMD_READ_DMA, true), BM_STATUS_INTR);
    assert_true(f.wires[14].level);
    assert_int_equal(wait_ready(), 0x50);
    assert_memory_equal(ram + 0x20000, disk_file + 50 * 512, 512);
    assert_memory_equal(ram + 0x30002, disk_file + 51 * 512, 1024);
    assert_memory_equal(ram + 0x40000, disk_file + 53 * 512, 512);
    assert_int_equal(in8(&ide, IDE_BM_PORT + BM_STATUS), 0);
    memset(ram + 0x30002, 0x77, 1024);
    task(0, 4, 60, 0x40, true);
    assert_int_equal(dma(ATA_CMD_WRITE_DMA_EXT, false), BM_STATUS_INTR);
    assert_int_equal(wait_ready(), 0x50);
    task(0, 4, 60, 0xe0, false);
    read_pio(ATA_CMD_READ, 4, 1, back);
    assert_memory_equal(back, ram + 0x20000, 512);
    assert_memory_equal(back + 512, ram + 0x30002, 1024);
    prd(0, 0x20000, 0, true); // 64 KiB for 128 sectors
    task(0, 128, 1000, 0xe0, false);
    assert_int_equal(dma(ATA_CMD_READ_DMA, true), BM_STATUS_INTR);
    assert_memory_equal(ram + 0x20000, disk_file + 1000 * 512, 65536);
    wait_ready();
    task(0, 1, 9, 0xe0, false); // more room than data
    assert_int_equal(dma(ATA_CMD_READ_DMA, true), BM_STATUS_INTR | BM_STATUS_ACTIVE);
    assert_int_equal(wait_ready(), 0x50);
}

static void test_dma_errors(void **state)
{
    (void)state;
    prd(0, RAM_SIZE - 512, 1024, true); // over the end of memory
    task(0, 2, 0, 0xe0, false);
    assert_int_equal(dma(ATA_CMD_READ_DMA, true), BM_STATUS_ERROR | BM_STATUS_INTR);
    assert_int_equal(wait_ready(), 0x51);
    assert_int_equal(in8(&ide, 0x1f1), ATA_ERROR_ABRT);
    prd(0, RAM_SIZE - 1024, 1024, true); // to its end
    task(0, 2, 0, 0xe0, false);
    assert_int_equal(dma(ATA_CMD_READ_DMA, true), BM_STATUS_INTR);
    assert_memory_equal(ram + RAM_SIZE - 1024, disk_file, 1024);
    wait_ready();
    mem.read_only = 0xf000;
    ram[0xefe00] = ram[0xf0000] = 0x5a;
    prd(0, 0xefe00, 1024, true); // the BIOS is read-only, and no error
    task(0, 2, 0, 0xe0, false);
    assert_int_equal(dma(ATA_CMD_READ_DMA, true), BM_STATUS_INTR);
    assert_memory_equal(ram + 0xefe00, disk_file, 512);
    assert_int_equal(ram[0xf0000], 0x5a);
    mem.read_only = 0;
    wait_ready();
    prd(0, 0xfffff000, 0, true);
    task(0, 2, 0, 0xe0, false);
    assert_int_equal(dma(ATA_CMD_WRITE_DMA, false), BM_STATUS_ERROR | BM_STATUS_INTR);
    wait_ready();
    task(0, 1, 0, 0xe0, false); // the table itself is nowhere
    out32(&ide, IDE_BM_PORT + BM_PRD, 0xfffffffc);
    out8(&ide, IDE_BM_PORT + BM_STATUS, 6);
    command(ATA_CMD_READ_DMA);
    out8(&ide, IDE_BM_PORT, 9);
    assert_true(in8(&ide, IDE_BM_PORT + BM_STATUS) & BM_STATUS_ERROR);
    out8(&ide, IDE_BM_PORT, 0);
    assert_int_equal(wait_ready(), 0x51);
    prd(0, 0x20000, 512, true); // a table that is too short: the drive waits, and goes on with another
    task(0, 2, 5, 0xe0, false);
    assert_int_equal(dma(ATA_CMD_READ_DMA, true), 0);
    assert_int_equal(in8(&ide, 0x3f6), 0x58);
    prd(0, 0x30000, 512, true);
    out8(&ide, IDE_BM_PORT, 9);
    assert_int_equal(in8(&ide, IDE_BM_PORT + BM_STATUS), BM_STATUS_INTR);
    assert_memory_equal(ram + 0x20000, disk_file + 5 * 512, 512);
    assert_memory_equal(ram + 0x30000, disk_file + 6 * 512, 512);
    wait_ready();
    out8(&ide, IDE_BM_PORT, 0);
    pci_config_write(&pci, 0, 9, 4, 2, 1); // no bus master: nothing moves until there is one
    task(0, 1, 5, 0xe0, false);
    out8(&ide, IDE_BM_PORT + BM_STATUS, 6);
    command(ATA_CMD_READ_DMA);
    out8(&ide, IDE_BM_PORT, 9);
    assert_int_equal(in8(&ide, IDE_BM_PORT + BM_STATUS), BM_STATUS_ACTIVE);
    pci_config_write(&pci, 0, 9, 4, 2, 5);
    assert_int_equal(in8(&ide, IDE_BM_PORT + BM_STATUS), BM_STATUS_INTR);
    pci_config_write(&pci, 0, 9, 0x20, 4, 0xffffffff);
    assert_int_equal(pci_config_read(&pci, 0, 9, 0x20, 4), 0xfff1);
    assert_int_equal(in8(&ide, IDE_BM_PORT), 0xff); // its place has moved
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_dma),
        T(test_dma_errors),
    };
    return cmocka_run_group_tests_name("ide dma", tests, NULL, NULL);
}
