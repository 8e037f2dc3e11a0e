// SPDX-License-Identifier: GPL-2.0-only
// A channel: two byte rings in two shared pages and a semaphore at each end. Single reader, single writer per ring. Both sides
// distrust the other: indices are masked, never trusted for lengths beyond the ring.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define CHANNEL_RING 4032 // bytes; indices run freely modulo 2^32, position = index % CHANNEL_RING is not used: see channel.c

struct channel_ring {
    uint32_t head;      // bytes written, free-running
    uint32_t tail;      // bytes read, free-running
    uint32_t sleeping;  // the reader waits on its semaphore: the writer ups it only then
    uint32_t closed;
    uint8_t reserved[48];
    uint8_t bytes[CHANNEL_RING];
};

// page 0: acceptor -> connector, page 1: connector -> acceptor
struct channel {
    struct channel_ring *in, *out;
    uint64_t my_sm, peer_sm;
    uint32_t in_tail, out_head; // my own copies: the shared ones are only published
};

void channel_init(struct channel *c, void *pages, uint64_t sel_base, bool connector);
uint32_t channel_write(struct channel *c, const void *p, uint32_t n); // how many fitted
uint32_t channel_read(struct channel *c, void *p, uint32_t n);        // how many were there
uint32_t channel_space(struct channel *c);
bool channel_readable(struct channel *c);
