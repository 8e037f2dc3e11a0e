// SPDX-License-Identifier: MIT
#include "vmm-user/screen_pixels.h"
#include "lib/c/string.h"
#include "lib/sys/root.h"
#include "lib/sys/screen_api.h"
#include "vmm-user/layout.h"
#include "vmm-user/picture_code.h"

#define WIDTH_MAX  2048 // that a display can say
#define HEIGHT_MAX 2048
#define SOURCE_MAX 2560 // pixels of a row
#define PART       320  // pixels that are sent at once
#define HASH       0x9e3779b97f4a7c15ull

// Not there before somebody looks at graphics, and then kept.
static struct display {
    struct vga vga; // as it was at a frame's beginning
    struct vga_picture picture;
    struct picture_code code;
    bool begun, thin;          // the display shows pixels; colours are more than it has: they are thinned out
    unsigned width, height;    // of what is sent
    unsigned row;              // the next to be looked at; `height`: the frame is done
    unsigned given;            // colours since the beginning
    uint64_t sent[HEIGHT_MAX]; // hashes of rows, 0: unknown
    uint8_t source[3 * SOURCE_MAX], rgb[3 * WIDTH_MAX];
    uint64_t hash;   // of the row
    unsigned column; // of it that are sent
    uint8_t record[SCREEN_PIXELS_HEAD + PICTURE_CODE_PIXEL * PART];
} * display;

void screen_pixels_reset(void)
{
    if (display)
        display->begun = false;
}

static bool display_alloc(void)
{
    if (!display &&
        root_mem_alloc((void *)VA_DISPLAY, (sizeof(*display) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1), 0, NULL) == ROOT_OK)
        display = (struct display *)VA_DISPLAY;
    return display != NULL;
}

static void thin_out(uint8_t rgb[3])
{
    rgb[0] = (uint8_t)((rgb[0] >> 5) * 255 / 7);
    rgb[1] = (uint8_t)((rgb[1] >> 5) * 255 / 7);
    rgb[2] = (uint8_t)((rgb[2] >> 6) * 255 / 3);
}

// Row `y` of the display: every pixel of it is the one of the picture that lies there. Returns its hash.
static uint64_t row_make(struct display *d, unsigned y)
{
    unsigned width = d->picture.mode.width;
    uint64_t hash = 1;
    vga_picture_row(&d->picture, y * d->picture.mode.height / d->height, d->source);
    if (width == d->width)
        memcpy(d->rgb, d->source, 3ul * width);
    for (unsigned x = 0; x < d->width && width != d->width; x++)
        memcpy(&d->rgb[3ul * x], &d->source[3ul * (x * width / d->width)], 3);
    for (unsigned x = 0; x < d->width && d->thin; x++)
        thin_out(&d->rgb[3ul * x]);
    for (unsigned i = 0; i < 3 * d->width; i += 8) // what lies behind the row is always the same
        hash = (hash ^ *(const uint64_t *)(d->rgb + i)) * HASH, hash ^= hash >> 29;
    return hash | 1;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool record_send(struct channel *c, const uint8_t *record, unsigned length)
{
    if (channel_space(c) < length)
        return false;
    channel_write(c, record, length);
    return true;
}

// All is sent anew, and colours are numbered anew.
static bool begin(struct display *d, struct channel *c, unsigned width, unsigned height)
{
    const uint8_t record[] = {SCREEN_PIXELS,         SCREEN_PIXELS_BEGIN, (uint8_t)width,
                              (uint8_t)(width >> 8), (uint8_t)height,     (uint8_t)(height >> 8)};
    if (!record_send(c, record, sizeof(record)))
        return false;
    picture_code_init(&d->code);
    memset(d->sent, 0, sizeof(d->sent));
    memset(d->rgb, 0, sizeof(d->rgb));
    d->width = width;
    d->height = height;
    d->given = 0;
    d->begun = true;
    return true;
}

// Takes a picture; if the display shows another size, or numbers of colours are used up (what stands there by an old
// number would change with it), all is sent anew.
static void frame_begin(struct display *d, const struct vga *v, struct channel *c, const struct screen_room *room)
{
    memcpy(&d->vga, v, sizeof(d->vga));
    vga_picture_begin(&d->picture, &d->vga);
    struct vga_mode mode = d->picture.mode;
    unsigned width = least(least(mode.width, room->width), WIDTH_MAX);
    unsigned height = least(least(mode.height, room->height), HEIGHT_MAX);
    bool few = room->colors == SCREEN_256_COLORS, used_up = few && d->given > 256;
    bool same = d->begun && width == d->width && height == d->height && !used_up;
    if (mode.width > SOURCE_MAX || !width || !height || (!same && !begin(d, c, width, height)))
        return;
    d->thin = few && mode.bpp > 8;
    d->row = d->column = 0;
}

// A part of the row that was made; false: there is no room for it now.
static bool part_send(struct display *d, struct channel *c)
{
    unsigned count = least(d->width - d->column, PART);
    if (channel_space(c) < sizeof(d->record))
        return false;
    uint8_t before = d->code.next;
    unsigned n = picture_encode(&d->code, d->rgb + 3ul * d->column, count, d->record + SCREEN_PIXELS_HEAD);
    const uint8_t head[SCREEN_PIXELS_HEAD] = {
        SCREEN_PIXELS,      SCREEN_PIXELS_PART,        (uint8_t)d->row, (uint8_t)(d->row >> 8),
        (uint8_t)d->column, (uint8_t)(d->column >> 8), (uint8_t)n,      (uint8_t)(n >> 8)};
    memcpy(d->record, head, sizeof(head));
    channel_write(c, d->record, SCREEN_PIXELS_HEAD + n);
    d->given += (uint8_t)(d->code.next - before);
    d->column += count;
    return true;
}

bool screen_pixels_update(const struct vga *v, struct channel *c, const struct screen_room *room)
{
    if (!display_alloc())
        return false;
    struct display *d = display;
    if (!d->begun || d->row == d->height)
        frame_begin(d, v, c, room);
    while (d->begun && d->row < d->height) {
        if (!d->column)
            d->hash = row_make(d, d->row);
        if (d->hash != d->sent[d->row] && !part_send(d, c))
            break;
        if (d->hash == d->sent[d->row] || d->column == d->width) {
            d->sent[d->row++] = d->hash;
            d->column = 0;
        }
    }
    return true;
}

bool screen_pixels_pending(void)
{
    return display && display->begun && display->row < display->height;
}

bool screen_pixels_end(struct channel *c)
{
    static const uint8_t record[] = {SCREEN_PIXELS, SCREEN_PIXELS_END};
    if (!display || !display->begun)
        return true;
    if (!record_send(c, record, sizeof(record)))
        return false;
    display->begun = false;
    return true;
}
