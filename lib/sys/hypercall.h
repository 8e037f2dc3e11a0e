// SPDX-License-Identifier: MIT
// Stubs of all hypercalls, made from include/abi/hypercalls.def: `struct hc_result NAME(uint64_t a1, ...)` with as many
// arguments as the list names. All inline: a hypercall costs its argument moves and one call of the kernel's stub page.
#pragma once
#include <stdint.h>
#include "abi/hypercall.h"
#include "abi/layout.h"
#include "abi/status.h"

struct hc_result {
    enum status status;
    uint64_t value; // where the list names one
};

extern void (*const hypercall_page)(void);

static inline struct hc_result hc_raw2(uint64_t number, uint64_t rdi, uint64_t rsi)
{
    uint64_t status = number;
    __asm__ volatile("call *%[page]"
                     : "+a"(status), "+D"(rdi), "+S"(rsi)
                     : [page] "m"(hypercall_page)
                     : "memory", "cc", "rcx", "rdx", "r8", "r9", "r10", "r11");
    return (struct hc_result){(enum status)status, rsi};
}

static inline struct hc_result hc_raw1(uint64_t number, uint64_t rdi)
{
    uint64_t status = number, rsi;
    __asm__ volatile("call *%[page]"
                     : "+a"(status), "+D"(rdi), "=S"(rsi)
                     : [page] "m"(hypercall_page)
                     : "memory", "cc", "rcx", "rdx", "r8", "r9", "r10", "r11");
    return (struct hc_result){(enum status)status, rsi};
}

static inline struct hc_result hc_raw3(uint64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx)
{
    uint64_t status = number;
    __asm__ volatile("call *%[page]"
                     : "+a"(status), "+D"(rdi), "+S"(rsi), "+d"(rdx)
                     : [page] "m"(hypercall_page)
                     : "memory", "cc", "rcx", "r8", "r9", "r10", "r11");
    return (struct hc_result){(enum status)status, rsi};
}

static inline struct hc_result hc_raw6(uint64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t a4,
                                       uint64_t a5, uint64_t a6)
{
    uint64_t status = number;
    register uint64_t r10 __asm__("r10") = a4;
    register uint64_t r8 __asm__("r8") = a5;
    register uint64_t r9 __asm__("r9") = a6;
    __asm__ volatile("call *%[page]"
                     : "+a"(status), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9)
                     : [page] "m"(hypercall_page)
                     : "memory", "cc", "rcx", "r11");
    return (struct hc_result){(enum status)status, rsi};
}

// An argument named `_` in the list is not there: count those that are, and define a stub of that arity.
#define HC_PASTE_(a, b)            a##b
#define HC_PASTE(a, b)             HC_PASTE_(a, b)
#define HC_ABSENT__                ~, 1
#define HC_SECOND(a, b, ...)       b
#define HC_PROBE(...)              HC_SECOND(__VA_ARGS__, 0, 0)
#define HC_IS_ABSENT(a)            HC_PROBE(HC_PASTE_(HC_ABSENT_, a))
#define HC_ARITY_000000            6
#define HC_ARITY_000001            5
#define HC_ARITY_000011            4
#define HC_ARITY_000111            3
#define HC_ARITY_001111            2
#define HC_ARITY_011111            1
#define HC_BITS_(a, b, c, d, e, f) HC_ARITY_##a##b##c##d##e##f
#define HC_BITS(a, b, c, d, e, f)  HC_BITS_(a, b, c, d, e, f)
#define HC_ARITY(a1, a2, a3, a4, a5, a6)                                                                               \
    HC_BITS(HC_IS_ABSENT(a1), HC_IS_ABSENT(a2), HC_IS_ABSENT(a3), HC_IS_ABSENT(a4), HC_IS_ABSENT(a5), HC_IS_ABSENT(a6))

#define HC_STUB_1(name, a1, ...)                                                                                       \
    static inline struct hc_result name(uint64_t a1)                                                                   \
    {                                                                                                                  \
        return hc_raw1(HC_##name, a1);                                                                                 \
    }
#define HC_STUB_2(name, a1, a2, ...)                                                                                   \
    static inline struct hc_result name(uint64_t a1, uint64_t a2)                                                      \
    {                                                                                                                  \
        return hc_raw2(HC_##name, a1, a2);                                                                             \
    }
#define HC_STUB_3(name, a1, a2, a3, ...)                                                                               \
    static inline struct hc_result name(uint64_t a1, uint64_t a2, uint64_t a3)                                         \
    {                                                                                                                  \
        return hc_raw3(HC_##name, a1, a2, a3);                                                                         \
    }
#define HC_STUB_4(name, a1, a2, a3, a4, ...)                                                                           \
    static inline struct hc_result name(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)                            \
    {                                                                                                                  \
        return hc_raw6(HC_##name, a1, a2, a3, a4, 0, 0);                                                               \
    }
#define HC_STUB_5(name, a1, a2, a3, a4, a5, ...)                                                                       \
    static inline struct hc_result name(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)               \
    {                                                                                                                  \
        return hc_raw6(HC_##name, a1, a2, a3, a4, a5, 0);                                                              \
    }
#define HC_STUB_6(name, a1, a2, a3, a4, a5, a6)                                                                        \
    static inline struct hc_result name(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6)  \
    {                                                                                                                  \
        return hc_raw6(HC_##name, a1, a2, a3, a4, a5, a6);                                                             \
    }
#define HYPERCALL(number, name, a1, a2, a3, a4, a5, a6, what)                                                          \
    HC_PASTE(HC_STUB_, HC_ARITY(a1, a2, a3, a4, a5, a6))(name, a1, a2, a3, a4, a5, a6)
#include "abi/hypercalls.def"
#undef HYPERCALL

// The last thing a portal's handler does: the next call starts it afresh at its entry, so nothing need be kept.
_Noreturn static inline void ipc_return(uint64_t mtd_or_words)
{
    __asm__ volatile("jmp *%[page]" : : "a"(HC_ipc_reply), "D"(mtd_or_words), [page] "m"(hypercall_page) : "memory");
    __builtin_unreachable();
}

// `arg` of ctrl_pd: how many, and with what rights or permissions.
static inline uint64_t pd_arg(uint64_t count, uint64_t rights)
{
    return count | rights << 56;
}

static inline enum status sm_up(uint64_t sm)
{
    return ctrl_sm(SM_OP_UP, sm, 0).status;
}

static inline enum status sm_down(uint64_t sm, uint64_t deadline)
{
    return ctrl_sm(SM_OP_DOWN, sm, deadline).status;
}

// Take all that came in; waits until something comes or the deadline (absolute TSC; 0 = for ever, 1 = not at all)
// passes.
static inline struct hc_result sm_take_all(uint64_t sm, uint64_t deadline)
{
    return ctrl_sm(SM_OP_TAKE_ALL, sm, deadline);
}
