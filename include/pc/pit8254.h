// SPDX-License-Identifier: MIT
// Intel 8254 timer of a PC and the control port 61h that belongs to it.
#pragma once

#define PIT_HZ       1193182
#define PIT_IRQ      0
#define PIT_COUNTER0 0x40
#define PIT_COUNTER1 0x41
#define PIT_COUNTER2 0x42
#define PIT_CONTROL  0x43
#define PIT_PORT61   0x61

// Control word: counter << 6 | access << 4 | mode << 1 | BCD
#define PIT_READ_BACK         3    // in place of the counter
#define PIT_READ_BACK_COUNT   0x20 // 0 latches the count
#define PIT_READ_BACK_STATUS  0x10 // 0 latches the status
#define PIT_LATCH             0    // in place of the access
#define PIT_ACCESS_LOW        1
#define PIT_ACCESS_HIGH       2
#define PIT_ACCESS_BOTH       3
#define PIT_BCD               0x01
#define PIT_STATUS_OUT        0x80
#define PIT_STATUS_NULL_COUNT 0x40

#define PORT61_GATE2   0x01
#define PORT61_SPEAKER 0x02
#define PORT61_REFRESH 0x10 // toggles with every refresh request
#define PORT61_OUT2    0x20
