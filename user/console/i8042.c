// SPDX-License-Identifier: MIT
#include "user/console/i8042.h"
#include "pc/i8042.h"
#include "x86/regs.h"

#define TRIES   10000 // polls of the status: a controller that is not there must not hold us
#define NOTHING 0xff  // a bus without a controller

static bool wait_status(uint8_t mask, uint8_t value)
{
    for (unsigned i = 0; i < TRIES; i++)
        if ((inb(I8042_COMMAND) & mask) == value)
            return true;
    return false;
}

static void command(uint8_t c)
{
    if (wait_status(I8042_STATUS_IBF, 0))
        outb(I8042_COMMAND, c);
}

bool i8042_receive(uint8_t *code)
{
    uint8_t status = inb(I8042_COMMAND);
    if (status == NOTHING || !(status & I8042_STATUS_OBF))
        return false;
    *code = inb(I8042_DATA);
    return !(status & I8042_STATUS_AUX);
}

static void drain(void)
{
    for (unsigned i = 0; i < 32 && (inb(I8042_COMMAND) & I8042_STATUS_OBF); i++)
        inb(I8042_DATA);
}

void i8042_init(void)
{
    if (inb(I8042_COMMAND) == NOTHING)
        return;
    drain();
    command(I8042_READ_RAM);
    uint8_t ctr = wait_status(I8042_STATUS_OBF, I8042_STATUS_OBF) ? inb(I8042_DATA) : I8042_CTR_SYS;
    ctr |= I8042_CTR_KEYBOARD_INT | I8042_CTR_TRANSLATE;
    ctr &= ~(I8042_CTR_KEYBOARD_OFF | I8042_CTR_AUX_INT);
    command(I8042_WRITE_RAM);
    if (wait_status(I8042_STATUS_IBF, 0))
        outb(I8042_DATA, ctr);
    drain();
}
