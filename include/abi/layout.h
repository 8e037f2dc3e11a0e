// SPDX-License-Identifier: MIT
// Addresses that every process can rely on.
#pragma once

#define PAGE_SIZE  0x1000ul
#define PAGE_SHIFT 12
#define LARGE_SIZE 0x200000ul

#define USER_END 0x7f8000000000ul // host-memory space of a process: [PAGE_SIZE, USER_END)
#define HYPERCALL_PAGE                                                                                                 \
    0x7fffffffe000ul // the kernel's stub: `call HYPERCALL_PAGE` (saves the return address on the stack)
#define ROOT_HIP       0x7f7ffffff000ul // root alone: the hypervisor information page (read-only)
#define ROOT_UTCB      0x7f7fffffe000ul // root alone: UTCB of its first thread
#define ROOT_STACK_TOP 0x7f7fffff0000ul // root alone: 16 pages of stack below
