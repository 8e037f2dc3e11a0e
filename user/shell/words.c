// SPDX-License-Identifier: MIT
#include "user/shell/words.h"
#include <stddef.h>

static const char *word_copy(struct words *w, const char *from, char **to, const char **wrong)
{
    char quote = 0;
    const char *end = w->text + sizeof w->text - 1;
    for (; *from && (quote || (*from != ' ' && *from != '\t')); from++) {
        if (quote && *from == quote) {
            quote = 0;
            continue;
        }
        if (!quote && (*from == '"' || *from == '\'')) {
            quote = *from;
            continue;
        }
        if (*from == '\\' && quote != '\'' && from[1])
            from++;
        if (*to >= end) {
            *wrong = "the line is too long";
            return from;
        }
        *(*to)++ = *from;
    }
    if (quote)
        *wrong = "a quote is not closed";
    return from;
}

const char *words_split(struct words *w, const char *line)
{
    char *to = w->text;
    const char *wrong = NULL;
    w->count = 0;
    w->word[0] = NULL;
    while (!wrong) {
        while (*line == ' ' || *line == '\t')
            line++;
        if (!*line)
            break;
        if (w->count == WORDS_MAX)
            return "too many words";
        if (to >= w->text + sizeof w->text - 1)
            return "the line is too long";
        w->rest[w->count] = line;
        w->word[w->count++] = to;
        line = word_copy(w, line, &to, &wrong);
        if (to < w->text + sizeof w->text)
            *to++ = 0;
        w->word[w->count] = NULL;
    }
    return wrong;
}
