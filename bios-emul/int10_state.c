// SPDX-License-Identifier: MIT
// INT 10h: what the adapter is and can, and its state as a whole.
#include "bios-emul/video.h"
#include "lib/c/string.h"

#define DISPLAY_VGA     0x08
#define STATE_REGISTERS 1 // AH=1Ch, CX
#define STATE_DATA      2
#define STATE_DAC       4
#define BLOCK           64

// ---- AH=12h

// BL = 30h: lines of text modes from the next mode set on; 31h, 33h, 34h, 36h: bits of the data area.
static void lines_choose(struct bios *b, uint8_t choice)
{
    static const uint8_t bits[] = {0x80, 0x00, 0x10}; // 200, 350, 400
    bda_set8(b, BDA_VIDEO_FLAGS, (bda8(b, BDA_VIDEO_FLAGS) & ~0x90) | bits[choice]);
}

static void bit_choose(struct bios *b, unsigned offset, uint8_t bit, bool on)
{
    uint8_t value = bda8(b, offset);
    bda_set8(b, offset, on ? value | bit : value & ~bit);
}

enum bios_result video_configuration(struct bios *b, struct bios_regs *r)
{
    bool off = r->a.l & 1;
    switch (r->b.l) {
    case 0x10:
        r->b.h = crtc_port(b) == VGA_CRTC_MONO_INDEX;
        r->b.l = 3; // 256 KiB
        r->c.h = bda8(b, BDA_SWITCHES) >> 4;
        r->c.l = bda8(b, BDA_SWITCHES) & 0x0f;
        return BIOS_DONE;
    case 0x20:
        return BIOS_DONE; // INT 05h already prints any number of rows
    case 0x30:
        if (r->a.l > 2)
            return BIOS_DONE;
        lines_choose(b, r->a.l);
        break;
    case 0x31:
        bit_choose(b, BDA_VIDEO_FLAGS, 0x08, off);
        break;
    case 0x32:
        port_out(b, VGA_STATUS0, (uint8_t)((port_in(b, VGA_MISC_READ) & ~VGA_MISC_RAM) | (off ? 0 : VGA_MISC_RAM)));
        break;
    case 0x33:
        bit_choose(b, BDA_VIDEO_FLAGS, 0x02, !off);
        break;
    case 0x34:
        bit_choose(b, BDA_VIDEO_CONTROL, 0x01, off);
        break;
    case 0x35:
        break; // there is but one display
    case 0x36: {
        uint8_t clock = indexed_read(b, VGA_SEQ_INDEX, VGA_SEQ_CLOCK) & ~VGA_SEQ_CLOCK_OFF;
        indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_CLOCK, off ? clock | VGA_SEQ_CLOCK_OFF : clock);
        break;
    }
    default:
        unknown_count(b, r, 0x10);
        return BIOS_DONE;
    }
    r->a.l = 0x12;
    return BIOS_DONE;
}

// ---- AH=1Ah, 1Bh

enum bios_result video_display_code(struct bios *b, struct bios_regs *r)
{
    if (r->a.l == 0)
        r->b.x = bda8(b, BDA_DISPLAY_CODE);
    else if (r->a.l == 1)
        bda_set8(b, BDA_DISPLAY_CODE, r->b.l);
    else
        return BIOS_DONE;
    r->a.l = 0x1a;
    return BIOS_DONE;
}

enum bios_result video_functionality(struct bios *b, struct bios_regs *r)
{
    static const uint8_t lines[] = {2, 2, 2, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3, 3, 0};
    uint8_t t[BLOCK] = {0};
    uint8_t mode = bda8(b, BDA_MODE);
    const struct video_mode *m = video_mode_now(b);
    if (r->b.x != 0) {
        unknown_count(b, r, 0x10);
        return BIOS_DONE;
    }
    t[0] = (uint8_t)ROM_STATIC_STATE;
    t[1] = ROM_STATIC_STATE >> 8;
    t[2] = (uint8_t)BIOS_SEGMENT;
    t[3] = BIOS_SEGMENT >> 8;
    mem_read(b, BDA_BASE + BDA_MODE, t + 4, 30);   // 40:49 - 40:66
    mem_read(b, BDA_BASE + BDA_ROWS, t + 0x22, 3); // rows, height
    t[0x25] = bda8(b, BDA_DISPLAY_CODE);
    unsigned colours = !m                                      ? 0
                       : m->kind == VIDEO_LINEAR               ? 256
                       : m->kind == VIDEO_CGA4                 ? 4
                       : m->kind == VIDEO_CGA2 || mode == 0x11 ? 2
                       : m->palette == PALETTE_MONO            ? 0
                                                               : 16;
    t[0x27] = (uint8_t)colours;
    t[0x28] = (uint8_t)(colours >> 8);
    t[0x29] = m && m->kind == VIDEO_TEXT     ? 8
              : mode == 0x0d                 ? 8
              : mode == 0x0e                 ? 4
              : mode == 0x0f || mode == 0x10 ? 2
                                             : 1;
    t[0x2a] = mode < sizeof(lines) ? lines[mode] : 0;
    t[0x2d] = (uint8_t)((bda8(b, BDA_VIDEO_FLAGS) & 0x0f) | 0x21); // all modes on all displays, blinking
    t[0x31] = 3;                                                   // 256 KiB
    mem_write(b, r->es_base + r->di.x, t, sizeof(t));
    r->a.l = 0x1b;
    return BIOS_DONE;
}

// Tables in the ROM: what functionality there is, display codes, save pointers.
void video_tables_write(struct bios *b)
{
    static const uint8_t functionality[16] = {0xff, 0xe0, 0x0f, 0, 0, 0, 0, 0x07, 2, 8, 0xff, 0x0e, 0, 0, 0x3f, 0};
    static const uint8_t codes[] = {16, 1, 7, 0, 0, 0, 0, 1, 0, 2, 2, 1, 0, 4, 4, 1, 0, 5,
                                    2,  5, 0, 6, 1, 6, 5, 6, 0, 8, 1, 8, 0, 7, 2, 7, 6, 7};
    const uint32_t far = (uint32_t)BIOS_SEGMENT << 16;
    const uint32_t pointers[7] = {far | ROM_VIDEO_PARAMS, 0, 0, 0, far | ROM_SAVE_SECOND, 0, 0};
    struct {
        uint16_t size;
        uint32_t codes, rest[5];
    } __attribute__((packed)) second = {26, far | ROM_DISPLAY_CODES, {0}};
    mem_write(b, BIOS_ROM_BASE + ROM_STATIC_STATE, functionality, sizeof(functionality));
    mem_write(b, BIOS_ROM_BASE + ROM_DISPLAY_CODES, codes, sizeof(codes));
    mem_write(b, BIOS_ROM_BASE + ROM_SAVE_POINTERS, pointers, sizeof(pointers));
    mem_write(b, BIOS_ROM_BASE + ROM_SAVE_SECOND, &second, sizeof(second));
}

// ---- AH=1Ch: the buffer has the parts one after the other, each a multiple of 64 bytes

struct registers {
    uint8_t seq_index, crtc_index, gc_index, attr_index, feature, misc;
    uint8_t seq[4], crtc[25], attr[20], gc[9];
    uint16_t crtc_port;
} __attribute__((packed));

struct data_area {
    uint8_t mode_and_crtc[30], rows[7], save[4]; // 40:49-66, 40:84-8A, 40:A8
    uint32_t vectors[3];                         // 10h, 1Fh, 43h
} __attribute__((packed));

#define ROUND(size) (((size) + BLOCK - 1) / BLOCK * BLOCK)
#define DAC_SIZE    (4 + 768)

uint32_t video_state_size(uint16_t parts)
{
    return (parts & STATE_REGISTERS ? ROUND(sizeof(struct registers)) : 0) +
           (parts & STATE_DATA ? ROUND(sizeof(struct data_area)) : 0) + (parts & STATE_DAC ? ROUND(DAC_SIZE) : 0);
}

static void registers_save(struct bios *b, uint32_t to)
{
    struct registers s = {
        .crtc_port = crtc_port(b), .feature = port_in(b, VGA_FEATURE_READ), .misc = port_in(b, VGA_MISC_READ)};
    s.seq_index = port_in(b, VGA_SEQ_INDEX);
    s.crtc_index = port_in(b, s.crtc_port);
    s.gc_index = port_in(b, VGA_GC_INDEX);
    for (uint8_t i = 0; i < 4; i++)
        s.seq[i] = indexed_read(b, VGA_SEQ_INDEX, i + 1);
    for (uint8_t i = 0; i < 25; i++)
        s.crtc[i] = indexed_read(b, s.crtc_port, i);
    for (uint8_t i = 0; i < 20; i++)
        s.attr[i] = attr_read(b, i);
    for (uint8_t i = 0; i < 9; i++)
        s.gc[i] = indexed_read(b, VGA_GC_INDEX, i);
    port_out(b, VGA_SEQ_INDEX, s.seq_index);
    port_out(b, s.crtc_port, s.crtc_index);
    port_out(b, VGA_GC_INDEX, s.gc_index);
    mem_write(b, to, &s, sizeof(s));
}

static void registers_restore(struct bios *b, uint32_t from)
{
    struct registers s = {0};
    mem_read(b, from, &s, sizeof(s));
    s.crtc_port = s.crtc_port == VGA_CRTC_MONO_INDEX ? VGA_CRTC_MONO_INDEX : VGA_CRTC_COLOR_INDEX;
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_RESET, 1);
    port_out(b, VGA_STATUS0, (uint8_t)((s.misc & ~VGA_MISC_COLOR) | (s.crtc_port == VGA_CRTC_COLOR_INDEX)));
    for (uint8_t i = 0; i < 4; i++)
        indexed_write(b, VGA_SEQ_INDEX, i + 1, s.seq[i]);
    indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_RESET, 3);
    indexed_write(b, s.crtc_port, VGA_CRTC_V_RETRACE_END, 0);
    for (uint8_t i = 0; i < 25; i++)
        indexed_write(b, s.crtc_port, i, s.crtc[i]);
    for (uint8_t i = 0; i < 9; i++)
        indexed_write(b, VGA_GC_INDEX, i, s.gc[i]);
    for (uint8_t i = 0; i < 20; i++)
        attr_write(b, i, s.attr[i]);
    port_out(b, VGA_SEQ_INDEX, s.seq_index);
    port_out(b, s.crtc_port, s.crtc_index);
    port_out(b, VGA_GC_INDEX, s.gc_index);
}

static const uint8_t saved_vectors[3] = {0x10, 0x1f, 0x43};

static void data_save(struct bios *b, uint32_t to)
{
    struct data_area s = {0};
    mem_read(b, BDA_BASE + BDA_MODE, s.mode_and_crtc, sizeof(s.mode_and_crtc));
    mem_read(b, BDA_BASE + BDA_ROWS, s.rows, sizeof(s.rows));
    mem_read(b, BDA_BASE + BDA_SAVE_POINTER, s.save, sizeof(s.save));
    for (unsigned i = 0; i < 3; i++)
        s.vectors[i] = mem_get(b, saved_vectors[i] * 4u, 4);
    mem_write(b, to, &s, sizeof(s));
}

static void data_restore(struct bios *b, uint32_t from)
{
    struct data_area s = {0};
    mem_read(b, from, &s, sizeof(s));
    mem_write(b, BDA_BASE + BDA_MODE, s.mode_and_crtc, sizeof(s.mode_and_crtc));
    mem_write(b, BDA_BASE + BDA_ROWS, s.rows, sizeof(s.rows));
    mem_write(b, BDA_BASE + BDA_SAVE_POINTER, s.save, sizeof(s.save));
    for (unsigned i = 0; i < 3; i++)
        mem_put(b, saved_vectors[i] * 4u, 4, s.vectors[i]);
}

static void dac_save(struct bios *b, uint32_t to)
{
    uint8_t *s = b->sector;
    s[0] = port_in(b, VGA_DAC_STATE) & 3;
    s[1] = port_in(b, VGA_DAC_WRITE_INDEX);
    s[2] = port_in(b, VGA_DAC_MASK);
    s[3] = attr_read(b, VGA_ATTR_COLOR_SELECT);
    port_out(b, VGA_DAC_STATE, 0);
    for (unsigned i = 0; i < 768; i++)
        s[4 + i] = port_in(b, VGA_DAC_DATA);
    port_out(b, s[0] == 3 ? VGA_DAC_STATE : VGA_DAC_WRITE_INDEX, s[1]);
    mem_write(b, to, s, DAC_SIZE);
}

static void dac_restore(struct bios *b, uint32_t from)
{
    uint8_t *s = b->sector;
    if (!mem_read(b, from, s, DAC_SIZE))
        return;
    port_out(b, VGA_DAC_MASK, s[2]);
    port_out(b, VGA_DAC_WRITE_INDEX, 0);
    for (unsigned i = 0; i < 768; i++)
        port_out(b, VGA_DAC_DATA, s[4 + i]);
    attr_write(b, VGA_ATTR_COLOR_SELECT, s[3]);
    port_out(b, s[0] == 3 ? VGA_DAC_STATE : VGA_DAC_WRITE_INDEX, s[1]);
}

void video_state_save(struct bios *b, uint16_t parts, uint32_t to)
{
    if (parts & STATE_REGISTERS)
        registers_save(b, to);
    if (parts & STATE_DATA)
        data_save(b, to + video_state_size(parts & STATE_REGISTERS));
    if (parts & STATE_DAC)
        dac_save(b, to + video_state_size(parts & (STATE_REGISTERS | STATE_DATA)));
}

void video_state_restore(struct bios *b, uint16_t parts, uint32_t from)
{
    if (parts & STATE_REGISTERS)
        registers_restore(b, from);
    if (parts & STATE_DATA)
        data_restore(b, from + video_state_size(parts & STATE_REGISTERS));
    if (parts & STATE_DAC)
        dac_restore(b, from + video_state_size(parts & (STATE_REGISTERS | STATE_DATA)));
}

enum bios_result video_state(struct bios *b, struct bios_regs *r)
{
    switch (r->a.l) {
    case 0:
        r->b.x = (uint16_t)(video_state_size(r->c.x) / BLOCK);
        break;
    case 1:
        video_state_save(b, r->c.x, r->es_base + r->b.x);
        break;
    case 2:
        video_state_restore(b, r->c.x, r->es_base + r->b.x);
        break;
    default:
        unknown_count(b, r, 0x10);
        return BIOS_DONE;
    }
    r->a.l = 0x1c;
    return BIOS_DONE;
}
