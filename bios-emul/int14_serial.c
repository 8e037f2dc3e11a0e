// SPDX-License-Identifier: MIT
// INT 14h: serial ports by the addresses in the data area.
#include "bios-emul/internal.h"
#include "pc/uart16550.h"

#define STATUS_TIMEOUT 0x80
#define MCR_READY      (UART_MCR_DTR | UART_MCR_RTS)

static uint16_t port_base(struct bios *b, unsigned port)
{
    return port < 4 ? bda16(b, BDA_COM + 2 * port) : 0;
}

static void status_get(struct bios *b, struct bios_regs *r, uint16_t base)
{
    r->a.h = port_in(b, base + UART_LSR);
    r->a.l = port_in(b, base + UART_MSR);
}

static void divisor_set(struct bios *b, uint16_t base, uint16_t divisor, uint8_t line)
{
    port_out(b, base + UART_LCR, line | UART_LCR_DLAB);
    port_out(b, base + UART_DLL, (uint8_t)divisor);
    port_out(b, base + UART_DLM, (uint8_t)(divisor >> 8));
    port_out(b, base + UART_LCR, line);
}

// AL: rate, parity, stop bits, word length, as the PC has it.
static enum bios_result port_init(struct bios *b, struct bios_regs *r, uint16_t base)
{
    static const uint16_t divisors[] = {0x417, 0x300, 0x180, 0xc0, 0x60, 0x30, 0x18, 0x0c};
    divisor_set(b, base, divisors[r->a.l >> 5], r->a.l & 0x1f);
    port_out(b, base + UART_IER, 0);
    status_get(b, r, base);
    return BIOS_DONE;
}

static enum bios_result byte_send(struct bios *b, struct bios_regs *r, uint16_t base)
{
    port_out(b, base + UART_MCR, port_in(b, base + UART_MCR) | MCR_READY);
    uint8_t line = port_in(b, base + UART_LSR);
    if (!(line & UART_LSR_THRE))
        return BIOS_AGAIN;
    port_out(b, base + UART_THR, r->a.l);
    r->a.h = line;
    return BIOS_DONE;
}

// Waits for as many ticks as 40:7C says; the wait begins at the first call, whose tick is in the state.
static enum bios_result byte_receive(struct bios *b, struct bios_regs *r, uint16_t base)
{
    uint8_t line = port_in(b, base + UART_LSR);
    uint32_t now = bda32(b, BDA_TICKS);
    if (line & UART_LSR_DR) {
        b->state.serial_waiting = false;
        r->a.l = port_in(b, base + UART_RBR);
        r->a.h = line & 0x1e;
        return BIOS_DONE;
    }
    if (!b->state.serial_waiting) {
        b->state.serial_waiting = true;
        b->state.serial_since = now;
        return BIOS_AGAIN;
    }
    if (now - b->state.serial_since <= bda8(b, BDA_COM_TIMEOUT + r->d.x))
        return BIOS_AGAIN;
    b->state.serial_waiting = false;
    r->a.h = STATUS_TIMEOUT | line;
    return BIOS_DONE;
}

// AH = 4, as the PS/2: AL break, BH parity, BL stop bits, CH word length, CL rate.
static enum bios_result extended_init(struct bios *b, struct bios_regs *r, uint16_t base)
{
    static const uint16_t divisors[] = {0x417, 0x300, 0x180, 0xc0, 0x60, 0x30, 0x18, 0x0c, 0x06};
    static const uint8_t parity[] = {0x00, 0x08, 0x18, 0x28, 0x38};
    uint8_t line = (uint8_t)((r->c.h & 3) | (r->b.l & 1) << 2 | (r->a.l & 1 ? UART_LCR_BREAK : 0));
    if (r->b.h < sizeof(parity))
        line |= parity[r->b.h];
    if (r->c.l < sizeof(divisors) / sizeof(divisors[0]))
        divisor_set(b, base, divisors[r->c.l], line);
    status_get(b, r, base);
    return BIOS_DONE;
}

static enum bios_result modem_control(struct bios *b, struct bios_regs *r, uint16_t base)
{
    if (r->a.l == 0)
        r->b.l = port_in(b, base + UART_MCR);
    else if (r->a.l == 1)
        port_out(b, base + UART_MCR, r->b.l);
    status_get(b, r, base);
    return BIOS_DONE;
}

enum bios_result int14_serial(struct bios *b, struct bios_regs *r)
{
    uint16_t base = port_base(b, r->d.x);
    if (!base) {
        r->a.h = STATUS_TIMEOUT;
        return BIOS_DONE;
    }
    switch (r->a.h) {
    case 0:
        return port_init(b, r, base);
    case 1:
        return byte_send(b, r, base);
    case 2:
        return byte_receive(b, r, base);
    case 3:
        status_get(b, r, base);
        return BIOS_DONE;
    case 4:
        return extended_init(b, r, base);
    case 5:
        return modem_control(b, r, base);
    default:
        unknown_count(b, r, 0x14);
        return BIOS_DONE;
    }
}
