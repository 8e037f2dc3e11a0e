// SPDX-License-Identifier: MIT
// Off and reset: ACPI first, then what PCs and emulators know besides.
#include "lib/c/string.h"
#include "lib/sys/clock.h"
#include "pc/acpi_pm.h"
#include "pc/debug_ports.h"
#include "pc/i8042.h"
#include "user/root/root.h"
#include "x86/regs.h"

#define DRAIN_US  5000000 // the console's last words
#define POLL_US   2000
#define SETTLE_US 200000 // until the next way is tried

// ACPI tables may lie outside of memory that root has mapped already.
static bool read_physical(void *ctx, uint64_t phys, void *to, uint32_t bytes)
{
    (void)ctx;
    if (phys >= 1ul << 46 || !bytes)
        return false;
    uint64_t first = phys & ~(PAGE_SIZE - 1), end = (phys + bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    for (uint64_t page = first; page < end; page += PAGE_SIZE) {
        enum status st = kernel_map(PD_MAP_MEM, SEL_SELF_PD, RAM_WINDOW + page, SEL_HW, page, 1, MAP_R, NULL);
        if (st != ST_OK && st != ST_IN_USE)
            return false;
    }
    memcpy(to, ram(phys), bytes);
    return true;
}

void power_find(void)
{
    const struct acpi_reader reader = {.read = read_physical};
    acpi_power_find(&reader, root.hip->rsdp, &root.power_registers);
    if (!root.power_registers.can_sleep)
        root_say(NULL, "root: ACPI does not say how to switch this machine off");
}

// scripts/run listens there: on the serial line a guest may say the same.
static void tell_emulator(const char *what)
{
    if (kernel_map(PD_MAP_PIO, SEL_SELF_PD, DEBUG_LOG_PORT, SEL_HW, DEBUG_LOG_PORT, 1, 0, NULL) == ST_OK)
        for (; *what; what++)
            outb(DEBUG_LOG_PORT, *what);
}

enum root_error serve_power(struct process *p, uint64_t *w, unsigned *answer)
{
    (void)p;
    *answer = 1;
    if (w[1] > 1)
        return ROOT_BAD;
    root.power = w[1] ? POWER_REBOOT : POWER_DOWN;
    const char *what = root.power == POWER_REBOOT ? "reboot" : "power off";
    tell_emulator(what);
    root_say("mica", what);
    sm_up(SEL_ROOT_MAIN);
    return ROOT_OK;
}

static void wait_us(uint64_t us)
{
    sm_down(SEL_ROOT_MAIN, deadline_us(us));
}

// Has the console shown all of the log? One that is not there need not be waited for.
static bool console_done(void)
{
    for (const struct process *p = root.processes; p < root.processes + MAX_PROCESSES; p++)
        if (p->state == PROCESS_RUNNING && p->kind == KIND_CONSOLE && p->public_page)
            return __atomic_load_n(&((const struct console_public *)p->public_page)->shown, __ATOMIC_ACQUIRE) >=
                   root.log.head;
    return true;
}

static void sleep_enter(uint16_t port, uint8_t type)
{
    if (port)
        outw(port, (inw(port) & ~ACPI_PM1_CNT_TYP) | (uint16_t)(type << ACPI_PM1_CNT_TYP_SHIFT) | ACPI_PM1_CNT_SLP_EN);
}

static void off(void)
{
    const struct acpi_power *a = &root.power_registers;
    if (a->can_sleep) {
        if (a->smi_cmd && a->acpi_enable && !(inw(a->pm1a_cnt) & ACPI_PM1_CNT_SCI_EN)) {
            outb(a->smi_cmd, a->acpi_enable);
            wait_us(POLL_US);
        }
        sleep_enter(a->pm1a_cnt, a->slp_typ_a);
        sleep_enter(a->pm1b_cnt, a->slp_typ_b);
        wait_us(SETTLE_US);
    }
    for (const char *c = "Shutdown"; *c; c++)
        outb(DEBUG_SHUTDOWN_PORT, *c);
}

static void reset(void)
{
    const struct acpi_power *a = &root.power_registers;
    if (a->can_reset) {
        outb(a->reset_port, a->reset_value);
        wait_us(SETTLE_US);
    }
    outb(RESET_PORT, RESET_PORT_SYS);
    outb(RESET_PORT, RESET_PORT_SYS | RESET_PORT_CPU);
    wait_us(SETTLE_US);
    outb(I8042_COMMAND, I8042_PULSE_RESET);
}

// By the main thread, outside of the handler: nobody may need root any more, but the console does.
void power_act(void)
{
    uint64_t give_up = deadline_us(DRAIN_US);
    while (!console_done() && clock_tsc() < give_up)
        wait_us(POLL_US);
    if (kernel_map(PD_MAP_PIO, SEL_SELF_PD, 0, SEL_HW, 0, 0x10000, 0, NULL) != ST_OK)
        return;
    if (root.power == POWER_REBOOT)
        reset();
    else
        off();
    wait_us(SETTLE_US);
    root_say("mica", "this machine does not obey: switch it off by hand");
    root.power = POWER_ON;
}
