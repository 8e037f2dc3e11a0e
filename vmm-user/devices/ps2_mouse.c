// SPDX-License-Identifier: MIT
#include "pc/i8042.h"
#include "vmm-user/devices/ps2.h"

#define MAX_PENDING     4096 // counts of movement kept for later
#define PACKET_SIGN_X   0x10
#define PACKET_SIGN_Y   0x20
#define PACKET_ALWAYS_1 0x08

static void mouse_defaults(struct ps2_mouse *m)
{
    m->rate = 100;
    m->resolution = 2;
    m->reporting = m->remote = m->wrap = m->scale2 = false;
    m->dx = m->dy = m->dz = 0;
}

void ps2_mouse_reset(struct ps2_mouse *m)
{
    *m = (struct ps2_mouse){0};
    mouse_defaults(m);
}

static int clamp(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

static unsigned packet_size(const struct ps2_mouse *m)
{
    return m->id ? 4 : 3;
}

static void mouse_packet(struct ps2_mouse *m)
{
    int dx = clamp(m->dx, -256, 255), dy = clamp(m->dy, -256, 255), dz = clamp(m->dz, -8, 7);
    ps2_queue_put(&m->out,
                  PACKET_ALWAYS_1 | (m->buttons & 7) | (dx < 0 ? PACKET_SIGN_X : 0) | (dy < 0 ? PACKET_SIGN_Y : 0));
    ps2_queue_put(&m->out, (uint8_t)dx);
    ps2_queue_put(&m->out, (uint8_t)dy);
    if (m->id == 3)
        ps2_queue_put(&m->out, (uint8_t)dz);
    else if (m->id == 4)
        ps2_queue_put(&m->out, (uint8_t)((dz & 15) | (m->buttons & 0x18) << 1));
    m->dx -= dx;
    m->dy -= dy;
    m->dz = m->id ? m->dz - dz : 0;
    m->sent_buttons = m->buttons;
}

void ps2_mouse_flush(struct ps2_mouse *m)
{
    if (!m->reporting || m->remote || m->wrap)
        return;
    while ((m->dx || m->dy || m->dz || m->buttons != m->sent_buttons) &&
           ps2_queue_room(&m->out) >= packet_size(m) + 4) // answers to commands need some room too
        mouse_packet(m);
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, unsigned buttons)
{
    m->dx = clamp(clamp(m->dx, -MAX_PENDING, MAX_PENDING) + clamp(dx, -MAX_PENDING, MAX_PENDING), -MAX_PENDING,
                  MAX_PENDING);
    m->dy = clamp(clamp(m->dy, -MAX_PENDING, MAX_PENDING) + clamp(dy, -MAX_PENDING, MAX_PENDING), -MAX_PENDING,
                  MAX_PENDING);
    m->dz = clamp(clamp(m->dz, -127, 127) + clamp(dz, -127, 127), -127, 127);
    m->buttons = buttons & 0x1f;
    ps2_mouse_flush(m);
}

static void command_reset(struct ps2_mouse *m)
{
    ps2_mouse_reset(m);
    ps2_queue_put(&m->out, PS2_ACK);
    ps2_queue_put(&m->out, PS2_BAT_OK);
    ps2_queue_put(&m->out, m->id);
}

static void command_identify(struct ps2_mouse *m)
{
    ps2_queue_put(&m->out, PS2_ACK);
    ps2_queue_put(&m->out, m->id);
}

static void command_status(struct ps2_mouse *m)
{
    uint8_t b = m->buttons;
    uint8_t buttons = (b & 1 ? 4 : 0) | (b & 4 ? 2 : 0) | (b & 2 ? 1 : 0); // left, middle, right: not as in packets
    ps2_queue_put(&m->out, PS2_ACK);
    ps2_queue_put(&m->out, (m->remote ? 0x40 : 0) | (m->reporting ? 0x20 : 0) | (m->scale2 ? 0x10 : 0) | buttons);
    ps2_queue_put(&m->out, m->resolution);
    ps2_queue_put(&m->out, m->rate);
}

static void command_read(struct ps2_mouse *m)
{
    ps2_queue_put(&m->out, PS2_ACK);
    mouse_packet(m);
}

static void command_scale_1(struct ps2_mouse *m)
{
    m->scale2 = false;
    ps2_queue_put(&m->out, PS2_ACK);
}

static void command_scale_2(struct ps2_mouse *m)
{
    m->scale2 = true;
    ps2_queue_put(&m->out, PS2_ACK);
}

static void command_stream(struct ps2_mouse *m)
{
    m->remote = false;
    ps2_queue_put(&m->out, PS2_ACK);
}

static void command_remote(struct ps2_mouse *m)
{
    m->remote = true;
    ps2_queue_put(&m->out, PS2_ACK);
}

static void command_wrap(struct ps2_mouse *m)
{
    m->wrap = true;
    ps2_queue_put(&m->out, PS2_ACK);
}

static void command_wrap_off(struct ps2_mouse *m)
{
    m->wrap = false;
    ps2_queue_put(&m->out, PS2_ACK);
}

static void command_enable(struct ps2_mouse *m)
{
    m->reporting = true;
    m->dx = m->dy = m->dz = 0;
    ps2_queue_put(&m->out, PS2_ACK);
}

static void command_disable(struct ps2_mouse *m)
{
    m->reporting = false;
    ps2_queue_put(&m->out, PS2_ACK);
}

static void command_defaults(struct ps2_mouse *m)
{
    mouse_defaults(m);
    ps2_queue_put(&m->out, PS2_ACK);
}

static void (*const commands[256])(struct ps2_mouse *) = {
    [PS2_SCALE_1] = command_scale_1, [PS2_SCALE_2] = command_scale_2, [PS2_STATUS] = command_status,
    [PS2_STREAM] = command_stream,   [PS2_READ_DATA] = command_read,  [PS2_WRAP_OFF] = command_wrap_off,
    [PS2_WRAP] = command_wrap,       [PS2_REMOTE] = command_remote,   [PS2_IDENTIFY] = command_identify,
    [PS2_ENABLE] = command_enable,   [PS2_DISABLE] = command_disable, [PS2_DEFAULTS] = command_defaults,
    [PS2_RESET] = command_reset,
};

// The rates 200, 100, 80 make a wheel mouse of it, 200, 200, 80 one with five buttons.
static void mouse_set_rate(struct ps2_mouse *m, uint8_t rate)
{
    m->rate = rate;
    m->rates[0] = m->rates[1];
    m->rates[1] = m->rates[2];
    m->rates[2] = rate;
    if (m->rates[0] != 200 || m->rates[2] != 80)
        return;
    if (m->rates[1] == 100)
        m->id = 3;
    else if (m->rates[1] == 200)
        m->id = 4;
}

static void mouse_argument(struct ps2_mouse *m, uint8_t byte)
{
    if (m->command == PS2_SET_RATE)
        mouse_set_rate(m, byte);
    else
        m->resolution = byte & 3;
    m->command = 0;
    ps2_queue_put(&m->out, PS2_ACK);
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t byte)
{
    if (m->command) {
        mouse_argument(m, byte);
    } else if (m->wrap && byte != PS2_RESET && byte != PS2_WRAP_OFF) {
        ps2_queue_put(&m->out, byte);
    } else if (byte == PS2_SET_RATE || byte == PS2_SET_RESOLUTION) {
        m->command = byte;
        ps2_queue_put(&m->out, PS2_ACK);
    } else {
        if (!m->wrap)
            m->out.count = 0; // a command drops what was to be sent
        if (commands[byte])
            commands[byte](m);
        else
            ps2_queue_put(&m->out, PS2_RESEND);
    }
}
