// SPDX-License-Identifier: MIT
#include "user/console/view.h"
#include "lib/sys/root.h"
#include "lib/sys/screen_api.h"

// Whole records or nothing.
static bool send(struct view *v, enum screen_record what, uint8_t value)
{
    const uint8_t record[SCREEN_RECORD] = {what, value};
    if (!v->connected || channel_space(&v->channel) < SCREEN_RECORD)
        return false;
    channel_write(&v->channel, record, SCREEN_RECORD);
    return true;
}

void view_connect(struct view *v, const struct channel *channel)
{
    v->channel = *channel;
    v->connected = true;
    if (v->shown)
        view_show(v, true, v->display);
}

void view_close(struct view *v)
{
    if (v->connected)
        root_channel_close(&v->channel);
    v->connected = false;
}

bool view_open(const struct view *v)
{
    return v->connected && !channel_closed(&v->channel);
}

void view_show(struct view *v, bool shown, struct view_display *display)
{
    uint8_t left[64];
    while (v->connected && channel_poll(&v->channel, left, sizeof left)) // from the last time
        ;
    v->shown = shown;
    v->begun = false;
    screen_init(&v->screen);
    v->screen.clips = true;
    v->display = display;
    if (display) {
        pixels_init(&display->pixels);
        send(v, SCREEN_WIDTH, (uint8_t)(display->width / 8));
        send(v, SCREEN_HEIGHT, (uint8_t)(display->height / 8));
    }
    send(v, shown ? SCREEN_SHOW : SCREEN_HIDE, display ? display->colors : SCREEN_TERMINAL);
}

bool view_key(struct view *v, uint8_t key)
{
    return send(v, SCREEN_KEY, key);
}

bool view_scan(struct view *v, uint8_t code)
{
    return send(v, SCREEN_SCAN, code);
}

static bool is_text(struct view_display *d, uint8_t byte)
{
    enum pixels_result result = d ? pixels_take(&d->pixels, byte) : PIXELS_TEXT;
    if (result > PIXELS_MORE)
        d->draw(d, result);
    return result == PIXELS_TEXT;
}

// Text up to `room` bytes; pixels do not count.
uint32_t view_read(struct view *v, uint8_t *bytes, uint32_t room)
{
    uint32_t n = 0, got = 0;
    uint8_t chunk[512];
    while (n < room && v->connected) {
        uint32_t pixels = v->display ? v->display->pixels.left : 0, most = pixels > room - n ? pixels : room - n;
        if (!(got = channel_read(&v->channel, chunk, most < sizeof chunk ? most : sizeof chunk)))
            break;
        for (uint32_t i = 0; i < got; i++) {
            if (!is_text(v->display, chunk[i]))
                continue;
            screen_put(&v->screen, chunk[i]);
            bytes[n++] = chunk[i];
        }
    }
    return n;
}

bool view_pending(struct view *v)
{
    return v->connected && channel_readable(&v->channel);
}
