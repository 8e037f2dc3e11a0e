// SPDX-License-Identifier: MIT
// Memory of a process in small pieces: zeroed, 16-byte aligned, NULL when there is no more. For one thread at a time.
#pragma once
#include <stddef.h>

void *heap_alloc(size_t size);
void heap_free(void *p); // NULL is fine
