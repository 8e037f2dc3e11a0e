// SPDX-License-Identifier: MIT
#include "vmm-user/devices/port92.h"
#include "pc/i8042.h"

static uint64_t port92_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)port, (void)size;
    return ((struct port92 *)dev)->value;
}

static void port92_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space, (void)port, (void)size;
    struct port92 *p = (struct port92 *)dev;
    bool reset = value & ~p->value & PORT92_RESET;
    p->value = (uint8_t)value;
    irq_line_set(&p->a20, value & PORT92_A20);
    if (reset)
        p->power.request(p->power.ctx, POWER_RESET_CPU, "reset by port 92h");
}

static void port92_reset(struct device *dev)
{
    struct port92 *p = (struct port92 *)dev;
    p->value = PORT92_A20;
    irq_line_set(&p->a20, true);
}

static void port92_state(struct device *dev, struct state *s)
{
    STATE(s, ((struct port92 *)dev)->value);
}

static bool port92_loaded(struct device *dev)
{
    struct port92 *p = (struct port92 *)dev;
    irq_line_set(&p->a20, p->value & PORT92_A20);
    return true;
}

static const struct device_ops port92_ops = {
    .name = "port92",
    .read = port92_read,
    .write = port92_write,
    .reset = port92_reset,
    .version = 1,
    .state = port92_state,
    .loaded = port92_loaded,
    .max_size = 1,
};

void port92_init(struct port92 *p, struct clock *clock, struct irq_line a20, struct power_backend power)
{
    *p = (struct port92){.a20 = a20, .power = power};
    device_init(&p->dev, &port92_ops, clock);
    device_add_range(&p->dev, IO_PORT, PORT92, 1);
    port92_reset(&p->dev);
}
