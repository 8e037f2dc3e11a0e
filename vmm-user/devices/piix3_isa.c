// SPDX-License-Identifier: MIT
#include "vmm-user/devices/piix3_isa.h"
#include <linux/pci_regs.h>
#include "pc/pci_host.h"
#include "pc/ata.h"
#include "vmm-user/devices/pci_function_state.h"

#define PIIX3_MULTIFUNCTION 0x80 // of the header type

static void isa_reset(struct device *dev)
{
    struct pci_function *f = &((struct piix3_isa *)dev)->pci;
    *f = (struct pci_function){.ctx = f->ctx};
    pci_config_put(f, PCI_VENDOR_ID, 2, PCI_VENDOR_INTEL);
    pci_config_put(f, PCI_DEVICE_ID, 2, PCI_DEVICE_PIIX3_ISA);
    pci_config_put(f, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    pci_config_put(f, PCI_STATUS, 2, PCI_STATUS_DEVSEL_MEDIUM);
    pci_config_put(f, PCI_CLASS_DEVICE, 2, 0x0601);
    pci_config_put(f, PCI_HEADER_TYPE, 1, PIIX3_MULTIFUNCTION);
    pci_config_put(f, PIIX3_PIRQ, 4, PIIX3_PIRQ_OFF * 0x01010101u);
    pci_config_allow(f, PIIX3_PIRQ, 4, 0x8f8f8f8f);
}

static void isa_state(struct device *dev, struct state *s)
{
    pci_function_state(&((struct piix3_isa *)dev)->pci, s);
}

static uint64_t isa_read(struct device *dev, enum io_space space, uint64_t addr, unsigned size)
{
    (void)dev, (void)space, (void)addr, (void)size;
    return UINT64_MAX;
}

static void isa_write(struct device *dev, enum io_space space, uint64_t addr, unsigned size, uint64_t value)
{
    (void)dev, (void)space, (void)addr, (void)size, (void)value;
}

static const struct device_ops isa_ops = {
    .name = "piix3-isa",
    .read = isa_read,
    .write = isa_write,
    .reset = isa_reset,
    .version = 1,
    .state = isa_state,
    .max_size = 1,
};

void piix3_isa_init(struct piix3_isa *p, struct clock *clock)
{
    *p = (struct piix3_isa){0};
    device_init(&p->dev, &isa_ops, clock);
    isa_reset(&p->dev);
}
