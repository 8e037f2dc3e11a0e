// SPDX-License-Identifier: MIT
#include "vmm-user/media.h"
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/root.h"
#include "vmm-user/layout.h"

// clang-format off
const struct media_slot media_slots[MEDIA_DRIVES] = {
    [MEDIA_FDA] = {"fda",   BLOCK_FLOPPY, offsetof(struct vm_config, fda)},
    [MEDIA_FDB] = {"fdb",   BLOCK_FLOPPY, offsetof(struct vm_config, fdb)},
    [MEDIA_HDA] = {"hda",   BLOCK_DISK,   offsetof(struct vm_config, hda)},
    [MEDIA_HDB] = {"hdb",   BLOCK_DISK,   offsetof(struct vm_config, hdb)},
    [MEDIA_CD]  = {"cdrom", BLOCK_CD,     offsetof(struct vm_config, cdrom)},
};
// clang-format on

static void *page_alloc(void *ctx)
{
    return disk_pages_take(ctx);
}

enum media_error media_take(struct media *m, enum media_drive drive, const char *name, struct medium **medium)
{
    enum block_kind kind = media_slots[drive].kind;
    for (unsigned i = 0; i < m->count; i++)
        if (m->shelf[i].ram.backend.kind == kind && !strcmp(m->shelf[i].name, name)) {
            *medium = &m->shelf[i];
            return MEDIA_OK;
        }
    if (m->count == MEDIA_SHELF)
        return MEDIA_TOO_MANY;
    struct medium *new = &m->shelf[m->count];
    void *va = (void *)(VA_MEDIA + m->count * VA_MEDIA_SPACE);
    uint64_t bytes;
    if (root_file_map(va, name, &bytes) != ROOT_OK)
        return MEDIA_MISSING;
    if (!bytes || !block_ram_init(&new->ram, kind, va, bytes, kind == BLOCK_CD ? NULL : page_alloc, &m->pages))
        return MEDIA_UNFIT;
    snprintf(new->name, sizeof(new->name), "%s", name);
    m->count++;
    *medium = new;
    return MEDIA_OK;
}

const char *media_error_text(enum media_error e)
{
    static const char *const texts[] = {[MEDIA_MISSING] = "is not among the boot files",
                                        [MEDIA_UNFIT] = "is empty or larger than a disk can be",
                                        [MEDIA_TOO_MANY] = "is one medium too many for this VM"};
    return texts[e];
}
