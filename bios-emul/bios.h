// SPDX-License-Identifier: MIT
// The firmware of the virtual PC: a ROM whose interrupt stubs trap to the VMM, and the services behind them. Pure code:
// it knows the machine only through the callbacks below.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIOS_ROM_BASE 0xf0000u // linear and guest-physical
#define BIOS_ROM_SIZE 0x10000u
#define BIOS_SEGMENT  0xf000
#define BIOS_RESET_IP 0xfff0 // where the processor starts, CS = BIOS_SEGMENT

#define BIOS_FLOPPIES   2
#define BIOS_HARD_DISKS 4
#define BIOS_CDS        2
#define BIOS_REGIONS    16

#define BIOS_FLAG_CF 0x0001
#define BIOS_FLAG_ZF 0x0040
#define BIOS_FLAG_IF 0x0200

union bios_reg {
    uint32_t e;
    uint16_t x;
    struct {
        uint8_t l, h;
    };
};

// The guest's registers at a trap. The bases are those of the segments as the processor has them; a service that
// changes a selector changes it as code in real mode does (base = selector * 16).
struct bios_regs {
    union bios_reg a, c, d, b, sp, bp, si, di;
    uint16_t ds, es;
    uint32_t ds_base, es_base, ss_base;
    uint16_t flags; // of the interrupt frame in a service, of the processor elsewhere
};

enum bios_result {
    BIOS_DONE,  // go on behind the trapping instruction
    BIOS_AGAIN, // not yet: go on at bios_wait_ip(), which comes back after the next interrupt
    BIOS_IDLE,  // done, but halt first: go on at bios_idle_ip()
};

// A medium. `read` and `write` move whole sectors and return false if the medium cannot; the range is inside of it.
enum bios_disk_type { BIOS_NO_DISK, BIOS_FLOPPY, BIOS_HARD_DISK, BIOS_CD };

struct bios_disk {
    enum bios_disk_type type;
    uint32_t sector_size; // 512, of a CD 2048
    uint64_t sectors;
    bool read_only, changed; // `changed`: the medium is new since the last INT 13h AH=16h
    bool (*read)(void *ctx, uint64_t lba, uint32_t count, void *to);
    bool (*write)(void *ctx, uint64_t lba, uint32_t count, const void *from);
    void *ctx;
};

struct bios_region {
    uint64_t base, size;
    uint32_t type; // E820: 1 RAM, 2 reserved, 3 ACPI
};

struct bios_host {
    void *ctx;
    // Memory at a linear address of the guest, as its code would see it now. False if it is not there: no effect.
    bool (*read)(void *ctx, uint32_t linear, void *to, uint32_t size);
    bool (*write)(void *ctx, uint32_t linear, const void *from, uint32_t size);
    uint32_t (*in)(void *ctx, uint16_t port, unsigned size);
    void (*out)(void *ctx, uint16_t port, unsigned size, uint32_t value);
    void (*unknown)(void *ctx, uint8_t vector, uint16_t ax); // a call that this firmware does not have
    void (*note)(void *ctx, const char *text);               // a line for the log
};

struct bios_config {
    struct bios_region map[BIOS_REGIONS]; // E820, sorted
    unsigned regions;
    unsigned cpus;
    uint64_t memory;      // bytes of RAM
    uint32_t framebuffer; // physical address of the linear framebuffer, 0 = none
    bool vmmcall;         // AMD: the stubs trap by VMMCALL
    char boot_order[4];   // 'a' floppy, 'c' hard disk, 'd' CD; ends at 0
    uint64_t cpu_hz;
};

// What the firmware remembers beside the guest's own memory; plain data, saved and loaded as bytes.
struct bios_state {
    uint16_t boot_next;     // index into boot_order
    uint16_t rom_next;      // paragraph where the search for option ROMs goes on
    uint8_t leds_step;      // of setting the keyboard's lights: 0 idle
    uint8_t floppy_changed; // bit per drive
    uint8_t hd_status;
    struct {
        uint8_t active, booted, drive, media, controller, spec; // El Torito: is a drive emulated, was a CD booted
        uint8_t cd;                                             // which CD
        uint32_t lba, sectors_512; // the image; start in CD sectors, length in 512-byte sectors
        uint16_t load_segment, load_sectors, buffer_segment;
        uint16_t cylinders;
        uint8_t heads, sectors;
    } cdemu;
    struct {
        uint8_t step, command, argument, need, got, status, enabled, package, count, wheel;
        uint8_t reply[4], packet[8];
        uint16_t handler_ip, handler_cs;
        uint32_t started; // tick
    } mouse;
    struct {
        uint8_t kind; // 0 none, 1 event wait (83h), 2 wait (86h)
        uint8_t fired;
        uint32_t flag; // linear address of the caller's byte
        uint64_t left; // microseconds
    } wait;
    bool serial_waiting;
    uint32_t serial_since; // tick
    uint8_t apm_connected, apm_version;
    uint16_t vbe_mode;
};

struct bios {
    struct bios_host host;
    struct bios_config config;
    struct bios_disk floppy[BIOS_FLOPPIES], hard_disk[BIOS_HARD_DISKS], cd[BIOS_CDS];
    struct bios_state state;
    uint8_t sector[4096];
    uint64_t calls;
};

// Power-on state; the disks are set by the caller, before and at any time.
void bios_init(struct bios *b, const struct bios_host *host, const struct bios_config *config);

// Writes the ROM to BIOS_ROM_BASE. At power-on and at each reset.
bool bios_rom_install(struct bios *b);

// Will POST return to the guest, as the shutdown status in the CMOS asks, instead of starting the machine?
bool bios_returns(struct bios *b);

// Is it POST that a trap asks for, as after power-on?
bool bios_starts_again(struct bios *b, int service);

// What POST does, without the ROM's code: for a kernel that is loaded into a PC that is on. Needs the chips.
void bios_power_on(struct bios *b);

// Which service a trapping instruction at `offset` in the ROM asks for; -1: none, it is not one of the stubs.
int bios_service_at(uint32_t offset);

// Where code goes on that got BIOS_AGAIN from `service`.
uint32_t bios_wait_ip(int service);
uint32_t bios_idle_ip(void);

// A graphics mode for a kernel that is loaded without the firmware's code: VBE's number, with the linear framebuffer.
// False: there is no such mode.
struct bios_graphics {
    uint32_t base, size; // of the framebuffer
    uint16_t width, height, pitch;
    uint8_t bits; // per pixel
    struct bios_color {
        uint8_t size, position; // in bits
    } color[4];                 // red, green, blue, the rest; nothing with a palette
};
bool bios_graphics(struct bios *b, uint16_t mode, struct bios_graphics *out);

// Answers a trap. `service` comes from bios_service_at.
enum bios_result bios_call(struct bios *b, struct bios_regs *r, int service);

// Makes a loaded state safe to use.
void bios_state_check(struct bios *b);
