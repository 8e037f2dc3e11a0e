// SPDX-License-Identifier: MIT
// The tests of vCPUs speak VT-x: exits of other hardware are translated.
#pragma once
#include "tests/kernel/ktest.h"

// What VT-x would have said of this exit; changes the state's words about it accordingly.
unsigned vendor_exit(unsigned event, struct utcb_state *s);
// The event of this machine that VT-x calls so.
unsigned vendor_event(unsigned vmx_event);
static inline bool vendor_svm(void)
{
    return HIP->virt & HIP_VIRT_SVM;
}
