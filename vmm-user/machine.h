// SPDX-License-Identifier: MIT
// The PC around the guest: which chips it has, and how they are wired.
#pragma once
#include "vmm-user/bus.h"
#include "vmm-user/devices/acpi_pm.h"
#include "vmm-user/devices/debug_ports.h"
#include "vmm-user/devices/ferr.h"
#include "vmm-user/devices/floppy82077.h"
#include "vmm-user/devices/fw_cfg.h"
#include "vmm-user/devices/i8042.h"
#include "vmm-user/devices/ide.h"
#include "vmm-user/devices/ioapic.h"
#include "vmm-user/devices/lapic.h"
#include "vmm-user/devices/pci_host.h"
#include "vmm-user/devices/pic8259.h"
#include "vmm-user/devices/piix3_isa.h"
#include "vmm-user/devices/pit8254.h"
#include "vmm-user/devices/port92.h"
#include "vmm-user/devices/reset_port.h"
#include "vmm-user/devices/rtc_cmos.h"
#include "vmm-user/devices/test_device.h"
#include "vmm-user/devices/uart16550.h"
#include "vmm-user/devices/vga.h"
#include "vmm-user/media.h"
#include "vmm-user/typing.h"

struct vm;

struct machine {
    struct bus bus;
    struct pic pic;
    struct ioapic ioapic;
    struct apic_bus apic_bus;
    struct lapic *lapics[1];
    struct pit pit;
    struct rtc rtc;
    struct uart uart;
    struct i8042 i8042;
    struct acpi_pm acpi;
    struct pci_host pci;
    struct reset_port reset;
    struct port92 port92;
    struct ferr ferr;
    struct debug_ports debug;
    struct fw_cfg fw_cfg;
    struct test_device test;
    struct vga vga;
    struct typing typing;
    struct dma8237 dma; // this and the following: only where the VM has disks
    struct floppy floppy;
    struct piix3_isa isa;
    struct ide ide;
};

// Builds all chips around the vCPUs' local APICs. False if two of them want the same address.
bool machine_init(struct vm *vm);

// Power-on state of every chip.
void machine_reset(struct vm *vm);
void machine_reset_lapic(struct vm *vm); // of the vCPU's local APIC alone

// Handler: another floppy or CD goes into its drive, or (NULL) none.
void machine_insert(struct vm *vm, enum media_drive drive, struct medium *medium);

// Bytes that the console sent, as many as the serial port takes.
void machine_input(struct vm *vm);
