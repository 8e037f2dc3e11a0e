// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/ide.c vmm-user/devices/ide_state.c vmm-user/devices/ide_dma.c
// sources: vmm-user/devices/ata_disk.c vmm-user/devices/atapi.c vmm-user/devices/atapi_info.c
// sources: vmm-user/devices/piix3_isa.c vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c
// sources: vmm-user/block_ram.c
#include "tests/unit/ide_board.h"

// ---- ATAPI

static uint8_t packet(const uint8_t bytes[12], unsigned limit, uint8_t *to, unsigned *got) // by PIO
{
    *got = 0;
    out8(&ide, 0x176, 0xa0);
    out8(&ide, 0x171, 0);
    out8(&ide, 0x174, (uint8_t)limit), out8(&ide, 0x175, (uint8_t)(limit >> 8));
    out8(&ide, 0x177, ATA_CMD_PACKET);
    assert_int_equal(in8(&ide, 0x177) & 0x88, ATA_STATUS_DRQ);
    assert_int_equal(in8(&ide, 0x172) & 3, ATA_REASON_COMMAND);
    for (unsigned i = 0; i < 6; i++)
        out16(&ide, 0x170, (uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8));
    for (;;) {
        assert_true(f.wires[15].level);
        uint8_t status = in8(&ide, 0x177);
        unsigned reason = in8(&ide, 0x172) & 3, n = in8(&ide, 0x174) | in8(&ide, 0x175) << 8;
        if (!(status & ATA_STATUS_DRQ)) {
            assert_int_equal(reason, 3);
            return status & ATA_STATUS_ERR ? in8(&ide, 0x171) >> 4 : 0;
        }
        assert_int_equal(reason, ATA_REASON_IN);
        assert_in_range(n, 1, limit);
        ide_data_read(&ide, 0x170, 2, (n + 1) / 2, to + *got);
        *got += n;
    }
}

static unsigned sense(void)
{
    uint8_t reply[64];
    unsigned n;
    assert_int_equal(packet((const uint8_t[12]){0x03, [4] = 18}, 0xfffe, reply, &n), 0);
    assert_int_equal(n, 18);
    return reply[2] << 8 | reply[12];
}

static void test_atapi_identify(void **state)
{
    (void)state;
    uint16_t words[256];
    base = 0x170;
    task(0, 0, 0, 0xa0, false);
    expect_error(ATA_CMD_IDENTIFY, ATA_ERROR_ABRT);
    assert_int_equal(in8(&ide, 0x174), 0x14);
    assert_int_equal(in8(&ide, 0x175), 0xeb);
    read_pio(ATA_CMD_IDENTIFY_PACKET, 1, 1, (uint8_t *)words);
    assert_int_equal(words[0], 0x85c0);
    command(ATA_CMD_DEVICE_RESET);
    assert_int_equal(in8(&ide, 0x177), 0);
    expect_error(ATA_CMD_READ_DMA, ATA_ERROR_ABRT);
    base = 0x1f0;
}

static void test_atapi_read(void **state)
{
    (void)state;
    static uint8_t buffer[CD_SECTORS * 2048 + 8];
    unsigned n;
    assert_int_equal(packet((const uint8_t[12]){0x00}, 0xfffe, buffer, &n), 0);
    assert_int_equal(packet((const uint8_t[12]){0x12, [4] = 36}, 0xfffe, buffer, &n), 0);
    assert_int_equal(n, 36);
    assert_int_equal(buffer[0], 5);
    assert_memory_equal(buffer + 8, "MICA    Mica virtual CD ", 24);
    assert_int_equal(packet((const uint8_t[12]){0x12, [4] = 5}, 0xfffe, buffer, &n), 0);
    assert_int_equal(n, 5); // an odd size
    assert_int_equal(packet((const uint8_t[12]){0x25}, 8, buffer, &n), 0);
    assert_memory_equal(buffer, "\0\0\0\x3f\0\0\x08\0", 8);
    assert_int_equal(packet((const uint8_t[12]){0x28, [5] = 3, [8] = 20}, 2048, buffer, &n), 0);
    assert_int_equal(n, 20 * 2048);
    assert_memory_equal(buffer, cd_file + 3 * 2048, n);
    assert_int_equal(packet((const uint8_t[12]){0xa8, [9] = CD_SECTORS}, 3000, buffer, &n), 0);
    assert_memory_equal(buffer, cd_file, sizeof(cd_file));
    assert_int_equal(packet((const uint8_t[12]){0x28}, 2048, buffer, &n), 0); // nothing
    assert_int_equal(packet((const uint8_t[12]){0x28, [5] = 63, [8] = 2}, 2048, buffer, &n), 5);
    assert_int_equal(sense(), 0x0521);
    assert_int_equal(sense(), 0);
    assert_int_equal(packet((const uint8_t[12]){0xa8, [6] = 0xff, 0xff, 0xff, 0xff}, 2048, buffer, &n), 5);
    assert_int_equal(packet((const uint8_t[12]){0xde}, 2048, buffer, &n), 5);
    assert_int_equal(sense(), 0x0520);
}

static void test_atapi_toc(void **state)
{
    (void)state;
    static uint8_t buffer[1024];
    unsigned n;
    assert_int_equal(packet((const uint8_t[12]){0x43, [8] = 100}, 0xfffe, buffer, &n), 0);
    assert_int_equal(n, 20);
    assert_memory_equal(buffer, "\0\x12\1\1\0\x14\1\0\0\0\0\0\0\x14\xaa\0\0\0\0\x40", 20);
    assert_int_equal(packet((const uint8_t[12]){0x43, 2, [6] = 0xaa, [8] = 100}, 0xfffe, buffer, &n), 0);
    assert_int_equal(n, 12);
    assert_memory_equal(buffer + 8, "\0\0\x02\x40", 4); // frame 150 + 64
    assert_int_equal(packet((const uint8_t[12]){0x43, [6] = 2, [8] = 100}, 0xfffe, buffer, &n), 5);
    assert_int_equal(packet((const uint8_t[12]){0x43, 2, 2, [8] = 100}, 0xfffe, buffer, &n), 0);
    assert_int_equal(n, 48);
    assert_int_equal(packet((const uint8_t[12]){0x5a, [2] = 0x2a, [8] = 128}, 0xfffe, buffer, &n), 0);
    assert_int_equal(n, 28);
    assert_int_equal(buffer[8], 0x2a);
    assert_int_equal(packet((const uint8_t[12]){0x5a, [2] = 0x3f, [8] = 10}, 0xfffe, buffer, &n), 0);
    assert_int_equal(n, 10);
    assert_int_equal(packet((const uint8_t[12]){0x46, 2, [8] = 20}, 0xfffe, buffer, &n), 0);
    assert_int_equal(buffer[7], 8); // CD-ROM
    assert_int_equal(packet((const uint8_t[12]){0x46, [7] = 2}, 0xfffe, buffer, &n), 0);
    assert_int_equal(n, buffer[3] + 4);
    assert_int_equal(packet((const uint8_t[12]){0x4a, 1, [4] = 0x10, [8] = 8}, 0xfffe, buffer, &n), 0);
    assert_int_equal(buffer[5], 2);
}

static void test_atapi_disc_change(void **state)
{
    (void)state;
    static uint8_t buffer[4096];
    static struct block_ram empty;
    unsigned n;
    block_ram_init(&empty, BLOCK_CD, NULL, 0, NULL, NULL);
    ide_change_disc(&ide, 1, 0, &empty.backend);
    assert_int_equal(packet((const uint8_t[12]){0x00}, 0xfffe, buffer, &n), 2);
    assert_int_equal(sense(), 0x023a);
    assert_int_equal(packet((const uint8_t[12]){0x28, [8] = 1}, 0xfffe, buffer, &n), 2);
    ide_change_disc(&ide, 1, 0, &cd.backend);
    assert_int_equal(packet((const uint8_t[12]){0x00}, 0xfffe, buffer, &n), 6);
    assert_int_equal(sense(), 0x0628);
    assert_int_equal(packet((const uint8_t[12]){0x00}, 0xfffe, buffer, &n), 0);
}

static void test_atapi_dma(void **state)
{
    (void)state;
    const uint8_t bytes[12] = {0x28, [5] = 1, [8] = 2};
    prd(0, 0x20000, 4096, true);
    out8(&ide, 0x171, 1);
    out8(&ide, 0x177, ATA_CMD_PACKET);
    ide_data_write(&ide, 0x170, 2, 6, bytes);
    assert_false(f.wires[15].level);
    out32(&ide, IDE_BM_PORT + 8 + BM_PRD, 0x1000);
    out8(&ide, IDE_BM_PORT + 8, 9);
    assert_true(f.wires[15].level);
    assert_int_equal(in8(&ide, IDE_BM_PORT + 8 + BM_STATUS), BM_STATUS_INTR);
    assert_int_equal(in8(&ide, 0x172) & 3, 3);
    assert_memory_equal(ram + 0x20000, cd_file + 2048, 4096);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_atapi_identify), T(test_atapi_read), T(test_atapi_toc), T(test_atapi_disc_change), T(test_atapi_dma),
    };
    return cmocka_run_group_tests_name("atapi", tests, NULL, NULL);
}
