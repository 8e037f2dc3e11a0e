// SPDX-License-Identifier: MIT
// The firmware in this VM: bios-emul/ fed with the guest's memory, its ports and its media.
#pragma once
#include "bios-emul/bios.h"
#include "vmm-user/block_ram.h"
#include "vmm-user/disk_pages.h"
#include "vmm-user/exit.h"
#include "vmm-user/load/load.h"
#include "vmm-user/tally.h"

enum firmware_medium { MEDIUM_FDA, MEDIUM_FDB, MEDIUM_HDA, MEDIUM_HDB, MEDIUM_CD, MEDIUM_COUNT };

struct firmware {
    struct bios bios;
    struct block_ram media[MEDIUM_COUNT];
    struct disk_pages pages;  // of what the guest wrote to them
    struct tally unknown;     // vector << 16 | AX of calls that it does not have
    struct utcb_state *state; // of the call that is being answered
    uint64_t fault_address;   // what the guest has not mapped, while `faulted`
    uint32_t fault_error;
    bool faulted;
};

// Puts the media and the memory map into the firmware. Once, when the machine is built.
void firmware_create(struct vm *vm);

// The medium of a drive, NULL: none. And is there any?
const struct block_backend *firmware_medium(const struct vm *vm, enum firmware_medium which);
bool firmware_has_media(const struct vm *vm);

// A medium from a file; `size` 0: none. False: it cannot be one.
bool firmware_insert(struct vm *vm, enum firmware_medium which, const void *file, uint64_t size);

// The ROM into memory, and how the processor starts. At power-on and reset.
bool firmware_load(struct vm *vm);
void firmware_power_on(struct vm *vm); // the same for a kernel that is loaded without it
// Puts the screen into a VBE mode, if it is not 0, and tells what it is in then.
void firmware_screen(struct vm *vm, uint16_t graphics, struct load_screen *screen);
// How the processor starts in real mode.
void firmware_registers(const struct load_entry *entry, struct utcb_state *s);

// After a reset of the processor, does the firmware go on where the guest has told it to (CMOS shutdown status)?
bool firmware_returns(struct vm *vm);

// A VMCALL or VMMCALL of the guest: the firmware's if it lies in a stub of its ROM. There are no others: RAX says so to
// a kernel; #UD for a program.
uint64_t exit_hypercall(struct vcpu *v, struct utcb_state *s);
