// SPDX-License-Identifier: GPL-2.0-only
// The kernel's objects. Each is charged to a PD (its payer) and stays in that PD's list until freed. Capabilities count as
// references; the IPC path takes none: an object is made unreachable first and freed after every CPU has left the kernel once.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "abi/cap.h"
#include "abi/hypercall.h"
#include "abi/status.h"
#include "abi/utcb.h"
#include "lib/ds/list.h"
#include "ukernel/mem.h"

enum kobject_type { KOBJ_NONE, KOBJ_PD, KOBJ_EC, KOBJ_SC, KOBJ_PT, KOBJ_SM, KOBJ_DEAD };

struct pd;

struct kobject {
    uint8_t type;             // enum kobject_type; KOBJ_DEAD once destroyed: then no selector reaches it
    uint32_t refs;            // capability slots that point here
    struct pd *payer;
    struct list owned;        // in payer->objects
};

// obj/capspace.c. A slot is a pointer to a kobject (32-byte aligned) with the permissions in the low five bits; 0 = empty.
struct capspace {
    uint64_t **dir;           // one page of 512 pointers to leaf pages of 512 slots
};

// Small objects of one payer: its own pages, so that each process pays for its own fragmentation (mem/slab.c).
#define SLAB_CLASSES 4
struct slab {
    struct list partial[SLAB_CLASSES], full[SLAB_CLASSES];
};

struct pio_space {
    uint8_t bitmap[8192];     // 1 = denied, as the TSS wants it
};

struct pd {
    struct kobject obj;
    struct capspace caps;
    struct pagetable host;
    uint64_t cr3;             // host.root physical | PCID
    struct pio_space *pio;    // NULL = no ports
    struct pagetable guest;   // format of the virtualisation backend
    uint32_t guest_tag;       // ASID / VPID tag, the backend's own
    uint64_t cpus;            // bitmap: CPUs whose TLB may hold host mappings
    uint64_t guest_cpus;      // and guest mappings
    uint32_t lock;            // spaces and lists
    uint16_t pcid;
    bool is_hw;               // SEL_HW: physical memory and ports
    bool dying;
    struct account account;
    struct pd *parent;
    struct slab slab;
    struct list objects;      // everything charged to this PD
    void *virt;               // the backend's per-VM data (MSR bitmap choices ...), or NULL
    uint64_t child_pages;     // limit handed to children
};

// User registers as the entry stubs save them (cpu/entry.asm; keep with offsets.inc).
struct regs {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

struct ec;
typedef void (*continuation)(struct ec *) __attribute__((noreturn));

struct timeout {
    struct list node;         // in cpu->timeouts, by deadline
    uint64_t deadline;        // TSC
    void (*fire)(struct timeout *);
};

struct ec {
    struct kobject obj;
    continuation cont;        // how it goes on when it is next dispatched
    union utcb *utcb;         // kernel address; NULL for a vCPU
    struct ec *caller;        // whose call it serves; NULL = idle local EC or a thread
    struct ec *partner;       // whom it called and waits for
    struct ec *helping;       // busy EC that it wants to call: its SC runs that one meanwhile
    struct pd *pd;
    struct regs regs;
    uint64_t cr2;             // of the last page fault
    uint64_t entry_sp;        // local: stack pointer at every entry
    uint64_t utcb_addr;       // where it is mapped in the PD
    uint64_t words;           // result of ipc_call, arguments of a retried one
    uint64_t retry_portal;
    uint32_t cpu;
    uint32_t event_base;
    uint8_t type;             // enum ec_type
    bool fpu;                 // may use vector registers
    bool helped;              // somebody helps it: a reply must look who runs next
    bool blocked;             // waits for a semaphore
    bool stopped;             // never runs again
    volatile bool recall;     // vCPU: exit before the next instruction
    enum status wake_status;
    uint64_t wake_value;
    struct sc *sc;            // its own SC; NULL = local
    struct list waiting_scs;  // SCs that wait for it to unblock
    struct sm *sm;            // semaphore it waits for
    struct list sm_node;
    struct list inbox_node;
    struct list callers;      // ECs that helping/partner point here are found through their own fields; this list holds helpers
    struct timeout timeout;
    void *fpu_state;          // XSAVE area
    struct vcpu *vcpu;        // the backend's part
};

struct sc {
    struct kobject obj;
    struct ec *ec;
    struct list node;         // ready queue or an EC's waiting_scs
    uint64_t quantum, left;   // TSC ticks
    uint64_t used;            // TSC ticks consumed
    uint32_t cpu;
    uint8_t prio;
    bool queued;
};

struct pt {
    struct kobject obj;
    struct ec *ec;
    uint64_t ip, id;
    uint32_t mtd;
};

struct sm {
    struct kobject obj;
    uint32_t lock;
    uint64_t count;
    struct list waiters;      // ECs
    int32_t gsi;              // interrupt that is delivered here, -1 = none
    bool masked;              // the line waits to be unmasked by the next down
};
