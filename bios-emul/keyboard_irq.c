// SPDX-License-Identifier: MIT
// INT 09h: scan codes (set 1) become shift state and the words of the keyboard buffer, as an enhanced AT keyboard's
// BIOS makes them (IBM PS/2 BIOS Interface Technical Reference, keyboard).
#include "bios-emul/keyboard.h"
#include "pc/i8042.h"

// What the ROM does after the end of interrupt (rom.asm).
enum { ACTION_NONE, ACTION_PRINT, ACTION_BREAK, ACTION_SYSREQ, ACTION_SYSREQ_UP, ACTION_PAUSE, ACTION_REBOOT };

enum {
    SC_ESC = 0x01,
    SC_CTRL = 0x1d,
    SC_LSHIFT = 0x2a,
    SC_RSHIFT = 0x36,
    SC_STAR = 0x37,
    SC_ALT = 0x38,
    SC_CAPS = 0x3a,
    SC_NUM = 0x45,
    SC_SCROLL = 0x46,
    SC_KEYPAD_5 = 0x4c,
    SC_INSERT = 0x52,
    SC_DELETE = 0x53,
    SC_SYSREQ = 0x54,
    SC_LAST = 0x58
};

#define NONE 0xffff

// Words for each scan code: alone, with Shift, Ctrl, Alt.
static const uint16_t keys[SC_LAST + 1][4] = {
    [0x01] = {0x011b, 0x011b, 0x011b, 0x0100}, [0x02] = {0x0231, 0x0221, NONE, 0x7800},
    [0x03] = {0x0332, 0x0340, 0x0300, 0x7900}, [0x04] = {0x0433, 0x0423, NONE, 0x7a00},
    [0x05] = {0x0534, 0x0524, NONE, 0x7b00},   [0x06] = {0x0635, 0x0625, NONE, 0x7c00},
    [0x07] = {0x0736, 0x075e, 0x071e, 0x7d00}, [0x08] = {0x0837, 0x0826, NONE, 0x7e00},
    [0x09] = {0x0938, 0x092a, NONE, 0x7f00},   [0x0a] = {0x0a39, 0x0a28, NONE, 0x8000},
    [0x0b] = {0x0b30, 0x0b29, NONE, 0x8100},   [0x0c] = {0x0c2d, 0x0c5f, 0x0c1f, 0x8200},
    [0x0d] = {0x0d3d, 0x0d2b, NONE, 0x8300},   [0x0e] = {0x0e08, 0x0e08, 0x0e7f, 0x0e00},
    [0x0f] = {0x0f09, 0x0f00, 0x9400, 0xa500}, [0x10] = {0x1071, 0x1051, 0x1011, 0x1000},
    [0x11] = {0x1177, 0x1157, 0x1117, 0x1100}, [0x12] = {0x1265, 0x1245, 0x1205, 0x1200},
    [0x13] = {0x1372, 0x1352, 0x1312, 0x1300}, [0x14] = {0x1474, 0x1454, 0x1414, 0x1400},
    [0x15] = {0x1579, 0x1559, 0x1519, 0x1500}, [0x16] = {0x1675, 0x1655, 0x1615, 0x1600},
    [0x17] = {0x1769, 0x1749, 0x1709, 0x1700}, [0x18] = {0x186f, 0x184f, 0x180f, 0x1800},
    [0x19] = {0x1970, 0x1950, 0x1910, 0x1900}, [0x1a] = {0x1a5b, 0x1a7b, 0x1a1b, 0x1a00},
    [0x1b] = {0x1b5d, 0x1b7d, 0x1b1d, 0x1b00}, [0x1c] = {0x1c0d, 0x1c0d, 0x1c0a, 0x1c00},
    [0x1d] = {NONE, NONE, NONE, NONE},         [0x1e] = {0x1e61, 0x1e41, 0x1e01, 0x1e00},
    [0x1f] = {0x1f73, 0x1f53, 0x1f13, 0x1f00}, [0x20] = {0x2064, 0x2044, 0x2004, 0x2000},
    [0x21] = {0x2166, 0x2146, 0x2106, 0x2100}, [0x22] = {0x2267, 0x2247, 0x2207, 0x2200},
    [0x23] = {0x2368, 0x2348, 0x2308, 0x2300}, [0x24] = {0x246a, 0x244a, 0x240a, 0x2400},
    [0x25] = {0x256b, 0x254b, 0x250b, 0x2500}, [0x26] = {0x266c, 0x264c, 0x260c, 0x2600},
    [0x27] = {0x273b, 0x273a, NONE, 0x2700},   [0x28] = {0x2827, 0x2822, NONE, 0x2800},
    [0x29] = {0x2960, 0x297e, NONE, 0x2900},   [0x2a] = {NONE, NONE, NONE, NONE},
    [0x2b] = {0x2b5c, 0x2b7c, 0x2b1c, 0x2b00}, [0x2c] = {0x2c7a, 0x2c5a, 0x2c1a, 0x2c00},
    [0x2d] = {0x2d78, 0x2d58, 0x2d18, 0x2d00}, [0x2e] = {0x2e63, 0x2e43, 0x2e03, 0x2e00},
    [0x2f] = {0x2f76, 0x2f56, 0x2f16, 0x2f00}, [0x30] = {0x3062, 0x3042, 0x3002, 0x3000},
    [0x31] = {0x316e, 0x314e, 0x310e, 0x3100}, [0x32] = {0x326d, 0x324d, 0x320d, 0x3200},
    [0x33] = {0x332c, 0x333c, NONE, 0x3300},   [0x34] = {0x342e, 0x343e, NONE, 0x3400},
    [0x35] = {0x352f, 0x353f, NONE, 0x3500},   [0x36] = {NONE, NONE, NONE, NONE},
    [0x37] = {0x372a, 0x372a, 0x9600, 0x3700}, [0x38] = {NONE, NONE, NONE, NONE},
    [0x39] = {0x3920, 0x3920, 0x3920, 0x3920}, [0x3a] = {NONE, NONE, NONE, NONE},
    [0x3b] = {0x3b00, 0x5400, 0x5e00, 0x6800}, [0x3c] = {0x3c00, 0x5500, 0x5f00, 0x6900},
    [0x3d] = {0x3d00, 0x5600, 0x6000, 0x6a00}, [0x3e] = {0x3e00, 0x5700, 0x6100, 0x6b00},
    [0x3f] = {0x3f00, 0x5800, 0x6200, 0x6c00}, [0x40] = {0x4000, 0x5900, 0x6300, 0x6d00},
    [0x41] = {0x4100, 0x5a00, 0x6400, 0x6e00}, [0x42] = {0x4200, 0x5b00, 0x6500, 0x6f00},
    [0x43] = {0x4300, 0x5c00, 0x6600, 0x7000}, [0x44] = {0x4400, 0x5d00, 0x6700, 0x7100},
    [0x45] = {NONE, NONE, NONE, NONE},         [0x46] = {NONE, NONE, NONE, NONE},
    [0x47] = {0x4700, 0x4737, 0x7700, NONE},   [0x48] = {0x4800, 0x4838, 0x8d00, NONE},
    [0x49] = {0x4900, 0x4939, 0x8400, NONE},   [0x4a] = {0x4a2d, 0x4a2d, 0x8e00, 0x4a00},
    [0x4b] = {0x4b00, 0x4b34, 0x7300, NONE},   [0x4c] = {0x4cf0, 0x4c35, 0x8f00, NONE},
    [0x4d] = {0x4d00, 0x4d36, 0x7400, NONE},   [0x4e] = {0x4e2b, 0x4e2b, 0x9000, 0x4e00},
    [0x4f] = {0x4f00, 0x4f31, 0x7500, NONE},   [0x50] = {0x5000, 0x5032, 0x9100, NONE},
    [0x51] = {0x5100, 0x5133, 0x7600, NONE},   [0x52] = {0x5200, 0x5230, 0x9200, NONE},
    [0x53] = {0x5300, 0x532e, 0x9300, NONE},   [0x54] = {NONE, NONE, NONE, NONE},
    [0x55] = {NONE, NONE, NONE, NONE},         [0x56] = {0x565c, 0x567c, NONE, NONE},
    [0x57] = {0x8500, 0x8700, 0x8900, 0x8b00}, [0x58] = {0x8600, 0x8800, 0x8a00, 0x8c00},
};

// The keys with E0 before their code: any but Ctrl and Alt, Ctrl, Alt.
static const struct {
    uint8_t code;
    uint16_t words[3];
} grey_keys[] = {
    {0x1c, {0xe00d, 0xe00a, 0xa600}}, {0x35, {0xe02f, 0x9500, 0xa400}}, {0x47, {0x47e0, 0x77e0, 0x9700}},
    {0x48, {0x48e0, 0x8de0, 0x9800}}, {0x49, {0x49e0, 0x84e0, 0x9900}}, {0x4b, {0x4be0, 0x73e0, 0x9b00}},
    {0x4d, {0x4de0, 0x74e0, 0x9d00}}, {0x4f, {0x4fe0, 0x75e0, 0x9f00}}, {0x50, {0x50e0, 0x91e0, 0xa000}},
    {0x51, {0x51e0, 0x76e0, 0xa100}}, {0x52, {0x52e0, 0x92e0, 0xa200}}, {0x53, {0x53e0, 0x93e0, 0xa300}},
};

bool key_store(struct bios *b, uint16_t word)
{
    uint16_t start = bda16(b, BDA_KBD_START), stop = bda16(b, BDA_KBD_STOP), tail = bda16(b, BDA_KBD_TAIL);
    uint16_t next = (uint16_t)(tail + 2 >= stop ? start : tail + 2);
    if (next == bda16(b, BDA_KBD_HEAD))
        return false;
    bda_set16(b, tail, word);
    bda_set16(b, BDA_KBD_TAIL, next);
    return true;
}

static void bits_set(struct bios *b, unsigned offset, uint8_t bits, bool on)
{
    uint8_t value = bda8(b, offset);
    bda_set8(b, offset, on ? value | bits : value & ~bits);
}

// ---- lights: a command, its acknowledgement, the argument and its acknowledgement, each by the keyboard's interrupt

static void leds_start(struct bios *b)
{
    uint8_t wanted = bda8(b, BDA_KBD_FLAGS) >> 4 & KBD_LEDS;
    uint8_t shown = bda8(b, BDA_KBD_LEDS);
    if ((shown & KBD_LEDS) == wanted || b->state.leds_step)
        return;
    bda_set8(b, BDA_KBD_LEDS, (shown & ~KBD_LEDS) | wanted | KBD_LEDS_UPDATE);
    b->state.leds_step = 1;
    port_out(b, I8042_DATA, PS2_SET_LEDS);
}

static void leds_acknowledged(struct bios *b)
{
    if (b->state.leds_step == 1) {
        b->state.leds_step = 2;
        port_out(b, I8042_DATA, bda8(b, BDA_KBD_LEDS) & KBD_LEDS);
        return;
    }
    b->state.leds_step = 0;
    bits_set(b, BDA_KBD_LEDS, KBD_LEDS_UPDATE, false);
    leds_start(b);
}

// ---- shift keys

static const struct {
    uint8_t code;
    uint8_t flag, held; // in the two bytes at 40:17
    uint8_t right;      // in 40:96, for the key with E0
    bool toggles;
} shifts[] = {
    {SC_CTRL, KBD_CTRL, KBD2_LEFT_CTRL, KBD3_RIGHT_CTRL, false},
    {SC_ALT, KBD_ALT, KBD2_LEFT_ALT, KBD3_RIGHT_ALT, false},
    {SC_LSHIFT, KBD_LEFT_SHIFT, 0, 0, false},
    {SC_RSHIFT, KBD_RIGHT_SHIFT, 0, 0, false},
    {SC_CAPS, KBD_CAPS, KBD2_CAPS, 0, true},
    {SC_NUM, KBD_NUM, KBD2_NUM, 0, true},
    {SC_SCROLL, KBD_SCROLL, KBD2_SCROLL, 0, true},
};
#define SHIFTS (sizeof(shifts) / sizeof(shifts[0]))

static void alt_keypad_end(struct bios *b)
{
    uint8_t code = bda8(b, BDA_KBD_ALT);
    bda_set8(b, BDA_KBD_ALT, 0);
    if (code)
        key_store(b, code);
}

static void shift_change(struct bios *b, unsigned index, bool grey, bool down)
{
    uint8_t flag = shifts[index].flag, held = shifts[index].held;
    if (shifts[index].toggles) {
        if (down && !(bda8(b, BDA_KBD_FLAGS2) & held)) {
            bda_set8(b, BDA_KBD_FLAGS, bda8(b, BDA_KBD_FLAGS) ^ flag);
            leds_start(b);
        }
        bits_set(b, BDA_KBD_FLAGS2, held, down);
        return;
    }
    if (held)
        bits_set(b, grey ? BDA_KBD_FLAGS3 : BDA_KBD_FLAGS2, grey ? shifts[index].right : held, down);
    bool other = held && (bda8(b, BDA_KBD_FLAGS2) & held || bda8(b, BDA_KBD_FLAGS3) & shifts[index].right);
    bits_set(b, BDA_KBD_FLAGS, flag, down || other);
    if (shifts[index].code == SC_ALT && !down)
        alt_keypad_end(b);
}

// True if the code is a shift key's, or one of the shifts that grey keys send of their own.
static bool shift_key(struct bios *b, uint8_t code, bool grey, bool down)
{
    if (grey && (code == SC_LSHIFT || code == SC_RSHIFT))
        return true;
    for (unsigned i = 0; i < SHIFTS; i++)
        if (shifts[i].code == code && (!grey || shifts[i].right)) {
            if (code == SC_NUM && down && bda8(b, BDA_KBD_FLAGS) & KBD_CTRL)
                return false; // Pause on the keyboard of the AT
            if (code == SC_SCROLL && down && bda8(b, BDA_KBD_FLAGS) & KBD_CTRL)
                return false; // Break
            shift_change(b, i, grey, down);
            return true;
        }
    return false;
}

// ---- other keys

static uint16_t grey_word(uint8_t code, uint8_t flags)
{
    for (unsigned i = 0; i < sizeof(grey_keys) / sizeof(grey_keys[0]); i++)
        if (grey_keys[i].code == code)
            return grey_keys[i].words[flags & KBD_ALT ? 2 : flags & KBD_CTRL ? 1 : 0];
    return NONE;
}

static bool is_letter(uint8_t code)
{
    return (code >= 0x10 && code <= 0x19) || (code >= 0x1e && code <= 0x26) || (code >= 0x2c && code <= 0x32);
}

static uint16_t white_word(uint8_t code, uint8_t flags)
{
    bool shift = flags & (KBD_LEFT_SHIFT | KBD_RIGHT_SHIFT);
    if (flags & KBD_ALT)
        return keys[code][3];
    if (flags & KBD_CTRL)
        return keys[code][2];
    if (is_letter(code) && flags & KBD_CAPS)
        shift = !shift;
    if (code >= 0x47 && code <= SC_DELETE && flags & KBD_NUM)
        shift = !shift;
    return keys[code][shift];
}

// Alt and digits of the keypad: the number is the character.
static bool alt_digit(struct bios *b, uint8_t code, uint8_t flags)
{
    static const int8_t digits[] = {7, 8, 9, -1, 4, 5, 6, -1, 1, 2, 3, 0};
    if (!(flags & KBD_ALT) || code < 0x47 || code > SC_INSERT || digits[code - 0x47] < 0)
        return false;
    bda_set8(b, BDA_KBD_ALT, bda8(b, BDA_KBD_ALT) * 10 + digits[code - 0x47]);
    return true;
}

static uint8_t break_pressed(struct bios *b)
{
    uint16_t start = bda16(b, BDA_KBD_START);
    bda_set16(b, BDA_KBD_HEAD, start);
    bda_set16(b, BDA_KBD_TAIL, start);
    bda_set8(b, BDA_BREAK, 0x80);
    key_store(b, 0);
    return ACTION_BREAK;
}

static uint8_t pause_pressed(struct bios *b)
{
    if (bda8(b, BDA_KBD_FLAGS2) & KBD2_PAUSE)
        return ACTION_NONE;
    bits_set(b, BDA_KBD_FLAGS2, KBD2_PAUSE, true);
    return ACTION_PAUSE;
}

// Keys that do something at once. ACTION_NONE: it is an ordinary key.
static uint8_t special_key(struct bios *b, uint8_t code, bool grey, uint8_t flags)
{
    if (code == SC_DELETE && flags & KBD_CTRL && flags & KBD_ALT)
        return ACTION_REBOOT;
    if (code == SC_SCROLL && flags & KBD_CTRL)
        return break_pressed(b);
    if (code == SC_NUM && flags & KBD_CTRL)
        return pause_pressed(b);
    if (code == SC_STAR && !(flags & (KBD_CTRL | KBD_ALT)) && (grey || flags & (KBD_LEFT_SHIFT | KBD_RIGHT_SHIFT)))
        return ACTION_PRINT;
    if (code == SC_SYSREQ) {
        bits_set(b, BDA_KBD_FLAGS2, KBD2_SYSREQ, true);
        return ACTION_SYSREQ;
    }
    return ACTION_NONE;
}

static uint8_t key_released(struct bios *b, uint8_t code)
{
    if (code == SC_INSERT)
        bits_set(b, BDA_KBD_FLAGS2, KBD2_INSERT, false);
    if (code != SC_SYSREQ)
        return ACTION_NONE;
    bits_set(b, BDA_KBD_FLAGS2, KBD2_SYSREQ, false);
    return ACTION_SYSREQ_UP;
}

static uint8_t key_down(struct bios *b, uint8_t code, bool grey)
{
    uint8_t flags = bda8(b, BDA_KBD_FLAGS);
    uint8_t action = special_key(b, code, grey, flags);
    if (action != ACTION_NONE)
        return action;
    if (bda8(b, BDA_KBD_FLAGS2) & KBD2_PAUSE) { // this key ends the pause and is lost
        bits_set(b, BDA_KBD_FLAGS2, KBD2_PAUSE, false);
        return ACTION_NONE;
    }
    if (!grey && alt_digit(b, code, flags))
        return ACTION_NONE;
    uint16_t word = grey ? grey_word(code, flags) : white_word(code, flags);
    if (grey && code == SC_STAR)
        word = keys[SC_STAR][flags & KBD_CTRL ? 2 : 3];
    bool number = !grey && word == 0x5230;
    if (code == SC_INSERT && !number) {
        if (!(bda8(b, BDA_KBD_FLAGS2) & KBD2_INSERT))
            bda_set8(b, BDA_KBD_FLAGS, flags ^ KBD_INSERT);
        bits_set(b, BDA_KBD_FLAGS2, KBD2_INSERT, true);
    }
    if (word != NONE && word)
        key_store(b, word);
    return ACTION_NONE;
}

static uint8_t code_take(struct bios *b, uint8_t byte)
{
    uint8_t prefixes = bda8(b, BDA_KBD_FLAGS3);
    uint8_t code = byte & 0x7f;
    bool down = !(byte & 0x80), grey = prefixes & KBD3_E0;
    if (byte == 0xe0 || byte == 0xe1) {
        bits_set(b, BDA_KBD_FLAGS3, byte == 0xe0 ? KBD3_E0 : KBD3_E1, true);
        return ACTION_NONE;
    }
    if (prefixes & KBD3_E1) { // E1 1D 45, and the same with bit 7
        if (code == SC_CTRL)
            return ACTION_NONE;
        bits_set(b, BDA_KBD_FLAGS3, KBD3_E1, false);
        return down && code == SC_NUM ? pause_pressed(b) : ACTION_NONE;
    }
    bits_set(b, BDA_KBD_FLAGS3, KBD3_E0, false);
    if (!code || code > SC_LAST || shift_key(b, code, grey, down))
        return ACTION_NONE;
    return down ? key_down(b, code, grey) : key_released(b, code);
}

// The ROM has read a byte of the keyboard into AL; AH: what it is to do.
enum bios_result key_pressed(struct bios *b, struct bios_regs *r)
{
    uint8_t byte = r->a.l;
    r->a.h = ACTION_NONE;
    if (b->state.leds_step && (byte == PS2_ACK || byte == PS2_RESEND))
        leds_acknowledged(b);
    else if (byte != PS2_ACK && byte != PS2_RESEND)
        r->a.h = code_take(b, byte);
    return BIOS_DONE;
}

// Waits for the controller's own answer, which is there at once; a machine without one reads as all ones.
static uint8_t controller_ask(struct bios *b, uint8_t command)
{
    for (unsigned i = 0; i < 16 && port_in(b, I8042_COMMAND) & I8042_STATUS_OBF; i++)
        port_in(b, I8042_DATA);
    port_out(b, I8042_COMMAND, command);
    for (unsigned i = 0; i < 16; i++)
        if (port_in(b, I8042_COMMAND) & I8042_STATUS_OBF)
            return port_in(b, I8042_DATA);
    return 0xff;
}

void keyboard_post(struct bios *b)
{
    bda_set16(b, BDA_KBD_START, BDA_KBD_BUFFER);
    bda_set16(b, BDA_KBD_STOP, BDA_KBD_END);
    bda_set16(b, BDA_KBD_HEAD, BDA_KBD_BUFFER);
    bda_set16(b, BDA_KBD_TAIL, BDA_KBD_BUFFER);
    bda_set8(b, BDA_KBD_FLAGS3, KBD3_ENHANCED);
    if (controller_ask(b, I8042_SELF_TEST) != I8042_SELF_TEST_OK)
        return;
    controller_ask(b, I8042_KEYBOARD_TEST);
    port_out(b, I8042_COMMAND, I8042_WRITE_RAM);
    port_out(b, I8042_DATA, I8042_CTR_KEYBOARD_INT | I8042_CTR_SYS | I8042_CTR_AUX_OFF | I8042_CTR_TRANSLATE);
    port_out(b, I8042_COMMAND, I8042_KEYBOARD_ENABLE);
}

void keyboard_start(struct bios *b)
{
    port_out(b, I8042_DATA, PS2_ENABLE);
}
