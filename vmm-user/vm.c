// SPDX-License-Identifier: MIT
// The life of the VM: memory, kernel, reset, stop.
#include "vmm-user/vm.h"
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/hypercall.h"
#include "lib/sys/root.h"
#include "lib/sys/thread.h"
#include "vmm-user/exit.h"
#include "vmm-user/layout.h"

#define LOW_MAX (3ull << 30) // RAM below 4 GiB; the rest starts there

struct vm vm;

// 2M extents, all mapped up front: RAM never exits.
static const char *memory_take(uint64_t bytes)
{
    uint64_t low = bytes < LOW_MAX ? bytes : LOW_MAX, high = bytes - low;
    vm.mem = (struct guest_mem){.low = (uint8_t *)VA_GUEST_RAM, .low_size = low};
    if (high) {
        vm.mem.high = (uint8_t *)VA_GUEST_RAM + GUEST_MEM_HIGH_BASE;
        vm.mem.high_size = high;
    }
    if (root_mem_alloc(vm.mem.low, low, MEM_LARGE, NULL) != ROOT_OK ||
        (high && root_mem_alloc(vm.mem.high, high, MEM_LARGE, NULL) != ROOT_OK)) {
        snprintf(vm.reason, sizeof(vm.reason), "no memory: %llu MiB are not free", (unsigned long long)(bytes >> 20));
        return vm.reason;
    }
    if (!guest_space_create(&vm))
        return "the kernel does not map the guest's memory";
    return NULL;
}

static bool file_map(uint64_t va, const char *name, struct load_file *file)
{
    uint64_t size;
    if (root_file_map((void *)va, name, &size) != ROOT_OK)
        return false;
    *file = (struct load_file){name, (const uint8_t *)va, size};
    return true;
}

static const char *config_read(const char *args)
{
    struct load_file file;
    if (!(start_info()->flags & START_CONFIG_FILE))
        return config_parse_args(&vm.config, args, vm.reason) ? NULL : vm.reason;
    char name[CONFIG_FILE];
    snprintf(name, sizeof(name), "%s", args);
    if (!file_map(VA_CONFIG_FILE, name, &file)) {
        snprintf(vm.reason, sizeof(vm.reason), "%s: no such boot file", name);
        return vm.reason;
    }
    return config_parse(&vm.config, name, (const char *)file.data, file.size, vm.reason) ? NULL : vm.reason;
}

// The disks that the configuration names, each a boot file.
static const char *media_map(void)
{
    firmware_create(&vm);
    for (unsigned i = 0; i < MEDIA_DRIVES; i++) {
        const struct media_slot *slot = &media_slots[i];
        const char *name = (const char *)&vm.config + slot->config;
        struct medium *medium;
        if (!name[0])
            continue;
        enum media_error e = media_take(&vm.firmware.media, i, name, &medium);
        if (e == MEDIA_OK && !medium->ram.backend.read_only && !disk_pages_expect(medium->ram.size))
            e = MEDIA_UNFIT;
        if (e == MEDIA_MISSING)
            config_missing_file(&vm.config, slot->key, name, vm.config.disk_line, vm.reason);
        else if (e != MEDIA_OK)
            snprintf(vm.reason, sizeof(vm.reason), "%s '%s' %s", slot->key, name, media_error_text(e));
        if (e != MEDIA_OK)
            return vm.reason;
        firmware_insert(&vm, i, medium);
    }
    return NULL;
}

// "-initrd FILE words,FILE words": one after the other from VA_INITRD_FILE on.
static const char *modules_map(void)
{
    static char texts[CONFIG_INITRD], names[LOAD_MODULES][CONFIG_FILE];
    const char *text[LOAD_MODULES];
    unsigned length[LOAD_MODULES];
    uint64_t va = VA_INITRD_FILE;
    memcpy(texts, vm.config.initrd, sizeof(texts));
    vm.module_count = load_modules_split(texts, text, length, LOAD_MODULES);
    if (vm.module_count > LOAD_MODULES) {
        snprintf(vm.reason, sizeof(vm.reason), "initrd: %u files, %u is the most", vm.module_count, LOAD_MODULES);
        return vm.reason;
    }
    for (unsigned i = 0; i < vm.module_count; i++) {
        struct load_module *m = &vm.modules[i];
        snprintf(names[i], CONFIG_FILE, "%.*s", (int)length[i], text[i]);
        m->text = text[i];
        if (length[i] >= CONFIG_FILE || !file_map(va, names[i], &m->file)) {
            config_missing_file(&vm.config, "initrd", names[i], vm.config.initrd_line, vm.reason);
            return vm.reason;
        }
        va += (m->file.size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    }
    return NULL;
}

static const char *files_map(void)
{
    const struct vm_config *c = &vm.config;
    if (!c->kernel[0])
        return NULL;
    if (!file_map(VA_KERNEL_FILE, c->kernel, &vm.kernel)) {
        config_missing_file(c, "kernel", c->kernel, c->kernel_line, vm.reason);
        return vm.reason;
    }
    return modules_map();
}

static bool load(char *error)
{
    struct load_request request = {.kernel = vm.kernel, .module_count = vm.module_count, .append = vm.config.append};
    memcpy(request.modules, vm.modules, sizeof(request.modules));
    request.rsdp = vm.rsdp = acpi_build(&vm.mem, VM_VCPUS);
    if (!vm.config.kernel[0] || firmware_returns(&vm))
        return firmware_load(&vm);
    firmware_power_on(&vm);
    firmware_screen(&vm, load_is_linux(&vm.kernel) ? load_linux_graphics(vm.config.append) : 0, &request.screen);
    return load_kernel(&vm.mem, &request, &vm.entry, error);
}

// The guest's time begins with its first instruction: none passes while it is loaded.
bool vm_load(char *error)
{
    vm_clock_stop(&vm.clock);
    bool loaded = load(error);
    vm_clock_go(&vm.clock);
    return loaded;
}

const char *vm_create(const char *args)
{
    const struct start_info *info = start_info();
    struct vcpu *v = &vm.vcpus[0];
    const char *error;
    exit_table_init();
    if ((error = config_read(args)) || (error = files_map()) || (error = memory_take(vm.config.memory)) ||
        (error = media_map()))
        return error;
    struct vm_public *public = (struct vm_public *)START_PUBLIC;
    public->guest_memory = vm.config.memory;
    memcpy(public->name, vm.config.name, sizeof(public->name));
    if ((error = vcpu_create(v, &vm, info->cpu)))
        return error;
    vm_clock_init(&vm.clock, info->tsc_hz, info->wall_ns, &v->attention, ATTENTION_DEADLINE);
    cpuid_build(&v->cpuid, cpuid, info->tsc_hz);
    if (!machine_init(&vm))
        return "two devices want the same address";
    if (!vm_load(vm.reason))
        return vm.reason;
    vcpu_reset(v);
    vm.state = VM_RUNNING;
    return NULL;
}

const char *vm_start(void)
{
    return vcpu_start(&vm.vcpus[0]);
}

void vm_ask(enum vm_request request)
{
    __atomic_store_n(&vm.request, request, __ATOMIC_RELEASE);
    vcpu_attend(&vm.vcpus[0], ATTENTION_WORK);
}

void vm_stop(struct vcpu *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(vm.reason, sizeof(vm.reason), format, args);
    va_end(args);
    (void)v;
    vm_ask(VM_REQUEST_STOP);
}

void vm_shutdown(struct vcpu *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(vm.reason, sizeof(vm.reason), format, args);
    va_end(args);
    (void)v;
    vm_ask(vm.config.kernel[0] ? VM_REQUEST_STOP : VM_REQUEST_RESET_CPU);
}

void vm_reset(bool chips)
{
    struct vcpu *v = &vm.vcpus[0];
    char error[LOAD_ERROR];
    vm.resets++;
    if (chips)
        machine_reset(&vm);
    vcpu_reset(v);
    if (!vm_load(error)) {
        vm_stop(v, "%s", error);
        return;
    }
    if (vm.state != VM_RUNNING) {
        vm.state = VM_RUNNING;
        root_vm_state(VM_RUNNING, "");
    }
}

// Registers of a guest that did not end by itself, for who looks for the reason.
static void registers_log(const struct utcb_state *s)
{
    root_log_printf("rip %llx rsp %llx rflags %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx",
                    (unsigned long long)s->rip, (unsigned long long)s->gpr[GPR_RSP], (unsigned long long)s->rflags,
                    (unsigned long long)s->cr0, (unsigned long long)s->cr2, (unsigned long long)s->cr3,
                    (unsigned long long)s->cr4, (unsigned long long)s->efer);
    root_log_printf("rax %llx rcx %llx rdx %llx rbx %llx rbp %llx rsi %llx rdi %llx cs %x ss %x",
                    (unsigned long long)s->gpr[GPR_RAX], (unsigned long long)s->gpr[GPR_RCX],
                    (unsigned long long)s->gpr[GPR_RDX], (unsigned long long)s->gpr[GPR_RBX],
                    (unsigned long long)s->gpr[GPR_RBP], (unsigned long long)s->gpr[GPR_RSI],
                    (unsigned long long)s->gpr[GPR_RDI], s->seg[SEG_CS].sel, s->seg[SEG_SS].sel);
}

void vm_wait_reset(struct vcpu *v)
{
    struct utcb_state state = *v->state; // calls to root use the same page
    terminal_flush(&vm);
    inspect_keep(v, &state);
    vm.state = VM_STOPPED;
    root_vm_state(VM_STOPPED, vm.reason);
    if ((exit_mtd((unsigned)v->event) & MTD_ALL) == MTD_ALL)
        registers_log(&state);
    while (__atomic_exchange_n(&vm.request, VM_REQUEST_NONE, __ATOMIC_ACQ_REL) != VM_REQUEST_RESET)
        sm_take_all(v->halt_sm, 0);
}

bool vm_ask_if_idle(enum vm_request request)
{
    uint32_t none = VM_REQUEST_NONE;
    return __atomic_compare_exchange_n(&vm.request, &none, request, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void terminal_adopt(void)
{
    struct channel *next = __atomic_exchange_n(&vm.terminal_next, NULL, __ATOMIC_ACQ_REL);
    if (next)
        __atomic_store_n(&vm.terminal, next, __ATOMIC_RELEASE);
}

// The guest's time stands still: TSC and timers go on from here. The wall clock does not wait, so that the RTC is
// right.
static void vm_pause(struct vcpu *v)
{
    struct utcb_state state = *v->state; // calls to root use the same page
    uint64_t since = host_tsc();
    uint32_t request;
    terminal_flush(&vm);
    inspect_keep(v, &state);
    vm.state = VM_PAUSED;
    root_vm_state(VM_PAUSED, "");
    inspect_done();
    while ((request = __atomic_load_n(&vm.request, __ATOMIC_ACQUIRE)) == VM_REQUEST_NONE) {
        sm_take_all(v->halt_sm, 0);
        terminal_adopt();
    }
    vm.state = VM_RUNNING;
    root_vm_state(VM_RUNNING, "");
    inspect_done();
    vm.clock.offset -= host_tsc() - since;
    *v->state = state;
    vcpu_attend(v, ATTENTION_TSC | ATTENTION_DEADLINE | ATTENTION_IRQ);
}

static bool at_recall(uint32_t request)
{
    return request == VM_REQUEST_PAUSE || request == VM_REQUEST_LOOK;
}

bool vm_recall_due(void)
{
    return at_recall(__atomic_load_n(&vm.request, __ATOMIC_ACQUIRE));
}

static void press_button(const union vm_errand *e)
{
    (void)e;
    acpi_pm_press_button(&vm.machine.acpi);
}

static void move_mouse(const union vm_errand *e)
{
    i8042_mouse(&vm.machine.i8042, e->mouse.dx, e->mouse.dy, e->mouse.dz, e->mouse.buttons);
}

static void insert_medium(const union vm_errand *e)
{
    machine_insert(&vm, e->insert.drive, e->insert.medium);
}

static void (*const errands[])(const union vm_errand *) = {
    [VM_REQUEST_BUTTON] = press_button, [VM_REQUEST_MOUSE] = move_mouse, [VM_REQUEST_INSERT] = insert_medium};

// Takes what is asked for, and its errand: as soon as nothing is, the main thread may write the next one.
static uint32_t request_take(union vm_errand *errand)
{
    uint32_t request = __atomic_load_n(&vm.request, __ATOMIC_ACQUIRE);
    do
        *errand = vm.errand;
    while (!__atomic_compare_exchange_n(&vm.request, &request, VM_REQUEST_NONE, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE));
    return request;
}

// ACPI S3: nothing runs but time, until the button or the clock's alarm. False: something else ends it.
static bool vm_sleep(struct vcpu *v)
{
    union vm_errand errand;
    terminal_flush(&vm);
    vcpu_log(v, "asleep (S3): its power button or its clock's alarm wakes it");
    for (;; vcpu_sleep(v)) {
        terminal_adopt();
        uint32_t request = request_take(&errand);
        if (request == VM_REQUEST_RESET || request == VM_REQUEST_RESET_CPU || request == VM_REQUEST_STOP) {
            vm_ask(request);
            return false;
        }
        if (request >= VM_REQUEST_BUTTON)
            errands[request](&errand);
        if (request == VM_REQUEST_PAUSE)
            vm_pause(v);
        else if (request != VM_REQUEST_NONE)
            inspect_done();
        vm_clock_run(&vm.clock);
        if (acpi_pm_wakes(&vm.machine.acpi))
            return true;
    }
}

// The processor has been reset; the chips are as the firmware would set them up again. A guest that does not say where
// to go on starts anew.
static void vm_wake(struct vcpu *v)
{
    uint32_t vector = acpi_waking_vector(&vm.mem, vm.rsdp);
    vcpu_log(v, vector ? "awake" : "awake, but it does not say where to go on: reset");
    if (!vector) {
        vm_reset(true);
        return;
    }
    machine_reset_lapic(&vm);
    vcpu_reset(v);
    vm.entry = (struct load_entry){.mode = LOAD_MODE_16, .rip = vector & 15, .cs = (uint16_t)(vector >> 4)};
}

bool vm_work(struct vcpu *v)
{
    union vm_errand errand;
    uint32_t request = request_take(&errand);
    bool again = false;
    terminal_adopt();
    while (request != VM_REQUEST_NONE) {
        if (at_recall(request) && v->event != EVENT_RECALL) {
            if (vm_ask_if_idle(request))
                ctrl_ec(EC_RECALL, v->ec);
            break;
        }
        if (request == VM_REQUEST_PAUSE) {
            vm_pause(v);
        } else if (request == VM_REQUEST_LOOK) {
            inspect_keep(v, v->state);
            inspect_done();
        } else if (request == VM_REQUEST_SLEEP) {
            if (vm_sleep(v)) {
                vm_wake(v);
                again = true;
            }
        } else if (request >= VM_REQUEST_BUTTON) {
            errands[request](&errand);
            inspect_done();
        } else if (request != VM_REQUEST_RESUME) {
            if (request == VM_REQUEST_STOP)
                vm_wait_reset(v);
            vm_reset(request != VM_REQUEST_RESET_CPU || !firmware_returns(&vm));
            again = true;
        }
        request = request_take(&errand);
    }
    machine_input(&vm);
    return again;
}
