// SPDX-License-Identifier: MIT
// A channel: two byte rings in two shared pages and a semaphore at each end. Single reader, single writer per ring.
// Both sides distrust the other: indices are masked, never trusted for lengths beyond the ring.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define CHANNEL_RING                                                                                                   \
    4032 // bytes; indices run through [0, 2 * CHANNEL_RING), so that a full ring and an empty one differ

struct channel_ring {
    uint32_t head;     // where the writer is
    uint32_t tail;     // where the reader is
    uint32_t sleeping; // the reader found nothing: the writer ups its semaphore and clears this
    uint32_t starving; // the writer found no room: the reader ups its semaphore and clears this
    uint32_t closed;   // by either side, or by root when one has died
    uint8_t reserved[44];
    uint8_t bytes[CHANNEL_RING];
};
_Static_assert(sizeof(struct channel_ring) == 4096, "one page");

// page 0: acceptor -> connector, page 1: connector -> acceptor
struct channel {
    struct channel_ring *in, *out;
    uint64_t my_sm, peer_sm;
    uint32_t in_tail, out_head; // my own copies: the shared ones are only published
    bool broken;                // the peer published nonsense: nothing more is read or written
};

// My semaphore is SEL_MAIN_SM by another name: one wait serves all channels of a process and what root has to tell.
// Read (or write) until it comes short, then wait: a peer ups only who came short.
void channel_init(struct channel *c, void *pages, uint64_t sel_base, bool connector);
uint32_t channel_write(struct channel *c, const void *p, uint32_t n); // how many fitted
uint32_t channel_read(struct channel *c, void *p, uint32_t n);        // how many were there
uint32_t channel_poll(struct channel *c, void *p, uint32_t n);        // reads without asking for a wake-up when short
uint32_t channel_space(struct channel *c);
bool channel_readable(struct channel *c);
bool channel_closed(const struct channel *c); // what is still in the ring can be read
