// SPDX-License-Identifier: MIT
// sources: vmm-user/bus.c
#include "vmm-user/bus.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/cmocka_all.h"

static char trace[512];

struct probe {
    struct device dev;
    char letter;
    unsigned resets;
};

static uint64_t probe_read(struct device *dev, enum io_space space, uint64_t addr, unsigned size)
{
    struct probe *p = (struct probe *)dev;
    sprintf(trace + strlen(trace), "%c%c%llx/%u ", p->letter, space == IO_PORT ? 'p' : 'm', (unsigned long long)addr,
            size);
    return 0x8877665544332211ull + (addr & 0xf);
}

static void probe_write(struct device *dev, enum io_space space, uint64_t addr, unsigned size, uint64_t value)
{
    struct probe *p = (struct probe *)dev;
    sprintf(trace + strlen(trace), "%c%c%llx/%u=%llx ", p->letter, space == IO_PORT ? 'p' : 'm',
            (unsigned long long)addr, size, (unsigned long long)value);
}

static void probe_reset(struct device *dev)
{
    ((struct probe *)dev)->resets++;
}

static const struct device_ops any_ops = {
    .name = "any", .read = probe_read, .write = probe_write, .reset = probe_reset};
static const struct device_ops byte_ops = {
    .name = "byte", .read = probe_read, .write = probe_write, .reset = probe_reset, .max_size = 1};
static const struct device_ops dword_ops = {
    .name = "dword", .read = probe_read, .write = probe_write, .reset = probe_reset, .max_size = 4};

static void unclaimed(void *ctx, enum io_space space, uint64_t addr, bool write)
{
    (void)ctx;
    sprintf(trace + strlen(trace), "?%c%llx%c ", space == IO_PORT ? 'p' : 'm', (unsigned long long)addr,
            write ? 'w' : 'r');
}

struct fixture {
    struct bus bus;
    struct probe a, b, c;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    bus_init(&f->bus, unclaimed, f);
    f->a.letter = 'a', f->b.letter = 'b', f->c.letter = 'c';
    device_init(&f->a.dev, &any_ops, NULL);
    device_init(&f->b.dev, &byte_ops, NULL);
    device_init(&f->c.dev, &dword_ops, NULL);
    device_add_range(&f->a.dev, IO_PORT, 0x100, 8);
    device_add_range(&f->b.dev, IO_PORT, 0x108, 4);
    device_add_range(&f->c.dev, IO_MMIO, 0xfec00000, 0x1000);
    device_add_range(&f->c.dev, IO_PORT, 0xfffe, 2);
    assert_true(bus_add(&f->bus, &f->a.dev));
    assert_true(bus_add(&f->bus, &f->b.dev));
    assert_true(bus_add(&f->bus, &f->c.dev));
    trace[0] = 0;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void ports(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(bus_port_read(&f->bus, 0x100, 1), 0x11);
    assert_int_equal(bus_port_read(&f->bus, 0x100, 4), 0x44332211);
    bus_port_write(&f->bus, 0x102, 2, 0xdead1234);
    assert_string_equal(trace, "ap100/1 ap100/4 ap102/2=1234 ");
}

// Accesses that one device does not take in one piece are cut.
static void ports_split(void **state)
{
    struct fixture *f = *state;
    bus_port_read(&f->bus, 0x106, 4);
    assert_string_equal(trace, "ap106/2 bp108/1 bp109/1 ");
    trace[0] = 0;
    bus_port_write(&f->bus, 0x10b, 2, 0xaabb);
    assert_string_equal(trace, "bp10b/1=bb ?p10cw ");
    trace[0] = 0;
    assert_int_equal(bus_port_read(&f->bus, 0xffff, 2) >> 8, 0xff);
    assert_string_equal(trace, "cpffff/1 ?p0r ");
}

static void nobody(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(bus_port_read(&f->bus, 0x200, 1), 0xff);
    assert_int_equal(bus_port_read(&f->bus, 0x200, 4), 0xffffffff);
    assert_true(bus_mmio_read(&f->bus, 0xd0000000, 8) == UINT64_MAX);
    bus_mmio_write(&f->bus, 0xd0000000, 4, 1);
    assert_string_equal(trace, "?p200r ?p200r ?md0000000r ?md0000000w ");
}

static void mmio(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(bus_mmio_read(&f->bus, 0xfec00010, 4) & 0xffffffff, 0x44332211);
    bus_mmio_write(&f->bus, 0xfec00010, 8, 0x1122334455667788);
    assert_string_equal(trace, "cmfec00010/4 cmfec00010/4=55667788 cmfec00014/4=11223344 ");
}

static void taken(void **state)
{
    struct fixture *f = *state;
    struct probe d = {.letter = 'd'};
    device_init(&d.dev, &any_ops, NULL);
    device_add_range(&d.dev, IO_PORT, 0x107, 1);
    assert_false(bus_add(&f->bus, &d.dev));
    device_init(&d.dev, &any_ops, NULL);
    device_add_range(&d.dev, IO_PORT, 0xffff, 2);
    assert_false(bus_add(&f->bus, &d.dev));
    device_init(&d.dev, &any_ops, NULL);
    device_add_range(&d.dev, IO_MMIO, 0xfec00fff, 1);
    assert_false(bus_add(&f->bus, &d.dev));
    bus_reset(&f->bus);
    assert_int_equal(f->a.resets + f->b.resets + f->c.resets, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ports, setup, teardown),
        cmocka_unit_test_setup_teardown(ports_split, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(mmio, setup, teardown),
        cmocka_unit_test_setup_teardown(taken, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
