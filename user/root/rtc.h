// SPDX-License-Identifier: MIT
// The date from the machine's clock chip (MC146818).
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct rtc_time {
    uint8_t seconds, minutes, hours, day, month, year, century; // as the registers hold them
    uint8_t b;                                                  // register B: BCD or binary, 12 or 24 hours
};

bool rtc_read(struct rtc_time *t);              // consistent; false if the chip does not answer
uint64_t rtc_seconds(const struct rtc_time *t); // since 1970 UTC; 0 when it is no date
