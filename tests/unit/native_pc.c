// SPDX-License-Identifier: MIT
#include "tests/unit/native_pc.h"
#include <ctype.h>
#include <stdlib.h>
#include <unicorn/unicorn.h>

#define SLICE_BYTES 10000 // of code
#define SLICE_TIME  (FAKE_US * 500)
#define FLAG_IF     0x200
#define FLAG_TF     0x100
#define VMCALL_SIZE 3

// ---- buses

static uint32_t bus_in(struct pc *pc, uint16_t port, unsigned size)
{
    return bus_port_read(&pc->bus, port, size);
}

static uint32_t on_in(uc_engine *uc, uint32_t port, int size, void *user)
{
    (void)uc;
    return bus_in(user, (uint16_t)port, (unsigned)size);
}

static void on_out(uc_engine *uc, uint32_t port, int size, uint32_t value, void *user)
{
    (void)uc;
    bus_port_write(&((struct pc *)user)->bus, (uint16_t)port, (unsigned)size, value);
}

static uint64_t on_vga_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    (void)uc;
    return vga_read(&((struct pc *)user)->vga, VGA_MEMORY_BASE + offset, size);
}

static void on_vga_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    (void)uc;
    vga_write(&((struct pc *)user)->vga, VGA_MEMORY_BASE + offset, size, value);
}

static void irq_set(void *ctx, unsigned line, bool level)
{
    pic_set_irq(&((struct pc *)ctx)->pic, line, level);
}

static void unclaimed(void *ctx, enum io_space space, uint64_t addr, bool write)
{
    (void)ctx, (void)space, (void)addr, (void)write;
}

static void serial_put(void *ctx, uint8_t byte)
{
    struct pc *pc = ctx;
    if (pc->serial_length < PC_TEXT - 1)
        pc->serial[pc->serial_length++] = (char)byte;
}

// ---- the firmware's machine

static bool in_vga(uint32_t at)
{
    return at - VGA_MEMORY_BASE < VGA_MEMORY_SIZE;
}

static bool host_read(void *ctx, uint32_t linear, void *to, uint32_t size)
{
    struct pc *pc = ctx;
    if (in_vga(linear)) {
        for (uint32_t i = 0; i < size; i++)
            ((uint8_t *)to)[i] = (uint8_t)vga_read(&pc->vga, linear + i, 1);
        return true;
    }
    if (linear > PC_MEMORY || size > PC_MEMORY - linear)
        return false;
    memcpy(to, pc->memory + linear, size);
    return true;
}

static bool host_write(void *ctx, uint32_t linear, const void *from, uint32_t size)
{
    struct pc *pc = ctx;
    if (in_vga(linear)) {
        for (uint32_t i = 0; i < size; i++)
            vga_write(&pc->vga, linear + i, 1, ((const uint8_t *)from)[i]);
        return true;
    }
    if (linear > PC_MEMORY || size > PC_MEMORY - linear)
        return false;
    return uc_mem_write(pc->uc, linear, from, size) == UC_ERR_OK; // forgets translations of code that lay there
}

static uint32_t host_in(void *ctx, uint16_t port, unsigned size)
{
    return bus_in(ctx, port, size);
}

static void host_out(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    bus_port_write(&((struct pc *)ctx)->bus, port, size, value);
}

static void host_unknown(void *ctx, uint8_t vector, uint16_t ax)
{
    struct pc *pc = ctx;
    size_t used = strlen(pc->unknown_text);
    pc->unknown++;
    snprintf(pc->unknown_text + used, sizeof(pc->unknown_text) - used, "INT %02X AX=%04X; ", vector, ax);
}

static bool medium_read(void *ctx, uint64_t lba, uint32_t count, void *to)
{
    struct pc_medium *m = ctx;
    memcpy(to, m->bytes + lba * m->sector_size, (size_t)count * m->sector_size);
    return true;
}

static bool medium_write(void *ctx, uint64_t lba, uint32_t count, const void *from)
{
    struct pc_medium *m = ctx;
    memcpy(m->bytes + lba * m->sector_size, from, (size_t)count * m->sector_size);
    return true;
}

static bool medium_open(struct pc_medium *m, const char *path, struct bios_disk *disk, enum bios_disk_type type,
                        uint32_t sector_size)
{
    if (!path)
        return true;
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    fseek(f, 0, SEEK_END);
    m->size = (uint64_t)ftell(f);
    rewind(f);
    m->bytes = malloc(m->size ? m->size : 1);
    m->sector_size = sector_size;
    bool ok = fread(m->bytes, 1, m->size, f) == m->size;
    fclose(f);
    *disk = (struct bios_disk){.type = type,
                               .sector_size = sector_size,
                               .sectors = m->size / sector_size,
                               .read_only = type == BIOS_CD,
                               .read = medium_read,
                               .write = medium_write,
                               .ctx = m};
    return ok;
}

// ---- the processor

static const int seg_regs[] = {UC_X86_REG_DS, UC_X86_REG_ES, UC_X86_REG_SS};

static uint32_t reg(struct pc *pc, int id)
{
    uint32_t value = 0;
    uc_reg_read(pc->uc, id, &value);
    return value;
}

static void reg_set(struct pc *pc, int id, uint32_t value)
{
    uc_reg_write(pc->uc, id, &value);
}

static uint16_t seg(struct pc *pc, int id)
{
    uint16_t value = 0;
    uc_reg_read(pc->uc, id, &value);
    return value;
}

static void push16(struct pc *pc, uint16_t value)
{
    uint16_t sp = (uint16_t)(reg(pc, UC_X86_REG_ESP) - 2);
    uint32_t at = ((uint32_t)seg(pc, UC_X86_REG_SS) << 4) + sp;
    host_write(pc, at, &value, 2);
    reg_set(pc, UC_X86_REG_ESP, (reg(pc, UC_X86_REG_ESP) & 0xffff0000) | sp);
}

// As the processor in real mode: FLAGS, CS, IP, then the vector's.
static void interrupt_deliver(struct pc *pc, uint8_t vector)
{
    uint32_t flags = reg(pc, UC_X86_REG_EFLAGS), far;
    push16(pc, (uint16_t)flags);
    push16(pc, seg(pc, UC_X86_REG_CS));
    push16(pc, (uint16_t)reg(pc, UC_X86_REG_EIP));
    memcpy(&far, pc->memory + vector * 4, 4);
    reg_set(pc, UC_X86_REG_EFLAGS, flags & ~(uint32_t)(FLAG_IF | FLAG_TF));
    uint16_t cs = (uint16_t)(far >> 16);
    uc_reg_write(pc->uc, UC_X86_REG_CS, &cs);
    reg_set(pc, UC_X86_REG_EIP, far & 0xffff);
}

static void on_interrupt(uc_engine *uc, uint32_t vector, void *user)
{
    ((struct pc *)user)->interrupt = (int)vector;
    uc_emu_stop(uc);
}

// Ends a slice at the start of a block of code: Unicorn's own count stops in the middle of repeated instructions.
static void on_block(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
    (void)address;
    struct pc *pc = user;
    if (pc->budget > size)
        pc->budget -= size;
    else
        uc_emu_stop(uc);
}

static bool on_invalid(uc_engine *uc, void *user)
{
    ((struct pc *)user)->trapped = true;
    uc_emu_stop(uc);
    return true;
}

static void regs_read(struct pc *pc, struct bios_regs *r)
{
    static const int ids[] = {UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
                              UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI};
    union bios_reg *regs = &r->a;
    for (unsigned i = 0; i < 8; i++)
        regs[i].e = reg(pc, ids[i]);
    r->ds = seg(pc, seg_regs[0]);
    r->es = seg(pc, seg_regs[1]);
    r->ds_base = (uint32_t)r->ds << 4;
    r->es_base = (uint32_t)r->es << 4;
    r->ss_base = (uint32_t)seg(pc, seg_regs[2]) << 4;
    r->flags = (uint16_t)reg(pc, UC_X86_REG_EFLAGS);
}

static void regs_write(struct pc *pc, const struct bios_regs *r)
{
    static const int ids[] = {UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
                              UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI};
    const union bios_reg *regs = &r->a;
    for (unsigned i = 0; i < 8; i++)
        reg_set(pc, ids[i], regs[i].e);
    uc_reg_write(pc->uc, UC_X86_REG_DS, &r->ds);
    uc_reg_write(pc->uc, UC_X86_REG_ES, &r->es);
}

// An undefined instruction: a stub of the ROM, or what the guest gets #UD for.
static void trap(struct pc *pc)
{
    uint32_t ip = reg(pc, UC_X86_REG_EIP), linear = ((uint32_t)seg(pc, UC_X86_REG_CS) << 4) + ip;
    int service = linear >= BIOS_ROM_BASE && linear < BIOS_ROM_BASE + BIOS_ROM_SIZE
                      ? bios_service_at(linear - BIOS_ROM_BASE)
                      : -1;
    if (service < 0) {
        interrupt_deliver(pc, 6);
        return;
    }
    struct bios_regs r = {0};
    regs_read(pc, &r);
    enum bios_result result = bios_call(&pc->bios, &r, service);
    if (result != BIOS_AGAIN)
        regs_write(pc, &r);
    reg_set(pc, UC_X86_REG_EIP,
            result == BIOS_AGAIN  ? bios_wait_ip(service)
            : result == BIOS_IDLE ? bios_idle_ip()
                                  : ip + VMCALL_SIZE);
}

static void timers_run(struct pc *pc)
{
    for (struct dev_timer *t = pc->fake.clock.timers; t; t = t->next)
        while (t->deadline <= pc->fake.now) {
            t->deadline = TIMER_NEVER;
            t->fire(t->dev, pc->fake.now);
        }
}

// INT n. A hardware interrupt that waits comes first: code that does nothing but call the firmware has no other moment.
static void software_interrupt(struct pc *pc)
{
    uint32_t ip = reg(pc, UC_X86_REG_EIP), at = ((uint32_t)seg(pc, UC_X86_REG_CS) << 4) + ip - 2;
    bool is_int = pc->memory[at] == 0xcd && pc->memory[at + 1] == pc->interrupt;
    if (is_int && reg(pc, UC_X86_REG_EFLAGS) & FLAG_IF && pic_pending(&pc->pic)) {
        reg_set(pc, UC_X86_REG_EIP, ip - 2);
        interrupt_deliver(pc, (uint8_t)pic_ack(&pc->pic));
        return;
    }
    interrupt_deliver(pc, (uint8_t)pc->interrupt);
}

// One slice. A software interrupt, a trap or HLT ends it early.
static bool slice(struct pc *pc)
{
    uint32_t start = ((uint32_t)seg(pc, UC_X86_REG_CS) << 4) + (reg(pc, UC_X86_REG_EIP) & 0xffff);
    pc->interrupt = -1;
    pc->budget = SLICE_BYTES;
    pc->trapped = pc->halted = false;
    uint8_t next = start < PC_MEMORY ? pc->memory[start] : 0;
    if (next == 0xf4) { // HLT is ours, so that it is seen
        reg_set(pc, UC_X86_REG_EIP, (reg(pc, UC_X86_REG_EIP) + 1) & 0xffff);
        pc->halted = true;
        return true;
    }
    uc_err error = uc_emu_start(pc->uc, start, UINT64_MAX, 0, 0);
    if (pc->interrupt >= 0) {
        software_interrupt(pc);
        return true;
    }
    if (pc->trapped || error == UC_ERR_INSN_INVALID) {
        trap(pc);
        return true;
    }
    if (error != UC_ERR_OK)
        pc->failed = uc_strerror(error);
    uint32_t end = ((uint32_t)seg(pc, UC_X86_REG_CS) << 4) + (reg(pc, UC_X86_REG_EIP) & 0xffff);
    pc->halted = end && pc->memory[end - 1] == 0xf4; // it stops behind HLT
    return error == UC_ERR_OK;
}

bool pc_run(struct pc *pc, unsigned milliseconds, bool (*until)(struct pc *))
{
    uint64_t end = pc->fake.now + FAKE_MS * milliseconds;
    while (pc->fake.now < end && !pc->fake.power_off) {
        if (!slice(pc))
            return false;
        pc->steps++;
        bool on = reg(pc, UC_X86_REG_EFLAGS) & FLAG_IF;
        pc->fake.now += pc->trapped || pc->interrupt >= 0 ? FAKE_US * 40 : SLICE_TIME;
        timers_run(pc);
        while (pc->halted && !(on && pic_pending(&pc->pic)) && pc->fake.now < end) {
            pc->fake.now += SLICE_TIME;
            timers_run(pc);
        }
        if (on && pic_pending(&pc->pic))
            interrupt_deliver(pc, (uint8_t)pic_ack(&pc->pic));
        if (until && pc->steps % 64 == 0 && until(pc))
            return true;
    }
    return until ? until(pc) : true;
}

// ---- life

static void devices_create(struct pc *pc)
{
    struct clock *clock = &pc->fake.clock;
    struct power_backend power = fake_power(&pc->fake);
    fake_init(&pc->fake);
    pc->fake.wall_base = 1700000000ull * 1000000000; // 2023-11-14 22:13:20 UTC
    pic_init(&pc->pic, clock, (struct irq_line){0});
    pit_init(&pc->pit, clock, (struct irq_line){irq_set, pc, 0});
    rtc_init(&pc->rtc, clock, (struct irq_line){irq_set, pc, 8});
    uart_init(&pc->uart, clock, 0x3f8, (struct irq_line){irq_set, pc, 4}, (struct char_backend){serial_put, pc});
    i8042_init(&pc->i8042, clock,
               (struct i8042_wires){.keyboard = {irq_set, pc, 1}, .aux = {irq_set, pc, 12}, .power = power});
    acpi_pm_init(&pc->acpi, clock, 0x600, (struct irq_line){irq_set, pc, 9}, power);
    reset_port_init(&pc->reset, clock, power);
    pci_host_init(&pc->pci, clock, &pc->reset);
    port92_init(&pc->port92, clock, (struct irq_line){0}, power);
    debug_ports_init(&pc->debug, clock, (struct char_backend){0}, power);
    vga_init(&pc->vga, clock,
             &(struct vga_host){.window = pc->vga_window,
                                .framebuffer = pc->vga_framebuffer,
                                .framebuffer_size = sizeof(pc->vga_framebuffer)});
    struct device *const devices[] = {&pc->pic.dev,  &pc->pit.dev, &pc->rtc.dev,    &pc->uart.dev,  &pc->i8042.dev,
                                      &pc->acpi.dev, &pc->pci.dev, &pc->port92.dev, &pc->debug.dev, &pc->vga.dev};
    bus_init(&pc->bus, unclaimed, pc);
    for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
        if (!bus_add(&pc->bus, devices[i]))
            pc->failed = "two devices want one address";
}

static bool processor_create(struct pc *pc)
{
    uc_engine *uc;
    uc_hook hook;
    if (uc_open(UC_ARCH_X86, UC_MODE_16, &uc) != UC_ERR_OK)
        return false;
    pc->uc = uc;
    pc->memory = aligned_alloc(4096, PC_MEMORY);
    memset(pc->memory, 0, PC_MEMORY);
    uc_mem_map_ptr(uc, 0, VGA_MEMORY_BASE, UC_PROT_ALL, pc->memory);
    uc_mmio_map(uc, VGA_MEMORY_BASE, VGA_MEMORY_SIZE, on_vga_read, pc, on_vga_write, pc);
    uc_mem_map_ptr(uc, 0xc0000, PC_MEMORY - 0xc0000, UC_PROT_ALL, pc->memory + 0xc0000);
    uc_hook_add(uc, &hook, UC_HOOK_INSN, on_in, pc, 1, 0, UC_X86_INS_IN);
    uc_hook_add(uc, &hook, UC_HOOK_INSN, on_out, pc, 1, 0, UC_X86_INS_OUT);
    uc_hook_add(uc, &hook, UC_HOOK_BLOCK, on_block, pc, 1, 0);
    uc_hook_add(uc, &hook, UC_HOOK_INTR, on_interrupt, pc, 1, 0);
    uc_hook_add(uc, &hook, UC_HOOK_INSN_INVALID, on_invalid, pc, 1, 0);
    return true;
}

bool pc_create(struct pc *pc, const char *floppy, const char *hard_disk, const char *cd, const char *boot)
{
    memset(pc, 0, sizeof(*pc));
    devices_create(pc);
    if (!processor_create(pc))
        return false;
    struct bios_config config = {
        .map = {{0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0xf0000, 0x10000, 2}, {0x100000, PC_MEMORY - 0x100000, 1}},
        .regions = 4,
        .cpus = 1,
        .memory = PC_MEMORY,
        .framebuffer = VGA_LFB_BASE,
        .cpu_hz = FAKE_HZ,
    };
    for (unsigned i = 0; i < sizeof(config.boot_order) && boot[i]; i++)
        config.boot_order[i] = boot[i];
    struct bios_host host = {
        .ctx = pc, .read = host_read, .write = host_write, .in = host_in, .out = host_out, .unknown = host_unknown};
    bios_init(&pc->bios, &host, &config);
    if (!medium_open(&pc->media[0], floppy, &pc->bios.floppy[0], BIOS_FLOPPY, 512) ||
        !medium_open(&pc->media[1], hard_disk, &pc->bios.hard_disk[0], BIOS_HARD_DISK, 512) ||
        !medium_open(&pc->media[2], cd, &pc->bios.cd[0], BIOS_CD, 2048))
        return false;
    bios_rom_install(&pc->bios);
    uint16_t cs = BIOS_SEGMENT;
    uc_reg_write(pc->uc, UC_X86_REG_CS, &cs);
    reg_set(pc, UC_X86_REG_EIP, BIOS_RESET_IP);
    reg_set(pc, UC_X86_REG_EFLAGS, 2);
    return !pc->failed;
}

void pc_destroy(struct pc *pc)
{
    if (pc->uc)
        uc_close(pc->uc);
    free(pc->memory);
    for (unsigned i = 0; i < 3; i++)
        free(pc->media[i].bytes);
}

// ---- what a person sees and does

void pc_screen(struct pc *pc, char *text, size_t size)
{
    unsigned columns = pc->memory[0x44a], rows = pc->memory[0x484] + 1u;
    uint32_t at = VGA_MEMORY_BASE + 0x18000 + (pc->memory[0x44e] | pc->memory[0x44f] << 8);
    size_t n = 0;
    for (unsigned row = 0; row < rows && n + columns + 2 < size; row++) {
        size_t start = n;
        for (unsigned column = 0; column < columns; column++) {
            uint8_t c = (uint8_t)vga_read(&pc->vga, at + 2 * (row * columns + column), 1);
            text[n++] = c >= 0x20 && c < 0x7f ? (char)c : c ? '.' : ' ';
        }
        while (n > start && text[n - 1] == ' ')
            n--;
        text[n++] = '\n';
    }
    text[n] = 0;
}

bool pc_screen_has(struct pc *pc, const char *text)
{
    char screen[PC_TEXT];
    pc_screen(pc, screen, sizeof(screen));
    return strstr(screen, text) != NULL;
}

static bool idle(struct pc *pc)
{
    (void)pc;
    return false;
}

// Scan codes of set 2.
static uint8_t key_code(char c)
{
    static const char keys[] = "abcdefghijklmnopqrstuvwxyz0123456789 \n./\\-;\b";
    static const uint8_t codes[] = {0x1c, 0x32, 0x21, 0x23, 0x24, 0x2b, 0x34, 0x33, 0x43, 0x3b, 0x42,
                                    0x4b, 0x3a, 0x31, 0x44, 0x4d, 0x15, 0x2d, 0x1b, 0x2c, 0x3c, 0x2a,
                                    0x1d, 0x22, 0x35, 0x1a, 0x45, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36,
                                    0x3d, 0x3e, 0x46, 0x29, 0x5a, 0x49, 0x4a, 0x5d, 0x4e, 0x4c, 0x66};
    const char *at = strchr(keys, c);
    return at && c ? codes[at - keys] : 0;
}

void pc_type(struct pc *pc, const char *text)
{
    for (; *text; text++) {
        char c = *text;
        bool shift = isupper((unsigned char)c) || c == ':';
        uint8_t code = key_code(c == ':' ? ';' : (char)tolower((unsigned char)c));
        if (!code)
            continue;
        if (shift)
            i8042_key(&pc->i8042, (const uint8_t[]){0x12}, 1);
        i8042_key(&pc->i8042, &code, 1);
        i8042_key(&pc->i8042, (const uint8_t[]){0xf0, code}, 2);
        if (shift)
            i8042_key(&pc->i8042, (const uint8_t[]){0xf0, 0x12}, 2);
        pc_run(pc, 20, idle);
    }
}

// Unicorn keeps small allocations of its own.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libunicorn";
}
