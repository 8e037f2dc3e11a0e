// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/ide.c vmm-user/devices/ide_state.c vmm-user/devices/ide_dma.c
// sources: vmm-user/devices/ata_disk.c vmm-user/devices/atapi.c vmm-user/devices/atapi_info.c
// sources: vmm-user/devices/piix3_isa.c vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c
// sources: vmm-user/block_ram.c
#include "tests/unit/ide_board.h"

static bool device_check(unsigned drive) // ata_devchk
{
    out8(&ide, base + 6, (uint8_t)(0xa0 | drive << 4));
    out8(&ide, base + 2, 0x55), out8(&ide, base + 3, 0xaa);
    out8(&ide, base + 2, 0xaa), out8(&ide, base + 3, 0x55);
    out8(&ide, base + 2, 0x55), out8(&ide, base + 3, 0xaa);
    return in8(&ide, base + 2) == 0x55 && in8(&ide, base + 3) == 0xaa;
}

static void test_linux_probe(void **state)
{
    (void)state;
    static const uint16_t control[2] = {0x3f6, 0x376}, bases[2] = {0x1f0, 0x170}, signature[2] = {0, 0xeb14};
    assert_int_equal(pci_config_read(&pci, 0, 9, 0, 4), 0x70108086);
    assert_int_equal(pci_config_read(&pci, 0, 9, 8, 4) >> 8, 0x010180);
    assert_int_equal(pci_config_read(&pci, 0, 9, 0x20, 4), IDE_BM_PORT | 1);
    assert_true(pci_config_read(&pci, 0, 9, 0x41, 1) & 0x80); // piix_enable_bits
    assert_true(pci_config_read(&pci, 0, 9, 0x43, 1) & 0x80);
    for (unsigned c = 0; c < 2; c++) {
        base = bases[c];
        assert_true(device_check(0));
        assert_false(device_check(1));
        out8(&ide, control[c], 0x08), out8(&ide, control[c], 0x0c);
        assert_true(in8(&ide, control[c]) & ATA_STATUS_BSY);
        out8(&ide, control[c], 0x08);
        out8(&ide, base + 6, 0xb0);
        assert_int_equal(in8(&ide, base + 7), 0); // nobody
        out8(&ide, base + 6, 0xa0);
        assert_int_equal(in8(&ide, base + 1), 1);
        assert_int_equal(in8(&ide, base + 2), 1);
        assert_int_equal(in8(&ide, base + 3), 1);
        assert_int_equal(in8(&ide, base + 4) | in8(&ide, base + 5) << 8, signature[c]);
    }
    base = 0x1f0;
}

static void text_of(const uint16_t *words, unsigned first, unsigned n, char *text)
{
    for (unsigned i = 0; i < n; i++) {
        text[2 * i] = (char)(words[first + i] >> 8);
        text[2 * i + 1] = (char)words[first + i];
    }
    text[2 * n] = 0;
}

static void test_identify(void **state)
{
    (void)state;
    uint16_t words[256];
    char text[64];
    task(0, 0, 0, 0xa0, false);
    read_pio(ATA_CMD_IDENTIFY, 1, 1, (uint8_t *)words);
    assert_int_equal(words[0], 0x0040);
    assert_int_equal(words[1], DISK_SIZE / 512 / 16 / 63);
    assert_int_equal(words[3], 16);
    assert_int_equal(words[6], 63);
    assert_int_equal(words[60] | words[61] << 16, DISK_SIZE / 512);
    assert_int_equal(words[100] | words[101] << 16, DISK_SIZE / 512);
    assert_int_equal(words[47], 0x8010);
    assert_int_equal(words[83] & 0xc400, 0x4400); // LBA48
    text_of(words, 27, 20, text);
    assert_int_equal(strncmp(text, "Mica virtual disk   ", 20), 0);
    text_of(words, 10, 10, text);
    assert_string_equal(text, "MICA0000000000000001");
    task(ATA_FEATURE_TRANSFER_MODE, 0x45, 0, 0xa0, false); // UDMA 5
    command(ATA_CMD_SET_FEATURES);
    assert_int_equal(wait_ready(), 0x50);
    task(0, 0, 0, 0xa0, false);
    read_pio(ATA_CMD_IDENTIFY, 1, 1, (uint8_t *)words);
    assert_int_equal(words[88], 0x203f);
    assert_int_equal(words[63], 0x0007);
    task(ATA_FEATURE_TRANSFER_MODE, 0x4f, 0, 0xa0, false);
    expect_error(ATA_CMD_SET_FEATURES, ATA_ERROR_ABRT);
    task(0x99, 0, 0, 0xa0, false);
    expect_error(ATA_CMD_SET_FEATURES, ATA_ERROR_ABRT);
}

static void test_read(void **state)
{
    (void)state;
    static uint8_t buffer[256 * 512];
    task(0, 3, 100, 0xe0, false);
    read_pio(ATA_CMD_READ, 3, 1, buffer);
    assert_memory_equal(buffer, disk_file + 100 * 512, 3 * 512);
    assert_int_equal(in8(&ide, 0x1f2), 0);
    assert_int_equal(in8(&ide, 0x1f3), 102);
    task(0, 0, 7, 0xe0, false); // 0 is 256
    read_pio(ATA_CMD_READ, 256, 1, buffer);
    assert_memory_equal(buffer, disk_file + 7 * 512, sizeof(buffer));
    task(0, 255, 0, 0xe0, false);
    read_pio(ATA_CMD_READ_MULTIPLE, 255, 16, buffer);
    assert_memory_equal(buffer, disk_file, 255 * 512);
    task(0, 0x101, 1000, 0x40, true);
    static uint8_t big[257 * 512];
    read_pio(ATA_CMD_READ_EXT, 257, 1, big);
    assert_memory_equal(big, disk_file + 1000 * 512, sizeof(big));
    task(0, 1, 1 | 2 << 8, 0xa3, false); // CHS 2/3/1
    read_pio(ATA_CMD_READ, 1, 1, buffer);
    assert_memory_equal(buffer, disk_file + (2 * 16 + 3) * 63 * 512, 512);
    task(0, 63, 0, 0xa4, false); // 5 heads, 63 sectors per track
    command(ATA_CMD_INIT_PARAMETERS);
    assert_int_equal(wait_ready(), 0x50);
    task(0, 2, 63 | 2 << 8, 0xa4, false); // the last sector of a cylinder
    read_pio(ATA_CMD_READ, 2, 1, buffer);
    assert_memory_equal(buffer, disk_file + ((2 * 5 + 4) * 63 + 62) * 512, 1024);
    assert_int_equal(in8(&ide, 0x1f3), 1); // cylinder 3, head 0, sector 1
    assert_int_equal(in8(&ide, 0x1f4), 3);
    assert_int_equal(in8(&ide, 0x1f6) & 15, 0);
}

static void test_errors(void **state)
{
    (void)state;
    task(0, 1, DISK_LAST + 1, 0xe0, false);
    expect_error(ATA_CMD_READ, ATA_ERROR_IDNF);
    task(0, 2, DISK_LAST, 0xe0, false);
    expect_error(ATA_CMD_READ, ATA_ERROR_IDNF);
    task(0, 0, DISK_LAST - 254, 0xe0, false); // 256
    expect_error(ATA_CMD_READ_DMA, ATA_ERROR_IDNF);
    task(0, 0, 0, 0x40, true); // 65536
    expect_error(ATA_CMD_READ_EXT, ATA_ERROR_IDNF);
    task(0, 1, 0xffffffffffff, 0x40, true);
    expect_error(ATA_CMD_WRITE_EXT, ATA_ERROR_IDNF);
    task(0, 1, 0, 0xa0, false); // sector 0 of CHS
    expect_error(ATA_CMD_READ, ATA_ERROR_IDNF);
    task(0, 1, 64, 0xa0, false);
    expect_error(ATA_CMD_VERIFY, ATA_ERROR_IDNF);
    task(0, 3, 0, 0xe0, false); // no power of two
    expect_error(ATA_CMD_SET_MULTIPLE, ATA_ERROR_ABRT);
    task(0, 0, 0, 0xe0, false);
    command(ATA_CMD_SET_MULTIPLE);
    assert_int_equal(wait_ready(), 0x50);
    expect_error(ATA_CMD_READ_MULTIPLE, ATA_ERROR_ABRT);
    expect_error(0x5a, ATA_ERROR_ABRT);
    expect_error(ATA_CMD_NOP, ATA_ERROR_ABRT);
    expect_error(ATA_CMD_PACKET, ATA_ERROR_ABRT);
    task(0, 1, DISK_LAST, 0xe0, false);
    command(ATA_CMD_VERIFY);
    assert_int_equal(wait_ready(), 0x50);
    command(ATA_CMD_READ_MAX);
    assert_int_equal(wait_ready(), 0x50);
    assert_int_equal(in8(&ide, 0x1f3) | in8(&ide, 0x1f4) << 8, DISK_LAST & 0xffff);
    disk.backend.read_only = true;
    task(0, 1, 0, 0xe0, false);
    expect_error(ATA_CMD_WRITE, ATA_ERROR_ABRT);
    assert_int_equal(in16(&ide, 0x1f0), 0); // no data is waiting
    out16(&ide, 0x1f0, 1);
}

static void test_write(void **state)
{
    (void)state;
    static uint8_t buffer[40 * 512], back[40 * 512];
    for (unsigned i = 0; i < sizeof(buffer); i++)
        buffer[i] = (uint8_t)(i * 13);
    task(0, 40, 200, 0xe0, false);
    command(ATA_CMD_WRITE_MULTIPLE);
    assert_false(f.wires[14].level); // none for the first block
    for (unsigned done = 0; done < 40;) {
        unsigned n = 40 - done < 16 ? 40 - done : 16;
        assert_int_equal(wait_ready(), 0x58);
        ide_data_write(&ide, 0x1f0, 4, n * 128, buffer + done * 512);
        assert_true(f.wires[14].level);
        done += n;
    }
    assert_int_equal(wait_ready(), 0x50);
    task(0, 1, 300, 0xe0, false);
    command(ATA_CMD_WRITE);
    for (unsigned i = 0; i < 256; i++)
        out16(&ide, 0x1f0, (uint16_t)(0xff00 + i));
    assert_int_equal(wait_ready(), 0x50);
    task(0, 40, 200, 0xe0, false);
    read_pio(ATA_CMD_READ_MULTIPLE, 40, 16, back);
    assert_memory_equal(back, buffer, sizeof(buffer));
    assert_int_equal(disk_file[200 * 512], (uint8_t)(200 + 200 * 512)); // the file is as it was
    command(ATA_CMD_FLUSH);
    assert_int_equal(wait_ready(), 0x50);
}

static void test_reset_in_the_middle(void **state)
{
    (void)state;
    task(0, 4, 0, 0xe0, false);
    command(ATA_CMD_READ);
    in16(&ide, 0x1f0);
    out8(&ide, 0x3f6, 4);
    command(ATA_CMD_READ); // not in reset
    out8(&ide, 0x3f6, 2);
    assert_int_equal(wait_ready(), 0x50);
    assert_int_equal(in8(&ide, 0x1f1), 1);
    assert_false(f.wires[14].level);
    command(ATA_CMD_IDENTIFY); // nIEN: no interrupt
    assert_false(f.wires[14].level);
    assert_int_equal(wait_ready(), 0x58);
    command(ATA_CMD_READ); // ignored while data waits
    assert_int_equal(in16(&ide, 0x1f0), 0x0040);
    out8(&ide, 0x3f6, 0);
    command(ATA_CMD_DIAGNOSTIC);
    assert_true(f.wires[14].level);
    assert_int_equal(wait_ready(), 0x50);
}

// ---- the rest

static void test_attach(void **state)
{
    (void)state;
    struct block_ram small, floppy;
    block_ram_init(&small, BLOCK_DISK, disk_file, 0, NULL, NULL);
    block_ram_init(&floppy, BLOCK_FLOPPY, disk_file, 1474560, NULL, NULL);
    assert_false(ide_attach(&ide, 0, 0, &disk.backend)); // taken
    assert_false(ide_attach(&ide, 0, 1, &small.backend));
    assert_false(ide_attach(&ide, 0, 1, &floppy.backend));
    assert_false(ide_attach(&ide, 2, 0, &disk.backend));
    block_ram_init(&small, BLOCK_DISK, disk_file, 700, NULL, NULL); // two sectors, the second cut off
    assert_true(ide_attach(&ide, 0, 1, &small.backend));
    uint8_t buffer[1024];
    task(0, 2, 0, 0xf0, false);
    read_pio(ATA_CMD_READ, 2, 1, buffer);
    assert_int_equal(buffer[699], disk_file[699]);
    assert_int_equal(buffer[700], 0);
    task(0, 1, 2, 0xf0, false);
    expect_error(ATA_CMD_READ, ATA_ERROR_IDNF);
}

static bool save_load(void) // the state is larger than what fake_save_load takes
{
    static uint8_t saved[40000], again[40000];
    struct state s = {.at = saved, .end = saved + sizeof(saved)};
    device_save(&ide.dev, &s);
    size_t size = (size_t)(s.at - saved);
    ide.dev.ops->reset(&ide.dev);
    struct state l = {.at = saved, .end = saved + size}, s2 = {.at = again, .end = again + sizeof(again)};
    device_load(&ide.dev, &l);
    device_save(&ide.dev, &s2);
    struct state cut = {.at = saved, .end = saved + size / 2};
    bool same = !s.error && !l.error && l.at == l.end && !memcmp(saved, again, size);
    device_load(&ide.dev, &cut);
    struct state back = {.at = saved, .end = saved + size};
    device_load(&ide.dev, &back);
    return same && cut.error && !back.error;
}

static void test_state(void **state)
{
    (void)state;
    static uint8_t buffer[512], rest[512 * 39];
    task(0, 40, 70, 0xe0, false);
    command(ATA_CMD_READ_MULTIPLE);
    read_words(buffer, 256);
    assert_true(save_load()); // in the middle of a block
    assert_true(f.wires[14].level);
    for (unsigned at = 0; at < sizeof(rest);) {
        unsigned n = at == 0 ? 15 * 512 : sizeof(rest) - at < 16 * 512 ? (unsigned)sizeof(rest) - at : 16 * 512;
        ide_data_read(&ide, 0x1f0, 2, n / 2, rest + at);
        at += n;
    }
    assert_memory_equal(buffer, disk_file + 70 * 512, 512);
    assert_memory_equal(rest, disk_file + 71 * 512, sizeof(rest));
    assert_int_equal(wait_ready(), 0x50);
}

static void test_isa_bridge(void **state)
{
    (void)state;
    struct piix3_isa isa;
    piix3_isa_init(&isa, &f.clock);
    assert_true(piix3_isa_plug(&isa, &pci, 1 << 3));
    assert_int_equal(pci_config_read(&pci, 0, 8, 0, 4), 0x70008086);
    assert_int_equal(pci_config_read(&pci, 0, 8, 0x0e, 1), 0x80);
    assert_int_equal(pci_config_read(&pci, 0, 8, 0x62, 1), PIIX3_PIRQ_OFF);
    pci_config_write(&pci, 0, 8, 0x62, 1, 0x0b);
    assert_true(fake_save_load(&isa));
    assert_int_equal(pci_config_read(&pci, 0, 8, 0x62, 1), 0x0b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_linux_probe),         T(test_identify), T(test_read),  T(test_errors),     T(test_write),
        T(test_reset_in_the_middle), T(test_attach),   T(test_state), T(test_isa_bridge),
    };
    return cmocka_run_group_tests_name("ide", tests, NULL, NULL);
}
