// SPDX-License-Identifier: MIT
// The chips of the PC and the wires between them. A new chip is one line in `chips` and its wires in machine_init.
#include "lib/c/printf.h"
#include "pc/acpi_pm.h"
#include "pc/debug_ports.h"
#include "pc/i8042.h"
#include "pc/mc146818.h"
#include "pc/uart16550.h"
#include "vmm-user/layout.h"
#include "vmm-user/vm.h"

enum {
    IRQ_TIMER = 0,
    IRQ_KEYBOARD = 1,
    IRQ_COM1 = 4,
    IRQ_FLOPPY = 6,
    IRQ_MOUSE = 12,
    IRQ_FERR = 13,
    IRQ_IDE1 = 14,
    IRQ_IDE2 = 15
};
enum { ISA_DEVFN = 1 << 3, IDE_DEVFN = ISA_DEVFN | 1, VGA_DEVFN = 2 << 3 }; // as on a PIIX3, and as QEMU has it
enum { CD_CHANNEL = 1, CD_DRIVE = 0 };

#define COM1_BASE 0x3f8

// ISA interrupts reach both controllers; the timer is pin 2 of the I/O APIC, as the MADT says.
static void isa_irq_set(void *ctx, unsigned line, bool level)
{
    struct machine *m = ctx;
    pic_set_irq(&m->pic, line, level);
    ioapic_set_irq(&m->ioapic, line == IRQ_TIMER ? 2 : line, level);
}

static void rtc_irq_set(void *ctx, unsigned line, bool level)
{
    struct machine *m = ctx;
    isa_irq_set(ctx, line, level);
    if (level)
        acpi_pm_rtc_alarm(&m->acpi);
}

// Any input of the I/O APIC; the first 16 are those of ISA.
static void any_irq_set(void *ctx, unsigned line, bool level)
{
    struct machine *m = ctx;
    if (line < 16)
        isa_irq_set(ctx, line, level);
    else
        ioapic_set_irq(&m->ioapic, line, level);
}

static void pic_intr_set(void *ctx, unsigned line, bool level)
{
    struct vm *vm = ctx;
    (void)line;
    lapic_set_lint(&vm->vcpus[0].lapic, 0, level);
    if (level)
        vcpu_attend(&vm->vcpus[0], ATTENTION_IRQ);
}

static bool ioapic_message(void *ctx, const struct apic_message *message)
{
    return apic_bus_deliver(ctx, message, LAPIC_SHORTHAND_NONE, NULL);
}

static void lapic_eoi(void *ctx, uint8_t vector)
{
    struct vcpu *v = ctx;
    ioapic_eoi(&v->vm->machine.ioapic, vector);
}

static void power_request(void *ctx, enum power_action action, const char *why)
{
    static const enum vm_request requests[] = {
        [POWER_RESET] = VM_REQUEST_RESET, [POWER_RESET_CPU] = VM_REQUEST_RESET_CPU, [POWER_SLEEP] = VM_REQUEST_SLEEP};
    struct vm *vm = ctx;
    if (action != POWER_OFF) {
        snprintf(vm->reason, sizeof(vm->reason), "%s", why ? why : "");
        vm_ask(requests[action]);
        return;
    }
    vm_stop(&vm->vcpus[0], "%s", why && why[0] ? why : "power off");
}

static void uart_drained(void *ctx)
{
    struct vm *vm = ctx;
    vcpu_attend(&vm->vcpus[0], ATTENTION_WORK);
}

// The wires of both A20 switches, port 92h and the keyboard controller: the gate follows who spoke last, and both show
// it, so that each of them works alone whatever the other one says.
static void a20_set(void *ctx, unsigned line, bool level)
{
    struct vm *vm = ctx;
    (void)line;
    port92_follow(&vm->machine.port92, level);
    i8042_follow(&vm->machine.i8042, level);
    guest_space_a20(vm, level);
}

static void lfb_moved(void *ctx, uint32_t base, bool decoded)
{
    struct vm *vm = ctx;
    bus_move(&vm->machine.bus, &vm->machine.vga.dev, decoded ? base : BUS_NOWHERE);
    guest_space_lfb(vm, base, decoded);
}

static void unclaimed(void *ctx, enum io_space space, uint64_t addr, bool write)
{
    struct vm *vm = ctx;
    tally_count(space == IO_PORT ? &vm->ports : &vm->addresses, addr << 1 | write);
}

static struct irq_line isa_irq(struct machine *m, unsigned irq)
{
    return (struct irq_line){isa_irq_set, m, irq};
}

// CMOS as firmware leaves it: memory sizes (above 1 MiB in KiB, above 16 MiB in 64 KiB), no floppy, an FPU.
static void cmos_fill(struct rtc *rtc, const struct guest_mem *mem)
{
    uint64_t extended = (mem->low_size - (1 << 20)) >> 10;
    uint64_t above16 = mem->low_size > 16u << 20 ? (mem->low_size - (16u << 20)) >> 16 : 0;
    if (extended > 0xffff)
        extended = 0xffff;
    static const uint8_t fixed[][2] = {{0x0f, 0}, {0x10, 0}, {0x12, 0}, {0x14, 0x06}, {0x15, 0x80}, {0x16, 0x02}};
    for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        rtc_set_cmos(rtc, fixed[i][0], fixed[i][1]);
    const uint64_t sizes[][2] = {{0x17, extended}, {0x30, extended}, {0x34, above16}};
    for (unsigned i = 0; i < 3; i++) {
        rtc_set_cmos(rtc, (unsigned)sizes[i][0], (uint8_t)sizes[i][1]);
        rtc_set_cmos(rtc, (unsigned)sizes[i][0] + 1, (uint8_t)(sizes[i][1] >> 8));
    }
}

static void drive_attach(struct machine *m, enum media_drive drive, const struct block_backend *medium)
{
    static const struct {
        uint8_t channel, drive;
    } ide[] = {[MEDIA_HDA] = {0, 0}, [MEDIA_HDB] = {0, 1}, [MEDIA_CD] = {CD_CHANNEL, CD_DRIVE}};
    if (media_slots[drive].kind == BLOCK_FLOPPY)
        floppy_attach(&m->floppy, drive - MEDIA_FDA, medium);
    else
        ide_attach(&m->ide, ide[drive].channel, ide[drive].drive, medium);
}

void machine_insert(struct vm *vm, enum media_drive drive, struct medium *medium)
{
    static const struct block_backend no_disc = {.kind = BLOCK_CD, .sector_size = 2048};
    struct machine *m = &vm->machine;
    firmware_insert(vm, drive, medium);
    const struct block_backend *backend = firmware_medium(vm, drive);
    if (drive == MEDIA_CD)
        ide_change_disc(&m->ide, CD_CHANNEL, CD_DRIVE, backend ? backend : &no_disc);
    else if (!floppy_attach(&m->floppy, drive - MEDIA_FDA, backend))
        floppy_attach(&m->floppy, drive - MEDIA_FDA, NULL); // of no format that the controller knows: as good as none
}

// The controllers of the media that the configuration names; a VM without any has none. False: see machine_init.
static bool disks_init(struct vm *vm)
{
    struct machine *m = &vm->machine;
    struct clock *clock = &vm->clock.clock;
    if (!firmware_has_drives(vm))
        return true;
    dma_init(&m->dma, clock, &vm->mem);
    floppy_init(&m->floppy, clock, &m->dma, isa_irq(m, IRQ_FLOPPY));
    piix3_isa_init(&m->isa, clock);
    ide_init(&m->ide, clock, &vm->mem, isa_irq(m, IRQ_IDE1), isa_irq(m, IRQ_IDE2));
    for (unsigned i = 0; i < MEDIA_DRIVES; i++)
        if (firmware_medium(vm, i))
            drive_attach(m, i, firmware_medium(vm, i));
    return piix3_isa_plug(&m->isa, &m->pci, ISA_DEVFN) && ide_plug(&m->ide, &m->pci, IDE_DEVFN) &&
           bus_add(&m->bus, &m->dma.dev) && bus_add(&m->bus, &m->floppy.dev) && bus_add(&m->bus, &m->isa.dev) &&
           bus_add(&m->bus, &m->ide.dev);
}

bool machine_init(struct vm *vm)
{
    struct machine *m = &vm->machine;
    struct clock *clock = &vm->clock.clock;
    struct vcpu *v = &vm->vcpus[0];
    struct power_backend power = {power_request, vm};
    struct lapic_host lapic_host = {irq_signal, lapic_eoi, v};

    m->lapics[0] = &v->lapic;
    m->apic_bus = (struct apic_bus){.cpus = m->lapics, .count = VM_VCPUS};
    pic_init(&m->pic, clock, (struct irq_line){pic_intr_set, vm, 0});
    ioapic_init(&m->ioapic, clock, (struct ioapic_host){ioapic_message, &m->apic_bus});
    lapic_init(&v->lapic, clock, 0, v->lapic.regs, &m->apic_bus, lapic_host);
    pit_init(&m->pit, clock, isa_irq(m, IRQ_TIMER));
    rtc_init(&m->rtc, clock, (struct irq_line){rtc_irq_set, m, RTC_IRQ});
    uart_init(&m->uart, clock, COM1_BASE, isa_irq(m, IRQ_COM1), (struct char_backend){terminal_put, vm});
    m->uart.drained = uart_drained;
    m->uart.drained_ctx = vm;
    acpi_pm_init(&m->acpi, clock, ACPI_PM_BASE, isa_irq(m, ACPI_SCI_IRQ), power);
    reset_port_init(&m->reset, clock, power);
    pci_host_init(&m->pci, clock, &m->reset);
    pci_host_shadow(&m->pci, &vm->mem, guest_space_shadow, vm);
    ferr_init(&m->ferr, clock, isa_irq(m, IRQ_FERR));
    port92_init(&m->port92, clock, (struct irq_line){a20_set, vm, 0}, power);
    i8042_init(&m->i8042, clock,
               (struct i8042_wires){.keyboard = isa_irq(m, IRQ_KEYBOARD),
                                    .aux = isa_irq(m, IRQ_MOUSE),
                                    .a20 = {a20_set, vm, 0},
                                    .power = power});
    debug_ports_init(&m->debug, clock, (struct char_backend){terminal_put, vm}, power);
    fw_cfg_init(&m->fw_cfg, clock, vm->mem.low_size + vm->mem.high_size, VM_VCPUS);
    test_device_init(&m->test, clock, (struct irq_line){any_irq_set, m, 0});
    cmos_fill(&m->rtc, &vm->mem);
    typing_init(&m->typing, clock, &m->i8042);
    const struct vga_host screen = {.window = vm->mem.low + VGA_MEMORY_BASE,
                                    .framebuffer = (uint8_t *)VA_FRAMEBUFFER,
                                    .framebuffer_size = FRAMEBUFFER_SIZE,
                                    .mapped = guest_space_window,
                                    .lfb_moved = lfb_moved,
                                    .ctx = vm,
                                    .back = guest_space_lfb_back};
    vga_init(&m->vga, clock, &screen);

    struct device *const chips[] = {
        &m->pic.dev,   &m->ioapic.dev, &v->lapic.dev,  &m->pit.dev,    &m->rtc.dev,
        &m->uart.dev,  &m->acpi.dev,   &m->pci.dev,    &m->port92.dev, &m->i8042.dev,
        &m->debug.dev, &m->vga.dev,    &m->fw_cfg.dev, &m->test.dev,   &m->ferr.dev,
    };
    bus_init(&m->bus, unclaimed, vm);
    for (unsigned i = 0; i < sizeof(chips) / sizeof(chips[0]); i++)
        if (!bus_add(&m->bus, chips[i]))
            return false;
    return vga_plug(&m->vga, &m->pci, VGA_DEVFN) && disks_init(vm);
}

void machine_reset_lapic(struct vm *vm)
{
    struct device *lapic = &vm->vcpus[0].lapic.dev;
    lapic->ops->reset(lapic);
    bus_move(&vm->machine.bus, lapic, LAPIC_BASE);
}

void machine_reset(struct vm *vm)
{
    bus_reset(&vm->machine.bus);
    vm->machine.reset.dev.ops->reset(&vm->machine.reset.dev);
    machine_reset_lapic(vm);
}

void machine_input(struct vm *vm)
{
    typing_begin(&vm->machine.typing);
    struct channel *c = vm->terminal;
    uint8_t byte;
    while (c && uart_can_receive(&vm->machine.uart) && channel_read(c, &byte, 1))
        uart_receive(&vm->machine.uart, byte);
}
