// SPDX-License-Identifier: GPL-2.0-only
// The choice of the virtualisation backend.
#include "ukernel/virt.h"
#include "ukernel/platform.h"

const struct virt_ops *virt;

void virt_refuse(const char *sentence)
{
    virt = NULL;
    hip->virt = 0;
    hip->virt_refusal = hip_string(sentence);
    klog("virt: no VMs: %s", sentence);
}

void virt_probe(void)
{
    const char *refusal = "";
    uint32_t features = 0;
    virt = vmx_probe(&refusal, &features);
    if (!virt) {
        virt_refuse(refusal);
        return;
    }
    hip->virt = features;
    klog("virt: %s, features %#x", virt->name, features);
    if (virt->enable_cpu(this_cpu()) != ST_OK)
        virt_refuse("this CPU refused to be switched to hardware virtualisation");
}
