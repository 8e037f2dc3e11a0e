// SPDX-License-Identifier: MIT
// What the three files of the local APIC share: lapic.c (interrupts, life), lapic_regs.c (registers, MSRs),
// lapic_timer.c.
#pragma once
#include "vmm-user/devices/lapic.h"

#define LAPIC_VERSION_VALUE 0x00050014 // integrated APIC, six LVT entries
#define LAPIC_REGS          64         // 10h apart, up to 3F0h
#define LAPIC_BASE_RESERVED 0xfff00000000002ffull

#define REG(l, offset) ((l)->regs[(offset) / 4])

// Reports LAPIC_ESR_... bits, and the error interrupt.
void lapic_error(struct lapic *l, uint32_t error);

void lapic_end_of_interrupt(struct lapic *l);

// Sends what ICR says.
void lapic_send(struct lapic *l);

// After SVR changed; after the ID or the mode did (the page's ID and, in x2APIC mode, the logical ID derived from it).
void lapic_svr_written(struct lapic *l);
void lapic_id_written(struct lapic *l);

// Clears the bits of loaded registers that software could not have set.
void lapic_registers_trim(struct lapic *l);

void lapic_timer_init(struct lapic *l);
void lapic_timer_reset(struct lapic *l);

// Delivers what is due. Before any register of the timer changes.
void lapic_timer_settle(struct lapic *l, uint64_t now);

// After the register changed.
void lapic_timer_lvt_written(struct lapic *l);
void lapic_timer_initial_written(struct lapic *l);
void lapic_timer_divide_written(struct lapic *l);

uint32_t lapic_timer_current(struct lapic *l);
uint64_t lapic_timer_deadline(struct lapic *l);
void lapic_timer_set_deadline(struct lapic *l, uint64_t deadline);

// Sets the clock's timer by the registers, after a load or when the guest's TSC moved.
void lapic_timer_arm(struct lapic *l, uint64_t now);
