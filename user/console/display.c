// SPDX-License-Identifier: MIT
// The machine's own screen: VGA text and, for a VM's pixels, VGA graphics; or the framebuffer that the boot loader
// left.
#include "lib/sys/root.h"
#include "lib/sys/screen_api.h"
#include "user/console/console.h"
#include "user/console/vga.h"
#include "user/console/vga_graphics.h"

#define DISPI_WIDTH  1920 // as much as people's screens have, if the card's memory has it
#define DISPI_HEIGHT 1200
#define MOST         2040 // that SCREEN_WIDTH can tell

static void pixels_draw(struct view_display *d, enum pixels_result what)
{
    struct pixels *p = &d->pixels;
    if (p->width > d->width || p->height > d->height)
        return;
    if (what == PIXELS_BEGIN)
        console.has_vga ? vga_graphics_begin(p) : framebuffer_begin(&console.framebuffer, p);
    else if (what == PIXELS_PART)
        console.has_vga ? vga_graphics_part(p) : framebuffer_part(&console.framebuffer, p);
    else
        console.redraw = true;
}

void display_init(void)
{
    const struct start_info *info = start_info();
    struct view_display *d = &console.display;
    uint32_t lines = info->dispi_bytes / (4 * DISPI_WIDTH);
    console.has_vga = info->flags & START_HAS_VGA;
    console.has_framebuffer = info->flags & START_HAS_FRAMEBUFFER &&
                              framebuffer_init(&console.framebuffer, (void *)START_FRAMEBUFFER, &info->framebuffer);
    *d = (struct view_display){.width = 320, .height = 200, .draw = pixels_draw};
    if (console.has_vga)
        d->colors = info->dispi_bytes ? SCREEN_ALL_COLORS : SCREEN_256_COLORS;
    else if (console.has_framebuffer)
        d->colors = SCREEN_ALL_COLORS;
    if (console.has_framebuffer) {
        d->width = (info->framebuffer.width < MOST ? info->framebuffer.width : MOST) & ~7u;
        d->height = (info->framebuffer.height < MOST ? info->framebuffer.height : MOST) & ~7u;
    } else if (info->dispi_bytes) {
        d->width = DISPI_WIDTH;
        d->height = (lines < DISPI_HEIGHT ? lines : DISPI_HEIGHT) & ~7u;
    }
}

void display_draw(void)
{
    struct terminal *t = focused()->terminal;
    struct screen *shown = console.shown ? &console.shown->screen : &t->screen;
    if (!console.has_vga && !console.has_framebuffer)
        return;
    terminal_draw(t);
    if (console.shown && console.display.pixels.on)
        return;
    if (console.has_vga) {
        console.redraw |= vga_graphics_end();
        vga_show(shown, console.redraw);
    } else {
        framebuffer_show(&console.framebuffer, shown, console.redraw);
    }
    console.redraw = false;
}
