// SPDX-License-Identifier: MIT
#include "vmm-user/devices/reset_port.h"
#include "pc/acpi_pm.h"

uint8_t reset_port_read(const struct reset_port *r)
{
    return r->value;
}

// The rise of RST_CPU resets, the whole machine or (SYS clear) the CPU; here both are the same.
void reset_port_write(struct reset_port *r, uint8_t value)
{
    bool rose = value & ~r->value & RESET_PORT_CPU;
    r->value = value & (RESET_PORT_SYS | RESET_PORT_CPU | RESET_PORT_FULL);
    if (rose)
        r->power.request(r->power.ctx, POWER_RESET, "reset by port CF9h");
}

static uint64_t reset_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)port, (void)size;
    return reset_port_read((struct reset_port *)dev);
}

static void reset_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space, (void)port, (void)size;
    reset_port_write((struct reset_port *)dev, (uint8_t)value);
}

static void reset_reset(struct device *dev)
{
    ((struct reset_port *)dev)->value = 0;
}

static void reset_state(struct device *dev, struct state *s)
{
    STATE(s, ((struct reset_port *)dev)->value);
}

static bool reset_loaded(struct device *dev)
{
    ((struct reset_port *)dev)->value &= RESET_PORT_SYS | RESET_PORT_CPU | RESET_PORT_FULL;
    return true;
}

static const struct device_ops reset_ops = {
    .name = "reset-port",
    .read = reset_read,
    .write = reset_write,
    .reset = reset_reset,
    .version = 1,
    .state = reset_state,
    .loaded = reset_loaded,
    .max_size = 1,
};

void reset_port_init(struct reset_port *r, struct clock *clock, struct power_backend power)
{
    *r = (struct reset_port){.power = power};
    device_init(&r->dev, &reset_ops, clock);
}
