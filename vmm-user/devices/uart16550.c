// SPDX-License-Identifier: MIT
#include "vmm-user/devices/uart16550.h"
#include "pc/uart16550.h"

#define UART_IER_ALL    0x0f
#define UART_MCR_ALL    0x1f
#define UART_LSR_ERRORS (UART_LSR_OE | UART_LSR_PE | UART_LSR_FE | UART_LSR_BI)
#define UART_MSR_DELTAS 0x0f
#define UART_MSR_PEER   (UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD) // someone is always there

static bool fifo_on(const struct uart *u)
{
    return u->fcr & UART_FCR_ENABLE;
}

static unsigned fifo_trigger(const struct uart *u)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    return fifo_on(u) ? levels[u->fcr >> 6] : 1;
}

// What IIR shows, without the FIFO bits: the pending cause of highest priority.
static uint8_t uart_cause(const struct uart *u)
{
    if (u->ier & UART_IER_ELSI && u->lsr & UART_LSR_ERRORS)
        return UART_IIR_RLS;
    if (u->ier & UART_IER_ERBFI && u->rx_count >= fifo_trigger(u))
        return UART_IIR_RDA;
    if (u->ier & UART_IER_ERBFI && u->timed_out)
        return UART_IIR_TIMEOUT;
    if (u->ier & UART_IER_ETBEI && u->thre_pending)
        return UART_IIR_THRE;
    if (u->ier & UART_IER_EDSSI && u->msr & UART_MSR_DELTAS)
        return UART_IIR_MSR;
    return UART_IIR_NONE;
}

static void uart_update(struct uart *u)
{
    bool level = u->mcr & UART_MCR_OUT2 && uart_cause(u) != UART_IIR_NONE;
    if (level == u->irq_level)
        return;
    u->irq_level = level;
    irq_line_set(&u->irq, level);
}

// Four character times of ten bits, in TSC ticks.
static uint64_t uart_timeout(const struct uart *u)
{
    uint32_t divisor = u->divisor ? u->divisor : 1;
    return mul_div(40ull * 16 * divisor, u->dev.clock->tsc_hz, UART_CLOCK_HZ);
}

// The timeout runs while there are characters, too few for the trigger, and someone who would be interrupted.
static void uart_arm_timeout(struct uart *u)
{
    uint64_t deadline = TIMER_NEVER;
    if (u->rx_count && u->rx_count < fifo_trigger(u) && u->ier & UART_IER_ERBFI && !u->timed_out)
        deadline = u->dev.clock->now(u->dev.clock) + uart_timeout(u);
    if (deadline != u->timeout.deadline)
        timer_set(u->dev.clock, &u->timeout, deadline);
}

static void uart_fire(struct device *dev, uint64_t now)
{
    (void)now;
    struct uart *u = (struct uart *)dev;
    u->timed_out = u->rx_count != 0;
    uart_update(u);
}

static void uart_take(struct uart *u, uint8_t byte)
{
    unsigned room = fifo_on(u) ? UART_FIFO_SIZE : 1;
    if (u->rx_count >= room) {
        u->lsr |= UART_LSR_OE;
        if (!fifo_on(u))
            u->rx[u->rx_head] = byte; // the newer byte wins in the one register
    } else {
        u->rx[(u->rx_head + u->rx_count++) % UART_FIFO_SIZE] = byte;
        u->lsr |= UART_LSR_DR;
    }
    u->timed_out = false;
    uart_arm_timeout(u);
    uart_update(u);
}

bool uart_can_receive(const struct uart *u)
{
    return !(u->mcr & UART_MCR_LOOP) && u->rx_count < (fifo_on(u) ? UART_FIFO_SIZE : 1);
}

void uart_receive(struct uart *u, uint8_t byte)
{
    if (!(u->mcr & UART_MCR_LOOP))
        uart_take(u, byte);
}

// Tells who feeds the receiver that it is empty.
static void uart_invite(struct uart *u)
{
    if (!u->rx_count && !(u->mcr & UART_MCR_LOOP) && u->drained)
        u->drained(u->drained_ctx);
}

static uint8_t uart_read_rbr(struct uart *u)
{
    uint8_t byte = u->rx[u->rx_head];
    if (!u->rx_count)
        return byte;
    u->rx_head = (u->rx_head + 1) % UART_FIFO_SIZE;
    u->timed_out = false;
    if (!--u->rx_count)
        u->lsr &= ~UART_LSR_DR;
    uart_arm_timeout(u);
    uart_update(u);
    uart_invite(u);
    return byte;
}

static uint8_t uart_read_iir(struct uart *u)
{
    uint8_t cause = uart_cause(u);
    if (cause == UART_IIR_THRE) {
        u->thre_pending = false;
        uart_update(u);
    }
    return cause | (fifo_on(u) ? UART_IIR_FIFO : 0);
}

static uint8_t uart_read_lsr(struct uart *u)
{
    uint8_t lsr = u->lsr;
    if (__builtin_expect(lsr & UART_LSR_ERRORS, 0)) {
        u->lsr &= ~UART_LSR_ERRORS;
        uart_update(u);
    }
    return lsr;
}

static uint8_t uart_read_msr(struct uart *u)
{
    uint8_t msr = u->msr;
    u->msr &= ~UART_MSR_DELTAS;
    uart_update(u);
    return msr;
}

static uint64_t uart_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)size;
    struct uart *u = (struct uart *)dev;
    bool dlab = u->lcr & UART_LCR_DLAB;
    switch (port & 7) {
    case UART_LSR:
        return uart_read_lsr(u);
    case UART_RBR:
        return dlab ? u->divisor & 0xff : uart_read_rbr(u);
    case UART_IER:
        return dlab ? u->divisor >> 8 : u->ier;
    case UART_IIR:
        return uart_read_iir(u);
    case UART_LCR:
        return u->lcr;
    case UART_MCR:
        return u->mcr;
    case UART_MSR:
        return uart_read_msr(u);
    default:
        return u->scr;
    }
}

static void uart_write_thr(struct uart *u, uint8_t byte)
{
    if (u->mcr & UART_MCR_LOOP)
        uart_take(u, byte);
    else if (u->out.put)
        u->out.put(u->out.ctx, byte);
    u->thre_pending = true;
    if (u->ier & UART_IER_ETBEI)
        uart_update(u);
}

static void uart_write_ier(struct uart *u, uint8_t value)
{
    if (value & ~u->ier & UART_IER_ETBEI)
        u->thre_pending = true; // THR is empty: enabling its interrupt raises it
    u->ier = value & UART_IER_ALL;
    uart_arm_timeout(u);
    uart_update(u);
}

static void uart_write_fcr(struct uart *u, uint8_t value)
{
    bool toggled = (value ^ u->fcr) & UART_FCR_ENABLE;
    if (toggled || value & UART_FCR_CLEAR_RX) {
        u->rx_count = 0;
        u->lsr &= ~UART_LSR_DR;
        u->timed_out = false;
    }
    u->fcr = value & UART_FCR_ENABLE ? value & (UART_FCR_TRIGGER_MASK | UART_FCR_DMA | UART_FCR_ENABLE) : 0;
    uart_arm_timeout(u);
    uart_update(u);
    if (value & UART_FCR_CLEAR_RX || toggled)
        uart_invite(u);
}

// The four modem inputs: from the peer, or in loopback from our own outputs.
static uint8_t uart_modem_lines(const struct uart *u)
{
    if (!(u->mcr & UART_MCR_LOOP))
        return UART_MSR_PEER;
    return (u->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) | (u->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
           (u->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) | (u->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static void uart_write_mcr(struct uart *u, uint8_t value)
{
    bool unlooped = u->mcr & ~value & UART_MCR_LOOP;
    u->mcr = value & UART_MCR_ALL;
    uint8_t lines = uart_modem_lines(u), changed = (lines ^ u->msr) & 0xf0;
    if (lines & UART_MSR_RI)
        changed &= ~UART_MSR_RI; // only its trailing edge counts
    u->msr = lines | (u->msr & UART_MSR_DELTAS) | changed >> 4;
    uart_update(u);
    if (unlooped)
        uart_invite(u);
}

static void uart_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t wide)
{
    (void)space, (void)size;
    struct uart *u = (struct uart *)dev;
    uint8_t value = (uint8_t)wide;
    bool dlab = u->lcr & UART_LCR_DLAB;
    switch (port & 7) {
    case UART_THR:
        if (dlab)
            u->divisor = (uint16_t)((u->divisor & 0xff00) | value);
        else
            uart_write_thr(u, value);
        break;
    case UART_IER:
        if (dlab)
            u->divisor = (uint16_t)((u->divisor & 0x00ff) | value << 8);
        else
            uart_write_ier(u, value);
        break;
    case UART_FCR:
        uart_write_fcr(u, value);
        break;
    case UART_LCR:
        u->lcr = value;
        break;
    case UART_MCR:
        uart_write_mcr(u, value);
        break;
    case UART_SCR:
        u->scr = value;
        break;
    default: // LSR and MSR are for the factory's tests only
        break;
    }
}

static void uart_reset(struct device *dev)
{
    struct uart *u = (struct uart *)dev;
    u->ier = u->fcr = u->lcr = u->mcr = u->scr = 0;
    u->lsr = UART_LSR_THRE | UART_LSR_TEMT;
    u->msr = UART_MSR_PEER;
    u->divisor = 1;
    u->thre_pending = u->timed_out = u->irq_level = false;
    u->rx_head = u->rx_count = 0;
    irq_line_set(&u->irq, false);
    timer_set(dev->clock, &u->timeout, TIMER_NEVER);
}

static void uart_state(struct device *dev, struct state *s)
{
    struct uart *u = (struct uart *)dev;
    uint8_t *bytes[] = {&u->ier, &u->fcr, &u->lcr, &u->mcr, &u->lsr, &u->msr, &u->scr, &u->rx_head, &u->rx_count};
    STATE_EACH(s, bytes);
    STATE(s, u->rx);
    STATE(s, u->divisor);
    STATE(s, u->thre_pending);
    STATE(s, u->timed_out);
    STATE(s, u->timeout.deadline);
}

static bool uart_loaded(struct device *dev)
{
    struct uart *u = (struct uart *)dev;
    if (u->rx_head >= UART_FIFO_SIZE || u->rx_count > (fifo_on(u) ? UART_FIFO_SIZE : 1) || (u->ier & ~UART_IER_ALL) ||
        (u->mcr & ~UART_MCR_ALL))
        return false;
    timer_set(dev->clock, &u->timeout, u->timeout.deadline);
    u->irq_level = false;
    uart_update(u);
    irq_line_set(&u->irq, u->irq_level);
    return true;
}

static const struct device_ops uart_ops = {
    .name = "uart16550",
    .read = uart_read,
    .write = uart_write,
    .reset = uart_reset,
    .version = 1,
    .state = uart_state,
    .loaded = uart_loaded,
    .max_size = 1,
};

void uart_init(struct uart *u, struct clock *clock, uint16_t port, struct irq_line irq, struct char_backend out)
{
    *u = (struct uart){.irq = irq, .out = out};
    device_init(&u->dev, &uart_ops, clock);
    device_add_range(&u->dev, IO_PORT, port, UART_PORTS);
    timer_register(clock, &u->timeout, &u->dev, uart_fire);
    uart_reset(&u->dev);
}
