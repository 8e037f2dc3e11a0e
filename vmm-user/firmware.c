// SPDX-License-Identifier: MIT
#include "vmm-user/firmware.h"
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/root.h"
#include "vmm-user/guest_walk.h"
#include "vmm-user/vm.h"
#include "x86/desc.h"
#include "x86/regs.h"

#define HYPERCALL_SIZE 3

// What VMCALL means in a guest is its hypervisor's to say (SDM 3C 31.3; #UD is the answer of a CPU without one, and
// CPUID says that there is one). Systems look for a signature in CPUID before they call, so only what calls unasked is
// concerned: kvm-unit-tests' hypercall and vmexit do, and go on when they get KVM's "no such call". Programs get #UD.
#define NO_SUCH_HYPERCALL (-1000l)
#define PAGE              4096u
#define FLAGS_SHARED      (BIOS_FLAG_CF | BIOS_FLAG_ZF)
#define AR_REAL                                                                                                        \
    0x093 // SDM 3A 9.1.1: CS, too; it may then have any selector (Bochs holds a code segment's RPL to its DPL)
#define AR_REAL_TSS   0x08b
#define AR_REAL_LDT   0x082
#define MTD_HYPERCALL (MTD_GPR | MTD_RIP | MTD_RFLAGS | MTD_ESDS)

// ---- the guest's memory

static bool is_v86(const struct utcb_state *s)
{
    return s->rflags & RFLAGS_VM;
}

static int linear_walk(struct vm *vm, const struct utcb_state *s, uint64_t linear, unsigned access, uint64_t *gpa,
                       uint32_t *error)
{
    const struct vcpu *v = &vm->vcpus[0];
    const struct guest_paging paging = guest_paging_of(s, v->cpuid.max_phys, v->insn.gate);
    return guest_walk(&vm->mem, &paging, linear, access, gpa, error);
}

// Linear to guest-physical as the guest's code at the stub would have it: paging is on below a V86 monitor.
static bool linear_translate(struct vm *vm, uint32_t linear, bool write, uint64_t *gpa)
{
    struct firmware *f = &vm->firmware;
    const struct utcb_state *s = f->state;
    *gpa = linear & ~vm->vcpus[0].insn.gate;
    if (!s || !(s->cr0 & CR0_PG))
        return true;
    uint32_t error = 0;
    if (linear_walk(vm, s, linear, write ? GUEST_WRITE : GUEST_READ, gpa, &error) == GUEST_WALK_OK)
        return true;
    if (!f->faulted) {
        f->faulted = true;
        f->fault_address = linear;
        f->fault_error = error;
    }
    return false;
}

static void device_access(struct vm *vm, uint64_t gpa, uint8_t *bytes, uint32_t size, bool write)
{
    for (uint32_t i = 0; i < size; i++)
        if (write)
            bus_mmio_write(&vm->machine.bus, gpa + i, 1, bytes[i]);
        else
            bytes[i] = (uint8_t)bus_mmio_read(&vm->machine.bus, gpa + i, 1);
}

// RAM, or the video memory that the guest has mapped there.
static void *memory_at(struct vm *vm, uint64_t gpa, uint32_t size)
{
    const struct vga_mapping *window = &vm->space.window;
    if (gpa - VGA_MEMORY_BASE >= VGA_MEMORY_SIZE)
        return guest_mem_at(&vm->mem, gpa, size);
    return gpa - window->base < window->size && window->size - (gpa - window->base) >= size
               ? window->memory + (gpa - window->base)
               : NULL;
}

static bool linear_access(struct vm *vm, uint32_t linear, uint8_t *bytes, uint32_t size, bool write)
{
    while (size) {
        uint32_t n = PAGE - linear % PAGE < size ? PAGE - linear % PAGE : size;
        uint64_t gpa;
        if (!linear_translate(vm, linear, write, &gpa))
            return false;
        void *host = memory_at(vm, gpa, n);
        if (!host)
            device_access(vm, gpa, bytes, n, write);
        else if (!write)
            memcpy(bytes, host, n);
        else if (!guest_mem_is_rom(&vm->mem, gpa))
            memcpy(host, bytes, n);
        linear += n;
        bytes += n;
        size -= n;
    }
    return true;
}

static bool host_read(void *ctx, uint32_t linear, void *to, uint32_t size)
{
    return linear_access(ctx, linear, to, size, false);
}

static bool host_write(void *ctx, uint32_t linear, const void *from, uint32_t size)
{
    return linear_access(ctx, linear, (uint8_t *)from, size, true); // read only on this way
}

// Nobody is asked where nobody is: what the firmware looks for and does not find is not the guest's doing.
static uint32_t host_in(void *ctx, uint16_t port, unsigned size)
{
    struct bus *bus = &((struct vm *)ctx)->machine.bus;
    return bus->port_map[port] ? bus_port_read(bus, port, size) : UINT32_MAX >> (32 - 8 * size);
}

static void host_out(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct bus *bus = &((struct vm *)ctx)->machine.bus;
    if (bus->port_map[port])
        bus_port_write(bus, port, size, value);
}

static void host_unknown(void *ctx, uint8_t vector, uint16_t ax)
{
    tally_count(&((struct vm *)ctx)->firmware.unknown, (uint64_t)vector << 16 | ax);
}

static void host_note(void *ctx, const char *text)
{
    vcpu_log(&((struct vm *)ctx)->vcpus[0], text);
}

// ---- media

static bool medium_read(void *ctx, uint64_t lba, uint32_t count, void *to)
{
    struct block_ram *medium = ctx;
    return block_read(&medium->backend, lba, count, to) == BLOCK_OK;
}

static bool medium_write(void *ctx, uint64_t lba, uint32_t count, const void *from)
{
    struct block_ram *medium = ctx;
    return block_write(&medium->backend, lba, count, from) == BLOCK_OK;
}

void firmware_insert(struct vm *vm, enum media_drive drive, struct medium *medium)
{
    static const enum bios_disk_type types[] = {
        [BLOCK_FLOPPY] = BIOS_FLOPPY, [BLOCK_DISK] = BIOS_HARD_DISK, [BLOCK_CD] = BIOS_CD};
    struct firmware *f = &vm->firmware;
    struct bios_disk *const disks[MEDIA_DRIVES] = {&f->bios.floppy[0], &f->bios.floppy[1], &f->bios.hard_disk[0],
                                                   &f->bios.hard_disk[1], &f->bios.cd[0]};
    struct bios_disk *disk = disks[drive];
    bool changed = f->drives[drive];
    f->drives[drive] = true;
    f->medium[drive] = medium;
    disk->sectors = 0;
    if (medium)
        *disk = (struct bios_disk){.type = types[medium->ram.backend.kind],
                                   .sector_size = medium->ram.backend.sector_size,
                                   .sectors = medium->ram.backend.sectors,
                                   .read_only = medium->ram.backend.read_only,
                                   .changed = changed,
                                   .read = medium_read,
                                   .write = medium_write,
                                   .ctx = &medium->ram};
}

const struct block_backend *firmware_medium(const struct vm *vm, enum media_drive drive)
{
    const struct medium *medium = vm->firmware.medium[drive];
    return medium ? &medium->ram.backend : NULL;
}

bool firmware_has_drives(const struct vm *vm)
{
    for (unsigned i = 0; i < MEDIA_DRIVES; i++)
        if (vm->firmware.drives[i])
            return true;
    return false;
}

// ---- life

void firmware_create(struct vm *vm)
{
    const struct start_info *info = start_info();
    struct load_region regions[LOAD_REGIONS];
    struct bios_config config = {.cpus = VM_VCPUS, .memory = vm->config.memory, .cpu_hz = info->tsc_hz};
    struct bios_host host = {vm, host_read, host_write, host_in, host_out, host_unknown, host_note};
    config.vmmcall = info->virt & HIP_VIRT_SVM;
    config.regions = load_memory_map(&vm->mem, regions);
    for (unsigned i = 0; i < config.regions; i++)
        config.map[i] = (struct bios_region){regions[i].base, regions[i].size, regions[i].type};
    memcpy(config.boot_order, vm->config.boot[0] ? vm->config.boot : "acd", sizeof(config.boot_order) - 1);
    bios_init(&vm->firmware.bios, &host, &config);
}

bool firmware_load(struct vm *vm)
{
    vm->entry = (struct load_entry){.mode = LOAD_MODE_16, .rip = BIOS_RESET_IP, .cs = BIOS_SEGMENT};
    return bios_returns(&vm->firmware.bios) || bios_rom_install(&vm->firmware.bios); // POST has run there before
}

void firmware_power_on(struct vm *vm)
{
    bios_power_on(&vm->firmware.bios);
}

void firmware_screen(struct vm *vm, uint16_t graphics, struct load_screen *screen)
{
    enum {
        BDA_MODE = 0x449,
        BDA_COLUMNS = 0x44a,
        BDA_COLUMN = 0x450,
        BDA_ROW = 0x451,
        BDA_ROWS = 0x484,
        BDA_POINTS = 0x485
    };
    struct bios_graphics now;
    char text[80];
    bool found = graphics && bios_graphics(&vm->firmware.bios, graphics, &now);
    const uint8_t *bda = guest_mem_at(&vm->mem, 0, 0x500);
    *screen = (struct load_screen){.mode = bda[BDA_MODE],
                                   .columns = bda[BDA_COLUMNS],
                                   .rows = (uint8_t)(bda[BDA_ROWS] + 1),
                                   .points = bda[BDA_POINTS],
                                   .column = bda[BDA_COLUMN],
                                   .row = bda[BDA_ROW]};
    if (graphics && !found) {
        snprintf(text, sizeof(text), "vga=0x%x: there is no such graphics mode; the screen stays in text",
                 graphics + 0x200u);
        root_log(text);
    }
    if (!found)
        return;
    screen->base = now.base, screen->size = now.size;
    screen->width = now.width, screen->height = now.height, screen->pitch = now.pitch, screen->bits = now.bits;
    for (unsigned i = 0; i < 4; i++)
        screen->color[i].size = now.color[i].size, screen->color[i].position = now.color[i].position;
}

bool firmware_returns(struct vm *vm)
{
    return bios_returns(&vm->firmware.bios);
}

// As after RESET, except that CS starts below 1 MiB, where the ROM is, and not at its alias below 4 GiB (SDM 3A 9.1.4);
// a kernel that begins in real mode finds the segments it expects.
void firmware_registers(const struct load_entry *e, struct utcb_state *s)
{
    static const uint8_t data[] = {SEG_ES, SEG_SS, SEG_DS, SEG_FS, SEG_GS};
    s->cr0 = CR0_ET;
    s->seg[SEG_CS] = (struct utcb_seg){.sel = e->cs, .ar = AR_REAL, .limit = 0xffff, .base = (uint32_t)e->cs << 4};
    for (unsigned i = 0; i < sizeof(data); i++)
        s->seg[data[i]] = (struct utcb_seg){.sel = e->ds, .ar = AR_REAL, .limit = 0xffff, .base = (uint32_t)e->ds << 4};
    s->seg[SEG_TR] = (struct utcb_seg){.ar = AR_REAL_TSS, .limit = 0xffff};
    s->seg[SEG_LDTR] = (struct utcb_seg){.ar = AR_REAL_LDT, .limit = 0xffff};
    s->seg[SEG_GDTR] = (struct utcb_seg){.limit = 0xffff};
    s->seg[SEG_IDTR] = (struct utcb_seg){.limit = 0xffff};
}

// ---- calls

static void regs_take(const struct utcb_state *s, struct bios_regs *r)
{
    union bios_reg *regs = &r->a; // in the order of the manual: AX CX DX BX SP BP SI DI
    for (unsigned i = 0; i < 8; i++)
        regs[i].e = (uint32_t)s->gpr[i];
    r->ds = s->seg[SEG_DS].sel;
    r->es = s->seg[SEG_ES].sel;
    r->ds_base = (uint32_t)s->seg[SEG_DS].base;
    r->es_base = (uint32_t)s->seg[SEG_ES].base;
    r->ss_base = (uint32_t)s->seg[SEG_SS].base;
    r->flags = (uint16_t)s->rflags;
}

static void segment_give(struct utcb_seg *seg, uint16_t selector)
{
    if (seg->sel == selector)
        return;
    seg->sel = selector;
    seg->base = (uint32_t)selector << 4;
}

static void regs_give(struct utcb_state *s, const struct bios_regs *r)
{
    const union bios_reg *regs = &r->a;
    for (unsigned i = 0; i < 8; i++)
        s->gpr[i] = (s->gpr[i] & ~0xffffffffull) | regs[i].e;
    segment_give(&s->seg[SEG_DS], r->ds);
    segment_give(&s->seg[SEG_ES], r->es);
    s->rflags = (s->rflags & ~(uint64_t)FLAGS_SHARED) | (r->flags & FLAGS_SHARED);
}

// Where in the ROM the call lies. A system with paging has the ROM at a linear address of its own choice; in V86 mode
// what is at the ROM's linear address may be a copy of it, as memory managers make one.
static uint64_t rom_offset(struct vm *vm, const struct utcb_state *s)
{
    uint64_t place = s->seg[SEG_CS].base + s->rip;
    uint32_t error;
    if (s->cr0 & CR0_PG && !is_v86(s) && linear_walk(vm, s, place, GUEST_PEEK, &place, &error) != GUEST_WALK_OK)
        return UINT64_MAX;
    return place - BIOS_ROM_BASE;
}

uint64_t exit_hypercall(struct vcpu *v, struct utcb_state *s)
{
    struct vm *vm = v->vm;
    struct firmware *f = &vm->firmware;
    uint64_t place = rom_offset(vm, s);
    int service = place < BIOS_ROM_SIZE ? bios_service_at((uint32_t)place) : -1;
    if (service < 0) {
        if (s->seg[SEG_SS].ar >> 5 & 3)
            return exit_undefined(v, s);
        s->gpr[GPR_RAX] = NO_SUCH_HYPERCALL;
        s->insn_len = HYPERCALL_SIZE;
        return exit_retire(v, s, MTD_ACDB);
    }
    if (vm->config.kernel[0] && bios_starts_again(&f->bios, service)) { // a kernel is what this PC starts from
        vm_ask(VM_REQUEST_RESET);
        return exit_settle(v, s, 0);
    }
    if (exit_is_stepped(v, s))
        return vcpu_widen(v, MTD_DR);
    struct bios_regs r;
    regs_take(s, &r);
    f->state = s;
    f->faulted = false;
    enum bios_result result = bios_call(&f->bios, &r, service);
    f->state = NULL;
    if (f->faulted) { // the guest maps the page, and the call is repeated
        s->cr2 = f->fault_address;
        return MTD_CR | exit_fault(v, s, EXC_PF, true, f->fault_error);
    }
    s->insn_len = HYPERCALL_SIZE;
    if (result != BIOS_AGAIN)
        regs_give(s, &r);
    if (result != BIOS_DONE) {
        uint32_t next = result == BIOS_AGAIN ? bios_wait_ip(service) : bios_idle_ip();
        s->rip += next - place - HYPERCALL_SIZE;
    }
    return exit_retire(v, s, MTD_HYPERCALL);
}
