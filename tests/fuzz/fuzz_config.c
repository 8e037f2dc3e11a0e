// SPDX-License-Identifier: MIT
// sources: vmm-user/config.c lib/sys/nearest.c
#include "vmm-user/config.h"
#include <stdlib.h>
#include <string.h>

// The same bytes as a config file and as the words of a `vm run`.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vm_config config;
    char error[CONFIG_ERROR];
    bool ok = config_parse(&config, "guests/fuzz.cfg", (const char *)data, size, error);
    if (!ok && memcmp(error, "guests/fuzz.cfg:", 16) != 0)
        abort();
    char *args = malloc(size + 1);
    memcpy(args, data, size);
    args[size] = 0;
    bool run = config_parse_args(&config, args, error);
    bool bootable = run && (config.kernel[0] || config.fda[0] || config.fdb[0] || config.hda[0] || config.hdb[0] ||
                            config.cdrom[0]);
    if (run && (!bootable || config.memory & 0x1fffff))
        abort();
    free(args);
    return 0;
}
