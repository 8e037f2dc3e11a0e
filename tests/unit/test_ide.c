// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/ide.c vmm-user/devices/ide_state.c vmm-user/devices/ide_dma.c vmm-user/devices/ata_disk.c
// sources: vmm-user/devices/atapi.c vmm-user/devices/atapi_info.c vmm-user/devices/piix3_isa.c
// sources: vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c vmm-user/block_ram.c
#include "tests/unit/cmocka_all.h"
#include <stdlib.h>
#include "tests/unit/fake_machine.h"
#include "vmm-user/block_ram.h"
#include "vmm-user/devices/ide.h"
#include "vmm-user/devices/piix3_isa.h"

#define RAM_SIZE   (2 << 20)
#define DISK_SIZE  (300 * 512 * 63)
#define DISK_LAST  (300 * 63 - 1)
#define CD_SECTORS 64

static struct fake f;
static struct ide ide;
static struct pci_host pci;
static struct guest_mem mem;
static uint8_t ram[RAM_SIZE], disk_file[DISK_SIZE], cd_file[CD_SECTORS * 2048];
static struct block_ram disk, cd;
static void *pages[1024];
static unsigned page_count;

static void *page_alloc(void *ctx)
{
    (void)ctx;
    return page_count < 1024 ? pages[page_count++] = calloc(1, BLOCK_RAM_PAGE) : NULL;
}

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    memset(ram, 0, sizeof(ram));
    mem = (struct guest_mem){.low = ram, .low_size = sizeof(ram)};
    for (unsigned i = 0; i < DISK_SIZE; i++)
        disk_file[i] = (uint8_t)(i / 512 + i);
    for (unsigned i = 0; i < sizeof(cd_file); i++)
        cd_file[i] = (uint8_t)(i / 2048 * 3 + i);
    block_ram_init(&disk, BLOCK_DISK, disk_file, sizeof(disk_file), page_alloc, NULL);
    block_ram_init(&cd, BLOCK_CD, cd_file, sizeof(cd_file), page_alloc, NULL);
    ide_init(&ide, &f.clock, &mem, fake_line(&f, 14), fake_line(&f, 15));
    assert_true(ide_attach(&ide, 0, 0, &disk.backend));
    assert_true(ide_attach(&ide, 1, 0, &cd.backend));
    pci_host_init(&pci, &f.clock, NULL);
    assert_true(ide_plug(&ide, &pci, 1 << 3 | 1));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    while (page_count)
        free(pages[--page_count]);
    return 0;
}

// ---- a driver

static uint16_t base = 0x1f0;

static uint8_t wait_ready(void)
{
    uint8_t status = in8(&ide, base + 7);
    assert_false(status & ATA_STATUS_BSY);
    return status;
}

static void task(uint8_t features, unsigned count, uint64_t lba, uint8_t device, bool ext)
{
    out8(&ide, base + 6, device);
    if (ext) {
        out8(&ide, base + 1, 0);
        out8(&ide, base + 2, (uint8_t)(count >> 8));
        for (unsigned i = 0; i < 3; i++)
            out8(&ide, (uint16_t)(base + 3 + i), (uint8_t)(lba >> (24 + 8 * i)));
    }
    out8(&ide, base + 1, features);
    out8(&ide, base + 2, (uint8_t)count);
    for (unsigned i = 0; i < 3; i++)
        out8(&ide, (uint16_t)(base + 3 + i), (uint8_t)(lba >> 8 * i));
}

static void command(uint8_t code)
{
    out8(&ide, base + 7, code);
}

static void read_words(void *to, unsigned words)
{
    for (unsigned i = 0; i < words; i++)
        ((uint16_t *)to)[i] = in16(&ide, base);
}

// PIO in as an interrupt handler does it: an interrupt, status, a block.
static void read_pio(uint8_t code, unsigned sectors, unsigned block, uint8_t *to)
{
    unsigned wire = base == 0x1f0 ? 14 : 15;
    command(code);
    while (sectors) {
        unsigned n = sectors < block ? sectors : block;
        assert_true(f.wires[wire].level);
        assert_int_equal(wait_ready(), ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_DRQ);
        assert_false(f.wires[wire].level);
        ide_data_read(&ide, base, 2, n * 256, to);
        to += n * 512;
        sectors -= n;
    }
    assert_int_equal(wait_ready(), ATA_STATUS_DRDY | ATA_STATUS_DSC);
    assert_false(f.wires[wire].level);
}

static void expect_error(uint8_t code, uint8_t error)
{
    command(code);
    assert_true(f.wires[base == 0x1f0 ? 14 : 15].level);
    assert_int_equal(wait_ready(), ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_ERR);
    assert_int_equal(in8(&ide, base + 1), error);
    assert_int_equal(ide.channels[base == 0x1f0 ? 0 : 1].phase, IDE_IDLE);
}

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

// ---- bus master

static void prd(unsigned n, uint32_t address, uint32_t size, bool last)
{
    uint32_t entry[2] = {address, (size & 0xffff) | (last ? BM_PRD_END : 0)};
    memcpy(ram + 0x1000 + 8 * n, entry, 8);
}

static uint8_t dma(uint8_t code, bool to_memory) // as ata_bmdma_setup, _start, _irq_clear
{
    out32(&ide, IDE_BM_PORT + BM_PRD, 0x1000);
    out8(&ide, IDE_BM_PORT + BM_STATUS, 6);
    out8(&ide, IDE_BM_PORT, to_memory ? 8 : 0);
    command(code);
    assert_false(f.wires[14].level);
    out8(&ide, IDE_BM_PORT, to_memory ? 9 : 1);
    uint8_t status = in8(&ide, IDE_BM_PORT + BM_STATUS);
    out8(&ide, IDE_BM_PORT, 0);
    out8(&ide, IDE_BM_PORT + BM_STATUS, 6);
    return status;
}

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
    assert_int_equal(piix3_isa_route(&isa, 2), -1);
    pci_config_write(&pci, 0, 8, 0x62, 1, 0x0b);
    assert_int_equal(piix3_isa_route(&isa, 2), 11);
    assert_true(fake_save_load(&isa));
    assert_int_equal(piix3_isa_route(&isa, 2), 11);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_linux_probe), T(test_identify),   T(test_read),
        T(test_errors),      T(test_write),      T(test_reset_in_the_middle),
        T(test_dma),         T(test_dma_errors), T(test_atapi_identify),
        T(test_atapi_read),  T(test_atapi_toc),  T(test_atapi_disc_change),
        T(test_atapi_dma),   T(test_attach),     T(test_state),
        T(test_isa_bridge),
    };
    return cmocka_run_group_tests_name("ide", tests, NULL, NULL);
}
