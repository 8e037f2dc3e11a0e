// SPDX-License-Identifier: MIT
// The PC speaker: what counter 2 of the 8254 and port 61h make it sound like.
#pragma once
#include "vmm-user/devices/pit8254.h"

// The tone in Hz, 0: silence. Tones that nobody hears (above 20 kHz) are silence, too.
uint32_t pcspeaker_hz(const struct pit *pit);
