// SPDX-License-Identifier: MIT
#include "vmm-user/devices/debug_ports.h"
#include "pc/debug_ports.h"

static const char shutdown_text[] = "Shutdown";
#define SHUTDOWN_LENGTH (sizeof(shutdown_text) - 1)

static void debug_exit(struct debug_ports *d, uint32_t code)
{
    static const char prefix[] = "exit code ";
    char digits[10], *out = d->why;
    unsigned n = 0;
    for (const char *p = prefix; *p; p++)
        *out++ = *p;
    do
        digits[n++] = (char)('0' + code % 10);
    while (code /= 10);
    while (n)
        *out++ = digits[--n];
    *out = 0;
    d->power.request(d->power.ctx, POWER_OFF, d->why);
}

static void debug_shutdown(struct debug_ports *d, char c)
{
    if (c != shutdown_text[d->shutdown])
        d->shutdown = 0;
    if (c == shutdown_text[d->shutdown])
        d->shutdown++;
    if (d->shutdown < SHUTDOWN_LENGTH)
        return;
    d->shutdown = 0;
    d->power.request(d->power.ctx, POWER_OFF, "shutdown by port 8900h");
}

static uint64_t debug_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)size;
    struct debug_ports *d = (struct debug_ports *)dev;
    if (port == DEBUG_POST_PORT)
        return d->post;
    return port == DEBUG_CONSOLE_PORT ? DEBUG_CONSOLE_ID : UINT64_MAX;
}

static void debug_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space;
    struct debug_ports *d = (struct debug_ports *)dev;
    switch (port) {
    case DEBUG_POST_PORT:
        d->post = (uint8_t)value;
        break;
    case DEBUG_CONSOLE_PORT:
        if (d->console.put)
            d->console.put(d->console.ctx, (uint8_t)value);
        break;
    case DEBUG_EXIT_PORT:
        debug_exit(d, (uint32_t)(size < 4 ? value & ((1u << 8 * size) - 1) : value));
        break;
    case DEBUG_SHUTDOWN_PORT:
        debug_shutdown(d, (char)value);
        break;
    }
}

static void debug_reset(struct device *dev)
{
    struct debug_ports *d = (struct debug_ports *)dev;
    d->post = d->shutdown = 0;
}

static void debug_state(struct device *dev, struct state *s)
{
    struct debug_ports *d = (struct debug_ports *)dev;
    STATE(s, d->post);
    STATE(s, d->shutdown);
}

static bool debug_loaded(struct device *dev)
{
    return ((struct debug_ports *)dev)->shutdown < SHUTDOWN_LENGTH;
}

static const struct device_ops debug_ops = {
    .name = "debug-ports",
    .read = debug_read,
    .write = debug_write,
    .reset = debug_reset,
    .version = 1,
    .state = debug_state,
    .loaded = debug_loaded,
    .max_size = 4,
};

void debug_ports_init(struct debug_ports *d, struct clock *clock, struct char_backend console,
                      struct power_backend power)
{
    *d = (struct debug_ports){.console = console, .power = power};
    device_init(&d->dev, &debug_ops, clock);
    device_add_range(&d->dev, IO_PORT, DEBUG_POST_PORT, 1);
    device_add_range(&d->dev, IO_PORT, DEBUG_CONSOLE_PORT, 1);
    device_add_range(&d->dev, IO_PORT, DEBUG_EXIT_PORT, 4);
    device_add_range(&d->dev, IO_PORT, DEBUG_SHUTDOWN_PORT, 1);
}
