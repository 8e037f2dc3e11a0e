// SPDX-License-Identifier: MIT
// The ISA DMA controllers. Devices call dma_transfer when they have data: it happens at once.
#pragma once
#include "pc/dma8237.h"
#include "vmm-user/device.h"
#include "vmm-user/guest_mem.h"

struct dma_channel {
    uint16_t address, count;           // current
    uint16_t base_address, base_count; // as written, for auto-initialisation
    uint8_t mode, page;
    bool masked, requested, ended; // ended: terminal count, shown in the status
};

struct dma8237 {
    struct device dev;
    const struct guest_mem *mem;
    struct dma_channel channels[DMA_CHANNELS];
    uint8_t command[2];
    bool high_byte[2]; // the flip-flop
    uint8_t extra[16]; // page registers without a channel
};

void dma_init(struct dma8237 *d, struct clock *clock, const struct guest_mem *mem);

// Moves up to `size` bytes (of channels 5-7 an even number) between a device's buffer and memory, as far as the channel
// is programmed for it. Returns how many were moved; *terminal_count: the channel's count ran out. A channel that is
// masked or set to another direction moves nothing; memory that is not there reads as ones.
uint32_t dma_transfer(struct dma8237 *d, unsigned channel, void *buffer, uint32_t size, bool to_memory,
                      bool *terminal_count);
