// SPDX-License-Identifier: MIT
// What the services share: the guest's memory and ports, flags, and each other.
#pragma once
#include "bios-emul/bda.h"
#include "bios-emul/bios.h"
#include "bios-emul/rom.h"

typedef enum bios_result (*bios_service)(struct bios *b, struct bios_regs *r);

// ---- memory of the guest, linear addresses; what is not there reads as all ones

static inline uint32_t mem_get(struct bios *b, uint32_t linear, unsigned size)
{
    uint32_t value = 0;
    if (!b->host.read(b->host.ctx, linear, &value, size))
        value = UINT32_MAX >> (32 - 8 * size);
    return value;
}

static inline void mem_put(struct bios *b, uint32_t linear, unsigned size, uint32_t value)
{
    b->host.write(b->host.ctx, linear, &value, size);
}

static inline bool mem_read(struct bios *b, uint32_t linear, void *to, uint32_t size)
{
    return b->host.read(b->host.ctx, linear, to, size);
}

static inline bool mem_write(struct bios *b, uint32_t linear, const void *from, uint32_t size)
{
    return b->host.write(b->host.ctx, linear, from, size);
}

static inline uint8_t mem_get8(struct bios *b, uint32_t linear)
{
    return (uint8_t)mem_get(b, linear, 1);
}

static inline uint16_t mem_get16(struct bios *b, uint32_t linear)
{
    return (uint16_t)mem_get(b, linear, 2);
}

static inline void mem_put8(struct bios *b, uint32_t linear, unsigned value)
{
    mem_put(b, linear, 1, (uint8_t)value);
}

static inline void mem_put16(struct bios *b, uint32_t linear, unsigned value)
{
    mem_put(b, linear, 2, (uint16_t)value);
}

static inline uint8_t bda8(struct bios *b, unsigned offset)
{
    return mem_get8(b, BDA_BASE + offset);
}

static inline uint16_t bda16(struct bios *b, unsigned offset)
{
    return mem_get16(b, BDA_BASE + offset);
}

static inline uint32_t bda32(struct bios *b, unsigned offset)
{
    return mem_get(b, BDA_BASE + offset, 4);
}

static inline void bda_set8(struct bios *b, unsigned offset, unsigned value)
{
    mem_put8(b, BDA_BASE + offset, value);
}

static inline void bda_set16(struct bios *b, unsigned offset, unsigned value)
{
    mem_put16(b, BDA_BASE + offset, value);
}

static inline void bda_set32(struct bios *b, unsigned offset, uint32_t value)
{
    mem_put(b, BDA_BASE + offset, 4, value);
}

// A far pointer in memory as a linear address (real mode).
static inline uint32_t far_linear(uint32_t far)
{
    return (far >> 16 << 4) + (far & 0xffff);
}

static inline uint32_t ebda_linear(struct bios *b)
{
    return (uint32_t)bda16(b, BDA_EBDA) << 4;
}

static inline void vector_set(struct bios *b, unsigned vector, uint16_t segment, uint16_t offset)
{
    mem_put(b, vector * 4, 4, (uint32_t)segment << 16 | offset);
}

// ---- ports

static inline uint8_t port_in(struct bios *b, uint16_t port)
{
    return (uint8_t)b->host.in(b->host.ctx, port, 1);
}

static inline void port_out(struct bios *b, uint16_t port, uint8_t value)
{
    b->host.out(b->host.ctx, port, 1, value);
}

static inline uint16_t port_in16(struct bios *b, uint16_t port)
{
    return (uint16_t)b->host.in(b->host.ctx, port, 2);
}

static inline void port_out16(struct bios *b, uint16_t port, uint16_t value)
{
    b->host.out(b->host.ctx, port, 2, value);
}

uint8_t cmos_read(struct bios *b, uint8_t index);
void cmos_write(struct bios *b, uint8_t index, uint8_t value);

// ---- results

static inline void flag_set(struct bios_regs *r, uint16_t flag, bool on)
{
    r->flags = (uint16_t)(on ? r->flags | flag : r->flags & ~flag);
}

static inline void carry(struct bios_regs *r, bool on)
{
    flag_set(r, BIOS_FLAG_CF, on);
}

static inline void es_set(struct bios_regs *r, uint16_t segment)
{
    r->es = segment;
    r->es_base = (uint32_t)segment << 4;
}

static inline uint8_t bcd(unsigned value)
{
    return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static inline unsigned from_bcd(uint8_t value)
{
    return (value >> 4) * 10u + (value & 15);
}

// Counts the call and returns AH = 86h, CF: the function is not there (INT 15h and its like).
enum bios_result unsupported(struct bios *b, struct bios_regs *r, uint8_t vector);
void unknown_count(struct bios *b, struct bios_regs *r, uint8_t vector);

// ---- services, one per file
enum bios_result int05_print_screen(struct bios *b, struct bios_regs *r);
enum bios_result int10_video(struct bios *b, struct bios_regs *r);
enum bios_result int11_equipment(struct bios *b, struct bios_regs *r);
enum bios_result int12_memory(struct bios *b, struct bios_regs *r);
enum bios_result int13_disk(struct bios *b, struct bios_regs *r);
enum bios_result int14_serial(struct bios *b, struct bios_regs *r);
enum bios_result int15_system(struct bios *b, struct bios_regs *r);
enum bios_result int16_keyboard(struct bios *b, struct bios_regs *r);
enum bios_result int17_printer(struct bios *b, struct bios_regs *r);
enum bios_result int1a_time(struct bios *b, struct bios_regs *r);
enum bios_result int1a_pci(struct bios *b, struct bios_regs *r);
enum bios_result int15_apm(struct bios *b, struct bios_regs *r);
enum bios_result int15_mouse(struct bios *b, struct bios_regs *r);
enum bios_result key_pressed(struct bios *b, struct bios_regs *r);
enum bios_result rtc_interrupt(struct bios *b, struct bios_regs *r);
enum bios_result mouse_byte(struct bios *b, struct bios_regs *r);
enum bios_result boot_first(struct bios *b, struct bios_regs *r);
enum bios_result boot_another(struct bios *b, struct bios_regs *r);
enum bios_result rom_scan(struct bios *b, struct bios_regs *r);
enum bios_result bios32_directory(struct bios *b, struct bios_regs *r);
enum bios_result bios32_pci(struct bios *b, struct bios_regs *r);
enum bios_result apm_protected(struct bios *b, struct bios_regs *r);
enum bios_result vbe_window(struct bios *b, struct bios_regs *r);
enum bios_result power_on(struct bios *b, struct bios_regs *r);
enum bios_result post(struct bios *b,
                      struct bios_regs *r); // without a word on the screen: a loaded kernel begins after it

// The chipset's lock on the memory of F0000-FFFFF, where POST writes its tables, and of option ROMs, C0000-EFFFF. Else
// both are closed: what takes writes there, memory managers believe to be in use.
void shadow_open(struct bios *b, bool bios, bool roms);

// ---- pieces of POST
void video_post(struct bios *b);
void disk_post(struct bios *b);
void keyboard_post(struct bios *b);
void keyboard_start(struct bios *b); // sends keys again; the byte that acknowledges it is left to IRQ 1
void tables_post(struct bios *b);
void smbios_post(struct bios *b);
void mptable_post(struct bios *b);
void time_post(struct bios *b);

// Text on the screen of the page that is shown (INT 10h AH=0Eh).
void screen_print(struct bios *b, const char *text);

// Waits of INT 15h AH=83h (the byte at `flag` gets bit 7) and AH=86h. False: one is under way.
enum { WAIT_NONE, WAIT_EVENT, WAIT_CALLER };
void wait_cancel(struct bios *b);
bool wait_start(struct bios *b, uint8_t kind, uint32_t flag, uint64_t microseconds);

// Is the emulated drive of an El Torito boot there?
bool eltorito_boot(struct bios *b, unsigned cd, uint8_t *drive, uint16_t *segment);
