// SPDX-License-Identifier: MIT
// The guest's serial console on its way to the console process. Bytes are gathered to lines, so that a reader that
// sleeps is woken once a line and not once a byte; what does not fit is dropped: the guest never waits.
#include "vmm-user/vm.h"

#define BUFFER       256
#define FLUSH_PER_HZ 50 // without a line's end, bytes wait no longer than tsc_hz / this

static struct {
    struct device dev; // owner of the timer
    struct dev_timer flush;
    unsigned used;
    uint8_t bytes[BUFFER];
} buffer;

void terminal_flush(struct vm *vm)
{
    struct channel *c = vm->terminal;
    if (!buffer.used)
        return;
    if (c)
        channel_write(c, buffer.bytes, buffer.used);
    buffer.used = 0;
}

static void flush_fire(struct device *dev, uint64_t now)
{
    (void)now;
    (void)dev;
    terminal_flush(&vm);
}

void terminal_put(void *ctx, uint8_t byte)
{
    struct vm *v = ctx;
    struct clock *clock = &v->clock.clock;
    if (buffer.used == 0 && byte != '\n') {
        if (!buffer.flush.fire)
            timer_register(clock, &buffer.flush, &buffer.dev, flush_fire);
        if (buffer.flush.deadline == TIMER_NEVER)
            timer_set(clock, &buffer.flush, clock->now(clock) + clock->tsc_hz / FLUSH_PER_HZ);
    }
    buffer.bytes[buffer.used++] = byte;
    if (byte == '\n' || buffer.used == BUFFER)
        terminal_flush(v);
}
