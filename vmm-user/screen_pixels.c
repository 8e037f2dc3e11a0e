// SPDX-License-Identifier: MIT
#include "vmm-user/screen_pixels.h"
#include "lib/c/string.h"
#include "lib/sys/root.h"
#include "lib/sys/screen_api.h"
#include "vmm-user/layout.h"
#include "vmm-user/picture_code.h"

#define WIDTH      320
#define HEIGHT     200
#define SOURCE_MAX 2560 // pixels of a row

// Not there before somebody looks at graphics, and then kept.
static struct display {
    struct vga vga; // as it was at a frame's beginning
    struct vga_picture picture;
    struct picture_code code;
    bool begun, wide; // the display shows pixels; colours are many: they are thinned out
    unsigned row;     // the next to be looked at; HEIGHT: the frame is done
    unsigned given;   // colours since the beginning
    uint8_t sent[HEIGHT][3 * WIDTH], known[HEIGHT];
    uint8_t source[3 * SOURCE_MAX], rgb[3 * WIDTH];
    uint8_t record[SCREEN_PIXELS_HEAD + PICTURE_CODE_PIXEL * WIDTH];
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

// All is sent anew, and colours are numbered anew.
static bool begin(struct display *d, struct channel *c)
{
    static const uint8_t record[] = {SCREEN_PIXELS, SCREEN_PIXELS_BEGIN};
    if (channel_space(c) < sizeof(record))
        return false;
    channel_write(c, record, sizeof(record));
    picture_code_init(&d->code);
    memset(d->known, 0, sizeof(d->known));
    d->given = 0;
    d->begun = true;
    return true;
}

static void thin_out(uint8_t rgb[3])
{
    rgb[0] = (uint8_t)((rgb[0] >> 5) * 255 / 7);
    rgb[1] = (uint8_t)((rgb[1] >> 5) * 255 / 7);
    rgb[2] = (uint8_t)((rgb[2] >> 6) * 255 / 3);
}

// Row `y` of the display: every pixel of it is the one of the picture that lies there.
static void row_make(struct display *d, unsigned y)
{
    unsigned width = d->picture.mode.width, height = d->picture.mode.height;
    unsigned from = height > HEIGHT ? y * height / HEIGHT : y;
    memset(d->rgb, 0, sizeof(d->rgb));
    if (from >= height || width > SOURCE_MAX)
        return;
    vga_picture_row(&d->picture, from, d->source);
    for (unsigned x = 0; x < WIDTH && x < width; x++) {
        memcpy(&d->rgb[3ul * x], &d->source[3ul * (width > WIDTH ? x * width / WIDTH : x)], 3);
        if (d->wide)
            thin_out(&d->rgb[3ul * x]);
    }
}

static void frame_take(struct display *d, const struct vga *v)
{
    memcpy(&d->vga, v, sizeof(d->vga));
    vga_picture_begin(&d->picture, &d->vga);
    d->wide = d->picture.mode.bpp > 8;
    d->row = 0;
}

// False: there is no room for it now.
static bool row_send(struct display *d, struct channel *c, unsigned y)
{
    if (channel_space(c) < sizeof(d->record))
        return false;
    uint8_t before = d->code.next;
    unsigned n = picture_encode(&d->code, d->rgb, WIDTH, d->record + SCREEN_PIXELS_HEAD);
    const uint8_t head[SCREEN_PIXELS_HEAD] = {SCREEN_PIXELS, SCREEN_PIXELS_ROW, (uint8_t)y, (uint8_t)n,
                                              (uint8_t)(n >> 8)};
    memcpy(d->record, head, sizeof(head));
    channel_write(c, d->record, SCREEN_PIXELS_HEAD + n);
    d->given += (uint8_t)(d->code.next - before);
    memcpy(d->sent[y], d->rgb, sizeof(d->rgb));
    d->known[y] = 1;
    return true;
}

bool screen_pixels_update(const struct vga *v, struct channel *c)
{
    if (!display_alloc())
        return false;
    struct display *d = display;
    if (!d->begun || d->row == HEIGHT) {
        // Numbers of colours are used up: what stands there by an old number would change with it.
        if ((!d->begun || d->given > 256) && !begin(d, c))
            return true;
        frame_take(d, v);
    }
    for (; d->row < HEIGHT; d->row++) {
        row_make(d, d->row);
        bool same = d->known[d->row] && memcmp(d->sent[d->row], d->rgb, sizeof(d->rgb)) == 0;
        if (!same && !row_send(d, c, d->row))
            break;
    }
    return true;
}

bool screen_pixels_pending(void)
{
    return display && display->begun && display->row < HEIGHT;
}

bool screen_pixels_end(struct channel *c)
{
    static const uint8_t record[] = {SCREEN_PIXELS, SCREEN_PIXELS_END};
    if (!display || !display->begun)
        return true;
    if (channel_space(c) < sizeof(record))
        return false;
    channel_write(c, record, sizeof(record));
    display->begun = false;
    return true;
}
