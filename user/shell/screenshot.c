// SPDX-License-Identifier: MIT
// `vm screenshot`: a VM's picture goes out over the console, in sequences that terminals do not show:
//   ESC ] mica ; picture ; begin ; NAME ; WIDTH ; HEIGHT BEL CR
//   ESC ] mica ; picture ; data ; NUMBER ; base64 BEL CR          NUMBER from 0; of vmm-user/pack.h, in it
//   picture_code.h ESC ] mica ; picture ; end ; COUNT BEL CR                     COUNT of data
// Each is a line for the console, which repeats a line that a message of the log has cut. scripts/runner/pictures.py
// takes them out of the output.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "user/shell/shell.h"

#define PICTURE_NAME 40
#define SEQUENCE     "\033]mica;picture;"
#define SEQUENCE_END "\a\r"

static struct {
    const char *name;
    unsigned width, height, count;
    bool refused, ended;
} picture;

static bool name_good(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return *name && *name != '.' && strlen(name) <= PICTURE_NAME && !name[strspn(name, allowed)];
}

static const char *number_take(const char *at, unsigned *value)
{
    for (*value = 0; *at >= '0' && *at <= '9' && *value < 100000; at++)
        *value = *value * 10 + (unsigned)(*at - '0');
    return at;
}

// `picture WIDTH HEIGHT`, or a sentence that says why not.
static void begin_take(const char *line)
{
    static const char word[] = "picture ";
    if (strncmp(line, word, sizeof word - 1) != 0) {
        print("%s\n", line);
        picture.refused = true;
        return;
    }
    const char *at = number_take(line + sizeof word - 1, &picture.width);
    number_take(at + (*at == ' '), &picture.height);
    print(SEQUENCE "begin;%s;%u;%u" SEQUENCE_END, picture.name, picture.width, picture.height);
}

static void data_take(const char *line)
{
    if (!strcmp(line, "end"))
        picture.ended = true;
    else
        print(SEQUENCE "data;%u;%s" SEQUENCE_END, picture.count++, line);
}

void vm_screenshot(const struct words *w, unsigned first)
{
    struct process_info info;
    char name[16];
    if (w->count != first + 1 && w->count != first + 2) {
        print("usage: vm screenshot ID [NAME]\n");
        return;
    }
    if (!vm_find(w->word[first], &info))
        return;
    snprintf(name, sizeof name, "vm%u", info.vm_id);
    memset(&picture, 0, sizeof picture);
    picture.name = w->count == first + 2 ? w->word[first + 1] : name;
    if (!name_good(picture.name)) {
        print("vm screenshot: a name is of letters, digits and . _ -, %u at most\n", PICTURE_NAME);
        return;
    }
    if (!monitor_ask_lines(info.vm_id, "picture", begin_take) || picture.refused)
        return;
    while (!picture.ended && !interrupted())
        if (!monitor_ask_lines(info.vm_id, "picture more", data_take))
            return;
    if (!picture.ended)
        return;
    print(SEQUENCE "end;%u" SEQUENCE_END, picture.count);
    print("%s.ppm: %ux%u pixels of vm %u\n", picture.name, picture.width, picture.height, info.vm_id);
}
