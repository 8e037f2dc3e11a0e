// SPDX-License-Identifier: GPL-2.0-only
// The timer of a local APIC; between lapic.c and lapic_timer.c only.
#pragma once
#include "vmm-user/devices/lapic.h"

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
