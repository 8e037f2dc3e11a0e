// SPDX-License-Identifier: MIT
// sources: user/console/screen.c user/console/terminal.c user/console/control.c user/console/keyboard.c
// sources: user/console/pixels.c
#include "user/console/control.h"
#include "user/console/keyboard.h"
#include "user/console/pixels.h"
#include "user/console/terminal.h"
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct terminal t;
    static struct screen clipped;
    static struct pixels pixels;
    struct control control = {0};
    struct keyboard keyboard = {0};
    char keys[KEYBOARD_BYTES];
    uint8_t bytes[16];
    terminal_init(&t);
    screen_init(&clipped);
    clipped.clips = true;
    pixels_init(&pixels);
    for (size_t i = 0; i < size; i++) {
        uint32_t vm_id;
        enum control_view view;
        if (control_put(&control, data[i], &vm_id, &view) == CONTROL_GIVE_UP)
            control.length = 0;
        assert(control.length <= CONTROL_MAX);
        assert(keyboard_scan(&keyboard, data[i], keys) <= KEYBOARD_BYTES);
        terminal_print(&t, &data[i], 1);
        screen_put(&clipped, data[i]);
        if (pixels_take(&pixels, data[i]) == PIXELS_PART)
            assert(pixels.first < pixels.column && pixels.column <= pixels.width && pixels.row < pixels.height);
        assert(clipped.row < SCREEN_ROWS && clipped.column <= SCREEN_COLUMNS);
        if (data[i] == 'L')
            terminal_insert(&t, (const char *)data, size < 100 ? size : 100);
        terminal_draw(&t);
        assert(t.screen.row < SCREEN_ROWS && t.screen.column <= SCREEN_COLUMNS);
        assert(t.screen.top < t.screen.bottom && t.screen.bottom < SCREEN_ROWS);
        terminal_send(&t, bytes, data[i] % sizeof bytes);
    }
    return 0;
}
