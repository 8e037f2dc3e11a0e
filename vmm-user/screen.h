// SPDX-License-Identifier: MIT
// The guest's screen and keyboard at the console process (lib/sys/screen_api.h). Main thread; the guest may draw
// meanwhile.
#pragma once
#include "lib/sys/channel.h"
#include "vmm-user/vm.h"

// A new connection to the console; NULL: there is none.
void screen_attach(struct channel *channel);

// Takes what was typed, sends what changed. Host TSC at which it wants to be called again, 0: when the console tells.
uint64_t screen_serve(struct vm *vm);
