// SPDX-License-Identifier: MIT
// 16550A serial port. Its transmitter is never busy: a byte is with the backend when the write to THR returns.
// PC16550D data sheet. The interrupt is gated by OUT2, as on a PC.
#pragma once
#include "vmm-user/device.h"

struct uart {
    struct device dev;
    struct char_backend out;
    struct irq_line irq;
    struct dev_timer timeout;   // characters wait below the trigger level
    void (*drained)(void *ctx); // the receiver is empty: more bytes are welcome. May be NULL
    void *drained_ctx;
    uint8_t ier, fcr, lcr, mcr, lsr, msr, scr;
    uint16_t divisor;
    bool thre_pending, timed_out;
    bool irq_level;
    uint8_t rx[16], rx_head, rx_count;
};

void uart_init(struct uart *uart, struct clock *clock, uint16_t port, struct irq_line irq, struct char_backend out);

// Whether a byte from outside would find room.
bool uart_can_receive(const struct uart *uart);

// A byte arrives from outside; without room it is an overrun.
void uart_receive(struct uart *uart, uint8_t byte);
