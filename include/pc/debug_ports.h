// SPDX-License-Identifier: MIT
// Ports by which test kernels and firmware talk to the machine around them.
#pragma once

#define DEBUG_POST_PORT     0x80  // POST code; also the port that everyone writes for a short delay
#define DEBUG_CONSOLE_PORT  0x402 // reads DEBUG_CONSOLE_ID where the console is there
#define DEBUG_CONSOLE_ID    0xe9
#define DEBUG_LOG_PORT      0xe9   // text for the log of an emulator
#define DEBUG_EXIT_PORT     0xf4   // the written value is the exit code
#define DEBUG_SHUTDOWN_PORT 0x8900 // the string "Shutdown" ends the machine
