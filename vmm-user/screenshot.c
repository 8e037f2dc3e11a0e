// SPDX-License-Identifier: MIT
#include "vmm-user/screenshot.h"
#include "lib/c/string.h"
#include "lib/sys/root.h"
#include "vmm-user/layout.h"
#include "vmm-user/pack.h"
#include "vmm-user/picture_code.h"

#define PIECE (SCREENSHOT_LINE / 4 * 3) // bytes
#define ROW   (PICTURE_CODE_PIXEL * SCREENSHOT_WIDTH)

// Not there before the first picture, and then kept.
static struct snapshot {
    struct vga vga;
    struct vga_picture picture;
    struct picture_code code;
    struct pack pack;
    unsigned row;        // the next one to be encoded
    unsigned used, sent; // bytes in `bytes`
    uint8_t rgb[3 * SCREENSHOT_WIDTH];
    uint8_t coded[ROW];
    uint8_t bytes[PACK_ROOM(ROW) + PIECE];
} * snapshot;
_Static_assert(ROW <= PACK_MOST, "a row is packed at once");

static bool snapshot_alloc(void)
{
    if (!snapshot &&
        root_mem_alloc((void *)VA_SNAPSHOT, (sizeof(*snapshot) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1), 0, NULL) == ROOT_OK)
        snapshot = (struct snapshot *)VA_SNAPSHOT;
    return snapshot != NULL;
}

const char *screenshot_begin(const struct vm *vm, unsigned *width, unsigned *height)
{
    if (!snapshot_alloc())
        return "no memory for a picture";
    struct snapshot *s = snapshot;
    memcpy(&s->vga, &vm->machine.vga, sizeof(s->vga));
    vga_picture_begin(&s->picture, &s->vga);
    picture_code_init(&s->code);
    pack_init(&s->pack);
    s->row = s->used = s->sent = 0;
    *width = s->picture.mode.width;
    *height = s->picture.mode.height;
    bool off = s->picture.mode.kind == VGA_BLANK || !*width || !*height;
    if (!off && *width <= SCREENSHOT_WIDTH)
        return NULL;
    s->picture.mode.height = 0;
    return off ? "its screen is off" : "its screen is too wide for a picture";
}

// Rows until there is enough for a piece.
static void encode(struct snapshot *s)
{
    memmove(s->bytes, s->bytes + s->sent, s->used - s->sent);
    s->used -= s->sent;
    s->sent = 0;
    while (s->used < PIECE && s->row < s->picture.mode.height) {
        vga_picture_row(&s->picture, s->row++, s->rgb);
        unsigned n = picture_encode(&s->code, s->rgb, s->picture.mode.width, s->coded);
        s->used += pack_bytes(&s->pack, s->coded, n, s->bytes + s->used);
    }
}

bool screenshot_piece(char line[SCREENSHOT_LINE + 1])
{
    struct snapshot *s = snapshot;
    if (!s)
        return false;
    if (s->used - s->sent < PIECE)
        encode(s);
    unsigned n = s->used - s->sent < PIECE ? s->used - s->sent : PIECE;
    base64_encode(s->bytes + s->sent, n, line);
    s->sent += n;
    return n != 0;
}
