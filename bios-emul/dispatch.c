// SPDX-License-Identifier: MIT
// From a trapping instruction in the ROM to its service and back.
#include "bios-emul/internal.h"
#include "lib/c/string.h"

#define STUB_SIZE   4
#define FRAME_FLAGS 4 // an interrupt pushes FLAGS, CS, IP

// Interrupts whose vectors POST points at their stubs. The others are handled in the ROM or not at all.
static const bios_service services[SERVICE_COUNT] = {
    [0x05] = int05_print_screen,
    [0x10] = int10_video,
    [0x11] = int11_equipment,
    [0x12] = int12_memory,
    [0x13] = int13_disk,
    [0x14] = int14_serial,
    [0x15] = int15_system,
    [0x16] = int16_keyboard,
    [0x17] = int17_printer,
    [0x1a] = int1a_time,
    [0x40] = int13_disk,
    [TRAP_KEY] = key_pressed,
    [TRAP_RTC] = rtc_interrupt,
    [TRAP_MOUSE] = mouse_byte,
    [TRAP_BOOT] = boot_first,
    [TRAP_BOOT_NEXT] = boot_another,
    [TRAP_ROM_SCAN] = rom_scan,
    [TRAP_BIOS32] = bios32_directory,
    [TRAP_PCI32] = bios32_pci,
    [TRAP_APM] = apm_protected,
    [TRAP_VBE_WINDOW] = vbe_window,
    [TRAP_POST] = power_on,
};

// The stubs' places; each is the address of a VMCALL.
static const struct {
    uint32_t offset, stride;
    int first, count;
} stubs[] = {
    {ROM_INTERRUPTS, STUB_SIZE, 0, 256},
    {ROM_TRAPS, STUB_SIZE, TRAP_BASE, TRAP_LAST - TRAP_BASE},
    {ROM_BIOS32, STUB_SIZE, TRAP_BIOS32, 4},
    {ROM_POST, STUB_SIZE, TRAP_POST, 1},
};
#define STUB_GROUPS (sizeof(stubs) / sizeof(stubs[0]))

int bios_service_at(uint32_t offset)
{
    for (unsigned i = 0; i < STUB_GROUPS; i++) {
        uint32_t distance = offset - stubs[i].offset;
        if (distance % stubs[i].stride == 0 && distance / stubs[i].stride < (uint32_t)stubs[i].count)
            return stubs[i].first + (int)(distance / stubs[i].stride);
    }
    return -1;
}

uint32_t bios_wait_ip(int service)
{
    return ROM_WAITS + ROM_WAIT_SIZE * ((unsigned)service & 0xff);
}

uint32_t bios_idle_ip(void)
{
    return ROM_IDLE;
}

void unknown_count(struct bios *b, struct bios_regs *r, uint8_t vector)
{
    if (b->host.unknown)
        b->host.unknown(b->host.ctx, vector, r->a.x);
}

enum bios_result unsupported(struct bios *b, struct bios_regs *r, uint8_t vector)
{
    unknown_count(b, r, vector);
    r->a.h = 0x86;
    carry(r, true);
    return BIOS_DONE;
}

enum bios_result bios_call(struct bios *b, struct bios_regs *r, int service)
{
    if (service < 0 || service >= SERVICE_COUNT || !services[service]) {
        unknown_count(b, r, (uint8_t)service);
        return BIOS_DONE;
    }
    b->calls++;
    if (service >= TRAP_BASE)
        return services[service](b, r);
    uint32_t frame = r->ss_base + (uint16_t)(r->sp.x + FRAME_FLAGS);
    uint16_t own = r->flags;
    r->flags = mem_get16(b, frame);
    enum bios_result result = services[service](b, r);
    if (result != BIOS_AGAIN)
        mem_put16(b, frame, r->flags);
    r->flags = own;
    return result;
}

bool bios_rom_install(struct bios *b)
{
    shadow_open(b, true, false);
    if (!mem_write(b, BIOS_ROM_BASE, bios_rom, ROM_ACPI) ||
        !mem_write(b, BIOS_ROM_BASE + ROM_ACPI_END, bios_rom + ROM_ACPI_END, BIOS_ROM_SIZE - ROM_ACPI_END))
        return false;
    if (!b->config.vmmcall)
        return true;
    for (unsigned i = 0; i < STUB_GROUPS; i++)
        for (int n = 0; n < stubs[i].count; n++)
            mem_put8(b, BIOS_ROM_BASE + stubs[i].offset + (uint32_t)n * stubs[i].stride + 2, 0xd9);
    return true;
}

void bios_power_on(struct bios *b)
{
    struct bios_regs r;
    do {
        memset(&r, 0, sizeof(r));
        post(b, &r);
    } while (r.a.l); // a reset that asked to go on elsewhere: there is nothing any more
}

void bios_init(struct bios *b, const struct bios_host *host, const struct bios_config *config)
{
    memset(b, 0, sizeof(*b));
    b->host = *host;
    b->config = *config;
    if (b->config.regions > BIOS_REGIONS)
        b->config.regions = BIOS_REGIONS;
}

void bios_state_check(struct bios *b)
{
    struct bios_state *s = &b->state;
    s->boot_next = s->boot_next > sizeof(b->config.boot_order) ? 0 : s->boot_next;
    s->cdemu.cd %= BIOS_CDS;
    if (!s->cdemu.heads || !s->cdemu.sectors || s->cdemu.sectors > 63)
        s->cdemu.active = 0;
    s->mouse.count %= sizeof(s->mouse.packet);
    s->mouse.got %= sizeof(s->mouse.reply);
    s->mouse.need %= sizeof(s->mouse.reply) + 1;
    s->mouse.package = s->mouse.package < 1 || s->mouse.package > 8 ? 3 : s->mouse.package;
    s->wait.kind %= 3;
}
