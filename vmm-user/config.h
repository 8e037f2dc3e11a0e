// SPDX-License-Identifier: MIT
// What a VM is made of: read from `guests/NAME.cfg` (key = value) or from the words of a `vm run` command.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_NAME   32
#define CONFIG_FILE   56  // a boot file's name
#define CONFIG_INITRD 512 // files and words of Multiboot modules
#define CONFIG_APPEND 1536
#define CONFIG_ERROR  200

#define CONFIG_MEMORY_DEFAULT (256ull << 20)
#define CONFIG_MEMORY_MIN     (2ull << 20)
#define CONFIG_MEMORY_MAX     (64ull << 30)

struct vm_config {
    char name[CONFIG_NAME];
    char kernel[CONFIG_FILE], initrd[CONFIG_INITRD];
    char fda[CONFIG_FILE], fdb[CONFIG_FILE], hda[CONFIG_FILE], hdb[CONFIG_FILE], cdrom[CONFIG_FILE];
    char boot[4]; // order: a floppy, c hard disk, d CD
    char get[72]; // for a person: how to get its files, when one of them is missing
    char append[CONFIG_APPEND];
    uint64_t memory;                              // bytes, a multiple of 2 MiB
    unsigned kernel_line, initrd_line, disk_line; // where they were named, 0 = on the command line
    char source[CONFIG_FILE];                     // the config's file, empty for `vm run`
};

// `text` need not be terminated. On false `error` (CONFIG_ERROR bytes) says `file:line: what is wrong`.
bool config_parse(struct vm_config *config, const char *file, const char *text, size_t size, char *error);

// -n NAME -m SIZE -kernel FILE -initrd FILE -append "TEXT", spelled as in QEMU; quotes and backslashes as in a shell.
bool config_parse_args(struct vm_config *config, const char *args, char *error);

// 64M, 1G, 512K, 0x100000 or plain MiB when `unit` is 1 << 20. False if it is no size or overflows.
bool config_size(const char *text, uint64_t unit, uint64_t *bytes);

// `file:line: boot file 'x' is not there`, as config_parse would say it.
void config_missing_file(const struct vm_config *config, const char *key, const char *name, unsigned line, char *error);
