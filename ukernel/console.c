// SPDX-License-Identifier: MIT
// The kernel's log: a ring in memory that root can map; until the console service takes over also COM1 and the VGA text
// screen.
#include <stdarg.h>
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "pc/uart16550.h"
#include "ukernel/platform.h"
#include "ukernel/spinlock.h"
#include "x86/regs.h"

#define LOG_BYTES   0x10000
#define LINE_BYTES  240
#define SEND_POLLS  100000 // of a UART that takes nothing; then the character is lost
#define BAUD        115200
#define VGA_TEXT    0xb8000
#define VGA_COLUMNS 80
#define VGA_ROWS    25
#define VGA_CELL    0x0700 // grey on black

static union {
    struct klog log;
    char page[LOG_BYTES];
} ring __attribute__((section(".bss.page"), aligned(4096)));

static uint32_t lock;
static bool uart_present, to_serial, to_screen, panicking;
static unsigned screen_at; // cell

static void uart_init(void)
{
    const uint16_t port = UART_COM1_PORT, divisor = UART_CLOCK_HZ / 16 / BAUD;
    outb(port + UART_IER, 0);
    outb(port + UART_LCR, UART_LCR_8N1 | UART_LCR_DLAB);
    outb(port + UART_DLL, divisor & 0xff);
    outb(port + UART_DLM, divisor >> 8);
    outb(port + UART_LCR, UART_LCR_8N1);
    outb(port + UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX | UART_FCR_CLEAR_TX);
    outb(port + UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
    outb(port + UART_SCR, 0x5a);
    uart_present = inb(port + UART_SCR) == 0x5a && inb(port + UART_LSR) != 0xff;
}

static void uart_put(char c)
{
    for (unsigned i = 0; i < SEND_POLLS; i++) {
        if (inb(UART_COM1_PORT + UART_LSR) & UART_LSR_THRE) {
            outb(UART_COM1_PORT + UART_THR, (uint8_t)c);
            return;
        }
    }
}

static void screen_put(char c)
{
    volatile uint16_t *cells = phys_to_virt(VGA_TEXT);
    if (c == '\n')
        screen_at += VGA_COLUMNS - screen_at % VGA_COLUMNS;
    else
        cells[screen_at++] = VGA_CELL | (uint8_t)c;
    if (screen_at < VGA_COLUMNS * VGA_ROWS)
        return;
    screen_at -= VGA_COLUMNS;
    for (unsigned i = 0; i < VGA_COLUMNS * VGA_ROWS; i++)
        cells[i] = i < screen_at ? cells[i + VGA_COLUMNS] : VGA_CELL;
}

static void ring_put(char c)
{
    ring.log.bytes[ring.log.head % ring.log.size] = c;
    __atomic_store_n(&ring.log.head, ring.log.head + 1, __ATOMIC_RELEASE); // readers look at head first
}

static void write_text(const char *text)
{
    for (; *text; text++) {
        ring_put(*text);
        if (to_screen)
            screen_put(*text);
        if (!to_serial || !uart_present)
            continue;
        if (*text == '\n')
            uart_put('\r');
        uart_put(*text);
    }
}

void console_write(const char *text)
{
    if (!panicking)
        spin_lock(&lock);
    write_text(text);
    if (!panicking)
        spin_unlock(&lock);
}

// Somebody writes just now: perhaps what an NMI interrupted, which then must not wait for it.
bool console_busy(void)
{
    return __atomic_load_n(&lock, __ATOMIC_RELAXED);
}

void klog(const char *format, ...)
{
    char line[LINE_BYTES];
    uint64_t since = hip ? rdtsc() - hip->tsc_boot : 0;
    uint64_t us = tsc_hz ? since / tsc_hz * 1000000 + since % tsc_hz * 1000000 / tsc_hz : 0;
    int length = snprintf(line, sizeof(line), "[%3lu.%06lu] cpu%u ", us / 1000000, us % 1000000, this_cpu()->id);
    va_list args;
    va_start(args, format);
    length += vsnprintf(line + length, sizeof(line) - length, format, args);
    va_end(args);
    if (length > LINE_BYTES - 2)
        length = LINE_BYTES - 2;
    line[length] = '\n';
    line[length + 1] = 0;
    console_write(line);
}

void klog_to_serial(bool on)
{
    to_serial = on;
    to_screen = false; // whoever takes the console draws on the screen from now on
}

void console_screen(bool on)
{
    to_screen = on;
}

void console_panic_mode(void)
{
    panicking = true;
    to_serial = true;
}

uint64_t klog_phys(uint64_t *size)
{
    *size = sizeof(ring);
    return (uint64_t)&ring - KERNEL_BASE;
}

void console_init(void)
{
    ring.log.size = sizeof(ring) - offsetof(struct klog, bytes);
    uart_init();
    to_serial = true;
}
