// SPDX-License-Identifier: MIT
// For tests of the kernel's memory code on the host: a pool of ordinary memory, and what that code calls of the kernel.
#pragma once
#include <stdarg.h>
#include <stdlib.h>
#include "tests/unit/cmocka_all.h"
#include "ukernel/platform.h"

static jmp_buf panic_jump;
static bool panic_expected;

_Noreturn void panic(const char *format, ...)
{
    (void)format;
    if (!panic_expected)
        abort();
    panic_expected = false;
    longjmp(panic_jump, 1);
}

void klog(const char *format, ...)
{
    (void)format;
}

// True if the statement panics.
#define PANICS(statement) (panic_expected = true, setjmp(panic_jump) ? true : ((statement), panic_expected = false))

__attribute__((unused)) static void *pool_make(uint64_t pages)
{
    void *memory = aligned_alloc(LARGE_SIZE, pages * PAGE_SIZE);
    pool_add((uint64_t)memory - DIRECT_BASE, pages);
    return memory;
}
