// SPDX-License-Identifier: MIT
#include "vmm-user/config.h"
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/c/strtol.h"
#include "lib/sys/nearest.h"

enum config_kind { KIND_TEXT, KIND_MEMORY, KIND_BOOT, KIND_SNAPSHOT, KIND_SMP };

struct config_key {
    const char *key, *option; // option: of `vm run`; NULL: only in a file
    enum config_kind kind;
    size_t offset, size;
    size_t line_offset; // 0 = not kept
};

#define FIELD(field) offsetof(struct vm_config, field), sizeof(((struct vm_config *)0)->field)

static const struct config_key keys[] = {
    {"name", "-n", KIND_TEXT, FIELD(name), 0},
    {"memory", "-m", KIND_MEMORY, FIELD(memory), 0},
    {"kernel", "-kernel", KIND_TEXT, FIELD(kernel), offsetof(struct vm_config, kernel_line)},
    {"initrd", "-initrd", KIND_TEXT, FIELD(initrd), offsetof(struct vm_config, initrd_line)},
    {"append", "-append", KIND_TEXT, FIELD(append), 0},
    {"fda", "-fda", KIND_TEXT, FIELD(fda), offsetof(struct vm_config, disk_line)},
    {"fdb", "-fdb", KIND_TEXT, FIELD(fdb), offsetof(struct vm_config, disk_line)},
    {"hda", "-hda", KIND_TEXT, FIELD(hda), offsetof(struct vm_config, disk_line)},
    {"hdb", "-hdb", KIND_TEXT, FIELD(hdb), offsetof(struct vm_config, disk_line)},
    {"cdrom", "-cdrom", KIND_TEXT, FIELD(cdrom), offsetof(struct vm_config, disk_line)},
    {"boot", "-boot", KIND_BOOT, FIELD(boot), 0},
    {"snapshot", "-snapshot", KIND_SNAPSHOT, 0, 0, 0},
    {"smp", "-smp", KIND_SMP, 0, 0, 0},
    {"get", NULL, KIND_TEXT, FIELD(get), 0},
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

bool config_size(const char *text, uint64_t unit, uint64_t *bytes)
{
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    unsigned long long value = strtoull(text, &end, 0);
    static const struct {
        char letter;
        unsigned shift;
    } units[] = {{'K', 10}, {'M', 20}, {'G', 30}};
    for (unsigned i = 0; i < 3; i++)
        if (*end && (*end & ~0x20) == units[i].letter) {
            unit = 1ull << units[i].shift;
            end++;
            break;
        }
    if (*end || value > UINT64_MAX / unit)
        return false;
    *bytes = value * unit;
    return true;
}

// Sets one key; `why` gets what is wrong with the value.
static bool key_set(struct vm_config *config, const struct config_key *key, const char *value, uint64_t unit,
                    unsigned line, char *why, size_t why_size)
{
    if (key->kind == KIND_MEMORY) {
        uint64_t bytes;
        if (!config_size(value, unit, &bytes) || bytes < CONFIG_MEMORY_MIN || bytes > CONFIG_MEMORY_MAX) {
            snprintf(why, why_size, "bad value '%.40s' for %s: a size from 2M to 64G such as 256M", value, key->key);
            return false;
        }
        config->memory = (bytes + 0x1fffff) & ~0x1fffffull;
        return true;
    }
    if (key->kind == KIND_BOOT && (!*value || value[strspn(value, "acd")])) {
        snprintf(why, why_size, "bad value '%.40s' for boot: an order of a (floppy), c (hard disk), d (CD)", value);
        return false;
    }
    if (key->kind == KIND_SNAPSHOT) {
        if (strcmp(value, "on") == 0)
            return true;
        snprintf(why, why_size, "snapshot = %.20s: there is no disk to write to; changes are kept in memory", value);
        return false;
    }
    if (key->kind == KIND_SMP) {
        if (strcmp(value, "1") == 0)
            return true;
        snprintf(why, why_size, "smp = %.20s: a VM has one virtual CPU", value);
        return false;
    }
    size_t length = strlen(value);
    if (length == 0 && key->offset != offsetof(struct vm_config, append)) {
        snprintf(why, why_size, "%s has no value", key->key);
        return false;
    }
    if (length >= key->size) {
        snprintf(why, why_size, "the value of %s is too long: at most %u characters", key->key,
                 (unsigned)key->size - 1);
        return false;
    }
    memcpy((char *)config + key->offset, value, length + 1);
    if (key->line_offset)
        *(unsigned *)((char *)config + key->line_offset) = line;
    return true;
}

static const char *key_name(const struct config_key *key, bool option)
{
    return option ? key->option : key->key;
}

static const struct config_key *key_find(const char *name, bool option)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (key_name(&keys[i], option) && strcmp(name, key_name(&keys[i], option)) == 0)
            return &keys[i];
    return NULL;
}

// Nobody has a key of that name: says which one may have been meant, or all that there are.
static void key_unknown(const char *name, bool option, char *why, size_t size)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (key_name(&keys[i], option))
            nearest_try(&nearest, key_name(&keys[i], option));
    int n = snprintf(why, size, "unknown %s '%.24s'", option ? "option" : "key", name);
    if (nearest.best) {
        snprintf(why + n, size - (size_t)n, "; did you mean %s?", nearest.best);
        return;
    }
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (key_name(&keys[i], option) && n < (int)size - 1)
            n += snprintf(why + n, size - (size_t)n, "%s%s", i ? " " : " (", key_name(&keys[i], option));
    if (n < (int)size - 1)
        snprintf(why + n, size - (size_t)n, ")");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

// Cuts blanks at both ends, in place.
static char *trim(char *text)
{
    while (is_blank(*text))
        text++;
    size_t length = strlen(text);
    while (length && is_blank(text[length - 1]))
        text[--length] = 0;
    return text;
}

static void config_defaults(struct vm_config *config, const char *source)
{
    memset(config, 0, sizeof(*config));
    config->memory = CONFIG_MEMORY_DEFAULT;
    snprintf(config->source, sizeof(config->source), "%s", source);
}

// `guests/linux.cfg` and `/boot/linux.elf` give `linux`.
static void name_from_file(struct vm_config *config, const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash ? slash + 1 : file;
    const char *dot = strrchr(base, '.');
    int length = (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base));
    snprintf(config->name, sizeof(config->name), "%.*s", length, base);
}

// The first disk that is named, NULL if there is none.
static const char *config_medium(const struct vm_config *config)
{
    const char *const media[] = {config->fda, config->hda, config->cdrom, config->fdb, config->hdb};
    for (unsigned i = 0; i < sizeof(media) / sizeof(media[0]); i++)
        if (media[i][0])
            return media[i];
    return NULL;
}

static bool line_parse(struct vm_config *config, char *text, unsigned line, char *why, size_t why_size)
{
    text = trim(text);
    if (!*text || *text == '#')
        return true;
    char *equals = strchr(text, '=');
    if (!equals) {
        snprintf(why, why_size, "'%.40s' is not of the form key = value", text);
        return false;
    }
    *equals = 0;
    const char *name = trim(text);
    const struct config_key *key = key_find(name, false);
    if (!key) {
        key_unknown(name, false, why, why_size);
        return false;
    }
    return key_set(config, key, trim(equals + 1), 1, line, why, why_size);
}

bool config_parse(struct vm_config *config, const char *file, const char *text, size_t size, char *error)
{
    char buffer[CONFIG_APPEND + 64], why[CONFIG_ERROR - 80];
    config_defaults(config, file);
    unsigned line = 0;
    while (size) {
        const char *newline = memchr(text, '\n', size);
        size_t length = newline ? (size_t)(newline - text) : size;
        size_t step = newline ? length + 1 : length;
        line++;
        if (length >= sizeof(buffer) || memchr(text, 0, length)) {
            snprintf(error, CONFIG_ERROR, "%s:%u: the line is too long or not text", file, line);
            return false;
        }
        memcpy(buffer, text, length);
        buffer[length] = 0;
        if (!line_parse(config, buffer, line, why, sizeof(why))) {
            snprintf(error, CONFIG_ERROR, "%s:%u: %s", file, line, why);
            return false;
        }
        text += step;
        size -= step;
    }
    if (!config->kernel[0] && !config_medium(config)) {
        snprintf(error, CONFIG_ERROR, "%s:%u: no kernel: the line `kernel = FILE` is missing", file, line ? line : 1);
        return false;
    }
    if (!config->name[0])
        name_from_file(config, file);
    return true;
}

// The next word of `*at` with shell quoting into `word`; 0 = no more, 1 = a word, -1 = too long or an open quote.
static int word_next(const char **at, char *word, size_t size)
{
    const char *p = *at;
    size_t length = 0;
    while (is_blank(*p) || *p == '\n')
        p++;
    if (!*p)
        return 0;
    char quote = 0;
    for (; *p && (quote || (!is_blank(*p) && *p != '\n')); p++) {
        if (quote ? *p == quote : (*p == '"' || *p == '\'')) {
            quote = quote ? 0 : *p;
            continue;
        }
        if (*p == '\\' && quote != '\'' && (p[1] == '"' || p[1] == '\\' || p[1] == ' '))
            p++;
        if (length + 1 >= size)
            return -1;
        word[length++] = *p;
    }
    word[length] = 0;
    *at = p;
    return quote ? -1 : 1;
}

bool config_parse_args(struct vm_config *config, const char *args, char *error)
{
    char option[CONFIG_FILE], value[CONFIG_APPEND + 8], why[CONFIG_ERROR - 80];
    config_defaults(config, "");
    int got;
    while ((got = word_next(&args, option, sizeof(option))) > 0) {
        const struct config_key *key = key_find(option, true);
        if (!key) {
            key_unknown(option, true, why, sizeof(why));
            snprintf(error, CONFIG_ERROR, "vm run: %s", why);
            return false;
        }
        got = word_next(&args, value, sizeof(value));
        if (got == 0) {
            snprintf(error, CONFIG_ERROR, "vm run: %s needs a value", key->option);
            return false;
        }
        if (got < 0)
            break;
        if (!key_set(config, key, value, 1 << 20, 0, why, sizeof(why))) {
            snprintf(error, CONFIG_ERROR, "vm run: %s", why);
            return false;
        }
    }
    if (got < 0) {
        snprintf(error, CONFIG_ERROR, "vm run: a word is too long, or a quote is not closed");
        return false;
    }
    if (!config->kernel[0] && !config_medium(config)) {
        snprintf(error, CONFIG_ERROR, "vm run: -kernel FILE is missing");
        return false;
    }
    if (!config->name[0])
        name_from_file(config, config->kernel[0] ? config->kernel : config_medium(config));
    return true;
}

void config_missing_file(const struct vm_config *config, const char *key, const char *name, unsigned line, char *error)
{
    if (config->source[0])
        snprintf(error, CONFIG_ERROR, "%s:%u: %s '%s' is not among the boot files%s%s", config->source, line, key, name,
                 config->get[0] ? "; to get it: " : "", config->get);
    else
        snprintf(error, CONFIG_ERROR, "vm run: -%s: '%s' is not among the boot files", key, name);
}
