// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/vga.c vmm-user/devices/vga_memory.c vmm-user/devices/vga_dispi.c
// sources: vmm-user/devices/vga_render_text.c vmm-user/devices/vga_picture.c vmm-user/devices/vga_terminal.c
// sources: vmm-user/devices/pci_host.c vmm-user/devices/reset_port.c
//
// Random ports, memory accesses single and in bulk, and looks at the screen as text, terminal and picture. What one
// byte at a time does must be what the bulk entries do.
#include <stdlib.h>
#include "tests/unit/vga_modes.h"
#include "vmm-user/devices/vga_terminal.h"

static struct fake f;
static struct vga v;
static struct vga_terminal terminal;
static uint8_t window[VGA_MEMORY_SIZE], framebuffer[1 << 20], bulk[8192], state[2000000];
static uint8_t picture[DISPI_MAX_XRES * 3];

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

struct input {
    const uint8_t *at, *end;
};

static uint64_t take(struct input *in, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && in->at < in->end; i++)
        value |= (uint64_t)*in->at++ << 8 * i;
    return value;
}

static void port(struct input *in)
{
    const struct io_range *r = &v.dev.ranges[take(in, 1) % 6];
    uint64_t at = r->base + take(in, 1) % r->size;
    uint8_t how = (uint8_t)take(in, 1);
    unsigned size = 1u << (how >> 1) % 3;
    if (how & 1)
        v.dev.ops->write(&v.dev, IO_PORT, at, size, take(in, size));
    else
        v.dev.ops->read(&v.dev, IO_PORT, at, size);
}

static void mode(struct input *in)
{
    static const struct vga_registers *const modes[] = {&mode_03, &mode_04, &mode_06, &mode_12, &mode_13};
    static const uint16_t sizes[][2] = {{640, 480}, {800, 600}, {320, 200}, {1024, 768}};
    uint8_t which = (uint8_t)take(in, 1);
    if (which < 200) {
        vga_set_mode(&v, modes[which % 5]);
        return;
    }
    const uint16_t values[] = {sizes[which & 3][0], sizes[which & 3][1], (uint16_t)take(in, 1) % 33};
    out16(&v, 0x1ce, 4), out16(&v, 0x1cf, 0);
    for (unsigned i = 0; i < 3; i++)
        out16(&v, 0x1ce, (uint16_t)(i + 1)), out16(&v, 0x1cf, values[i]);
    out16(&v, 0x1ce, 4), out16(&v, 0x1cf, 0x41);
}

static uint64_t address(struct input *in)
{
    uint64_t at = take(in, 3);
    return at & 0x800000 ? VGA_MEMORY_BASE - 64 + at % 0x20080 : VGA_MEMORY_BASE + (at & 0x1ffff);
}

static void access_one(struct input *in)
{
    uint64_t at = address(in);
    unsigned size = 1u << take(in, 1) % 4;
    if (take(in, 1) & 1)
        vga_write(&v, at, size, take(in, size));
    else
        vga_read(&v, at, size);
}

// A bulk access against the same in single ones, from the same state.
static void access_many(struct input *in)
{
    static uint32_t planes[VGA_PLANE_SIZE];
    uint64_t at = address(in), from = address(in), value = take(in, 4);
    unsigned size = 1u << take(in, 1) % 3, count = (unsigned)(take(in, 2) % (sizeof(bulk) / 4)), how = take(in, 1) & 3;
    uint32_t latch = v.latch;
    bool planar = v.plan.path >= VGA_PATH_CHAIN4;
    memset(bulk, (int)value, sizeof(bulk));
    memcpy(planes, v.planes, planar ? sizeof(planes) : 0);
    if (how == 0)
        vga_fill(&v, at, size, count, value);
    else if (how == 1)
        vga_put(&v, at, size, count, bulk);
    else if (how == 2)
        vga_get(&v, at, size, count, bulk);
    else
        vga_copy(&v, at, from, size, count);
    if (!planar || how == 2)
        return;
    static uint32_t after[VGA_PLANE_SIZE];
    memcpy(after, v.planes, sizeof(after));
    memcpy(v.planes, planes, sizeof(planes));
    v.latch = latch;
    uint64_t element = 0;
    memcpy(&element, bulk, size);
    for (unsigned i = 0; i < count; i++)
        vga_write(&v, at + (uint64_t)i * size, size,
                  how == 3 ? vga_read(&v, from + (uint64_t)i * size, size)
                  : how    ? element
                           : value);
    CHECK(!memcmp(after, v.planes, sizeof(after)));
}

static void look(struct input *in)
{
    struct vga_picture p;
    unsigned row, column;
    uint16_t cells[300];
    char text[512];
    vga_picture_begin(&p, &v);
    CHECK(p.mode.width <= DISPI_MAX_XRES);
    for (unsigned i = 0; i < 3; i++)
        vga_picture_row(&p, p.mode.height ? (unsigned)take(in, 2) % p.mode.height : 0, picture);
    if (vga_text_cursor(&v, &row, &column))
        CHECK(row < p.mode.rows && column < p.mode.columns);
    CHECK(vga_text_row(&v, (unsigned)take(in, 1), cells, 300) <= 256);
    CHECK(vga_terminal_update(&terminal, &v, text, sizeof(text)) <= sizeof(text));
    CHECK(vga_terminal_line(&v, row = (unsigned)take(in, 1), text, sizeof(text)) < sizeof(text));
}

static void save_load(struct input *in)
{
    struct state s = {.at = state, .end = state + sizeof(state)};
    device_save(&v.dev, &s);
    CHECK(!s.error);
    size_t size = (size_t)(s.at - state);
    unsigned damage = take(in, 1) % 8;
    for (unsigned i = 0; i < damage; i++)
        state[take(in, 2) % 2000 % size] = (uint8_t)take(in, 1);
    struct state l = {.at = state, .end = state + size};
    device_load(&v.dev, &l);
    CHECK(damage || (!l.error && l.at == l.end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    struct vga_host host = {window, framebuffer, sizeof(framebuffer), NULL, NULL, NULL, NULL};
    fake_init(&f);
    vga_init(&v, &f.clock, &host);
    vga_terminal_reset(&terminal);
    for (unsigned heavy = 0; in.at < in.end && heavy < 24;) {
        uint8_t what = (uint8_t)take(&in, 1);
        f.now += what * FAKE_US;
        if (what < 120)
            port(&in);
        else if (what < 190)
            access_one(&in);
        else if (what < 215)
            mode(&in);
        else if (what < 235)
            access_many(&in), heavy++;
        else if (what < 252)
            look(&in), heavy++;
        else
            save_load(&in), heavy += 8;
    }
    return 0;
}
