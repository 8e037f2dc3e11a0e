// SPDX-License-Identifier: MIT
// Tests of the kernel from outside: a program that the kernel starts as its first process, in root's place.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/cap.h"
#include "abi/hip.h"
#include "abi/hypercall.h"
#include "abi/layout.h"
#include "abi/utcb.h"
#include "lib/sys/hypercall.h"
#include "lib/sys/thread.h"

#define HIP ((const struct hip *)ROOT_HIP)

struct test {
    const char *name;
    void (*run)(void);
};

// Tables of tests, one per file, in the order in which they run; ended by an empty entry. That of the local APIC comes
// before any that runs a vCPU on another CPU.
// clang-format off
#define TEST_TABLES(TABLE)                                                                                             \
    TABLE(caps) TABLE(status) TABLE(ipc) TABLE(sm) TABLE(mem) TABLE(life) TABLE(fpu) TABLE(sched) TABLE(latency)       \
    TABLE(smp) TABLE(race) TABLE(dying) TABLE(crowd) TABLE(vcpu_exits) TABLE(vcpu_apic) TABLE(vcpu_events)             \
    TABLE(vcpu_time) TABLE(vcpu_memory) TABLE(vcpu_registers) TABLE(vcpu_entry) TABLE(vcpu_hostile) TABLE(fuzz)
// clang-format on
#define TEST_TABLE(name) extern const struct test tests_##name[];
TEST_TABLES(TEST_TABLE)
#undef TEST_TABLE

extern const char *current_test;
extern bool failed, skipped;
void ktest_setup(void);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void check_failed(const char *file, int line, const char *what, uint64_t a, uint64_t b);
#define CHECK(x)                                                                                                       \
    do {                                                                                                               \
        if (!(x))                                                                                                      \
            check_failed(__FILE__, __LINE__, #x, 0, 0);                                                                \
    } while (0)
#define CHECK_EQ(a, b)                                                                                                 \
    do {                                                                                                               \
        uint64_t a_ = (a), b_ = (b);                                                                                   \
        if (a_ != b_)                                                                                                  \
            check_failed(__FILE__, __LINE__, #a " == " #b, a_, b_);                                                    \
    } while (0)
void skip(const char *why); // the test at hand does not apply to this machine

static inline uint64_t tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

// Under QEMU time runs on while the host takes the CPU from us: how much work was done in a time says little. (Bochs:
// 100 MHz.)
static inline bool tsc_is_the_hosts(void)
{
    return HIP->tsc_hz > 1000000000;
}

static inline uint64_t after_ms(uint64_t ms)
{
    return tsc() + HIP->tsc_hz / 1000 * ms;
}

// The number behind `name` on the kernel's command line.
uint64_t option(const char *name, uint64_t otherwise);

// Selectors: a test takes fresh ones and gives them back by drop().
uint64_t sels(unsigned count);
void drop(uint64_t first, unsigned count); // unmap_obj, all the way
void destroy_pd(uint64_t sel);             // PD_DESTROY until done, then drop the capability
uint64_t kernel_used(void);                // pages of our account in use
uint64_t free_pages(void);                 // of the kernel's pool

// test_fpu.c: a thread that fills and checks vector registers, at the priority of vCPUs
void fpu_beside_start(unsigned cpu);
void fpu_beside_end(void);

// Memory: pages of RAM that nobody else has. ktest_recycle() goes back to the memory, windows and selectors of the last
// ktest_mark(): for tests that repeat a whole life and compare what is left.
void ktest_mark(void);
void ktest_recycle(void);
uint64_t phys_take(uint64_t pages, uint64_t align);
void map_self(uint64_t va, uint64_t phys, uint64_t pages, uint64_t rights);
void unmap_self(uint64_t va, uint64_t pages);

// A thread or handler of ours on a fresh stack. `slot` < 64 chooses the stack window.
#define STACK_SLOTS 64
struct thread *slot_thread(unsigned slot, unsigned cpu);
uint64_t spawn(unsigned slot, unsigned cpu, unsigned prio, thread_entry entry,
               void *arg);                                                   // -> first of 2 selectors: EC, SC
uint64_t handler(unsigned slot, unsigned cpu);                               // -> selector of a local EC
uint64_t portal(uint64_t ec, portal_entry entry, uint64_t id, uint64_t mtd); // -> selector

#define CHILD_UTCB 0x61000000ul // where a child's UTCBs are, a page each

// A child PD with the same program at the same addresses (its own data), `pages` of our account, `perms` on itself.
struct child {
    uint64_t pd;     // selector
    unsigned stacks; // used
};
void child_create(struct child *c, uint64_t pages, uint64_t perms);
struct thread *
child_thread(struct child *c,
             unsigned cpu); // a stack in the child; the struct as seen from us; call child_sp for its address there
uint64_t child_spawn(struct child *c, unsigned cpu, unsigned prio, thread_entry entry,
                     void *arg);                       // -> 2 selectors: EC, SC
uint64_t child_handler(struct child *c, unsigned cpu); // -> selector of a local EC of the child
void give(struct child *c, uint64_t to, uint64_t from, uint64_t count,
          uint64_t perms); // copy our capabilities to the child
