// SPDX-License-Identifier: MIT
// A VM with random state on this CPU, beside something else (test_vcpu_hostile.c).
#pragma once
#include <stdint.h>

void vm_hostile_start(uint64_t entries, unsigned prio); // ends after so many
uint64_t vm_hostile_end(void);                          // or now -> how many there were
