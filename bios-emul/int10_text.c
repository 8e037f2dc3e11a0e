// SPDX-License-Identifier: MIT
// INT 10h: characters, cursor, pages and scrolling. In graphics modes the drawing is int10_graphics.c's.
#include "bios-emul/video.h"

#define PAGES         8
#define COLUMNS_MAX   132
#define NO_EMULATION  0x01 // 40:87: the cursor's lines are those of the real characters
#define CURSOR_HIDDEN 0x20

static unsigned columns(struct bios *b)
{
    unsigned n = bda16(b, BDA_COLUMNS);
    return n < 1 ? 1 : n > COLUMNS_MAX ? COLUMNS_MAX : n;
}

static unsigned rows(struct bios *b)
{
    return bda8(b, BDA_ROWS) + 1u;
}

static bool is_text(const struct video_mode *m)
{
    return m && m->kind == VIDEO_TEXT;
}

// ---- cursor and pages

static void crtc_write16(struct bios *b, uint8_t index, uint16_t value)
{
    indexed_write(b, crtc_port(b), index, (uint8_t)(value >> 8));
    indexed_write(b, crtc_port(b), index + 1, (uint8_t)value);
}

void cursor_move(struct bios *b, unsigned page, unsigned row, unsigned column)
{
    page &= PAGES - 1;
    bda_set16(b, BDA_CURSOR + 2 * page, row << 8 | (column & 0xff));
    if (page == bda8(b, BDA_PAGE) && is_text(video_mode_now(b)))
        crtc_write16(b, VGA_CRTC_CURSOR_HIGH,
                     (uint16_t)(page * (bda16(b, BDA_PAGE_SIZE) / 2) + row * columns(b) + column));
}

// The lines of characters of 8 lines are stretched to those of the font, near the bottom as a CGA's cursor.
void cursor_shape(struct bios *b, uint8_t start, uint8_t end)
{
    unsigned height = bda16(b, BDA_CHAR_HEIGHT);
    bda_set16(b, BDA_CURSOR_SHAPE, (unsigned)start << 8 | end);
    start &= 0x3f;
    end &= 0x1f;
    bool emulate = !(bda8(b, BDA_VIDEO_CONTROL) & NO_EMULATION) && height > 8 && end < 8 && start < CURSOR_HIDDEN;
    if (emulate) {
        unsigned first = start, last = end;
        end = (uint8_t)((last + 1) * height / 8 - 1);
        start = (uint8_t)(last == first + 1 ? (last + 1) * height / 8 - 2 : (first + 1) * height / 8 - 1);
    }
    indexed_write(b, crtc_port(b), VGA_CRTC_CURSOR_START, start);
    indexed_write(b, crtc_port(b), VGA_CRTC_CURSOR_END, end);
}

void page_show(struct bios *b, unsigned page)
{
    if (page >= PAGES)
        return;
    uint16_t cursor = bda16(b, BDA_CURSOR + 2 * page), start = (uint16_t)(page * bda16(b, BDA_PAGE_SIZE));
    const struct video_mode *m = video_mode_now(b);
    bda_set16(b, BDA_PAGE_START, start);
    bda_set8(b, BDA_PAGE, page);
    crtc_write16(b, VGA_CRTC_START_HIGH, is_text(m) || (m && m->kind == VIDEO_CGA4) ? start / 2 : start);
    cursor_move(b, page, cursor >> 8, cursor & 0xff);
}

// ---- one character

static uint32_t text_address(struct bios *b, const struct video_mode *m, unsigned page, unsigned row, unsigned column)
{
    uint32_t offset = page * bda16(b, BDA_PAGE_SIZE) + (row * columns(b) + column) * 2;
    return ((uint32_t)m->segment << 4) + (offset & 0x7fff);
}

// `attribute` false: that of the cell stays.
static void character_put(struct bios *b, unsigned page, unsigned row, unsigned column, uint8_t character,
                          uint8_t colour, bool attribute)
{
    const struct video_mode *m = video_mode_now(b);
    if (!m)
        return;
    if (m->kind != VIDEO_TEXT)
        graphics_character(b, m, page, row, column, character, colour);
    else if (attribute)
        mem_put16(b, text_address(b, m, page, row, column), character | colour << 8);
    else
        mem_put8(b, text_address(b, m, page, row, column), character);
}

// AH=08h, 09h, 0Ah.
enum bios_result video_character(struct bios *b, struct bios_regs *r)
{
    const struct video_mode *m = video_mode_now(b);
    unsigned page = r->b.h & (PAGES - 1);
    uint16_t cursor = bda16(b, BDA_CURSOR + 2 * page);
    unsigned row = cursor >> 8, column = cursor & 0xff;
    if (r->a.h == 0x08) {
        if (is_text(m))
            r->a.x = mem_get16(b, text_address(b, m, page, row, column));
        else
            r->a.x = m ? graphics_read_character(b, m, page, row, column) : 0;
        return BIOS_DONE;
    }
    for (unsigned i = 0; i < r->c.x && row < rows(b); i++) {
        character_put(b, page, row, column, r->a.l, r->b.l, r->a.h == 0x09);
        if (++column == columns(b)) {
            column = 0;
            row++;
        }
    }
    return BIOS_DONE;
}

// ---- scrolling

static void line_copy(struct bios *b, const struct video_mode *m, unsigned page, unsigned from, unsigned to,
                      const struct char_box *box)
{
    uint8_t cells[COLUMNS_MAX * 2];
    unsigned bytes = (box->right - box->left + 1) * 2;
    mem_read(b, text_address(b, m, page, from, box->left), cells, bytes);
    mem_write(b, text_address(b, m, page, to, box->left), cells, bytes);
}

static void line_clear(struct bios *b, const struct video_mode *m, unsigned page, unsigned row,
                       const struct char_box *box, uint8_t attribute)
{
    uint8_t cells[COLUMNS_MAX * 2];
    unsigned n = box->right - box->left + 1;
    for (unsigned i = 0; i < n; i++) {
        cells[2 * i] = ' ';
        cells[2 * i + 1] = attribute;
    }
    mem_write(b, text_address(b, m, page, row, box->left), cells, n * 2);
}

void text_scroll(struct bios *b, unsigned page, struct char_box box, unsigned lines, bool down, uint8_t attribute)
{
    const struct video_mode *m = video_mode_now(b);
    if (!m)
        return;
    box.bottom = box.bottom < rows(b) ? box.bottom : rows(b) - 1;
    box.right = box.right < columns(b) ? box.right : columns(b) - 1;
    if (box.top > box.bottom || box.left > box.right)
        return;
    unsigned height = box.bottom - box.top + 1;
    lines = !lines || lines > height ? height : lines;
    if (m->kind != VIDEO_TEXT) {
        graphics_scroll(b, m, page, box, lines, down, attribute);
        return;
    }
    for (unsigned i = 0; i < height; i++) {
        unsigned to = down ? box.bottom - i : box.top + i;
        if (i + lines < height)
            line_copy(b, m, page, down ? to - lines : to + lines, to, &box);
        else
            line_clear(b, m, page, to, &box, attribute);
    }
}

// AH=06h, 07h.
enum bios_result video_scroll(struct bios *b, struct bios_regs *r)
{
    struct char_box box = {r->c.l, r->c.h, r->d.l, r->d.h};
    text_scroll(b, bda8(b, BDA_PAGE) & (PAGES - 1), box, r->a.l, r->a.h == 0x07, r->b.h);
    return BIOS_DONE;
}

// ---- teletype

static void position_put(struct bios *b, unsigned page, unsigned *row, unsigned *column, uint8_t character,
                         uint8_t colour, bool attribute)
{
    switch (character) {
    case 0x07: // a beep would have to wait
        return;
    case 0x08:
        *column -= *column > 0;
        return;
    case '\r':
        *column = 0;
        return;
    case '\n':
        (*row)++;
        break;
    default:
        character_put(b, page, *row, *column, character, colour, attribute);
        if (++*column >= columns(b)) {
            *column = 0;
            (*row)++;
        }
    }
    if (*row < rows(b))
        return;
    *row = rows(b) - 1;
    const struct video_mode *m = video_mode_now(b);
    uint8_t fill = is_text(m) ? mem_get8(b, text_address(b, m, page, *row, *column) + 1) : 0;
    struct char_box whole = {0, 0, columns(b) - 1, rows(b) - 1};
    text_scroll(b, page, whole, 1, false, fill);
}

void teletype(struct bios *b, uint8_t character, unsigned page, uint8_t colour)
{
    uint16_t cursor = bda16(b, BDA_CURSOR + 2 * page);
    unsigned row = cursor >> 8, column = cursor & 0xff;
    position_put(b, page, &row, &column, character, colour, false);
    cursor_move(b, page, row, column);
}

void screen_print(struct bios *b, const char *text)
{
    for (; *text; text++)
        teletype(b, (uint8_t)*text, bda8(b, BDA_PAGE) & (PAGES - 1), 0x07);
}

// AH=13h: a string at ES:BP; AL bit 0: the cursor follows, bit 1: each character has its attribute behind it.
enum bios_result video_string(struct bios *b, struct bios_regs *r)
{
    unsigned page = r->b.h & (PAGES - 1);
    uint16_t saved = bda16(b, BDA_CURSOR + 2 * page);
    unsigned row = r->d.h, column = r->d.l;
    uint32_t at = r->es_base + r->bp.x;
    if (r->d.h == 0xff) {
        row = saved >> 8;
        column = saved & 0xff;
    }
    for (unsigned i = 0; i < r->c.x; i++) {
        uint8_t character = mem_get8(b, at++), attribute = r->b.l;
        if (r->a.l & 2)
            attribute = mem_get8(b, at++);
        position_put(b, page, &row, &column, character, attribute, true);
    }
    if (r->a.l & 1)
        cursor_move(b, page, row, column);
    return BIOS_DONE;
}
