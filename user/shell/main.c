// SPDX-License-Identifier: MIT
// The person's interface. It has no privilege but what root's portal gives it.
#include "lib/c/string.h"
#include "lib/sys/process.h"
#include "user/shell/editor.h"
#include "user/shell/shell.h"

static const char prompt[] = "mica> ";
static struct editor editor;

static void insert(const char *text, unsigned n)
{
    editor_insert(&editor, text, n);
}

static void redraw(void)
{
    editor_redraw(&editor);
}

// Commands of the boot file `autoexec`, one per line, shown as if they had been typed. Ctrl-C ends them all.
static void run_autoexec(void)
{
    uint64_t size;
    char line[EDITOR_LINE];
    if (start_info()->flags & START_AGAIN || root_file_map((void *)FILE_VA, "autoexec", &size) != ROOT_OK)
        return;
    const char *at = (const char *)FILE_VA, *end = at + size;
    while (at < end) {
        const char *stop = memchr(at, '\n', end - at);
        unsigned n = (stop ? stop : end) - at;
        unsigned kept = n < sizeof line ? n : sizeof line - 1;
        memcpy(line, at, kept);
        line[kept] = 0;
        print("%s%s\n", prompt, line);
        if (kept < n)
            print("autoexec: the line is too long\n");
        else if (!command_run(line))
            break;
        at += n + 1;
    }
    root_mem_free((void *)FILE_VA);
}

int main(void)
{
    terminal_open();
    editor_init(&editor, prompt, print_bytes);
    run_autoexec();
    editor_start(&editor);
    for (;;) {
        uint8_t key;
        key_get(&key, 0);
        switch (editor_key(&editor, key)) {
        case EDIT_MORE:
            break;
        case EDIT_COMPLETE:
            complete(editor.line, editor.cursor, insert, redraw);
            break;
        case EDIT_DONE:
            command_run(editor.line);
            editor_start(&editor);
            break;
        case EDIT_CANCEL:
            editor_start(&editor);
            break;
        }
    }
}
