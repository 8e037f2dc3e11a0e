// SPDX-License-Identifier: MIT
// What somebody may have meant who misspelt a word: the candidate that is the fewest edits away.
#pragma once

#define NEAREST_WORD 48 // longer words are not compared

struct nearest {
    const char *word, *best; // best: NULL as long as none is near
    unsigned distance;       // of the best; before, the limit
};

void nearest_init(struct nearest *n, const char *word);
void nearest_try(struct nearest *n, const char *candidate); // it must stay
