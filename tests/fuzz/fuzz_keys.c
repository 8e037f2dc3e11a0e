// SPDX-License-Identifier: MIT
// sources: vmm-user/keys.c vmm-user/devices/ps2_keyboard.c vmm-user/devices/ps2_mouse.c vmm-user/picture_code.c
// What is typed for a guest, by name, by a terminal, by a keyboard; and the code of pictures, whatever their pixels.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "vmm-user/keys.h"
#include "vmm-user/picture_code.h"

static void check(struct key key)
{
    uint8_t bytes[KEY_BYTES];
    assert(key_bytes(&key, bytes) <= KEY_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_terminal terminal = {0};
    struct key_scan scan = {0};
    char text[256];
    size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    memcpy(text, data, n);
    text[n] = 0;
    unsigned length;
    for (const char *at = text; *at; at += length) {
        check(key_of_text(at, &length));
        assert(length && length <= strlen(at));
    }
    for (size_t i = 0; i < size; i++) {
        check(key_terminal_byte(&terminal, data[i]));
        check(key_scan_byte(&scan, data[i]));
    }
    check(key_terminal_end(&terminal));
    struct picture_code code;
    uint8_t *out = malloc(PICTURE_CODE_PIXEL * (size / 3) + 1);
    picture_code_init(&code);
    assert(picture_encode(&code, data, (unsigned)(size / 3), out) <= PICTURE_CODE_PIXEL * (size / 3));
    free(out);
    return 0;
}
