// SPDX-License-Identifier: MIT
// A PC on this host: Unicorn's processor, the project's own devices, and the firmware under test. Real mode only is
// what it is used for; time moves with executed instructions.
#pragma once
#include "bios-emul/bios.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/bus.h"
#include "vmm-user/devices/acpi_pm.h"
#include "vmm-user/devices/debug_ports.h"
#include "vmm-user/devices/i8042.h"
#include "vmm-user/devices/pci_host.h"
#include "vmm-user/devices/pic8259.h"
#include "vmm-user/devices/pit8254.h"
#include "vmm-user/devices/port92.h"
#include "vmm-user/devices/rtc_cmos.h"
#include "vmm-user/devices/uart16550.h"
#include "vmm-user/devices/vga.h"

#define PC_MEMORY (16u << 20)
#define PC_TEXT   8192

struct pc_medium {
    uint8_t *bytes;
    uint64_t size;
    uint32_t sector_size;
};

struct pc {
    struct fake fake;
    struct bus bus;
    struct pic pic;
    struct pit pit;
    struct rtc rtc;
    struct uart uart;
    struct i8042 i8042;
    struct acpi_pm acpi;
    struct pci_host pci;
    struct reset_port reset;
    struct port92 port92;
    struct debug_ports debug;
    struct vga vga;
    uint8_t vga_window[VGA_MEMORY_SIZE] __attribute__((aligned(4096)));
    uint8_t vga_framebuffer[VGA_LFB_SIZE] __attribute__((aligned(4096)));
    struct bios bios;
    struct pc_medium media[3]; // floppy, hard disk, CD
    uint8_t *memory;
    void *uc;             // the processor
    char serial[PC_TEXT]; // what COM1 said
    unsigned serial_length;
    unsigned unknown;       // calls that the firmware does not have
    char unknown_text[256]; // the first of them
    bool halted, trapped;
    uint32_t budget; // bytes of code that the slice may still run
    int interrupt;   // software interrupt or exception that is to be delivered, -1: none
    unsigned steps;  // slices run
    const char *failed;
};

// `floppy`, `hard_disk`, `cd`: images (read into memory) or NULL. `boot`: the boot order. False: an image is not there.
bool pc_create(struct pc *pc, const char *floppy, const char *hard_disk, const char *cd, const char *boot);
void pc_destroy(struct pc *pc);

// Runs until `until` says true or `milliseconds` of the machine's time are over. False: they were, or the processor
// failed.
bool pc_run(struct pc *pc, unsigned milliseconds, bool (*until)(struct pc *));

// The text screen, rows ended by newlines, trailing blanks left out.
void pc_screen(struct pc *pc, char *text, size_t size);
bool pc_screen_has(struct pc *pc, const char *text);

// Types on the guest's keyboard: ASCII, \n for Enter.
void pc_type(struct pc *pc, const char *text);
