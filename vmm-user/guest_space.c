// SPDX-License-Identifier: MIT
// The guest's physical address space. While A20 is closed, nothing from 1 MiB on is mapped but what the guest touches,
// one MiB at a time: programs open and close the gate often and use little behind it.
#include "vmm-user/guest_space.h"
#include "lib/c/string.h"
#include "lib/sys/hypercall.h"
#include "lib/sys/root.h"
#include "vmm-user/exit.h"
#include "vmm-user/layout.h"
#include "vmm-user/vm.h"

#define HOLE_START 0xa0000ull // VGA memory: devices, not RAM
#define HOLE_END   0xc0000ull
#define MIB        (1ull << 20)
#define CHIPS      0xfec00000ull // from here on, chips answer before the video memory does
#define A20        (1ull << 20)
#define READ_ONLY  (MAP_R | MAP_X)
#define MAP_RIGHTS (READ_ONLY | MAP_W)
#define MAP_CHUNK  (1ull << 30)

// What is there already stays.
static bool map_with(uint64_t gpa, uint64_t va, uint64_t bytes, unsigned rights)
{
    uint64_t done = 0, pages = bytes / PAGE_SIZE;
    while (done < pages) {
        uint64_t n = pages - done < MAP_CHUNK / PAGE_SIZE ? pages - done : MAP_CHUNK / PAGE_SIZE, at = done * PAGE_SIZE;
        struct hc_result r = ctrl_pd(PD_MAP_GST, SEL_SELF_PD, gpa + at, SEL_SELF_PD, va + at, pd_arg(n, rights));
        if (r.status == ST_AGAIN)
            n = r.value;
        else if (r.status == ST_IN_USE)
            n = r.value + 1;
        else if (r.status != ST_OK)
            return false;
        done += n;
    }
    return true;
}

static bool map(uint64_t gpa, uint64_t va, uint64_t bytes)
{
    return map_with(gpa, va, bytes, MAP_RIGHTS);
}

static void unmap(uint64_t gpa, uint64_t bytes)
{
    uint64_t done = 0, pages = bytes / PAGE_SIZE;
    while (done < pages) {
        struct hc_result r =
            ctrl_pd(PD_UNMAP_GST, SEL_SELF_PD, gpa + done * PAGE_SIZE, SEL_SELF_PD, 0, pd_arg(pages - done, 0));
        if (r.status != ST_AGAIN)
            return;
        done += r.value;
    }
}

static bool ram_map(uint64_t gpa, uint64_t bytes)
{
    return !bytes || map(gpa, VA_GUEST_RAM + gpa, bytes);
}

static bool upper_ram_map(const struct guest_mem *mem)
{
    return ram_map(MIB, mem->low_size - MIB) && ram_map(GUEST_MEM_HIGH_BASE, mem->high_size);
}

// What is between the hole and 1 MiB; `gpa` is where address 0 shows.
static bool shadow_map(const struct guest_mem *mem, uint64_t gpa)
{
    bool ok = true;
    for (uint64_t at = HOLE_END, end; at < MIB && ok; at = end) {
        bool rom = guest_mem_is_rom(mem, at);
        for (end = at; end < MIB && guest_mem_is_rom(mem, end) == rom; end += 1u << GUEST_MEM_SHADOW_BIT)
            ;
        ok = map_with(gpa + at, VA_GUEST_RAM + at, end - at, rom ? READ_ONLY : MAP_RIGHTS);
    }
    return ok;
}

bool guest_space_create(struct vm *vm)
{
    return ram_map(0, HOLE_START) && shadow_map(&vm->mem, 0) && upper_ram_map(&vm->mem);
}

void guest_space_shadow(void *ctx)
{
    struct vm *vm = ctx;
    unmap(HOLE_END, MIB - HOLE_END);
    if (vm->space.low_alias)
        unmap(MIB, MIB);
    vm->space.low_alias = false;
    shadow_map(&vm->mem, 0); // what is not mapped exits
}

// ---- video memory

void guest_space_window(void *ctx, struct vga_mapping now)
{
    struct vm *vm = ctx;
    struct guest_space *g = &vm->space;
    if (g->window.size)
        unmap(g->window.base, g->window.size);
    g->window = now;
    if (now.size && !map(now.base, (uint64_t)now.memory, now.size)) { // then each access exits
        unmap(now.base, now.size);
        g->window.size = 0;
    }
}

// Maps the framebuffer where it should be now; accesses to where it is not mapped exit.
static void lfb_update(struct vm *vm)
{
    struct guest_space *g = &vm->space;
    uint64_t wanted = g->lfb_backed && g->lfb_decoded && !g->a20_closed ? g->lfb_base : 0;
    if (wanted < vm->mem.low_size || wanted > CHIPS - FRAMEBUFFER_SIZE)
        wanted = 0;
    if (wanted == g->lfb)
        return;
    if (g->lfb)
        unmap(g->lfb, FRAMEBUFFER_SIZE);
    g->lfb = wanted;
    if (wanted && !map(wanted, VA_FRAMEBUFFER, FRAMEBUFFER_SIZE)) {
        unmap(wanted, FRAMEBUFFER_SIZE);
        g->lfb = 0;
    }
}

void guest_space_lfb(void *ctx, uint32_t base, bool decoded)
{
    struct vm *vm = ctx;
    vm->space.lfb_base = base;
    vm->space.lfb_decoded = decoded;
    vm->firmware.bios.config.framebuffer = base;
    lfb_update(vm);
}

// Most VMs never leave text mode: the framebuffer costs memory from its first use on.
bool guest_space_lfb_back(void *ctx)
{
    struct vm *vm = ctx;
    struct utcb_state kept = *vm->vcpus[0].state; // calls to root use the same page
    vm->space.lfb_backed = root_mem_alloc((void *)VA_FRAMEBUFFER, FRAMEBUFFER_SIZE, 0, NULL) == ROOT_OK;
    if (!vm->space.lfb_backed)
        root_log_printf("no memory for %u MiB of video memory: the graphics mode is refused", FRAMEBUFFER_SIZE >> 20);
    *vm->vcpus[0].state = kept;
    lfb_update(vm);
    return vm->space.lfb_backed;
}

// ---- A20

static void unmapped_stop(struct vcpu *v)
{
    vm_stop(v, "the kernel does not map the guest's memory behind the A20 gate: its memory for this VM is used up");
}

void guest_space_a20(struct vm *vm, bool open)
{
    struct vcpu *v = &vm->vcpus[0];
    if (vm->space.a20_closed != open)
        return;
    vm->space.a20_closed = !open;
    v->insn.gate = open ? 0 : A20;
    memset(&v->insn_cache.walks, 0, sizeof(v->insn_cache.walks));
    unmap(MIB, vm->mem.low_size - MIB);
    vm->space.low_alias = false;
    if (vm->mem.high_size)
        unmap(GUEST_MEM_HIGH_BASE, vm->mem.high_size);
    exit_memory_by(open ? NULL : exit_gated);
    lfb_update(vm);
    if (open && !upper_ram_map(&vm->mem))
        unmapped_stop(v);
}

// Does the gate turn the address into one of RAM that is not mapped yet? If it is, the access writes to read-only
// memory.
static bool is_alias(const struct vm *vm, uint64_t gpa)
{
    uint64_t seen = gpa & ~A20;
    return gpa >= MIB && (seen < HOLE_START || seen >= HOLE_END) && guest_mem_at(&vm->mem, seen, 1) &&
           !(vm->space.low_alias && guest_mem_is_rom(&vm->mem, seen));
}

// The MiB around it.
static bool alias_map(struct vm *vm, uint64_t gpa)
{
    uint64_t to = gpa & ~(MIB - 1), from = to & ~A20;
    if (from)
        return map(to, VA_GUEST_RAM + from, MIB);
    vm->space.low_alias = true;
    return map(to, VA_GUEST_RAM, HOLE_START) && shadow_map(&vm->mem, to);
}

uint64_t exit_gated(struct vcpu *v, struct utcb_state *s)
{
    if (!is_alias(v->vm, s->qual[1])) {
        s->qual[1] &= ~A20;
        return exit_memory(v, s);
    }
    exit_vectoring(v, s);
    if (!alias_map(v->vm, s->qual[1]))
        unmapped_stop(v);
    return exit_settle(v, s, 0);
}
