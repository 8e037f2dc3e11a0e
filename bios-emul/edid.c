// SPDX-License-Identifier: MIT
// The monitor, as it describes itself (VESA E-EDID, structure 1.3): what INT 10h AX=4F15h reads. It shows the modes of
// vbe.c.
#include "bios-emul/video.h"
#include "lib/c/string.h"

#define EDID_SIZE     128
#define FAILED        0x014f
#define OK            0x004f
#define DDC2          2
#define BLOCK_SECONDS 1

// The picture is of 4:3, 32 by 24 cm.
static const uint8_t edid[EDID_SIZE - 1] = {
    0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, // header
    0x35, 0x23, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, // "MIC", product 1, no serial number
    0x01, 0x22, 0x01, 0x03,                         // week 1 of 2024, version 1.3
    0x08, 0x20, 0x18, 0x78, 0x0e, // analogue, separate syncs; 32x24 cm, gamma 2.2; sRGB, first timing preferred
    0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54, // the chromaticities of sRGB
    0x21, 0x08, 0x00,                                           // 640x480, 800x600, 1024x768, all at 60 Hz
    0x81, 0x80, 0xa9, 0x40, 0x71, 0x4f, 0x01, 0x01,             // 1280x1024 and 1600x1200 at 60 Hz, 1152x864 at 75 Hz
    0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,             //
    0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18,       // 1024x768 at 60 Hz: 65 MHz, 320 and 38 blank
    0x88, 0x36, 0x00, 0x40, 0xf0, 0x10, 0x00, 0x00, 0x18,       // syncs 24+136 and 3+6, negative; 320x240 mm
    0x00, 0x00, 0x00, 0xfd, 0x00, 0x32, 0x4b, 0x1e, 0x50,       // 50-75 Hz, 30-80 kHz,
    0x11, 0x00, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,       // 170 MHz
    0x00, 0x00, 0x00, 0xfc, 0x00, 'M',  'i',  'c',  'a',        // name
    ' ',  'V',  'G',  'A',  0x0a, 0x20, 0x20, 0x20, 0x20,       //
    0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00,       // nothing
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,       //
    0x00,                                                       // no extension
};

static enum bios_result answer(struct bios_regs *r, bool ok)
{
    r->a.x = ok ? OK : FAILED;
    return BIOS_DONE;
}

// AX=4F15h (VBE/DDC 1.1): BL=0: how long it takes and which DDC; BL=1: block DX to ES:DI. CX: the controller, there is
// one.
enum bios_result vbe_ddc(struct bios *b, struct bios_regs *r)
{
    uint8_t block[EDID_SIZE];
    if (r->c.x || r->b.l > 1)
        return answer(r, false);
    if (r->b.l == 0) {
        r->b.x = BLOCK_SECONDS << 8 | DDC2;
        return answer(r, true);
    }
    if (r->d.x)
        return answer(r, false);
    memcpy(block, edid, sizeof(edid));
    block[EDID_SIZE - 1] = 0;
    for (unsigned i = 0; i < EDID_SIZE - 1; i++)
        block[EDID_SIZE - 1] = (uint8_t)(block[EDID_SIZE - 1] - edid[i]);
    return answer(r, mem_write(b, r->es_base + r->di.x, block, sizeof(block)));
}
