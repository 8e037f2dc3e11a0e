// SPDX-License-Identifier: MIT
// From the first instructions to main, and the end.
#include "lib/sys/process.h"
#include "lib/sys/root.h"
#include "lib/sys/thread.h"

extern const uint64_t first_utcb;

_Noreturn void process_main(void)
{
    if (first_utcb == START_UTCB) // else the kernel started this program: on CPU 0, without a start page
        thread_self()->cpu = start_info()->cpu;
    int code = main();
    root_exit(code, code ? "ended with an error" : "ended");
}
