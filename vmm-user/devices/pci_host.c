// SPDX-License-Identifier: MIT
#include "vmm-user/devices/pci_function_state.h"
#include <linux/pci_regs.h>
#include "pc/acpi_pm.h"
#include "pc/pci_host.h"

#define ADDRESS_BITS (PCI_CONFIG_ENABLE | PCI_CONFIG_BUS | PCI_CONFIG_DEVFN | PCI_CONFIG_REGISTER)

void pci_config_put(struct pci_function *f, unsigned offset, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++)
        f->config[(offset + i) & 0xff] = (uint8_t)(value >> 8 * i);
}

void pci_config_allow(struct pci_function *f, unsigned offset, unsigned size, uint32_t writable)
{
    for (unsigned i = 0; i < size; i++)
        f->writable[(offset + i) & 0xff] = (uint8_t)(writable >> 8 * i);
}

bool pci_add_function(struct pci_host *pci, unsigned devfn, struct pci_function *f)
{
    if (devfn >= PCI_FUNCTIONS || pci->functions[devfn])
        return false;
    pci->functions[devfn] = f;
    return true;
}

static struct pci_function *function_at(struct pci_host *pci, unsigned bus, unsigned devfn)
{
    return bus ? 0 : pci->functions[devfn % PCI_FUNCTIONS];
}

uint32_t pci_config_read(struct pci_host *pci, unsigned bus, unsigned devfn, unsigned offset, unsigned size)
{
    const struct pci_function *f = function_at(pci, bus, devfn);
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)(f ? f->config[(offset + i) & 0xff] : 0xff) << 8 * i;
    return value;
}

void pci_config_write(struct pci_host *pci, unsigned bus, unsigned devfn, unsigned offset, unsigned size,
                      uint32_t value)
{
    struct pci_function *f = function_at(pci, bus, devfn);
    if (!f)
        return;
    for (unsigned i = 0; i < size; i++) {
        unsigned at = (offset + i) & 0xff;
        uint8_t byte = (uint8_t)(value >> 8 * i);
        f->config[at] = (uint8_t)((f->config[at] & ~f->writable[at]) | (byte & f->writable[at]));
        f->config[at] &= ~(byte & f->clear[at]);
    }
    if (f->written)
        f->written(f, offset & 0xff, size);
}

static uint32_t size_mask(unsigned size)
{
    return size < 4 ? (1u << 8 * size) - 1 : UINT32_MAX;
}

// CONFIG_ADDRESS is a register for dword accesses only; smaller ones are ordinary I/O, of which CF9h exists.
static uint64_t address_read(struct pci_host *pci, uint64_t port, unsigned size)
{
    if (port == PCI_CONFIG_ADDRESS && size == 4)
        return pci->address;
    if (port == RESET_PORT && size == 1 && pci->reset_port)
        return reset_port_read(pci->reset_port);
    return size_mask(size);
}

static uint64_t pci_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    struct pci_host *pci = (struct pci_host *)dev;
    uint64_t value = UINT64_MAX;
    if (space == IO_MMIO) {
        guest_mem_read(pci->mem, port, size, &value);
        return value;
    }
    if (port < PCI_CONFIG_DATA)
        return address_read(pci, port, size);
    unsigned in_dword = port & 3;
    if (!(pci->address & PCI_CONFIG_ENABLE) || in_dword + size > 4)
        return size_mask(size);
    return pci_config_read(pci, pci->address >> 16 & 0xff, pci->address >> 8 & 0xff,
                           (pci->address & PCI_CONFIG_REGISTER) + in_dword, size);
}

static void pci_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    struct pci_host *pci = (struct pci_host *)dev;
    unsigned in_dword = port & 3;
    if (space == IO_MMIO)
        guest_mem_write(pci->mem, port, size, value);
    else if (port == PCI_CONFIG_ADDRESS && size == 4)
        pci->address = (uint32_t)value & ADDRESS_BITS;
    else if (port == RESET_PORT && size == 1 && pci->reset_port)
        reset_port_write(pci->reset_port, (uint8_t)value);
    else if (port >= PCI_CONFIG_DATA && pci->address & PCI_CONFIG_ENABLE && in_dword + size <= 4)
        pci_config_write(pci, pci->address >> 16 & 0xff, pci->address >> 8 & 0xff,
                         (pci->address & PCI_CONFIG_REGISTER) + in_dword, size, (uint32_t)value);
}

// An i440FX as far as software looks without being its firmware.
static void bridge_reset(struct pci_function *f)
{
    *f = (struct pci_function){.written = f->written, .ctx = f->ctx};
    pci_config_put(f, PCI_VENDOR_ID, 2, PCI_VENDOR_INTEL);
    pci_config_put(f, PCI_DEVICE_ID, 2, PCI_DEVICE_82441FX);
    pci_config_put(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    pci_config_put(f, PCI_STATUS, 2, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM);
    pci_config_put(f, PCI_REVISION_ID, 1, 2);
    pci_config_put(f, PCI_CLASS_DEVICE, 2, 0x0600);
    pci_config_allow(f, PCI_COMMAND, 2, PCI_COMMAND_SERR);
    pci_config_allow(f, PCI_LATENCY_TIMER, 1, 0xf8);
    for (unsigned pam = PCI_82441FX_PAM; pam < PCI_82441FX_PAM_END; pam++)
        pci_config_allow(f, pam, 1, pam == PCI_82441FX_PAM ? PAM_BOTH & 0xf0 : PAM_BOTH);
}

static void shadow_update(struct pci_host *pci)
{
    const uint8_t *pam = &pci->bridge.config[PCI_82441FX_PAM];
    uint16_t read_only = pam[0] & PAM_WRITE << 4 ? 0 : 0xf000;
    for (unsigned i = 0; i < 12; i++)
        if (!(pam[1 + i / 2] >> 4 * (i & 1) & PAM_WRITE))
            read_only |= (uint16_t)(1u << i);
    if (!pci->mem || pci->mem->read_only == read_only)
        return;
    pci->mem->read_only = read_only;
    pci->shadow_changed(pci->ctx);
}

static void bridge_written(struct pci_function *f, unsigned offset, unsigned size)
{
    (void)offset, (void)size;
    shadow_update(f->ctx);
}

static void pci_reset(struct device *dev)
{
    struct pci_host *pci = (struct pci_host *)dev;
    pci->address = 0;
    bridge_reset(&pci->bridge);
    shadow_update(pci);
}

static void pci_state(struct device *dev, struct state *s)
{
    struct pci_host *pci = (struct pci_host *)dev;
    STATE(s, pci->address);
    pci_function_state(&pci->bridge, s);
}

static bool pci_loaded(struct device *dev)
{
    struct pci_host *pci = (struct pci_host *)dev;
    pci->address &= ADDRESS_BITS;
    shadow_update(pci);
    return true;
}

static const struct device_ops pci_ops = {
    .name = "pci-host",
    .read = pci_read,
    .write = pci_write,
    .reset = pci_reset,
    .version = 1,
    .state = pci_state,
    .loaded = pci_loaded,
    .max_size = 4,
};

void pci_host_init(struct pci_host *pci, struct clock *clock, struct reset_port *reset_port)
{
    *pci = (struct pci_host){.reset_port = reset_port};
    device_init(&pci->dev, &pci_ops, clock);
    device_add_range(&pci->dev, IO_PORT, PCI_CONFIG_ADDRESS, 8);
    pci_add_function(pci, 0, &pci->bridge);
    pci->bridge.written = bridge_written;
    pci->bridge.ctx = pci;
    pci_reset(&pci->dev);
}

void pci_host_shadow(struct pci_host *pci, struct guest_mem *mem, void (*changed)(void *ctx), void *ctx)
{
    pci->mem = mem;
    pci->shadow_changed = changed;
    pci->ctx = ctx;
    device_add_range(&pci->dev, IO_MMIO, GUEST_MEM_SHADOW, GUEST_MEM_SHADOW_END - GUEST_MEM_SHADOW);
    shadow_update(pci);
}
