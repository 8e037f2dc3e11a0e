// SPDX-License-Identifier: MIT
// A native program that checks what the system promises to every process: its vector registers are its own (or not its
// at all), and its memory is zero when it gets it. `vectors ROUNDS` or `memory`; what it found are its last words.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/c/strtol.h"
#include "lib/sys/clock.h"
#include "lib/sys/process.h"
#include "lib/sys/root.h"
#include "lib/sys/vector.h"

#define ROUNDS_PER_FILL 64
#define MEMORY          0x100000000ul
#define MEMORY_BYTES    (12ul << 20)

static _Noreturn __attribute__((format(printf, 2, 3))) void end(int code, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args); // NOLINT(clang-analyzer-valist.Uninitialized): it is
    va_end(args);
    root_exit(code, text);
}

static _Noreturn void vectors(uint64_t rounds)
{
    uint64_t level = vector_level(), seed = clock_tsc() | 1;
    static const char *const names[] = {"x87 SSE", "x87 AVX", "AVX-512"};
    if (vector_is_reset(0, level))
        end(1, "vectors: not as after reset at first");
    for (uint64_t i = 0; i < rounds; i++) {
        if (i % ROUNDS_PER_FILL == 0)
            vector_fill(seed += 2, level);
        uint64_t wrong = vector_check(seed, level);
        if (wrong)
            end(1, "vectors: %lu words wrong in round %lu", wrong, i);
    }
    end(0, "vectors: %s: %lu rounds ok", names[level], rounds);
}

static _Noreturn void memory(void)
{
    uint64_t *words = (uint64_t *)MEMORY;
    enum root_error e = root_mem_alloc(words, MEMORY_BYTES, 0, NULL);
    if (e != ROOT_OK)
        end(1, "memory: %s", root_error_text(e));
    for (uint64_t i = 0; i < MEMORY_BYTES / 8; i++)
        if (words[i])
            end(1, "memory: %#lx at %#lx, not zero", words[i], MEMORY + i * 8);
    memset(words, 0xa5, MEMORY_BYTES); // for the next to find, if root forgets
    end(0, "memory: %lu MiB zero", MEMORY_BYTES >> 20);
}

int main(void)
{
    const char *args = start_info()->args, *what = args + strcspn(args, " ");
    what += strspn(what, " ");
    if (!strncmp(what, "vectors ", 8))
        vectors(strtoul(what + 8, NULL, 10));
    if (!strcmp(what, "memory"))
        memory();
    end(1, "check: it is `vectors ROUNDS` or `memory`");
}
