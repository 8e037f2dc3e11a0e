// SPDX-License-Identifier: MIT
// A look at the guest from outside: its registers between two instructions, and its memory as it sees it.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "abi/utcb.h"

struct answer;
struct vcpu;

// What was seen last: of a guest that runs, when somebody asked; of one that is paused or has ended, there.
struct inspection {
    struct utcb_state state;
    bool whole; // `state` is valid
};

// Handler: keeps the state of this exit if its portal carried all of it.
void inspect_keep(const struct vcpu *v, const struct utcb_state *s);

// Handler: what somebody waits for in inspect_ask is done.
void inspect_done(void);

// Main thread: asks the handler to look, pause or resume (enum vm_request) and waits; false: it did not answer in time.
bool inspect_ask(uint32_t request);

// Main thread, for the monitor's commands `regs` and `memory ADDRESS [BYTES]`.
void inspect_registers(struct answer *a);
void inspect_memory(struct answer *a, const char *args);
