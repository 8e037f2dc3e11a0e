// SPDX-License-Identifier: MIT
// Splits a command line into words: blanks separate, "..." and '...' quote, \ quotes one character. Pure.
#pragma once

#define WORDS_MAX  32
#define WORDS_TEXT 1024

struct words {
    unsigned count;
    const char *word[WORDS_MAX + 1]; // into text; NULL behind the last
    const char *rest[WORDS_MAX];     // into the line: where the word begins there
    char text[WORDS_TEXT + WORDS_MAX];
};

// NULL when all is well, else what is wrong.
const char *words_split(struct words *w, const char *line);
