// SPDX-License-Identifier: MIT
// INT 19h and 18h: the boot order. The ROM jumps to what is loaded here.
#include "bios-emul/disk.h"

#define BOOT_ADDRESS 0x7c00

enum { BOOT_FOUND, BOOT_NONE };

static bool sector_boots(struct bios *b, uint8_t number, bool signature)
{
    struct drive d;
    uint32_t moved;
    if (!drive_find(b, number, &d) || drive_read(b, &d, 0, 1, BOOT_ADDRESS, &moved) != DISK_OK)
        return false;
    return !signature || mem_get16(b, BOOT_ADDRESS + 510) == 0xaa55;
}

// An empty floppy: no code where the first instruction lies.
static bool floppy_boots(struct bios *b)
{
    return sector_boots(b, 0, false) && mem_get16(b, BOOT_ADDRESS) != 0;
}

static bool cd_boots(struct bios *b, struct bios_regs *r)
{
    uint16_t segment;
    for (unsigned i = 0; i < BIOS_CDS; i++)
        if (eltorito_boot(b, i, &r->d.l, &segment)) {
            es_set(r, segment);
            r->b.x = 0;
            if (segment == 0x07c0) { // everyone else starts at 0:7C00
                es_set(r, 0);
                r->b.x = BOOT_ADDRESS;
            }
            bda_set8(b, BDA_HD_COUNT, hard_disk_count(b));
            return true;
        }
    return false;
}

static bool device_boots(struct bios *b, struct bios_regs *r, char device)
{
    es_set(r, 0);
    r->b.x = BOOT_ADDRESS;
    switch (device) {
    case 'a':
        r->d.l = 0;
        return floppy_boots(b);
    case 'c':
        r->d.l = DRIVE_HARD;
        return sector_boots(b, DRIVE_HARD, true);
    case 'd':
        return cd_boots(b, r);
    default:
        return false;
    }
}

static const char *device_name(char device)
{
    return device == 'a' ? "floppy" : device == 'c' ? "hard disk" : "CD";
}

enum bios_result boot_another(struct bios *b, struct bios_regs *r)
{
    r->d.h = 0;
    while (b->state.boot_next < sizeof(b->config.boot_order) && b->config.boot_order[b->state.boot_next]) {
        char device = b->config.boot_order[b->state.boot_next++];
        if (!device_boots(b, r, device))
            continue;
        screen_print(b, "Booting from ");
        screen_print(b, device_name(device));
        screen_print(b, "...\r\n");
        r->a.l = BOOT_FOUND;
        return BIOS_DONE;
    }
    screen_print(b, "No bootable device. Insert one and press a key.\r\n");
    if (b->host.note)
        b->host.note(b->host.ctx, "no bootable device");
    r->a.l = BOOT_NONE;
    return BIOS_DONE;
}

enum bios_result boot_first(struct bios *b, struct bios_regs *r)
{
    b->state.boot_next = 0;
    b->state.cdemu.active = b->state.cdemu.booted = 0;
    return boot_another(b, r);
}
