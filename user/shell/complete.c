// SPDX-License-Identifier: MIT
// What Tab puts: names of commands, of guests after `vm start`, of boot files elsewhere.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "user/shell/shell.h"

#define CANDIDATES 64
#define TEXT_MAX   64

static struct {
    char text[CANDIDATES][TEXT_MAX];
    unsigned count;
} found;

static void candidate(const char *text, const char *prefix, unsigned length)
{
    if (strncmp(text, prefix, length) != 0 || found.count == CANDIDATES)
        return;
    snprintf(found.text[found.count++], TEXT_MAX, "%s", text);
}

static void candidates_files(const char *prefix, unsigned length, bool guests)
{
    static const char folder[] = "guests/", suffix[] = ".cfg";
    char name[NAME_MAX_LEN];
    uint64_t size;
    for (uint64_t i = 0; root_file_info(i, name, &size) == ROOT_OK; i++) {
        if (!guests) {
            candidate(name, prefix, length);
            continue;
        }
        unsigned n = strlen(name);
        if (n <= sizeof folder + sizeof suffix - 2 || strncmp(name, folder, sizeof folder - 1) != 0 ||
            strcmp(name + n - (sizeof suffix - 1), suffix) != 0)
            continue;
        name[n - (sizeof suffix - 1)] = 0;
        candidate(name + sizeof folder - 1, prefix, length);
    }
}

static unsigned common_length(void)
{
    unsigned n = strlen(found.text[0]);
    for (unsigned i = 1; i < found.count; i++)
        for (unsigned j = 0; j < n; j++)
            if (found.text[i][j] != found.text[0][j])
                n = j;
    return n;
}

// Commands are completed by the whole line, since their names have blanks.
void complete(const char *line, unsigned n, void (*insert)(const char *text, unsigned n), void (*redraw)(void))
{
    unsigned start = n;
    found.count = 0;
    for (const struct command *c = commands; c->name; c++)
        candidate(c->name, line, n);
    if (found.count) {
        start = 0;
    } else {
        while (start && line[start - 1] != ' ')
            start--;
        candidates_files(line + start, n - start, !strncmp(line, "vm start ", 9) && start == 9);
    }
    if (!found.count)
        return;
    unsigned common = common_length(), typed = n - start;
    if (common > typed)
        insert(found.text[0] + typed, common - typed);
    if (found.count == 1) {
        insert(" ", 1);
    } else if (common == typed) {
        print("\n");
        for (unsigned i = 0; i < found.count; i++)
            print("%s%s", found.text[i], i + 1 < found.count ? "  " : "\n");
        redraw();
    }
}
