// SPDX-License-Identifier: MIT
#include "user/root/log.h"
#include "lib/c/printf.h"
#include "lib/c/string.h"

#define LINE_MAX 512

void log_write(struct log *l, const char *text, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        l->bytes[(l->head + i) % LOG_SIZE] = text[i];
    l->head += n;
}

void log_take_kernel(struct log *l)
{
    const struct klog *k = l->kernel;
    if (!k)
        return;
    uint64_t head = __atomic_load_n(&k->head, __ATOMIC_ACQUIRE), size = k->size;
    if (!size || size > l->kernel_limit)
        return;
    if (head - l->kernel_read > size) // it went round since we looked
        l->kernel_read = head - size;
    for (; l->kernel_read < head; l->kernel_read++)
        log_write(l, &k->bytes[l->kernel_read % size], 1);
}

void log_shown(struct log *l, uint64_t position)
{
    if (position > l->unseen && position <= l->head)
        l->unseen = position;
}

static char printable(char c)
{
    if ((unsigned char)c < ' ' || c == 0x7f)
        return '?';
    return c;
}

void log_line(struct log *l, uint64_t us, const char *name, const char *text)
{
    char line[LINE_MAX];
    log_take_kernel(l);
    int n = snprintf(line, sizeof line - 1, "[%3lu.%06lu] %s%s%s", us / 1000000, us % 1000000, name ? name : "",
                     name ? ": " : "", text);
    if (n > LINE_MAX - 2)
        n = LINE_MAX - 2;
    for (int i = 0; i < n; i++)
        line[i] = printable(line[i]);
    line[n++] = '\n';
    log_write(l, line, n);
}

uint64_t log_read(const struct log *l, uint64_t *position, char *to, uint64_t max)
{
    uint64_t oldest = l->head > LOG_SIZE ? l->head - LOG_SIZE : 0, n = 0;
    if (*position == UINT64_MAX)
        *position = l->unseen;
    if (*position > l->head)
        *position = l->head;
    if (*position < oldest) // begin with a whole line
        for (*position = oldest; *position < l->head && l->bytes[(*position)++ % LOG_SIZE] != '\n';)
            ;
    for (; n < max && *position < l->head; n++)
        to[n] = l->bytes[(*position)++ % LOG_SIZE];
    return n;
}
