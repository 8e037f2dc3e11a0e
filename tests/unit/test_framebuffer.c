// SPDX-License-Identifier: MIT
// sources: user/console/framebuffer.c user/console/pixels.c user/console/screen.c user/console/font.asm
#include "user/console/framebuffer.h"
#include <stdlib.h>
#include <string.h>
#include "tests/unit/cmocka_all.h"

static struct framebuffer f;
static struct screen screen;
static uint8_t *memory;

static const uint8_t bgr8[6] = {16, 8, 8, 8, 0, 8}, rgb565[6] = {11, 5, 5, 6, 0, 5};

// Exactly as much memory as the mode has, so that the sanitizer sees what is beyond.
static void begin(uint32_t width, uint32_t height, uint32_t bpp, uint32_t slack, const uint8_t colors[6])
{
    struct start_framebuffer mode = {
        .width = width, .height = height, .bpp = bpp, .pitch = width * ((bpp + 7) / 8) + slack};
    memcpy(mode.colors, colors, 6);
    free(memory);
    memory = malloc((size_t)mode.pitch * (height - 1) + width * ((bpp + 7) / 8));
    memset(memory, 0xa5, (size_t)mode.pitch * (height - 1) + width * ((bpp + 7) / 8));
    assert_true(framebuffer_init(&f, memory, &mode));
    screen_init(&screen);
}

static void print(const char *text)
{
    while (*text)
        screen_put(&screen, (uint8_t)*text++);
}

static uint32_t pixel(uint32_t x, uint32_t y)
{
    uint32_t value = 0, bytes = (f.mode.bpp + 7) / 8;
    memcpy(&value, memory + (size_t)y * f.mode.pitch + x * bytes, bytes);
    return value;
}

// Is the character at a cell drawn, each of its pixels zoomed?
static bool shows(unsigned row, unsigned column, char c, uint32_t ink, uint32_t paper)
{
    for (uint32_t y = 0; y < FONT_HEIGHT * f.zoom; y++)
        for (uint32_t x = 0; x < FONT_WIDTH * f.zoom; x++) {
            bool set = console_font[(uint8_t)c][y / f.zoom] << x / f.zoom & 0x80;
            uint32_t at_x = f.left + column * FONT_WIDTH * f.zoom + x, at_y = f.top + row * FONT_HEIGHT * f.zoom + y;
            if (pixel(at_x, at_y) != (set ? ink : paper))
                return false;
        }
    return true;
}

static void text_and_border(void **state)
{
    (void)state;
    begin(800, 600, 32, 64, bgr8);
    print("Hello\033[31;44m!");
    framebuffer_show(&f, &screen, false);
    assert_int_equal(f.zoom, 1);
    assert_true(shows(0, 0, 'H', 0xaaaaaa, 0));
    assert_true(shows(0, 4, 'o', 0xaaaaaa, 0));
    assert_true(shows(0, 5, '!', 0xaa0000, 0x0000aa));
    assert_true(shows(24, 79, ' ', 0, 0));
    assert_int_equal(pixel(0, 0), 0);
    assert_int_equal(pixel(799, 599), 0);
    assert_int_equal(memory[800 * 4], 0xa5); // between the lines
}

static void depths_and_zoom(void **state)
{
    (void)state;
    begin(1920, 1080, 24, 0, bgr8);
    print("x");
    framebuffer_show(&f, &screen, false);
    assert_int_equal(f.zoom, 2);
    assert_true(shows(0, 0, 'x', 0xaaaaaa, 0));
    begin(640, 400, 16, 2, rgb565);
    print("\033[1;33my");
    framebuffer_show(&f, &screen, false);
    assert_true(shows(0, 0, 'y', 0xffea, 0));
}

static unsigned pixels_of(unsigned row, unsigned column, uint32_t color)
{
    unsigned n = 0;
    for (uint32_t y = 0; y < FONT_HEIGHT; y++)
        for (uint32_t x = 0; x < FONT_WIDTH; x++)
            n += pixel(f.left + column * FONT_WIDTH + x, f.top + row * FONT_HEIGHT + y) == color;
    return n;
}

static void cursor_moves(void **state)
{
    (void)state;
    begin(640, 400, 32, 0, bgr8);
    print("a");
    framebuffer_show(&f, &screen, false);
    assert_int_equal(pixels_of(0, 1, 0xaaaaaa), 2 * FONT_WIDTH);
    print("\033[10;10H");
    framebuffer_show(&f, &screen, false);
    assert_int_equal(pixels_of(0, 1, 0xaaaaaa), 0);
    assert_int_equal(pixels_of(9, 9, 0xaaaaaa), 2 * FONT_WIDTH);
    print("\033[?25l");
    framebuffer_show(&f, &screen, false);
    assert_int_equal(pixels_of(9, 9, 0xaaaaaa), 0);
}

static void scrolling_and_other_screens(void **state)
{
    static struct screen other;
    (void)state;
    begin(640, 400, 32, 0, bgr8);
    print("top");
    framebuffer_show(&f, &screen, false);
    print("\033[25;1H\nbottom");
    framebuffer_show(&f, &screen, false);
    assert_true(shows(0, 0, ' ', 0, 0));
    assert_true(shows(24, 0, 'b', 0xaaaaaa, 0));
    screen_init(&other);
    screen_put(&other, 'z');
    other.dirty = 0;
    framebuffer_show(&f, &other, true);
    assert_true(shows(0, 0, 'z', 0xaaaaaa, 0));
    assert_true(shows(24, 0, ' ', 0, 0));
}

static void what_cannot_be_drawn_on(void **state)
{
    struct start_framebuffer mode = {.width = 639, .height = 400, .bpp = 32, .pitch = 2556};
    (void)state;
    memcpy(mode.colors, bgr8, 6);
    assert_false(framebuffer_init(&f, memory, &mode));
    mode.width = 640, mode.pitch = 2560;
    assert_true(framebuffer_init(&f, memory, &mode));
    mode.bpp = 8;
    assert_false(framebuffer_init(&f, memory, &mode));
    mode.bpp = 32, mode.colors[0] = 25;
    assert_false(framebuffer_init(&f, memory, &mode));
}

static void pixels_and_text_again(void **state)
{
    static struct pixels p;
    (void)state;
    for (unsigned depth = 0; depth < 2; depth++) {
        begin(700, 450, depth ? 16 : 32, 12, depth ? rgb565 : bgr8);
        print("text");
        framebuffer_show(&f, &screen, false);
        pixels_init(&p);
        p.width = 320, p.height = 200;
        framebuffer_begin(&f, &p); // twice as large, in the middle
        p.line[0] = p.line[319] = 0x09ff8008;
        p.column = 1;
        framebuffer_part(&f, &p);
        p.row = 199, p.first = 319, p.column = 320;
        framebuffer_part(&f, &p);
        uint32_t color = depth ? 31 << 11 | 32 << 5 | 1 : 0xff8008;
        for (unsigned y = 0; y < 450; y++)
            for (unsigned x = 0; x < 700; x++) {
                bool first = x / 2 == 15 && (y - 25) / 2 == 0 && y >= 25,
                     last = x / 2 == 15 + 319 && y >= 25 && (y - 25) / 2 == 199;
                assert_int_equal(pixel(x, y), first || last ? color : 0);
            }
        framebuffer_show(&f, &screen, false);
        assert_true(shows(0, 0, 't', f.colors[7], 0));
        assert_int_equal(pixel(30, 25 + 398), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_border),
        cmocka_unit_test(depths_and_zoom),
        cmocka_unit_test(cursor_moves),
        cmocka_unit_test(scrolling_and_other_screens),
        cmocka_unit_test(what_cannot_be_drawn_on),
        cmocka_unit_test(pixels_and_text_again),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(memory);
    return failed;
}
