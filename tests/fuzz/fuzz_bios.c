// SPDX-License-Identifier: MIT
// sources: bios-emul/rom.asm bios-emul/dispatch.c bios-emul/post.c bios-emul/drive.c bios-emul/int10_font.c
// sources: bios-emul/int10_graphics.c bios-emul/int10_palette.c bios-emul/int10_state.c bios-emul/int10_text.c
// sources: bios-emul/int10_video.c bios-emul/int13_disk.c bios-emul/int13_edd.c bios-emul/int13_eltorito.c
// sources: bios-emul/int14_serial.c bios-emul/int15_apm.c bios-emul/int15_mouse.c bios-emul/int15_system.c
// sources: bios-emul/int16_keyboard.c bios-emul/int17_printer.c bios-emul/int19_boot.c bios-emul/int1a_pci.c
// sources: bios-emul/edid.c bios-emul/int1a_time.c bios-emul/keyboard_irq.c bios-emul/smbios.c bios-emul/tables.c
// sources: bios-emul/vbe.c
// sources: bios-emul/video_modes.c
//
// Each service with random registers, over random memory, media and ports.
#include <stdlib.h>
#include "bios-emul/rom.h"
#include "tests/unit/bios_machine.h"

static struct bios_machine m;
static struct bios bios_ready; // after POST, as the memory below
static uint8_t memory_ready[FAKE_MEMORY];

static uint32_t noise(struct bios_machine *machine, uint16_t port)
{
    (void)port;
    return machine->input < machine->input_end ? *machine->input++ * 0x01010101u : 0xffffffff;
}

static uint64_t take(unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && m.input < m.input_end; i++)
        value = value << 8 | *m.input++;
    return value;
}

// Bytes of the input at a place that services look at: the data area, a table, a sector of a medium.
static void scribble(void)
{
    uint8_t *const targets[] = {m.memory + 0x400, m.memory + 0x7000,  m.disk,  m.cd + 17 * 2048,
                                m.cd + 18 * 2048, m.memory + 0x9fc00, m.memory};
    unsigned which = take(1) % 7, offset = take(1), n = take(1) & 63;
    for (unsigned i = 0; i < n; i++)
        targets[which][offset + i] = (uint8_t)take(1);
}

static void call(void)
{
    static const uint16_t services[] = {0x05,
                                        0x10,
                                        0x10,
                                        0x10,
                                        0x11,
                                        0x12,
                                        0x13,
                                        0x13,
                                        0x13,
                                        0x14,
                                        0x15,
                                        0x15,
                                        0x16,
                                        0x17,
                                        0x1a,
                                        0x1a,
                                        0x40,
                                        TRAP_KEY,
                                        TRAP_RTC,
                                        TRAP_MOUSE,
                                        TRAP_BOOT,
                                        TRAP_BOOT_NEXT,
                                        TRAP_ROM_SCAN,
                                        TRAP_BIOS32,
                                        TRAP_PCI32,
                                        TRAP_APM,
                                        TRAP_VBE_WINDOW,
                                        0x4f};
    struct bios_regs r = {0};
    union bios_reg *regs = &r.a;
    int service = services[take(1) % (sizeof(services) / sizeof(services[0]))];
    for (unsigned i = 0; i < 8; i++)
        regs[i].e = (uint32_t)take(i == 0 ? 2 : i < 4 ? 4 : 2);
    r.sp.x = FAKE_STACK;
    r.ds = (uint16_t)take(2);
    r.es = (uint16_t)take(2);
    r.ds_base = (uint32_t)r.ds << 4;
    r.es_base = (uint32_t)r.es << 4;
    bios_call(&m.bios, &r, service);
}

// A machine that has just done its POST: done once, then put back.
static void machine_prepare(void)
{
    static bool ready;
    if (!ready) {
        struct bios_regs r = {.sp.x = FAKE_STACK};
        machine_create(&m);
        bios_call(&m.bios, &r, TRAP_POST);
        bios_ready = m.bios;
        memcpy(memory_ready, m.memory, FAKE_MEMORY);
        ready = true;
        return;
    }
    m.bios = bios_ready;
    memcpy(m.memory, memory_ready, FAKE_MEMORY);
    memset(m.disk, 0, 512);
    memset(m.cd + 17 * 2048, 0, 2 * 2048);
    memset(m.cmos, 0, sizeof(m.cmos));
    m.noise = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    machine_prepare();
    m.input = data;
    m.input_end = data + size;
    if (take(1) & 1) {
        memcpy(m.cd + 17 * 2048, "\0CD001\1EL TORITO SPECIFICATION", 30);
        m.cd[17 * 2048 + 0x47] = 18;
        memcpy(m.cd + 18 * 2048, "\1\0\0\0", 4);
        memcpy(m.cd + 18 * 2048 + 28, "\xaa\x55\x55\xaa", 4);
        memcpy(m.cd + 18 * 2048 + 32, "\x88\4\0\0\0\0\4\0\20", 9);
    }
    if (take(1) & 1)
        m.noise = noise;
    while (m.input < m.input_end) {
        if (take(1) % 4 == 0)
            scribble();
        else
            call();
    }
    // A state from somewhere else is made safe, and used.
    for (size_t i = 0; i < sizeof(m.bios.state) && i < size; i++)
        ((uint8_t *)&m.bios.state)[i] = data[size - 1 - i];
    m.bios.state.serial_waiting = false; // a bool has but two values
    bios_state_check(&m.bios);
    m.input = data;
    while (m.input < m.input_end)
        call();
    return 0;
}
