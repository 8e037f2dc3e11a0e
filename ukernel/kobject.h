// SPDX-License-Identifier: MIT
// The kernel's objects. Each is charged to a PD (its payer) and stays in that PD's list until it is freed. `refs`
// counts what keeps the memory: capability slots, portals and SCs that point to an EC, objects that are charged to a
// PD, and whoever works on one across a cross_call. Who takes the last reference away frees the object, and nobody gets
// one any more (kobject_get). A PD must also be stripped: until then it lives on in its parent's list. The IPC path
// takes no reference: an object is made unreachable first and freed after every CPU has left the kernel once
// (cross_barrier).
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
    uint8_t type; // enum kobject_type; KOBJ_DEAD once destroyed: no selector reaches it then
    uint8_t was;  // its type before it died
    uint32_t refs;
    struct pd *payer;
    struct list owned; // in payer->objects
};

// A slot is a pointer to a kobject (32-byte aligned) with the permissions in the low five bits; 0 = empty.
#define CAP_LEAF   512
#define CAP_BUDGET 64 // capabilities moved or dropped per hypercall
struct capspace {
    uint64_t **dir; // one page of 512 pointers to leaf pages of 512 slots
};

// Small objects of one payer come from its own pages, so that each process pays for its own fragmentation (mem/slab.c).
#define SLAB_CLASSES 5 // 64, 128, 256, 512, 1024 bytes
struct slab {
    struct list partial[SLAB_CLASSES];
};

struct pio_space {
    uint64_t words[1024]; // a bit for each port, 1 = denied, as the TSS wants it
};

#define PD_DEPTH 3
struct pd {
    struct kobject obj;
    struct capspace caps;
    struct pagetable host;
    uint64_t cr3;           // host.root physical | PCID
    uint64_t cr3_load;      // the same, with bit 63 (keep the TLB) where the PCID is its own
    struct pio_space *pio;  // NULL = no ports
    struct pagetable guest; // format of the virtualisation backend
    uint32_t guest_tag;     // ASID / VPID, the backend's own; 0 = none yet
    uint64_t cpus;          // bitmap: CPUs whose TLB may hold host mappings
    uint64_t guest_cpus;    // and guest mappings
    uint32_t lock;          // spaces and lists
    uint16_t pcid;
    bool is_hw;    // SEL_HW: physical memory and ports
    bool special;  // has ports: more to do when it is switched to
    bool ready;    // its creation is over
    bool dying;    // being destroyed: takes nothing new
    bool busy;     // a CPU does a step of that
    bool left;     // being destroyed: no CPU uses its spaces any more
    bool stripped; // destroyed; stays while it has references
    uint8_t depth; // ancestors; bounded by PD_DEPTH since destruction recurses
    struct account account;
    struct pd *parent; // its account gets back what this one was given
    struct slab slab;
    struct list objects; // everything charged to this PD
    struct list zombies; // destroyed, but capabilities of others still point there
    void *virt;          // the backend's per-VM data, or NULL
};

// User registers as the entry stubs save them (cpu/entry.asm, offsets.inc).
struct regs {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

struct ec;
typedef void (*continuation)(struct ec *) __attribute__((noreturn));

struct timeout {
    struct timeout *up, *left, *right; // in the heap of cpu->timeouts
    uint64_t rank;                     // 0 = not set
    uint64_t deadline;                 // TSC
    void (*fire)(struct timeout *);
};

struct ec {
    struct kobject obj;
    continuation cont; // how it goes on when it is next dispatched
    union utcb *utcb;  // kernel address; NULL for a vCPU
    struct ec *caller; // whose call it serves; NULL = idle (local) or a thread; EC_NOBODY = nobody waits for the answer
    struct ec *partner; // whom it called and waits for
    struct ec *helping; // busy EC that it wants to call: its SC runs that one meanwhile
    struct pd *pd;
    struct regs regs;   // offset EC_REGS
    uint64_t cr2;       // of the last page fault
    uint64_t entry_sp;  // local: stack pointer at every entry
    uint64_t utcb_addr; // where its page is mapped in the PD
    uint64_t retry[2];  // arguments of a call that waits for a busy EC: portal or event, words
    uint32_t cpu;
    uint32_t event_base;
    uint8_t type;            // enum ec_type
    bool blocked;            // waits for a semaphore
    bool stopped;            // never runs again
    volatile bool recall;    // vCPU: exit before the next instruction
    struct sc *sc;           // its own SC; NULL = local or none yet
    struct list waiting_scs; // SCs that wait for it to unblock
    struct list helpers;     // ECs that help it: its reply must look who runs next
    struct list help_node;   // in helping->helpers
    struct sm *sm;           // semaphore in whose queue it is, guarded by that semaphore's lock
    struct list sm_node;
    struct list inbox_node;
    struct timeout timeout;
    struct vcpu *vcpu;   // the backend's part
    void *vector;        // XSAVE area of a vCPU and of an EC with EC_FPU; NULL = it may not touch vector registers
    uint64_t xcr0;       // in force while the registers hold that state
    void *vcpu_pages[2]; // virtual-APIC page, statistics
    bool stats_mapped;
};

extern struct ec ec_nobody;
#define EC_NOBODY (&ec_nobody)

struct sc {
    struct kobject obj;
    struct ec *ec;
    struct list node;       // ready queue or an EC's waiting_scs
    uint64_t quantum, left; // TSC ticks
    uint64_t used;          // TSC ticks consumed
    struct list inbox_node;
    uint32_t cpu;
    uint8_t prio;
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
    struct list waiters; // ECs
    int32_t gsi;         // interrupt that is delivered here, -1 = none
    bool masked;         // the line waits to be unmasked by the next down
};

// mem/slab.c
void slab_init(struct slab *s);
void *slab_alloc(struct pd *payer, size_t size); // zeroed; NULL = the account is exhausted
void slab_free(struct pd *payer, void *object, size_t size);

// obj/kobject.c
#define REAP_MAX  32
#define REAP_WORK 32
#define REAP_EC   16                    // work that an EC is; a semaphore is 1
struct reap {                           // objects to destroy together, since it takes a barrier over all CPUs
    struct kobject *list[2 * REAP_MAX]; // what goes with REAP_MAX objects: their ECs, their payers
    unsigned count, work;
    bool held; // with a reference to each, dropped when they are destroyed
};
static inline bool reap_full(const struct reap *r)
{
    return r->count >= REAP_MAX || r->work >= REAP_WORK;
}
void *kobject_new(struct pd *payer, enum kobject_type type, size_t size, enum status *st); // without references
bool kobject_get(struct kobject *o);                  // one reference more, unless there is none left
void kobject_drop(struct kobject *o, struct reap *r); // one less; who drops the last has it on the list
void kobject_put(struct kobject *o);                  // drop and reap
void kobject_reap(struct reap *r);                    // destroy all on the list, free those without references
enum status pd_destroy_step(struct pd *pd);           // ST_AGAIN until nothing is left

// obj/capspace.c
static inline struct kobject *cap_slot(struct pd *pd, uint64_t sel, unsigned *perms)
{
    if (sel >= CAP_SELECTORS)
        return NULL;
    uint64_t *leaf = pd->caps.dir[sel / CAP_LEAF];
    if (!leaf)
        return NULL;
    uint64_t slot = leaf[sel % CAP_LEAF];
    *perms = slot & PERM_ALL;
    return (struct kobject *)(slot & ~(uint64_t)PERM_ALL);
}

static inline void *cap_lookup(struct pd *pd, uint64_t sel, enum kobject_type type, unsigned perm)
{
    unsigned perms;
    struct kobject *o = cap_slot(pd, sel, &perms);
    return o && o->type == type && (perms & perm) == perm ? o : NULL;
}

bool cap_free(struct pd *pd, uint64_t sel);                                             // in range and empty
enum status cap_insert(struct pd *pd, uint64_t sel, struct kobject *o, unsigned perms); // takes pd->lock
struct kobject *cap_remove(struct pd *pd, uint64_t sel); // takes pd->lock; the caller drops the reference
enum status cap_copy(struct pd *dst, uint64_t dst_base, struct pd *src, uint64_t src_base, uint64_t count,
                     unsigned mask, uint64_t *done);

// obj/pd.c
void pd_boot(void); // the machine (SEL_HW) and the pool of PCIDs
extern struct pd pd_hw;
struct pd *pd_create(struct pd *parent, uint64_t pages, enum status *st); // with a reference that is the caller's
void pd_settle(struct pd *pd); // if it is stripped: give what is not in use back to the parent
void pd_strip(struct pd *pd);  // last step of its destruction
enum status pd_map(enum pd_op op, struct pd *dst, uint64_t dst_base, struct pd *src, uint64_t src_base, uint64_t count,
                   uint32_t rights, uint64_t *done);
enum status pd_unmap(enum pd_op op, struct pd *dst, uint64_t base, uint64_t count, uint64_t *done);
enum status pd_map_ports(struct pd *dst, uint64_t dst_base, struct pd *src, uint64_t src_base, uint64_t count,
                         uint64_t *done);
enum status pd_map_page(struct pd *pd, uint64_t va, void *page, uint32_t rights); // a page of the kernel's
void pd_unmap_page(struct pd *pd, uint64_t va);

// obj/ec.c
struct ec *ec_create(struct pd *pd, unsigned type, unsigned cpu, uint64_t utcb, uint64_t event_base, enum status *st);
void ec_stop(struct ec *ec); // on its CPU: it never runs again; whoever waits for it is told
void ec_free(struct ec *ec);
struct sc *sc_create(struct pd *payer, struct ec *ec, unsigned prio, uint64_t quantum, enum status *st);
void sc_stop(struct sc *sc); // on its CPU

// obj/sm.c
struct sm *sm_create(struct pd *payer, uint64_t count, enum status *st);
enum status sm_up(struct sm *sm);
void sm_abort(struct sm *sm); // wake all with ST_ABORTED, detach its interrupt
void sm_leave(struct ec *ec); // take a waiting EC out of its queue
void sm_interrupt(unsigned gsi);
enum status sm_assign(struct sm *sm, unsigned gsi, unsigned cpu, uint32_t flags);
