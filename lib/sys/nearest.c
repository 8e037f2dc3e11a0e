// SPDX-License-Identifier: MIT
#include "lib/sys/nearest.h"
#include <stddef.h>
#include "lib/c/string.h"

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

// Edits: a character too many, too few, another one, two neighbours swapped.
static unsigned distance(const char *a, unsigned rows, const char *b, unsigned columns)
{
    unsigned line[3][NEAREST_WORD + 1]; // the last three rows of the table
    for (unsigned j = 0; j <= columns; j++)
        line[0][j] = j;
    for (unsigned i = 1; i <= rows; i++) {
        unsigned *now = line[i % 3], *before = line[(i + 2) % 3], *earlier = line[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= columns; j++) {
            now[j] = least(before[j - 1] + (a[i - 1] != b[j - 1]), least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], earlier[j - 2] + 1);
        }
    }
    return line[rows % 3][columns];
}

// The longer the word, the more may be wrong.
void nearest_init(struct nearest *n, const char *word)
{
    size_t length = strlen(word);
    *n = (struct nearest){word, NULL, length < 3 ? 1 : length < 5 ? 2 : length < 10 ? 3 : 4};
}

void nearest_try(struct nearest *n, const char *candidate)
{
    size_t rows = strlen(n->word), columns = strlen(candidate);
    if (rows > NEAREST_WORD || columns > NEAREST_WORD)
        return;
    unsigned edits = distance(n->word, (unsigned)rows, candidate, (unsigned)columns);
    if (edits >= n->distance)
        return;
    n->distance = edits;
    n->best = candidate;
}
