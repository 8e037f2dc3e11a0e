// SPDX-License-Identifier: MIT
// sources: user/shell/editor.c user/shell/words.c
#include "user/shell/editor.h"
#include "user/shell/words.h"
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static void ignore(const char *text, unsigned n)
{
    (void)text;
    (void)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct editor e;
    static struct words w;
    editor_init(&e, "mica> ", ignore);
    editor_start(&e);
    for (size_t i = 0; i < size; i++) {
        enum edit_event event = editor_key(&e, data[i]);
        assert(e.cursor <= e.length && e.length < EDITOR_LINE && e.left <= e.length);
        if (event == EDIT_COMPLETE)
            editor_insert(&e, "vm start linux", data[i] % 15);
        if (event != EDIT_DONE)
            continue;
        if (!words_split(&w, e.line))
            for (unsigned j = 0; j < w.count; j++)
                assert(strlen(w.word[j]) < sizeof w.text && w.rest[j] < e.line + e.length + 1);
        editor_start(&e);
    }
    return 0;
}
