// SPDX-License-Identifier: MIT
#include "user/console/terminal.h"
#include "lib/c/string.h"

#define ERASE_LINE "\r\033[K"

void terminal_init(struct terminal *t)
{
    memset(t, 0, sizeof *t);
    screen_init(&t->screen);
}

static void put(struct terminal *t, uint8_t c)
{
    t->bytes[t->head++ % SCROLLBACK] = c;
    if (c == '\r' || c == '\n')
        t->line_length = 0;
    else if (t->line_length < TERMINAL_LINE)
        t->line[t->line_length++] = (char)c;
}

void terminal_print(struct terminal *t, const void *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        put(t, ((const uint8_t *)bytes)[i]);
}

void terminal_insert(struct terminal *t, const char *text, uint32_t n)
{
    char line[TERMINAL_LINE];
    uint32_t length = t->line_length;
    if (!n)
        return;
    memcpy(line, t->line, length);
    if (length)
        terminal_print(t, ERASE_LINE, sizeof ERASE_LINE - 1);
    for (uint32_t i = 0; i < n; i++) {
        if (text[i] == '\n')
            put(t, '\r');
        put(t, text[i]);
    }
    if (text[n - 1] != '\n')
        terminal_print(t, "\r\n", 2);
    terminal_print(t, line, length);
}

static uint64_t oldest(const struct terminal *t)
{
    return t->head > SCROLLBACK ? t->head - SCROLLBACK : 0;
}

void terminal_draw(struct terminal *t)
{
    if (t->drawn < oldest(t))
        t->drawn = oldest(t);
    while (t->drawn < t->head)
        screen_put(&t->screen, t->bytes[t->drawn++ % SCROLLBACK]);
}

uint32_t terminal_send(struct terminal *t, uint8_t *to, uint32_t max)
{
    uint32_t n = 0;
    if (t->sent < oldest(t))
        t->sent = oldest(t);
    while (n < max && t->sent < t->head)
        to[n++] = t->bytes[t->sent++ % SCROLLBACK];
    return n;
}

bool terminal_lagging(const struct terminal *t)
{
    return t->head - t->sent > SCROLLBACK - 2 * REPLAY;
}

void terminal_skip(struct terminal *t, uint32_t keep)
{
    uint64_t start = t->head > keep ? t->head - keep : 0, at = start;
    if (start) // with a whole line, if there is one
        while (at < t->head && t->bytes[at++ % SCROLLBACK] != '\n')
            ;
    t->sent = at < t->head ? at : start;
}

bool terminal_type(struct terminal *t, uint8_t key)
{
    if (t->keys_head - t->keys_tail == TERMINAL_KEYS)
        return false;
    t->keys[t->keys_head++ % TERMINAL_KEYS] = key;
    return true;
}
