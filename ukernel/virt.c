// SPDX-License-Identifier: MIT
// The choice of the virtualisation backend: what the CPU has, or what `virt=off|vmx|svm` on the command line says.
#include "ukernel/virt.h"
#include "lib/c/string.h"
#include "ukernel/platform.h"

const struct virt_ops *virt;

static const struct backend {
    const char *option;
    const struct virt_ops *(*probe)(const char **refusal, uint32_t *features);
} backends[] = {{"vmx", vmx_probe}, {"svm", svm_probe}};
#define BACKENDS (sizeof(backends) / sizeof(*backends))

void virt_refuse(const char *sentence)
{
    virt = NULL;
    hip->virt = 0;
    hip->virt_refusal = hip_string(sentence);
    klog("virt: no VMs: %s", sentence);
}

// What follows `virt=` in the command line, up to a blank; NULL = no such word.
static const char *option_of(const char *word, size_t *length)
{
    static const char name[] = "virt=";
    for (; *word; word += strcspn(word, " "), word += strspn(word, " ")) {
        if (strncmp(word, name, sizeof(name) - 1))
            continue;
        word += sizeof(name) - 1;
        *length = strcspn(word, " ");
        return word;
    }
    return NULL;
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && !strncmp(text, word, length);
}

// The refusal that concerns this CPU most: its own vendor's.
static const struct virt_ops *choose(const char *option, size_t length, const char **refusal, uint32_t *features)
{
    *refusal = option ? "virt= on the kernel's command line should be off, vmx or svm" : NULL;
    for (unsigned i = 0; i < BACKENDS; i++) {
        const char *why;
        if (option && !is_word(option, length, backends[i].option))
            continue;
        const struct virt_ops *found = backends[i].probe(&why, features);
        if (found)
            return found;
        if (option || (i == 1) == hypercall_by_syscall)
            *refusal = why;
    }
    return NULL;
}

void virt_probe(void)
{
    const char *refusal;
    uint32_t features = 0;
    size_t length = 0;
    const char *option = option_of((const char *)hip + hip->cmdline, &length);
    if (option && is_word(option, length, "off")) {
        virt_refuse("switched off by virt=off on the kernel's command line");
        return;
    }
    virt = choose(option, length, &refusal, &features);
    if (!virt) {
        virt_refuse(refusal);
        return;
    }
    hip->virt = features;
    klog("virt: %s, features %#x", virt->name, features);
    if (virt->enable_cpu(this_cpu()) != ST_OK)
        virt_refuse("this CPU refused to be switched to hardware virtualisation");
}
