// SPDX-License-Identifier: MIT
// Executes one guest instruction: registers in the UTCB, memory through the guest's segments and page tables to RAM or
// to the VMM's devices. Pure code; one struct insn_cpu per vCPU.
#pragma once

#include "abi/utcb.h"
#include "vmm-user/device.h"
#include "vmm-user/guest_walk.h"
#include "vmm-user/insn/decode.h"

enum insn_result {
    INSN_DONE,        // executed; RIP is at the next instruction
    INSN_FAULT,       // inject cpu->fault; no register has changed but those of completed REP iterations
    INSN_RETRY,       // run the guest again at the same RIP: a long REP goes on, or a device asked for it
    INSN_STATE,       // the state must have cpu->wanted (cpu->has says so), then again; nothing has changed
    INSN_UNSUPPORTED, // not ours to execute: cpu->reason says why; nothing has changed
};

struct insn_fault {
    uint8_t vector; // enum exception
    bool has_error;
    uint32_t error;
    uint64_t cr2; // for #PF: the VMM writes it to state->cr2
};

// Devices. `size` is 1, 2, 4 or 8 (ports: at most 4). A read stores its value zero-extended. Returns INSN_DONE, or what
// the instruction shall end with: then the access must have had no effect.
typedef enum insn_result insn_access(void *context, uint64_t address, unsigned size, bool write, uint64_t *value);

// The same for many elements in one page of a device, by a REP; may be NULL. False: not together, nothing has happened.
typedef bool insn_block(void *context, const struct io_block *block);

// What the exit already knows: the processor translated `gla` to `gpa` just now, for a write too if `write`, and `gpa`
// belongs to a device. Set by the VMM before the call where hardware tells (VMX: exit qualification bits 7 and 8 both
// set, `write` from bit 1); cleared by the call. SVM tells `gpa` alone (`gpa_only`): that is enough for an instruction
// with one operand in memory, if the offsets in the page agree.
struct insn_hint {
    bool valid, write;
    uint64_t gla, gpa;
    bool gpa_only;
};

enum { INSN_CACHE_ENTRIES = 128, INSN_CACHE_BYTES = 16 };

// What insn_run knows of a decoded instruction ahead of time.
struct insn_quick {
    uint8_t kind;           // enum quick_kind
    uint8_t dst, src;       // registers: bytes from gpr[0] on
    uint64_t mask, changed; // ones for the operand's size; for what a result changes of a register
    uint64_t address_mask;  // ones for the address size
    uint64_t (*function)(uint64_t dst, uint64_t src, uint64_t third, unsigned size, uint64_t *rflags); // NULL: none
};

// Decoded instructions, found by RIP and trusted only if mode and bytes are the same: never stale. Zeroed is empty.
struct insn_cache {
    struct insn_cache_entry {
        _Alignas(128) uint64_t bytes[2]; // the instruction
        uint64_t mask[2];                // ones for its length
        unsigned mode_key;               // enum insn_mode + 1
        struct insn insn;
        struct insn_quick quick;
    } entries[INSN_CACHE_ENTRIES];
    struct guest_walk_cache walks; // of code and data pages
};

struct insn_cpu {
    // Set once by the VMM.
    struct utcb_state *state; // needs GPR, RIP, RFLAGS, CR, EFER and the segments; changes GPR, RIP, RFLAGS
    const struct guest_mem *ram;
    uint64_t hole_first, hole_end; // [first, end) below ram->low_size: data accesses go to mmio all the same (VGA, ROM)
    struct insn_cache *cache;
    insn_access *mmio, *port;
    insn_block *block;
    void *context;
    const uint32_t *attention; // not 0: a REP pauses between two elements, as for an interrupt; may be NULL
    uint8_t max_phys;          // as in struct guest_paging
    uint64_t gate;             // as there; when it changes, cache->walks must be emptied
    uint32_t pkru;
    uint8_t vector; // enum vector_flag: SSE4, AVX, AVX2 are there

    struct insn_hint hint; // set for each exit
    bool watch;            // data breakpoints are looked at: the state has the debug registers
    uint32_t has;          // MTD groups beyond the ones that are always there

    // Out.
    uint8_t hits;  // data breakpoints, a bit for each; cleared by the VMM
    bool accessed; // set by mmio, port and block for insn_run
    struct insn_fault fault;
    const char *reason;              // of INSN_UNSUPPORTED
    uint32_t wanted;                 // of INSN_STATE: MTD groups
    uint32_t changed;                // groups beyond GPR, RIP, status flags: set by what was done, cleared by the VMM
    bool blocks;                     // SS was loaded: nothing comes before the next instruction; as above
    uint8_t bytes[INSN_CACHE_BYTES]; // of an instruction that insn_fetch could not decode, for the log
    uint8_t byte_count;
};

// Mode of the code segment.
enum insn_mode insn_mode_of(const struct utcb_state *state);

// Fetches and decodes the instruction at CS:RIP. On INSN_DONE *in is good until the next fetch of this vCPU.
enum insn_result insn_fetch(struct insn_cpu *cpu, const struct insn **in);

// Executes it. A privileged instruction is not executed but INSN_UNSUPPORTED; port instructions are executed without a
// look at IOPL and the I/O bitmap, which the processor checked before the exit. REP stops with INSN_RETRY after 4096
// iterations or when somebody wants attention; with TF it ends after one, RIP still at it.
enum insn_result insn_execute(struct insn_cpu *cpu, const struct insn *in);

// Both.
enum insn_result insn_emulate(struct insn_cpu *cpu);

// Goes on behind an instruction of 16- or 32-bit code that was executed: ends after `most` instructions that accessed
// devices (true), `idle` in a row that did not, when somebody wants attention after one that did, behind one that
// sets cpu->changed, or before one that does not succeed, which is left to the guest (false). Without `ports`, port
// instructions are of those. The VMM sees to breakpoints, single steps and shadows.
bool insn_run(struct insn_cpu *cpu, unsigned most, unsigned idle, bool ports);
