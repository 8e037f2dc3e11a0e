// SPDX-License-Identifier: MIT
// INT 17h: the printer, and INT 05h, which prints the screen on it.
#include "bios-emul/internal.h"

#define LPT_STATUS      1 // offsets of the port's registers
#define LPT_CONTROL     2
#define CONTROL_IDLE    0x0c // selected, no reset
#define CONTROL_RESET   0x08
#define CONTROL_STROBE  0x0d
#define STATUS_INVERTED 0x48 // acknowledge and error, as AH shows them
#define STATUS_BITS     0xf8
#define STATUS_READY    0x80
#define STATUS_TIMEOUT  0x01
#define PRINT_FAILED    0xff // at 0050:0000
#define PRINT_DONE      0x00

static uint8_t printer_status(struct bios *b, uint16_t base)
{
    return (uint8_t)((port_in(b, base + LPT_STATUS) & STATUS_BITS) ^ STATUS_INVERTED);
}

static uint8_t printer_put(struct bios *b, uint16_t base, uint8_t byte)
{
    if (!(port_in(b, base + LPT_STATUS) & STATUS_READY))
        return printer_status(b, base) | STATUS_TIMEOUT;
    port_out(b, base, byte);
    port_out(b, base + LPT_CONTROL, CONTROL_STROBE);
    port_out(b, base + LPT_CONTROL, CONTROL_IDLE);
    return printer_status(b, base);
}

enum bios_result int17_printer(struct bios *b, struct bios_regs *r)
{
    uint16_t base = r->d.x < 3 ? bda16(b, BDA_LPT + 2u * r->d.x) : 0;
    if (r->a.h > 2)
        unknown_count(b, r, 0x17);
    if (!base || r->a.h > 2) {
        r->a.h = base ? r->a.h : STATUS_TIMEOUT;
        return BIOS_DONE;
    }
    if (r->a.h == 0) {
        r->a.h = printer_put(b, base, r->a.l);
    } else {
        if (r->a.h == 1) {
            port_out(b, base + LPT_CONTROL, CONTROL_RESET);
            port_out(b, base + LPT_CONTROL, CONTROL_IDLE);
        }
        r->a.h = printer_status(b, base);
    }
    return BIOS_DONE;
}

static bool line_print(struct bios *b, uint16_t base, unsigned row, unsigned columns)
{
    uint32_t at = 0xb8000 + bda16(b, BDA_PAGE_START) + row * columns * 2;
    for (unsigned i = 0; i < columns; i++) {
        uint8_t character = mem_get8(b, at + 2 * i);
        if (printer_put(b, base, character ? character : ' ') & STATUS_TIMEOUT)
            return false;
    }
    return !((printer_put(b, base, '\r') | printer_put(b, base, '\n')) & STATUS_TIMEOUT);
}

enum bios_result int05_print_screen(struct bios *b, struct bios_regs *r)
{
    uint16_t base = bda16(b, BDA_LPT);
    unsigned rows = bda8(b, BDA_ROWS) + 1u, columns = bda16(b, BDA_COLUMNS);
    bool ok = base != 0 && bda8(b, BDA_MODE) <= 3;
    (void)r;
    for (unsigned row = 0; ok && row < rows && columns <= 132; row++)
        ok = line_print(b, base, row, columns);
    bda_set8(b, BDA_PRINT_SCREEN, ok ? PRINT_DONE : PRINT_FAILED);
    return BIOS_DONE;
}
