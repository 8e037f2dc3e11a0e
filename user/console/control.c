// SPDX-License-Identifier: GPL-2.0-only
#include "user/console/control.h"
#include "lib/c/string.h"

static const char prefix[] = "\033]mica;focus;";
#define PREFIX_LENGTH (sizeof prefix - 1)
#define BEL           '\a'
#define DIGITS        9

enum control_result control_put(struct control *c, uint8_t byte, uint32_t *vm_id)
{
    if (!c->length && byte != (uint8_t)prefix[0])
        return CONTROL_PLAIN;
    uint8_t at = c->length++;
    c->bytes[at] = (char)byte;
    if (at < PREFIX_LENGTH)
        return byte == (uint8_t)prefix[at] ? CONTROL_TAKEN : CONTROL_GIVE_UP;
    if (byte >= '0' && byte <= '9' && at < PREFIX_LENGTH + DIGITS)
        return CONTROL_TAKEN;
    if (byte != BEL || at == PREFIX_LENGTH)
        return CONTROL_GIVE_UP;
    *vm_id = 0;
    for (unsigned i = PREFIX_LENGTH; i < at; i++)
        *vm_id = *vm_id * 10 + (uint32_t)(c->bytes[i] - '0');
    c->length = 0;
    return CONTROL_FOCUS;
}
