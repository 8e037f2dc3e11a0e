// SPDX-License-Identifier: MIT
// What offsets.inc says to assembly is what the compiler does.
#include <stddef.h>
#include "ukernel/cpu.h"
#include "ukernel/kobject.h"
#include "ukernel/percpu.h"

_Static_assert(offsetof(struct cpu, current) == 0, "CPU_CURRENT");
_Static_assert(offsetof(struct cpu, need_resched) == 8, "CPU_RESCHED");
_Static_assert(CPU_AREA == 0xffffffffa0000000 && CPU_BLOCK == 0x4000 && CPU_OFFSET == 0x3000 && MAX_CPUS == 64,
               "CPU blocks");
_Static_assert(offsetof(struct ec, regs) == 80, "EC_REGS");
_Static_assert(offsetof(struct regs, r15) == 0 && offsetof(struct regs, r12) == 24 &&
                   offsetof(struct regs, rsi) == 72 && offsetof(struct regs, rbp) == 80 &&
                   offsetof(struct regs, rbx) == 88 && offsetof(struct regs, rax) == 112 &&
                   offsetof(struct regs, rip) == 136 && offsetof(struct regs, rsp) == 160,
               "REGS_*");
_Static_assert(SEL_KCODE == 0x08 && SEL_KDATA == 0x10 && SEL_UCODE == 0x2b && SEL_UDATA == 0x33, "selectors");
_Static_assert(HYPERCALL_PAGE == 0x7fffffffe000 && HC_COUNT == 14 && HC_ipc_reply == 1 && ST_BAD_HYP == 3, "ABI");
_Static_assert(sizeof(struct ec) <= 512 && sizeof(struct pd) <= 512, "size classes");
