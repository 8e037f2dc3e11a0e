// SPDX-License-Identifier: MIT
// Exits by event number: those of the CPU's vendor, and those that every vCPU has.
#include "abi/hip.h"
#include "lib/sys/root.h"
#include "vmm-user/exit.h"

#define EVENT_MTD (MTD_RIP | MTD_RFLAGS | MTD_STATE | MTD_INJ)

static const struct {
    struct exit_entry entry;
    const char *name;
} neutral[EVENT_COUNT - EVENT_TIMER] = {
    [EVENT_TIMER - EVENT_TIMER] = {{exit_timer, EVENT_MTD}, "timer"},
    [EVENT_FAILED - EVENT_TIMER] = {{exit_failed, MTD_ALL}, "failed entry"},
    [EVENT_STARTUP - EVENT_TIMER] = {{exit_startup, MTD_ALL}, "start"},
    [EVENT_RECALL - EVENT_TIMER] = {{exit_event, MTD_ALL}, "recall"},
};

static const struct exit_backend *backend = &exit_backend_vmx;
exit_handler exit_handlers[EVENT_COUNT];

static const struct exit_entry *entry_of(unsigned event)
{
    return event < EVENT_TIMER ? &backend->entries[event] : &neutral[event - EVENT_TIMER].entry;
}

void exit_table_init(void)
{
    backend = start_info()->virt & HIP_VIRT_SVM ? &exit_backend_svm : &exit_backend_vmx;
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        exit_handlers[i] = entry_of(i)->handle ? entry_of(i)->handle : exit_unsupported;
}

void exit_memory_by(exit_handler handler)
{
    exit_handlers[backend->memory] = handler ? handler : backend->entries[backend->memory].handle;
}

uint64_t exit_memory(struct vcpu *v, struct utcb_state *s)
{
    return backend->entries[backend->memory].handle(v, s);
}

bool exit_comes(unsigned event)
{
    return event < EVENT_COUNT && entry_of(event)->handle;
}

uint64_t exit_mtd(unsigned event)
{
    return entry_of(event)->mtd;
}

const char *exit_name(unsigned event)
{
    const char *name = event >= EVENT_COUNT  ? NULL
                       : event < EVENT_TIMER ? backend->names[event]
                                             : neutral[event - EVENT_TIMER].name;
    return name ? name : "unknown";
}
