// SPDX-License-Identifier: MIT
#include "user/console/framebuffer.h"
#include "lib/c/string.h"

#define NOWHERE     (SCREEN_ROWS * SCREEN_COLUMNS)
#define CURSOR_FROM 13 // scan lines of a character
#define CURSOR_TO   14

// VGA's colours as 0xRRGGBB.
static const uint32_t palette[16] = {0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
                                     0x555555, 0x5555ff, 0x55ff55, 0x55ffff, 0xff5555, 0xff55ff, 0xffff55, 0xffffff};

static unsigned pixel_bytes(const struct framebuffer *f)
{
    return (f->mode.bpp + 7) / 8;
}

static uint32_t pixel_of(const struct start_framebuffer *mode, uint32_t rgb)
{
    uint32_t pixel = 0;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t value = rgb >> (16 - 8 * i) & 0xff, bits = mode->colors[2 * i + 1];
        pixel |= value >> (8 - bits) << mode->colors[2 * i];
    }
    return pixel;
}

static bool colors_known(const struct start_framebuffer *mode)
{
    for (unsigned i = 0; i < 6; i += 2)
        if (!mode->colors[i + 1] || mode->colors[i + 1] > 8 || mode->colors[i] + mode->colors[i + 1] > mode->bpp)
            return false;
    return mode->bpp >= 15 && mode->bpp <= 32;
}

bool framebuffer_init(struct framebuffer *f, void *pixels, const struct start_framebuffer *mode)
{
    const uint32_t width = SCREEN_COLUMNS * FONT_WIDTH, height = SCREEN_ROWS * FONT_HEIGHT;
    *f = (struct framebuffer){.pixels = pixels, .mode = *mode, .cursor = NOWHERE};
    if (!colors_known(mode) || mode->width < width || mode->height < height)
        return false;
    f->zoom = mode->width / width < mode->height / height ? mode->width / width : mode->height / height;
    f->left = (mode->width - width * f->zoom) / 2;
    f->top = (mode->height - height * f->zoom) / 2;
    for (unsigned i = 0; i < 16; i++)
        f->colors[i] = pixel_of(mode, palette[i]);
    return true;
}

static uint8_t *pixel_put(uint8_t *to, unsigned bytes, uint32_t pixel)
{
    if (bytes == 4) {
        *(volatile uint32_t *)to = pixel;
    } else if (bytes == 2) {
        *(volatile uint16_t *)to = (uint16_t)pixel;
    } else {
        to[0] = (uint8_t)pixel;
        to[1] = (uint8_t)(pixel >> 8);
        to[2] = (uint8_t)(pixel >> 16);
    }
    return to + bytes;
}

// One line of a character, `zoom` times as wide.
static void line_draw(const struct framebuffer *f, uint8_t *to, uint8_t bits, uint32_t ink, uint32_t paper)
{
    unsigned bytes = pixel_bytes(f);
    for (unsigned x = 0; x < FONT_WIDTH; x++)
        for (unsigned i = 0; i < f->zoom; i++)
            to = pixel_put(to, bytes, bits << x & 0x80 ? ink : paper);
}

static void cell_draw(const struct framebuffer *f, unsigned row, unsigned column, uint16_t cell, bool cursor)
{
    uint32_t ink = f->colors[cell >> 8 & 15], paper = f->colors[cell >> 12];
    uint64_t x = f->left + (uint64_t)column * FONT_WIDTH * f->zoom, y = f->top + (uint64_t)row * FONT_HEIGHT * f->zoom;
    uint8_t *to = f->pixels + y * f->mode.pitch + x * pixel_bytes(f);
    for (unsigned line = 0; line < FONT_HEIGHT; line++) {
        uint8_t bits = console_font[cell & 0xff][line];
        if (cursor && line >= CURSOR_FROM && line <= CURSOR_TO)
            bits = 0xff;
        for (unsigned i = 0; i < f->zoom; i++, to += f->mode.pitch)
            line_draw(f, to, bits, ink, paper);
    }
}

// The border, which nobody draws on later, too.
static void clear(struct framebuffer *f)
{
    for (uint32_t y = 0; y < f->mode.height; y++)
        memset(f->pixels + (uint64_t)y * f->mode.pitch, 0, (size_t)f->mode.width * pixel_bytes(f));
    f->cleared = true;
}

void framebuffer_show(struct framebuffer *f, struct screen *s, bool all)
{
    unsigned column = s->column < SCREEN_COLUMNS ? s->column : SCREEN_COLUMNS - 1;
    unsigned cursor = s->hidden ? NOWHERE : s->row * SCREEN_COLUMNS + column;
    bool first = !f->cleared;
    if (first)
        clear(f);
    for (unsigned row = 0; row < SCREEN_ROWS; row++) {
        bool holds_cursor = row == cursor / SCREEN_COLUMNS || row == f->cursor / SCREEN_COLUMNS;
        if (!all && !first && !holds_cursor && !(s->dirty >> row & 1))
            continue;
        for (unsigned i = 0; i < SCREEN_COLUMNS; i++) {
            unsigned at = row * SCREEN_COLUMNS + i;
            bool moved = cursor != f->cursor && (at == cursor || at == f->cursor);
            if (!first && !moved && f->drawn[row][i] == s->cells[row][i])
                continue;
            f->drawn[row][i] = s->cells[row][i];
            cell_draw(f, row, i, s->cells[row][i], at == cursor);
        }
    }
    f->cursor = cursor;
    s->dirty = 0;
}

void framebuffer_begin(struct framebuffer *f, const struct pixels *p)
{
    uint32_t across = f->mode.width / p->width, down = f->mode.height / p->height;
    f->pixel_zoom = across < down ? across : down;
    clear(f);
    f->cleared = false; // for the text
}

void framebuffer_part(struct framebuffer *f, const struct pixels *p)
{
    uint32_t zoom = f->pixel_zoom;
    uint64_t x = (f->mode.width - p->width * zoom) / 2 + p->first * zoom,
             y = (f->mode.height - p->height * zoom) / 2 + p->row * zoom;
    uint8_t *line = f->pixels + y * f->mode.pitch + x * pixel_bytes(f);
    for (unsigned i = 0; i < zoom; i++, line += f->mode.pitch) {
        uint8_t *to = line;
        for (unsigned column = p->first; column < p->column; column++) {
            uint32_t pixel = pixel_of(&f->mode, p->line[column]);
            for (unsigned k = 0; k < zoom; k++)
                to = pixel_put(to, pixel_bytes(f), pixel);
        }
    }
}
