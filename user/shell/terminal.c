// SPDX-License-Identifier: MIT
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/clock.h"
#include "lib/sys/thread.h"
#include "user/shell/shell.h"

#define CTRL_C   3
#define RETRY_US 50000
#define KEYS     4096

static struct channel terminal;
static struct {
    uint8_t keys[KEYS];
    uint32_t head, tail;
    bool interrupted;
} input;

static uint64_t deadline_us(uint64_t us)
{
    return clock_tsc() + clock_ticks(us, start_info()->tsc_hz);
}

uint64_t shell_now_us(void)
{
    return clock_us(clock_tsc(), start_info()->tsc_hz);
}

void terminal_open(void)
{
    while (root_channel_connect(&terminal, CHANNEL_TERMINAL, (void *)TERMINAL_VA, SEL_TERMINAL, 0) != ROOT_OK)
        sm_down(SEL_MAIN_SM, deadline_us(RETRY_US));
}

static void check_open(void)
{
    if (!channel_closed(&terminal))
        return;
    root_channel_close(&terminal);
    terminal_open();
}

// What was typed comes into our own buffer early, so that Ctrl-C is seen while a command runs.
static void pump(void)
{
    uint8_t bytes[64];
    uint32_t n;
    check_open();
    while (KEYS - (input.head - input.tail) >= sizeof bytes && (n = channel_read(&terminal, bytes, sizeof bytes)))
        for (uint32_t i = 0; i < n; i++) {
            input.interrupted |= bytes[i] == CTRL_C;
            input.keys[input.head++ % KEYS] = bytes[i];
        }
}

void print_bytes(const char *text, unsigned n)
{
    while (n) {
        uint32_t done = channel_write(&terminal, text, n);
        text += done;
        n -= done;
        if (n) {
            sm_down(SEL_MAIN_SM, 0);
            check_open();
        }
    }
}

void print(const char *format, ...)
{
    char text[1400];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args); // NOLINT(clang-analyzer-valist.Uninitialized): it is
    va_end(args);
    unsigned n = length < (int)sizeof text ? (unsigned)length : sizeof text - 1;
    for (const char *at = text, *end = text + n; at < end;) {
        const char *line = memchr(at, '\n', end - at);
        print_bytes(at, (line ? line : end) - at);
        if (line)
            print_bytes("\r\n", 2);
        at = line ? line + 1 : end;
    }
}

bool key_get(uint8_t *key, uint64_t deadline)
{
    for (;;) {
        pump();
        if (input.head != input.tail) {
            *key = input.keys[input.tail++ % KEYS];
            if (*key == CTRL_C)
                input.interrupted = false;
            return true;
        }
        if (deadline && clock_tsc() >= deadline)
            return false;
        sm_take_all(SEL_MAIN_SM, deadline);
    }
}

bool interrupted(void)
{
    pump();
    return input.interrupted;
}

// The end of a command: what was typed before the Ctrl-C that ended it is not for the next one.
bool interrupt_clear(void)
{
    if (!input.interrupted)
        return false;
    while (input.tail != input.head && input.keys[input.tail++ % KEYS] != CTRL_C)
        ;
    input.interrupted = false;
    return true;
}

bool shell_sleep(uint64_t us)
{
    if (!interrupted())
        sm_take_all(SEL_MAIN_SM, deadline_us(us));
    return !interrupted();
}
