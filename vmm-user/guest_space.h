// SPDX-License-Identifier: MIT
// What the guest's physical addresses lead to without an exit: its RAM, the video memory that VGA and framebuffer show
// directly; and the A20 gate in front of them.
#pragma once
#include "vmm-user/devices/vga.h"

struct vm;
struct vcpu;
struct utcb_state;

#define FRAMEBUFFER_SIZE 0x800000u // 1600x1200 in 32 bits

struct guest_space {
    bool a20_closed;
    bool low_alias;            // and the first MiB shows at the second one's place
    struct vga_mapping window; // as it is mapped; size 0: not
    uint64_t lfb;              // where the framebuffer is mapped; 0: nowhere
    uint32_t lfb_base;         // where it should be
    bool lfb_decoded;
    bool lfb_backed; // it has memory
};

// All of the VM's RAM but the hole of the VGA, in pages as large as they come: it never exits. False: the kernel does
// not.
bool guest_space_create(struct vm *vm);

// The chipset makes shadow RAM read-only or writable: as vm->mem says now. `ctx` is the VM.
void guest_space_shadow(void *ctx);

// The wire of the A20 gate. Closed, bit 20 of the addresses that the processor sends out is 0: odd mebibytes show the
// even ones below them. Devices that access memory themselves are not behind it.
void guest_space_a20(struct vm *vm, bool open);

// The VGA's callbacks (struct vga_host); `ctx` is the VM.
void guest_space_window(void *ctx, struct vga_mapping now);
void guest_space_lfb(void *ctx, uint32_t base, bool decoded);
bool guest_space_lfb_back(void *ctx);

// The exit of an access to what is not mapped, while the gate is closed.
uint64_t exit_gated(struct vcpu *v, struct utcb_state *s);
