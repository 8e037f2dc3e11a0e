// SPDX-License-Identifier: MIT
// The processor executes an instruction itself, with the guest's vector and x87 registers. Tests have another one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// The x87 status word.
uint16_t native_x87_status(void);

// Runs `code`, eight bytes that end in RET, with RAX = operand (16-byte aligned; 512 bytes) and the status flags of
// *rflags, which becomes what they are afterwards. False: there is no memory for code.
bool native_run(uint64_t code, void *operand, uint64_t *rflags);
