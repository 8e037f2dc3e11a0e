// SPDX-License-Identifier: MIT
// Memory size and CPU count for kernels that ask QEMU's firmware configuration device.
#pragma once
#include "vmm-user/device.h"

struct fw_cfg {
    struct device dev;
    uint64_t ram_size;
    uint16_t cpus;
    uint16_t key;
    uint32_t at; // bytes of the key's value that were read
};

void fw_cfg_init(struct fw_cfg *f, struct clock *clock, uint64_t ram_size, uint16_t cpus);
