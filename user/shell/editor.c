// SPDX-License-Identifier: MIT
#include "user/shell/editor.h"
#include "lib/c/printf.h"
#include "lib/c/string.h"

#define CTRL(c) ((c)&0x1f)
#define ESC     0x1b
#define DEL     0x7f

enum { GROUND, ESCAPE, CSI };

static void put(struct editor *e, const char *text)
{
    e->put(text, strlen(text));
}

static unsigned room(const struct editor *e)
{
    return EDITOR_WIDTH - strlen(e->prompt) - 1;
}

void editor_init(struct editor *e, const char *prompt, void (*out)(const char *text, unsigned n))
{
    *e = (struct editor){.prompt = prompt, .put = out};
}

void editor_start(struct editor *e)
{
    e->length = e->cursor = e->left = e->browse = 0;
    e->escape = GROUND;
    put(e, e->prompt);
}

// Keep the cursor in what is shown of a long line.
static bool scroll(struct editor *e)
{
    unsigned left = e->left;
    if (e->cursor < left)
        left = e->cursor > room(e) / 2 ? e->cursor - room(e) / 2 : 0;
    else if (e->cursor - left > room(e))
        left = e->cursor - room(e) / 2;
    if (left == e->left)
        return false;
    e->left = left;
    return true;
}

void editor_redraw(struct editor *e)
{
    char back[16];
    scroll(e);
    unsigned shown = e->length - e->left < room(e) ? e->length - e->left : room(e);
    put(e, "\r\033[K");
    put(e, e->prompt);
    e->put(e->line + e->left, shown);
    unsigned end = e->left + shown;
    if (end > e->cursor)
        e->put(back, snprintf(back, sizeof back, "\033[%uD", end - e->cursor));
}

// At the end of the line typing is an echo; elsewhere everything behind moves.
void editor_insert(struct editor *e, const char *text, unsigned n)
{
    bool at_end = e->cursor == e->length;
    if (n > EDITOR_LINE - 1 - e->length) {
        put(e, "\a");
        return;
    }
    memmove(e->line + e->cursor + n, e->line + e->cursor, e->length - e->cursor);
    memcpy(e->line + e->cursor, text, n);
    e->length += n;
    e->cursor += n;
    if (at_end && !scroll(e))
        e->put(text, n);
    else
        editor_redraw(e);
}

static void erase(struct editor *e, unsigned from, unsigned to)
{
    bool last = to == from + 1 && to == e->length && e->cursor == to && from >= e->left && from > 0;
    memmove(e->line + from, e->line + to, e->length - to);
    e->length -= to - from;
    e->cursor = from;
    if (last && !scroll(e))
        put(e, "\b \b");
    else
        editor_redraw(e);
}

static void kill(struct editor *e, unsigned from, unsigned to)
{
    memcpy(e->killed, e->line + from, to - from);
    e->killed[to - from] = 0;
    erase(e, from, to);
}

static void cursor_to(struct editor *e, unsigned at)
{
    if (at > e->length || at == e->cursor)
        return;
    e->cursor = at;
    editor_redraw(e);
}

static unsigned word_start(const struct editor *e)
{
    unsigned at = e->cursor;
    while (at && e->line[at - 1] == ' ')
        at--;
    while (at && e->line[at - 1] != ' ')
        at--;
    return at;
}

static unsigned word_end(const struct editor *e)
{
    unsigned at = e->cursor;
    while (at < e->length && e->line[at] == ' ')
        at++;
    while (at < e->length && e->line[at] != ' ')
        at++;
    return at;
}

// --- history
// ---------------------------------------------------------------------------------------------------------------

static char *history_at(struct editor *e, unsigned back)
{
    return e->history[(e->history_next + EDITOR_HISTORY - back) % EDITOR_HISTORY];
}

static void history_add(struct editor *e)
{
    if (!e->length || (e->history_count && !strcmp(history_at(e, 1), e->line)))
        return;
    memcpy(e->history[e->history_next], e->line, e->length + 1);
    e->history_next = (e->history_next + 1) % EDITOR_HISTORY;
    e->history_count += e->history_count < EDITOR_HISTORY;
}

static void history_show(struct editor *e, unsigned back)
{
    if (back > e->history_count || back == e->browse)
        return;
    e->line[e->length] = 0;
    if (!e->browse)
        memcpy(e->typed, e->line, e->length + 1);
    e->browse = back;
    const char *text = back ? history_at(e, back) : e->typed;
    e->length = e->cursor = strlen(text);
    e->left = 0;
    memcpy(e->line, text, e->length + 1);
    editor_redraw(e);
}

// --- keys
// ------------------------------------------------------------------------------------------------------------------

static enum edit_event enter(struct editor *e)
{
    e->line[e->length] = 0;
    if (e->left) { // of a long line all is left on the screen
        put(e, "\r\033[K");
        put(e, e->prompt);
        put(e, e->line);
    }
    put(e, "\r\n");
    history_add(e);
    return EDIT_DONE;
}

static enum edit_event cancel(struct editor *e)
{
    put(e, "^C\r\n");
    return EDIT_CANCEL;
}

static void csi_final(struct editor *e, uint8_t c)
{
    static const char tilde[] = {[1] = 'H', [3] = 'X', [4] = 'F', [7] = 'H', [8] = 'F'};
    if (c == '~')
        c = e->parameter < sizeof tilde ? tilde[e->parameter] : 0;
    switch (c) {
    case 'A':
        history_show(e, e->browse + 1);
        break;
    case 'B':
        if (e->browse)
            history_show(e, e->browse - 1);
        break;
    case 'C':
        cursor_to(e, e->cursor + 1);
        break;
    case 'D':
        if (e->cursor)
            cursor_to(e, e->cursor - 1);
        break;
    case 'H':
        cursor_to(e, 0);
        break;
    case 'F':
        cursor_to(e, e->length);
        break;
    case 'X': // Delete
        if (e->cursor < e->length)
            erase(e, e->cursor, e->cursor + 1);
        break;
    }
}

static void escape_key(struct editor *e, uint8_t c)
{
    if (e->escape == ESCAPE) {
        e->escape = c == '[' || c == 'O' ? CSI : GROUND;
        e->parameter = 0;
        if (c == 'b')
            cursor_to(e, word_start(e));
        else if (c == 'f')
            cursor_to(e, word_end(e));
        return;
    }
    if (c >= '0' && c <= '9') {
        e->parameter = e->parameter < 25 ? e->parameter * 10 + (c - '0') : 255;
    } else if (c >= 0x40 && c < DEL) {
        e->escape = GROUND;
        csi_final(e, c);
    } else if (c < ' ') {
        e->escape = GROUND;
    }
}

static enum edit_event control_key(struct editor *e, uint8_t c)
{
    switch (c) {
    case '\r':
    case '\n':
        return enter(e);
    case '\t':
        return EDIT_COMPLETE;
    case CTRL('c'):
        return cancel(e);
    case ESC:
        e->escape = ESCAPE;
        break;
    case '\b':
    case DEL:
        if (e->cursor)
            erase(e, e->cursor - 1, e->cursor);
        break;
    case CTRL('a'):
        cursor_to(e, 0);
        break;
    case CTRL('b'):
        if (e->cursor)
            cursor_to(e, e->cursor - 1);
        break;
    case CTRL('d'):
        if (e->cursor < e->length)
            erase(e, e->cursor, e->cursor + 1);
        break;
    case CTRL('e'):
        cursor_to(e, e->length);
        break;
    case CTRL('f'):
        cursor_to(e, e->cursor + 1);
        break;
    case CTRL('k'):
        kill(e, e->cursor, e->length);
        break;
    case CTRL('l'):
        put(e, "\033[H\033[2J");
        editor_redraw(e);
        break;
    case CTRL('n'):
        if (e->browse)
            history_show(e, e->browse - 1);
        break;
    case CTRL('p'):
        history_show(e, e->browse + 1);
        break;
    case CTRL('u'):
        kill(e, 0, e->cursor);
        break;
    case CTRL('w'):
        kill(e, word_start(e), e->cursor);
        break;
    case CTRL('y'):
        editor_insert(e, e->killed, strlen(e->killed));
        break;
    }
    return EDIT_MORE;
}

enum edit_event editor_key(struct editor *e, uint8_t byte)
{
    bool second_of_crlf = byte == '\n' && e->after_cr;
    e->after_cr = byte == '\r';
    if (second_of_crlf || byte > DEL)
        return EDIT_MORE;
    if (e->escape != GROUND) {
        escape_key(e, byte);
        return EDIT_MORE;
    }
    if (byte < ' ' || byte == DEL)
        return control_key(e, byte);
    editor_insert(e, (const char *)&byte, 1);
    return EDIT_MORE;
}
