// SPDX-License-Identifier: MIT
#include "vmm-user/screen.h"
#include "lib/c/printf.h"
#include "lib/sys/root.h"
#include "lib/sys/screen_api.h"
#include "vmm-user/devices/vga_terminal.h"
#include "vmm-user/screen_pixels.h"

#define FRAMES_HZ           25
#define HURRY_HZ            500 // where pixels wait for room
#define ESC_FRAMES          3   // so many frames after it, ESC is a key of its own
#define CHUNK               1024
#define SCREEN_TEXT_COLUMNS 80 // that the display has
#define SCREEN_TEXT_ROWS    25
#define PIXELS_PAUSE        8 // times as long as a frame took

static struct {
    struct channel *channel;
    bool shown;                 // somebody looks
    struct screen_room room;    // for pixels
    uint64_t busy, next_pixels; // ticks that a frame of them took; when the next one is due
    bool begun;                 // and was sent something
    uint8_t record;             // a record's first byte, while its second one has not come; 0: none
    struct key_terminal keys;
    struct key_scan scan;
    unsigned quiet;         // frames since the last key
    unsigned width, height; // of the graphics mode that was told, 0: none
    struct vga_terminal terminal;
} screen;

void screen_attach(struct channel *channel)
{
    screen.channel = channel;
    screen.shown = false;
    screen.record = 0;
}

static void show(struct vm *vm, bool shown, uint8_t colors)
{
    struct typing *typing = &vm->machine.typing;
    typing_key(typing, key_terminal_end(&screen.keys));
    typing_release(typing);
    screen.shown = shown;
    screen.room.colors = colors;
    screen.begun = false;
    screen_pixels_reset();
    screen.width = screen.height = 0;
    screen.scan = (struct key_scan){0};
    vga_terminal_reset(&screen.terminal);
}

// What the keyboard has no room for is lost, as on a real one.
static void record_take(struct vm *vm, uint8_t what, uint8_t value)
{
    struct typing *typing = &vm->machine.typing;
    screen.quiet = 0;
    if (what == SCREEN_SHOW || what == SCREEN_HIDE)
        show(vm, what == SCREEN_SHOW, value);
    else if (what == SCREEN_KEY)
        typing_key(typing, key_terminal_byte(&screen.keys, value));
    else if (what == SCREEN_WIDTH)
        screen.room.width = value * 8u;
    else if (what == SCREEN_HEIGHT)
        screen.room.height = value * 8u;
    else if (what == SCREEN_SCAN)
        typing_key(typing, key_scan_byte(&screen.scan, value));
}

static void input_take(struct vm *vm)
{
    uint8_t bytes[64];
    uint32_t n, taken = 0;
    while ((n = channel_read(screen.channel, bytes, sizeof(bytes))))
        for (uint32_t i = 0; i < n; i++, taken++) {
            if (screen.record)
                record_take(vm, screen.record, bytes[i]);
            screen.record = screen.record ? 0 : bytes[i];
        }
    if (!taken && screen.quiet++ == ESC_FRAMES)
        typing_key(&vm->machine.typing, key_terminal_end(&screen.keys));
    if (vm->machine.typing.in != __atomic_load_n(&vm->machine.typing.out, __ATOMIC_ACQUIRE))
        vcpu_kick(&vm->vcpus[0], ATTENTION_WORK);
}

static bool text_visible(const struct vga *v, struct vga_mode mode)
{
    uint16_t cells[VGA_TERMINAL_COLUMNS];
    for (unsigned row = 0; row < mode.rows; row++)
        for (unsigned i = 0, n = vga_text_row(v, row, cells, VGA_TERMINAL_COLUMNS); i < n; i++)
            if ((cells[i] & 0xff) != ' ' && (cells[i] & 0xff) != 0)
                return true;
    return false;
}

// A terminal has no pixels: it says what there is to see.
static unsigned graphics_tell(struct vga_mode mode, char *out, unsigned room)
{
    if (mode.width == screen.width && mode.height == screen.height)
        return 0;
    screen.width = mode.width;
    screen.height = mode.height;
    vga_terminal_reset(&screen.terminal);
    return (unsigned)snprintf(out, room, "\033[0m\033[2J\033[H[%ux%u pixels: `vm screenshot %u` takes a picture]",
                              mode.width, mode.height, start_info()->vm_id);
}

// Does the display show the mode as text, 80x25 characters at most? More are pixels to it, if it has as many.
static bool shown_as_text(struct vga_mode mode)
{
    bool fits = mode.columns <= SCREEN_TEXT_COLUMNS && mode.rows <= SCREEN_TEXT_ROWS;
    return mode.kind == VGA_TEXT && (fits || mode.width > screen.room.width || mode.height > screen.room.height);
}

static void pixels_update(const struct vga *v, struct vga_mode mode)
{
    if (screen.room.colors == SCREEN_TERMINAL || mode.kind == VGA_BLANK)
        return;
    if (shown_as_text(mode))
        screen_pixels_end(screen.channel);
    else if (!screen_pixels_update(v, screen.channel, &screen.room))
        screen.room.colors = SCREEN_TERMINAL;
}

static unsigned update(const struct vga *v, struct vga_mode mode, char *out, unsigned room)
{
    if (mode.kind == VGA_BLANK || room < 2 * VGA_TERMINAL_ROOM)
        return 0;
    if (mode.kind != VGA_TEXT)
        return graphics_tell(mode, out, room);
    if (!screen.begun && !text_visible(v, mode))
        return 0;
    screen.width = screen.height = 0;
    return vga_terminal_update(&screen.terminal, v, out, room);
}

uint64_t screen_serve(struct vm *vm)
{
    struct channel *c = screen.channel;
    char bytes[CHUNK];
    if (!c)
        return 0;
    input_take(vm);
    if (!screen.shown)
        return 0;
    struct vga_mode mode = vga_mode(&vm->machine.vga);
    uint64_t start = host_tsc(), now;
    uint32_t n, space;
    if (start >= screen.next_pixels || screen_pixels_pending()) {
        pixels_update(&vm->machine.vga, mode);
        screen.busy += host_tsc() - start;
    }
    do {
        space = channel_space(c);
        n = update(&vm->machine.vga, mode, bytes, space < CHUNK ? space : CHUNK);
        channel_write(c, bytes, n);
        screen.begun |= n > 0;
    } while (n);
    now = host_tsc();
    if (screen_pixels_pending())
        return now + start_info()->tsc_hz / HURRY_HZ;
    if (screen.busy) { // pixels are work, which must not be felt
        screen.next_pixels = now + PIXELS_PAUSE * screen.busy;
        screen.busy = 0;
    }
    return now + start_info()->tsc_hz / FRAMES_HZ;
}
