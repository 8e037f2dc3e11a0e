// SPDX-License-Identifier: MIT
// The VM: its machine, its vCPUs, its life. There is one per process.
#pragma once
#include "lib/sys/channel.h"
#include "lib/sys/root_api.h"
#include "vmm-user/clock.h"
#include "vmm-user/config.h"
#include "vmm-user/firmware.h"
#include "vmm-user/guest_space.h"
#include "vmm-user/load/load.h"
#include "vmm-user/inspect.h"
#include "vmm-user/machine.h"
#include "vmm-user/tally.h"
#include "vmm-user/vcpu.h"

#define VM_VCPUS  1
#define VM_REASON 160

// What other threads (or a device in the middle of an access) ask of the handler.
enum vm_request {
    VM_REQUEST_NONE,
    VM_REQUEST_RESET,
    VM_REQUEST_RESET_CPU, // of the processor alone, if the firmware then returns to the guest; else of everything
    VM_REQUEST_STOP,
    VM_REQUEST_SLEEP,
    VM_REQUEST_PAUSE,
    VM_REQUEST_RESUME,
    VM_REQUEST_LOOK,
    VM_REQUEST_BUTTON, // these ask for what `errand` says
    VM_REQUEST_MOUSE,
    VM_REQUEST_INSERT,
};

// What the main thread asks the handler to do to the machine.
union vm_errand {
    struct {
        int dx, dy, dz;
        unsigned buttons;
    } mouse;
    struct {
        enum media_drive drive;
        struct medium *medium;
    } insert;
};

struct vm {
    struct vm_config config;
    struct guest_mem mem;
    struct guest_space space;
    struct load_file kernel; // mapped boot files
    struct load_module modules[LOAD_MODULES];
    unsigned module_count;
    struct load_entry entry;  // where the guest starts
    uint64_t rsdp;            // its ACPI tables
    struct firmware firmware; // the guest starts in it, or returns there by a reset: entry.mode is LOAD_MODE_16
    struct vm_clock clock;
    struct machine machine;
    struct tally ports, addresses, msr_reads, msr_writes; // what the guest asked for and nobody has
    enum vm_state state;
    char reason[VM_REASON]; // why it stopped
    uint32_t request;       // enum vm_request, atomic
    uint64_t resets;
    struct channel *terminal;      // the guest's serial console; NULL = nobody listens. The handler's
    struct channel *terminal_next; // the main thread connected a new one
    struct inspection inspection;
    union vm_errand errand;
    struct vcpu vcpus[VM_VCPUS];
};

extern struct vm vm;

// Main thread: reads the configuration, takes memory, loads the guest, builds machine and vCPUs. NULL or what is wrong
// (in vm.reason).
const char *vm_create(const char *args);
const char *vm_start(void);

// Handler: puts the kernel into memory again and everything into power-on state.
bool vm_load(char *error);
void vm_reset(bool chips); // false: the processor alone

// Handler: the guest has ended. `text` as `vm list` shows it.
void vm_stop(struct vcpu *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Handler: the processor has shut down. A PC's chipset resets it then; a kernel that was loaded stays where it fell,
// for who looks for the reason.
void vm_shutdown(struct vcpu *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Handler: what ATTENTION_WORK announced. Returns true if the guest begins anew: the whole state is to be replied.
bool vm_work(struct vcpu *v);

// Handler: somebody asked for what is done only at a recall: the vCPU is to be between two instructions, its whole
// state at hand.
bool vm_recall_due(void);

// Handler: waits until the stopped guest is reset.
void vm_wait_reset(struct vcpu *v);

// From any thread.
bool vm_ask_if_idle(enum vm_request request); // false: something else is to be done first
void vm_ask(enum vm_request request);

// The serial console's far end (machine.c calls it for the first UART).
void terminal_put(void *ctx, uint8_t byte);
void terminal_flush(struct vm *vm);

// monitor.c: answers one command; the answer (lines) goes to `out`, returns its length.
size_t monitor_command(const char *line, char *out, size_t size);
