// SPDX-License-Identifier: MIT
// Boot files: the modules that the boot loader put into memory.
#include "lib/c/string.h"
#include "user/root/root.h"

// The first word of a module's string is the file's name.
bool file_get(uint64_t index, const char **name, unsigned *length, uint64_t *phys, uint64_t *size)
{
    const struct hip *hip = root.hip;
    if (index >= hip->module_count || index >= HIP_MODULES || hip->modules[index].name >= PAGE_SIZE)
        return false;
    const struct hip_module *m = &hip->modules[index];
    *name = (const char *)hip + m->name;
    *length = 0;
    while (m->name + *length < PAGE_SIZE && *length < NAME_MAX_LEN - 1 && (*name)[*length] > ' ')
        ++*length;
    *phys = m->base;
    *size = m->size;
    return true;
}

bool file_find(const char *wanted, uint64_t *phys, uint64_t *size)
{
    const char *name;
    unsigned length;
    for (uint64_t i = 0; file_get(i, &name, &length, phys, size); i++)
        if (strlen(wanted) == length && !memcmp(wanted, name, length))
            return true;
    return false;
}

enum root_error serve_file_info(struct process *p, uint64_t *w, unsigned *answer)
{
    const char *name;
    unsigned length;
    uint64_t phys, size;
    (void)p;
    if (!file_get(w[1], &name, &length, &phys, &size))
        return ROOT_NOT_FOUND;
    w[1] = size;
    memset(&w[2], 0, NAME_MAX_LEN);
    memcpy(&w[2], name, length);
    *answer = 2 + NAME_MAX_LEN / 8;
    return ROOT_OK;
}

enum root_error serve_file_map(struct process *p, uint64_t *w, unsigned *answer)
{
    uint64_t phys, size, va = w[1], done;
    if (!file_find(text_at(w, 2, NAME_MAX_LEN), &phys, &size))
        return ROOT_NOT_FOUND;
    uint64_t pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;
    *answer = 2;
    w[1] = size;
    if (!pages)
        return va % PAGE_SIZE ? ROOT_BAD : ROOT_OK;
    if (!memory_range_free(p, va, pages * PAGE_SIZE))
        return ROOT_BAD;
    struct region *r = region_new(p, REGION_FILE, va, pages);
    if (!r)
        return ROOT_LIMIT;
    enum status st = kernel_map(PD_MAP_MEM, slot_sel(p, SLOT_PD), va, SEL_HW, phys, pages, MAP_R, &done);
    if (st == ST_OK)
        return ROOT_OK;
    kernel_unmap(PD_UNMAP_MEM, slot_sel(p, SLOT_PD), va, done);
    region_delete(p, r);
    return st == ST_IN_USE ? ROOT_BAD : ROOT_KERNEL;
}
