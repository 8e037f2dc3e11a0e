// SPDX-License-Identifier: MIT
#include "vmm-user/devices/pcspeaker.h"
#include "pc/pit8254.h"

#define AUDIBLE_HZ 20000

uint32_t pcspeaker_hz(const struct pit *pit)
{
    const struct pit_counter *c = &pit->counter[2];
    bool on = (pit->port61 & (PORT61_GATE2 | PORT61_SPEAKER)) == (PORT61_GATE2 | PORT61_SPEAKER);
    bool periodic = (c->mode & 3) == 2 || (c->mode & 3) == 3;
    if (!on || !periodic || !c->count)
        return 0;
    uint32_t hz = (PIT_HZ + c->count / 2) / c->count;
    return hz > AUDIBLE_HZ ? 0 : hz;
}
