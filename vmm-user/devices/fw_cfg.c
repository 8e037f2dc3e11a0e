// SPDX-License-Identifier: MIT
#include "vmm-user/devices/fw_cfg.h"
#include "pc/fw_cfg.h"

#define SIGNATURE 0x554d4551u // "QEMU"

// The value of a key, little endian, and how many bytes it has. Keys that are not there have none.
static uint64_t key_value(const struct fw_cfg *f, unsigned *size)
{
    const struct {
        uint16_t key;
        uint8_t size;
        uint64_t value;
    } keys[] = {
        {FW_CFG_KEY_SIGNATURE, 4, SIGNATURE},  {FW_CFG_KEY_ID, 4, FW_CFG_ID_TRADITIONAL},
        {FW_CFG_KEY_RAM_SIZE, 8, f->ram_size}, {FW_CFG_KEY_CPUS, 2, f->cpus},
        {FW_CFG_KEY_MAX_CPUS, 2, f->cpus},     {FW_CFG_KEY_FILES, 4, 0},
    };
    for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (keys[i].key == f->key) {
            *size = keys[i].size;
            return keys[i].value;
        }
    *size = 0;
    return 0;
}

// Behind the end of a value everything reads as 0.
static uint8_t data_read(struct fw_cfg *f)
{
    unsigned size;
    uint64_t value = key_value(f, &size);
    return f->at < size ? (uint8_t)(value >> 8 * f->at++) : 0;
}

static uint64_t fw_cfg_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    struct fw_cfg *f = (struct fw_cfg *)dev;
    (void)space, (void)size;
    return port == FW_CFG_DATA ? data_read(f) : f->key & 0xff;
}

static void fw_cfg_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    struct fw_cfg *f = (struct fw_cfg *)dev;
    (void)space;
    if (port != FW_CFG_SELECTOR)
        return;
    f->key = size == 1 ? (uint8_t)value : (uint16_t)value;
    f->at = 0;
}

static void fw_cfg_reset(struct device *dev)
{
    struct fw_cfg *f = (struct fw_cfg *)dev;
    f->key = 0;
    f->at = 0;
}

static void fw_cfg_state(struct device *dev, struct state *s)
{
    struct fw_cfg *f = (struct fw_cfg *)dev;
    STATE(s, f->key);
    STATE(s, f->at);
}

static bool fw_cfg_loaded(struct device *dev)
{
    return ((struct fw_cfg *)dev)->at <= sizeof(uint64_t);
}

static const struct device_ops fw_cfg_ops = {
    .name = "fw_cfg",
    .read = fw_cfg_read,
    .write = fw_cfg_write,
    .reset = fw_cfg_reset,
    .version = 1,
    .state = fw_cfg_state,
    .loaded = fw_cfg_loaded,
    .max_size = 2,
};

void fw_cfg_init(struct fw_cfg *f, struct clock *clock, uint64_t ram_size, uint16_t cpus)
{
    *f = (struct fw_cfg){.ram_size = ram_size, .cpus = cpus};
    device_init(&f->dev, &fw_cfg_ops, clock);
    device_add_range(&f->dev, IO_PORT, FW_CFG_SELECTOR, FW_CFG_PORTS);
}
