// SPDX-License-Identifier: MIT
// The firmware in this VM: bios-emul/ fed with the guest's memory, its ports and its media.
#pragma once
#include "bios-emul/bios.h"
#include "vmm-user/exit.h"
#include "vmm-user/load/load.h"
#include "vmm-user/media.h"
#include "vmm-user/tally.h"

struct firmware {
    struct bios bios;
    struct media media;
    bool drives[MEDIA_DRIVES];           // those that this VM has
    struct medium *medium[MEDIA_DRIVES]; // what is in them, NULL: nothing
    struct tally unknown;                // vector << 16 | AX of calls that it does not have
    struct utcb_state *state;            // of the call that is being answered
    uint64_t fault_address;              // what the guest has not mapped, while `faulted`
    uint32_t fault_error;
    bool faulted;
};

// Puts the media and the memory map into the firmware. Once, when the machine is built.
void firmware_create(struct vm *vm);

// The medium in a drive, NULL: none. And is there any drive?
const struct block_backend *firmware_medium(const struct vm *vm, enum media_drive drive);
bool firmware_has_drives(const struct vm *vm);

// Puts a medium into a drive, or (NULL) takes it out. The drive's own controller is told by machine_insert.
void firmware_insert(struct vm *vm, enum media_drive drive, struct medium *medium);

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
