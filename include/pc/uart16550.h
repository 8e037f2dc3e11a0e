// SPDX-License-Identifier: MIT
// National Semiconductor PC16550D, offsets from the base port. Data sheet, section 8.
#pragma once

#define UART_COM1_PORT 0x3f8
#define UART_COM1_IRQ  4
#define UART_COM2_PORT 0x2f8
#define UART_COM2_IRQ  3
#define UART_PORTS     8
#define UART_CLOCK_HZ  1843200 // divided by 16 and the divisor latch
#define UART_FIFO_SIZE 16

#define UART_RBR 0 // read
#define UART_THR 0 // write
#define UART_DLL 0 // LCR_DLAB
#define UART_IER 1
#define UART_DLM 1 // LCR_DLAB
#define UART_IIR 2 // read
#define UART_FCR 2 // write
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_MSR 6
#define UART_SCR 7

#define UART_IER_ERBFI 0x01
#define UART_IER_ETBEI 0x02
#define UART_IER_ELSI  0x04
#define UART_IER_EDSSI 0x08

#define UART_IIR_MSR     0x00
#define UART_IIR_NONE    0x01
#define UART_IIR_THRE    0x02
#define UART_IIR_RDA     0x04
#define UART_IIR_RLS     0x06
#define UART_IIR_TIMEOUT 0x0c
#define UART_IIR_FIFO    0xc0

#define UART_FCR_ENABLE       0x01
#define UART_FCR_CLEAR_RX     0x02
#define UART_FCR_CLEAR_TX     0x04
#define UART_FCR_DMA          0x08
#define UART_FCR_TRIGGER_14   0xc0
#define UART_FCR_TRIGGER_MASK 0xc0

#define UART_LCR_8N1   0x03
#define UART_LCR_BREAK 0x40
#define UART_LCR_DLAB  0x80

#define UART_MCR_DTR  0x01
#define UART_MCR_RTS  0x02
#define UART_MCR_OUT1 0x04
#define UART_MCR_OUT2 0x08 // on a PC: the interrupt's gate
#define UART_MCR_LOOP 0x10

#define UART_LSR_DR         0x01
#define UART_LSR_OE         0x02
#define UART_LSR_PE         0x04
#define UART_LSR_FE         0x08
#define UART_LSR_BI         0x10
#define UART_LSR_THRE       0x20
#define UART_LSR_TEMT       0x40
#define UART_LSR_FIFO_ERROR 0x80

#define UART_MSR_DCTS 0x01
#define UART_MSR_DDSR 0x02
#define UART_MSR_TERI 0x04
#define UART_MSR_DDCD 0x08
#define UART_MSR_CTS  0x10
#define UART_MSR_DSR  0x20
#define UART_MSR_RI   0x40
#define UART_MSR_DCD  0x80
