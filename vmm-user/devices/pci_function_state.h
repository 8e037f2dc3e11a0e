// SPDX-License-Identifier: MIT
// A function's configuration space as part of its device's state: only what the guest may write is taken from it.
#pragma once
#include "vmm-user/devices/pci_host.h"

static inline void pci_function_state(struct pci_function *f, struct state *s)
{
    for (unsigned i = 0; i < sizeof(f->config); i++) {
        uint8_t byte = f->config[i];
        STATE(s, byte);
        if (s->load)
            f->config[i] = (uint8_t)((f->config[i] & ~f->writable[i]) | (byte & f->writable[i]));
    }
}
