// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/floppy82077.c vmm-user/devices/floppy_data.c vmm-user/devices/dma8237.c
// sources: vmm-user/block_ram.c
#include "tests/unit/cmocka_all.h"
#include <stdlib.h>
#include "tests/unit/fake_machine.h"
#include "vmm-user/block_ram.h"
#include "vmm-user/devices/floppy82077.h"

#define TRACK 18
#define IMAGE (80 * 2 * TRACK * 512)

static struct fake f;
static struct dma8237 dma;
static struct floppy fdc;
static struct guest_mem mem;
static uint8_t ram[1 << 20], image[IMAGE];
static struct block_ram disk;
static void *pages[1024];
static unsigned page_count;

static void *page_alloc(void *ctx)
{
    (void)ctx;
    return page_count < 1024 ? pages[page_count++] = calloc(1, BLOCK_RAM_PAGE) : NULL;
}

static void insert(uint64_t size)
{
    block_ram_init(&disk, BLOCK_FLOPPY, image, size, page_alloc, NULL);
    assert_true(floppy_attach(&fdc, 0, &disk.backend));
}

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    memset(ram, 0, sizeof(ram));
    mem = (struct guest_mem){.low = ram, .low_size = sizeof(ram)};
    for (unsigned i = 0; i < IMAGE; i++)
        image[i] = (uint8_t)(i / 512 * 5 + i);
    dma_init(&dma, &f.clock, &mem);
    floppy_init(&fdc, &f.clock, &dma, fake_line(&f, 6));
    insert(IMAGE);
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

static void dma_program(uint8_t mode, uint32_t address, uint32_t bytes)
{
    out8(&dma, 0x0a, 4 | 2);
    out8(&dma, 0x0c, 0);
    out8(&dma, 0x0b, mode);
    out8(&dma, 0x04, (uint8_t)address), out8(&dma, 0x04, (uint8_t)(address >> 8));
    out8(&dma, 0x81, (uint8_t)(address >> 16));
    out8(&dma, 0x05, (uint8_t)(bytes - 1)), out8(&dma, 0x05, (uint8_t)((bytes - 1) >> 8));
    out8(&dma, 0x0a, 2);
}

static void send(const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(in8(&fdc, 0x3f4) & 0xc0, 0x80);
        out8(&fdc, 0x3f5, bytes[i]);
    }
}

static unsigned result(uint8_t *to)
{
    unsigned n = 0;
    while ((in8(&fdc, 0x3f4) & 0xc0) == 0xc0)
        to[n++] = in8(&fdc, 0x3f5);
    assert_int_equal(in8(&fdc, 0x3f4) & 0xd0, 0x80);
    return n;
}

static void wait_interrupt(void)
{
    assert_false(f.wires[6].level);
    fake_run(&f, 10 * FAKE_MS);
    assert_true(f.wires[6].level);
}

static void reset(void)
{
    uint8_t r[16];
    out8(&fdc, 0x3f2, 0);
    out8(&fdc, 0x3f2, 0x1c);
    assert_int_equal(in8(&fdc, 0x3f4) & 0x80, 0);
    wait_interrupt();
    for (unsigned i = 0; i < 4; i++) {
        send((const uint8_t[]){8}, 1);
        assert_int_equal(result(r), 2);
        assert_int_equal(r[0], 0xc0 | i);
    }
    send((const uint8_t[]){8}, 1);
    assert_int_equal(result(r), 1);
    assert_int_equal(r[0], 0x80);
    send((const uint8_t[]){3, 0xaf, 0x02}, 3);
    out8(&fdc, 0x3f7, 0);
}

static void seek(unsigned cylinder)
{
    uint8_t r[16];
    send((const uint8_t[]){0x0f, 0, (uint8_t)cylinder}, 3);
    wait_interrupt();
    send((const uint8_t[]){8}, 1);
    assert_int_equal(result(r), 2);
    assert_int_equal(r[0], 0x20);
    assert_int_equal(r[1], cylinder);
    assert_false(f.wires[6].level);
}

static void rw(uint8_t command, unsigned c, unsigned h, unsigned s, uint8_t r[7])
{
    const uint8_t bytes[] = {command, (uint8_t)(h << 2), (uint8_t)c, (uint8_t)h, (uint8_t)s, 2, TRACK, 0x1b, 0xff};
    send(bytes, sizeof(bytes));
    assert_int_equal(in8(&fdc, 0x3f4), 0x10);
    wait_interrupt();
    assert_int_equal(result(r), 7);
    assert_false(f.wires[6].level);
}

// ---- tests

static void test_linux_probe(void **state) // get_fdc_version, and what it makes of the answers
{
    (void)state;
    uint8_t r[16];
    reset();
    send((const uint8_t[]){0x0e}, 1);
    assert_int_equal(result(r), 10);
    send((const uint8_t[]){0x13, 0, 0x50, 0}, 4);
    send((const uint8_t[]){0x12, 0x80}, 2);
    send((const uint8_t[]){0x14}, 1);
    assert_int_equal(result(r), 1);
    assert_int_equal(r[0], 0);
    send((const uint8_t[]){0x18}, 1);
    assert_int_equal(result(r), 1);
    assert_int_equal(r[0], 0x80); // 82077
    send((const uint8_t[]){0x10}, 1);
    assert_int_equal(result(r), 1);
    assert_int_equal(r[0], 0x90);
    send((const uint8_t[]){0x94}, 1);
    result(r);
    assert_int_equal(r[0], 0x10);
}

static void test_read(void **state)
{
    (void)state;
    uint8_t r[16];
    reset();
    assert_int_equal(in8(&fdc, 0x3f7) & 0x80, 0x80); // changed, until a step
    seek(1);
    assert_int_equal(in8(&fdc, 0x3f7) & 0x80, 0);
    seek(0);
    dma_program(0x46, 0x1fe00, 512);
    rw(0xe6, 0, 0, 1, r);
    assert_memory_equal(r, "\0\0\0\0\0\2\2", 7);
    assert_memory_equal(ram + 0x1fe00, image, 512);
    assert_true(in8(&dma, 8) & 4); // terminal count
    seek(40);
    dma_program(0x46, 0x20000, 20 * 512); // over both heads
    rw(0xe6, 40, 0, 10, r);
    assert_int_equal(r[0], 0x04); // the head that was used last
    assert_int_equal(r[3], 40);
    assert_int_equal(r[4], 1);
    assert_int_equal(r[5], 12);
    assert_memory_equal(ram + 0x20000, image + (40 * 2 * TRACK + 9) * 512, 20 * 512);
    send((const uint8_t[]){0x4a, 4}, 2); // READ ID
    wait_interrupt();
    assert_int_equal(result(r), 7);
    assert_int_equal(r[3], 40);
    assert_int_equal(r[4], 1);
    send((const uint8_t[]){7, 0}, 2); // RECALIBRATE
    assert_true(in8(&fdc, 0x3f4) & 1);
    wait_interrupt();
    send((const uint8_t[]){8}, 1);
    result(r);
    assert_int_equal(r[1], 0);
    send((const uint8_t[]){4, 0}, 2);
    assert_int_equal(result(r), 1);
    assert_true(r[0] & 0x10);
}

static void test_write_and_format(void **state)
{
    (void)state;
    uint8_t r[16], back[512];
    reset();
    seek(79);
    memset(ram + 0x30000, 0x5c, 1024);
    dma_program(0x4a, 0x30000, 1024);
    rw(0xc5, 79, 1, 17, r);
    assert_int_equal(r[0] & 0xc0, 0);
    block_read(&disk.backend, 2879, 1, back);
    assert_memory_equal(back, ram + 0x30000, 512);
    for (unsigned i = 0; i < TRACK; i++)
        memcpy(ram + 0x30000 + 4 * i, (const uint8_t[]){79, 1, (uint8_t)(i + 1), 2}, 4);
    dma_program(0x4a, 0x30000, 4 * TRACK);
    send((const uint8_t[]){0x4d, 4, 2, TRACK, 0x54, 0xf6}, 6);
    wait_interrupt();
    assert_int_equal(result(r), 7);
    assert_int_equal(r[0] & 0xc0, 0);
    block_read(&disk.backend, 2879, 1, back);
    assert_int_equal(back[0], 0xf6);
    disk.backend.read_only = true;
    dma_program(0x4a, 0x30000, 512);
    rw(0xc5, 79, 1, 1, r);
    assert_int_equal(r[0] & 0xc0, 0x40);
    assert_int_equal(r[1], 2);
}

static void test_errors(void **state)
{
    (void)state;
    uint8_t r[16];
    reset();
    seek(3);
    dma_program(0x46, 0x20000, 512);
    rw(0xe6, 4, 0, 1, r); // another cylinder than where the head is
    assert_int_equal(r[0] & 0xc0, 0x40);
    assert_true(r[2] & 0x10);
    rw(0xe6, 3, 0, 19, r);
    assert_int_equal(r[1], 4);
    dma_program(0x46, 0x20000, 0x10000); // the terminal count comes too late
    rw(0xe6, 3, 0, 1, r);
    assert_int_equal(r[1], 0x80);
    dma_program(0x4a, 0x20000, 512); // the wrong way
    rw(0xe6, 3, 0, 1, r);
    assert_int_equal(r[1], 0x10);
    dma_program(0x46, 0x20000, 512);
    out8(&fdc, 0x3f7, 2); // the wrong data rate
    rw(0xe6, 3, 0, 1, r);
    assert_int_equal(r[1], 1);
    out8(&fdc, 0x3f7, 0);
    dma_program(0x46, 0xffff00, 512); // no memory there
    rw(0xe6, 3, 0, 1, r);
    assert_int_equal(r[0] & 0xc0, 0);
    insert(100 * 512 + 1); // cut off
    seek(2);
    dma_program(0x46, 0x20000, 18 * 512);
    rw(0xe6, 2, 1, 1, r); // sectors 90-107, of which 101 are there
    assert_int_equal(r[1], 4);
    assert_int_equal(r[5], 12);
    assert_true(floppy_attach(&fdc, 0, NULL));
    rw(0xe6, 2, 1, 1, r);
    assert_int_equal(r[1], 1);
    out8(&fdc, 0x3f5, 0x1f); // no such command
    assert_int_equal(result(r), 1);
    send((const uint8_t[]){7, 1}, 2); // a drive that is not there
    wait_interrupt();
    send((const uint8_t[]){8}, 1);
    result(r);
    assert_int_equal(r[0], 0x71);
}

static void test_formats(void **state)
{
    (void)state;
    assert_int_equal(floppy_format_of(720)->cylinders, 40);
    assert_int_equal(floppy_format_of(1440)->spt, 9);
    assert_int_equal(floppy_format_of(2400)->spt, 15);
    assert_int_equal(floppy_format_of(1)->spt, 18);
    assert_int_equal(floppy_format_of(2880)->spt, 18);
    assert_int_equal(floppy_format_of(5760)->spt, 36);
    assert_null(floppy_format_of(5761));
    assert_false(floppy_attach(&fdc, 2, NULL));
}

static void test_state(void **state)
{
    (void)state;
    uint8_t r[16];
    reset();
    seek(5);
    dma_program(0x46, 0x20000, 1024);
    const uint8_t bytes[] = {0xe6, 0, 5, 0, 1, 2, TRACK, 0x1b, 0xff};
    send(bytes, 4);
    assert_true(fake_save_load(&fdc));
    assert_true(fake_save_load(&dma));
    send(bytes + 4, 5);
    assert_true(fake_save_load(&fdc)); // executing
    wait_interrupt();
    assert_true(fake_save_load(&fdc)); // the result waits
    assert_true(f.wires[6].level);
    assert_int_equal(result(r), 7);
    assert_int_equal(r[0], 0);
    assert_memory_equal(ram + 0x20000, image + 5 * 2 * TRACK * 512, 1024);
}

static void test_dma(void **state)
{
    (void)state;
    uint8_t bytes[16];
    bool tc;
    for (unsigned i = 0; i < 16; i++)
        ram[0x5fff8 + i] = (uint8_t)(0x80 + i), ram[0x50000 + i] = (uint8_t)i;
    dma_program(0x5a, 0x5fff8, 16); // from memory, wraps in its page, begins anew by itself
    assert_int_equal(dma_transfer(&dma, 2, bytes, 10, false, &tc), 10);
    assert_false(tc);
    assert_int_equal(bytes[7], 0x87);
    assert_int_equal(bytes[8], 0);
    assert_int_equal(in8(&dma, 4), 2); // address 0002, flip-flop
    assert_int_equal(in8(&dma, 4), 0);
    assert_int_equal(dma_transfer(&dma, 2, bytes, 10, false, &tc), 6);
    assert_true(tc);
    assert_int_equal(dma_transfer(&dma, 2, bytes, 4, false, &tc), 4);
    assert_int_equal(bytes[0], 0x80);
    assert_int_equal(dma_transfer(&dma, 2, bytes, 4, true, &tc), 0); // direction
    out8(&dma, 0x0f, 0x0f);
    assert_int_equal(dma_transfer(&dma, 2, bytes, 4, false, &tc), 0);
    out8(&dma, 0xd8, 0), out8(&dma, 0xd6, 0x45); // channel 5: words
    out8(&dma, 0xc4, 0x00), out8(&dma, 0xc4, 0x10), out8(&dma, 0xc6, 1), out8(&dma, 0xc6, 0);
    out8(&dma, 0x8b, 0x03), out8(&dma, 0xd4, 1);
    memcpy(bytes, "abcdefgh", 8);
    assert_int_equal(dma_transfer(&dma, 5, bytes, 8, true, &tc), 4);
    assert_true(tc);
    assert_memory_equal(ram + 0x22000, "abcd", 5);
    assert_int_equal(in8(&dma, 0x8b), 3);
    out8(&dma, 0x84, 0x99);
    assert_int_equal(in8(&dma, 0x84), 0x99);
    out8(&dma, 0x0d, 0);
    assert_int_equal(dma_transfer(&dma, 2, bytes, 4, false, &tc), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_linux_probe), T(test_read), T(test_write_and_format), T(test_errors), T(test_formats),
        T(test_state),       T(test_dma),
    };
    return cmocka_run_group_tests_name("floppy", tests, NULL, NULL);
}
