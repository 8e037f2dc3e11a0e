// SPDX-License-Identifier: MIT
// INT 16h: the keyboard's buffer and shift state.
#include "bios-emul/keyboard.h"
#include "pc/i8042.h"

#define CAPABILITIES 0x30   // AH=0Ah and the enhanced functions are there
#define KEYBOARD_ID  0x41ab // BL, then BH, as the keyboard sends it: MF2, translated

static bool buffer_peek(struct bios *b, uint16_t *word, bool take)
{
    uint16_t head = bda16(b, BDA_KBD_HEAD), start = bda16(b, BDA_KBD_START), stop = bda16(b, BDA_KBD_STOP);
    if (head == bda16(b, BDA_KBD_TAIL))
        return false;
    *word = bda16(b, head);
    if (take)
        bda_set16(b, BDA_KBD_HEAD, head + 2 >= stop ? start : head + 2);
    return true;
}

// As programs for the keyboard with 83 keys know it: no E0 and F0, the grey keys are like the white ones.
static uint16_t plain_word(uint16_t word)
{
    uint8_t low = (uint8_t)word, high = (uint8_t)(word >> 8);
    if (high == 0xe0)
        return (uint16_t)((low == '/' ? 0x35 : 0x1c) << 8 | low);
    return (low == 0xe0 && high) || low == 0xf0 ? (uint16_t)(high << 8) : word;
}

static uint16_t enhanced_word(uint16_t word)
{
    return (word & 0xff) == 0xf0 && word >> 8 ? word & 0xff00 : word;
}

static enum bios_result key_read(struct bios *b, struct bios_regs *r, uint16_t (*convert)(uint16_t))
{
    uint16_t word;
    if (!buffer_peek(b, &word, true))
        return BIOS_AGAIN;
    r->a.x = convert(word);
    return BIOS_DONE;
}

static enum bios_result key_check(struct bios *b, struct bios_regs *r, uint16_t (*convert)(uint16_t))
{
    uint16_t word = 0;
    bool there = buffer_peek(b, &word, false);
    flag_set(r, BIOS_FLAG_ZF, !there);
    if (there)
        r->a.x = convert(word);
    return BIOS_DONE;
}

// Bits as AH=12h returns them in AH: the left and right keys apart.
static uint8_t shift_keys(struct bios *b)
{
    uint8_t held = bda8(b, BDA_KBD_FLAGS2), right = bda8(b, BDA_KBD_FLAGS3);
    return (uint8_t)((held & 0x73) | (right & (KBD3_RIGHT_CTRL | KBD3_RIGHT_ALT)) | (held & KBD2_SYSREQ ? 0x80 : 0));
}

static void typematic_set(struct bios *b, const struct bios_regs *r)
{
    if (r->a.l != 5)
        return;
    port_out(b, I8042_DATA, PS2_SET_RATE);
    port_out(b, I8042_DATA, (uint8_t)((r->b.h & 3) << 5 | (r->b.l & 0x1f)));
}

enum bios_result int16_keyboard(struct bios *b, struct bios_regs *r)
{
    switch (r->a.h) {
    case 0x00:
        return key_read(b, r, plain_word);
    case 0x10:
        return key_read(b, r, enhanced_word);
    case 0x01:
        return key_check(b, r, plain_word);
    case 0x11:
        return key_check(b, r, enhanced_word);
    case 0x02:
        r->a.l = bda8(b, BDA_KBD_FLAGS);
        return BIOS_DONE;
    case 0x12:
        r->a.l = bda8(b, BDA_KBD_FLAGS);
        r->a.h = shift_keys(b);
        return BIOS_DONE;
    case 0x03:
        typematic_set(b, r);
        return BIOS_DONE;
    case 0x05:
        r->a.l = key_store(b, r->c.x) ? 0 : 1;
        return BIOS_DONE;
    case 0x09:
        r->a.l = CAPABILITIES;
        return BIOS_DONE;
    case 0x0a:
        r->b.x = KEYBOARD_ID;
        return BIOS_DONE;
    case 0x92:
        r->a.h = 0x80; // up to AH=12h
        return BIOS_DONE;
    case 0xa2:
        return BIOS_DONE; // not up to 22h: AH stays
    default:
        unknown_count(b, r, 0x16);
        return BIOS_DONE;
    }
}
