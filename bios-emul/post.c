// SPDX-License-Identifier: MIT
// Power-on: chips, interrupt vectors, the data area; option ROMs.
#include "bios-emul/internal.h"
#include "lib/c/string.h"
#include "pc/acpi_pm.h"
#include "pc/i8042.h"
#include "pc/mc146818.h"
#include "pc/pci_host.h"
#include "pc/pic8259.h"
#include "pc/pit8254.h"
#include "pc/uart16550.h"

#define CMOS_EQUIPMENT   0x14
#define CMOS_BASE_MEMORY 0x15
#define EQUIPMENT_FLOPPY 0x0001
#define EQUIPMENT_FPU    0x0002
#define EQUIPMENT_MOUSE  0x0004
#define EQUIPMENT_COLOUR 0x0020
#define EBDA_SEGMENT     0x9fc0
#define PIC_MASTER_MASK  0xb8 // IRQ 0, 1, 2, 6
#define PIC_SLAVE_MASK   0x8e // IRQ 8, 12, 13, 14
#define DEFAULT_INT      ROM_IRET

uint8_t cmos_read(struct bios *b, uint8_t index)
{
    port_out(b, RTC_INDEX, index);
    return port_in(b, RTC_DATA);
}

void cmos_write(struct bios *b, uint8_t index, uint8_t value)
{
    port_out(b, RTC_INDEX, index);
    port_out(b, RTC_DATA, value);
}

static void pam_write(struct bios *b, unsigned pam, uint8_t value)
{
    b->host.out(b->host.ctx, PCI_CONFIG_ADDRESS, 4, PCI_CONFIG_ENABLE | (pam & ~3u));
    port_out(b, (uint16_t)(PCI_CONFIG_DATA + (pam & 3)), value);
}

void shadow_open(struct bios *b, bool bios, bool roms)
{
    pam_write(b, PCI_82441FX_PAM, (bios ? PAM_BOTH : PAM_READ << 4) & 0xf0);
    for (unsigned pam = PCI_82441FX_PAM + 1; pam < PCI_82441FX_PAM_END; pam++)
        pam_write(b, pam, roms ? PAM_BOTH : PAM_READ << 4 | PAM_READ);
}

static void chips_init(struct bios *b)
{
    static const struct {
        uint16_t port;
        uint8_t value;
    } writes[] = {
        {PIC_MASTER_COMMAND, PIC_ICW1_INIT | PIC_ICW1_IC4},
        {PIC_MASTER_DATA, 0x08},
        {PIC_MASTER_DATA, 1 << PIC_CASCADE},
        {PIC_MASTER_DATA, PIC_ICW4_8086},
        {PIC_SLAVE_COMMAND, PIC_ICW1_INIT | PIC_ICW1_IC4},
        {PIC_SLAVE_DATA, 0x70},
        {PIC_SLAVE_DATA, PIC_CASCADE},
        {PIC_SLAVE_DATA, PIC_ICW4_8086},
        {PIC_MASTER_DATA, PIC_MASTER_MASK},
        {PIC_SLAVE_DATA, PIC_SLAVE_MASK},
        {PIT_CONTROL, PIT_ACCESS_BOTH << 4 | 3 << 1},
        {PIT_COUNTER0, 0},
        {PIT_COUNTER0, 0},
        {PIT_CONTROL, 1 << 6 | PIT_ACCESS_LOW << 4 | 2 << 1},
        {PIT_COUNTER1, 18},
        {PORT92, PORT92_A20},
    };
    for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
        port_out(b, writes[i].port, writes[i].value);
}

// IBM's layout: services at their stubs, IRQs at their handlers, 60h-66h free, the rest at an IRET.
static void vectors_init(struct bios *b)
{
    static const struct {
        uint8_t vector;
        uint16_t offset;
    } own[] = {
        {0x05, ROM_PRINT_SCREEN}, {0x18, 0},      {0x40, 0xec59}, {0x42, 0xf065}, {0x43, ROM_FONT8},
        {0x44, ROM_FONT8_OLD},    {0x6d, 0xf065},
    };
    for (unsigned v = 0; v < 256; v++) {
        bool empty = (v >= 0x60 && v <= 0x66) || v >= 0x79;
        mem_put(b, v * 4, 4, empty ? 0 : (uint32_t)BIOS_SEGMENT << 16 | DEFAULT_INT);
    }
    for (unsigned v = 0x08; v <= 0x1f; v++)
        vector_set(b, v, BIOS_SEGMENT, mem_get16(b, BIOS_ROM_BASE + ROM_VECTORS_LOW + 2 * (v - 0x08)));
    for (unsigned v = 0x70; v <= 0x77; v++)
        vector_set(b, v, BIOS_SEGMENT, mem_get16(b, BIOS_ROM_BASE + ROM_VECTORS_HIGH + 2 * (v - 0x70)));
    for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (own[i].offset)
            vector_set(b, own[i].vector, BIOS_SEGMENT, own[i].offset);
}

static unsigned serial_find(struct bios *b)
{
    static const uint16_t bases[] = {UART_COM1_PORT, UART_COM2_PORT, 0x3e8, 0x2e8};
    unsigned found = 0;
    for (unsigned i = 0; i < 4; i++) {
        port_out(b, bases[i] + UART_IER, UART_IER_ETBEI);
        bool there = port_in(b, bases[i] + UART_IER) == UART_IER_ETBEI;
        port_out(b, bases[i] + UART_IER, 0);
        if (there)
            bda_set16(b, BDA_COM + 2 * found++, bases[i]);
        bda_set8(b, BDA_COM_TIMEOUT + i, 10);
    }
    return found;
}

static unsigned parallel_find(struct bios *b)
{
    static const uint16_t bases[] = {0x378, 0x278};
    unsigned found = 0;
    for (unsigned i = 0; i < 2; i++) {
        port_out(b, bases[i], 0xaa);
        if (port_in(b, bases[i]) == 0xaa)
            bda_set16(b, BDA_LPT + 2 * found++, bases[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        bda_set8(b, BDA_LPT_TIMEOUT + i, 20);
    return found;
}

static unsigned floppy_count(const struct bios *b)
{
    unsigned n = 0;
    while (n < BIOS_FLOPPIES && b->floppy[n].type == BIOS_FLOPPY)
        n++;
    return n;
}

static void data_area_init(struct bios *b)
{
    static const uint8_t zeros[0x101];
    uint16_t warm = bda16(b, BDA_WARM);
    mem_write(b, BDA_BASE, zeros, sizeof(zeros));
    bda_set16(b, BDA_WARM, warm == WARM_BOOT ? warm : 0);
    bda_set16(b, BDA_EBDA, EBDA_SEGMENT);
    bda_set16(b, BDA_MEMORY, EBDA_SEGMENT >> 6);
    for (uint32_t at = EBDA_SEGMENT << 4; at < ACPI_FACS; at += ACPI_FACS_SIZE) // which is its end, and not ours
        mem_write(b, at, zeros, ACPI_FACS_SIZE);
    mem_put8(b, EBDA_SEGMENT << 4, 1); // KiB
}

static void equipment_init(struct bios *b)
{
    unsigned floppies = floppy_count(b), serial = serial_find(b), parallel = parallel_find(b);
    uint16_t equipment = EQUIPMENT_FPU | EQUIPMENT_MOUSE | EQUIPMENT_COLOUR;
    if (floppies)
        equipment |= (uint16_t)(EQUIPMENT_FLOPPY | (floppies - 1) << 6);
    cmos_write(b, CMOS_EQUIPMENT, equipment & ~EQUIPMENT_COLOUR & 0xff); // there: a display with a ROM of its own
    bda_set16(b, BDA_EQUIPMENT, equipment | serial << 9 | parallel << 14);
    cmos_write(b, CMOS_BASE_MEMORY, 640 & 0xff);
    cmos_write(b, CMOS_BASE_MEMORY + 1, 640 >> 8);
}

// How to go on after the processor's reset (IBM AT: shutdown status); the ROM's post_done knows these numbers.
static uint8_t resume_kind(struct bios *b)
{
    enum { POWER_ON, JUMP, JUMP_EOI, BOOT, BLOCK, INTERRUPT_RETURN, FAR_RETURN };
    static const uint8_t kinds[16] = {[0x04] = BOOT, [0x05] = JUMP_EOI,         [0x09] = BLOCK,
                                      [0x0a] = JUMP, [0x0b] = INTERRUPT_RETURN, [0x0c] = FAR_RETURN};
    uint8_t code = cmos_read(b, RTC_SHUTDOWN);
    return kinds[code & 0x0f] && code < 16 ? kinds[code] : POWER_ON;
}

bool bios_returns(struct bios *b)
{
    return resume_kind(b);
}

bool bios_starts_again(struct bios *b, int service)
{
    return service == TRAP_POST && !resume_kind(b);
}

enum bios_result post(struct bios *b, struct bios_regs *r)
{
    r->a.l = resume_kind(b);
    cmos_write(b, RTC_SHUTDOWN, 0);
    if (r->a.l)
        return BIOS_DONE;
    memset(&b->state, 0, sizeof(b->state));
    bios_rom_install(b);
    chips_init(b);
    data_area_init(b);
    vectors_init(b);
    equipment_init(b);
    video_post(b);
    keyboard_post(b);
    time_post(b);
    tables_post(b);
    disk_post(b);
    shadow_open(b, false, false);
    b->state.rom_next = 0xc000;
    return BIOS_DONE;
}

enum bios_result power_on(struct bios *b, struct bios_regs *r)
{
    post(b, r);
    if (r->a.l)
        return BIOS_DONE;
    keyboard_start(b);
    if (bda16(b, BDA_WARM) != WARM_BOOT)
        screen_print(b, "Mica BIOS\r\n\r\n");
    bda_set16(b, BDA_WARM, 0);
    return BIOS_DONE;
}

// The next option ROM between C0000 and EFFFF: its initialisation is at ES:BX; AL = 0 when there is none any more.
enum bios_result rom_scan(struct bios *b, struct bios_regs *r)
{
    r->a.l = 0;
    while (b->state.rom_next >= 0xc000 && b->state.rom_next < 0xf000) {
        uint32_t at = (uint32_t)b->state.rom_next << 4, size = (uint32_t)mem_get8(b, at + 2) * 512;
        b->state.rom_next += 0x80;
        if (mem_get16(b, at) != 0xaa55 || !size || at + size > BIOS_ROM_BASE)
            continue;
        uint8_t sum = 0;
        for (uint32_t i = 0; i < size; i++)
            sum = (uint8_t)(sum + mem_get8(b, at + i));
        if (sum)
            continue;
        b->state.rom_next = (uint16_t)((at + size + 0x7ff) >> 11 << 7);
        es_set(r, (uint16_t)(at >> 4));
        r->b.x = 3;
        r->a.l = 1;
        break;
    }
    shadow_open(b, false, r->a.l); // its initialisation may write to its memory
    return BIOS_DONE;
}

enum bios_result int11_equipment(struct bios *b, struct bios_regs *r)
{
    r->a.x = bda16(b, BDA_EQUIPMENT);
    return BIOS_DONE;
}

enum bios_result int12_memory(struct bios *b, struct bios_regs *r)
{
    r->a.x = bda16(b, BDA_MEMORY);
    return BIOS_DONE;
}
