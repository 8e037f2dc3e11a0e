// SPDX-License-Identifier: MIT
// Nested page tables in the format of mem/pagetable.c (SDM 3C 29.3), and the tags of TLB entries.
#include "ukernel/mem.h"
#include "ukernel/spinlock.h"
#include "vmx/vmx.h"

// The type of RAM is write-back whatever the guest's PAT says (IPAT): no device of this VM masters the bus.
static uint64_t ept_leaf(uint32_t rights, bool large, bool ram)
{
    uint64_t bits = EPT_R | EPT_IPAT; // write without read would be a misconfiguration
    uint64_t type = rights & MAP_UC   ? MEMORY_TYPE_UC
                    : rights & MAP_WC ? MEMORY_TYPE_WC
                    : ram             ? MEMORY_TYPE_WB
                                      : MEMORY_TYPE_UC;
    if (rights & MAP_W)
        bits |= EPT_W;
    if (rights & MAP_X)
        bits |= EPT_X;
    if (large)
        bits |= EPT_LARGE;
    return bits | type << EPT_TYPE_SHIFT;
}

static uint32_t ept_rights(uint64_t entry)
{
    uint64_t type = (entry & EPT_TYPE_MASK) >> EPT_TYPE_SHIFT;
    return (entry & EPT_R ? MAP_R : 0) | (entry & EPT_W ? MAP_W : 0) | (entry & EPT_X ? MAP_X : 0) |
           (type == MEMORY_TYPE_UC   ? MAP_UC
            : type == MEMORY_TYPE_WC ? MAP_WC
                                     : 0);
}

void ept_format_init(struct pt_format *format, uint64_t ept_vpid_cap)
{
    *format = (struct pt_format){
        .present_mask = EPT_R | EPT_W | EPT_X,
        .table_bits = EPT_R | EPT_W | EPT_X,
        .large_bit = EPT_LARGE,
        .leaf = ept_leaf,
        .rights = ept_rights,
        .max_level = !(ept_vpid_cap & EPT_CAP_2M) ? 0
                     : ept_vpid_cap & EPT_CAP_1G  ? 2
                                                  : 1,
    };
}

uint64_t ept_pointer(const struct pagetable *pt)
{
    return virt_to_phys(pt->root) | EPTP_WALK_4 | MEMORY_TYPE_WB;
}

enum { INVALIDATE_SINGLE = 1 };

// Everything this CPU has cached of the PD's nested tables, combined mappings included (SDM 3C 29.4.3.1).
void ept_flush(struct pd *pd)
{
    struct {
        uint64_t eptp, reserved;
    } descriptor = {0, 0};
    if (!pd->guest.root)
        return;
    descriptor.eptp = ept_pointer(&pd->guest);
    __asm__ volatile("invept %0, %1" : : "m"(descriptor), "r"((uint64_t)INVALIDATE_SINGLE) : "cc", "memory");
}

void vpid_flush(uint16_t vpid)
{
    struct {
        uint64_t vpid, linear;
    } descriptor = {vpid, 0};
    if (vpid)
        __asm__ volatile("invvpid %0, %1" : : "m"(descriptor), "r"((uint64_t)INVALIDATE_SINGLE) : "cc", "memory");
}

// Tags are per vCPU: linear mappings are tagged by VPID and PCID alone, so two vCPUs on one CPU must not share one. 0 =
// none left: such a vCPU runs without, and each of its transitions flushes.
#define VPIDS 4096
static uint64_t vpid_map[VPIDS / 64] = {1};
static uint32_t vpid_lock;

uint16_t vpid_alloc(void)
{
    uint16_t found = 0;
    spin_lock(&vpid_lock);
    for (unsigned i = 0; i < VPIDS / 64 && !found; i++) {
        if (~vpid_map[i]) {
            unsigned bit = __builtin_ctzl(~vpid_map[i]);
            vpid_map[i] |= 1ul << bit;
            found = i * 64 + bit;
        }
    }
    spin_unlock(&vpid_lock);
    return found;
}

void vpid_free(uint16_t vpid)
{
    if (!vpid)
        return;
    spin_lock(&vpid_lock);
    vpid_map[vpid / 64] &= ~(1ul << vpid % 64);
    spin_unlock(&vpid_lock);
}
