// SPDX-License-Identifier: MIT
// PIIX3's ISA bridge, function 0 of the device whose function 1 is the IDE controller: configuration space only, with
// the routing of PCI interrupts that firmware and guests read and write. Intel 82371SB data sheet, 2.2.
#pragma once
#include "vmm-user/devices/pci_host.h"

#define PIIX3_PIRQ     0x60 // four registers: PIRQA-D
#define PIIX3_PIRQ_OFF 0x80

struct piix3_isa {
    struct device dev; // no ports: for save, load and reset
    struct pci_function pci;
};

void piix3_isa_init(struct piix3_isa *p, struct clock *clock);

static inline bool piix3_isa_plug(struct piix3_isa *p, struct pci_host *pci, unsigned devfn)
{
    return pci_add_function(pci, devfn, &p->pci);
}
