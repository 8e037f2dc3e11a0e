// SPDX-License-Identifier: GPL-2.0-only
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
        view_show(v, true);
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

void view_show(struct view *v, bool shown)
{
    uint8_t left[64];
    while (v->connected && channel_poll(&v->channel, left, sizeof left)) // from the last time
        ;
    v->shown = shown;
    v->begun = false;
    screen_init(&v->screen);
    v->screen.clips = true;
    send(v, shown ? SCREEN_SHOW : SCREEN_HIDE, 0);
}

bool view_key(struct view *v, uint8_t key)
{
    return send(v, SCREEN_KEY, key);
}

bool view_scan(struct view *v, uint8_t code)
{
    return send(v, SCREEN_SCAN, code);
}

uint32_t view_read(struct view *v, uint8_t *bytes, uint32_t room)
{
    uint32_t n = v->connected ? channel_read(&v->channel, bytes, room) : 0;
    for (uint32_t i = 0; i < n; i++)
        screen_put(&v->screen, bytes[i]);
    return n;
}

bool view_pending(struct view *v)
{
    return v->connected && channel_readable(&v->channel);
}
