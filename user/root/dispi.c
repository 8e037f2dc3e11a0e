// SPDX-License-Identifier: MIT
// The video memory of a display card with the interface of Bochs ("DISPI"), which QEMU's standard card has, too.
#include <linux/pci_regs.h>
#include "pc/pci_host.h"
#include "pc/vga.h"
#include "user/root/root.h"
#include "x86/regs.h"

#define DEVICES   32
#define CLASS_VGA 0x0300
#define BYTES_MAX 0x4000000u

static uint32_t pci_read(unsigned device, unsigned offset)
{
    outl(PCI_CONFIG_ADDRESS, PCI_CONFIG_ENABLE | device << 11 | offset);
    return inl(PCI_CONFIG_DATA);
}

static uint16_t dispi_read(uint16_t reg)
{
    outw(DISPI_INDEX_PORT, reg);
    return inw(DISPI_DATA_PORT);
}

static bool ports_map(void)
{
    return kernel_map(PD_MAP_PIO, SEL_SELF_PD, DISPI_INDEX_PORT, SEL_HW, DISPI_INDEX_PORT, 3, 0, NULL) == ST_OK &&
           kernel_map(PD_MAP_PIO, SEL_SELF_PD, PCI_CONFIG_ADDRESS, SEL_HW, PCI_CONFIG_ADDRESS, 8, 0, NULL) == ST_OK;
}

// Of the first display that PCI has. Without PCI it is Bochs' own, whose headless display refuses such modes.
static uint64_t base_find(void)
{
    for (unsigned device = 0; device < DEVICES; device++) {
        uint32_t bar = pci_read(device, PCI_BASE_ADDRESS_0);
        if (pci_read(device, PCI_CLASS_REVISION) >> 16 == CLASS_VGA)
            return bar & PCI_BASE_ADDRESS_SPACE_IO ? 0 : bar & ~0xfu;
    }
    return 0;
}

uint64_t dispi_find(uint32_t *bytes)
{
    uint64_t base = 0;
    if (ports_map()) {
        uint16_t id = dispi_read(DISPI_ID);
        *bytes = dispi_read(DISPI_MEMORY_64K) * DISPI_BANK_SIZE;
        if (id >= DISPI_ID_FIRST && id <= DISPI_ID_LAST && *bytes && *bytes <= BYTES_MAX)
            base = base_find();
    }
    kernel_unmap(PD_UNMAP_PIO, SEL_SELF_PD, DISPI_INDEX_PORT, 3);
    kernel_unmap(PD_UNMAP_PIO, SEL_SELF_PD, PCI_CONFIG_ADDRESS, 8);
    return base;
}
