// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/pic8259.c vmm-user/devices/pit8254.c vmm-user/devices/rtc_cmos.c
// sources: vmm-user/devices/uart16550.c vmm-user/devices/i8042.c vmm-user/devices/ps2_keyboard.c
// sources: vmm-user/devices/ps2_mouse.c vmm-user/devices/lapic.c vmm-user/devices/lapic_regs.c
// sources: vmm-user/devices/lapic_timer.c vmm-user/devices/apic_bus.c vmm-user/devices/ioapic.c
// sources: vmm-user/devices/acpi_pm.c vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c
// sources: vmm-user/devices/port92.c vmm-user/devices/ferr.c vmm-user/devices/debug_ports.c
//
// A byte stream becomes a sequence of port, MMIO and MSR accesses, time steps, interrupt cycles, saves and loads (also
// of garbage) on a machine with every device.
#include <stdlib.h>
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/acpi_pm.h"
#include "vmm-user/devices/debug_ports.h"
#include "vmm-user/devices/i8042.h"
#include "vmm-user/devices/ioapic.h"
#include "vmm-user/devices/lapic.h"
#include "vmm-user/devices/pci_host.h"
#include "vmm-user/devices/pic8259.h"
#include "vmm-user/devices/pit8254.h"
#include "vmm-user/devices/ferr.h"
#include "vmm-user/devices/port92.h"
#include "vmm-user/devices/rtc_cmos.h"
#include "vmm-user/devices/uart16550.h"

#define CPUS 2

struct machine {
    struct fake fake;
    struct pic pic;
    struct pit pit;
    struct rtc rtc;
    struct uart uart;
    struct i8042 i8042;
    struct acpi_pm pm;
    struct pci_host pci;
    struct reset_port reset_port;
    struct port92 port92;
    struct ferr ferr;
    struct debug_ports debug;
    struct ioapic ioapic;
    struct lapic lapic[CPUS];
    struct lapic *cpus[CPUS];
    struct apic_bus bus;
    _Alignas(4096) uint32_t page[CPUS][1024];
};

static struct machine m;

static struct device *const devices[] = {
    &m.pic.dev,        &m.pit.dev,    &m.rtc.dev,  &m.uart.dev,  &m.i8042.dev,  &m.pm.dev,       &m.pci.dev,
    &m.reset_port.dev, &m.port92.dev, &m.ferr.dev, &m.debug.dev, &m.ioapic.dev, &m.lapic[0].dev, &m.lapic[1].dev,
};
#define DEVICES (sizeof(devices) / sizeof(*devices))

struct input {
    const uint8_t *at, *end;
};

static uint64_t take(struct input *in, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && in->at < in->end; i++)
        value |= (uint64_t)*in->at++ << 8 * i;
    return value;
}

static void isa_set(void *ctx, unsigned line, bool level)
{
    (void)ctx;
    pic_set_irq(&m.pic, line, level);
    ioapic_set_irq(&m.ioapic, line ? line : 2, level);
}

static struct irq_line isa(unsigned irq)
{
    return (struct irq_line){isa_set, 0, irq};
}

static void intr_set(void *ctx, unsigned line, bool level)
{
    (void)ctx, (void)line;
    if (m.cpus[0])
        lapic_set_lint(&m.lapic[0], 0, level);
}

static bool deliver(void *ctx, const struct apic_message *message)
{
    return apic_bus_deliver(ctx, message, LAPIC_SHORTHAND_NONE, 0);
}

static void lapic_signalled(void *ctx, enum lapic_signal signal, uint8_t value)
{
    (void)value;
    if (signal == LAPIC_SIGNAL_INIT)
        lapic_init_reset(ctx);
}

static void lapic_eoi_sent(void *ctx, uint8_t vector)
{
    (void)ctx;
    ioapic_eoi(&m.ioapic, vector);
}

static uint8_t shadow_ram[GUEST_MEM_SHADOW_END];
static struct guest_mem shadow;

// What is read-only keeps what it has, however it is written.
static void shadow_changed(void *ctx)
{
    (void)ctx;
    shadow_ram[GUEST_MEM_SHADOW] = (uint8_t)shadow.read_only;
}

static void machine_init(void)
{
    memset(&m, 0, sizeof(m));
    fake_init(&m.fake);
    struct clock *clock = &m.fake.clock;
    struct power_backend power = fake_power(&m.fake);
    pic_init(&m.pic, clock, (struct irq_line){intr_set, 0, 0});
    ioapic_init(&m.ioapic, clock, (struct ioapic_host){deliver, &m.bus});
    pit_init(&m.pit, clock, isa(0));
    rtc_init(&m.rtc, clock, isa(8));
    uart_init(&m.uart, clock, 0x3f8, isa(4), fake_console(&m.fake));
    i8042_init(&m.i8042, clock, (struct i8042_wires){isa(1), isa(12), fake_line(&m.fake, 20), power});
    acpi_pm_init(&m.pm, clock, 0x600, isa(9), power);
    reset_port_init(&m.reset_port, clock, power);
    pci_host_init(&m.pci, clock, &m.reset_port);
    shadow = (struct guest_mem){.low = shadow_ram, .low_size = sizeof(shadow_ram)};
    pci_host_shadow(&m.pci, &shadow, shadow_changed, NULL);
    ferr_init(&m.ferr, clock, fake_line(&m.fake, 13));
    port92_init(&m.port92, clock, fake_line(&m.fake, 21), power);
    debug_ports_init(&m.debug, clock, fake_console(&m.fake), power);
    for (unsigned i = 0; i < CPUS; i++) {
        struct lapic_host host = {lapic_signalled, lapic_eoi_sent, &m.lapic[i]};
        lapic_init(&m.lapic[i], clock, i, m.page[i], &m.bus, host);
        m.cpus[i] = &m.lapic[i];
    }
    m.bus = (struct apic_bus){.cpus = m.cpus, .count = CPUS};
}

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static unsigned access_size(const struct device *dev, enum io_space space, unsigned log2)
{
    unsigned size = 1u << (log2 & 3), max = dev->ops->max_size ? dev->ops->max_size : 8;
    if (space == IO_PORT && max > 4)
        max = 4;
    return size < max ? size : max;
}

// An access somewhere in a range of a device; reset_port has none of its own.
static void touch(struct input *in, bool write)
{
    struct device *dev = devices[take(in, 1) % DEVICES];
    if (!dev->range_count)
        return;
    const struct io_range *r = &dev->ranges[take(in, 1) % dev->range_count];
    unsigned size = access_size(dev, r->space, (unsigned)take(in, 1));
    uint64_t offset = take(in, r->size > 256 ? 2 : 1) % r->size;
    if (r->space == IO_MMIO && take(in, 1) & 3)
        offset &= ~(uint64_t)(dev == &m.ioapic.dev ? 3 : 15);
    if (write) {
        dev->ops->write(dev, r->space, r->base + offset, size, take(in, size));
        CHECK(!(shadow.read_only & 1) || shadow_ram[GUEST_MEM_SHADOW] == (uint8_t)shadow.read_only);
    } else {
        dev->ops->read(dev, r->space, r->base + offset, size);
    }
}

static void time_step(struct input *in)
{
    static const uint64_t steps[] = {1, 100, FAKE_US, 100 * FAKE_US, 10 * FAKE_MS, FAKE_S, 3600 * FAKE_S};
    uint64_t step = steps[take(in, 1) % 7] * take(in, 1);
    if (take(in, 1) & 1)
        fake_sleep(&m.fake, step);
    else
        fake_run(&m.fake, step < FAKE_MS ? step : FAKE_MS);
}

static void interrupt_cycle(struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1);
    struct lapic *l = &m.lapic[how & 1];
    if (pic_pending(&m.pic) && lapic_extint_open(l)) {
        int vector = pic_ack(&m.pic);
        CHECK(vector >= 0 && vector < 256);
    }
    int vector = lapic_pending(l);
    CHECK(vector == -1 || (vector > 15 && vector < 256));
    if (vector < 0)
        return;
    lapic_ack(l, (uint8_t)vector);
    CHECK(lapic_in_service(l) == vector);
    if (how & 2)
        lapic_mmio_write(l, LAPIC_EOI, 4, 0);
}

static void msr_access(struct input *in)
{
    static const uint32_t msrs[] = {LAPIC_BASE_MSR, LAPIC_DEADLINE_MSR};
    uint8_t which = (uint8_t)take(in, 1);
    struct lapic *l = &m.lapic[which & 1];
    uint32_t msr = which & 2 ? LAPIC_X2APIC_MSR + (uint32_t)take(in, 1) : msrs[which >> 2 & 1];
    uint64_t value = 0;
    if (which & 8)
        lapic_msr_read(l, msr, &value);
    else
        lapic_msr_write(l, msr, which & 16 ? m.fake.now + take(in, 3) : take(in, which & 32 ? 8 : 2));
}

// The state goes round; with `damage`, a byte of it changes on the way. What was loaded must be savable and load again.
static void save_load(struct input *in, bool damage)
{
    static uint8_t buffer[8192];
    struct device *dev = devices[take(in, 1) % DEVICES];
    struct state s = {.at = buffer, .end = buffer + sizeof(buffer)};
    device_save(dev, &s);
    CHECK(!s.error);
    size_t size = (size_t)(s.at - buffer);
    for (unsigned n = damage ? 1 + take(in, 1) % 8 : 0; n; n--)
        buffer[take(in, 2) % size] = (uint8_t)take(in, 1);
    struct state l = {.at = buffer, .end = buffer + size};
    device_load(dev, &l);
    if (!damage && (l.error || l.at != l.end))
        fprintf(stderr, "%s\n", dev->ops->name);
    CHECK(damage || (!l.error && l.at == l.end));
}

static void outside(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1), codes[3] = {what, 0xf0, (uint8_t)take(in, 1)};
    switch (what % 5) {
    case 0:
        uart_receive(&m.uart, codes[2]);
        break;
    case 1:
        i8042_key(&m.i8042, codes, 1 + what / 5 % 3);
        break;
    case 2:
        i8042_mouse(&m.i8042, (int32_t)take(in, 4), (int32_t)take(in, 4), (int8_t)take(in, 1), codes[2]);
        break;
    case 3:
        acpi_pm_press_button(&m.pm);
        break;
    case 4:
        isa_set(0, codes[2] % 24, what & 64);
        break;
    }
}

static void reset_one(struct device *dev)
{
    dev->ops->reset(dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    machine_init();
    while (in.at < in.end) {
        uint8_t what = (uint8_t)take(&in, 1);
        if (what < 110)
            touch(&in, true);
        else if (what < 160)
            touch(&in, false);
        else if (what < 190)
            time_step(&in);
        else if (what < 210)
            interrupt_cycle(&in);
        else if (what < 230)
            msr_access(&in);
        else if (what < 245)
            outside(&in);
        else if (what == 255)
            reset_one(devices[take(&in, 1) % DEVICES]);
        else
            save_load(&in, what >= 250);
    }
    return 0;
}
