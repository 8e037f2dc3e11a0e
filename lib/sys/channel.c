// SPDX-License-Identifier: MIT
#include "lib/sys/channel.h"
#include "lib/c/string.h"
#include "lib/sys/hypercall.h"

#define WRAP (2 * CHANNEL_RING)

static uint32_t ring_used(uint32_t head, uint32_t tail)
{
    return head >= tail ? head - tail : head + WRAP - tail;
}

static uint32_t ring_advance(uint32_t index, uint32_t n)
{
    index += n;
    return index >= WRAP ? index - WRAP : index;
}

// The peer's index: nonsense breaks the channel, and only the channel.
static uint32_t used_checked(struct channel *c, uint32_t head, uint32_t tail)
{
    uint32_t used = head < WRAP && tail < WRAP ? ring_used(head, tail) : WRAP;
    if (used > CHANNEL_RING)
        c->broken = true;
    return used;
}

static uint32_t in_used(struct channel *c)
{
    uint32_t used = used_checked(c, __atomic_load_n(&c->in->head, __ATOMIC_ACQUIRE), c->in_tail);
    return c->broken ? 0 : used;
}

static uint32_t out_free(struct channel *c)
{
    uint32_t used = used_checked(c, c->out_head, __atomic_load_n(&c->out->tail, __ATOMIC_ACQUIRE));
    return c->broken ? 0 : CHANNEL_RING - used;
}

// Raise a flag that the peer looks at after it has published its index; the caller looks at that index once more then.
static void flag_raise(uint32_t *flag)
{
    __atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
}

static void peer_wake(struct channel *c, uint32_t *flag)
{
    if (__atomic_load_n(flag, __ATOMIC_SEQ_CST) && __atomic_exchange_n(flag, 0, __ATOMIC_SEQ_CST))
        sm_up(c->peer_sm);
}

void channel_init(struct channel *c, void *pages, uint64_t sel_base, bool connector)
{
    struct channel_ring *ring = pages;
    *c = (struct channel){
        .in = &ring[connector ? 0 : 1], .out = &ring[connector ? 1 : 0], .my_sm = sel_base, .peer_sm = sel_base + 1};
}

uint32_t channel_space(struct channel *c)
{
    uint32_t n = out_free(c);
    if (!n && !c->broken) {
        flag_raise(&c->out->starving);
        n = out_free(c);
    }
    return n;
}

bool channel_readable(struct channel *c)
{
    if (in_used(c))
        return true;
    flag_raise(&c->in->sleeping);
    return in_used(c) != 0;
}

bool channel_closed(const struct channel *c)
{
    return c->broken || __atomic_load_n(&c->in->closed, __ATOMIC_ACQUIRE) ||
           __atomic_load_n(&c->out->closed, __ATOMIC_ACQUIRE);
}

static uint32_t write_some(struct channel *c, const uint8_t *p, uint32_t n)
{
    uint32_t space = out_free(c), at = c->out_head % CHANNEL_RING;
    if (n > space)
        n = space;
    if (!n)
        return 0;
    uint32_t first = n < CHANNEL_RING - at ? n : CHANNEL_RING - at;
    memcpy(c->out->bytes + at, p, first);
    memcpy(c->out->bytes, p + first, n - first);
    c->out_head = ring_advance(c->out_head, n);
    __atomic_store_n(&c->out->head, c->out_head, __ATOMIC_SEQ_CST);
    peer_wake(c, &c->out->sleeping);
    return n;
}

uint32_t channel_write(struct channel *c, const void *p, uint32_t n)
{
    uint32_t done = write_some(c, p, n);
    while (done < n && channel_space(c)) // room came while it was found missing
        done += write_some(c, (const uint8_t *)p + done, n - done);
    return done;
}

uint32_t channel_poll(struct channel *c, void *p, uint32_t n)
{
    uint32_t used = in_used(c), at = c->in_tail % CHANNEL_RING;
    if (n > used)
        n = used;
    if (!n)
        return 0;
    uint32_t first = n < CHANNEL_RING - at ? n : CHANNEL_RING - at;
    memcpy(p, c->in->bytes + at, first);
    memcpy((uint8_t *)p + first, c->in->bytes, n - first);
    c->in_tail = ring_advance(c->in_tail, n);
    __atomic_store_n(&c->in->tail, c->in_tail, __ATOMIC_SEQ_CST);
    peer_wake(c, &c->in->starving);
    return n;
}

uint32_t channel_read(struct channel *c, void *p, uint32_t n)
{
    uint32_t done = channel_poll(c, p, n);
    while (done < n && channel_readable(c))
        done += channel_poll(c, (uint8_t *)p + done, n - done);
    return done;
}
