// SPDX-License-Identifier: MIT
// INT 10h AH=4Fh: VESA BIOS extensions 3.0 over the display interface of Bochs.
#include "bios-emul/video.h"
#include "lib/c/string.h"

#define PACKED      __attribute__((packed))
#define OK          0x004f
#define FAILED      0x014f
#define UNSUPPORTED 0x0100 // AL is not 4Fh
#define MODE_NUMBER 0x01ff // of BX of AX=4F02h
#define MODE_LINEAR 0x4000
#define MODE_KEEP   0x8000
#define MODES_END   0xffff
#define VBE_MODE    0x40 // 40:49 while such a mode is on, as no VGA mode is called
#define WIDTH_MAX   2560
#define PLANE_SIZE  0x10000u

#define ATTRIBUTE_BASE   0x001b // supported, documented, colour, graphics
#define ATTRIBUTE_LINEAR 0x0080
#define DPMS_STATES      0x0f // standby, suspend, off, reduced on
#define DPMS_VERSION     0x10
#define DPMS_OFF         4

#define MODEL_PLANAR 3
#define MODEL_PACKED 4
#define MODEL_DIRECT 6

#define LINEAR(number, width, height, bits)                                                                            \
    {                                                                                                                  \
        number, VIDEO_LINEAR, PALETTE_VGA, 0, 0xa000, width, height, 0, bits                                           \
    }
#define WIDE(number, width, height)                                                                                    \
    LINEAR(number, width, height, 16), LINEAR((number) + 1, width, height, 24), LINEAR((number) + 2, width, height, 32)
static const struct video_mode modes[] = {
    LINEAR(0x100, 640, 400, 8),
    LINEAR(0x101, 640, 480, 8),
    {0x102, VIDEO_PLANAR, PALETTE_EGA, 0, 0xa000, 800, 600, 0x0f, 4},
    LINEAR(0x103, 800, 600, 8),
    LINEAR(0x105, 1024, 768, 8),
    LINEAR(0x107, 1280, 1024, 8),
    LINEAR(0x10d, 320, 200, 15),
    LINEAR(0x10e, 320, 200, 16),
    LINEAR(0x10f, 320, 200, 24),
    LINEAR(0x110, 640, 480, 15),
    LINEAR(0x111, 640, 480, 16),
    LINEAR(0x112, 640, 480, 24),
    LINEAR(0x113, 800, 600, 15),
    LINEAR(0x114, 800, 600, 16),
    LINEAR(0x115, 800, 600, 24),
    LINEAR(0x116, 1024, 768, 15),
    LINEAR(0x117, 1024, 768, 16),
    LINEAR(0x118, 1024, 768, 24),
    LINEAR(0x119, 1280, 1024, 15),
    LINEAR(0x11a, 1280, 1024, 16),
    LINEAR(0x11b, 1280, 1024, 24),
    LINEAR(0x11c, 1600, 1200, 8),
    LINEAR(0x11d, 1600, 1200, 15),
    LINEAR(0x11e, 1600, 1200, 16),
    LINEAR(0x11f, 1600, 1200, 24),
    LINEAR(0x140, 320, 200, 32),
    LINEAR(0x141, 640, 400, 32),
    LINEAR(0x142, 640, 480, 32),
    LINEAR(0x143, 800, 600, 32),
    LINEAR(0x144, 1024, 768, 32),
    LINEAR(0x145, 1280, 1024, 32),
    LINEAR(0x146, 320, 200, 8),
    LINEAR(0x147, 1600, 1200, 32),
    LINEAR(0x148, 1152, 864, 8),
    LINEAR(0x149, 1152, 864, 15),
    LINEAR(0x14a, 1152, 864, 16),
    LINEAR(0x14b, 1152, 864, 24),
    LINEAR(0x14c, 1152, 864, 32),
    WIDE(0x175, 1280, 768),
    WIDE(0x178, 1280, 800),
    WIDE(0x17b, 1280, 960),
    WIDE(0x17e, 1440, 900),
    WIDE(0x181, 1400, 1050),
    WIDE(0x184, 1680, 1050),
    WIDE(0x187, 1920, 1200),
    WIDE(0x18a, 2560, 1600),
    WIDE(0x18d, 1280, 720),
    WIDE(0x190, 1920, 1080),
    WIDE(0x193, 1600, 900),
    WIDE(0x196, 2560, 1440),
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static uint16_t dispi_read(struct bios *b, uint16_t index)
{
    port_out16(b, DISPI_INDEX_PORT, index);
    return port_in16(b, DISPI_DATA_PORT);
}

static void dispi_write(struct bios *b, uint16_t index, uint16_t value)
{
    port_out16(b, DISPI_INDEX_PORT, index);
    port_out16(b, DISPI_DATA_PORT, value);
}

static bool dispi_present(struct bios *b)
{
    uint16_t id = dispi_read(b, DISPI_ID);
    return id >= DISPI_ID_FIRST + 2 && id <= DISPI_ID_LAST;
}

void vbe_off(struct bios *b)
{
    b->state.vbe_mode = 0;
    if (dispi_present(b))
        dispi_write(b, DISPI_ENABLE, 0);
}

static uint32_t memory_64k(struct bios *b)
{
    uint16_t blocks = dispi_read(b, DISPI_MEMORY_64K);
    return blocks && blocks != 0xffff ? blocks : 64; // 4 MiB where older versions do not say
}

// Bytes of `width` pixels; in each plane of a planar mode.
static uint32_t line_bytes(const struct video_mode *m, uint32_t width)
{
    return m->kind == VIDEO_PLANAR ? width / 8 : width * ((m->bits + 7u) / 8);
}

static uint32_t memory_size(struct bios *b, const struct video_mode *m)
{
    return m->kind == VIDEO_PLANAR ? PLANE_SIZE : memory_64k(b) << 16;
}

// Does the mode fit into the memory?
static bool mode_fits(struct bios *b, const struct video_mode *m)
{
    return line_bytes(m, m->width) * m->height <= memory_size(b, m);
}

static const struct video_mode *mode_find(struct bios *b, uint16_t number)
{
    for (unsigned i = 0; i < MODES; i++)
        if (modes[i].number == number && mode_fits(b, &modes[i]))
            return &modes[i];
    return NULL;
}

static enum bios_result answer(struct bios_regs *r, bool ok)
{
    r->a.x = ok ? OK : FAILED;
    return BIOS_DONE;
}

// ---- AL=00h, 01h: information

struct controller_info {
    char signature[4];
    uint16_t version;
    uint32_t oem, capabilities, modes;
    uint16_t memory, revision;
    uint32_t vendor, product, product_revision;
} PACKED;

struct mode_info {
    uint16_t attributes;
    uint8_t window_a, window_b;
    uint16_t granularity, window_size, segment_a, segment_b;
    uint32_t window_function;
    uint16_t bytes_per_line, width, height;
    uint8_t char_width, char_height, planes, bits, banks, model, bank_size, pages, reserved;
    struct bios_color color[4];
    uint8_t direct_info;
    uint32_t framebuffer, reserved2;
    uint16_t reserved3, linear_bytes_per_line;
    uint8_t banked_pages, linear_pages;
    struct bios_color linear_color[4];
    uint32_t pixel_clock;
} PACKED;

const struct video_mode *vbe_mode_now(struct bios *b)
{
    return b->state.vbe_mode ? mode_find(b, b->state.vbe_mode & MODE_NUMBER) : NULL;
}

uint16_t vbe_bank(struct bios *b)
{
    return dispi_read(b, DISPI_BANK);
}

void vbe_bank_set(struct bios *b, uint16_t bank)
{
    if (vbe_bank(b) != bank)
        dispi_write(b, DISPI_BANK, bank);
}

uint32_t vbe_pitch(struct bios *b, const struct video_mode *m)
{
    return line_bytes(m, dispi_read(b, DISPI_VIRT_WIDTH));
}

uint32_t vbe_start(struct bios *b, const struct video_mode *m)
{
    return dispi_read(b, DISPI_Y_OFFSET) * vbe_pitch(b, m) + line_bytes(m, dispi_read(b, DISPI_X_OFFSET));
}

// What controller information points to, in the ROM.
void vbe_post(struct bios *b)
{
    static const char strings[] = "Mica VBE\0Mica\0Mica VGA\0"
                                  "1.0";
    uint16_t list[MODES + 1];
    _Static_assert(sizeof(list) <= ROM_VBE_STRINGS - ROM_VBE_MODES, "room in the ROM");
    unsigned n = 0;
    for (unsigned i = 0; i < MODES; i++)
        if (mode_fits(b, &modes[i]))
            list[n++] = modes[i].number;
    list[n++] = MODES_END;
    mem_write(b, BIOS_ROM_BASE + ROM_VBE_STRINGS, strings, sizeof(strings));
    mem_write(b, BIOS_ROM_BASE + ROM_VBE_MODES, list, n * 2);
}

static enum bios_result controller_info(struct bios *b, struct bios_regs *r)
{
    uint32_t to = r->es_base + r->di.x, far = (uint32_t)BIOS_SEGMENT << 16 | ROM_VBE_STRINGS;
    struct controller_info info = {.signature = {'V', 'E', 'S', 'A'}, .version = 0x0300, .capabilities = 1};
    bool version2 = mem_get(b, to, 4) == 0x32454256; // "VBE2": the caller's buffer has 512 bytes
    info.oem = far;
    info.modes = (uint32_t)BIOS_SEGMENT << 16 | ROM_VBE_MODES;
    info.memory = (uint16_t)memory_64k(b);
    if (version2) {
        info.revision = 0x0100;
        info.vendor = far + 9;
        info.product = far + 14;
        info.product_revision = far + 23;
    }
    memset(b->sector, 0, 512);
    memcpy(b->sector, &info, sizeof(info));
    mem_write(b, to, b->sector, version2 ? 512 : 256);
    return answer(r, true);
}

// Red, green, blue and the rest: how many bits, from which on. None with a palette.
static void colors_fill(const struct video_mode *m, struct bios_color color[4])
{
    uint8_t wide = m->bits >= 24 ? 8 : 5, green = m->bits == 16 ? 6 : wide;
    if (m->bits <= 8)
        return;
    color[0] = (struct bios_color){wide, (uint8_t)(wide + green)};
    color[1] = (struct bios_color){green, wide};
    color[2] = (struct bios_color){wide, 0};
    color[3] = m->bits == 32   ? (struct bios_color){8, 24}
               : m->bits == 15 ? (struct bios_color){1, 15}
                               : (struct bios_color){0, 0};
}

static enum bios_result mode_info(struct bios *b, struct bios_regs *r)
{
    const struct video_mode *m = mode_find(b, r->c.x & MODE_NUMBER);
    if (!m)
        return answer(r, false);
    uint32_t line = line_bytes(m, m->width), pages = memory_size(b, m) / (line * m->height);
    bool planar = m->kind == VIDEO_PLANAR, linear = b->config.framebuffer && !planar;
    struct mode_info info = {
        .attributes = ATTRIBUTE_BASE | (linear ? ATTRIBUTE_LINEAR : 0),
        .window_a = 7,
        .granularity = 64,
        .window_size = 64,
        .segment_a = 0xa000,
        .window_function = (uint32_t)BIOS_SEGMENT << 16 | ROM_VBE_WINDOW,
        .bytes_per_line = (uint16_t)line,
        .width = m->width,
        .height = m->height,
        .char_width = 8,
        .char_height = 16,
        .planes = planar ? 4 : 1,
        .bits = m->bits,
        .banks = 1,
        .model = planar         ? MODEL_PLANAR
                 : m->bits == 8 ? MODEL_PACKED
                                : MODEL_DIRECT,
        .pages = (uint8_t)(pages > 255 ? 255 : pages - 1),
        .reserved = 1,
        .direct_info = m->bits == 32 ? 2 : 0,
        .framebuffer = linear ? b->config.framebuffer : 0,
        .linear_bytes_per_line = (uint16_t)line,
    };
    struct bios_color color[4] = {0};
    colors_fill(m, color);
    memcpy(info.color, color, sizeof(color));
    info.banked_pages = info.linear_pages = info.pages;
    memcpy(info.linear_color, color, sizeof(color));
    info.pixel_clock = 230000000;
    memset(b->sector, 0, 256);
    memcpy(b->sector, &info, sizeof(info));
    mem_write(b, r->es_base + r->di.x, b->sector, 256);
    return answer(r, true);
}

// ---- AL=02h, 03h: the mode

// False: the machine has no memory for its framebuffer; it is in text mode then.
static bool mode_enable(struct bios *b, const struct video_mode *m, uint16_t flags)
{
    bool keep = flags & MODE_KEEP;
    // Registers that suit the pixels, and their colours.
    video_mode_set(b, m->kind == VIDEO_PLANAR ? 0x12 : 0x13, true);
    dispi_write(b, DISPI_ENABLE, 0);
    dispi_write(b, DISPI_XRES, m->width);
    dispi_write(b, DISPI_YRES, m->height);
    dispi_write(b, DISPI_BPP, m->bits);
    dispi_write(b, DISPI_BANK, 0);
    dispi_write(
        b, DISPI_ENABLE,
        (uint16_t)(DISPI_ENABLE_ON | (flags & MODE_LINEAR ? DISPI_ENABLE_LFB : 0) | (keep ? DISPI_ENABLE_KEEP : 0)));
    if (!(dispi_read(b, DISPI_ENABLE) & DISPI_ENABLE_ON)) {
        video_mode_set(b, 3, false);
        return false;
    }
    dispi_write(b, DISPI_VIRT_WIDTH, m->width);
    b->state.vbe_mode = flags & ~MODE_KEEP;
    bda_set8(b, BDA_MODE, m->kind == VIDEO_PLANAR ? VGA_800x600 : VBE_MODE);
    bda_set8(b, BDA_VIDEO_CONTROL, (bda8(b, BDA_VIDEO_CONTROL) & ~CONTROL_KEEP) | (keep ? CONTROL_KEEP : 0));
    bda_set16(b, BDA_COLUMNS, m->width / 8);
    bda_set16(b, BDA_PAGE_SIZE, 0); // there is but one
    bda_set8(b, BDA_ROWS, m->height / 16 - 1);
    bda_set16(b, BDA_CHAR_HEIGHT, 16);
    vector_set(b, 0x43, BIOS_SEGMENT, ROM_FONT16);
    return true;
}

bool vbe_mode_set(struct bios *b, uint16_t number, uint16_t flags)
{
    const struct video_mode *m = mode_find(b, number);
    if (!m || !dispi_present(b) || (flags & MODE_LINEAR && (!b->config.framebuffer || m->kind == VIDEO_PLANAR)))
        return false;
    return mode_enable(b, m, number | (flags & (MODE_LINEAR | MODE_KEEP)));
}

static enum bios_result mode_set(struct bios *b, struct bios_regs *r)
{
    uint16_t number = r->b.x & MODE_NUMBER;
    if (number == VGA_800x600)
        number = VBE_800x600;
    return answer(r, number < VBE_FIRST ? video_mode_set(b, (uint8_t)number & 0x7f, r->b.x & MODE_KEEP)
                                        : vbe_mode_set(b, number, r->b.x));
}

bool bios_graphics(struct bios *b, uint16_t mode, struct bios_graphics *out)
{
    const struct video_mode *m = dispi_present(b) && b->config.framebuffer ? mode_find(b, mode) : NULL;
    if (!m || m->kind == VIDEO_PLANAR || !mode_enable(b, m, mode | MODE_LINEAR))
        return false;
    *out = (struct bios_graphics){.base = b->config.framebuffer,
                                  .size = memory_64k(b) << 16,
                                  .width = m->width,
                                  .height = m->height,
                                  .pitch = (uint16_t)line_bytes(m, m->width),
                                  .bits = m->bits};
    colors_fill(m, out->color);
    return true;
}

static enum bios_result mode_get(struct bios *b, struct bios_regs *r)
{
    r->b.x = b->state.vbe_mode ? b->state.vbe_mode : bda8(b, BDA_MODE);
    return answer(r, true);
}

// ---- AL=04h: state

// The display interface's registers in the order in which they can be written again, and the mode's number.
static const uint8_t display_saved[] = {DISPI_XRES, DISPI_YRES,       DISPI_BPP,      DISPI_ENABLE,
                                        DISPI_BANK, DISPI_VIRT_WIDTH, DISPI_X_OFFSET, DISPI_Y_OFFSET};
enum { DISPLAY_SAVED = sizeof(display_saved), DISPLAY_BLOCK = 64 };

static void display_save(struct bios *b, uint32_t to)
{
    uint16_t values[DISPLAY_SAVED + 1];
    for (unsigned i = 0; i < DISPLAY_SAVED; i++)
        values[i] = dispi_read(b, display_saved[i]);
    values[DISPLAY_SAVED] = b->state.vbe_mode;
    mem_write(b, to, values, sizeof(values));
}

static void display_restore(struct bios *b, uint32_t from)
{
    uint16_t values[DISPLAY_SAVED + 1];
    if (!mem_read(b, from, values, sizeof(values)))
        return;
    dispi_write(b, DISPI_ENABLE, 0);
    for (unsigned i = 0; i < DISPLAY_SAVED; i++)
        dispi_write(b, display_saved[i], display_saved[i] == DISPI_ENABLE ? values[i] | DISPI_ENABLE_KEEP : values[i]);
    b->state.vbe_mode = dispi_read(b, DISPI_ENABLE) & DISPI_ENABLE_ON ? values[DISPLAY_SAVED] : 0;
}

static enum bios_result state(struct bios *b, struct bios_regs *r)
{
    uint16_t parts = r->c.x & 7;
    uint32_t at = r->es_base + r->b.x, display = r->c.x & 8 ? DISPLAY_BLOCK : 0;
    switch (r->d.l) {
    case 0:
        r->b.x = (uint16_t)((video_state_size(parts) + display + 63) / 64);
        return answer(r, true);
    case 1:
        if (display)
            display_save(b, at);
        video_state_save(b, parts, at + display);
        return answer(r, true);
    case 2:
        video_state_restore(b, parts, at + display);
        if (display)
            display_restore(b, at);
        return answer(r, true);
    default:
        return answer(r, false);
    }
}

// ---- AL=05h-09h: window, line length, start, palette

static enum bios_result window(struct bios *b, struct bios_regs *r)
{
    const struct video_mode *m = vbe_mode_now(b);
    if (!m || r->b.l != 0 || r->b.h > 1)
        return answer(r, false);
    if (m->kind == VIDEO_PLANAR) // all of it is in the window
        return answer(r, r->b.h == 1 || r->d.x == 0);
    if (b->state.vbe_mode & MODE_LINEAR) {
        r->a.x = 0x034f; // not in this mode
        return BIOS_DONE;
    }
    if (r->b.h == 1) {
        r->d.x = vbe_bank(b);
        return answer(r, true);
    }
    if (r->d.x >= memory_64k(b))
        return answer(r, false);
    vbe_bank_set(b, r->d.x);
    return answer(r, vbe_bank(b) == r->d.x);
}

static enum bios_result line_length(struct bios *b, struct bios_regs *r)
{
    const struct video_mode *m = vbe_mode_now(b);
    unsigned width = r->c.x;
    if (!m || r->b.l > 3)
        return answer(r, false);
    if (r->b.l == 2)
        width = m->kind == VIDEO_PLANAR ? width * 8 : (width + line_bytes(m, 1) - 1) / line_bytes(m, 1);
    if (r->b.l == 0 || r->b.l == 2) {
        if (width < dispi_read(b, DISPI_XRES) || line_bytes(m, width) > 0xffff) {
            r->a.x = 0x024f;
            return BIOS_DONE;
        }
        dispi_write(b, DISPI_VIRT_WIDTH, (uint16_t)width);
    }
    width = r->b.l == 3 ? WIDTH_MAX : dispi_read(b, DISPI_VIRT_WIDTH);
    width = width < 8 ? 8 : width;
    uint32_t lines = memory_size(b, m) / line_bytes(m, width);
    r->b.x = (uint16_t)line_bytes(m, width);
    r->c.x = (uint16_t)width;
    r->d.x = (uint16_t)(lines > 0xffff ? 0xffff : lines);
    return answer(r, true);
}

static enum bios_result display_start(struct bios *b, struct bios_regs *r)
{
    if (!b->state.vbe_mode)
        return answer(r, false);
    if (r->b.l == 0 || r->b.l == 0x80) {
        dispi_write(b, DISPI_X_OFFSET, r->c.x);
        dispi_write(b, DISPI_Y_OFFSET, r->d.x);
        return answer(r, dispi_read(b, DISPI_X_OFFSET) == r->c.x && dispi_read(b, DISPI_Y_OFFSET) == r->d.x);
    }
    if (r->b.l != 1)
        return answer(r, false);
    r->c.x = dispi_read(b, DISPI_X_OFFSET);
    r->d.x = dispi_read(b, DISPI_Y_OFFSET);
    r->b.h = 0;
    return answer(r, true);
}

static enum bios_result dac_format(struct bios *b, struct bios_regs *r)
{
    uint16_t enable = dispi_read(b, DISPI_ENABLE);
    const struct video_mode *m = vbe_mode_now(b);
    if (!m || m->bits > 8 || r->b.l > 1)
        return answer(r, false);
    if (r->b.l == 0) {
        enable = (uint16_t)(r->b.h >= 8 ? enable | DISPI_ENABLE_8BITDAC : enable & ~DISPI_ENABLE_8BITDAC);
        dispi_write(b, DISPI_ENABLE, enable | DISPI_ENABLE_KEEP);
    }
    r->b.h = enable & DISPI_ENABLE_8BITDAC ? 8 : 6;
    return answer(r, true);
}

// Entries at ES:DI: blue, green, red, nothing.
static enum bios_result palette(struct bios *b, struct bios_regs *r)
{
    uint32_t at = r->es_base + r->di.x;
    if (r->b.l > 1 && r->b.l != 0x80)
        return answer(r, false);
    for (unsigned i = 0; i < r->c.x && r->d.x + i < 256; i++, at += 4) {
        uint8_t entry[4] = {0};
        if (r->b.l == 1) {
            port_out(b, VGA_DAC_STATE, (uint8_t)(r->d.x + i));
            for (unsigned c = 3; c-- > 0;)
                entry[c] = port_in(b, VGA_DAC_DATA);
            mem_write(b, at, entry, 4);
            continue;
        }
        mem_read(b, at, entry, 4);
        const uint8_t rgb[3] = {entry[2], entry[1], entry[0]};
        dac_write(b, (uint8_t)(r->d.x + i), rgb);
    }
    return answer(r, true);
}

// AL=10h: display power management. Every state but "on" is a dark screen.
static enum bios_result power(struct bios *b, struct bios_regs *r)
{
    uint8_t clock = indexed_read(b, VGA_SEQ_INDEX, VGA_SEQ_CLOCK);
    if (r->b.l > 2 || (r->b.l == 1 && r->b.h > 4))
        return answer(r, false);
    if (r->b.l == 0)
        r->b.x = DPMS_STATES << 8 | DPMS_VERSION;
    else if (r->b.l == 1)
        indexed_write(b, VGA_SEQ_INDEX, VGA_SEQ_CLOCK,
                      (uint8_t)(r->b.h ? clock | VGA_SEQ_CLOCK_OFF : clock & ~VGA_SEQ_CLOCK_OFF));
    else
        r->b.h = clock & VGA_SEQ_CLOCK_OFF ? DPMS_OFF : 0;
    return answer(r, true);
}

// AL=0Ah: window, display start and palette as code that a 32-bit program copies and calls (rom.asm).
static enum bios_result protected_mode(struct bios *b, struct bios_regs *r)
{
    if (r->b.l != 0)
        return answer(r, false);
    es_set(r, BIOS_SEGMENT);
    r->di.x = ROM_VBE_PROTECTED;
    r->c.x = mem_get16(b, BIOS_ROM_BASE + ROM_VBE_PROTECTED - 2);
    return answer(r, true);
}

enum bios_result vbe(struct bios *b, struct bios_regs *r)
{
    static const bios_service functions[] = {
        [0x00] = controller_info, [0x01] = mode_info,   [0x02] = mode_set,      [0x03] = mode_get,   [0x04] = state,
        [0x05] = window,          [0x06] = line_length, [0x07] = display_start, [0x08] = dac_format, [0x09] = palette,
        [0x0a] = protected_mode,  [0x10] = power,       [0x15] = vbe_ddc,
    };
    if (r->a.l < sizeof(functions) / sizeof(functions[0]) && functions[r->a.l] && dispi_present(b))
        return functions[r->a.l](b, r);
    unknown_count(b, r, 0x10);
    r->a.x = UNSUPPORTED;
    return BIOS_DONE;
}

// The window function that mode information names: a far call with BX and DX as for AX=4F05h.
enum bios_result vbe_window(struct bios *b, struct bios_regs *r)
{
    return window(b, r);
}
