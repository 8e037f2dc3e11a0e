// SPDX-License-Identifier: MIT
#include "user/console/serial.h"
#include "pc/uart16550.h"
#include "x86/regs.h"

#define BAUD_DIVISOR 1 // 115200
#define PROBE        0x5a
#define IIR_READS    8 // each read takes one cause away

static void put(unsigned reg, uint8_t value)
{
    outb(UART_COM1_PORT + reg, value);
}

static uint8_t get(unsigned reg)
{
    return inb(UART_COM1_PORT + reg);
}

bool serial_init(void)
{
    put(UART_SCR, PROBE);
    if (get(UART_SCR) != PROBE)
        return false;
    put(UART_IER, 0);
    put(UART_LCR, UART_LCR_8N1 | UART_LCR_DLAB);
    put(UART_DLL, BAUD_DIVISOR);
    put(UART_DLM, 0);
    put(UART_LCR, UART_LCR_8N1);
    put(UART_FCR, UART_FCR_ENABLE); // what was received already stays
    put(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
    return true;
}

bool serial_receive(uint8_t *byte)
{
    if (!(get(UART_LSR) & UART_LSR_DR))
        return false;
    *byte = get(UART_RBR);
    return true;
}

unsigned serial_room(void)
{
    return get(UART_LSR) & UART_LSR_THRE ? UART_FIFO_SIZE : 0;
}

void serial_send(const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        put(UART_THR, bytes[i]);
}

// The line is an edge for the interrupt controller: it must fall before it can rise again.
void serial_interrupts(bool receive, bool transmit)
{
    put(UART_IER, 0);
    for (unsigned i = 0; i < IIR_READS && !(get(UART_IIR) & UART_IIR_NONE); i++)
        get(UART_MSR);
    put(UART_IER, (receive ? UART_IER_ERBFI : 0) | (transmit ? UART_IER_ETBEI : 0));
}
