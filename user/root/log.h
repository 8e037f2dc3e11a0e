// SPDX-License-Identifier: MIT
// The system's log: a ring that joins the kernel's log and the lines of user land.
#pragma once
#include <stdint.h>
#include "abi/hip.h"

#define LOG_SIZE (256u << 10)

struct log {
    uint64_t head;        // bytes ever written
    uint64_t kernel_read; // bytes of the kernel's log taken over
    uint64_t unseen;      // position from which the kernel printed no more itself
    const struct klog *kernel;
    uint64_t kernel_limit; // bytes of its ring that are mapped
    char bytes[LOG_SIZE];
};

void log_write(struct log *l, const char *text, uint64_t n);
void log_shown(struct log *l, uint64_t position); // the console says up to where it has shown the log
void log_take_kernel(struct log *l);              // what the kernel has logged since
void log_line(struct log *l, uint64_t us, const char *name,
              const char *text); // "[  1.234567] name: text"; name may be NULL
uint64_t log_read(const struct log *l, uint64_t *position, char *to,
                  uint64_t max); // *position moves on; too old ones catch up
