// SPDX-License-Identifier: MIT
// COM1 at 115200 baud, driven by its interrupt.
#pragma once
#include <stdbool.h>
#include <stdint.h>

bool serial_init(void);             // false: there is none
bool serial_receive(uint8_t *byte); // the next received byte
unsigned serial_room(void);         // bytes that the transmitter takes now
void serial_send(const uint8_t *bytes, unsigned n);
void serial_interrupts(bool receive,
                       bool transmit); // what it shall interrupt for; also lowers the line for the next edge
