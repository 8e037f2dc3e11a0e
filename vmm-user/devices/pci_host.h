// SPDX-License-Identifier: MIT
// PCI bus 0 with its host bridge, by configuration mechanism #1 (PCI 3.0, 3.2.2.3.2).
#pragma once
#include "vmm-user/device.h"
#include "vmm-user/devices/reset_port.h"
#include "vmm-user/guest_mem.h"

#define PCI_FUNCTIONS 256 // of bus 0, by devfn

// A function's configuration space. Only the bits in `writable` change when the guest writes; those in `clear` are
// cleared by writing 1. `written` is called after such a write, e.g. to move a BAR.
struct pci_function {
    uint8_t config[256];
    uint8_t writable[256];
    uint8_t clear[256];
    void (*written)(struct pci_function *f, unsigned offset, unsigned size);
    void *ctx;
};

struct pci_host {
    struct device dev;
    struct reset_port *reset_port; // byte accesses of CF9h; may be NULL
    uint32_t address;              // CONFIG_ADDRESS
    struct pci_function bridge;    // 00:00.0
    struct guest_mem *mem;         // its shadow RAM; NULL: the bridge has none
    void (*shadow_changed)(void *ctx);
    void *ctx;
    struct pci_function *functions[PCI_FUNCTIONS];
};

void pci_host_init(struct pci_host *pci, struct clock *clock, struct reset_port *reset_port);

// Gives the bridge the memory from C0000 to FFFFF, which it makes read-only as its PAM registers say and `changed` maps
// for the processor; accesses that exit come to the bridge. Reads are always from RAM: the ROM chip that the bus would
// show instead holds the same at power-on. Before the device is added to the bus.
void pci_host_shadow(struct pci_host *pci, struct guest_mem *mem, void (*changed)(void *ctx), void *ctx);

// Plugs a function in; false if its place is taken. It must outlive the host.
bool pci_add_function(struct pci_host *pci, unsigned devfn, struct pci_function *f);

// Little-endian fields of a configuration space, for who describes a function.
void pci_config_put(struct pci_function *f, unsigned offset, unsigned size, uint32_t value);
void pci_config_allow(struct pci_function *f, unsigned offset, unsigned size, uint32_t writable);

// One access of 1, 2 or 4 bytes that does not cross a dword; also for a memory-mapped window. Absent functions read as
// ones.
uint32_t pci_config_read(struct pci_host *pci, unsigned bus, unsigned devfn, unsigned offset, unsigned size);
void pci_config_write(struct pci_host *pci, unsigned bus, unsigned devfn, unsigned offset, unsigned size,
                      uint32_t value);
