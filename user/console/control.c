// SPDX-License-Identifier: MIT
#include "user/console/control.h"
#include "lib/c/string.h"

static const char prefix[] = "\033]mica;focus;";
static const char *const views[] = {[VIEW_AUTO] = "", [VIEW_SERIAL] = ";serial", [VIEW_SCREEN] = ";screen"};
#define PREFIX_LENGTH (sizeof prefix - 1)
#define BEL           '\a'
#define DIGITS        9
#define LENGTH_MAX    (PREFIX_LENGTH + DIGITS + sizeof ";serial")

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// What follows the prefix, without BEL.
static bool parse(const char *text, uint32_t *vm_id, enum control_view *view)
{
    unsigned digits = 0;
    *vm_id = 0;
    for (; is_digit(*text) && digits < DIGITS; text++, digits++)
        *vm_id = *vm_id * 10 + (uint32_t)(*text - '0');
    for (unsigned i = 0; digits && i < sizeof views / sizeof *views; i++)
        if (!strcmp(text, views[i])) {
            *view = i;
            return true;
        }
    return false;
}

enum control_result control_put(struct control *c, uint8_t byte, uint32_t *vm_id, enum control_view *view)
{
    if (!c->length && byte != (uint8_t)prefix[0])
        return CONTROL_PLAIN;
    uint8_t at = c->length++;
    c->bytes[at] = (char)byte;
    if (at < PREFIX_LENGTH)
        return byte == (uint8_t)prefix[at] ? CONTROL_TAKEN : CONTROL_GIVE_UP;
    if (is_digit((char)byte) && at < PREFIX_LENGTH + DIGITS)
        return CONTROL_TAKEN;
    if ((byte == ';' || (byte >= 'a' && byte <= 'z')) && at < LENGTH_MAX)
        return CONTROL_TAKEN;
    if (byte != BEL)
        return CONTROL_GIVE_UP;
    c->bytes[at] = 0;
    bool good = parse(c->bytes + PREFIX_LENGTH, vm_id, view);
    c->bytes[at] = BEL;
    if (!good)
        return CONTROL_GIVE_UP;
    c->length = 0;
    return CONTROL_FOCUS;
}
